"""Software keys, the onboarding file, and the identities a factory issues."""

import stat
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from tests.tokens import software
from tests.vendors import kev, osv

from firmward.proof import certs, roles
from firmward.proof.keys import new_p256, public_key, public_pem
from firmward.terms.errors import Malformed, Misuse, Unavailable
from firmward.terms.onboarding import read_onboarding
from firmward.vendor import advisories, onboard, project
from firmward.vendor.factory import issue_idevid
from firmward.vendor.keys import opening

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEVICE = "urn:dev:ops:32473-PUMP200-0001"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A vendor's keys and where they are."""
    home = tmp_path_factory.mktemp("home")
    return home, opening.create(home, [software()], NOW)


def test_key_files_are_named_unsafe_and_only_their_owner_reads_them(made):
    """Whoever copies the folder is the vendor, so its name says so."""
    home, created = made

    assert home / "unsafe-software-keys" == created.folder
    assert created.book.development
    modes = {stat.S_IMODE(path.stat().st_mode) for path in created.folder.iterdir()}
    assert {0o600} == modes
    assert 0o700 == stat.S_IMODE(created.folder.stat().st_mode)


def test_no_key_does_two_jobs_and_loading_gives_the_same_keys(made):
    """Nine signers, all different; a thief of one has one."""
    home, created = made
    signers = (*created.root, *created.targets, created.snapshot, created.timestamp)
    signers += (*created.evidence, created.firmware)
    pems = [public_pem(signer) for signer in signers]

    assert len(pems) == len(set(pems)) == 9
    again = opening.load(home)
    assert pems[:3] == [public_pem(signer) for signer in again.root]
    assert created.device_authority.pem == again.device_authority.pem


def test_thresholds_are_two_of_three_and_two_of_two(made):
    """No single key signs a root or a release."""
    _, created = made
    thresholds = {role: (len(k.keys), k.threshold) for role, k in created.roles().items()}

    assert {"root": (3, 2), "targets": (2, 2), "snapshot": (1, 1), "timestamp": (1, 1)} == (
        thresholds
    )


def test_keys_are_never_overwritten(made):
    """Losing the root key is losing every hospital."""
    home, created = made
    before = created.firmware_file.read_bytes()

    with pytest.raises(Misuse, match="expected no keys yet"):
        opening.create(home, [software()], NOW)
    assert before == created.firmware_file.read_bytes()


def test_a_key_that_others_may_read_is_not_used(tmp_path):
    """It may have been copied already."""
    made = opening.create(tmp_path, [software()], NOW)
    made.firmware_file.chmod(0o644)

    with pytest.raises(Misuse, match=r"expected mode 600, got 644"):
        opening.load(tmp_path)


def test_absent_or_broken_keys_are_told_apart(tmp_path):
    """One is to be looked for, the other to be replaced."""
    with pytest.raises(Unavailable, match="No such file"):
        opening.load(tmp_path)
    made = opening.create(tmp_path, [software()], NOW)
    made.firmware_file.write_bytes(b"not a key")
    with pytest.raises(Malformed):
        opening.load(tmp_path)


def test_a_factory_identity_names_the_device_and_leads_to_the_authority(made):
    """A hospital that pinned the authority knows the device by it."""
    _, created = made
    key = new_p256()
    issued = issue_idevid(created, DEVICE, key.public_key(), NOW)

    assert DEVICE == certs.identity(issued.public_bytes(serialization.Encoding.DER))
    assert certs.signed_by(issued, created.device_authority.certificate)
    assert 2046 == issued.not_valid_after_utc.year


@pytest.mark.parametrize("device", ["", "pump-1", "urn:dev:ops:32473-PUMP", f"{DEVICE}\n"])
def test_what_is_no_device_id_gets_no_identity(made, device):
    """A certificate for another kind of name would open another door."""
    with pytest.raises(Malformed):
        issue_idevid(made[1], device, new_p256().public_key(), NOW)


def test_the_onboarding_file_holds_public_halves_only(tree, tmp_path):
    """And it is all a hospital needs to verify with."""
    declared = project.read((tree.folder / "pump/firmward.toml").read_bytes())
    home = onboard.start(tmp_path / "home", [declared], 32473, NOW)
    data = (home.folder / "vendor.json").read_bytes()
    said = read_onboarding(data)

    assert b"PRIVATE" not in data
    assert ("acme", 32473) == (said.vendor, said.enterprise)
    [evidence] = said.evidence_keys
    assert home.keys.evidence[0].public_key == public_key(evidence, "evidence")
    root = home.repository.roots()["1.root.json"]
    assert {"root": 2, "targets": 2, "snapshot": 1, "timestamp": 1} == roles.root_keys(root, "root")
    assert home.keys.folder == onboard.open_home(home.folder).keys.folder


def test_projects_of_two_vendors_share_no_home(tree, tmp_path):
    """One home is one vendor's keys."""
    two = [
        project.read((tree.folder / name / "firmward.toml").read_bytes())
        for name in ("pump", "monitor")
    ]

    with pytest.raises(Misuse, match="one vendor"):
        onboard.start(tmp_path / "home", two, 32473, NOW)
    assert not (tmp_path / "home").exists()


def test_a_snapshot_of_advisories_is_a_folder_and_no_part_may_be_absent(tmp_path):
    """Matching against half of it would find half."""
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv/one.json").write_bytes(osv())
    with pytest.raises(Unavailable, match="KEV catalogue"):
        advisories.load(tmp_path)

    (tmp_path / "kev.json").write_bytes(kev("CVE-2026-0001"))
    assert advisories.load(tmp_path).exploited(["CVE-2026-0001"])
    with pytest.raises(Unavailable):
        advisories.load(tmp_path / "absent")

"""Which keys a project may be released with, and what a home refuses to be made of."""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.tokens import software

from firmward.proof import roles
from firmward.terms.errors import Malformed, Misuse, Refused, Unavailable
from firmward.vendor import project
from firmward.vendor.keys import book, opening
from firmward.vendor.keys.ring import permit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A vendor with software keys."""
    return opening.create(tmp_path_factory.mktemp("home"), [software()], NOW)


def test_software_keys_are_made_only_where_the_project_file_says_development(tmp_path):
    """Otherwise nothing is written, and the answer says what to write instead."""
    with pytest.raises(Misuse, match="software keys only where the project file says"):
        opening.create(tmp_path / "home", [software(development="false")], NOW)
    mixed = [software(), software(development="false")]
    with pytest.raises(Misuse, match="software keys only where the project file says"):
        opening.create(tmp_path / "home", mixed, NOW)
    assert not (tmp_path / "home").exists()


def test_a_production_project_is_not_released_with_software_keys(made):
    """Made for a development project, they sign no other: the commit decides."""
    permit(software(), made)
    with pytest.raises(Refused, match="software keys only where the project file says"):
        permit(software(development="false"), made)


@pytest.mark.parametrize(
    ("keys", "got"),
    [
        ("hybrid = true", "expected software hybrid keys, got software"),
        ('backend = "pkcs11"', "expected pkcs11 keys, got software"),
    ],
)
def test_a_project_that_asks_for_better_keys_is_not_released_with_worse(made, keys, got):
    """A home without the pair would publish half of what hospitals were promised."""
    with pytest.raises(Refused, match=got):
        permit(software(keys=keys), made)


def test_one_vendors_keys_release_nothing_of_another(made):
    """Homes are mixed up easily; the signature would be taken for the wrong vendor's."""
    with pytest.raises(Refused, match="expected those of borealis, got those of acme"):
        permit(msgspec.structs.replace(software(), vendor="borealis"), made)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('algorithms = {firmware = "ecdsa-p384"}', "firmware: expected ecdsa-p256 or ed25519"),
        ('algorithms = {device-authority = "ed25519"}', "device-authority: expected ecdsa"),
        ('algorithms = {stranger = "ed25519"}', "expected roles of"),
        ('tokens = {stranger = "t"}', "expected tokens of known roles"),
        ('backend = "pkcs11"\ntoken = "t"', "expected module and token"),
    ],
)
def test_settings_that_a_reader_could_not_use_make_no_keys(tmp_path, keys, says):
    """A P-384 firmware key would sign images that no boot stage takes."""
    with pytest.raises(Misuse, match=says):
        opening.create(tmp_path / "home", [software(keys=keys)], NOW)
    assert not (tmp_path / "home").exists()


def test_algorithms_can_be_chosen_by_role(tmp_path):
    """The defaults hold for whoever is not named."""
    chosen = 'algorithms = {firmware = "ed25519", root = "ecdsa-p256"}'
    keys = opening.create(tmp_path / "home", [software(keys=chosen)], NOW)
    made = {held.name: held.algorithm for held in keys.book.keys}

    assert ("ed25519", "ecdsa-p256", "ecdsa-p256") == (
        made["firmware"],
        made["root-3"],
        made["evidence"],
    )


def test_projects_of_one_vendor_hold_keys_in_one_way(tmp_path):
    """Two [keys] sections would mean two vendors."""
    with pytest.raises(Misuse, match=r"one \[keys\] section"):
        opening.create(tmp_path / "home", [software(), software(keys="hybrid = true")], NOW)


def test_mac_keys_are_added_for_new_device_classes_and_never_made_again(tmp_path):
    """Made again, every device of the class would refuse what comes next."""
    home = tmp_path / "home"
    opening.create(home, [software()], NOW)
    assert [] == opening.add_macs(home, [software()])
    wanted = [software(integrity="symmetric-mac")]

    assert ["mac-PUMP200"] == opening.add_macs(home, wanted)
    first = opening.load(home).macs["PUMP200"].mac(b"x")
    assert [] == opening.add_macs(home, wanted)
    assert first == opening.load(home).macs["PUMP200"].mac(b"x")


def test_a_book_that_is_none_and_a_key_of_another_length_are_refused(tmp_path):
    """Spoilt is told apart from absent."""
    home = tmp_path / "home"
    opening.create(home, [software(integrity="symmetric-mac")], NOW)
    (home / "unsafe-software-keys/mac-PUMP200.bin").write_bytes(b"short")
    with pytest.raises(Malformed, match="expected 32 bytes"):
        opening.load(home)
    (home / book.FILE).write_bytes(b'{"keys":[]}')
    with pytest.raises(Malformed):
        opening.load(home)
    (home / book.FILE).unlink()
    with pytest.raises(Unavailable, match="No such file"):
        opening.load(home)


def test_the_file_that_a_hospital_pins_of_a_hybrid_vendor_is_within_its_limits(tmp_path):
    """Six root keys, four of them signing, three and two ML-DSA keys: some 40 kB."""
    keys = opening.create(tmp_path / "home", [software(keys="hybrid = true")], NOW)
    thresholds = {role: (len(k.keys), k.threshold) for role, k in keys.roles().items()}

    expected = {"root": (6, 4), "targets": (4, 4), "snapshot": (1, 1), "timestamp": (1, 1)}
    assert expected == thresholds
    assert ["root-1", "root-1-ml-dsa", "root-2", "root-2-ml-dsa"] == [
        held.name for held in keys.book.of("root")[: len(keys.founders)]
    ]
    assert roles.TIMESTAMP_LIMIT > 10 * len(keys.timestamp.sign(b"x").signature)


def test_the_pin_is_not_a_setting():
    """A project file is in git."""
    with pytest.raises(Malformed):
        project.read(b'pin = "1234"')
    with pytest.raises(Malformed):
        software(keys='pin = "1234"')

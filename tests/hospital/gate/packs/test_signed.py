"""A site judges by what enough of its policy keys signed, never by anything older."""

import json
import shutil
from datetime import timedelta

import pytest
from tests.made_packs import NOW

from firmward.hospital.gate.packs import adopt, adopted, signed
from firmward.hospital.gate.packs.adopted import in_force, load, pinned
from firmward.hospital.gate.packs.folder import ENVELOPE, MANIFEST, read_folder
from firmward.hospital.gate.packs.signed import RolledBack
from firmward.hospital.gate.policy import PackNotInForce
from firmward.hospital.records import ledger, policies
from firmward.hospital.records.site import load_settings, open_site
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, Misuse, NotTrusted, Refused, Unavailable
from firmward.terms.statement import SARIF, statement
from firmward.terms.wire import plain

PACK = "policy/packs/made/2026.11.0"


def policy_of(home, remembered=None, now=NOW):
    """What a site would judge by."""
    return load(home, load_settings(home), now, remembered or {})


def everything(home):
    """Every file of a site's policy."""
    return {path: path.read_bytes() for path in (home / "policy").rglob("*") if path.is_file()}


def test_an_adopted_pack_is_what_the_site_judges_by(site):
    """Copied, signed by two of three keys, and verified on every reading."""
    loaded = policy_of(site)

    assert "made@2026.11.0" == loaded.policy.name
    assert ["MAD-001", "MAD-002"] == [asked.rule.id for asked in loaded.policy.rules]
    assert {"formats": ["CycloneDX"], "levels": {"1": 2, "2": 1}, "days": 7} == dict(
        loaded.policy.parameters
    )
    sealed = json.loads((site / PACK / ENVELOPE).read_bytes())
    assert 2 == len(sealed["signatures"])


def test_a_change_of_one_bit_in_any_file_is_refused(site):
    """Whatever of a pack is changed, nothing is judged by it."""
    for path, data in everything(site).items():
        for at in {0, len(data) // 2, len(data) - 1}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(Refused):
                policy_of(site)
        path.write_bytes(data)
    assert policy_of(site)


def test_every_file_that_is_gone_or_new_is_refused(site):
    """A rule file left out loosens, and one slipped in decides."""
    for path, data in everything(site).items():
        path.unlink()
        with pytest.raises((Refused, Unavailable)):
            policy_of(site)
        path.write_bytes(data)
    (site / PACK / "rules" / "more.yaml").write_text("[]")
    with pytest.raises(Malformed):
        policy_of(site)


def resealed(site, said=None, by=None, threshold=None):
    """The pack's envelope made anew, by other keys or saying something else."""
    folder = read_folder(site / PACK)
    found = signed.checked(folder, pinned(site))
    signers = by if by is not None else adopt.signers(site / "keys" / "offline")
    about = said or statement(MANIFEST, folder.sha256, signed.POLICY, plain(found))
    (site / PACK / ENVELOPE).write_bytes(envelope.seal_statement(about, signers[:threshold]))


def stated(site, **changes):
    """A statement over the pack's manifest, with some of what it says changed."""
    folder = read_folder(site / PACK)
    says = {**plain(signed.checked(folder, pinned(site))), **changes}
    return statement(MANIFEST, folder.sha256, signed.POLICY, says)


ATTACKS = {
    "no signatures": lambda site: (site / PACK / ENVELOPE).unlink(),
    "one of three keys": lambda site: resealed(site, threshold=1),
    "one key twice": lambda site: resealed(
        site, by=[adopt.signers(site / "keys" / "offline")[0]] * 2
    ),
    "somebody else's keys": lambda site: resealed(site, by=[keys.new_signer() for _ in range(3)]),
    "the verdict key and one policy key": lambda site: resealed(
        site,
        by=[
            keys.signer_from_pem((site / "keys" / "verdict.key").read_bytes()),
            adopt.signers(site / "keys" / "offline")[0],
        ],
    ),
    "another manifest": lambda site: resealed(
        site, statement(MANIFEST, "0" * 64, signed.POLICY, plain(signed.checked(*known(site))))
    ),
    "another kind of statement": lambda site: resealed(
        site, statement(MANIFEST, read_folder(site / PACK).sha256, SARIF, {})
    ),
    "an overlay's signatures": lambda site: resealed(site, stated(site, kind="overlay")),
    "a longer life": lambda site: resealed(site, stated(site, expires="2099-01-01T00:00:00Z")),
    "another version": lambda site: resealed(site, stated(site, version="2026.12.0")),
    "another pack": lambda site: resealed(site, stated(site, id="other")),
    "words nobody knows": lambda site: resealed(site, stated(site, force=True)),
    "not in-toto": lambda site: (site / PACK / ENVELOPE).write_bytes(
        envelope.seal(b"{}", "text/plain", adopt.signers(site / "keys" / "offline"))
    ),
    "not DSSE": lambda site: (site / PACK / ENVELOPE).write_bytes(b"{}"),
}


def known(site):
    """The pack's folder and the site's keyring."""
    return read_folder(site / PACK), pinned(site)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_pack_that_is_not_signed_as_it_must_be_is_refused(site, attack):
    """Two of the site's three policy keys, over this manifest, under this name and these days."""
    ATTACKS[attack](site)

    with pytest.raises((NotTrusted, Malformed)):
        policy_of(site)


def test_a_pack_under_another_name_or_version_is_refused(site):
    """A folder that is moved does not become a newer version, or another pack."""
    for name in ("made/2026.11.1", "made/2027.1.0", "zebra/2026.11.0"):
        target = site / "policy" / "packs" / name
        shutil.copytree(site / PACK, target)
        with pytest.raises(Refused):
            policy_of(site)
        shutil.rmtree(target.parent if name.startswith("zebra") else target)


def test_a_site_without_policy_judges_nothing(home, made):
    """No packs are no reason to admit everything."""
    with pytest.raises(Unavailable, match="firmward policy adopt"):
        policy_of(home)
    made().write()
    adopt.adopt(home, made().folder, ["made"], NOW)
    (home / "public" / adopted.KEYRING).unlink()
    with pytest.raises(Misuse):
        policy_of(home)


def newer(home, made, version="2026.12.0", **changes):
    """A later version of the pack, adopted."""
    head = {"effective_from": "2026-11-20T00:00:00Z"}
    made(version=version, head=head, **changes).write()
    adopt.adopt(home, made().folder, ["made"], NOW)
    return home / "policy" / "packs" / "made" / version


def test_an_older_version_is_refused_once_a_newer_was_used(site, made):
    """Taking the new folder away does not bring the old rules back, nor does taking both."""
    folder = newer(site, made)
    opened = open_site(site)
    assert "made@2026.12.0" == in_force(opened, NOW).name
    shutil.move(folder, site / "elsewhere")

    with pytest.raises(RolledBack, match=r"pack:made: expected version 2026\.12\.0 or later, got"):
        in_force(opened, NOW)
    shutil.rmtree(site / "policy" / "packs" / "made")
    with pytest.raises((RolledBack, Unavailable)):
        in_force(opened, NOW)
    with opened.store.reading() as connection:
        assert {"keys:policy": "2 of 3", "pack:made": "2026.12.0"} == versions(connection)
        assert ["policy.adopted"] == kinds(connection)
    opened.close()


def versions(connection):
    """What the site remembers."""
    return {name: used.version for name, used in policies.remembered(connection).items()}


def kinds(connection):
    """What the ledger says of the pack, oldest first."""
    return [event.kind for _, event in ledger.events_about(connection, "policy:pack:made")]


def test_another_pack_under_a_used_version_is_refused(site, made, tmp_path):
    """Even signed: a version means one content, or the ledger's word on it means nothing."""
    opened = open_site(site)
    in_force(opened, NOW)
    shutil.rmtree(site / PACK)
    made(parameters={"formats": ["CycloneDX"], "levels": {"1": 1, "2": 1}, "days": 7}).write()
    adopt.adopt(site, made().folder, ["made"], NOW)

    with pytest.raises(RolledBack, match="as it was used"):
        in_force(opened, NOW)
    opened.close()


def test_a_pack_that_is_gone_is_refused_unless_one_took_its_place(site, another):
    """Its rules would be gone with it; a pack that says so in its own signed head replaces it."""
    opened = open_site(site)
    in_force(opened, NOW)
    another(head={"supersedes": ["made"]}).write()
    shutil.rmtree(site / "policy" / "packs" / "made")
    adopt.adopt(site, another().folder, ["other"], NOW)

    assert "other@2026.11.0" == in_force(opened, NOW).name
    opened.close()


def test_each_change_is_on_the_ledger_once(site, made):
    """Adopted, changed, and nothing for a restart."""
    opened = open_site(site)
    in_force(opened, NOW)
    in_force(opened, NOW)
    newer(site, made)
    in_force(opened, NOW)
    with opened.store.reading() as connection:
        assert ["policy.adopted", "policy.changed"] == kinds(connection)
        [_, (_, event)] = ledger.events_about(connection, "policy:pack:made")
    assert "the gate judges by pack made 2026.12.0 instead of 2026.11.0" == event.says
    opened.close()


def test_the_next_version_can_be_adopted_ahead_of_its_day(site, made):
    """Until then the one before it is used."""
    made(version="2027.1.0", head={"effective_from": "2027-01-01T00:00:00Z"}).write()
    adopt.adopt(site, made().folder, ["made"], NOW)

    assert "made@2026.11.0" == policy_of(site).policy.name
    assert "made@2027.1.0" == policy_of(site, now=NOW + timedelta(days=60)).policy.name


def test_a_policy_that_is_over_is_loaded_and_judges_nothing(site):
    """A server must be able to start, serve and roll back; it admits nothing."""
    later = NOW + timedelta(days=400)
    policy = policy_of(site, now=later).policy

    with pytest.raises(PackNotInForce, match=r"made@2026\.11\.0"):
        policy.in_force(later)


def test_what_is_over_or_does_not_fit_is_not_adopted_and_nothing_is_written(site, another, made):
    """All of it can be in force together, or none of it is laid down."""
    before = everything(site)
    another(head={"expires": "2026-11-02T00:00:00Z"}).write()
    with pytest.raises(PackNotInForce):
        adopt.adopt(site, another().folder, ["other"], NOW)
    another(rules=made().rules).write()
    with pytest.raises(Malformed, match="one pack"):
        adopt.adopt(site, another().folder, ["other"], NOW)
    another(parameters={}, bounds={}).write()
    with pytest.raises(Malformed, match="nobody"):
        adopt.adopt(site, another().folder, ["other"], NOW)
    made(parameters={**made().parameters, "days": 8}).write()
    with pytest.raises(Refused, match="a new version"):
        adopt.adopt(site, made().folder, ["made"], NOW)

    assert before == everything(site)


def test_two_people_sign_one_after_the_other_and_the_site_needs_no_key(home, made, tmp_path):
    """Keys that never meet on one machine: each adds a signature where the pack lies."""
    path = made().write()
    for number in (1, 3):
        folder = tmp_path / f"person-{number}"
        folder.mkdir()
        shutil.move(home / "keys" / "offline" / f"policy-{number}.key", folder)
        adopt.sign(path, folder)
    shutil.rmtree(home / "keys" / "offline")
    adopt.adopt(home, made().folder, ["made"], NOW)

    assert "made@2026.11.0" == policy_of(home).policy.name


def test_one_key_alone_adopts_nothing(home, made):
    """A thief with one key and the site's folder signs in vain."""
    made().write()
    for number in (2, 3):
        (home / "keys" / "offline" / f"policy-{number}.key").unlink()

    with pytest.raises(NotTrusted):
        adopt.adopt(home, made().folder, ["made"], NOW)
    assert not (home / "policy").exists()
    (home / "keys" / "offline" / "policy-1.key").unlink()
    with pytest.raises(Misuse, match="a policy key"):
        adopt.adopt(home, made().folder, ["made"], NOW)


def test_other_policy_keys_are_told_on_the_ledger(site, made):
    """Whoever exchanges whose signatures count leaves an event, and signs everything again."""
    opened = open_site(site)
    in_force(opened, NOW)
    for path in (site / "keys" / "offline").glob("policy-*.key"):
        path.unlink()
    adopt.new_keys(site)
    with pytest.raises(NotTrusted):
        in_force(opened, NOW)
    shutil.rmtree(site / "policy")
    adopt.adopt(site, made().folder, ["made"], NOW)
    in_force(opened, NOW)

    with opened.store.reading() as connection:
        events = [event for _, event in ledger.events_about(connection, "policy:keys:policy")]
        assert ["policy.adopted"] == kinds(connection)
    assert ["policy.adopted", "policy.changed"] == [event.kind for event in events]
    assert events[0].detail["sets"] != events[1].detail["sets"]
    opened.close()

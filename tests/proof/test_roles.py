"""A refreshed repository is what its root says, never older, never mixed, never half trusted."""

from datetime import timedelta

import pytest
from tests.repositories import NOW, PATH, Repository, signers

from firmward.proof.repository import custom, publish, target
from firmward.proof.roles import ROOT_LIMIT, RolesRefused, refresh, root_keys
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.report import Attack


def test_an_honest_repository_gives_its_targets_versions_and_earliest_expiry():
    """From the pinned root to the target's length, digest and custom member."""
    trusted = (vendor := Repository()).refresh(vendor.first)

    assert {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 1} == trusted.versions
    assert [PATH] == list(trusted.targets)
    assert {"product": "pump-200"} == custom(trusted.targets[PATH])
    assert NOW + timedelta(days=1) == trusted.expires
    assert {"root", "timestamp", "snapshot", "targets"} == set(trusted.files)


def test_what_was_kept_spares_the_next_refresh_its_files():
    """With nothing new, only the next root and the timestamp are asked for."""
    vendor = Repository()
    kept = vendor.refresh(vendor.first).files
    vendor.asked.clear()

    assert kept == vendor.refresh(kept).files
    assert ["2.root.json", "timestamp.json"] == vendor.asked


def test_growth_is_followed():
    """New versions of all roles replace what was kept."""
    vendor = Repository()
    kept = vendor.refresh(vendor.first).files

    trusted = vendor.publish(b"firmware 2").refresh(kept)

    assert {"root": 1, "targets": 2, "snapshot": 2, "timestamp": 2} == trusted.versions
    assert 10 == trusted.targets[PATH].length


def test_thresholds_are_read_from_a_root_that_signs_itself():
    """A person can be shown how many must sign; a root nobody signed shows nothing."""
    vendor = Repository()
    data = vendor.files["1.root.json"]

    assert {"root": 2, "targets": 2, "snapshot": 1, "timestamp": 1} == root_keys(data, "vendor")
    with pytest.raises(RolesRefused):
        root_keys(data.replace(b'"version":1', b'"version":2'), "vendor")


def test_every_root_on_the_way_is_walked():
    """Three rotations, each signed by old and new holders; the last one's keys count."""
    vendor = Repository()
    kept = vendor.refresh(vendor.first).files
    vendor.rotate(root=signers(2))
    vendor.rotate(root=signers(3), targets=signers(3))
    vendor.rotate(timestamp=signers(), snapshot=signers())
    vendor.publish(b"firmware 2")

    trusted = vendor.refresh(kept)

    assert 4 == trusted.versions["root"]
    assert vendor.files["4.root.json"] == trusted.files["root"]
    assert trusted.files == vendor.refresh(trusted.files).files


def test_an_expired_root_on_the_way_is_passed_but_not_at_the_end():
    """A device that slept for a year must be able to catch up (TUF 5.3.10)."""
    vendor = Repository()
    kept = vendor.refresh(vendor.first).files
    vendor.rotate(life=timedelta(days=-1))
    with pytest.raises(RolesRefused, match=r"root\.json is expired"):
        vendor.refresh(kept)

    vendor.rotate()

    assert 3 == vendor.refresh(kept).versions["root"]


def test_a_fast_forward_is_recovered_from_by_rotating_the_stolen_keys():
    """A thief signs version 2^31; the new keys start over at 2 and the client follows."""
    vendor = Repository()
    thief = vendor.copy().at(timestamp=2**31, snapshot=2**31)
    kept = thief.publish(b"firmware 1").refresh(vendor.first).files
    vendor.publish(b"firmware 2")
    with pytest.raises(RolesRefused):
        vendor.refresh(kept)

    vendor.rotate(timestamp=signers(), snapshot=signers())
    trusted = vendor.at(timestamp=1, snapshot=1).publish(b"firmware 3").refresh(kept)

    assert {"root": 2, "targets": 3, "snapshot": 2, "timestamp": 2} == trusted.versions


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[:-9], lambda data: b"[[[["])
def test_a_kept_file_that_rotted_on_the_disk_is_fetched_again(role, spoil):
    """One bad sector does not keep a device from updates, nor is it believed."""
    vendor = Repository()
    kept = dict(vendor.refresh(vendor.first).files)

    again = vendor.refresh(kept | {role: spoil(kept[role])})

    assert kept == again.files


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_kept_file_that_somebody_else_signed_is_not_believed(role):
    """What lies on a disk is only a claim: a planted file changes nothing."""
    vendor, other = Repository(), Repository()
    kept = dict(vendor.refresh(vendor.first).files)
    planted = other.refresh(other.first).files[role]

    assert kept == vendor.refresh(kept | {role: planted}).files


def test_a_kept_root_that_rotted_is_refused():
    """The anchor itself has no second copy here: without it nothing is trusted."""
    vendor = Repository()
    for data in (b"", vendor.files["1.root.json"][:-5], b"{}", vendor.files["timestamp.json"]):
        with pytest.raises(RolesRefused):
            vendor.refresh({"root": data})


def test_the_same_timestamp_again_is_no_attack_until_it_runs_out():
    """A repository may be quiet; a server that only repeats itself is noticed by expiry."""
    vendor = Repository()
    kept = vendor.refresh(vendor.first).files
    vendor.refresh(kept, NOW + timedelta(hours=23))

    with pytest.raises(RolesRefused) as caught:
        vendor.refresh(kept, NOW + timedelta(days=1))

    assert Attack.FROZEN == caught.value.attack


def test_an_expired_kept_timestamp_still_protects_against_rollback():
    """After a long sleep an old version is still an old version."""
    vendor = Repository()
    old = vendor.copy()
    kept = vendor.publish(b"firmware 2").refresh(vendor.first).files
    later = NOW + timedelta(days=2)
    old.now, old.state = later, old.at(timestamp=0, snapshot=0, targets=0).state

    with pytest.raises(RolesRefused, match="must be >= 2"):
        old.publish(b"firmware 1").refresh(kept)


@pytest.mark.parametrize("missing", ["timestamp.json", "2.snapshot.json", "2.targets.json"])
def test_a_missing_file_cannot_be_judged(missing):
    """Absence is not evidence: try again later, and keep what is trusted."""
    vendor = Repository()
    kept = dict(vendor.refresh(vendor.first).files)
    before = dict(kept)
    del vendor.publish(b"firmware 2").files[missing]

    with pytest.raises(Unavailable, match=missing):
        vendor.refresh(kept)

    assert before == kept


def test_a_target_that_leaves_its_folder_is_refused_although_it_is_signed():
    """A vendor's signature gives no right to write elsewhere."""
    for path in ("../etc/passwd", "/etc/passwd", "a//b", "a/./b", "a\nb", ""):
        vendor = Repository()
        entries = {path: target(path, b"x", {})}
        vendor.state, files = publish(vendor.state, entries, vendor.holders, NOW, vendor.lives)
        vendor.files |= files
        with pytest.raises(Malformed, match="vendor target"):
            vendor.refresh(vendor.first)


def test_the_root_is_never_asked_for_more_than_its_limit():
    """A transport is told how much to read at most."""
    vendor, limits = Repository(), {}

    def fetch(name: str, limit: int) -> bytes | None:
        limits[name] = limit
        return vendor.files.get(name)

    refresh(vendor.first, fetch, NOW, "vendor")

    assert ROOT_LIMIT == limits["2.root.json"]
    assert max(limits.values()) <= 5_000_000


def test_an_endless_chain_of_roots_is_given_up():
    """A thief of the root keys cannot make a device walk for ever."""
    vendor = Repository(holders={role: signers() for role in Repository().holders})
    for _ in range(257):
        vendor.rotate()

    with pytest.raises(RolesRefused, match="rotations") as caught:
        vendor.refresh(vendor.first)

    assert Attack.ENDLESS_DATA == caught.value.attack


def test_a_transport_that_cannot_tell_stops_the_refresh():
    """No root is skipped because the network failed at that moment."""
    vendor = Repository()

    def fetch(name: str, limit: int) -> bytes | None:
        raise Unavailable(f"{name}: connection reset")

    with pytest.raises(Unavailable, match=r"2\.root\.json"):
        refresh(vendor.first, fetch, NOW, "vendor")


def test_any_truncation_of_any_file_is_refused():
    """Half a file is no file, wherever it was cut."""
    vendor = Repository()
    for name in ("timestamp.json", "1.snapshot.json", "1.targets.json"):
        whole = vendor.files[name]
        for end in range(0, len(whole), 41):
            vendor.files[name] = whole[:end]
            with pytest.raises(RolesRefused):
                vendor.refresh(vendor.first)
        vendor.files[name] = whole
    vendor.refresh(vendor.first)

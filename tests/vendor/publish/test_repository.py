"""A repository that only grows, and that nobody else can slip a target into."""

import io
import json
import tarfile
from datetime import UTC, datetime, timedelta

import pytest
from tests.tokens import software
from tests.vendors import contents, refreshed

from firmward.proof.repository import Lives
from firmward.proof.roles import RolesRefused
from firmward.terms.errors import Malformed, Misuse, NotTrusted
from firmward.terms.report import Attack
from firmward.vendor import bundle
from firmward.vendor.keys import opening
from firmward.vendor.publish.repository import AlreadyPublished, File, ImageRepository

NOW = datetime.now(UTC)
FIRST = {"pump-200/1.0.0+1/image.bin": File(b"one", {"a": 1})}
SECOND = {"pump-200/1.1.0+3/image.bin": File(b"two", {"a": 2})}


def test_what_is_published_verifies_from_the_first_root(vendor):
    """Through the very code a hospital and a device use."""
    repository = vendor.home.repository
    assert {} == repository.listing()
    repository.publish(FIRST, NOW)
    repository.publish(SECOND, NOW)

    trusted = refreshed(vendor.home)
    assert set(FIRST | SECOND) == set(trusted.targets)
    assert {"root": 1, "targets": 2, "snapshot": 2, "timestamp": 2} == trusted.versions
    assert b"two" == repository.read(next(iter(SECOND)))


def test_what_was_published_is_never_rewritten(vendor):
    """Not even with the same bytes; and nothing moves."""
    vendor.home.repository.publish(FIRST, NOW)
    before = vendor.published

    with pytest.raises(AlreadyPublished):
        vendor.home.repository.publish({**SECOND, **FIRST}, NOW)
    assert before == vendor.published


def test_renewing_adds_no_target_and_keeps_all(vendor):
    """Snapshot and timestamp run out by themselves; nothing else changes."""
    vendor.home.repository.publish(FIRST, NOW)
    later = NOW + timedelta(days=3)
    with pytest.raises(RolesRefused) as refused:
        refreshed(vendor.home, later)
    assert Attack.FROZEN == refused.value.attack

    vendor.home.repository.publish({}, later)
    assert set(FIRST) == set(refreshed(vendor.home, later).targets)


def test_metadata_lives_as_long_as_asked(vendor):
    """The lab asks for seconds to show a freeze."""
    vendor.home.repository.publish(FIRST, NOW, lives=Lives(timestamp=timedelta(seconds=5)))

    assert refreshed(vendor.home, NOW)
    with pytest.raises(RolesRefused):
        refreshed(vendor.home, NOW + timedelta(seconds=7))


def test_with_too_few_signers_nothing_is_written(vendor):
    """What every reader must refuse has no place in the repository."""
    vendor.home.repository.publish(FIRST, NOW)
    before = vendor.published
    one = {"targets": vendor.home.keys.targets[:1]}
    files = vendor.home.repository.publish(SECOND, NOW, unsafe_signers=one)

    assert before == vendor.published
    assert 1 == len(json.loads(files["2.targets.json"])["signatures"])
    assert set(FIRST) == set(refreshed(vendor.home).targets)


def test_a_target_slipped_into_the_folder_is_not_signed_by_the_next_release(vendor):
    """Whoever may write to the folder may not speak for the vendor."""
    vendor.home.repository.publish(FIRST, NOW)
    path = vendor.home.folder / "repository/metadata/1.targets.json"
    document = json.loads(path.read_bytes())
    document["signed"]["targets"]["pump-200/6.6.6+9/image.bin"] = {
        "length": 1,
        "hashes": {"sha256": "00" * 32},
    }
    path.write_text(json.dumps(document))
    before = vendor.published

    with pytest.raises(NotTrusted, match="repository"):
        vendor.home.repository.publish(SECOND, NOW)
    assert before == vendor.published


def test_another_vendors_metadata_is_not_taken_over(vendor, tmp_path):
    """A folder signed by other keys is not ours to add to."""
    vendor.home.repository.publish(FIRST, NOW)
    other = opening.create(tmp_path / "other", [software()], NOW)
    with pytest.raises(NotTrusted):
        ImageRepository(vendor.home.folder / "repository", other).publish(SECOND, NOW)


def test_a_file_that_is_not_the_one_described_is_not_read(vendor):
    """A target changed on the disk is no source of a fallback."""
    vendor.home.repository.publish(FIRST, NOW)
    (path,) = FIRST
    (vendor.home.folder / "repository/targets" / path).write_bytes(b"not")

    with pytest.raises(NotTrusted):
        vendor.home.repository.read(path)
    with pytest.raises(NotTrusted, match="not published"):
        vendor.home.repository.read("pump-200/9.9.9+9/image.bin")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", ".hidden/x", "a\\b", ""])
def test_a_target_path_that_leaves_its_folder_is_refused(vendor, path):
    """Nothing is written, inside or outside."""
    before = contents(vendor.home.folder)

    with pytest.raises(Malformed):
        vendor.home.repository.publish({path: File(b"", {})}, NOW)
    assert before == contents(vendor.home.folder)


def test_dying_before_the_timestamp_leaves_the_state_before_and_is_resumed(vendor):
    """The leftovers of a cut-short publication are what a crash at that line leaves."""
    repository = vendor.home.repository
    repository.publish(FIRST, NOW)
    timestamp = vendor.home.folder / "repository/metadata/timestamp.json"
    old = timestamp.read_bytes()
    repository.publish(SECOND, NOW)
    timestamp.write_bytes(old)

    assert set(FIRST) == set(refreshed(vendor.home).targets)
    repository.publish(SECOND, NOW)
    assert set(FIRST | SECOND) == set(refreshed(vendor.home).targets)
    assert 3 == refreshed(vendor.home).versions["targets"]


def test_a_repository_is_founded_once(vendor):
    """A second root with version 1 would split the hospitals."""
    with pytest.raises(Misuse):
        vendor.home.repository.found(NOW)


def test_equal_files_make_equal_bundles_of_plain_members():
    """No time, owner or order of the machine is in the archive."""
    metadata = {"timestamp.json": b"{}", "1.root.json": b"{}"}
    one = bundle.pack(metadata, {"a/b": b"1", "a/a": b"2"})
    two = bundle.pack(dict(reversed(metadata.items())), {"a/a": b"2", "a/b": b"1"})

    assert one == two
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert ["metadata/1.root.json", "metadata/timestamp.json"] == names[:2]
    assert ["targets/a/a", "targets/a/b"] == names[2:]
    assert all(member.isreg() and (member.mtime, member.uid) == (0, 0) for member in members)


def test_a_name_too_long_for_the_archive_is_a_misuse():
    """ustar would split it, and two readers could join it differently."""
    with pytest.raises(Misuse, match="100 characters"):
        bundle.pack({}, {"a" * 95: b""})

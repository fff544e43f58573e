"""Taking a release out for good: no reader takes it, and its name never comes back."""

import json
import tarfile
from datetime import UTC, datetime

import pytest
from tests.vendors import contents, refreshed
from typer.testing import CliRunner

from firmward.terms.errors import Malformed, Refused
from firmward.vendor import onboard
from firmward.vendor.publish import revocations
from firmward.vendor.publish.cli import app
from firmward.vendor.publish.repository import File, Revoked

NOW = datetime.now(UTC)
BAD, BACK = "pump-200@1.1.0+3", "pump-200@1.0.0+4"
IMAGE, WAY = "pump-200/1.1.0+3/image.bin", "pump-200/1.0.0+4/image.bin"
FILES = {
    IMAGE: File(b"bad", {}),
    "pump-200/1.1.0+3/evidence/sbom.dsse.json": File(b"{}", {}),
    WAY: File(b"way back", {}),
    "pump-200/1.1.0+30/image.bin": File(b"another", {}),
}


@pytest.fixture
def published(home):
    """A home whose repository has a release, its way back, and another of a similar name."""
    home.repository.publish(FILES, NOW)
    return home


def test_a_revoked_release_is_listed_no_longer_and_its_fallback_is(published):
    """For every reader that comes from the first root; the files stay on the disk."""
    published.repository.revoke(BAD, "it stops at midnight", NOW)

    trusted = refreshed(published)
    assert set(trusted.targets) == {WAY, "pump-200/1.1.0+30/image.bin"}
    assert trusted.versions["targets"] == 2
    assert contents(published.folder / "repository/targets")[IMAGE] == b"bad"
    [noted] = revocations.read(published.folder / "repository")
    assert (noted.release, noted.reason, noted.at) == (BAD, "it stops at midnight", NOW)


def test_a_revoked_path_never_comes_back(published):
    """Not with other bytes and not with the same; nor does its counter."""
    published.repository.revoke(BAD, "it stops at midnight", NOW)
    before = contents(published.folder / "repository")
    for data in (b"bad", b"better"):
        with pytest.raises(Revoked, match="midnight"):
            published.repository.publish({IMAGE: File(data, {})}, NOW)
    with pytest.raises(Revoked):
        published.repository.revoke(BAD, "again", NOW)
    assert contents(published.folder / "repository") == before


def test_the_counter_of_a_revoked_release_stays_taken(home):
    """Devices may have counted up to it."""
    claim = {
        "product": "pump-200",
        "version": "1.1.0",
        "releaseCounter": 3,
        "hardwareIds": ["PUMP-200-B"],
        "predecessors": [],
        "safetyClass": "B",
        "risk": "high",
        "integrity": "public-key-signature",
        "kind": "feature",
    }
    home.repository.publish({IMAGE: File(b"bad", claim)}, NOW)
    assert home.repository.highest_counter("pump-200") == 3
    home.repository.revoke(BAD, "x", NOW)
    assert home.repository.claims() == {}
    assert home.repository.highest_counter("pump-200") == 3
    assert home.repository.highest_counter("monitor-7") == 0


def test_dying_between_the_note_and_the_metadata_is_made_good_by_the_next_metadata(published):
    """Whatever it is about: a renewal, or the same command again."""
    folder = published.folder / "repository"
    noted = revocations.of(BAD, "x", published.repository.listing(), NOW)
    revocations.note(folder, noted)
    assert IMAGE in refreshed(published).targets

    published.repository.revoke(BAD, "x", NOW)
    assert IMAGE not in refreshed(published).targets
    assert len(revocations.read(folder)) == 1


@pytest.mark.parametrize("release", ["pump-200@9.9.9+9", "pump-200", "../x@1.0.0+1", ""])
def test_what_is_not_published_is_not_revoked(published, release):
    """Nothing moves."""
    before = contents(published.folder)
    with pytest.raises((Refused, Malformed)):
        published.repository.revoke(release, "x", NOW)
    assert contents(published.folder) == before


def test_a_damaged_list_of_revocations_stops_everything(published):
    """Without it nobody knows what must not come back."""
    (published.folder / "repository/revoked.json").write_text('{"revoked": [{}]}')
    before = contents(published.folder)
    with pytest.raises(Malformed):
        published.repository.publish({}, NOW)
    assert contents(published.folder) == before


def run(*words: object) -> tuple[int, dict]:
    """A command's exit code, and what it says in JSON."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_the_commands_publish_revoke_and_write_a_renewal(published, tmp_path):
    """What a vendor types when a release is unfit."""
    home, www, renewal = published.folder, tmp_path / "www", tmp_path / "renewal.tar"
    assert run("publish", "--home", home, "--to", www)[1]["sent"] == 8
    words = ("revoke", BAD, "--home", home, "--reason", "x", "--out", renewal)
    assert run(*words) == (0, {"revoked": BAD})
    assert run("publish", "--home", home, "--to", www)[1] == {
        "place": str(www),
        "sent": 3,
        "skipped": 3,
        "bytes": sum((www / "metadata" / n).stat().st_size for n in NEW),
    }
    with tarfile.open(renewal) as archive:
        names = set(archive.getnames())
    assert names == {f"metadata/{name}" for name in (*NEW, "1.root.json")}
    assert run(*words)[0] == 1


NEW = ("2.targets.json", "2.snapshot.json", "timestamp.json")


def test_where_to_publish_is_in_the_project_file(published, tmp_path):
    """And without it, or without the token it names, nothing is sent."""
    home = onboard.open_home(published.folder)
    assert run("publish", tmp_path, "--home", home.folder)[0] == 2
    assert run("publish", tmp_path, "--home", home.folder, "--to", "ftp://x")[0] == 2

"""The index: the newest of each record, whole or not at all, and as old as its oldest feed."""

import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmward.advisories.feeds import OlderSnapshot
from firmward.advisories.index import Index
from firmward.advisories.keys import cpe_key, name_key, purl_key
from firmward.advisories.records import Entry, Exploited, Likelihood, Record, Span
from firmward.terms.errors import Malformed, Misuse, Unavailable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CURL = Entry(cpe=("a", "haxx", "curl"), name="curl", spans=(Span(last="8.0"),))


def record(number: int = 1, modified: str = "2026-11-01T00:00:00Z", **members: object) -> Record:
    """A record about curl."""
    said = {"source": "nvd", "entries": (CURL,), **members}
    return Record(id=f"CVE-2026-{990000 + number}", modified=modified, **said)


def filled(index: Index, *records: Record) -> Index:
    """The index with these records and a catalogue, as of now."""
    index.update("nvd", records or [record()], snapshot=NOW, now=NOW)
    listed = [Exploited(cve="CVE-2026-990001", added="2026-11-01")]
    index.update_exploited(listed, snapshot=NOW, now=NOW)
    return index


def state(index: Index) -> object:
    """Everything that an update could have moved."""
    return index.digest(), index.feeds(), index.counts(), list(index.candidates([name_key("curl")]))


def test_a_record_is_found_by_every_name_of_its_product():
    """Package URL, CPE, plain name; spelling and version of the question do not matter."""
    package = Entry(purl="pkg:pypi/Tiny_Frame", name="tiny_frame")
    index = filled(Index.memory(), record(1), record(2, entries=(package,)))

    assert [1, 2] == [
        len(list(index.candidates(keys)))
        for keys in (
            [cpe_key("HAXX", "curl"), name_key("Curl")],
            [cpe_key("haxx", "curl"), purl_key("pkg:pypi/tiny.frame@1.0?a=b")],
        )
    ]
    assert {"name:curl": [record(1)]} == index.by_key([name_key("curl"), name_key("wget")])


def test_a_record_is_found_by_its_id_and_by_every_alias():
    """And by no other name."""
    index = filled(Index.memory(), record(aliases=("GHSA-1",)))

    assert [1, 1, 0] == [len(index.by_name(n)) for n in ("CVE-2026-990001", "GHSA-1", "curl")]


def test_the_newer_record_wins_whatever_the_order():
    """Feeds overlap: an old copy must not bring back what was corrected."""
    index = filled(Index.memory(), record(modified="2026-11-02T00:00:00Z", summary="new"))
    taken = index.update("nvd/old", [record(summary="old")], snapshot=NOW)

    assert (0, ["new"]) == (taken, [r.summary for r in index.by_name("CVE-2026-990001")])


def test_a_corrected_record_is_no_longer_found_under_what_it_dropped():
    """Its keys go with it, and the new ones lead to it."""
    index = filled(Index.memory())
    wget = Entry(name="wget", vendor="gnu")
    index.update("nvd", [record(modified="2026-11-02T00:00:00Z", entries=(wget,))], snapshot=NOW)

    assert [0, 1] == [len(list(index.candidates([name_key(n)]))) for n in ("curl", "wget")]


def test_one_id_in_two_sources_is_two_records():
    """NVD and the CVE list both speak of a CVE, and may contradict each other."""
    index = filled(Index.memory(), record(), record(source="cve5"))

    assert {"nvd", "cve5"} == {found.source for found in index.by_name("CVE-2026-990001")}


def test_a_withdrawn_record_stays():
    """Whoever matches says that it was withdrawn, instead of never having heard of it."""
    index = filled(Index.memory(), record(withdrawn="2026-11-02T00:00:00Z"))

    assert [True] == [bool(found.withdrawn) for found in index.candidates([name_key("curl")])]


def test_exploited_and_likely_are_found_by_cve():
    """The first of several names that the catalogue has; None where it has none."""
    index = filled(Index.memory())
    score = Likelihood(cve="CVE-2026-990001", epss=0.5, percentile=0.9)
    index.update_likelihood([score], snapshot=NOW)

    assert "2026-11-01" == index.exploited(["GHSA-1", "CVE-2026-990001"]).added
    assert (None, None) == (index.exploited(["GHSA-1"]), index.likelihood("CVE-2026-990002"))
    assert score == index.likelihood("CVE-2026-990001")


def test_a_fresh_half_does_not_make_a_stale_half_look_fresh():
    """The snapshot is that of the oldest feed."""
    index = filled(Index.memory())
    index.update("osv/PyPI", [record(source="osv")], snapshot=NOW - timedelta(days=90))

    assert timedelta(days=91) == index.age(NOW + timedelta(days=1))


@pytest.mark.parametrize("missing", ["records", "catalogue", "both"])
def test_nothing_to_match_against_is_no_evidence(missing):
    """An empty index would find every component clean."""
    index = Index.memory()
    if missing == "catalogue":
        index.update("nvd", [record()], snapshot=NOW)
    if missing == "records":
        index.update("nvd", [], snapshot=NOW)
        index.update_exploited([Exploited(cve="CVE-2026-990001", added="2026-11-01")], snapshot=NOW)

    with pytest.raises(Unavailable, match="expected"):
        index.age(NOW)


def test_a_record_dated_ahead_does_not_make_its_feed_look_fresh():
    """The snapshot is the last modification that lies in the past."""
    index = Index.memory()
    index.update("nvd", [record(), record(2, "2099-01-01T00:00:00Z")], now=NOW)

    assert datetime(2026, 11, 1, tzinfo=UTC) == index.feed("nvd").snapshot


def test_records_without_any_date_need_one_from_outside():
    """Their age could not be told otherwise."""
    index = Index.memory()
    before = state(index)

    with pytest.raises(Malformed, match="when it was modified"):
        index.update("nvd", [record(modified="")], now=NOW)
    assert before == state(index)


def test_yesterdays_catalogue_does_not_replace_todays():
    """An attacker would replay the one from before the row that warns of him."""
    index = filled(Index.memory())
    before = state(index)

    with pytest.raises(OlderSnapshot, match="2026-11-21T12:00:00Z or later"):
        index.update_exploited([], snapshot=NOW - timedelta(seconds=1))
    with pytest.raises(Misuse, match="before it was ever taken"):
        index.confirm("epss", snapshot=NOW)
    assert before == state(index)


def test_a_confirmed_feed_is_fresh_and_otherwise_unchanged():
    """The service said that nothing is newer."""
    index = filled(Index.memory())
    content = index.counts()
    index.confirm("nvd", snapshot=NOW + timedelta(days=1))

    assert NOW + timedelta(days=1) == index.feed("nvd").snapshot
    assert content == index.counts()


def test_a_reader_that_stumbles_leaves_everything_as_it_was():
    """The 3,000 records before the bad one are not taken either."""

    def stumbling():
        yield from (record(n, summary="half") for n in range(3000))
        raise Malformed("record 3000", "a record", "none")

    index = filled(Index.memory())
    before = state(index)

    with pytest.raises(Malformed, match="record 3000"):
        index.update("nvd", stumbling(), snapshot=NOW + timedelta(days=1))
    assert before == state(index)


def test_the_digest_follows_content_and_age_alone():
    """The same updates give the same; another record or another day gives another."""
    first, second = filled(Index.memory()), filled(Index.memory())
    same = first.digest()
    second.update("nvd", [record()], snapshot=NOW, now=NOW + timedelta(hours=1))
    repeated = second.digest()
    second.update("nvd", [record(2)], snapshot=NOW)
    first.confirm("nvd", snapshot=NOW + timedelta(days=1))

    assert 3 == len({same, second.digest(), first.digest()})
    assert repeated != second.digest()


def test_an_index_is_built_aside_and_put_in_place(tmp_path):
    """Whoever reads meanwhile has the old one; a failed build leaves nothing behind."""
    path = tmp_path / "index.sqlite"
    with Index.building(path) as building:
        filled(building)
    before = state(Index.open(path))

    with pytest.raises(Malformed, match="x"):  # noqa: PT012 - the second build is inside the first
        with Index.building(path) as building:
            filled(building, record(5))
            assert before == state(Index.open(path))
            with pytest.raises(Unavailable, match="being built by another"), Index.building(path):
                pass
            raise Malformed("x", "y", "z")
    assert before == state(Index.open(path))
    assert {"index.sqlite", "index.sqlite.lock"} == {entry.name for entry in tmp_path.iterdir()}


def test_what_is_no_index_of_ours_is_not_opened(tmp_path):
    """Absent, garbage, somebody else's database, or of another format."""
    (tmp_path / "garbage").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    other = sqlite3.connect(tmp_path / "other")
    other.executescript("CREATE TABLE t (x); PRAGMA user_version = 99;")
    other.close()

    for name in ("absent", "garbage", "other"):
        with pytest.raises(Unavailable, match=name):
            Index.open(tmp_path / name)
    assert not (tmp_path / "absent").exists()


def test_a_damaged_row_is_missing_evidence_and_not_a_missing_record(tmp_path):
    """A flipped byte must not hide a vulnerability."""
    path = tmp_path / "index.sqlite"
    filled(Index.open(path, write=True), record(summary="s" * 4000)).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE record SET body = substr(body, 1, 20)")
    database.commit()
    database.close()

    with pytest.raises(Unavailable, match="damaged"):
        list(Index.open(path).candidates([name_key("curl")]))


KILLED = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from firmward.advisories.index import Index
from firmward.advisories.records import Entry, Record

def records():
    for n in range(20_000):
        if n == 15_000:
            print("in the middle", flush=True)
            time.sleep(60)
        entry = Entry(name=f"product-{n}", vendor="x", withheld="y" * 400)
        named = {"id": f"CVE-2027-{n}", "source": "nvd", "modified": "2027-01-01T00:00:00Z"}
        yield Record(**named, entries=(entry,))

path, way = Path(sys.argv[1]), sys.argv[2]
when = datetime(2027, 1, 1, tzinfo=UTC)
if way == "update":
    index = Index.open(path, write=True)
    index._db.execute("PRAGMA cache_size = 50")
    index.update("nvd", records(), snapshot=when)
else:
    with Index.building(path) as index:
        index.update("nvd", records(), snapshot=when)
"""


@pytest.mark.parametrize("way", ["update", "building"])
def test_killed_in_the_middle_the_old_index_is_there(tmp_path, way):
    """With its snapshot and age; the pages that were already written are taken back."""
    path = tmp_path / "index.sqlite"
    with Index.building(path) as index:
        filled(index)
    before = state(Index.open(path))
    command = [sys.executable, "-c", KILLED, str(path), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "in the middle\n" == process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    assert way == "building" or (tmp_path / "index.sqlite-journal").exists()
    assert before == state(Index.open(path, write=True))
    with Index.building(path) as index:
        filled(index)
    assert before == state(Index.open(path))


stamps = st.integers(1, 28).map(lambda day: f"2026-11-{day:02}T00:00:00Z")
changes = st.lists(
    st.tuples(st.integers(0, 5), stamps, st.sampled_from(["a", "b", "c"])), max_size=12
)


@settings(max_examples=40)
@given(updates=st.lists(changes, max_size=4))
def test_after_any_updates_the_newest_of_each_record_is_held(updates):
    """However records are spread over updates, and however often they repeat."""
    index = Index.memory()
    newest: dict[int, Record] = {}
    for update in updates:
        records = []
        for number, modified, name in update:
            made = record(number, modified, entries=(Entry(name=name, vendor="v"),))
            records.append(made)
            if number not in newest or modified >= newest[number].modified:
                newest[number] = made
        index.update("nvd", records, snapshot=NOW)

    for name in "abc":
        expected = {r.id for r in newest.values() if r.entries[0].name == name}
        found = {r.id for r in index.candidates([cpe_key("v", name)]) if r.entries[0].name == name}
        assert expected == found
    assert list(newest.values()) == [index.by_name(r.id)[0] for r in newest.values()]
    assert len(newest) == index.counts().get("nvd", 0)


def test_a_record_is_the_same_after_its_row():
    """Every member, and every kind of entry."""
    full = record(
        published="2026-01-01T00:00:00Z",
        aliases=("GHSA-1",),
        severities=(("CVSS_V3", "CVSS:3.1/AV:N"),),
        ssvc=(("Exploitation", "poc"),),
        entries=(CURL, msgspec.structs.replace(CURL, platform=True, withheld="x" * 2000)),
    )
    index = filled(Index.memory(), full)

    assert (full,) == index.by_name(full.id)

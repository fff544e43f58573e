"""OSV records become ranges, and whatever cannot be decided from a version says so."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.made_advisories import affected, needs_real_data, osv

from firmward.advisories.read_osv import records
from firmward.advisories.records import Span
from firmward.advisories.rows import pack, unpack
from firmward.terms.errors import Malformed


def one(data: bytes):
    """The only record in a file."""
    (record,) = records(data, "file")
    return record


def entry(*ranges: dict, **members: object):
    """The only entry of a record about these."""
    (found,) = one(osv(affected=[affected(*ranges, **members)])).entries
    return found


def test_a_package_of_a_registry_is_ordered_as_its_registry_does():
    """PyPI means PEP 440; its package URL is derived where the record has none."""
    record = one(osv(aliases=["CVE-2026-990001", "CVE-2026-990001"]))

    assert ("pkg:pypi/Tiny_Frame", "tiny_frame") == (record.entries[0].purl, record.entries[0].name)
    assert (Span(last="1.4.0", scheme="python"),) == record.entries[0].spans
    assert ("CVE-2026-990001",) == record.aliases
    assert "2026-11-01T08:00:00Z" == record.modified


@pytest.mark.parametrize(
    ("ecosystem", "scheme", "purl"),
    [
        ("Debian:12", "deb", "pkg:deb/debian/zlib"),
        ("Alpine:v3.18", "apk", "pkg:apk/alpine/zlib"),
        ("Rocky Linux:9", "rpm", "pkg:rpm/rocky-linux/zlib"),
        ("crates.io", "semver", "pkg:cargo/zlib"),
        ("Linux", "generic", ""),
    ],
)
def test_each_ecosystem_has_its_own_order(ecosystem, scheme, purl):
    """A distribution's versions are never compared as upstream's are."""
    package = {"ecosystem": ecosystem, "name": "zlib"}
    ends = ({"introduced": "0"}, {"fixed": "1.2-3"})
    found = entry(*ends, kind="ECOSYSTEM", package=package)

    assert (scheme, purl, ecosystem) == (found.spans[0].scheme, found.purl, found.ecosystem)


def test_ranges_of_commits_alone_withhold_a_verdict():
    """OSS-Fuzz gives commits: only a version that it lists by name is known to be affected."""
    ends = ({"introduced": "81a6f6d8"}, {"fixed": "f8f35c95"})
    found = entry(*ends, kind="GIT", versions=["v4.3.1", "v4.3.1"])

    assert found.withheld
    assert ("v4.3.1",) == found.versions
    assert ("git",) == tuple(span.scheme for span in found.spans)


def test_a_repair_that_never_came_leaves_the_range_open():
    """No `fixed` means that every later version is affected."""
    assert (Span(first="1.0.0", scheme="semver"),) == entry({"introduced": "1.0.0"}).spans


def test_events_out_of_order_are_put_in_order():
    """The schema lets a database list events in any order."""
    found = entry(
        {"fixed": "1.5.0"}, {"fixed": "2.5.0"}, {"introduced": "2.0.0"}, {"introduced": "0"}
    )

    assert [("", "1.5.0"), ("2.0.0", "2.5.0")] == [(s.first, s.last) for s in found.spans]
    assert "" == found.withheld


@pytest.mark.parametrize(
    "events",
    [
        [{"introduced": "0"}, {"introduced": "1.0.0"}, {"fixed": "1.5.0"}],
        [{"introduced": "0"}, {"limit": "2.0.0"}],
        [{"introduced": "0"}, {"fixed": "banana"}, {"fixed": "2.0.0"}],
        [{"introduced": "0", "fixed": "1.0.0"}],
        [{}],
    ],
)
def test_events_that_do_not_pair_withhold_a_verdict(events):
    """A range that could mean two things is not given the one that finds us clean."""
    found = entry(*events)

    assert () == found.spans
    assert found.withheld


def test_the_last_affected_version_is_affected():
    """`last_affected` holds its version, `fixed` does not."""
    (span,) = entry({"introduced": "1.0.0"}, {"last_affected": "1.2.0"}).spans

    assert span.holds_last


def test_a_withdrawn_record_says_when():
    """It stays in the index and speaks no more."""
    assert "2026-11-02T00:00:00Z" == one(osv(withdrawn="2026-11-02T00:00:00Z")).withdrawn


def test_a_distribution_notice_goes_by_the_cves_that_it_repairs():
    """`upstream` always; `related` only where a distribution names no CVE otherwise."""
    debian = affected({"introduced": "0"}, package={"ecosystem": "Debian:12", "name": "zlib"})
    notice = one(osv("DSA-1", affected=[debian], related=["CVE-2026-990002", "RED-1"]))
    kin = one(osv("GHSA-1", aliases=["CVE-2026-990001"], related=["CVE-2026-990002"]))

    assert ("CVE-2026-990002",) == notice.aliases
    assert ("CVE-2026-990001",) == kin.aliases


def test_null_is_as_good_as_absent():
    """Exports written in Go say null for an empty list."""
    empty = one(osv(aliases=None, affected=None, severity=None, withdrawn=None))

    assert ((), (), "") == (empty.aliases, empty.entries, empty.withdrawn)


YAML = """\
id: MADE-2
modified: 2026-11-01T10:00:00.123456+02:00
withdrawn: 2026-11-02T00:00:00Z
affected:
- package: {ecosystem: PyPI, name: tinyframe}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: 1.10
    - fixed: 1.20
  versions: [1.10, 1.11]
"""


def test_yaml_scalars_stay_what_was_written():
    """An unquoted 1.10 is version 1.10, not the number 1.1; an unquoted time is a time in UTC."""
    record = one(YAML.encode())

    assert ("1.10", "1.20") == (record.entries[0].spans[0].first, record.entries[0].spans[0].last)
    assert ("1.10", "1.11") == record.entries[0].versions
    assert ("2026-11-01T08:00:00Z", "2026-11-02T00:00:00Z") == (record.modified, record.withdrawn)


def test_a_yaml_file_of_aliases_within_aliases_is_refused():
    """Nine lines that unfold to a billion values do not fill the memory."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(Malformed, match="more values than bytes"):
        list(records("\n".join(rows).encode(), "bomb.yaml"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (osv()[:-1], "file: expected"),
        (osv(id=""), "id"),
        (osv("MADE-1\nMADE-2"), "id"),
        (osv(modified="yesterday"), "MADE-1: expected a time"),
        (osv(aliases="CVE-2026-990001"), "aliases"),
        (b"[" * 100_000, "file: expected"),
        (b'{"id": "A", "modified": "2026-11-01T08:00:00Z", "x": ' + b"[" * 100_000, "recursion"),
        (b"\xff\xfe{}", "file: expected"),
        (b"", "file: expected"),
        (b"- : [", "file: expected"),
    ],
)
def test_what_is_no_record_is_refused_by_name(data, says):
    """A record that were skipped instead would hide a vulnerability."""
    with pytest.raises(Malformed, match=f"(?i){says}"):
        list(records(data, "file"))


text = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=40)
@given(
    details=text,
    versions=st.lists(text, max_size=5),
    events=st.lists(
        st.dictionaries(
            st.sampled_from(["introduced", "fixed", "last_affected"]), text, max_size=1
        ),
        max_size=6,
    ),
)
def test_every_record_that_is_read_comes_back_from_its_row(details, versions, events):
    """Whatever a database writes into versions, the index gives back what the reader made of it."""
    body = osv(details=details, affected=[affected(*events, kind="ECOSYSTEM", versions=versions)])
    record = one(body)

    assert record == unpack(pack(record).body)
    assert json.loads(body)["id"] == record.id


@needs_real_data
@pytest.mark.parametrize(
    ("pack_name", "count", "withdrawn"), [("oss-fuzz", 976, 16), ("pypa", 2660, 10)]
)
def test_every_real_record_is_read(pack_name, count, withdrawn, unpacked):
    """No record of OSS-Fuzz or of PyPA is refused, and the withdrawn are known as such."""
    found = [r for name, data in unpacked(f"osv/{pack_name}.tar.zst") for r in records(data, name)]

    assert (count, withdrawn) == (len(found), sum(bool(record.withdrawn) for record in found))
    if pack_name == "oss-fuzz":
        assert all(entry.withheld for record in found for entry in record.entries)

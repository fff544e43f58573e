"""Matching: affected, not affected or unknown, and never clean by silence."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vendors import kev, osv

from firmward.terms.advisories import Component, match, package_key, read
from firmward.terms.errors import Malformed, Unavailable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CVE = "CVE-2026-0001"


def part(version: str = "1.4.2", purl: str = "pkg:generic/tinyframe") -> Component:
    """The component that the records are about."""
    return Component(name="tinyframe", version=version, purl=f"{purl}@{version}")


def answer(record: bytes, component: Component | None = None, catalogue: bytes | None = None):
    """The one answer for one record and one component."""
    [found] = match([component or part()], read([record], catalogue or kev()), NOW)
    return found


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.3.9", "affected"),
        ("1.4.0", "not_affected"),
        ("2.0.0", "not_affected"),
        ("1.4", "unknown"),
        ("", "unknown"),
        ("1.3.9-rc1", "unknown"),
    ],
)
def test_a_range_decides_only_what_it_can_order(version, expected):
    """Inside is affected, beyond the repair is not, and what has no order is unknown."""
    assert expected == answer(osv(fixed="1.4.0"), part(version)).status


def test_an_exact_version_in_the_list_is_affected_whatever_its_form():
    """Enumerated versions need no order."""
    listed = {
        "package": {"ecosystem": "generic", "purl": "pkg:generic/tinyframe"},
        "versions": ["1.1.1za"],
    }

    assert "affected" == answer(osv(affected=[listed]), part("1.1.1za")).status
    assert "unknown" == answer(osv(affected=[listed]), part("1.1.1")).status


def test_a_range_of_commits_is_unknown():
    """Whether a version is in a commit range takes the repository to decide."""
    ranges = [{"type": "GIT", "repo": "https://x.example", "events": [{"introduced": "0"}]}]
    entry = {"package": {"purl": "pkg:generic/tinyframe"}, "ranges": ranges}

    assert "unknown" == answer(osv(affected=[entry])).status


def test_one_uncertain_range_spoils_a_clean_answer_but_not_an_affected_one():
    """Being outside of what can be read is not being outside of all."""
    purl = {"purl": "pkg:generic/tinyframe"}
    clear = {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.4.0"}]}
    dim = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.4.0a"}]}
    record = osv(affected=[{"package": purl, "ranges": [clear, dim]}])

    assert "unknown" == answer(record, part("1.5.0")).status
    assert "affected" == answer(record, part("1.3.0")).status


def test_a_component_that_no_record_knows_is_unknown():
    """Silence is not health."""
    found = answer(osv("otherlib"))

    assert ("unknown", "") == (found.status, found.advisory)


def test_a_component_without_a_purl_is_unknown():
    """A bare name identifies nothing."""
    assert "unknown" == answer(osv(), Component(name="tinyframe", version="1.4.2")).status


def test_a_namesake_in_another_ecosystem_is_unknown():
    """OSS-Fuzz gives a name and no purl: it may or may not be this one."""
    record = osv(affected=[{"package": {"ecosystem": "OSS-Fuzz", "name": "tinyframe"}}])

    found = answer(record)
    assert "unknown" == found.status
    assert "OSS-Fuzz" in found.reason


def test_a_package_of_another_registry_with_the_same_name_is_another_package():
    """A Ruby or Python openssl is not the C library."""
    record = osv(affected=[{"package": {"ecosystem": "PyPI", "name": "tinyframe"}}])

    assert "" == answer(record).advisory


def test_an_alias_in_the_catalogue_makes_a_match_exploited():
    """KEV lists CVE ids; the record may be filed under another name."""
    record = osv(fixed=None, aliases=[CVE])

    assert answer(record, catalogue=kev(CVE)).exploited
    assert not answer(record, catalogue=kev("CVE-2026-0002")).exploited
    assert CVE == answer(record, catalogue=kev(CVE)).cve


def test_a_withdrawn_record_no_longer_affects_from_its_day_on():
    """Withdrawn tomorrow still counts today."""
    yesterday, tomorrow = NOW - timedelta(days=1), NOW + timedelta(days=1)

    gone = osv(fixed=None, withdrawn=yesterday.isoformat())
    going = osv(fixed=None, withdrawn=tomorrow.isoformat())
    assert ("not_affected", "affected") == (answer(gone).status, answer(going).status)


def test_the_snapshot_is_as_old_as_its_older_half():
    """Yesterday's KEV does not make last year's OSV fresh."""
    old, new = NOW - timedelta(days=300), NOW - timedelta(days=1)

    assert old == read([osv(modified=old)], kev(released=new)).snapshot
    assert old == read([osv(modified=new)], kev(released=old)).snapshot
    assert timedelta(days=300) == read([osv(modified=old)], kev(released=new)).age(NOW)


def test_no_record_at_all_is_no_answer():
    """An empty folder would find every component clean."""
    with pytest.raises(Unavailable, match="at least one OSV record"):
        read([], kev())


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"{",
        b'{"id": 1, "modified": "2026-01-01T00:00:00Z"}',
        b'{"id": "X"}',
        b'{"id": "X", "modified": "2026-01-01T00:00:00"}',
        b'{"id": "X", "id": "Y", "modified": "2026-01-01T00:00:00Z"}',
        json.dumps({"id": "X", "modified": "2026-01-01T00:00:00Z", "affected": [1]}).encode(),
    ],
)
def test_a_record_that_is_none_is_refused_whole(spoiled):
    """A snapshot with a hole in it is not quietly smaller."""
    with pytest.raises(Malformed):
        read([osv(), spoiled], kev())


@given(st.sampled_from(["generic", "pypi", "GitHub"]), st.text("ab.-_+", min_size=1, max_size=9))
def test_a_package_is_the_same_with_and_without_version_and_qualifiers(kind, name):
    """Only type and name tell packages apart."""
    bare = package_key(f"pkg:{kind}/{name}")

    assert bare is not None
    assert bare == package_key(f"pkg:{kind}/{name}@1.0.0?arch=arm#src")
    assert bare == package_key(f"PKG:{kind.upper()}/{name}@2")


@pytest.mark.parametrize(
    "purl", ["", "pkg:", "pkg:generic", "pkg:generic/", "http://x/y", "pkg:/n"]
)
def test_what_is_no_purl_names_no_package(purl):
    """Such a component stays unknown."""
    assert package_key(purl) is None

"""Where a version lies in a record's ranges, and what nobody can tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.known import NOW, before, cpe, kev, osv, part, record, told

from firmward.advisories.load import from_files
from firmward.advisories.match import Component, match
from firmward.advisories.records import Entry, Span


def answer(data: bytes, component: Component | None = None, catalogue: bytes | None = None):
    """The one answer for one OSV record and one component."""
    [found] = match([component or part()], from_files([data], catalogue or kev()), NOW)
    return found


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.3.9", "affected"),
        ("1.4.0-rc1", "affected"),
        ("1.4.0", "not_affected"),
        ("1.4", "not_affected"),
        ("2.0.0", "not_affected"),
        ("", "unknown"),
        ("1.3.9_acme", "unknown"),
    ],
)
def test_a_range_decides_only_what_it_can_order(version, expected):
    """Inside is affected, beyond the repair is not, and what has no order is unknown."""
    assert expected == answer(osv(fixed="1.4.0"), part(version)).status


def test_an_exact_version_in_the_list_is_affected_and_no_list_makes_others_clean():
    """Enumerated versions need no range; a version that is not among them was not looked at."""
    listed = {
        "package": {"ecosystem": "generic", "purl": "pkg:generic/tinyframe"},
        "versions": ["release-1.1.1za"],
    }

    assert "affected" == answer(osv(affected=[listed]), part("1.1.1za")).status
    assert "unknown" == answer(osv(affected=[listed]), part("1.1.1")).status


def test_a_range_of_commits_is_unknown_unless_the_versions_it_means_are_listed():
    """Whether a version is in a commit range takes the repository to decide, or who did."""
    ranges = [{"type": "GIT", "repo": "https://x.example", "events": [{"introduced": "0"}]}]
    entry = {"package": {"purl": "pkg:generic/tinyframe"}, "ranges": ranges}

    assert "unknown" == answer(osv(affected=[entry])).status
    assert "affected" == answer(osv(affected=[entry | {"versions": ["v1.4.2"]}])).status
    assert "unknown" == answer(osv(affected=[entry | {"versions": ["v1.4.1"]}])).status


def test_commits_beside_versions_are_the_same_range_told_twice():
    """The kernel's records name both; versions decide."""
    commits = Entry(vendor="linux", name="linux", spans=(Span(first="1da177e4", scheme="git"),))
    versions = Entry(vendor="linux", name="linux", spans=(before("5.15.100", "5.15"),))
    linux = part("5.15.101", "pkg:generic/linux")

    assert "not_affected" == told(linux, record(commits, versions)).status


def test_an_unreadable_range_spoils_a_clean_answer_but_not_an_affected_one():
    """Being outside of what can be read is not being outside of all."""
    clear, dim = (
        cpe("acme", "tinyframe", before("1.4.0")),
        cpe("acme", "tinyframe", before("summer")),
    )
    tiny = part("1.5.0", "pkg:github/acme/tinyframe")

    assert "unknown" == told(tiny, record(clear, dim)).status
    old = part("1.3.0", "pkg:github/acme/tinyframe")
    assert "affected" == told(old, record(clear, dim)).status


def test_a_range_that_runs_backwards_is_unknown():
    """Its author meant something, and nobody knows what."""
    entry = cpe("haxx", "curl", before("7.0.0", "8.0.0"))

    assert "unknown" == told(part("7.5.0", "pkg:generic/curl"), record(entry)).status


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0.1k", "unknown"),  # a branch that upstream no longer lists
        ("1.0.2y", "affected"),
        ("1.0.2zd", "not_affected"),
        ("1.1.0l", "unknown"),
        ("1.1.1k", "affected"),
        ("1.1.1l", "not_affected"),
        ("3.0.0", "not_affected"),
    ],
)
def test_an_unlisted_branch_is_not_clean(version, expected):
    """OpenSSL 1.0.1 passed for clean because its branch had died, not because it was repaired."""
    entry = cpe("openssl", "openssl", before("1.0.2zd", "1.0.2"), before("1.1.1l", "1.1.1"))

    assert expected == told(part(version, "pkg:generic/openssl"), record(entry)).status


def test_older_than_the_first_affected_is_clean_only_where_upstream_has_one_line():
    """Curl never had branches; of others nobody may have looked at the old one."""
    curl = cpe("haxx", "curl", before("7.80.0", "7.70.0"))
    mbedtls = cpe("arm", "mbed_tls", before("3.6.0", "3.3.0"))

    assert "not_affected" == told(part("7.61.1", "pkg:generic/curl"), record(curl)).status
    assert "unknown" == told(part("2.28.1", "pkg:generic/mbedtls"), record(mbedtls)).status


def test_what_a_record_calls_unaffected_wins_over_its_default():
    """CVE 5 for the kernel: affected by default, with the repaired branches named."""
    repaired = (Span(first="5.15.100", last="5.15.*", holds_last=True), Span(first="6.2"))
    entry = Entry(vendor="linux", name="linux", unaffected=repaired, by_default="affected")

    for version, expected in (
        ("5.15.99", "affected"),
        ("5.15.100", "not_affected"),
        ("5.16.0", "affected"),
        ("6.5.0", "not_affected"),
    ):
        assert expected == told(part(version, "pkg:generic/linux"), record(entry)).status


def test_the_version_that_repairs_it_is_named():
    """Whoever is affected wants to know where to go."""
    entry = cpe("haxx", "curl", before("7.80.0"), before("8.4.0", "8.0.0"))

    assert "8.4.0" == told(part("8.1.0", "pkg:generic/curl"), record(entry)).fixed


@given(
    st.lists(st.sampled_from(["1.0", "1.1", "2.0", "2.5", "x"]), max_size=4),
    st.sampled_from(["0.9", "1.0", "1.1.5", "2.4", "3.0", "odd", ""]),
    st.booleans(),
)
def test_what_any_record_puts_inside_is_never_called_clean(ends, version, after):
    """Whatever else a record says, and in whatever order."""
    spans = tuple(before(last, first) for first, last in zip(ends[::2], ends[1::2], strict=False))
    sure = record(cpe("haxx", "curl", before("2.5")))
    other = record(cpe("haxx", "curl", *spans), source="cve5")
    listed = (sure, other) if after else (other, sure)

    found = told(part(version, "pkg:generic/curl"), *listed)
    inside = version in ("0.9", "1.0", "1.1.5", "2.4")
    assert found.status == ("affected" if inside else found.status)
    if version in ("odd", ""):
        assert found.status == "unknown"

"""The two tables that are complete each time: KEV and EPSS."""

import gzip

import pytest
from tests.made_advisories import REAL, epss, kev, needs_real_data

from firmward.advisories.read_epss import scores
from firmward.advisories.read_kev import catalogue
from firmward.advisories.records import Exploited, Likelihood
from firmward.terms.errors import Malformed

CSV = (
    "cveID,vendorProject,product,dateAdded,dueDate,knownRansomwareCampaignUse\n"
    'CVE-2026-990001,"Tiny, Inc",tinyframe,2026-11-01,2026-11-22,Known\n'
)


def test_the_catalogue_is_the_same_in_json_and_csv():
    """The CSV has no date of release, and is taken to be as old as its last addition."""
    listed = (
        Exploited(cve="CVE-2026-990001", added="2026-11-01", due="2026-11-22", ransomware=True),
    )

    assert ("2026-11-20T12:00:00Z", listed) == catalogue(kev())
    assert ("2026-11-01T00:00:00Z", listed) == catalogue(CSV.encode())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (kev(count=2), "the 2 rows that it counts"),
        (kev(vulnerabilities=[], count=0), "at least one row"),
        (kev(released="today"), "a time"),
        (kev("CVE-2026-990001\n"), "cveID"),
        (kev()[:-1], "KEV"),
        (CSV.replace("2026-11-01", "1 Nov").encode(), "CSV"),
        (CSV.replace("dateAdded", "added").encode(), "columns"),
        (CSV.splitlines()[0].encode(), "at least one row"),
    ],
)
def test_a_catalogue_that_was_cut_is_refused(data, says):
    """A row that is gone is an exploited vulnerability that nobody asks about."""
    with pytest.raises(Malformed, match=says):
        catalogue(data)


def test_scores_are_read_plain_or_packed():
    """With the day they were made; a file without it leaves that to whoever brings it."""
    scored = (Likelihood(cve="CVE-2026-990001", epss=0.00042, percentile=0.05),)
    bare = epss().partition(b"\n")[2]

    assert ("2026-11-20T00:00:00Z", scored) == scores(epss())
    assert ("2026-11-20T00:00:00Z", scored) == scores(gzip.compress(epss(made="2026-11-20")))
    assert ("", scored) == scores(bare)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (epss("CVE-2026-990001,1.5,0.5"), "shares of 1"),
        (epss("CVE-2026-990001,nan,0.5"), "shares of 1"),
        (epss("GHSA-1,0.5,0.5"), "a CVE"),
        (epss("CVE-2026-990001,0.5"), "CSV"),
        (epss("CVE-2026-990001,high,0.5"), "CSV"),
        (epss(made="2026-13-45T00:00:00Z"), "a time"),
        (gzip.compress(epss())[:-9], "CSV"),
        (b"a,b,c\n1,2,3\n", "columns"),
        (b"", "columns"),
    ],
)
def test_scores_that_are_none_are_refused(data, says):
    """Neither a number beyond 1 nor a file that was cut short."""
    with pytest.raises(Malformed, match=says):
        scores(data)


@needs_real_data
def test_the_real_tables_are_read():
    """KEV's two forms agree row by row; the scores of exploited CVEs are all there."""
    in_json = catalogue((REAL / "kev" / "known_exploited_vulnerabilities.json").read_bytes())
    in_csv = catalogue((REAL / "kev" / "known_exploited_vulnerabilities.csv").read_bytes())

    assert in_json[1] == in_csv[1]
    assert (1404, "2025-08-25T17:04:19Z", "2025-08-25T00:00:00Z") == (
        len(in_json[1]),
        in_json[0],
        in_csv[0],
    )
    assert 1556 == len(scores((REAL / "epss" / "epss_kev_nvd.csv").read_bytes())[1])

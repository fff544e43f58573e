"""NVD's CPE rows become products: the vulnerable ones, and those they merely run on."""

import json

import pytest
from tests.made_advisories import configuration, needs_real_data, nvd, page, row

from firmward.advisories.keys import record_keys
from firmward.advisories.read_nvd import cpe_product, records
from firmward.advisories.records import Span
from firmward.terms.errors import Malformed


def one(*configurations: dict, **members: object):
    """The only record of a page."""
    (record,) = records(page(nvd("CVE-2026-990001", *configurations, **members)), "page")
    return record


def test_ends_are_taken_in_or_left_out_as_the_row_says():
    """Including and excluding, at both ends."""
    record = one(
        configuration(
            row(versionStartIncluding="1.0", versionEndExcluding="1.5"),
            row(versionStartExcluding="2.0", versionEndIncluding="2.5"),
        )
    )

    (entry,) = record.entries
    assert ("a", "tiny", "tinyframe") == entry.cpe
    assert (
        Span(first="1.0", last="1.5"),
        Span(first="2.0", last="2.5", after_first=True, holds_last=True),
    ) == entry.spans


def test_a_platform_is_never_proposed():
    """A program for Linux does not make every kernel vulnerable."""
    program = row("subtle", versionEndExcluding="2.0")
    kernel = {"vulnerable": False, "criteria": "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*"}
    record = one({"operator": "AND", **configuration(program)}, configuration(kernel))

    assert [False, True] == [entry.platform for entry in record.entries]
    assert "cpe:tiny:subtle" in record_keys(record)
    assert not [key for key in record_keys(record) if "linux" in key]


@pytest.mark.parametrize(
    ("version", "spans", "versions", "withheld"),
    [
        ("*", (Span(),), (), False),
        ("-", (), (), True),
        ("1.0.2", (), ("1.0.2",), False),
        ("1.0.2:p4", (), ("1.0.2-p4", "1.0.2p4"), False),
    ],
)
def test_a_row_without_range_is_all_one_or_none(version, spans, versions, withheld):
    """`*` is every version, `-` says nothing, anything else is one version with its update."""
    update = version.partition(":")[2] or "*"
    criteria = f"cpe:2.3:a:tiny:tinyframe:{version.partition(':')[0]}:{update}:*:*:*:*:*:*"
    (entry,) = one(configuration({"vulnerable": True, "criteria": criteria})).entries

    assert (spans, versions) == (entry.spans, entry.versions)
    assert withheld == bool(entry.withheld)


def test_quoted_signs_belong_to_the_name():
    """A vendor's name may hold the very colon that parts the fields (NISTIR 7695, 6.2)."""
    assert (("a", "ti:ny", "c++"), "python") == cpe_product(
        r"cpe:2.3:a:ti\:ny:c\+\+:1.0:*:*:*:*:python:*:*"
    )
    assert (("o", "tiny", "os"), "") == cpe_product("cpe:/o:tiny:os:8::baseos")
    assert None is cpe_product("cpe:2.3:a:tiny")


def test_a_negated_condition_withholds_a_verdict():
    """Where it is not, says nothing of where it is."""
    (entry,) = one(configuration(row(), negate=True)).entries

    assert entry.withheld


def test_a_rejected_record_is_withdrawn():
    """It stands in the feed and speaks no more."""
    assert "2026-11-01T08:00:00Z" == one(vulnStatus="Rejected").withdrawn


def test_every_vector_is_kept_newest_method_first():
    """CVSS 4, 3.1, 3.0 and 2, whoever gave them."""
    tables = {
        f"cvssMetric{name}": [{"source": "x", "cvssData": {"vectorString": f"vector-{name}"}}]
        for name in ("V2", "V30", "V31", "V40")
    }
    record = one(metrics=tables, weaknesses=[{"description": [{"lang": "en", "value": "CWE-787"}]}])

    assert ["CVSS_V4", "CVSS_V3", "CVSS_V3", "CVSS_V2"] == [
        method for method, _ in record.severities
    ]
    assert (("CWE-787",), "made up") == (record.weaknesses, record.summary)


def test_an_override_stands_beside_the_record_that_it_corrects():
    """Under one id the newer of the two would hide the other."""
    body = {
        "_annotation": {"cve_id": "CVE-2026-990001", "modified": "2026-11-03T00:00:00+00:00"},
        "cve": {"configurations": [configuration(row())]},
    }
    (record,) = records(json.dumps(body).encode(), "file")

    assert ("anchore:CVE-2026-990001", "CVE-2026-990001") == (record.id, record.cve)


def test_a_record_outside_a_page_is_read_as_well():
    """Mirrors keep one file per CVE, with or without the envelope."""
    item = nvd("CVE-2026-990001", configuration(row()))
    bare, wrapped = (json.dumps(body).encode() for body in (item["cve"], item))

    assert list(records(bare, "bare")) == list(records(wrapped, "wrapped"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{}", "neither vulnerabilities nor cve nor id"),
        (page(nvd("CVE-2026-990001", lastModified=None)), "id and lastModified"),
        (page(nvd("CVE-2026-990001", configuration(row("a:b")))), ""),
        (
            page(nvd("CVE-2026-990001", configuration({"criteria": "x", "vulnerable": True}))),
            "CPE 2.3",
        ),
        (page(nvd("CVE-2026-990001", configuration({"criteria": "x"}))), "vulnerable"),
        (page(nvd())[:-10], "file"),
        (b"[]", "file"),
    ],
)
def test_what_is_no_record_is_refused_by_name(data, says):
    """A row that were skipped instead would hide a product."""
    if says:
        with pytest.raises(Malformed, match=says):
            list(records(data, "file"))
    else:
        assert list(records(data, "file"))


@needs_real_data
def test_every_real_override_is_read(unpacked):
    """All 853 are, and the kernel is a platform wherever the row says that it is not vulnerable."""
    found = [r for name, data in unpacked("nvd/nvd-overrides.tar.zst") for r in records(data, name)]
    platforms = [e for r in found for e in r.entries if e.platform]

    assert 853 == len(found)
    assert len(platforms) > 300

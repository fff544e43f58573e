"""CVE records: each version has one status, and what cannot be placed is not known."""

import pytest
from tests.made_advisories import (
    configuration,
    cve5,
    needs_real_data,
    nvd,
    page,
    product,
    row,
)

from firmward.advisories.keys import record_keys
from firmward.advisories.read_cve5 import records
from firmward.advisories.records import Span
from firmward.terms.errors import Malformed


def one(*products: dict, **about):
    """The record of a file."""
    (record,) = records(cve5("CVE-2026-990001", *products, **about), "file")
    return record


def version(text: str, status: str = "affected", **members: object) -> dict:
    """A statement about versions."""
    return {"version": text, "status": status, **members}


def test_the_kernel_is_one_entry_that_versions_decide():
    """Its twin by commits says "unaffected" of everything else, which no version may rest on."""
    kernel = {"vendor": "Linux", "product": "Linux"}
    commits = version("1da177e4c3f4", lessThan="9f6c7aff21f8", versionType="git")
    repairs = [
        version("5.14.9", "unaffected", lessThanOrEqual="5.14.*", versionType="custom"),
        version("5.15", "unaffected", lessThanOrEqual="*", versionType="original_commit_for_fix"),
    ]
    by_commit = product(commits, **kernel, defaultStatus="unaffected")
    by_version = product(*repairs, **kernel, defaultStatus="affected")

    for order in ((by_commit, by_version), (by_version, by_commit)):
        (entry,) = one(*order).entries
        assert ("affected", "") == (entry.by_default, entry.withheld)
        assert [("5.14.9", "5.14.*", True), ("5.15", "", False)] == [
            (span.first, span.last, span.holds_last) for span in entry.unaffected
        ]
        assert ["git"] == [span.scheme for span in entry.spans]


def test_commits_alone_withhold_a_verdict():
    """Their `defaultStatus` is about commits."""
    commits = version("1da177e4c3f4", lessThan="9f6c7aff21f8", versionType="git")
    (entry,) = one(product(commits)).entries

    assert entry.withheld


@pytest.mark.parametrize(
    ("statement", "spans"),
    [
        (version("1.0", lessThan="2.0"), [Span(first="1.0", last="2.0")]),
        (version("0", lessThanOrEqual="2.0"), [Span(last="2.0", holds_last=True)]),
        (version("unspecified", lessThan="2.0"), [Span(last="2.0")]),
        (version("1.0", lessThan="*"), [Span(first="1.0")]),
        (version("*"), [Span()]),
        (version("1.2.x"), [Span(first="1.2", last="1.2.*", holds_last=True)]),
        (version("< 2.0"), [Span(last="2.0")]),
        (version(">= 1.0, <= 2.0"), [Span(first="1.0", last="2.0", holds_last=True)]),
        (version("1.0 and earlier"), [Span(last="1.0", holds_last=True)]),
        (version("before 1.0"), [Span(last="1.0")]),
    ],
)
def test_statements_with_one_reading_become_spans(statement, spans):
    """As the format has them, and as CNAs write them instead."""
    (entry,) = one(product(statement)).entries

    assert tuple(spans) == entry.spans
    assert "" == entry.withheld


@pytest.mark.parametrize(
    "text",
    ["all builds of March", "2.0 or so", "Android 12, 13 / Yocto", "1.0 and 2.0", "firmware 2.1"],
)
def test_prose_is_kept_and_never_decided_upon(text):
    """A sentence is for people: the product is listed, its versions are not known."""
    (entry,) = one(product(version(text))).entries

    assert entry.withheld
    assert [("prose", text)] == [(span.scheme, span.first) for span in entry.spans]


def test_a_status_turns_where_changes_say_so():
    """A range with `changes` is several, one after the other."""
    turned = version(
        "1.0",
        lessThan="3.0",
        changes=[{"at": "1.5", "status": "unaffected"}, {"at": "2.0", "status": "affected"}],
    )
    (entry,) = one(product(turned)).entries

    assert [("1.0", "1.5"), ("2.0", "3.0")] == [(s.first, s.last) for s in entry.spans]
    assert [("1.5", "2.0")] == [(s.first, s.last) for s in entry.unaffected]


def test_what_a_cna_does_not_know_stays_unknown():
    """Beside a range that is affected, an "unknown" one is an entry of its own."""
    found = one(product(version("1.0"), version("2.0", "unknown", lessThan="3.0"))).entries

    assert ["", "the record says of some versions that it is not known"] == [
        entry.withheld for entry in found
    ]


def test_a_commit_given_as_a_version_is_no_version():
    """Else every release would be found clean, for it is not that commit."""
    (entry,) = one(product(version("bd4a9fde89e2549887e8a77d22ab027bed70d743"))).entries

    assert entry.withheld
    assert () == entry.versions


def test_a_package_inside_a_product_does_not_take_its_version_numbers():
    """lwIP in somebody's framework: found under its name, decided under the framework's."""
    inside = product(version("3.0"), packageName="lwip", product="Framework")
    framework, lwip = one(inside).entries

    assert ("framework", "lwip") == (framework.name, lwip.name)
    assert ("", True) == (framework.withheld, bool(lwip.withheld))
    assert {"name:lwip", "cpe:tiny:framework"} <= record_keys(one(inside))


def test_a_package_of_a_registry_has_its_url():
    """`collectionURL` says which registry."""
    found = product(
        version("3.0"), packageName="tinyframe", collectionURL="https://pypi.org/project"
    )

    assert ["pkg:pypi/tinyframe"] == [e.purl for e in one(found).entries if e.purl]


def test_the_additions_of_others_stand_beside_the_cnas_word():
    """CISA's list, CPE names, scores and SSVC; its own date is the record's when it is later."""
    metrics = [
        {"cvssV3_1": {"vectorString": "CVSS:3.1/AV:N"}},
        {
            "other": {
                "type": "ssvc",
                "content": {"options": [{"Exploitation": "poc"}, {"Automatable": "no"}]},
            }
        },
    ]
    cpes = ["cpe:2.3:a:tiny:tinyframe:*:*:*:*:*:*:*:*"]
    cisa = {
        "providerMetadata": {"dateUpdated": "2026-11-05T00:00:00Z"},
        "affected": [product(version("0", lessThan="9.0"), cpes=cpes)],
        "metrics": metrics,
        "problemTypes": [{"descriptions": [{"lang": "en", "cweId": "CWE-120"}]}],
    }
    record = one(product(version("0", lessThan="1.0")), adp=(cisa,))

    assert [(), ("a", "tiny", "tinyframe")] == [entry.cpe for entry in record.entries]
    assert (("Exploitation", "poc"), ("Automatable", "no")) == record.ssvc
    assert ((("CVSS_V3", "CVSS:3.1/AV:N"),), ("CWE-120",)) == (record.severities, record.weaknesses)
    assert "2026-11-05T00:00:00Z" == record.modified


def test_what_two_say_alike_is_one_entry():
    """CISA often repeats the CNA's list word for word."""
    same = product(version("0", lessThan="1.0"))

    assert 1 == len(one(same, adp=({"affected": [same]},)).entries)


def test_a_rejected_record_is_withdrawn():
    """Whatever it once listed."""
    record = one(state="REJECTED", dateRejected="2026-11-03T00:00:00")

    assert "2026-11-03T00:00:00Z" == record.withdrawn


def test_nobody_is_called_not_applicable():
    """ "n/a" is no vendor, and no product to be found by."""
    record = one(product(version("n/a"), vendor="n/a", product="n/a", defaultStatus="unknown"))

    assert {"id:CVE-2026-990001"} == record_keys(record)


def test_openssl_counts_its_letters():
    """1.0.2zf is neither SemVer nor prose."""
    old = version("Fixed in OpenSSL 1.1.1d (Affected 1.1.1-1.1.1c)")
    new = version("1.0.2", lessThan="1.0.2zf", versionType="custom")
    (entry,) = one(product(old, new, vendor="OpenSSL", product="OpenSSL")).entries

    assert (
        Span(first="1.1.1", last="1.1.1c", holds_last=True, scheme="openssl"),
        Span(first="1.0.2", last="1.0.2zf", scheme="openssl"),
    ) == entry.spans


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (cve5("CVE-2026-990001", state="MAYBE"), "state"),
        (cve5("CVE-2026-990001", dateUpdated="soon"), "CVE-2026-990001: expected a time"),
        (cve5("CVE 2026"), "cveId"),
        (page(nvd("CVE-2026-990001", configuration(row()))), "cveMetadata"),
        (cve5("CVE-2026-990001", product({"status": "affected", "version": 1})), "version"),
        (b"", "file"),
    ],
)
def test_what_is_no_record_is_refused_by_name(data, says):
    """A record that were skipped instead would hide a vulnerability."""
    with pytest.raises(Malformed, match=says):
        list(records(data, "file"))


@needs_real_data
def test_every_real_record_is_read(unpacked):
    """All 4,030 are; hardly a kernel record is left to commits alone."""
    found = [r for name, data in unpacked("cve5/vulnrichment.tar.zst") for r in records(data, name)]
    kernel = [r for r in found if any(e.vendor == e.name == "linux" for e in r.entries)]
    left = [r for r in kernel if all(e.withheld for e in r.entries)]

    assert 4030 == len(found)
    assert len(kernel) > 3600
    assert len(left) < 60

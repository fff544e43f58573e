"""Matching: affected, not affected or unknown, and never clean by silence."""

import json
from datetime import timedelta

import pytest
from tests.known import CVE, NOW, before, cpe, kev, known, osv, packed, part, record, told

from firmward.advisories import aliases
from firmward.advisories.index import Index
from firmward.advisories.load import from_files
from firmward.advisories.match import Component, match
from firmward.advisories.records import Entry, Span
from firmward.terms.errors import Malformed, Unavailable


def answer(data: bytes, component: Component | None = None, catalogue: bytes | None = None):
    """The one answer for one OSV record and one component."""
    [found] = match([component or part()], from_files([data], catalogue or kev()), NOW)
    return found


# ---- names ----


def test_a_component_that_no_record_knows_is_unknown():
    """Silence is not health."""
    found = answer(osv("otherlib"))

    assert ("unknown", "") == (found.status, found.advisory)


def test_a_component_without_a_purl_is_unknown():
    """A bare name identifies nothing, not even with many records of that name."""
    bare = Component(name="tinyframe", version="1.0.0")

    assert ("unknown", "") == ((found := answer(osv(), bare)).status, found.advisory)


def test_a_supplier_with_a_name_identifies_what_a_bare_name_does_not():
    """An SBOM that says "Arm, Mbed TLS" means what NVD calls arm:mbed_tls."""
    entry = cpe("trustedfirmware", "mbed_tls", before("3.6.0"))
    bare = Component(name="Mbed TLS", version="3.5.0")

    assert "unknown" == told(bare, record(entry)).status
    named = Component(name="Mbed TLS", version="3.5.0", supplier="Arm")
    assert "affected" == told(named, record(entry)).status


@pytest.mark.parametrize(
    ("purl", "vendor", "product"),
    [
        ("pkg:generic/mbedtls", "arm", "mbed_tls"),
        ("pkg:generic/mbedtls", "mbed-tls", "mbedtls"),
        ("pkg:github/mbed-tls/mbedtls", "mbed", "mbedtls"),
        ("pkg:generic/curl", "haxx", "libcurl"),
        ("pkg:conan/libcurl", "curl", "curl"),
        ("pkg:generic/expat", "libexpat_project", "libexpat"),
        ("pkg:generic/nginx", "f5", "nginx_open_source"),
        ("pkg:generic/python", "python_software_foundation", "cpython"),
        ("pkg:generic/zephyr", "zephyrproject-rtos", "zephyr"),
        ("pkg:generic/linux", "linux", "linux_kernel"),
        ("pkg:generic/freertos", "amazon", "freertos"),
        ("pkg:generic/dnsmasq", "thekelleys", "dnsmasq"),
    ],
)
def test_sources_spell_one_product_in_many_ways(purl, vendor, product):
    """Every spelling of the table finds the component, as a CPE and as vendor and product."""
    by_cpe = record(cpe(vendor, product, before("9999")))
    by_words = record(Entry(vendor=vendor, name=product, spans=(before("9999"),)), source="cve5")

    assert "affected" == told(part("1.0.0", purl), by_cpe).status
    assert "affected" == told(part("1.0.0", purl), by_words).status


def test_a_cpe_name_of_the_component_is_taken_at_its_word():
    """And brings the version where the SBOM has none."""
    entry = cpe("acme", "valve", before("2.0"))
    named = Component(name="v", cpe="cpe:2.3:a:acme:valve:1.5:*:*:*:*:*:*:*")

    assert "affected" == told(named, record(entry)).status
    assert (
        "not_affected"
        == told(Component(name="v", cpe="cpe:/a:acme:valve:2.1"), record(entry)).status
    )


@pytest.mark.parametrize(
    ("purl", "entry"),
    [
        ("pkg:generic/zlib", cpe("cloudflare", "zlib", before("9"))),
        ("pkg:generic/openssl", Entry(purl="pkg:gem/openssl", ecosystem="RubyGems",
                                      name="openssl", spans=(before("9"),))),
        ("pkg:gem/openssl", cpe("openssl", "openssl", before("9"))),
        ("pkg:pypi/curl", cpe("haxx", "curl", before("9"))),
        ("pkg:generic/linux", cpe("linux", "linux_kernel", before("9"), platform=True)),
    ],
)  # fmt: skip
def test_a_look_alike_is_another_package(purl, entry):
    """A fork, a Ruby library, a platform that the vulnerable part merely runs on."""
    assert "" == told(part("1.0.0", purl), record(entry)).advisory


@pytest.mark.parametrize(
    ("purl", "entry"),
    [
        ("pkg:generic/linux", Entry(vendor="n/a", name="kernel", spans=(before("9"),))),
        ("pkg:generic/lwip", Entry(vendor="microchip", name="lwip", spans=(before("9"),))),
        ("pkg:generic/tinyframe", Entry(ecosystem="GIT", name="tinyframe", spans=(before("9"),))),
        ("pkg:generic/openssl", Entry(ecosystem="Debian:12", name="openssl",
                                      spans=(before("9", scheme="deb"),))),
    ],
)  # fmt: skip
def test_a_namesake_is_unknown(purl, entry):
    """It may or may not be this one: neither affected nor left out."""
    found = told(part("1.0.0", purl), record(entry))

    assert ("unknown", CVE) == (found.status, found.advisory)
    assert "cannot be told" in found.reason


def test_a_namesake_gives_way_to_a_record_that_means_the_component():
    """What cannot be told by one source may be by another."""
    entry = Entry(vendor="n/a", name="curl", spans=(before("9"),))
    clean = record(cpe("haxx", "curl", before("7.0")))

    found = told(part("8.0.0", "pkg:generic/curl"), record(entry, source="cve5"), clean)
    assert ("not_affected", {("nvd", CVE), ("cve5", CVE)}) == (found.status, set(found.records))


def test_a_record_about_another_platform_is_unknown_inside_and_clean_outside():
    """A flaw of the Windows build may not be ours; a version out of its range is not at all."""
    entry = cpe("haxx", "curl", before("8.0.0"), target="windows")

    inside = told(part("7.9.0", "pkg:generic/curl"), record(entry))
    assert ("unknown", True) == (inside.status, "windows" in inside.reason)
    assert "not_affected" == told(part("8.1.0", "pkg:generic/curl"), record(entry)).status


def test_a_withheld_entry_never_decides():
    """The reader says why: a negated configuration, a CPE version that is a dash."""
    entry = cpe("haxx", "curl", before("8.0.0"), withheld="the record says where it is not")

    for version in ("7.9.0", "8.1.0"):
        found = told(part(version, "pkg:generic/curl"), record(entry))
        assert ("unknown", True) == (found.status, "where it is not" in found.reason)


def test_no_name_of_the_table_means_two_products():
    """It would identify neither."""
    assert len(aliases.table().by_name) > 100
    with pytest.raises(ValueError, match="zlib"):
        aliases.read(
            '[[product]]\nname = "a"\nnames = ["z:zlib"]\n'
            '[[product]]\nname = "b"\nnames = ["Z:ZLIB"]\n'
        )


# ---- distributions ----


DEBIAN = Entry(
    purl="pkg:deb/debian/openssl",
    ecosystem="Debian:11",
    name="openssl",
    spans=(Span(last="1.1.1n-0+deb11u4", scheme="deb"),),
)
UPSTREAM = cpe("openssl", "openssl", before("1.1.1t", "1.1.1"))


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.1.1n-0+deb11u3", "affected"), ("1.1.1n-0+deb11u4", "not_affected")],
)
def test_a_distributions_record_decides_about_its_package(version, expected):
    """Upstream's range knows nothing of a repair that Debian put into 1.1.1n."""
    libssl = packed("libssl1.1", version, distro="debian-11", upstream="openssl")
    debian = record(DEBIAN, id="DSA-1", source="osv", aliases=(CVE,))

    found = told(libssl, record(UPSTREAM), debian)
    assert (expected, "DSA-1") == (found.status, found.advisory)


def test_upstreams_range_alone_makes_a_patched_package_affected_and_says_what_it_cannot_see():
    """Better a question to the packager than a hole that everybody takes for repaired."""
    libssl = packed("libssl1.1", "1.1.1n-0+deb11u4", distro="debian-11", upstream="openssl")

    found = told(libssl, record(UPSTREAM))
    assert ("affected", True) == (found.status, "Debian may have repaired it" in found.reason)


def test_upstreams_repair_is_in_a_package_that_is_newer():
    """No distribution takes a repair out."""
    libssl = packed("libssl1.1", "1.1.1w-0+deb11u1", distro="debian-11", upstream="openssl")

    assert "not_affected" == told(libssl, record(UPSTREAM)).status


@pytest.mark.parametrize(
    "other",
    [
        packed("openssl", "1.1.1n-0+deb11u3", distro="debian-12"),
        packed("openssl", "1.1.1n-0ubuntu1", kind="deb/ubuntu"),
        packed("openssl", "1.1.1n-r0", kind="apk/alpine"),
    ],
)
def test_another_release_or_distribution_is_judged_by_its_own_records(other):
    """Each patches by itself."""
    debian = record(DEBIAN, id="DSA-1", source="osv", aliases=(CVE,))

    assert "" == told(other, debian).advisory


@pytest.mark.parametrize(
    ("component", "entry"),
    [
        (
            packed("libcrypto3", "3.1.4-r0", kind="apk/alpine", distro="alpine-3.19.1"),
            Entry(ecosystem="Alpine:v3.19", name="openssl",
                  spans=(Span(last="3.1.4-r1", scheme="apk"),)),
        ),
        (
            packed("openssl-libs", "1:1.1.1k-5.el8_5", kind="rpm/rocky", distro="rocky-8.5"),
            Entry(ecosystem="Rocky Linux:8", name="openssl",
                  spans=(Span(last="1:1.1.1k-6.el8_5", scheme="rpm"),)),
        ),
        (
            packed("libsqlite3-0", "3.34.1-3", distro="debian-11"),
            Entry(ecosystem="Debian:11", name="sqlite3",
                  spans=(Span(last="3.34.1-3+deb11u1", scheme="deb"),)),
        ),
    ],
)  # fmt: skip
def test_a_binary_package_is_judged_by_what_is_said_of_its_source(component, entry):
    """Alpine, Rocky and Debian write about sources; a root file system holds binaries."""
    found = told(component, record(entry, id="ADV-1", source="osv"))

    assert ("affected", "ADV-1") == (found.status, found.advisory)


# ---- several records ----


def test_records_about_one_cve_are_one_answer_with_all_of_them_behind_it():
    """And the graver one stands, with the disagreement in the reason."""
    says_yes = record(cpe("haxx", "curl", before("8.0.0")))
    says_no = record(Entry(vendor="curl", name="curl", spans=(before("7.0.0"),)), source="cve5")

    found = told(part("7.5.0", "pkg:generic/curl"), says_no, says_yes)
    assert ("affected", {("nvd", CVE), ("cve5", CVE)}) == (found.status, set(found.records))
    assert f"but cve5 {CVE} says not_affected" in found.reason


def test_a_notice_about_several_cves_answers_for_each():
    """A distribution repairs many at once."""
    notice = record(DEBIAN, id="DSA-1", source="osv", aliases=(CVE, "CVE-2026-0002"))
    libssl = packed("openssl", "1.1.1n-0+deb11u3", distro="debian-11")

    found = match([libssl], known(notice, exploited=("CVE-2026-0002",)), NOW)
    assert [(CVE, False), ("CVE-2026-0002", True)] == [(m.cve, m.exploited) for m in found]


def test_an_alias_in_the_catalogue_makes_a_match_exploited():
    """KEV lists CVE ids; the record may be filed under another name."""
    data = osv(fixed=None, aliases=[CVE])

    assert answer(data, catalogue=kev(CVE)).exploited
    assert not answer(data, catalogue=kev("CVE-2026-0002")).exploited
    assert CVE == answer(data, catalogue=kev(CVE)).cve


def test_a_withdrawn_record_no_longer_affects_from_its_day_on():
    """Withdrawn tomorrow still counts today, and another source's live record always does."""
    yesterday, tomorrow = NOW - timedelta(days=1), NOW + timedelta(days=1)
    live = record(cpe("haxx", "curl", before("8.0.0")))
    gone = record(cpe("haxx", "curl", before("8.0.0")), source="cve5",
                  withdrawn="2026-11-20T00:00:00Z")  # fmt: skip

    taken_back = answer(osv(fixed=None, withdrawn=yesterday.isoformat()))
    going = answer(osv(fixed=None, withdrawn=tomorrow.isoformat()))
    assert ("not_affected", "affected") == (taken_back.status, going.status)
    assert "affected" == told(part("7.5.0", "pkg:generic/curl"), gone, live).status


def test_every_answer_says_how_old_the_knowledge_is():
    """Also the one that nobody knows anything."""
    found = match([part(), part("1.0.0", "pkg:generic/curl")], known(record(UPSTREAM)), NOW)

    assert [("2026-11-19T12:00:00Z", 2.0)] * 2 == [(m.snapshot, m.age_days) for m in found]


def test_no_record_at_all_is_no_answer():
    """An empty folder would find every component clean."""
    with pytest.raises(Unavailable, match="at least one record"):
        match([part()], Index.memory(), NOW)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"{",
        b'{"id": 1, "modified": "2026-01-01T00:00:00Z"}',
        b'{"id": "X"}',
        json.dumps({"id": "X", "modified": "2026-01-01T00:00:00Z", "affected": [1]}).encode(),
    ],
)
def test_a_record_that_is_none_is_refused_whole(spoiled):
    """A snapshot with a hole in it is not quietly smaller."""
    with pytest.raises(Malformed):
        from_files([osv(), spoiled], kev())

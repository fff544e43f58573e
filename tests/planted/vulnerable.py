"""Vulnerable components by every way to a match, and look-alikes that must stay quiet.

Each advisory is a made-up file in its official format; identifiers are of a year that is not yet.
"""

import json
from dataclasses import dataclass
from typing import Any

MODIFIED = "2026-11-20T00:00:00Z"


@dataclass(frozen=True)
class Plant:
    """A component of an SBOM, its CVE, and the file that knows of it, in its format."""

    route: str
    purl: str
    version: str
    cve: str
    kind: str
    advisory: bytes
    cpe: str = ""
    supplier: str = ""
    name: str = ""


def _osv(cve: str, package: dict[str, str], *events: dict[str, str], **more: Any) -> bytes:
    kind = more.pop("kind", "ECOSYSTEM")
    affected = {"package": package, "ranges": [{"type": kind, "events": list(events)}], **more}
    return json.dumps(
        {"id": f"MADE-{cve}", "modified": MODIFIED, "aliases": [cve], "affected": [affected]}
    ).encode()


def _nvd(cve: str, *rows: dict[str, Any]) -> bytes:
    node = {"operator": "OR", "negate": False, "cpeMatch": list(rows)}
    item = {
        "id": cve,
        "lastModified": MODIFIED[:-1] + ".000",
        "published": MODIFIED[:-1] + ".000",
        "vulnStatus": "Analyzed",
        "descriptions": [{"lang": "en", "value": "made up"}],
        "configurations": [{"nodes": [node]}],
    }
    page = {
        "resultsPerPage": 1,
        "startIndex": 0,
        "totalResults": 1,
        "format": "NVD_CVE",
        "version": "2.0",
        "timestamp": MODIFIED[:-1] + ".000",
        "vulnerabilities": [{"cve": item}],
    }
    return json.dumps(page).encode()


def _row(name: str, version: str = "*", **ends: Any) -> dict[str, Any]:
    criteria = f"cpe:2.3:{name}:{version}:*:*:*:*:*:*:*"
    return {"vulnerable": True, "criteria": criteria, "matchCriteriaId": "0" * 36, **ends}


def _cve5(cve: str, **affected: Any) -> bytes:
    meta = {"cveId": cve, "state": "PUBLISHED", "assignerOrgId": "0", "dateUpdated": MODIFIED}
    cna = {
        "providerMetadata": {"orgId": "0"},
        "descriptions": [{"lang": "en", "value": "made up"}],
        "affected": [affected],
    }
    document = {"dataType": "CVE_RECORD", "dataVersion": "5.1", "cveMetadata": meta}
    return json.dumps(document | {"containers": {"cna": cna}}).encode()


def _span(first: str, before: str, kind: str = "semver") -> dict[str, str]:
    return {"version": first, "lessThan": before, "status": "affected", "versionType": kind}


def _cve(number: int) -> str:
    return f"CVE-2031-{number:04d}"


ZERO = {"introduced": "0"}

PLANTED = (
    Plant("purl", "pkg:generic/tinyframe", "1.3.0", _cve(1), "osv",
          _osv(_cve(1), {"ecosystem": "", "name": "tinyframe", "purl": "pkg:generic/tinyframe"},
               ZERO, {"fixed": "1.4.0"}, kind="SEMVER")),
    Plant("npm", "pkg:npm/%40acme/ui", "2.0.0", _cve(2), "osv",
          _osv(_cve(2), {"ecosystem": "npm", "name": "@acme/ui"}, ZERO, {"fixed": "2.0.1"})),
    Plant("PyPI", "pkg:pypi/made_up.tool", "1.0rc1", _cve(3), "osv",
          _osv(_cve(3), {"ecosystem": "PyPI", "name": "made-up-tool"}, ZERO, {"fixed": "1.0"})),
    Plant("Cargo", "pkg:cargo/ringlog", "0.9.0-alpha.2", _cve(4), "osv",
          _osv(_cve(4), {"ecosystem": "crates.io", "name": "ringlog"}, ZERO, {"fixed": "0.9.0"})),
    Plant("Debian, by source", "pkg:deb/debian/libssl3?distro=debian-12&upstream=openssl",
          "3.0.9-1", _cve(5), "osv",
          _osv(_cve(5), {"ecosystem": "Debian:12", "name": "openssl"},
               ZERO, {"fixed": "3.0.9-1+deb12u1"})),
    Plant("Alpine", "pkg:apk/alpine/busybox?distro=alpine-3.19.1", "1.36.1-r2", _cve(6), "osv",
          _osv(_cve(6), {"ecosystem": "Alpine:v3.19", "name": "busybox"},
               ZERO, {"fixed": "1.36.1-r15"})),
    Plant("RPM with epoch", "pkg:rpm/almalinux/openssl?distro=almalinux-9.3", "1:3.0.7-24.el9",
          _cve(7), "osv",
          _osv(_cve(7), {"ecosystem": "AlmaLinux:9", "name": "openssl"},
               ZERO, {"fixed": "1:3.0.7-25.el9_3"})),
    Plant("commits with tags", "pkg:generic/libcoap", "4.3.4a", _cve(8), "osv",
          _osv(_cve(8), {"ecosystem": "OSS-Fuzz", "name": "libcoap"},
               {"introduced": "6504b667d38012efa81087bf4cc960128f4dc2d4"}, kind="GIT",
               versions=["v4.3.4", "v4.3.4a"])),
    Plant("CPE range", "pkg:generic/mbedtls", "3.5.2", _cve(9), "nvd",
          _nvd(_cve(9), _row("a:arm:mbed_tls", versionStartIncluding="3.3.0",
                             versionEndExcluding="3.6.0"))),
    Plant("CPE, up to and with", "pkg:generic/dropbear", "2022.83", _cve(10), "nvd",
          _nvd(_cve(10), _row("a:dropbear_ssh_project:dropbear_ssh",
                              versionEndIncluding="2022.83"))),
    Plant("CPE, exact version", "pkg:generic/zlib", "1.2.13", _cve(11), "nvd",
          _nvd(_cve(11), _row("a:zlib:zlib", "1.2.13"))),
    Plant("CPE, every version", "pkg:generic/lwip", "2.1.3", _cve(12), "nvd",
          _nvd(_cve(12), _row("a:lwip_project:lwip"))),
    Plant("patch letters", "pkg:generic/openssl", "1.0.2zc", _cve(13), "nvd",
          _nvd(_cve(13), _row("a:openssl:openssl", versionStartIncluding="1.0.2",
                              versionEndExcluding="1.0.2zd"))),
    Plant("candidate for release", "pkg:generic/linux", "5.10.0-rc3", _cve(14), "nvd",
          _nvd(_cve(14), _row("o:linux:linux_kernel", versionEndExcluding="5.10"))),
    Plant("date as version", "pkg:generic/u-boot", "2021.07", _cve(15), "nvd",
          _nvd(_cve(15), _row("a:denx:u-boot", versionEndExcluding="2021.10"))),
    Plant("vendor's other name", "pkg:github/freertos/freertos-kernel", "10.4.3", _cve(16), "nvd",
          _nvd(_cve(16), _row("o:amazon:freertos", versionEndExcluding="10.5.0"))),
    Plant("the component's CPE", "", "4.1", _cve(17), "nvd",
          _nvd(_cve(17), _row("a:acme:valve_control", versionEndExcluding="4.2")),
          cpe="cpe:2.3:a:acme:valve_control:4.1:*:*:*:*:*:*:*", name="valve"),
    Plant("vendor and product", "pkg:generic/zephyr", "3.5.0", _cve(18), "cve5",
          _cve5(_cve(18), vendor="zephyrproject-rtos", product="Zephyr",
                versions=[_span("0", "3.6.0")], defaultStatus="unaffected")),
    Plant("supplier and name", "", "5.6.3", _cve(19), "cve5",
          _cve5(_cve(19), vendor="wolfSSL Inc.", product="wolfSSL", versions=[_span("0", "5.6.6")]),
          supplier="wolfSSL Inc.", name="wolfSSL"),
    Plant("affected by default", "pkg:generic/linux", "6.1.20", _cve(20), "cve5",
          _cve5(_cve(20), vendor="Linux", product="Linux", defaultStatus="affected", versions=[
              {"version": "6.1.21", "lessThanOrEqual": "6.1.*", "status": "unaffected"},
              {"version": "6.3", "lessThanOrEqual": "*", "status": "unaffected"}])),
    Plant("prose with one reading", "pkg:generic/openssl", "1.1.1i", _cve(21), "cve5",
          _cve5(_cve(21), vendor="OpenSSL", product="OpenSSL", versions=[
              {"version": "Fixed in OpenSSL 1.1.1j (Affected 1.1.1-1.1.1i)",
               "status": "affected"}])),
    Plant("from a namespace", "pkg:github/acme/pumpfs", "0.3.1", _cve(22), "cve5",
          _cve5(_cve(22), vendor="Acme", product="PumpFS", versions=[_span("0", "0.4.0")])),
    Plant("packed upstream", "pkg:deb/debian/libexpat1?distro=debian-12", "2.5.0-1", _cve(23),
          "nvd",
          _nvd(_cve(23), _row("a:libexpat_project:libexpat", versionEndExcluding="2.6.0"))),
    Plant("Conan", "pkg:conan/libcurl", "8.3.0", _cve(24), "cve5",
          _cve5(_cve(24), vendor="curl", product="curl", versions=[_span("7.69.0", "8.4.0")])),
)  # fmt: skip

QUIET = (
    # purl, version, CPE, supplier, name: of nothing that the planted advisories are about
    ("pkg:generic/tinyframe", "1.4.0", "", "", ""),
    ("pkg:npm/ui", "2.0.0", "", "", ""),
    ("pkg:npm/%40other/ui", "2.0.0", "", "", ""),
    ("pkg:pypi/made-up-tool", "1.0", "", "", ""),
    ("pkg:cargo/ringlog", "0.9.0", "", "", ""),
    ("pkg:gem/openssl", "1.0.2zc", "", "", ""),
    ("pkg:pypi/linux", "5.9.0", "", "", ""),
    ("pkg:generic/mbedtls", "3.6.0", "", "", ""),
    ("pkg:generic/dropbear", "2024.84", "", "", ""),
    ("pkg:generic/openssl", "1.1.1j", "", "", ""),
    ("pkg:generic/linux", "6.3.0", "", "", ""),
    ("pkg:generic/u-boot", "2021.10", "", "", ""),
    ("pkg:generic/zephyr", "3.6.0", "", "", ""),
    ("pkg:github/acme/pumpfs", "0.4.0", "", "", ""),
    ("pkg:generic/curl", "8.4.0", "", "", ""),
    ("pkg:deb/debian/libexpat1?distro=debian-12", "2.6.0-1", "", "", ""),
    ("pkg:deb/debian/libssl3?distro=debian-12&upstream=openssl", "3.0.9-1+deb12u1", "", "", ""),
    ("pkg:apk/alpine/busybox?distro=alpine-3.19.1", "1.36.1-r15", "", "", ""),
    ("", "4.2", "cpe:2.3:a:acme:valve_control:4.2:*:*:*:*:*:*:*", "", "valve"),
    ("", "4.1", "", "", "valve control"),
    ("", "5.6.3", "", "Somebody else", "wolfSSL"),
    ("pkg:generic/acme/linux", "5.9.0", "", "", ""),
)

"""Made-up advisories in the real formats of OSV, NVD, CVE 5, CSAF, KEV and EPSS.

No software is meant; ids are of years and numbers that nobody assigned.
"""

import json
from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "advisories"
"""Real data beside the checkout, for tests that skip where there is none."""

needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real advisories of ../shared/data are not beside the checkout"
)


def osv(name: str = "MADE-1", /, **members: object) -> bytes:
    """An OSV record of one PyPI package, affected below 1.4.0."""
    package = {"ecosystem": "PyPI", "name": "Tiny_Frame"}
    events = [{"introduced": "0"}, {"fixed": "1.4.0"}]
    record = {
        "id": name,
        "modified": "2026-11-01T08:00:00.123456Z",
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
    }
    return json.dumps(record | members).encode()


def affected(*events: dict[str, str], kind: str = "SEMVER", **members: object) -> dict:
    """OSV's `affected` of one package with one range."""
    package = {"ecosystem": "OSS-Fuzz", "name": "tinyframe"}
    return {"package": package, "ranges": [{"type": kind, "events": list(events)}], **members}


def row(product: str = "tinyframe", version: str = "*", **members: object) -> dict:
    """NVD's `cpeMatch`."""
    criteria = f"cpe:2.3:a:tiny:{product}:{version}:*:*:*:*:*:*:*"
    return {"vulnerable": True, "criteria": criteria, **members}


def configuration(*rows: dict, **members: object) -> dict:
    """NVD's configuration of one node."""
    return {"nodes": [{"operator": "OR", "negate": False, "cpeMatch": list(rows)}], **members}


def nvd(name: str = "CVE-2026-990001", /, *configurations: dict, **members: object) -> dict:
    """A record of NVD's API 2.0, as an item of a page."""
    cve = {
        "id": name,
        "published": "2026-10-01T08:00:00.000",
        "lastModified": "2026-11-01T08:00:00.123",
        "vulnStatus": "Analyzed",
        "descriptions": [{"lang": "es", "value": "no"}, {"lang": "en", "value": "made up"}],
        "metrics": {},
        "configurations": list(configurations),
    }
    return {"cve": cve | members}


def page(*items: dict, start: int = 0, total: int | None = None) -> bytes:
    """A page of NVD's API 2.0."""
    body = {
        "resultsPerPage": len(items),
        "startIndex": start,
        "totalResults": len(items) if total is None else total,
        "format": "NVD_CVE",
        "version": "2.0",
        "vulnerabilities": list(items),
    }
    return json.dumps(body).encode()


def cve5(
    name: str = "CVE-2026-990001", /, *products: dict, adp: tuple = (), **about: object
) -> bytes:
    """A CVE record in JSON 5."""
    record = {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.1",
        "cveMetadata": {
            "cveId": name,
            "state": "PUBLISHED",
            "dateUpdated": "2026-11-01T08:00:00.123Z",
            **about,
        },
        "containers": {
            "cna": {
                "providerMetadata": {"dateUpdated": "2026-11-01T08:00:00.123Z"},
                "descriptions": [{"lang": "en", "value": "made up"}],
                "affected": list(products),
            },
            "adp": list(adp),
        },
    }
    return json.dumps(record).encode()


def product(*versions: dict, **members: object) -> dict:
    """CVE 5's `affected` of one product."""
    named = {"vendor": "Tiny", "product": "Tinyframe", "defaultStatus": "unaffected"}
    return named | {"versions": list(versions)} | members


def leaf(name: str, number: int, category: str = "product_version", **helper: str) -> dict:
    """A version among CSAF's branches."""
    stands_for = {"name": f"tinyframe {name}", "product_id": f"P{number}"}
    if helper:
        stands_for["product_identification_helper"] = helper
    return {"category": category, "name": name, "product": stands_for}


def csaf(
    *leaves: dict, vulnerabilities: tuple = (), tree: dict | None = None, **status: list
) -> bytes:
    """A CSAF 2.0 advisory of one product with these versions, and of one vulnerability."""
    named = {"category": "product_name", "name": "Tinyframe", "branches": list(leaves)}
    vendor = {"category": "vendor", "name": "Tiny", "branches": [named]}
    document = {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "title": "made up",
            "tracking": {
                "id": "TINY-26-001",
                "current_release_date": "2026-11-01T08:00:00.000Z",
                "initial_release_date": "2026-10-01T08:00:00.000Z",
            },
        },
        "product_tree": tree or {"branches": [vendor]},
        "vulnerabilities": list(vulnerabilities)
        or [{"cve": "CVE-2026-990001", "product_status": status}],
    }
    return json.dumps(document).encode()


def kev(*names: str, released: str = "2026-11-20T12:00:00.000Z", **members: object) -> bytes:
    """CISA's catalogue with these CVEs."""
    rows = [
        {
            "cveID": name,
            "vendorProject": "Tiny",
            "product": "tinyframe",
            "vulnerabilityName": "made up",
            "dateAdded": "2026-11-01",
            "shortDescription": "made up",
            "requiredAction": "none",
            "dueDate": "2026-11-22",
            "knownRansomwareCampaignUse": "Known",
            "notes": "",
        }
        for name in names or ("CVE-2026-990001",)
    ]
    body = {
        "title": "made up",
        "catalogVersion": "2026.11.20",
        "dateReleased": released,
        "count": len(rows),
        "vulnerabilities": rows,
    }
    return json.dumps(body | members).encode()


def epss(*rows: str, made: str = "2026-11-20T00:00:00+0000") -> bytes:
    """FIRST's scores."""
    lines = [f"#model_version:v2025.03.14,score_date:{made}", "cve,epss,percentile"]
    return "\n".join([*lines, *(rows or ("CVE-2026-990001,0.00042,0.05",)), ""]).encode()

"""Made-up advisories in the real upstream formats, for the lab's two made-up components.

Nothing here is about real software: identifiers are of years and numbers that nobody assigned.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from firmward.terms.times import moment

VULNERABLE_TINYFRAME = "1.3.0"
"""The release of tinyframe that the lab's catalogue says is being exploited."""

CVE = "CVE-2026-99001"


def write(folder: Path, now: datetime) -> Path:
    """An OSV record and a KEV catalogue of today, as a hospital or a vendor mirrors them."""
    (folder / "osv").mkdir(parents=True, exist_ok=True)
    changed = moment(now)
    records = [_osv("LAB-2026-0001", "tinyframe", "1.4.0", CVE, changed)]
    records.append(_osv("LAB-2026-0002", "ringlog", "0.9.0", "CVE-2026-99002", changed))
    for record in records:
        (folder / "osv" / f"{record['id']}.json").write_text(json.dumps(record, indent=1))
    (folder / "kev.json").write_text(json.dumps(_kev(now), indent=1))
    return folder


def _osv(identifier: str, name: str, fixed: str, cve: str, changed: str) -> dict[str, object]:
    """An OSV record (ossf.github.io/osv-schema 1.6): every release below `fixed` is affected."""
    return {
        "schema_version": "1.6.0",
        "id": identifier,
        "modified": changed,
        "published": changed,
        "aliases": [cve],
        "summary": f"{name} writes beyond its buffer on a short frame (made up for the lab)",
        "affected": [
            {
                "package": {
                    "ecosystem": "GIT",
                    "name": name,
                    "purl": f"pkg:generic/{name}",
                },
                "ranges": [
                    {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]},
                ],
            }
        ],
        "severity": [
            {"type": "CVSS_V3", "score": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
        ],
    }


def _kev(now: datetime) -> dict[str, object]:
    """CISA's catalogue format, with one entry."""
    today = now.date().isoformat()
    entry = {
        "cveID": CVE,
        "vendorProject": "Tinyframe Project (fictional)",
        "product": "tinyframe",
        "vulnerabilityName": "tinyframe out-of-bounds write (made up for the lab)",
        "dateAdded": today,
        "shortDescription": "Made up for the lab.",
        "requiredAction": "Update to 1.4.0 or later.",
        "dueDate": today,
        "knownRansomwareCampaignUse": "Unknown",
        "notes": "",
        "cwes": ["CWE-787"],
    }
    return {
        "title": "Known exploited vulnerabilities of the lab (made up)",
        "catalogVersion": now.strftime("%Y.%m.%d"),
        "dateReleased": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000Z"),
        "count": 1,
        "vulnerabilities": [entry],
    }

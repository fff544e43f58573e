"""What is known of vulnerabilities, for tests: records, and files in upstream's formats."""

import json
from datetime import UTC, datetime, timedelta

from firmward.advisories.index import Index
from firmward.advisories.match import Component, Match, match
from firmward.advisories.records import Entry, Exploited, Record, Span

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CVE = "CVE-2026-0001"
REASON = "vulnerable_code_not_in_execute_path"


def part(version: str = "1.4.2", purl: str = "pkg:generic/tinyframe", **more: str) -> Component:
    """The component that the records are about."""
    return Component(
        name=purl.rpartition("/")[2], version=version, purl=f"{purl}@{version}", **more
    )


def packed(name: str, version: str, kind: str = "deb/debian", **asked: str) -> Component:
    """A component as a distribution's package database names it."""
    qualifiers = "&".join(f"{key}={value}" for key, value in asked.items())
    return Component(name=name, version=version, purl=f"pkg:{kind}/{name}@{version}?{qualifiers}")


def record(*entries: Entry, **more: object) -> Record:
    """A record about these entries, NVD's of yesterday unless said otherwise."""
    said = {"id": CVE, "source": "nvd", "modified": "2026-11-20T00:00:00Z"} | more
    return Record(entries=entries, **said)


def known(*records: Record, exploited: tuple[str, ...] = ()) -> Index:
    """An index of these records and a catalogue of these CVEs."""
    index = Index.memory()
    for source in {each.source for each in records}:
        index.update(source, [each for each in records if each.source == source], now=NOW)
    listed = [Exploited(cve=cve, added="2026-11-19") for cve in (*exploited, "CVE-2020-99999")]
    index.update_exploited(listed, snapshot=NOW - timedelta(days=2), now=NOW)
    return index


def told(component: Component, *records: Record) -> Match:
    """The one answer for one component."""
    [found] = match([component], known(*records), NOW)
    return found


def cpe(vendor: str, product: str, *spans: Span, **more: object) -> Entry:
    """What NVD says of a product."""
    return Entry(cpe=("a", vendor, product), vendor=vendor, name=product, spans=spans, **more)


def before(version: str, first: str = "", **more: object) -> Span:
    """Everything before a repair."""
    return Span(first=first, last=version, **more)


def osv(
    package: str = "tinyframe",
    *,
    fixed: str | None = "1.4.0",
    introduced: str = "0",
    modified: datetime | None = None,
    **members: object,
) -> bytes:
    """An OSV record about one package."""
    end = [{"fixed": fixed}] if fixed else []
    affected = {
        "package": {"ecosystem": "generic", "name": package, "purl": f"pkg:generic/{package}"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": introduced}, *end]}],
    }
    record = {
        "id": f"TEST-{package}-1",
        "modified": _stamp(modified or datetime.now(UTC) - timedelta(hours=2)),
        "affected": [affected],
    }
    return json.dumps(record | members).encode()


def kev(*cves: str, released: datetime | None = None) -> bytes:
    """A KEV catalogue with these CVEs in it, and one of nobody's."""
    listed = [
        {
            "cveID": cve,
            "vendorProject": "test",
            "product": "test",
            "vulnerabilityName": cve,
            "dateAdded": "2026-11-01",
            "shortDescription": "for tests",
            "requiredAction": "update",
            "dueDate": "2026-11-22",
        }
        for cve in (*cves, "CVE-2020-99999")
    ]
    catalogue = {
        "title": "for tests",
        "catalogVersion": "2026.11.21",
        "dateReleased": _stamp(released or datetime.now(UTC) - timedelta(hours=1)),
        "count": len(listed),
        "vulnerabilities": listed,
    }
    return json.dumps(catalogue).encode()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def said_at(days: float = 0.0) -> str:
    """A moment after the last change of the record."""
    return (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(days=days)).isoformat()


def openvex(
    status: str = "not_affected",
    product: object = "pkg:generic/curl@7.9.0",
    *,
    author: str = "acme",
    at: float = 0.0,
    cve: str = CVE,
    **members: str,
) -> bytes:
    """An OpenVEX document with one statement."""
    if status == "not_affected":
        members.setdefault("justification", REASON)
    named = product if isinstance(product, dict) else {"@id": product}
    return json.dumps(
        {
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": f"https://acme.example/vex/{author}/{at}/{status}",
            "author": author,
            "timestamp": said_at(at),
            "version": 1,
            "statements": [
                {"vulnerability": {"name": cve}, "products": [named], "status": status, **members}
            ],
        }
    ).encode()

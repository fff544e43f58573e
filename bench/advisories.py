"""How fast 200,000 advisories become an index, how large it is, and how fast components are found.

Records are made up, in OSV's and NVD's own formats and of their usual size.  The limit is what
must be done in any case: `json.loads` of each, and one insert of the raw bytes into SQLite.

    .venv/bin/python bench/advisories.py [records]
"""

import gzip
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from firmward.advisories.index import Index
from firmward.advisories.keys import cpe_key, name_key, purl_key
from firmward.advisories.load import load
from firmward.advisories.match import Component, match

WORDS = """buffer overflow in the parser of a length field allows a remote attacker to read memory
beyond its bounds when a crafted frame arrives before the session is established and the handle has
been released by another thread of the service which then fails to verify the certificate
"""
PACKAGES = 20_000
NOW = datetime.now(UTC)


def prose(draw: random.Random, count: int) -> str:
    """Words that compress about as well as real ones."""
    return " ".join(draw.choices(WORDS.split(), k=count)) + f" {draw.randrange(1 << 40):x}"


def osv(draw: random.Random, number: int) -> dict:
    """A record of a package registry, as osv.dev exports it."""
    name = f"package-{int(draw.paretovariate(0.5)) % PACKAGES}"
    minor = draw.randrange(30)
    return {
        "schema_version": "1.7.0",
        "id": f"MADE-2026-{number:06}",
        "modified": f"2026-{draw.randrange(1, 12):02}-11T08:15:{number % 60:02}.123456Z",
        "published": "2026-01-05T08:15:00Z",
        "aliases": [f"CVE-2026-{number + 1000000}"],
        "summary": prose(draw, 12),
        "details": prose(draw, 160),
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name, "purl": f"pkg:pypi/{name}"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "0"}, {"fixed": f"1.{minor}.4"}],
                    }
                ],
                "versions": [f"1.{at}.{patch}" for at in range(minor) for patch in range(3)],
            }
        ],
        "references": [
            {"type": "WEB", "url": f"https://made.up/{draw.random()}"} for _ in range(4)
        ],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    }


def nvd(draw: random.Random, number: int) -> dict:
    """A record as NVD's API 2.0 gives it."""
    rows = []
    for _ in range(draw.randrange(1, 8)):
        product = f"product_{int(draw.paretovariate(0.5)) % PACKAGES}"
        rows.append(
            {
                "vulnerable": draw.random() < 0.9,
                "criteria": f"cpe:2.3:a:vendor_{hash(product) % 4000}:{product}:*:*:*:*:*:*:*:*",
                "versionStartIncluding": f"{draw.randrange(3)}.0",
                "versionEndExcluding": f"4.{draw.randrange(30)}.1",
                "matchCriteriaId": f"{draw.randrange(1 << 128):032X}",
            }
        )
    metric = {
        "source": "nvd@nist.gov",
        "type": "Primary",
        "cvssData": {
            "version": "3.1",
            "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
            "baseScore": 7.5,
            "baseSeverity": "HIGH",
        },
        "exploitabilityScore": 3.9,
        "impactScore": 3.6,
    }
    cve = {
        "id": f"CVE-2026-{number + 1000000}",
        "sourceIdentifier": "cve@made.up",
        "published": "2026-01-05T08:15:00.000",
        "lastModified": f"2026-{draw.randrange(1, 12):02}-11T08:15:{number % 60:02}.123",
        "vulnStatus": "Analyzed",
        "descriptions": [
            {"lang": "en", "value": prose(draw, 60)},
            {"lang": "es", "value": prose(draw, 70)},
        ],
        "metrics": {"cvssMetricV31": [metric]},
        "weaknesses": [{"source": "x", "description": [{"lang": "en", "value": "CWE-125"}]}],
        "configurations": [{"nodes": [{"operator": "OR", "negate": False, "cpeMatch": rows}]}],
        "references": [{"url": f"https://made.up/{draw.random()}"} for _ in range(4)],
    }
    return {"cve": cve}


def write(folder: Path, count: int) -> tuple[Path, list[Path]]:
    """OSV's zip of one ecosystem and NVD's yearly feeds, half of the records in each."""
    draw = random.Random(3)
    archive = folder / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for number in range(count // 2):
            record = osv(draw, number)
            file.writestr(f"{record['id']}.json", json.dumps(record))
    feeds = []
    for year in range(8):
        part = range(year, count // 2, 8)
        body = {"format": "NVD_CVE", "vulnerabilities": [nvd(draw, number) for number in part]}
        feeds.append(folder / f"nvdcve-2.0-{2019 + year}.json.gz")
        feeds[-1].write_bytes(gzip.compress(json.dumps(body).encode(), 1))
    return archive, feeds


def build(path: Path, archive: Path, feeds: list[Path]) -> tuple[float, int]:
    """Seconds and records of a build from nothing."""
    began = time.perf_counter()
    with Index.building(path) as index:
        taken = load(index, "osv/PyPI", [archive], now=NOW)
        taken += load(index, "nvd", feeds, now=NOW)
    return time.perf_counter() - began, taken


def limit(path: Path, archive: Path, feeds: list[Path]) -> tuple[float, int]:
    """Seconds and records of parsing with the standard library and keeping the bytes."""
    began = time.perf_counter()
    rows = []
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            data = file.read(name)
            rows.append((json.loads(data)["id"], data))
    for feed in feeds:
        for item in json.loads(gzip.decompress(feed.read_bytes()))["vulnerabilities"]:
            rows.append((item["cve"]["id"], json.dumps(item).encode()))
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("CREATE TABLE record (id TEXT PRIMARY KEY, body BLOB)")
    database.executemany("INSERT INTO record VALUES (?, ?)", rows)
    database.commit()
    return time.perf_counter() - began, len(rows)


def look_up(path: Path) -> tuple[float, int]:
    """Seconds and records of asking for 1,000 components by every name, the file being warm."""
    index = Index.open(path)
    keys = []
    for number in range(1000):
        keys += [
            purl_key(f"pkg:pypi/package-{number * 7}"),
            name_key(f"package-{number * 7}"),
            cpe_key("vendor_1", f"product_{number * 7}"),
            name_key(f"product_{number * 7}"),
        ]
    index.by_key(keys)
    began = time.perf_counter()
    found = index.by_key(keys)
    return time.perf_counter() - began, sum(map(len, found.values()))


def matched(path: Path) -> tuple[float, int]:
    """Seconds and answers of matching 1,000 components, the file being warm."""
    index = Index.open(path)
    components = [
        Component(name=name, version="1.7.2", purl=f"pkg:{kind}/{name}@1.7.2")
        for number in range(500)
        for kind, name in (
            ("pypi", f"package-{number * 14}"),
            ("generic", f"product_{number * 14}"),
        )
    ]
    now = datetime.now(UTC)
    match(components, index, now)
    began = time.perf_counter()
    found = match(components, index, now)
    return time.perf_counter() - began, len(found)


def real(folder: Path) -> None:
    """The same on the real packs beside the checkout, where they are."""
    packs = Path(__file__).resolve().parents[2] / "shared" / "data" / "advisories"
    if not packs.is_dir():
        print("real data          not beside the checkout")
        return
    for kind, name in (("osv", "pypa"), ("osv", "oss-fuzz"), ("nvd", "nvd-overrides"),
                       ("cve5", "vulnrichment"), ("csaf", "icsma")):  # fmt: skip
        path = folder / f"{name}.sqlite"
        began = time.perf_counter()
        with Index.building(path) as index:
            taken = load(index, kind, [packs / kind / f"{name}.tar.zst"], snapshot=NOW)
        seconds, size = time.perf_counter() - began, path.stat().st_size
        print(
            f"real {name:13} {taken:,} records, {taken / seconds:,.0f}/s, {size / taken:.0f} B each"
        )


def main() -> None:
    """Print the figures beside what they must reach."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive, feeds = write(folder, count)
        raw = archive.stat().st_size + sum(feed.stat().st_size for feed in feeds)
        before = sum(os.times()[:4])
        seconds, taken = build(folder / "index.sqlite", archive, feeds)
        work = (sum(os.times()[:4]) - before) / taken * 1e6
        bare, rows = limit(folder / "limit.sqlite", archive, feeds)
        size = (folder / "index.sqlite").stat().st_size / 1e6
        asked, found = look_up(folder / "index.sqlite")
        print(f"inputs             {taken:,} records, {raw / 1e6:.0f} MB packed")
        print(
            f"build              {taken / seconds:,.0f} records/s (must reach 20,000),"
            f" {seconds:.1f} s, {work:.0f} us each in the process that writes"
        )
        print(
            f"limit, one process {rows / bare:,.0f} records/s, {bare:.1f} s;"
            f" ours / limit {bare / seconds:.2f}"
        )
        print(f"size               {size:.0f} MB (must stay under 300)")
        print(f"1,000 components   {asked * 1000:.0f} ms for {found:,} records, reading alone")
        real(folder)


if __name__ == "__main__":
    main()

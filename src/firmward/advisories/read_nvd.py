"""NVD's CVE records: pages of its API 2.0, yearly feeds, single records, Anchore's overrides.

Sources: NIST, CVE API 2.0 schema; NISTIR 7695 (CPE 2.3 names).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from firmward.advisories import upstream
from firmward.advisories.records import Entry, Record, Scheme, Span
from firmward.advisories.upstream import Name, Scored, Text, Upstream
from firmward.terms.errors import Malformed


class _Match(Upstream, frozen=True, kw_only=True, rename="camel"):
    criteria: Text
    vulnerable: bool
    version_start_including: Text | None = None
    version_start_excluding: Text | None = None
    version_end_including: Text | None = None
    version_end_excluding: Text | None = None


class _Node(Upstream, frozen=True, kw_only=True, rename="camel"):
    cpe_match: list[_Match] = []
    negate: bool | None = False


class Configuration(Upstream, frozen=True, kw_only=True):
    """Which CPE names a vulnerability is in; CVE 5 has the same shape (cpeApplicability)."""

    nodes: list[_Node] = []
    negate: bool | None = False


class _Said(Upstream, frozen=True, kw_only=True):
    lang: str = ""
    value: str = ""


class _Weakness(Upstream, frozen=True, kw_only=True):
    description: list[_Said] = []


class _Metric(Upstream, frozen=True, kw_only=True, rename="camel"):
    cvss_data: Scored


class _Metrics(Upstream, frozen=True, kw_only=True, rename="pascal"):
    v40: list[_Metric] | None = msgspec.field(default=None, name="cvssMetricV40")
    v31: list[_Metric] | None = msgspec.field(default=None, name="cvssMetricV31")
    v30: list[_Metric] | None = msgspec.field(default=None, name="cvssMetricV30")
    v2: list[_Metric] | None = msgspec.field(default=None, name="cvssMetricV2")


class _Cve(Upstream, frozen=True, kw_only=True, rename="camel"):
    id: Name = ""
    published: str | None = None
    last_modified: str | None = None
    vuln_status: str | None = ""
    descriptions: list[_Said] | None = None
    metrics: _Metrics | None = None
    weaknesses: list[_Weakness] | None = None
    configurations: list[Configuration] | None = None


class _Annotation(Upstream, frozen=True, kw_only=True):
    cve_id: Name
    description: str | None = None
    published: str | None = None
    modified: str | None = None


class _Item(Upstream, frozen=True, kw_only=True):
    cve: _Cve


class _File(Upstream, frozen=True, kw_only=True):
    """Any of the shapes; items stay raw, so that a year's feed never lies in memory twice."""

    vulnerabilities: list[msgspec.Raw] | None = None
    cve: _Cve | None = None
    annotation: _Annotation | None = msgspec.field(default=None, name="_annotation")
    id: Name = ""


_FILE: Final = msgspec.json.Decoder(_File)
_ITEM: Final = msgspec.json.Decoder(_Item)
_CVE: Final = msgspec.json.Decoder(_Cve)


def records(data: bytes, who: str) -> Iterator[Record]:
    """The records in a file.  Raises Malformed."""
    file = upstream.decode(_FILE, data, who)
    if file.vulnerabilities is not None:
        for number, raw in enumerate(file.vulnerabilities):
            yield _record(upstream.decode(_ITEM, raw, f"{who}: record {number}").cve, who)
    elif file.annotation is not None and file.cve is not None:
        yield _override(file.cve, file.annotation, who)
    elif file.cve is not None:
        yield _record(file.cve, who)
    elif file.id:
        yield _record(upstream.decode(_CVE, data, who), who)
    else:
        raise Malformed(who, "NVD records", "neither vulnerabilities nor cve nor id")


def _record(cve: _Cve, who: str) -> Record:
    if not cve.id or not cve.last_modified:
        raise Malformed(who, "a record with id and lastModified", cve.id or "no id")
    who = f"{who}: {cve.id}"
    modified = upstream.instant(cve.last_modified, who)
    english = (
        said.value for said in upstream.members(cve.descriptions) if said.lang.startswith("en")
    )
    named = (d.value for w in upstream.members(cve.weaknesses) for d in w.description)
    return Record(
        id=cve.id,
        source="nvd",
        modified=modified,
        published=upstream.instant(cve.published, who),
        withdrawn=modified if cve.vuln_status == "Rejected" else "",
        summary=upstream.summary(*english),
        severities=_severities(cve.metrics or _Metrics()),
        weaknesses=upstream.each_once(cwe for cwe in named if cwe.startswith("CWE-")),
        entries=entries(cve.configurations, who),
    )


def _override(cve: _Cve, note: _Annotation, who: str) -> Record:
    """Stands beside NVD's own record of the CVE: under one name the newer would hide the other."""
    return Record(
        id=f"anchore:{note.cve_id}",
        source="nvd",
        modified=upstream.instant(note.modified or note.published, who),
        published=upstream.instant(note.published, who),
        aliases=(note.cve_id,),
        summary=upstream.summary(note.description),
        entries=entries(cve.configurations, f"{who}: {note.cve_id}"),
    )


def _severities(metrics: _Metrics) -> tuple[tuple[str, str], ...]:
    tables = (
        ("CVSS_V4", metrics.v40),
        ("CVSS_V3", metrics.v31),
        ("CVSS_V3", metrics.v30),
        ("CVSS_V2", metrics.v2),
    )
    return upstream.vectors(
        (method, metric.cvss_data.vector_string)
        for method, table in tables
        for metric in upstream.members(table)
    )


class _Cpe(NamedTuple):
    """What is read of a CPE 2.3 name; values unquoted and in lower case."""

    names: tuple[str, str, str]
    version: str
    update: str
    target: str


_FIELD: Final = re.compile(r"((?:\\.|[^:\\])*)(?::|\Z)", re.DOTALL)
_QUOTED: Final = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=1 << 14)
def _cpe(name: str) -> _Cpe | None:
    """The parts of a CPE 2.3 formatted string, None where it is none (NISTIR 7695, 6.2)."""
    if "\\" in name:
        values = [_QUOTED.sub(r"\1", field) for field in _FIELD.findall(name.lower())]
    else:
        values = name.lower().split(":")
    if len(values) < 13 or values[:2] != ["cpe", "2.3"]:
        return None
    return _Cpe((values[2], values[3], values[4]), values[5], values[6], values[10])


def cpe_product(name: str) -> tuple[tuple[str, str, str], str] | None:
    """(part, vendor, product) and target software of a CPE name, 2.3 or the older 2.2 URI."""
    if name.startswith("cpe:/"):
        part, vendor, product = [*name[5:].lower().split(":"), "", ""][:3]
        return ((part, vendor, product), "") if part and vendor and product else None
    found = _cpe(name)
    return (found.names, found.target) if found else None


class _Product:
    """What one record says of one CPE product, gathered over its rows."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.versions: list[str] = []


_Group = tuple[tuple[str, str, str], str, bool, str]


def entries(configurations: list[Configuration] | None, who: str) -> tuple[Entry, ...]:
    """One entry per product, target, role and reason to withhold.  Raises Malformed.

    AND is not carried over: a product is taken as affected whatever it runs on, and what it runs on
    is marked as the platform.
    """
    found: dict[_Group, _Product] = {}
    for configuration in upstream.members(configurations):
        for node in configuration.nodes:
            negated = bool(configuration.negate) != bool(node.negate)
            for row in node.cpe_match:
                _gather(row, negated, found, who)
    return tuple(_entry(group, product) for group, product in found.items())


def _gather(row: _Match, negated: bool, found: dict[_Group, _Product], who: str) -> None:
    cpe = _cpe(row.criteria)
    if cpe is None:
        raise Malformed(who, "a CPE 2.3 name", repr(row.criteria[:80]))
    span = _span(row, upstream.scheme_of(cpe.names[1], cpe.names[2], cpe.target))
    withheld = "the record says where it is not, not where it is" if negated else ""
    if not withheld and span is None and cpe.version == "-":
        withheld = "the record gives no version (CPE version -)"
    group = (cpe.names, cpe.target, not row.vulnerable, withheld)
    product = found.setdefault(group, _Product())
    if span is not None:
        product.spans.append(span)
    elif cpe.version == "*":
        product.spans.append(Span())
    elif cpe.version != "-":
        product.versions += _spelled(cpe)


def _span(row: _Match, scheme: Scheme) -> Span | None:
    first = row.version_start_including or row.version_start_excluding
    last = row.version_end_including or row.version_end_excluding
    if not first and not last:
        return None
    return Span(
        first=first or "",
        last=last or "",
        after_first=bool(first) and not row.version_start_including,
        holds_last=bool(row.version_end_including),
        scheme=scheme,
    )


def _spelled(cpe: _Cpe) -> tuple[str, ...]:
    """CPE keeps "rc1" or "p15" apart from the version; publishers write it on, some after a -."""
    if cpe.update in ("*", "-", ""):
        return (cpe.version,)
    return (f"{cpe.version}-{cpe.update}", f"{cpe.version}{cpe.update}")


def _entry(group: _Group, product: _Product) -> Entry:
    names, target, platform, withheld = group
    return Entry(
        cpe=names,
        vendor=names[1],
        name=names[2],
        target=target,
        spans=tuple(dict.fromkeys(product.spans)),
        versions=upstream.each_once(product.versions),
        platform=platform,
        withheld=withheld,
    )

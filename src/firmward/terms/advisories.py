"""Known vulnerabilities against named components: affected, not affected, or unknown, and why.

Vendor and hospital each match by themselves, each against its own snapshot; neither takes the
other's word.  Records are OSV (osv.dev, schema 1.6) and CISA's KEV catalogue, as published.
Upstream formats grow, so fields we do not read are skipped here, unlike on our own wire.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.versions import Span, outside, spans, triple
from firmward.terms.wire import MIB, Wire, convert, parse

LIMIT: Final = 64 * MIB
_LONGEST: Final = MIB

Status = Literal["affected", "not_affected", "unknown"]


class _Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Part of somebody else's format: what we read of it."""


class Package(_Upstream, frozen=True, kw_only=True):
    """OSV affected[].package."""

    ecosystem: str = ""
    name: str = ""
    purl: str = ""


class Range(_Upstream, frozen=True, kw_only=True):
    """OSV affected[].ranges[]."""

    type: Literal["SEMVER", "ECOSYSTEM", "GIT"]
    events: tuple[dict[str, str], ...]


class Affected(_Upstream, frozen=True, kw_only=True):
    """OSV affected[]."""

    package: Package = Package()
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()


class Severity(_Upstream, frozen=True, kw_only=True):
    """OSV severity[]: a scoring method and its vector."""

    type: str
    score: str


class Advisory(_Upstream, frozen=True, kw_only=True):
    """One OSV record."""

    id: str
    modified: datetime
    withdrawn: datetime | None = None
    aliases: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    affected: tuple[Affected, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The record's own id and every alias."""
        return (self.id, *self.aliases)


class _Exploited(_Upstream, frozen=True, kw_only=True, rename={"cve": "cveID"}):
    cve: str


class _Catalogue(_Upstream, frozen=True, kw_only=True, rename="camel"):
    catalog_version: str
    date_released: datetime
    vulnerabilities: tuple[_Exploited, ...]


@dataclass(frozen=True)
class Advisories:
    """What was known at one moment.

    exploited  CVE ids in CISA's catalogue
    snapshot   how recent this knowledge is: the older of the newest OSV record and the catalogue,
               so that a fresh half cannot make a stale half look fresh
    """

    records: tuple[Advisory, ...]
    exploited: frozenset[str]
    snapshot: datetime

    def age(self, now: datetime) -> timedelta:
        """How old the snapshot is."""
        return now - self.snapshot


_Text = Annotated[str, Meta(max_length=4096)]


class Component(Wire, frozen=True, kw_only=True):
    """A named part of a firmware image.  Without a purl nothing can be said about it."""

    name: _Text
    version: _Text = ""
    purl: _Text = ""
    supplier: _Text = ""


class Match(Wire, frozen=True, kw_only=True):
    """What one advisory says of one component, and the reason.

    advisory   the record's id; "" where no record knows the component
    cve        the CVE id among its names, "" without one
    exploited  whether any of its names is in the KEV catalogue
    vector     the CVSS vector as published, "" without one
    """

    component: Component
    status: Status
    reason: _Text
    advisory: _Text = ""
    cve: _Text = ""
    aliases: Annotated[tuple[_Text, ...], Meta(max_length=256)] = ()
    exploited: bool = False
    vector: _Text = ""


T = TypeVar("T")


def read(osv: Iterable[bytes], kev: bytes) -> Advisories:
    """The advisories in these files.

    osv     each an OSV record, or a JSON array of records
    kev     CISA's catalogue
    raises  Malformed; Unavailable when there is no record at all, since matching against nothing
            would find every component clean
    """
    records = tuple(record for data in osv for record in _records(data))
    if not records:
        raise Unavailable("advisories: expected at least one OSV record, got none")
    catalogue = _open(parse(kev, "KEV catalogue", limit=LIMIT, longest=_LONGEST), _Catalogue)
    newest = max(record.modified for record in records)
    return Advisories(
        records=records,
        exploited=frozenset(entry.cve for entry in catalogue.vulnerabilities),
        snapshot=min(newest, catalogue.date_released),
    )


def _records(data: bytes) -> list[Advisory]:
    value = parse(data, "OSV record", limit=LIMIT, longest=_LONGEST)
    return [_open(item, Advisory) for item in (value if isinstance(value, list) else [value])]


def _open(value: Any, kind: type[T]) -> T:
    record = convert(value, kind, "advisory")
    for moment in ("modified", "date_released"):
        if getattr(record, moment, None) is not None and getattr(record, moment).tzinfo is None:
            raise Malformed("advisory", "a time with its zone", moment)
    return record


def match(
    components: Sequence[Component], advisories: Advisories, now: datetime
) -> tuple[Match, ...]:
    """Every answer for every component, components in their order, at least one for each.

    `now` decides which records count as withdrawn.
    """
    return tuple(
        answer for component in components for answer in _answers(component, advisories, now)
    )


def _answers(component: Component, advisories: Advisories, now: datetime) -> list[Match]:
    key = package_key(component.purl)
    if key is None:
        return [Match(component=component, status="unknown", reason="the component has no purl")]
    answers = []
    for record in advisories.records:
        entries = [entry for entry in record.affected if _same(key, entry.package)]
        namesakes = [entry for entry in record.affected if _namesake(key, entry.package)]
        if entries:
            status, reason = _judge(component.version, record, entries, now)
        elif namesakes:
            status, reason = "unknown", _NAMESAKE.format(namesakes[0].package.ecosystem)
        else:
            continue
        answers.append(_answer(component, record, advisories, status, reason))
    return answers or [Match(component=component, status="unknown", reason=_UNHEARD)]


_NAMESAKE: Final = "{:.80} has a package of this name; whether it is this one cannot be told"
_UNHEARD: Final = "no advisory in the snapshot knows this package"


def _answer(
    component: Component, record: Advisory, advisories: Advisories, status: Status, reason: str
) -> Match:
    vectors = [severity.score for severity in record.severity if severity.type.startswith("CVSS")]
    return Match(
        component=component,
        status=status,
        reason=reason,
        advisory=record.id,
        cve=next((name for name in record.names if name.startswith("CVE-")), ""),
        aliases=record.aliases,
        exploited=not advisories.exploited.isdisjoint(record.names),
        vector=vectors[-1] if vectors else "",
    )


def _judge(
    version: str, record: Advisory, entries: Sequence[Affected], now: datetime
) -> tuple[Status, str]:
    if record.withdrawn is not None and record.withdrawn <= now:
        return "not_affected", f"{record.id} was withdrawn"
    if any(version in entry.versions for entry in entries):
        return "affected", f"{version} is listed as affected"
    ours = triple(version)
    if ours is None:
        return "unknown", f"{version or 'no version'} is not of the form X.Y.Z"
    drawn = [_spans(limits) for entry in entries for limits in entry.ranges]
    certain = [span for found in drawn if found for span in found]
    for span in certain:
        if span.holds(ours):
            return "affected", f"{version} is in {_text(span)}"
    if not drawn or None in drawn:
        return "unknown", "the record has no range, or one that X.Y.Z cannot be placed in"
    if not outside(ours, certain):
        return "unknown", f"the record says nothing of branch {ours[0]}.{ours[1]}"
    return "not_affected", f"{version} is outside {', '.join(map(_text, certain))[:400]}"


def _spans(limits: Range) -> tuple[Span, ...] | None:
    # Whether a version is in a range of commits takes the repository to decide.
    return None if limits.type == "GIT" else spans(limits.events)


def _text(span: Span) -> str:
    first = ".".join(map(str, span.first))
    if span.last is None:
        return f">= {first}"
    return f">= {first}, {'<=' if span.inclusive else '<'} {'.'.join(map(str, span.last))}"


# OSV's ecosystem names and the purl types that mean the same registry.
_TYPES: Final = {
    "cargo": "crates.io",
    "conan": "ConanCenter",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pypi": "PyPI",
}


def package_key(purl: str) -> tuple[str, str] | None:
    """Type and full name of a package URL without version, qualifiers and subpath, or None."""
    scheme, _, rest = purl.partition(":")
    path = rest.partition("#")[0].partition("?")[0].strip("/")
    kind, _, name = path.partition("/")
    name = name.rpartition("@")[0] or name
    if scheme.lower() != "pkg" or not kind or not name:
        return None
    return kind.lower(), unquote(name).lower()


def _same(key: tuple[str, str], package: Package) -> bool:
    if package.purl:
        return key == package_key(package.purl)
    return _TYPES.get(key[0]) == package.ecosystem.partition(":")[0] and (
        key[1] == package.name.lower()
    )


def _namesake(key: tuple[str, str], package: Package) -> bool:
    """A record of another ecosystem that is about a package with the same last name."""
    elsewhere = not package.purl and package.ecosystem not in _TYPES.values()
    return elsewhere and package.name.lower().rpartition("/")[2] == key[1].rpartition("/")[2]

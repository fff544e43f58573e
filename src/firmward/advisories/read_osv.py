"""OSV records, JSON or YAML, one to a file or in a list.

Source: OSV schema 1.7 (ossf.github.io/osv-schema).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import yaml

from firmward.advisories import ecosystems, upstream
from firmward.advisories.records import Entry, Record, Scheme, Span
from firmward.advisories.schemes import key
from firmward.advisories.upstream import Name, Text, Upstream
from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB

# YAML records are small, and its parser is a hundred times slower than JSON's.
_LONGEST_YAML: Final = 4 * MIB


class _Package(Upstream, frozen=True, kw_only=True):
    ecosystem: Text = ""
    name: Text = ""
    purl: Text | None = ""


class _Event(Upstream, frozen=True, kw_only=True):
    introduced: Text | None = None
    fixed: Text | None = None
    last_affected: Text | None = None
    limit: Text | None = None


class _Range(Upstream, frozen=True, kw_only=True):
    type: str
    events: list[_Event]


class _Severity(Upstream, frozen=True, kw_only=True):
    type: str
    score: Text


class _Affected(Upstream, frozen=True, kw_only=True):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[Text] | None = None
    severity: list[_Severity] | None = None


class _Osv(Upstream, frozen=True, kw_only=True):
    id: Name
    modified: str
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[Name] | None = None
    upstream: list[Name] | None = None
    related: list[Name] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    database_specific: Any = None


_ONE: Final = msgspec.json.Decoder(_Osv)
_MANY: Final = msgspec.json.Decoder(list[_Osv])


def records(data: bytes, who: str) -> Iterator[Record]:
    """The records in a file.  Raises Malformed."""
    start = data[:64].lstrip()[:1]
    if start == b"[":
        found = upstream.decode(_MANY, data, who)
    elif start == b"{":
        found = [upstream.decode(_ONE, data, who)]
    else:
        found = [_yaml(data, who)]
    for osv in found:
        yield _record(osv, f"{who}: {osv.id}")


def _yaml(data: bytes, who: str) -> _Osv:
    """Scalars stay texts: a loader that knows types reads 1.10 as 1.1, and times as datetimes."""
    if len(data) > _LONGEST_YAML:
        raise Malformed(who, f"at most {_LONGEST_YAML} bytes of YAML", f"{len(data)} bytes")
    try:
        value = yaml.load(data, yaml.CBaseLoader)  # noqa: S506 - makes nothing but texts
        _refuse_swelling(value, len(data), who)
        return msgspec.convert(value, _Osv)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise upstream.unreadable(who, error) from error


def _refuse_swelling(value: Any, budget: int, who: str) -> None:
    """Aliases within aliases unfold to more than was written: nine lines can fill the memory."""
    left = [value]
    while left:
        budget -= 1
        if budget < 0:
            raise Malformed(who, "YAML without aliases", "more values than bytes")
        item = left.pop()
        if isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)


def _record(osv: _Osv, who: str) -> Record:
    affected = osv.affected or ()
    scored = [
        *upstream.members(osv.severity),
        *(s for a in affected for s in upstream.members(a.severity)),
    ]
    return Record(
        id=osv.id,
        source="osv",
        modified=upstream.instant(osv.modified, who),
        published=upstream.instant(osv.published, who),
        withdrawn=upstream.instant(osv.withdrawn, who),
        aliases=_aliases(osv),
        summary=upstream.summary(osv.summary, osv.details),
        severities=upstream.vectors(
            (s.type, s.score) for s in scored if s.type.startswith("CVSS_")
        ),
        weaknesses=_weaknesses(osv.database_specific),
        entries=tuple(map(_entry, affected)),
    )


def _aliases(osv: _Osv) -> tuple[str, ...]:
    """Its other names; a distribution's advisory also goes by those of the CVEs it repairs."""
    names = [*upstream.members(osv.aliases), *upstream.members(osv.upstream)]
    if not any(name.startswith("CVE-") for name in (osv.id, *names)) and _packaged(osv):
        names += [name for name in upstream.members(osv.related) if name.startswith("CVE-")]
    return upstream.each_once(names, osv.id)


def _packaged(osv: _Osv) -> bool:
    packages = [affected.package for affected in upstream.members(osv.affected)]
    return any(p and ecosystems.scheme(p.ecosystem) in ecosystems.DISTRIBUTIONS for p in packages)


def _weaknesses(specific: Any) -> tuple[str, ...]:
    """GitHub's advisories name CWEs there; other databases put there what they like."""
    named = specific.get("cwe_ids") if isinstance(specific, dict) else None
    found = named if isinstance(named, list) else ()
    return upstream.each_once(
        cwe for cwe in found if isinstance(cwe, str) and cwe.startswith("CWE-")
    )


def _entry(affected: _Affected) -> Entry:
    package = affected.package or _Package()
    drawn: list[Span] = []
    commits: list[Span] = []
    torn = False
    for limits in upstream.members(affected.ranges):
        if limits.type == "GIT":
            commits += _draw(limits.events, "git") or ()
            continue
        order: Scheme = "semver"
        if limits.type != "SEMVER":
            order = ecosystems.scheme(package.ecosystem)
        spans = _draw(limits.events, "generic" if order == "git" else order)
        torn = torn or spans is None
        drawn += spans or ()
    versions = upstream.each_once(upstream.members(affected.versions))
    url = ecosystems.unversioned(package.purl or "")
    return Entry(
        purl=url or ecosystems.purl(package.ecosystem, package.name),
        ecosystem=package.ecosystem,
        name=package.name.lower(),
        spans=(*drawn, *commits),
        versions=versions,
        withheld=_withheld(torn, bool(drawn), bool(commits), bool(versions)),
    )


def _withheld(torn: bool, drawn: bool, commits: bool, versions: bool) -> str:
    if torn:
        return "the record has a range whose ends do not pair"
    if drawn or (versions and not commits):
        return ""
    if commits:
        return "the record has only ranges of commits, which no version can be placed in"
    return "the record names neither range nor version"


def _draw(events: Sequence[_Event], scheme: Scheme) -> list[Span] | None:
    """The spans that one range's events draw; None when they draw none that is certain."""
    marks: list[tuple[str, str]] = []
    for event in events:
        said = [
            (kind, version)
            for kind in ("introduced", "fixed", "last_affected")
            if (version := getattr(event, kind)) is not None
        ]
        # A limit cuts across the range; commits cannot be decided from a version anyway.
        if len(said) != 1 and not (scheme == "git" and event.limit):
            return None
        marks += said
    found = _paired(marks, scheme)
    if found is None and scheme != "git":
        ordered = _ordered(marks, scheme)
        return None if ordered is None else _paired(ordered, scheme)
    return found


# At one version a repair ends the old span before a new one starts; `last_affected` holds it still.
_RANK: Final = {"fixed": 0, "introduced": 1, "last_affected": 2}


def _ordered(marks: list[tuple[str, str]], scheme: Scheme) -> list[tuple[str, str]] | None:
    """The marks in the order of their versions, None when one has no place in it."""
    placed = [(key(scheme, v), _RANK[kind], (kind, v)) for kind, v in marks if not _zero(kind, v)]
    if any(at is None for at, _, _ in placed):
        return None
    zeros = [mark for mark in marks if _zero(*mark)]
    return zeros + [mark for _, _, mark in sorted(placed, key=lambda place: place[:2])]


def _zero(kind: str, version: str) -> bool:
    return (kind, version) == ("introduced", "0")


def _paired(marks: list[tuple[str, str]], scheme: Scheme) -> list[Span] | None:
    found: list[Span] = []
    first: str | None = None
    for kind, version in marks:
        if (kind == "introduced") == (first is not None) and scheme != "git":
            return None
        if kind == "introduced":
            first = "" if version == "0" else version
        else:
            last = kind == "last_affected"
            found.append(Span(first=first or "", last=version, holds_last=last, scheme=scheme))
            first = None
    if first is not None:
        found.append(Span(first=first, scheme=scheme))
    return found or None

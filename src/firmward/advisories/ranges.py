"""Where a version lies in what one record says of a product, and what nobody can tell.

Silence is never health: a version that no range names is clean only where the record shows that
somebody looked at its branch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from firmward.advisories.identity import Identity
from firmward.advisories.records import Entry, Scheme, Span
from firmward.advisories.schemes import key, release, tagged

Place = Literal["listed", "inside", "clean", "outside", "untold"]

_PACKED: Final[tuple[Scheme, ...]] = ("deb", "rpm", "apk")
UNPLACED: Final[tuple[Scheme, ...]] = ("git", "prose")
"""Ranges in which no version has a place by itself."""


@dataclass(frozen=True)
class Reading:
    """Where one entry of a record puts a version, why, and what repairs it ("" if unknown)."""

    place: Place
    why: str
    fixed: str = ""


def read(entry: Entry, identity: Identity) -> Reading:
    """Where the identity's version lies in an entry that is about it."""
    if _listed(identity, entry):
        return Reading("listed", f"{identity.upstream or identity.version} is listed as affected")
    unaffected = [(span, holds(span, identity)) for span in entry.unaffected]
    for span, held in unaffected:
        if held:
            return Reading("clean", f"{_ours(span, identity)} is unaffected: {text(span)}")
    spans = [(span, holds(span, identity)) for span in _telling(entry.spans)]
    for span, held in spans:
        if held:
            fixed = "" if span.holds_last else span.last
            return Reading("inside", f"{_ours(span, identity)} is in {text(span)}", fixed)
    for span, held in (*spans, *unaffected):
        if held is None:
            return Reading("untold", _unordered(span, identity))
    if entry.by_default == "affected":
        return Reading("inside", "the record counts what it does not name as affected")
    if not entry.spans and not entry.unaffected:
        return Reading("untold", "the record has no range of versions")
    return Reading("outside", f"{_ours((*entry.spans, *entry.unaffected)[0], identity)} is outside")


def _telling(spans: Sequence[Span]) -> Sequence[Span]:
    """Commits and prose beside a range of versions are the same range, told twice."""
    return [span for span in spans if span.scheme not in UNPLACED] or spans


def _listed(identity: Identity, entry: Entry) -> bool:
    """Whether the very version is named: as it is, or where no range orders it by its tag."""
    if not entry.versions:
        return False
    if identity.version in entry.versions or identity.upstream in entry.versions:
        return True
    if any(span.scheme not in UNPLACED for span in entry.spans):
        return False
    ours = key("generic", identity.upstream)
    return ours is not None and any(key("generic", tagged(v)) == ours for v in entry.versions)


def holds(span: Span, identity: Identity) -> bool | None:
    """Whether the version lies in the span; None where its scheme cannot order one of the two."""
    if span.scheme in UNPLACED:
        return None
    placed = _placed(span, _ours(span, identity))
    if placed is None:
        return None
    ours, first, last = placed
    if first is not None and last is not None and first > last:
        # A range that runs backwards holds nothing that its author meant.
        return None
    if first is not None and (ours < first or (span.after_first and ours == first)):
        return False
    return last is None or bool(ours <= last if span.holds_last else ours < last)


def _placed(span: Span, version: str) -> tuple[Any, Any, Any] | None:
    """The version and both ends (None for an open one) in an order that has a place for each.

    Upstream's own versions that their stated scheme cannot order are tried in the general one.
    """
    schemes = (
        {span.scheme: None} if span.scheme in _PACKED else {span.scheme: None, "generic": None}
    )
    for scheme in schemes:
        ours = key(scheme, version)
        first = None if _open(span.first) else key(scheme, span.first)
        last = key(scheme, span.last) if span.last else None
        told = (first is not None or _open(span.first)) and (last is not None or not span.last)
        if ours is not None and told:
            return ours, first, last
    return None


def _open(first: str) -> bool:
    # OSV and CVE records write the beginning of time as "0".
    return first in ("", "0")


def _ours(span: Span, identity: Identity) -> str:
    packed = identity.distribution
    if span.scheme in _PACKED:
        return identity.version if packed and packed.scheme == span.scheme else ""
    return identity.upstream


def _unordered(span: Span, identity: Identity) -> str:
    if span.scheme == "git":
        return "the record names commits, and a version does not tell which of them it has"
    if span.scheme == "prose":
        return f"the record's versions are prose: {span.last or span.first}"[:300]
    ours = _ours(span, identity)
    return f"{ours or 'no version'} cannot be placed in {text(span)} by {span.scheme} order"


def text(span: Span) -> str:
    """The span in words."""
    first = f"{'>' if span.after_first else '>='} {span.first}" if not _open(span.first) else ""
    last = f"{'<=' if span.holds_last else '<'} {span.last}" if span.last else ""
    return ", ".join(filter(None, (first, last))) or "all versions"


def looked_at(identity: Identity, entries: Iterable[Entry]) -> str:
    """Why a version that is in no span is thereby known to be clean; "" where it is not known.

    It is where it is newer than every repair, where its own branch is one that the record names, or
    where upstream has only one line of releases.  Otherwise nobody looked: upstream leaves out
    branches that it no longer supports, and that is how OpenSSL 1.0.1 passes for clean.
    """
    listed = list(entries)
    spans = [span for entry in listed for span in entry.spans]
    named = [*spans, *(span for entry in listed for span in entry.unaffected)]
    edges = {end for span in named for end in (span.first, span.last) if not _open(end)}
    ours = key("generic", identity.upstream)
    if ours is None or not edges:
        return ""
    if identity.linear:
        return "upstream has one line of releases"
    ends = [key("generic", span.last) for span in spans]
    if ends and None not in ends and all(ours >= end for end in ends):
        return "newer than every affected version"
    branches = _branches(identity.upstream, edges)
    if branches and branches[0] in branches[1:]:
        return f"branch {'.'.join(map(str, branches[0]))} is named"
    return ""


def _branches(version: str, edges: Iterable[str]) -> list[tuple[int, ...]]:
    """The branches of a version and of the edges: X.Y, or X.Y.Z where patches are letters.

    OpenSSL's 1.0.1 and 1.0.2 are branches; each patch of them adds a letter.
    """
    found = [release("generic", each) for each in (version, *edges)]
    if found[0] is None:
        return []
    told = [each for each in found if each is not None]
    deep = 3 if any(letters for _, letters in told) else 2
    return [numbers[:deep] for numbers, _ in told]

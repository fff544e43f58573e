"""Versions X.Y.Z and the ranges advisories give for them, compared strictly or not at all.

A version this module cannot order is never put on either side of a range: the answer is unknown.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\Z")

Triple = tuple[int, int, int]

ZERO: Final[Triple] = (0, 0, 0)


def triple(text: str) -> Triple | None:
    """X.Y.Z as numbers, or None: `1.1.1za`, `2022.83` and `1.0.0-rc1` have no order here."""
    match = _PLAIN.match(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


@dataclass(frozen=True)
class Span:
    """The affected versions from `first` up to `last`.

    last       None: no end is known, everything from `first` on is affected
    inclusive  whether `last` itself is affected (OSV's last_affected) or repaired (fixed)
    """

    first: Triple
    last: Triple | None
    inclusive: bool = False

    def holds(self, version: Triple) -> bool:
        """Whether the version lies inside."""
        if version < self.first:
            return False
        if self.last is None:
            return True
        return version <= self.last if self.inclusive else version < self.last


def spans(events: Iterable[Mapping[str, str]]) -> tuple[Span, ...] | None:
    """The spans that one OSV range's events draw, or None when they draw none that is certain.

    Certain means: every boundary is X.Y.Z (or OSV's "0"), sorted they alternate between a start
    and an end, and no `limit` cuts across them.

    Source: OSV schema 1.6, affected[].ranges[].events fields.
    """
    marks: list[tuple[Triple, int, str]] = []
    for event in events:
        for kind, text in event.items():
            at = ZERO if (kind, text) == ("introduced", "0") else triple(text)
            if at is None or kind not in _ORDER:
                return None
            marks.append((at, _ORDER[kind], kind))
    marks.sort()
    return _alternating(marks)


# At one version a repair ends the old span before a new one starts; `last_affected` holds it still.
_ORDER: Final = {"fixed": 0, "introduced": 1, "last_affected": 2}


def _alternating(marks: list[tuple[Triple, int, str]]) -> tuple[Span, ...] | None:
    found: list[Span] = []
    start: Triple | None = None
    for at, _, kind in marks:
        if kind == "introduced":
            if start is not None:
                return None
            start = at
        else:
            if start is None:
                return None
            found.append(Span(start, at, inclusive=kind == "last_affected"))
            start = None
    if start is not None:
        found.append(Span(start, None))
    return tuple(found) or None


def outside(version: Triple, listed: Iterable[Span]) -> bool:
    """Whether a version that is in none of the spans is thereby known to be clean.

    It is when it is newer than every end, or when its own branch (X.Y) is one the advisory speaks
    of.  Otherwise nobody looked: upstream leaves out branches it no longer supports, and taking
    that silence for health is how OpenSSL 1.0.1 passes for clean.
    """
    ends = [span.last for span in listed if span.last is not None]
    if any(span.holds(version) for span in listed):
        return False
    if all(span.last is not None for span in listed) and version >= max(ends, default=version):
        return bool(ends)
    starts = [span.first for span in listed if span.first != ZERO]
    return any(version[:2] == edge[:2] for edge in [*ends, *starts])

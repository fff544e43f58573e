"""Versions X.Y.Z, as we number our own things."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\Z")

Triple = tuple[int, int, int]


def triple(text: str) -> Triple | None:
    """X.Y.Z as numbers, or None: `1.1.1za`, `2022.83` and `1.0.0-rc1` have no order here."""
    match = _PLAIN.match(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


_SEMVER: Final = re.compile(
    r"(0|[1-9]\d{0,17})\.(0|[1-9]\d{0,17})\.(0|[1-9]\d{0,17})"
    r"(?:-((?:0|[1-9]\d{0,17}|\d*[A-Za-z-][0-9A-Za-z-]*)"
    r"(?:\.(?:0|[1-9]\d{0,17}|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_LONGEST: Final = 128


def precedence(left: str, right: str) -> int:
    """-1, 0 or 1 as `left` comes before `right`, is level with it, or comes after.

    raises  ValueError for what is no semantic version: it has no place in the order

    Source: Semantic Versioning 2.0.0, clause 11; build metadata does not count (clause 10).
    """
    before, after = _place(left), _place(right)
    return (before > after) - (before < after)


def _place(version: object) -> tuple[object, ...]:
    fits = isinstance(version, str) and len(version) <= _LONGEST
    found = _SEMVER.fullmatch(version) if isinstance(version, str) and fits else None
    if found is None:
        raise ValueError(f"no semantic version: {version!r:.140}")
    numbers = tuple(map(int, found.group(1, 2, 3)))
    if found[4] is None:
        return numbers, (1,)
    marks = found[4].split(".")
    # Numbers come before words, and of two that agree so far the one with more fields is later.
    return numbers, (0, tuple((0, int(m), "") if m.isdigit() else (1, 0, m) for m in marks))

"""Ranges written out as text: ">= 1.0, < 2.0", "vers:deb/>=1.0|<2.0", "5.15.*", or plain prose.

What does not read as versions with comparators is prose, and prose is never decided upon.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from firmward.advisories.records import Scheme, Span

# A version has a digit and none of the signs and blanks of which sentences are made.
VERSION: Final = re.compile(r"(?=[^\d]{0,16}\d)[^\s<>=!,;|*()]{1,128}")
_BOUND: Final = re.compile(r"(<=|>=|<|>|==?|≤|≥)?\s*[vV]?(\d[0-9A-Za-z._+~:^-]{0,127})")
_BRANCH: Final = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9}){0,4})(?:\.[xX*]){1,4}")
_ALL: Final = frozenset({"*", "all", "all versions", "all version", "any", "vers:all/*"})
_NONE: Final = frozenset({"", "-", "n/a", "na", "unspecified", "unknown", "not applicable", "none"})
_SCHEMES: Final[dict[str, Scheme]] = {
    "apk": "apk",
    "alpine": "apk",
    "cargo": "semver",
    "deb": "deb",
    "dpkg": "deb",
    "git": "git",
    "npm": "semver",
    "openssl": "openssl",
    "pypi": "python",
    "python": "python",
    "rpm": "rpm",
    "semver": "semver",
}


@dataclass
class Stated:
    """The versions that one statement is about; `prose` is what could not be read as such."""

    spans: list[Span]
    versions: list[str]
    prose: list[str]


def scheme(name: str | None) -> Scheme:
    """The scheme that CVE 5 or a vers string calls so."""
    return _SCHEMES.get((name or "").lower(), "generic")


def says_nothing(text: str | None) -> bool:
    """Whether it is a way of leaving a field empty."""
    return text is None or text.strip().lower() in _NONE


def says_all(text: str) -> bool:
    """Whether it stands for every version."""
    return text.strip().lower() in _ALL


def stated(text: str, order: Scheme) -> Stated:
    """The versions that a text names."""
    text = text.strip()
    if says_all(text):
        return Stated([Span(scheme=order)], [], [])
    if text.startswith("vers:"):
        return _vers(text)
    if says_nothing(text):
        return Stated([], [], [])
    found = bounded(text, order) or _branch(text) or _phrase(text, order)
    if found is not None:
        return Stated([found], [], [])
    if VERSION.fullmatch(text):
        return Stated([], [text], [])
    return Stated([], [], [text])


def _branch(text: str) -> Span | None:
    """1.2.x and 1.2.*: everything of a branch, which only the generic order can place."""
    found = _BRANCH.fullmatch(text)
    return Span(first=found[1], last=f"{found[1]}.*", holds_last=True) if found else None


_ONE: Final = r"[vV]?(\d[0-9A-Za-z._+~:-]{0,63})"
# Phrases with a single reading; the second is how OpenSSL wrote its records up to 2021.
_PHRASES: Final = (
    (re.compile(rf"{_ONE} (?:to|through) {_ONE}"), True),
    (re.compile(r"Fixed in \w+ \S+ \(Affected ([0-9a-z.]+)-([0-9a-z.]+)\)"), True),
    (re.compile(rf"(){_ONE} (?:and|or) (?:earlier|prior|below|older|before)"), True),
    (re.compile(rf"()(?:up to|through) {_ONE}"), True),
    (re.compile(rf"()(?:before|prior to|earlier than) {_ONE}"), False),
    (re.compile(rf"{_ONE} (?:and|or) (?:later|above|newer)()"), False),
)


def _phrase(text: str, order: Scheme) -> Span | None:
    for form, holds_last in _PHRASES:
        found = form.fullmatch(text)
        if found is not None:
            return Span(first=found[1], last=found[2], holds_last=holds_last, scheme=order)
    return None


def bounded(text: str, order: Scheme) -> Span | None:
    """The span between one lower and one upper bound, None where that is not what the text is."""
    first = last = ""
    after_first = holds_last = False
    for part in text.split(","):
        found = _BOUND.fullmatch(part.strip())
        if found is None or not found[1]:
            return None
        sign = found[1].replace("≤", "<=").replace("≥", ">=")
        if sign in ("=", "=="):
            return Span(first=found[2], last=found[2], holds_last=True, scheme=order)
        if (last if sign[0] == "<" else first) != "":
            return None
        if sign[0] == "<":
            last, holds_last = found[2], sign == "<="
        else:
            first, after_first = found[2], sign == ">"
    return Span(
        first=first, last=last, after_first=after_first, holds_last=holds_last, scheme=order
    )


def upto(first: str, last: str, holds_last: bool, order: Scheme) -> Span | None:
    """CVE 5's span from `first` to `last`; None where an end is prose.

    An end such as 5.15.* takes in all of that branch, which only the generic order can place.
    """
    lower = "" if says_nothing(first) or first.strip() in ("0", "*") else first.strip()
    upper = "" if last.strip() == "*" else last.strip()
    if lower == upper and not holds_last:
        # HackerOne writes "before 8.4.0" as from 8.4.0 to below 8.4.0, which would hold nothing.
        lower = ""
    branch = upper.endswith(".*")
    for end in (lower, upper.removesuffix(".*")):
        if end and not VERSION.fullmatch(end):
            return None
    if branch or (order == "semver" and not (_semantic(lower) and _semantic(upper))):
        order = "generic"
    holds_last = bool(upper) and (holds_last or branch)
    return Span(first=lower, last=upper, holds_last=holds_last, scheme=order)


def _semantic(version: str) -> bool:
    """Whether it could be SemVer's at all: many who say so have four numbers, or letters."""
    head = version.partition("-")[0].partition("+")[0]
    return not head or (head.count(".") <= 2 and head.replace(".", "").isdecimal())


def _vers(text: str) -> Stated:
    """Source: the vers specification; constraints are listed in the order of their versions."""
    kind, _, listed = text.removeprefix("vers:").partition("/")
    order = scheme(kind)
    found = Stated([], [], [])
    first: tuple[str, bool] | None = None
    for part in listed.split("|"):
        sign, version = _comparator(part.strip())
        if sign == "*" or not version:
            return Stated([Span(scheme=order)] if listed.strip() == "*" else [], [], [text])
        if sign == "=":
            found.versions.append(version)
        elif sign[0] == ">":
            first = version, sign == ">"
        elif sign[0] == "<":
            start, after = first or ("", False)
            found.spans.append(
                Span(
                    first=start,
                    last=version,
                    after_first=after,
                    holds_last=sign == "<=",
                    scheme=order,
                )
            )
            first = None
        else:
            # A hole within a range: who is in it cannot be told apart here.
            return Stated([], [], [text])
    if first is not None:
        found.spans.append(Span(first=first[0], after_first=first[1], scheme=order))
    return found


def _comparator(part: str) -> tuple[str, str]:
    for sign in ("<=", ">=", "!=", "<", ">", "="):
        if part.startswith(sign):
            return sign, unquote(part.removeprefix(sign).strip())
    return ("*", "") if part == "*" else ("=", unquote(part))

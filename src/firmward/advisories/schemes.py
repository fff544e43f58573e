"""The order of versions, by the scheme that their publisher uses.

`key` turns a version into something that Python orders as the scheme does, or into None: a version
without a certain place in the order is never put on either side of a range.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from firmward.advisories.distributions import apk_key, deb_key, rpm_key
from firmward.advisories.records import Scheme

Key = Any
"""Two keys of one scheme can be compared; keys of different schemes cannot."""

# Longer ones come from nobody's release process.
_LONGEST: Final = 128
# A wildcard such as 5.15.* stands for the last version of its branch.
_ANY: Final = 10**12


@lru_cache(maxsize=1 << 16)
def key(scheme: Scheme, version: str) -> Key | None:
    """What `version` is ordered by under `scheme`; None where it has no certain place."""
    order = _KEYS.get(scheme)
    if order is None or not version or len(version) > _LONGEST:
        return None
    return order(version)


_NUMBERS: Final = re.compile(r"([0-9]{1,12}(?:[._][0-9]{1,12})*)(\.\*)?")
_LETTERS: Final = re.compile(r"(?!rc|pl|sp)([a-z]{1,2})(?![a-z0-9])")
_STAGE: Final = re.compile(
    r"[-_.:~]?(dev|alpha|a|beta|b|preview|pre|rc|p|patch|pl|sp)[-_.]?([0-9]*)"
)
_STAGES: Final = {
    "dev": -5, "alpha": -4, "a": -4, "beta": -3, "b": -3, "preview": -2, "pre": -2, "rc": -1,
    "p": 1, "patch": 1, "pl": 1, "sp": 1,
}  # fmt: skip
# SemVer 2.0.0 clause 10: build metadata does not order.
_BUILD: Final = re.compile(r"\+[0-9A-Za-z.-]*\Z")


def _generic(version: str) -> Key | None:
    """Numbers, then a patch letter (1.0.2k, 1.1.1za), then a stage (-rc1 before, p1 after).

    Trailing zeros do not count: 1.2 is 1.2.0.
    """
    text = _BUILD.sub("", version.lower())
    text = text.removeprefix("v")
    if text == "*":
        return ((_ANY,), (0, ""), (0, 0))
    numbers = _NUMBERS.match(text)
    if numbers is None:
        return None
    counted = [int(part) for part in re.split("[._]", numbers[1])] + [_ANY] * bool(numbers[2])
    rest = text[numbers.end() :]
    letters = _LETTERS.match(rest)
    # Two letters come after the last single one: OpenSSL went from 1.0.2z to 1.0.2za.
    patch = (len(letters[1]), letters[1]) if letters else (0, "")
    rest = rest[letters.end() :] if letters else rest
    stage = _STAGE.fullmatch(rest)
    if rest and stage is None:
        return None
    reached = (_STAGES[stage[1]], int(stage[2] or 0)) if stage else (0, 0)
    return _without_zeros(counted), patch, reached


def _without_zeros(numbers: list[int]) -> tuple[int, ...]:
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


_SEMVER: Final = re.compile(
    r"v?([0-9]{1,12})(?:\.([0-9]{1,12}))?(?:\.([0-9]{1,12}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?"
)


def _semver(version: str) -> Key | None:
    """SemVer 2.0.0 clause 11; a missing minor or patch number is 0, as OSV has it."""
    found = _SEMVER.fullmatch(version)
    if found is None:
        return None
    numbers = tuple(int(found[at] or 0) for at in (1, 2, 3))
    if found[4] is None:
        return numbers, (1,)
    marks = found[4].split(".")
    # Numbers come before words, and whoever has more fields comes later.
    return numbers, (0, tuple((0, int(m), "") if m.isdigit() else (1, 0, m) for m in marks))


def _python(version: str) -> Key | None:
    """PEP 440."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


_KEYS: Final[Mapping[str, Callable[[str], Key | None]]] = {
    "generic": _generic,
    "openssl": _generic,
    "semver": _semver,
    "python": _python,
    "deb": deb_key,
    "rpm": rpm_key,
    "apk": apk_key,
}


@lru_cache(maxsize=1 << 16)
def release(scheme: Scheme, version: str) -> tuple[tuple[int, ...], bool] | None:
    """The numbers of an upstream version, and whether a patch letter follows them."""
    if scheme in ("generic", "openssl"):
        found = _KEYS[scheme](version)
        return None if found is None else (_padded(found[0]), found[1] != (0, ""))
    if scheme == "semver":
        found = _semver(version)
        return None if found is None else (_padded(found[0]), False)
    if scheme == "python":
        found = _python(version)
        return None if found is None else (_padded(found.release), False)
    return None


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return numbers + (0,) * (3 - len(numbers))


_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*?(?:[-_/][A-Za-z]+)*[-_/]?v?(?=[0-9])")


def tagged(name: str) -> str:
    """The version that the name of a tag stands for: curl-7_76_0 is 7.76.0."""
    if len(name) > _LONGEST:
        return name
    bare = _TAG.sub("", name, count=1) if _TAG.match(name) else name
    return bare if "." in bare else bare.replace("_", ".")

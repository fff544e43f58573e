"""How Linux distributions order and build upon versions.

A distribution's version is upstream's plus what was packed and patched: 1:1.1.1n-0+deb11u3 is the
third security upload of OpenSSL 1.1.1n, and says by itself nothing of what was repaired in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmward.advisories.records import Scheme

_DEB: Final = re.compile(r"(?:([0-9]{1,9}):)?([0-9A-Za-z.+:~-]+?)(?:-([0-9A-Za-z.+~]+))?")
_DEB_PARTS: Final = re.compile(r"([^0-9]*)([0-9]*)")


def deb_key(version: str) -> Any:
    """Debian Policy 5.6.12: epoch, then upstream's version, then the revision."""
    found = _DEB.fullmatch(version)
    if found is None or not found[2][0].isalnum():
        return None
    return int(found[1] or 0), _deb_part(found[2]), _deb_part(found[3] or "0")


def _deb_part(text: str) -> tuple[Any, ...]:
    """Text and numbers in turn; `~` sorts before the end, letters before all other signs."""
    marks: list[Any] = []
    for words, digits in _DEB_PARTS.findall(text):
        if words or digits:
            marks += [(*map(_deb_rank, words), 0), int(digits or 0)]
    return (*marks, (0,))


def _deb_rank(sign: str) -> int:
    if sign == "~":
        return -1
    return ord(sign) if sign.isalpha() else ord(sign) + 256


_RPM: Final = re.compile(r"(?:([0-9]{1,9}):)?([^-:]+)(?:-([^-:]+))?")
_RPM_PARTS: Final = re.compile(r"(~)|(\^)|([0-9]+)|([A-Za-z]+)")


def rpm_key(version: str) -> Any:
    """rpm-version(7): epoch, version and release, each compared segment by segment."""
    found = _RPM.fullmatch(version)
    if found is None:
        return None
    return int(found[1] or 0), _rpm_part(found[2]), _rpm_part(found[3] or "")


def _rpm_part(text: str) -> tuple[Any, ...]:
    """`~` sorts before the end, `^` right after it, words before numbers."""
    marks: list[Any] = []
    for tilde, caret, digits, word in _RPM_PARTS.findall(text):
        if tilde or caret:
            marks.append((-1,) if tilde else (1,))
        else:
            marks.append((3, int(digits)) if digits else (2, word))
    return (*marks, (0,))


_APK: Final = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{1,12})*)([a-z])?((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:-r([0-9]{1,9}))?"
)
_APK_SUFFIXES: Final = {
    name: rank
    for rank, name in enumerate(("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"))
}


def apk_key(version: str) -> Any:
    """apk-package(5): digits{.digits}, a letter, suffixes such as _rc1 or _p1, then -rN."""
    found = _APK.fullmatch(version)
    if found is None:
        return None
    first, *others = found[1].split(".")
    marks: list[Any] = [(9, int(first)), *map(_apk_fraction, others)]
    if found[2]:
        marks.append((8, ord(found[2])))
    for name, number in re.findall(r"_([a-z]+)([0-9]*)", found[3]):
        rank = _APK_SUFFIXES[name]
        marks.append((0 if rank < _APK_SUFFIXES[""] else 7, rank, int(number or 0)))
    return (*marks, (1,)), int(found[4] or 0)


def _apk_fraction(digits: str) -> tuple[Any, ...]:
    # After the first dot a leading zero makes it a fraction: 1.05 is before 1.1.
    return (9, 0, digits) if digits.startswith("0") else (9, 1, int(digits))


@dataclass(frozen=True)
class Distribution:
    """Where a packaged component comes from.

    ecosystem  as OSV names it, such as "Debian"
    release    such as "12" or "3.18"; "" where the component does not say
    """

    ecosystem: str
    release: str
    scheme: Scheme


_SCHEMES: Final[Mapping[str, Scheme]] = {
    "deb": "deb",
    "apk": "apk",
    "alpm": "generic",
    "rpm": "rpm",
    "opkg": "deb",
}
# Package URL type and namespace -> OSV's ecosystem.
_ECOSYSTEMS: Final = {
    ("deb", "debian"): "Debian",
    ("deb", "ubuntu"): "Ubuntu",
    ("apk", "alpine"): "Alpine",
    ("apk", "wolfi"): "Wolfi",
    ("apk", "chainguard"): "Chainguard",
    ("rpm", "redhat"): "Red Hat",
    ("rpm", "rhel"): "Red Hat",
    ("rpm", "rocky"): "Rocky Linux",
    ("rpm", "almalinux"): "AlmaLinux",
    ("rpm", "opensuse"): "openSUSE",
    ("rpm", "suse"): "SUSE",
    ("rpm", "sles"): "SUSE",
    ("rpm", "openeuler"): "openEuler",
    ("rpm", "azurelinux"): "Azure Linux",
    ("rpm", "mageia"): "Mageia",
}
ECOSYSTEMS: Final = frozenset(_ECOSYSTEMS.values()) | {"Android", "Photon OS", "OpenHarmony"}
"""OSV's ecosystems whose versions are a distribution's own."""

_RELEASE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def of(kind: str, namespace: str, distro: str) -> Distribution | None:
    """The distribution of a package URL's type, namespace and `distro` qualifier."""
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        return None
    named = (namespace or distro.rpartition("-")[0]).lower()
    found = _RELEASE.search(distro)
    return Distribution(_ECOSYSTEMS.get((kind, named), named), found[0] if found else "", scheme)


def same_release(ours: str, theirs: str) -> bool:
    """Whether OSV's release ("v3.18", "22.04:LTS") is ours; unsaid ones are not told apart."""
    mine, other = _RELEASE.search(ours), _RELEASE.search(theirs)
    if mine is None or other is None:
        return True
    return other[0] in (mine[0], mine[0].partition(".")[0])


# Longer ones come from nobody's packaging.
_LONGEST: Final = 128
_ADDED: Final = re.compile(r"(?:[~.](?:dfsg|ds|repack|git|deb|bpo)[0-9A-Za-z_.~+-]*|\+\S*)\Z")


def upstream(version: str, scheme: Scheme) -> str:
    """Upstream's version inside a distribution's; "" where it cannot be told.

    1:1.0.2k-19.el7 is 1.0.2k; 7.61.1-r3 is 7.61.1; a "really" in it means the rest is a pretence.
    """
    if "really" in version or len(version) > _LONGEST:
        return ""
    bare = re.sub(r"^[0-9]+:", "", version)
    if scheme == "apk":
        return re.sub(r"-r[0-9]+\Z", "", bare)
    head, dash, _ = bare.rpartition("-")
    return _ADDED.sub("", head if dash else bare)

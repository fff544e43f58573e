"""OSV's ecosystems: how each orders its versions, and what its packages' URLs look like.

Sources: OSV schema 1.7, "Defined ecosystems"; the purl specification's type definitions.
"""

from typing import Final

from firmward.advisories.records import Scheme

_KNOWN: Final[dict[str, tuple[Scheme, str]]] = {
    "AlmaLinux": ("rpm", "rpm/almalinux"),
    "Alpaquita": ("apk", "apk/alpaquita"),
    "Alpine": ("apk", "apk/alpine"),
    "Azure Linux": ("rpm", "rpm/azure-linux"),
    "BellSoft Hardened Containers": ("apk", "apk/bellsoft-hardened-containers"),
    "Bitnami": ("semver", "bitnami"),
    "CRAN": ("generic", "cran"),
    "Chainguard": ("apk", "apk/chainguard"),
    "ConanCenter": ("generic", "conan"),
    "Debian": ("deb", "deb/debian"),
    "Echo": ("deb", "deb/echo"),
    "Go": ("semver", "golang"),
    "Hackage": ("generic", "hackage"),
    "Hex": ("semver", "hex"),
    "Mageia": ("rpm", "rpm/mageia"),
    "Maven": ("generic", "maven"),
    "MinimOS": ("apk", "apk/minimos"),
    "NuGet": ("semver", "nuget"),
    "OSS-Fuzz": ("git", "generic"),
    "Packagist": ("generic", "composer"),
    "Pub": ("semver", "pub"),
    "PyPI": ("python", "pypi"),
    "Red Hat": ("rpm", "rpm/redhat"),
    "Rocky Linux": ("rpm", "rpm/rocky-linux"),
    "RubyGems": ("generic", "gem"),
    "SUSE": ("rpm", "rpm/suse"),
    "SwiftURL": ("semver", "swift"),
    "Ubuntu": ("deb", "deb/ubuntu"),
    "Wolfi": ("apk", "apk/wolfi"),
    "crates.io": ("semver", "cargo"),
    "npm": ("semver", "npm"),
    "openEuler": ("rpm", "rpm/openeuler"),
    "openSUSE": ("rpm", "rpm/opensuse"),
}
DISTRIBUTIONS: Final[frozenset[Scheme]] = frozenset({"deb", "rpm", "apk"})


def scheme(ecosystem: str) -> Scheme:
    """How versions of an ecosystem ("Debian:12") are ordered."""
    return _KNOWN.get(ecosystem.partition(":")[0], ("generic", ""))[0]


def purl(ecosystem: str, name: str) -> str:
    """The package URL of a package, without version; "" where its ecosystem has no such type."""
    path = _KNOWN.get(ecosystem.partition(":")[0], ("generic", ""))[1]
    if not path or not name:
        return ""
    return f"pkg:{path}/{name.replace(':', '/') if path == 'maven' else name}"


def unversioned(url: str) -> str:
    """A package URL without version, qualifiers and subpath."""
    bare = url.partition("#")[0].partition("?")[0]
    head, _, last = bare.rpartition("/")
    # The @ of an npm scope is at the start of its segment, that of a version is not.
    return f"{head}/{last[0] + last[1:].partition('@')[0]}" if head and last else bare

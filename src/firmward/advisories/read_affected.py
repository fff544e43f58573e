"""CVE 5's `affected`: products, and for each version whether it is affected, clean or not known.

The rule of the format: a version has the status of the statement that it falls under, otherwise
`defaultStatus`, which is "unknown" where it is not given.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec

from firmward.advisories.ecosystems import purl
from firmward.advisories.read_nvd import cpe_product
from firmward.advisories.records import Entry, Scheme, Span
from firmward.advisories.spans import Stated, says_nothing, scheme, stated, upto
from firmward.advisories.upstream import Text, Upstream, each_once, members, scheme_of


class _Change(Upstream, frozen=True, kw_only=True):
    at: Text
    status: str


class _Version(Upstream, frozen=True, kw_only=True, rename="camel"):
    version: Text = ""
    status: str = "unknown"
    version_type: Text | None = None
    less_than: Text | None = None
    less_than_or_equal: Text | None = None
    changes: list[_Change] | None = None


class Affected(Upstream, frozen=True, kw_only=True, rename="camel"):
    """A product and what is said of its versions."""

    vendor: Text | None = None
    product: Text | None = None
    package_name: Text | None = None
    collection_url: Text | None = msgspec.field(default=None, name="collectionURL")
    cpes: list[Text] | None = None
    default_status: str | None = None
    versions: list[_Version] | None = None


@dataclass
class _Verdicts:
    """What the statements about one product come to, by status."""

    affected: list[Span] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    unaffected: list[Span] = field(default_factory=list)
    commits: list[Span] = field(default_factory=list)
    unknown: list[Span] = field(default_factory=list)
    prose: list[Span] = field(default_factory=list)

    def plain(self) -> bool:
        """Whether a version that is not a commit is named at all."""
        return bool(self.affected or self.versions or self.unaffected)

    def only_commits(self) -> bool:
        """Whether commits are all that is named."""
        return bool(self.commits) and not (self.plain() or self.unknown or self.prose)


def entries(listed: Sequence[Affected]) -> list[Entry]:
    """The entries of one container.

    The kernel stands twice in its records, by commits and by versions; the two are one entry, which
    the versions decide.
    """
    judged = [(affected, _judged(affected)) for affected in listed]
    twins = {_called(affected): verdicts for affected, verdicts in judged if verdicts.plain()}
    alone = []
    for affected, verdicts in judged:
        twin = twins.get(_called(affected))
        if twin is not None and verdicts.only_commits():
            twin.commits += verdicts.commits
        else:
            alone.append((affected, verdicts))
    return [entry for affected, verdicts in alone for entry in _entries(affected, verdicts)]


def _called(affected: Affected) -> tuple[str, str, str]:
    named = (affected.vendor, affected.product, affected.package_name)
    vendor, product, package = (
        "" if name is None or says_nothing(name) else name.strip().lower() for name in named
    )
    return vendor, product, package


def _judged(affected: Affected) -> _Verdicts:
    vendor, product, _ = _called(affected)
    usual = scheme_of(vendor, product)
    found = _Verdicts()
    for version in members(affected.versions):
        order = usual if usual != "generic" else scheme(version.version_type)
        if order == "git":
            if version.status == "affected":
                last = version.less_than or version.less_than_or_equal or ""
                found.commits.append(Span(first=version.version, last=last, scheme="git"))
        else:
            _judge(version, order, found)
    return found


# Digits alone would be a date or a build number.
_COMMIT: Final = re.compile(r"(?=.*[a-f])[0-9a-f]{12,40}")


def _judge(version: _Version, order: Scheme, found: _Verdicts) -> None:
    """Add one statement, cut where its `changes` say that the status turns."""
    upper = version.less_than_or_equal or version.less_than
    if upper is None and _COMMIT.fullmatch(version.version):
        if version.status == "affected":
            found.commits.append(Span(first=version.version, last=version.version, scheme="git"))
        return
    if upper is None and not version.changes:
        _state(version.status, stated(version.version, order), found)
        return
    first, status = version.version, version.status
    for change in members(version.changes):
        _stretch(status, (first, change.at), (False, order), found)
        first, status = change.at, change.status
    holds = version.less_than_or_equal is not None
    _stretch(status, (first, upper or "*"), (holds, order), found)


def _stretch(
    status: str, ends: tuple[str, str], how: tuple[bool, Scheme], found: _Verdicts
) -> None:
    span = upto(*ends, *how)
    prose = [] if span else [f"{ends[0]} to {ends[1]}"]
    _state(status, Stated([span] if span else [], [], prose), found)


def _state(status: str, said: Stated, found: _Verdicts) -> None:
    found.prose += [Span(first=text[:4096], scheme="prose") for text in said.prose]
    exact = [Span(first=version, last=version, holds_last=True) for version in said.versions]
    if status == "affected":
        found.affected += said.spans
        found.versions += said.versions
    elif status == "unaffected":
        found.unaffected += said.spans + exact
    else:
        found.unknown += said.spans + exact


COMMITS: Final = "the record has only ranges of commits, which no version can be placed in"
_PROSE: Final = "the record gives versions in prose"
_UNKNOWN: Final = "the record says of some versions that it is not known"
_SILENT: Final = "the record names no version"


def _entries(affected: Affected, verdicts: _Verdicts) -> Iterator[Entry]:
    default = affected.default_status
    default = default if default in ("affected", "unaffected") else "unknown"
    unclear = (*verdicts.unknown, *verdicts.prose)
    for who in _identities(affected):
        withheld = who.withheld
        if not withheld and not verdicts.plain():
            decided = default != "unknown" and not verdicts.commits and not unclear
            if not decided and default != "affected":
                withheld = COMMITS if verdicts.commits else _SILENT
        if verdicts.plain() or verdicts.commits or not unclear or default == "affected":
            yield msgspec.structs.replace(
                who,
                spans=(*verdicts.affected, *verdicts.commits),
                unaffected=tuple(verdicts.unaffected),
                versions=each_once(verdicts.versions),
                by_default=default,
                withheld=withheld,
            )
        if unclear:
            reason = who.withheld or (_PROSE if verdicts.prose else _UNKNOWN)
            yield msgspec.structs.replace(who, spans=unclear, withheld=reason)


def _identities(affected: Affected) -> Iterator[Entry]:
    """The products that a statement is about, without versions yet.

    A package that stands beside another product (lwIP in somebody's framework) shares the record,
    not the version numbers.
    """
    vendor, product, package = _called(affected)
    url = _registered(affected.collection_url, package)
    if vendor == "red hat" and package:
        yield Entry(
            purl=f"pkg:rpm/redhat/{package}", ecosystem="Red Hat", vendor=vendor, name=package
        )
        return
    if url:
        yield Entry(purl=url, vendor=vendor, name=package)
    called = each_once(filter(None, (cpe_product(name) for name in members(affected.cpes))))
    for cpe, target in called:
        yield Entry(cpe=cpe, target=target, vendor=vendor, name=product or cpe[2])
    if product and not called:
        yield Entry(vendor=vendor, name=product)
    if package and not url and package != product:
        alone = not product and not called
        reason = "" if alone else f"the versions are those of {product or called[0][0][2]}"
        yield Entry(vendor=vendor if alone else "", name=package, withheld=reason)


_REGISTRIES: Final = {
    "crates.io": "crates.io",
    "hex.pm": "Hex",
    "npmjs.com": "npm",
    "npmjs.org": "npm",
    "nuget.org": "NuGet",
    "packagist.org": "Packagist",
    "pub.dev": "Pub",
    "pypi.org": "PyPI",
    "pypi.python.org": "PyPI",
    "pkg.go.dev": "Go",
    "repo.maven.apache.org": "Maven",
    "repo1.maven.org": "Maven",
    "rubygems.org": "RubyGems",
}


def _registered(collection: str | None, package: str) -> str:
    """The URL of a package in a registry that has package URLs, "" elsewhere."""
    try:
        host = (urlsplit(collection or "").hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    return purl(_REGISTRIES.get(host.removeprefix("registry."), ""), package)

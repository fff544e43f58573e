"""CSAF's product tree, laid flat: what each product id stands for.

Source: OASIS CSAF 2.0, 3.1.2 (branches), 3.1.3 (full product names), 3.2.2.4 (relationships).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from firmward.advisories.ecosystems import unversioned
from firmward.advisories.read_nvd import cpe_product
from firmward.advisories.records import Entry, Scheme, Span
from firmward.advisories.spans import Stated, scheme, stated
from firmward.advisories.upstream import Text, Upstream, members
from firmward.terms.errors import Malformed

_DEEPEST: Final = 30
"""Levels of branches; the standard's own tests allow 30 (6.1.33 of CSAF 2.1)."""


class _Hash(Upstream, frozen=True, kw_only=True):
    algorithm: str = ""
    value: Text = ""


class _File(Upstream, frozen=True, kw_only=True):
    file_hashes: list[_Hash] = []


class _Identification(Upstream, frozen=True, kw_only=True):
    purl: Text | None = None
    cpe: Text | None = None
    hashes: list[_File] | None = None


class FullName(Upstream, frozen=True, kw_only=True):
    """A product as the tree names it."""

    name: str
    product_id: Text
    product_identification_helper: _Identification | None = None

    @property
    def names(self) -> frozenset[str]:
        """What it is recognised by elsewhere: package URL, CPE name, SHA-256 of its files."""
        helper = self.product_identification_helper or _Identification()
        digests = (
            each.value
            for file in members(helper.hashes)
            for each in file.file_hashes
            if each.algorithm == "sha256"
        )
        return frozenset({helper.purl or "", helper.cpe or "", *digests} - {""})


class _Branch(Upstream, frozen=True, kw_only=True):
    category: str
    name: str
    branches: "list[_Branch] | None" = None
    product: FullName | None = None


class _Relationship(Upstream, frozen=True, kw_only=True):
    full_product_name: FullName
    product_reference: Text
    relates_to_product_reference: Text


class ProductTree(Upstream, frozen=True, kw_only=True):
    """Products, where they stand among their vendor's, and which come as part of which."""

    branches: list[_Branch] | None = None
    full_product_names: list[FullName] | None = None
    relationships: list[_Relationship] | None = None

    def named(self) -> Iterator[tuple[Mapping[str, str], FullName]]:
        """Every product that is no relationship's, with the branches that it hangs on."""
        for path, name in _leaves(self.branches or (), ()):
            yield dict(path), name
        for name in members(self.full_product_names):
            yield {}, name


@dataclass(frozen=True)
class Product:
    """What a product id stands for.

    entry   who it is, without versions
    stated  which versions of it
    """

    entry: Entry
    stated: Stated
    scheme: Scheme

    @property
    def prose(self) -> list[Span]:
        """The versions that were written as sentences."""
        return [Span(first=text[:4096], scheme="prose") for text in self.stated.prose]

    @property
    def packaged(self) -> bool:
        """Whether a distribution built it, whose later builds keep its repairs."""
        return self.scheme in ("deb", "rpm", "apk")


def listed(tree: ProductTree | None, who: str) -> dict[str, Product]:
    """Product id -> product.  Raises Malformed for an id that stands for two."""
    if tree is None:
        return {}
    found: dict[str, Product] = {}
    for path, named in tree.named():
        _add(found, named, _product(named, path), who)
    waiting = list(members(tree.relationships))
    while waiting:
        left = [one for one in waiting if one.product_reference not in found]
        for one in waiting:
            if one.product_reference in found:
                part = found[one.product_reference]
                _add(found, one.full_product_name, _within(one.full_product_name, part), who)
        if len(left) == len(waiting):
            raise Malformed(who, "relationships of products that exist", left[0].product_reference)
        waiting = left
    return found


def _add(found: dict[str, Product], named: FullName, product: Product, who: str) -> None:
    if named.product_id in found:
        raise Malformed(who, "each product id once", repr(named.product_id[:80]))
    found[named.product_id] = product


def _leaves(
    branches: Sequence[_Branch], path: tuple[tuple[str, str], ...]
) -> Iterator[tuple[tuple[tuple[str, str], ...], FullName]]:
    for branch in branches if len(path) < _DEEPEST else ():
        here = (*path, (branch.category, branch.name))
        if branch.product is not None:
            yield here, branch.product
        yield from _leaves(branch.branches or (), here)


def _product(named: FullName, path: Mapping[str, str]) -> Product:
    """A leaf, by the branches that it hangs on; without a version branch it is every version."""
    helper = named.product_identification_helper or _Identification()
    purl = helper.purl or ""
    order = scheme(purl.partition(":")[2].partition("/")[0])
    version = path.get("product_version_range") or path.get("product_version") or _version(purl)
    cpe = cpe_product(helper.cpe or "")
    name = path.get("product_name") or (named.name if not cpe else cpe[0][2])
    entry = Entry(
        purl=unversioned(purl),
        cpe=cpe[0] if cpe else (),
        target=cpe[1] if cpe else "",
        vendor=path.get("vendor", "").strip().lower()[:4096],
        name=name.strip().lower()[:4096],
    )
    return Product(entry, stated(version or "*", order), order)


def _within(named: FullName, part: Product) -> Product:
    """A component of a platform is what it was, unless the combination has a URL of its own."""
    helper = named.product_identification_helper
    if helper is None or not helper.purl:
        return part
    return _product(named, {"product_name": part.entry.name, "vendor": part.entry.vendor})


def _version(purl: str) -> str:
    last = purl.partition("#")[0].partition("?")[0].rpartition("/")[2]
    return unquote(last[1:].partition("@")[2])

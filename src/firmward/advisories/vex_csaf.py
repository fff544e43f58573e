"""VEX in CSAF 2.0: product_status of a product tree, with flags and threats as justification."""

from collections.abc import Iterator, Mapping
from typing import Final

from firmward.advisories.csaf_products import ProductTree
from firmward.advisories.read_csaf import Tracking
from firmward.advisories.upstream import Upstream, members, zoned
from firmward.advisories.vex import Product, Statement, Word


class _Note(Upstream, frozen=True, kw_only=True):
    product_ids: tuple[str, ...] = ()
    label: str = ""
    details: str = ""
    category: str = ""


class _Id(Upstream, frozen=True, kw_only=True):
    text: str = ""


class _CsafVulnerability(Upstream, frozen=True, kw_only=True):
    cve: str = ""
    ids: tuple[_Id, ...] = ()
    product_status: dict[str, tuple[str, ...]] = {}
    flags: tuple[_Note, ...] = ()
    threats: tuple[_Note, ...] = ()
    remediations: tuple[_Note, ...] = ()


class _Publisher(Upstream, frozen=True, kw_only=True):
    name: str


class _Document(Upstream, frozen=True, kw_only=True):
    publisher: _Publisher
    tracking: Tracking


class Csaf(Upstream, frozen=True, kw_only=True):
    """A CSAF document."""

    document: _Document
    product_tree: ProductTree
    vulnerabilities: tuple[_CsafVulnerability, ...] = ()


_PRODUCT_STATUS: Final[Mapping[str, Word]] = {
    "first_affected": "affected",
    "known_affected": "affected",
    "last_affected": "affected",
    "first_fixed": "fixed",
    "fixed": "fixed",
    "known_not_affected": "not_affected",
    "under_investigation": "under_investigation",
}


def csaf(document: Csaf, who: str) -> Iterator[Statement]:
    """What it says of each product, alone or as part of another.  Raises Malformed."""
    products = _products(document.product_tree)
    tracking = document.document.tracking
    at = zoned(tracking.current_release_date, who)
    for each in document.vulnerabilities:
        names = frozenset({each.cve, *(one.text for one in each.ids)} - {""})
        for group, ids in each.product_status.items():
            for product in ids if group in _PRODUCT_STATUS else ():
                yield Statement(
                    vulnerability=names,
                    products=(products.get(product, Product(frozenset())),),
                    status=_PRODUCT_STATUS[group],
                    at=at,
                    author=document.document.publisher.name,
                    justification=_said(each.flags, product),
                    impact=_said(tuple(t for t in each.threats if t.category == "impact"), product),
                    action=_said(each.remediations, product),
                    source=tracking.id,
                )


def _said(notes: tuple[_Note, ...], product: str) -> str:
    for note in notes:
        if product in note.product_ids:
            return note.label or note.details
    return ""


def _products(tree: ProductTree) -> dict[str, Product]:
    """Product id -> the product; one that is part of another is named by both."""
    names = {each.product_id: each.names for _, each in tree.named()}
    found = {product: Product(named) for product, named in names.items()}
    for relation in members(tree.relationships):
        whole = names.get(relation.relates_to_product_reference, frozenset())
        part = names.get(relation.product_reference, frozenset())
        found[relation.full_product_name.product_id] = Product(part, within=whole)
    return found

"""VEX in CSAF 2.0: product_status of a product tree, with flags and threats as justification."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from firmward.advisories.vex import Product, Statement, Word
from firmward.advisories.vex_part import Upstream, moment


class _Identification(Upstream, frozen=True, kw_only=True):
    purl: str = ""
    cpe: str = ""
    hashes: tuple[dict[str, Any], ...] = ()

    @property
    def names(self) -> frozenset[str]:
        listed = [each for one in self.hashes for each in one.get("file_hashes", ())]
        digests = {str(h.get("value", "")) for h in listed if h.get("algorithm") == "sha256"}
        return frozenset({self.purl, self.cpe, *digests} - {""})


class _FullName(Upstream, frozen=True, kw_only=True):
    product_id: str
    product_identification_helper: _Identification = _Identification()


class _Branch(Upstream, frozen=True, kw_only=True):
    product: _FullName | None = None
    branches: "tuple[_Branch, ...]" = ()


class _Relationship(Upstream, frozen=True, kw_only=True):
    product_reference: str
    relates_to_product_reference: str
    full_product_name: _FullName


class _Tree(Upstream, frozen=True, kw_only=True):
    branches: tuple[_Branch, ...] = ()
    full_product_names: tuple[_FullName, ...] = ()
    relationships: tuple[_Relationship, ...] = ()


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


class _Tracking(Upstream, frozen=True, kw_only=True):
    id: str
    current_release_date: str


class _Document(Upstream, frozen=True, kw_only=True):
    publisher: _Publisher
    tracking: _Tracking


class Csaf(Upstream, frozen=True, kw_only=True):
    """A CSAF document."""

    document: _Document
    product_tree: _Tree
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
    at = moment(tracking.current_release_date, who)
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


def _products(tree: _Tree) -> dict[str, Product]:
    """Product id -> the product; one that is part of another is named by both."""
    names = {each.product_id: _named(each) for each in (*tree.full_product_names, *_leaves(tree))}
    found = {product: Product(named) for product, named in names.items()}
    for relation in tree.relationships:
        whole = names.get(relation.relates_to_product_reference, frozenset())
        part = names.get(relation.product_reference, frozenset())
        found[relation.full_product_name.product_id] = Product(part, within=whole)
    return found


def _leaves(tree: _Tree) -> Iterator[_FullName]:
    waiting = list(tree.branches)
    while waiting:
        branch = waiting.pop()
        waiting.extend(branch.branches)
        if branch.product is not None:
            yield branch.product


def _named(name: _FullName) -> frozenset[str]:
    return name.product_identification_helper.names

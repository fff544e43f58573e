"""CSAF 2.0 advisories: one record for each vulnerability of a document.

Source: OASIS CSAF 2.0, sections 3.2.2 (product tree) and 3.2.3 (vulnerabilities).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from firmward.advisories import csaf_products, upstream
from firmward.advisories.csaf_products import Product, ProductTree
from firmward.advisories.records import Entry, Record, Span
from firmward.advisories.upstream import Name, Scored, Text, Upstream
from firmward.terms.errors import Malformed

# 3.2.1.12.4: anything that neither starts nor ends with a blank.
_Id = Annotated[str, Meta(max_length=256, pattern=r"^[!-~](?:[ -~]*[!-~])?\Z")]


class Tracking(Upstream, frozen=True, kw_only=True):
    """Which document this is, and from when."""

    id: _Id
    current_release_date: str
    initial_release_date: str | None = None


class _Document(Upstream, frozen=True, kw_only=True):
    tracking: Tracking
    csaf_version: str
    category: str = ""
    title: str = ""


class _Status(Upstream, frozen=True, kw_only=True):
    first_affected: list[Text] = []
    first_fixed: list[Text] = []
    fixed: list[Text] = []
    known_affected: list[Text] = []
    known_not_affected: list[Text] = []
    last_affected: list[Text] = []
    recommended: list[Text] = []
    under_investigation: list[Text] = []


class _Weakness(Upstream, frozen=True, kw_only=True):
    id: Name


class _Identifier(Upstream, frozen=True, kw_only=True):
    text: Text


class _Score(Upstream, frozen=True, kw_only=True):
    cvss_v4: Scored | None = None
    cvss_v3: Scored | None = None
    cvss_v2: Scored | None = None


class _Vulnerability(Upstream, frozen=True, kw_only=True):
    cve: Name | None = None
    ids: list[_Identifier] | None = None
    title: str | None = None
    cwe: _Weakness | None = None
    product_status: _Status | None = None
    scores: list[_Score] | None = None


class _Csaf(Upstream, frozen=True, kw_only=True):
    document: _Document
    product_tree: ProductTree | None = None
    vulnerabilities: list[_Vulnerability] | None = None


_CSAF: Final = msgspec.json.Decoder(_Csaf)


def records(data: bytes, who: str) -> Iterator[Record]:
    """The records in a document.  Raises Malformed."""
    csaf = upstream.decode(_CSAF, data, who)
    document, tracking = csaf.document, csaf.document.tracking
    who = f"{who}: {tracking.id}"
    if not document.csaf_version.startswith("2."):
        raise Malformed(who, "CSAF 2", repr(document.csaf_version[:20]))
    products = csaf_products.listed(csaf.product_tree, who)
    modified = upstream.instant(tracking.current_release_date, who)
    for number, found in enumerate(upstream.members(csaf.vulnerabilities), 1):
        names = [found.cve or "", *(i.text for i in upstream.members(found.ids)), tracking.id]
        yield Record(
            id=f"{tracking.id}#{found.cve or number}",
            source="csaf",
            modified=modified,
            published=upstream.instant(tracking.initial_release_date, who),
            withdrawn=modified if document.category.startswith("csaf_withdrawn") else "",
            aliases=upstream.each_once(names, ""),
            summary=upstream.summary(found.title, document.title),
            severities=upstream.vectors(_scores(upstream.members(found.scores))),
            weaknesses=(found.cwe.id,) if found.cwe else (),
            entries=_entries(found.product_status or _Status(), products, who),
        )


def _scores(scores: Iterable[_Score]) -> Iterator[tuple[str, str | None]]:
    for score in scores:
        yield "CVSS_V4", score.cvss_v4.vector_string if score.cvss_v4 else None
        yield "CVSS_V3", score.cvss_v3.vector_string if score.cvss_v3 else None
        yield "CVSS_V2", score.cvss_v2.vector_string if score.cvss_v2 else None


@dataclass
class _Verdicts:
    affected: list[Span] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    unaffected: list[Span] = field(default_factory=list)
    prose: list[Span] = field(default_factory=list)
    asked: bool = False


def _entries(status: _Status, products: dict[str, Product], who: str) -> tuple[Entry, ...]:
    """One entry for each product, and one more for what cannot be decided of it."""
    found: dict[Entry, _Verdicts] = {}
    for members_of, state in (
        (status.known_affected, _affected),
        (status.first_affected, _affected),
        (status.last_affected, _last_affected),
        (status.fixed, _fixed),
        (status.first_fixed, _fixed),
        (status.known_not_affected, _clean),
        (status.under_investigation, _under_investigation),
    ):
        for name in members_of:
            product = products.get(name)
            if product is None:
                raise Malformed(who, "products that the product tree has", repr(name[:80]))
            state(product, found.setdefault(product.entry, _Verdicts()))
    return tuple(entry for who_, said in found.items() for entry in _stated(who_, said))


def _affected(product: Product, said: _Verdicts) -> None:
    said.affected += product.stated.spans
    said.versions += product.stated.versions
    said.prose += product.prose


def _last_affected(product: Product, said: _Verdicts) -> None:
    said.affected += product.stated.spans
    said.affected += [
        Span(last=version, holds_last=True, scheme=product.scheme)
        for version in product.stated.versions
    ]
    said.prose += product.prose


def _fixed(product: Product, said: _Verdicts) -> None:
    """A distribution's repair holds for every later build of that package; others' as they say."""
    if not product.packaged:
        _clean(product, said)
        return
    said.unaffected += [
        Span(first=version, scheme=product.scheme) for version in product.stated.versions
    ]
    if not said.affected:
        said.affected.append(Span(scheme=product.scheme))


def _clean(product: Product, said: _Verdicts) -> None:
    said.unaffected += product.stated.spans
    said.unaffected += [
        Span(first=version, last=version, holds_last=True, scheme=product.scheme)
        for version in product.stated.versions
    ]
    said.prose += product.prose


def _under_investigation(product: Product, said: _Verdicts) -> None:
    said.asked = True


_PROSE: Final = "the document gives versions in prose"
_ASKED: Final = "its publisher is still looking into it"


def _stated(entry: Entry, said: _Verdicts) -> Iterator[Entry]:
    if said.affected or said.versions or said.unaffected:
        yield msgspec.structs.replace(
            entry,
            spans=upstream.each_once(said.affected),
            unaffected=upstream.each_once(said.unaffected),
            versions=upstream.each_once(said.versions),
        )
    if said.prose or said.asked:
        reason = _PROSE if said.prose else _ASKED
        yield msgspec.structs.replace(entry, spans=upstream.each_once(said.prose), withheld=reason)

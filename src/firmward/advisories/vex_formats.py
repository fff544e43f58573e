"""VEX documents in OpenVEX, CycloneDX and CSAF, read into statements.

Formats are other people's and grow, so members we do not read are skipped; what is read is strict.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from firmward.advisories.upstream import Upstream, zoned
from firmward.advisories.vex import Product, Statement, Word
from firmward.advisories.vex_csaf import Csaf, csaf
from firmward.advisories.vex_cyclonedx import CycloneDx, cyclonedx
from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB, convert, parse

_LIMIT: Final = 16 * MIB


def read(data: bytes, who: str) -> tuple[Statement, ...]:
    """The statements of a document, whichever of the three formats it is in.  Raises Malformed."""
    value = parse(data, who, limit=_LIMIT, longest=MIB)
    if isinstance(value, dict):
        if "openvex.dev" in str(value.get("@context", "")):
            return tuple(_openvex(convert(value, _OpenVex, who), who))
        if value.get("bomFormat") == "CycloneDX":
            return tuple(cyclonedx(convert(value, CycloneDx, who), who))
        if isinstance(value.get("document"), dict) and "product_tree" in value:
            return tuple(csaf(convert(value, Csaf, who), who))
    raise Malformed(who, "a VEX document in OpenVEX, CycloneDX or CSAF", "something else")


# ---- OpenVEX 0.2.0 ----


class _Thing(Upstream, frozen=True, kw_only=True):
    id: str = msgspec.field(name="@id", default="")
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}

    @property
    def names(self) -> frozenset[str]:
        digests = (v.lower() for k, v in self.hashes.items() if k in ("sha-256", "sha256"))
        return frozenset({self.id, *self.identifiers.values(), *digests} - {""})


class _OpenProduct(_Thing, frozen=True, kw_only=True):
    subcomponents: tuple[_Thing, ...] = ()


class _Vulnerability(Upstream, frozen=True, kw_only=True):
    id: str = msgspec.field(name="@id", default="")
    name: str = ""
    aliases: tuple[str, ...] = ()


class _OpenStatement(Upstream, frozen=True, kw_only=True):
    vulnerability: _Vulnerability
    status: Word
    products: tuple[_OpenProduct, ...] = ()
    timestamp: str = ""
    last_updated: str = ""
    justification: str = ""
    impact_statement: str = ""
    action_statement: str = ""
    supplier: str = ""


class _OpenVex(Upstream, frozen=True, kw_only=True):
    id: str = msgspec.field(name="@id")
    author: str
    timestamp: str
    last_updated: str = ""
    statements: tuple[_OpenStatement, ...]


def _openvex(document: _OpenVex, who: str) -> Iterator[Statement]:
    for said in document.statements:
        made = said.last_updated or said.timestamp or document.last_updated or document.timestamp
        vulnerability = said.vulnerability
        yield Statement(
            vulnerability=frozenset(
                {vulnerability.name, vulnerability.id.rpartition("/")[2], *vulnerability.aliases}
                - {""}
            ),
            products=tuple(product for each in said.products for product in _open_products(each)),
            status=said.status,
            at=zoned(made, who),
            author=document.author,
            justification=said.justification,
            impact=said.impact_statement,
            action=said.action_statement,
            source=document.id,
        )


def _open_products(product: _OpenProduct) -> Iterator[Product]:
    if not product.subcomponents:
        yield Product(product.names)
    for part in product.subcomponents:
        yield Product(part.names, within=product.names)

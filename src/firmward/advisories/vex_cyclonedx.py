"""VEX in CycloneDX 1.4 to 1.6: vulnerabilities[].analysis about the components they affect."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from firmward.advisories.upstream import Upstream, zoned
from firmward.advisories.vex import Product, Statement, Word
from firmward.terms.errors import Malformed

# CycloneDX's states: `resolved` is OpenVEX's fixed, `exploitable` its affected.
_STATES: Final[Mapping[str, Word]] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
_JUSTIFIED: Final = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_dependency": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_environment": "vulnerable_code_cannot_be_controlled_by_adversary",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}


class _Hash(Upstream, frozen=True, kw_only=True):
    alg: str
    content: str


class _Part(Upstream, frozen=True, kw_only=True):
    bom_ref: str = msgspec.field(name="bom-ref", default="")
    purl: str = ""
    cpe: str = ""
    hashes: tuple[_Hash, ...] = ()
    components: "tuple[_Part, ...]" = ()

    @property
    def names(self) -> frozenset[str]:
        digests = (each.content.lower() for each in self.hashes if each.alg == "SHA-256")
        return frozenset({self.purl, self.cpe, *digests} - {""})


class _Organisation(Upstream, frozen=True, kw_only=True):
    name: str = ""


class _Metadata(Upstream, frozen=True, kw_only=True):
    timestamp: str = ""
    component: _Part = _Part()
    supplier: _Organisation = _Organisation()
    manufacturer: _Organisation = _Organisation()
    authors: tuple[_Organisation, ...] = ()


class _Analysis(Upstream, frozen=True, kw_only=True, rename="camel"):
    state: str = ""
    justification: str = ""
    response: tuple[str, ...] = ()
    detail: str = ""
    last_updated: str = ""


class _Ref(Upstream, frozen=True, kw_only=True):
    ref: str


class _Reference(Upstream, frozen=True, kw_only=True):
    id: str = ""


class _CycloneVulnerability(Upstream, frozen=True, kw_only=True):
    id: str
    references: tuple[_Reference, ...] = ()
    analysis: _Analysis = _Analysis()
    affects: tuple[_Ref, ...] = ()


class CycloneDx(Upstream, frozen=True, kw_only=True, rename="camel"):
    """A CycloneDX document."""

    serial_number: str = ""
    metadata: _Metadata = _Metadata()
    components: tuple[_Part, ...] = ()
    vulnerabilities: tuple[_CycloneVulnerability, ...] = ()


def cyclonedx(document: CycloneDx, who: str) -> Iterator[Statement]:
    """What it says of each vulnerability that somebody analysed.  Raises Malformed."""
    metadata = document.metadata
    authors = [*metadata.authors, metadata.manufacturer, metadata.supplier]
    named = {part.bom_ref: part.names for part in _flat((metadata.component, *document.components))}
    for each in document.vulnerabilities:
        analysis = each.analysis
        if not analysis.state:
            continue
        if analysis.state not in _STATES:
            raise Malformed(who, "a CycloneDX analysis state", analysis.state[:40])
        yield Statement(
            vulnerability=frozenset({each.id, *(ref.id for ref in each.references)} - {""}),
            products=tuple(Product(named.get(at.ref) or _linked(at.ref)) for at in each.affects),
            status=_STATES[analysis.state],
            at=zoned(analysis.last_updated or metadata.timestamp, who),
            author=next((author.name for author in authors if author.name), ""),
            justification=_JUSTIFIED.get(analysis.justification, analysis.justification),
            impact=analysis.detail,
            action=", ".join(analysis.response),
            source=document.serial_number or who,
        )


def _flat(parts: tuple[_Part, ...]) -> Iterator[_Part]:
    for part in parts:
        yield part
        yield from _flat(part.components)


def _linked(ref: str) -> frozenset[str]:
    """A component of another document, where its reference there is a purl (BOM-Link)."""
    name = ref.rpartition("#")[2] if ref.startswith("urn:cdx:") else ref
    return frozenset({name}) if name.startswith("pkg:") else frozenset()

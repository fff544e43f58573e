"""The vendor's statements, read into values of the evidence document.

A statement that is missing, unsigned or unreadable leaves its values out and a gap that says why.
It never stops the others from being read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from firmward.advisories.match import Component
from firmward.hospital.gate import declared, examinations, predicates
from firmward.hospital.gate.document import Gap
from firmward.hospital.gate.intake import Attested, Missing, Verified
from firmward.hospital.gate.known import Known, Trust, moment
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert

_DECLARED: Final = tuple(sorted({path.partition(".")[0] for path in declared.VENDOR}))
FEEDS: Final = {
    "provenance": ("provenance",),
    "sbom": ("sbom", "vulns"),
    "scan": ("scan",),
    "vulnerabilities": (),
    "threats": ("risk",),
    "blackbox": ("testing",),
    "declaration": _DECLARED,
}
"""Evidence name -> the sections that miss something without it.

The vendor's own vulnerability assessment feeds none: the hospital matches by itself.
"""

T = TypeVar("T")
Leaves = dict[str, Known[Any]]


@dataclass(frozen=True)
class Origin:
    """Where values come from; calling it puts a value in its envelope."""

    trust: Trust
    source_digest: str
    signer: str
    observed_at: datetime

    def __call__(self, value: T) -> Known[T]:
        return Known(
            value=value,
            trust=self.trust,
            source_digest=self.source_digest,
            signer=self.signer,
            observed_at=self.observed_at,
        )

    def each(self, values: Mapping[str, Any]) -> Leaves:
        """Path -> value in its envelope, for those that are not None."""
        return {path: self(value) for path, value in values.items() if value is not None}


@dataclass(frozen=True)
class Piece(Generic[T]):
    """A statement that could be read."""

    content: T
    attested: Attested
    at: datetime

    def says(self, trust: Trust = "attested") -> Origin:
        """Values that the statement itself gives."""
        return Origin(trust, f"sha256:{self.attested.sha256}", self.attested.signer, self.at)

    def shows(self) -> Origin:
        """What the gate found out about the statement."""
        return Origin("measured", f"sha256:{self.attested.sha256}", "", self.at)


class Readings:
    """The statements of one bundle; `gaps` names every one that does not count."""

    def __init__(self, verified: Verified, now: datetime):
        self._verified, self._now = verified, now
        self.gaps: list[Gap] = []
        self.bom = self._read("sbom", predicates.Bom)
        self.assessment = self._read("vulnerabilities", predicates.Assessment)
        readers: tuple[Callable[[], Leaves], ...] = (
            self._declaration,
            self._provenance,
            self._sbom,
            self._scan,
            self._threats,
            self._blackbox,
        )
        self.leaves: Leaves = {}
        for read in readers:
            self.leaves |= read()

    def components(self) -> list[Component]:
        """What the SBOM names, as advisories are asked about it."""
        return list(_components(self.bom.content)) if self.bom else []

    def _gap(self, name: str, reason: str) -> None:
        self.gaps.append(Gap(evidence=name, sections=FEEDS[name], reason=reason[:500]))

    def _read(self, name: str, kind: type[T]) -> Piece[T] | None:
        attested = self._verified.evidence.get(name, Missing("it was not sought"))
        if isinstance(attested, Missing):
            self._gap(name, attested.reason)
            return None
        try:
            content = convert(attested.statement.predicate, kind, name)
        except Malformed as error:
            self._gap(name, str(error))
            return None
        return Piece(content, attested, self._now)

    def _provenance(self) -> Leaves:
        """How it was built, as far as a signed statement can tell, and what kind of key signed."""
        piece = self._read("provenance", predicates.Provenance)
        if piece is None:
            return {}
        build = piece.content
        said = {
            "provenance.builder_id": build.run_details.builder.id,
            "provenance.slsa_build_level": build.level,
            "release.released_at": build.finished,
            # Signed after it was built, and before it came here.
            "signature.signed_at": build.finished,
            "signature.key_custody": build.custody,
        }
        return {"provenance.verified": piece.shows()(True), **piece.says().each(said)}

    def _sbom(self) -> Leaves:
        """What it is made of; that there is no SBOM is known as well."""
        piece = self.bom
        if piece is None:
            absent = Origin("measured", f"sha256:{self._verified.bundle_sha256}", "", self._now)
            return absent.each({"sbom.present": False, "sbom.format": "none"})
        bom = piece.content
        made = bom.metadata.timestamp
        said = {
            "sbom.format": bom.bom_format,
            "sbom.spec_version": bom.spec_version,
            "sbom.author": bom.author,
            "sbom.timestamp": None if made is None or made.tzinfo is None else moment(made),
            "sbom.subject_digest": f"sha256:{self._about(piece.attested)}",
            "sbom.transitive": bom.transitive,
            "sbom.known_unknowns_declared": bom.says_what_is_unknown,
            "sbom.components": bom.parts(),
        }
        return {"sbom.present": piece.shows()(True), **piece.says().each(said)}

    def _about(self, attested: Attested) -> str:
        """This image's digest where the statement names it, else the first that it does name."""
        named = [subject.digest.sha256 for subject in attested.statement.subject]
        ours = self._verified.firmware.sha256
        return ours if ours in named else named[0]

    def _scan(self) -> Leaves:
        """What the vendor looked for, with what, and what it found."""
        piece = self._read("scan", predicates.Scan)
        if piece is None:
            return {}
        scan = piece.content
        return piece.says().each({"scan.tools": scan.tools(), "scan.findings": scan.findings()})

    def _declaration(self) -> Leaves:
        """What people at the vendor declare, each value of the document's own type."""
        piece = self._read("declaration", dict[str, dict[str, Any]])
        if piece is None:
            return {}
        try:
            origin = piece.says("declared")
            found = declared.read(piece.content, declared.VENDOR, origin, "declaration")
        except Malformed as error:
            self._gap("declaration", str(error))
            return {}
        if "risk.approver_role" in found:
            # Who accepts the residual risk stands in a statement that every evidence key signed.
            found["risk.approver_signature_valid"] = piece.shows()(True)
        return found

    def _threats(self) -> Leaves:
        """What the vendor's threat model says of this release, by the image's own version."""
        piece = self._read("threats", examinations.ThreatModel)
        if piece is None:
            return {}
        model = piece.content
        said = {
            "risk.security_method": model.method,
            "risk.threat_model_version": model.version(self._verified.firmware.image.version),
            "risk.threat_model_digest": f"sha256:{model.model.digest.sha256}",
            "risk.open_threats": model.open_threats(),
            "risk.drift": model.drifted(),
        }
        return piece.says().each(said)

    def _blackbox(self) -> Leaves:
        """What the vendor's black-box test of this image gave."""
        piece = self._read("blackbox", examinations.BlackBox)
        if piece is None:
            return {}
        test = piece.content
        said = {
            "testing.watched": test.kinds(),
            "testing.result": test.result,
            "testing.inputs": test.annotations.inputs,
            "testing.seconds": test.annotations.seconds,
            "testing.open_failures": test.failed_tests,
        }
        return piece.says().each(said)


def fallback_components(verified: Verified) -> list[Component] | None:
    """What the way back is made of; None where no statement about it says so."""
    attested = verified.fallback_sbom
    if isinstance(attested, Missing):
        return None
    try:
        return list(_components(convert(attested.statement.predicate, predicates.Bom, "sbom")))
    except Malformed:
        return None


def _components(bom: predicates.Bom) -> Iterator[Component]:
    for part in bom.parts():
        yield Component(
            name=part.name,
            version=part.version,
            purl=next((name for name in part.ids if name.startswith("pkg:")), ""),
            cpe=next((name for name in part.ids if name.startswith("cpe:")), ""),
            supplier=part.supplier,
        )

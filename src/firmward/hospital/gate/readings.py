"""The vendor's statements, read into sections of the evidence document.

A statement that is missing, unsigned or unreadable leaves its sections empty and a gap that says
why.  It never stops the others from being read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import UNSET

from firmward.advisories.index import Index
from firmward.advisories.match import Component, match
from firmward.hospital.gate import document, examinations, predicates
from firmward.hospital.gate.document import Gap, Known, Maybe, Trust, moment
from firmward.hospital.gate.intake import Attested, Missing, Verified
from firmward.hospital.gate.vulnerabilities import assess
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert

FEEDS: Final = {
    "provenance": ("provenance",),
    "sbom": ("sbom", "vulns"),
    "scan": ("scan",),
    "vulnerabilities": (),
    "threats": ("risk",),
    "blackbox": ("testing",),
    "declaration": ("lifecycle", "privacy"),
}
"""Evidence name -> the sections that stay empty without it.

The vendor's own vulnerability assessment feeds none: the hospital matches by itself.
"""

T = TypeVar("T")


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

    def if_given(self, value: T | None) -> Maybe[T]:
        """The value in its envelope, or nothing where the source is silent."""
        return UNSET if value is None else self(value)


@dataclass(frozen=True)
class _Piece(Generic[T]):
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
        if isinstance(verified.fallback, Missing):
            self._gap("fallback", ("fallback",), verified.fallback.reason)
        self._bom = self._read("sbom", predicates.Bom)
        self._scan = self._read("scan", predicates.Scan)
        self._provenance = self._read("provenance", predicates.Provenance)
        self._assessment = self._read("vulnerabilities", predicates.Assessment)
        self._threats = self._read("threats", examinations.ThreatModel)
        self._blackbox = self._read("blackbox", examinations.BlackBox)
        self._declaration = self._read("declaration", predicates.Declaration)

    def _gap(self, name: str, sections: tuple[str, ...], reason: str) -> None:
        self.gaps.append(Gap(evidence=name, sections=sections, reason=reason[:500]))

    def _read(self, name: str, kind: type[T]) -> _Piece[T] | None:
        attested = self._verified.evidence.get(name, Missing("it was not sought"))
        if isinstance(attested, Missing):
            self._gap(name, FEEDS[name], attested.reason)
            return None
        try:
            content = convert(attested.statement.predicate, kind, name)
        except Malformed as error:
            self._gap(name, FEEDS[name], str(error))
            return None
        return _Piece(content, attested, self._now)

    def provenance(self) -> document.Provenance:
        """How it was built, as far as a signed statement can tell."""
        piece = self._provenance
        if piece is None:
            return document.Provenance()
        said = piece.says()
        return document.Provenance(
            verified=piece.shows()(True),
            builder_id=said(piece.content.run_details.builder.id),
            slsa_build_level=said(piece.content.level),
        )

    def sbom(self) -> document.Sbom:
        """What it is made of; that there is no SBOM is known as well."""
        piece = self._bom
        if piece is None:
            absent = Origin("measured", f"sha256:{self._verified.bundle_sha256}", "", self._now)
            return document.Sbom(present=absent(False), format=absent("none"))
        said, bom = piece.says(), piece.content
        made = bom.metadata.timestamp
        return document.Sbom(
            present=piece.shows()(True),
            format=said(bom.bom_format),
            spec_version=said(bom.spec_version),
            author=said(bom.author),
            timestamp=UNSET if made is None or made.tzinfo is None else said(moment(made)),
            subject_digest=said(f"sha256:{self._about(piece.attested)}"),
            components=said(bom.parts()),
        )

    def _about(self, attested: Attested) -> str:
        """This image's digest where the statement names it, else the first that it does name."""
        named = [subject.digest.sha256 for subject in attested.statement.subject]
        ours = self._verified.firmware.sha256
        return ours if ours in named else named[0]

    def scan(self, advisories: Index | None) -> document.Scan:
        """What was looked for, and how recent the hospital's own advisories are."""
        ours = Origin("measured", "", "", self._now)
        recent = UNSET if advisories is None else ours(moment(advisories.snapshot))
        if self._scan is None:
            return document.Scan(db_date=recent)
        said, scan = self._scan.says(), self._scan.content
        return document.Scan(
            db_date=recent, tools=said(scan.tools()), findings=said(scan.findings())
        )

    def vulns(self, advisories: Index | None) -> Maybe[tuple[document.Vulnerability, ...]]:
        """The hospital's own match, with the vendor's assessment of each where it gave one."""
        piece, vendor = self._bom, self._assessment
        if advisories is None or piece is None:
            return UNSET
        said: Sequence[predicates.Assessed] = vendor.content.result if vendor else ()
        matches = match(_components(piece.content), advisories, self._now)
        answer = assess(matches, said, advisories)
        # Whoever is believed on a single entry is named for the whole list.
        leans = vendor if answer.leans_on_vendor else None
        return (leans.says() if leans else piece.shows())(answer.found)

    def lifecycle(self) -> document.Lifecycle:
        """IEC 62304 records, as declared."""
        piece = self._declaration
        if piece is None:
            return document.Lifecycle()
        said = piece.says("declared")
        given = msgspec.structs.asdict(piece.content.lifecycle)
        return document.Lifecycle(**{name: said.if_given(value) for name, value in given.items()})

    def privacy(self) -> document.Privacy:
        """Access, as declared."""
        piece = self._declaration
        if piece is None:
            return document.Privacy()
        said = piece.says("declared")
        return document.Privacy(
            default_credentials=said.if_given(piece.content.privacy.default_credentials)
        )

    def risk(self) -> document.Risk:
        """What the vendor's threat model says of this release, by the image's own version."""
        piece = self._threats
        if piece is None:
            return document.Risk()
        said, model = piece.says(), piece.content
        return document.Risk(
            security_method=said(model.method),
            threat_model_version=said(model.version(self._verified.firmware.image.version)),
            threat_model_digest=said(f"sha256:{model.model.digest.sha256}"),
            open_threats=said(model.open_threats()),
            drift=said(model.drifted()),
        )

    def testing(self) -> document.Testing:
        """What the vendor's black-box test of this image gave."""
        piece = self._blackbox
        if piece is None:
            return document.Testing()
        said, test = piece.says(), piece.content
        return document.Testing(
            kinds=said(test.kinds()),
            result=said(test.result),
            inputs=said(test.annotations.inputs),
            seconds=said(test.annotations.seconds),
            open_failures=said(test.failed_tests),
        )


def _components(bom: predicates.Bom) -> list[Component]:
    return [
        Component(
            name=part.name,
            version=part.version,
            purl=next((name for name in part.ids if name.startswith("pkg:")), ""),
            cpe=next((name for name in part.ids if name.startswith("cpe:")), ""),
            supplier=part.supplier,
        )
        for part in bom.parts()
    ]

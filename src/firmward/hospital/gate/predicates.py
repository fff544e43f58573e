"""What the gate reads of each piece of a vendor's evidence, and nothing else of it.

The formats are other people's and grow, so members that are not read are skipped.  What is read is
read strictly: a member of another type makes the whole piece count as missing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from firmward.hospital.gate.known import MaybeMoment, moment
from firmward.hospital.gate.listed import Finding, Part
from firmward.terms.errors import Malformed

_Name = Annotated[str, Meta(max_length=4096)]


class Read(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The members we read of somebody else's object."""


class _Builder(Read, frozen=True, kw_only=True):
    id: _Name


class _When(Read, frozen=True, kw_only=True):
    finished_on: datetime | None = None


class _Run(Read, frozen=True, kw_only=True):
    builder: _Builder
    metadata: _When = _When()


class _Resolved(Read, frozen=True, kw_only=True):
    uri: _Name = ""
    digest: dict[str, str] = {}


class _Signing(Read, frozen=True, kw_only=True):
    firmware: tuple[_Name, ...] = ()


class _Internal(Read, frozen=True, kw_only=True):
    signing: _Signing | None = None


class _Build(Read, frozen=True, kw_only=True):
    build_type: _Name
    internal_parameters: _Internal = _Internal()
    resolved_dependencies: tuple[_Resolved, ...] = ()


class Provenance(Read, frozen=True, kw_only=True):
    """SLSA provenance v1: who built it, and from what (slsa.dev/spec/v1.0/provenance)."""

    build_definition: _Build
    run_details: _Run

    @property
    def level(self) -> int:
        """The SLSA build level that the statement alone can carry: 1, or 0 without a source.

        Level 2 and up are properties of the build platform, which no statement can prove.
        """
        sources = self.build_definition.resolved_dependencies
        named = self.run_details.builder.id and any(source.digest for source in sources)
        return 1 if named else 0

    @property
    def finished(self) -> str | None:
        """When the build was done; None where it does not say."""
        at = self.run_details.metadata.finished_on
        return None if at is None or at.tzinfo is None else moment(at)

    @property
    def custody(self) -> str | None:
        """Where the key of the image's own signature is held; None where it does not say."""
        signing = self.build_definition.internal_parameters.signing
        if signing is None or not signing.firmware:
            return None
        places = {kind.partition(":")[0] for kind in signing.firmware}
        if places == {"pkcs11"}:
            return "hsm"
        return "file" if "unsafe-software" in places else "unknown"


class _Supplier(Read, frozen=True, kw_only=True):
    name: _Name = ""


class _Property(Read, frozen=True, kw_only=True):
    name: _Name
    value: _Name = ""


class _Component(Read, frozen=True, kw_only=True):
    type: _Name
    name: _Name
    version: _Name = ""
    bom_ref: _Name = msgspec.field(name="bom-ref", default="")
    purl: _Name = ""
    cpe: _Name = ""
    supplier: _Supplier = _Supplier()
    properties: tuple[_Property, ...] = ()
    components: "tuple[_Component, ...]" = ()


class _Depends(Read, frozen=True, kw_only=True):
    ref: _Name


class _Composition(Read, frozen=True, kw_only=True):
    aggregate: _Name


class _Metadata(Read, frozen=True, kw_only=True):
    timestamp: datetime | None = None
    authors: tuple[_Supplier, ...] = ()
    supplier: _Supplier = _Supplier()
    manufacturer: _Supplier = _Supplier()


class Bom(Read, frozen=True, kw_only=True):
    """CycloneDX 1.5 and later: NTIA's minimum elements and the support of each component."""

    bom_format: Literal["CycloneDX"]
    spec_version: Annotated[str, Meta(pattern=r"^1\.\d{1,2}\Z")]
    metadata: _Metadata = _Metadata()
    components: Annotated[tuple[_Component, ...], Meta(max_length=4096)] = ()
    dependencies: tuple[_Depends, ...] = ()
    compositions: tuple[_Composition, ...] = ()

    @property
    def transitive(self) -> bool:
        """Whether it says of every component what that one needs."""
        return all(part.dependency_declared for part in self.parts())

    @property
    def says_what_is_unknown(self) -> bool:
        """Whether it says how complete it is (NTIA 2021, known unknowns)."""
        return any(each.aggregate for each in self.compositions)

    @property
    def author(self) -> str:
        """Whoever the document names as its author, "" when it names nobody."""
        names = [author.name for author in self.metadata.authors]
        names += [self.metadata.manufacturer.name, self.metadata.supplier.name]
        return next((name for name in names if name), "")

    def parts(self) -> tuple[Part, ...]:
        """The components as rules read them, those inside others too."""
        declared = {entry.ref for entry in self.dependencies}
        return tuple(_part(component, declared) for component in _flat(self.components))


def _flat(components: tuple[_Component, ...]) -> Iterator[_Component]:
    for component in components:
        # The files of a component are no components; one with a package URL is, whatever its type.
        if component.type != "file" or component.purl:
            yield component
        yield from _flat(component.components)


def _part(component: _Component, declared: set[str]) -> Part:
    said = {entry.name: entry.value for entry in component.properties}
    return Part(
        name=component.name,
        version=component.version,
        supplier=component.supplier.name,
        ids=tuple(name for name in (component.purl, component.cpe) if name),
        dependency_declared=component.bom_ref in declared,
        support_level=said.get("firmward:support_level", ""),
        end_of_support=stamp(said.get("firmward:end_of_support", "")),
        replacement_plan=said.get("firmward:replacement_plan", "") == "true",
        # Without a word on it a part counts as of unknown provenance, and has to be looked after.
        soup=said.get("firmward:soup", "") != "false",
        soup_requirements=said.get("firmward:soup_requirements", "") == "true",
        anomaly_list_evaluated=said.get("firmward:anomaly_list_evaluated", "") == "true",
    )


def stamp(text: str) -> str:
    """A date or time as RFC 3339 in UTC; "" stays "".  Raises Malformed."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed("sbom", "a date", repr(text[:40])) from error
    # A bare date is the whole day; counting it from its start errs on the safe side.
    return moment(at if at.tzinfo else at.replace(tzinfo=UTC))


class _Text(Read, frozen=True, kw_only=True):
    uri: _Name = ""


class _Region(Read, frozen=True, kw_only=True):
    start_line: int = 0


class _Physical(Read, frozen=True, kw_only=True):
    artifact_location: _Text = _Text()
    region: _Region = _Region()


class _Location(Read, frozen=True, kw_only=True):
    physical_location: _Physical = _Physical()


class _Suppression(Read, frozen=True, kw_only=True):
    justification: _Name = ""
    status: Literal["accepted", "underReview", "rejected"] = "accepted"


class _Result(Read, frozen=True, kw_only=True):
    rule_id: _Name = ""
    # SARIF 3.27.10: an absent level is a warning.
    level: Literal["none", "note", "warning", "error"] = "warning"
    locations: tuple[_Location, ...] = ()
    suppressions: tuple[_Suppression, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether every suppression is in force and says why (SARIF 3.27.23, 3.35)."""
        each = self.suppressions
        return bool(each) and all(one.justification and one.status == "accepted" for one in each)


class _Driver(Read, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=256)]


class _Tool(Read, frozen=True, kw_only=True):
    driver: _Driver


class _Invocation(Read, frozen=True, kw_only=True):
    execution_successful: bool


class _ToolRun(Read, frozen=True, kw_only=True):
    tool: _Tool
    invocations: tuple[_Invocation, ...] = ()
    # SARIF 3.14.23: no results member means the tool did not get to look.
    results: Annotated[tuple[_Result, ...], Meta(max_length=4096)] | None = None


class _Log(Read, frozen=True, kw_only=True):
    version: Literal["2.1.0"]
    runs: tuple[_ToolRun, ...]


class Scan(Read, frozen=True, kw_only=True):
    """A SARIF 2.1.0 log with one run per scanner."""

    sarif: _Log

    def tools(self) -> tuple[str, ...]:
        """The scanners that ran to their end and reported."""
        return tuple(sorted({run.tool.driver.name for run in self.sarif.runs if _finished(run)}))

    def findings(self) -> tuple[Finding, ...]:
        """What they found, suppressed or not: whether a finding may stand is the gate's to say."""
        return tuple(
            Finding(
                tool=run.tool.driver.name,
                rule=result.rule_id,
                level=result.level,
                where=_where(result),
                suppressed=result.answered,
            )
            for run in self.sarif.runs
            for result in run.results or ()
        )


def _finished(run: _ToolRun) -> bool:
    return run.results is not None and all(call.execution_successful for call in run.invocations)


def _where(result: _Result) -> str:
    if not result.locations:
        return ""
    place = result.locations[0].physical_location
    return f"{place.artifact_location.uri}:{place.region.start_line}"


class Assessed(Read, frozen=True, kw_only=True, rename=None):
    """What the vendor says of one vulnerability.

    harm_severity  the worst hazardous situation it can lead to, 1 to 5; None: it does not say
    """

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    component: _Name
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    justification: _Name = ""
    kev: bool = False
    risk_state: Literal["controlled", "uncontrolled", ""] = ""
    cvss_vector: _Name = ""
    rubric: bool = False
    reachable: bool | None = None
    harm_severity: Annotated[int, Meta(ge=1, le=5)] | None = None
    fix_by: MaybeMoment = ""


class Assessment(Read, frozen=True, kw_only=True):
    """The vendor's answer on every vulnerability it knows of."""

    result: Annotated[tuple[Assessed, ...], Meta(max_length=4096)]

"""From a verified bundle to the evidence document: what is known, and how.

The gate computes itself whatever it can: the image's signature, its digest, the way back, what is
inside the image, the match of the SBOM against the hospital's own advisories, and the risk against
what is installed.  What others say is taken with their name on it, and gives way to what was
measured.  What does not count stays absent, with a gap that says why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from firmward.advisories.index import Index
from firmward.advisories.match import Component, match
from firmward.hospital.gate import here, measured, own_scan, weighed
from firmward.hospital.gate.document import LIMIT, Evidence, with_leaves
from firmward.hospital.gate.here import ClassFacts, Leaves, used
from firmward.hospital.gate.intake import Attested, Verified
from firmward.hospital.gate.known import At, Known, moment
from firmward.hospital.gate.readings import Origin, Readings, fallback_components
from firmward.hospital.gate.risk.facts import Surroundings, parameters_of
from firmward.hospital.gate.vulnerabilities import Paired, paired
from firmward.terms.names import split_release
from firmward.terms.wire import decode, encode

Installed = Mapping[str, Sequence[Component]]
"""Release id -> what it is made of, for releases that this hospital has an SBOM of."""


@dataclass(frozen=True)
class Surveyed:
    """Everything about a bundle that is the same for every device class, found out once.

    pairs  the release's vulnerabilities with what each side says; None without advisories or SBOM
    """

    verified: Verified
    readings: Readings
    leaves: Leaves
    pairs: tuple[Paired, ...] | None
    advisories: Index | None = field(repr=False)


def survey(verified: Verified, advisories: Index | None, now: datetime) -> Surveyed:
    """Read the statements, scan the image, and match the SBOM.

    advisories  the hospital's own; None when it has none, and then nothing about vulnerabilities
                is known
    """
    readings = Readings(verified, now)
    known = readings.leaves | measured.leaves(verified, now) | _scanned(verified, readings, now)
    pairs = None
    if advisories is not None:
        known["scan.db_date"] = _by(advisories, now)(moment(advisories.snapshot))
        if readings.bom is not None:
            said = readings.assessment.content.result if readings.assessment else ()
            pairs = paired(match(readings.components(), advisories, now), said, advisories)
    return Surveyed(verified, readings, known, pairs, advisories)


def assemble(
    surveyed: Surveyed,
    facts: ClassFacts,
    parameters: Mapping[str, Any],
    now: datetime,
    *,
    asked_at: At = "intake",
    installed: Installed | None = None,
) -> Evidence:
    """Everything known about the release for this class, as a document that parses strictly.

    installed  SBOMs of what the class runs, besides that of the release's own way back
    raises     Malformed when the pieces do not make a document
    """
    verified = surveyed.verified
    known = surveyed.leaves | here.leaves(facts)
    known |= _risks(surveyed, facts, known, parameters, now, installed or {})
    evidence = Evidence(
        subject=verified.release,
        image_sha256=verified.firmware.sha256,
        vendor=verified.vendor,
        site=facts.site,
        device_class=facts.name,
        moment=asked_at,
        at=now,
        sources=dict(_sources(surveyed, facts)),
        gaps=tuple(surveyed.readings.gaps),
    )
    # What is judged is what can be parsed again later, byte for byte.
    return decode(encode(with_leaves(evidence, known)), Evidence, "evidence", limit=LIMIT)


def _by(advisories: Index, now: datetime) -> Origin:
    """What the hospital's own advisories say."""
    return Origin("measured", f"sha256:{advisories.digest()}", "", now)


def _sources(surveyed: Surveyed, facts: ClassFacts) -> Iterator[tuple[str, str]]:
    verified = surveyed.verified
    yield "bundle", f"sha256:{verified.bundle_sha256}"
    yield "image", f"sha256:{verified.firmware.sha256}"
    for each in verified.firmware.components:
        yield f"component {each.claim.name}", f"sha256:{each.sha256}"
    yield "device-class", f"sha256:{facts.facts_sha256}"
    if surveyed.advisories is not None:
        yield "advisories", f"sha256:{surveyed.advisories.digest()}"
    for name, piece in verified.evidence.items():
        if isinstance(piece, Attested):
            yield name, f"sha256:{piece.sha256}"
    if isinstance(verified.fallback_sbom, Attested):
        yield "fallback-sbom", f"sha256:{verified.fallback_sbom.sha256}"


def _scanned(verified: Verified, readings: Readings, now: datetime) -> Leaves:
    """The hospital's own look into every file of the release.

    One that cannot be read was not looked into, and then neither was the release.
    """
    declared = [(part.name, part.version, _ids(part)) for part in readings.components()]
    firmware = verified.firmware
    seen = {"image": own_scan.scan(firmware.data, declared)} | {
        each.claim.name: own_scan.scan(each.data, declared, raw=each.image is None)
        for each in firmware.components
    }
    origin = Origin("measured", f"sha256:{firmware.sha256}", "", now)
    readable = all(each.readable for each in seen.values())
    found: Leaves = {"scan.binary_sca": origin(readable)}
    if readable:
        finds = [find for name, each in seen.items() for find in each.as_findings(name)]
        hidden = [part for each in seen.values() for part in each.undeclared]
        found["scan.own_findings"] = origin(tuple(finds))
        found["scan.undeclared"] = origin(tuple(dict.fromkeys(hidden)))
    return found


def _ids(part: Component) -> tuple[str, ...]:
    return tuple(name for name in (part.purl, part.cpe) if name)


def _risks(
    surveyed: Surveyed,
    facts: ClassFacts,
    known: Mapping[str, Known[Any]],
    parameters: Mapping[str, Any],
    now: datetime,
    installed: Installed,
) -> Leaves:
    """The vulnerabilities as they stand on this class's devices, and against what runs there."""
    advisories, pairs = surveyed.advisories, surveyed.pairs
    if advisories is None or pairs is None:
        return {}
    site = Surroundings(
        exposure=used(known, "device.exposure", None),
        tier=facts.tier,
        safety_class=used(known, "release.safety_class", ""),
    )
    running = _running(surveyed, facts, installed)
    theirs = None
    if running is not None:
        theirs = [paired(match(parts, advisories, now), (), advisories) for parts in running]
    origin = _match_origin(surveyed, now)
    return weighed.leaves(
        pairs, theirs, advisories, site, parameters_of(parameters), (origin, _by(advisories, now))
    )


def _match_origin(surveyed: Surveyed, now: datetime) -> Origin:
    """Whoever is believed on a single entry is named for the whole list."""
    readings = surveyed.readings
    leans = any(pair.answer is not None for pair in surveyed.pairs or ())
    if leans and readings.assessment is not None:
        return readings.assessment.says()
    return readings.bom.shows() if readings.bom else Origin("measured", "", "", now)


def _running(
    surveyed: Surveyed, facts: ClassFacts, installed: Installed
) -> list[Sequence[Component]] | None:
    """What each release that the class runs is made of; None where that is not known of one.

    The way back is what runs today, signed again: its SBOM speaks for a release of that version.
    """
    verified = surveyed.verified
    way = fallback_components(verified)
    version = used(surveyed.leaves, "fallback.version", "")
    found: list[Sequence[Component]] = []
    for release in facts.releases:
        if release in installed:
            found.append(installed[release])
        elif release == verified.release:
            found.append(surveyed.readings.components())
        elif way is not None and split_release(release)[1] == version:
            found.append(way)
        else:
            return None
    return found

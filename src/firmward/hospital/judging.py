"""The gate at work: a bundle judged for every class of devices, each answer signed and kept.

The same few steps serve intake, a wave, an order and the judgement of what is deployed:
survey the bundle once -> document each class -> judge -> sign and keep.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from firmward.advisories.index import Index
from firmward.hospital import watching
from firmward.hospital.fresh import Fresh
from firmward.hospital.gate import admission, document, fleet_facts, judge
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.evidence import Surveyed, assemble, survey
from firmward.hospital.gate.here import ClassFacts, Use
from firmward.hospital.gate.intake import Firmware, Verified, anchors, verify
from firmward.hospital.gate.judge import Excepting, Judgement
from firmward.hospital.gate.known import At
from firmward.hospital.gate.policy import Policy
from firmward.hospital.gate.readings import fallback_components
from firmward.hospital.records import components, vendors, verdicts, vitals, watched
from firmward.hospital.records.devices import Device
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.hospital.records.verdicts import Standing, State, Verdict
from firmward.hospital.respond import underway
from firmward.proof import envelope
from firmward.proof.roles import RolesRefused
from firmward.terms.errors import Refused, Unavailable
from firmward.terms.report import Attack
from firmward.terms.wire import encode

Holding = Callable[[Connection, Evidence, datetime], Excepting]
"""The exceptions that hold for a document's release, image and class at a moment."""


@dataclass
class Hospital:
    """A site with what its gate judges by.

    policy, advisories   replaced whole when they change, never altered
    mirrored             what the folder of advisories looked like when it was last read
    """

    site: Site
    policy: Policy
    engine: Engine
    advisories: Index | None
    holding: Holding | None = None
    intake: threading.Lock = field(default_factory=threading.Lock)
    mirrored: str = ""


@dataclass(frozen=True)
class Judged:
    """A class's document and what the gate says of it."""

    facts: ClassFacts
    evidence: Evidence
    judgement: Judgement


@dataclass(frozen=True)
class Answer:
    """What the gate says of a bundle, class by class."""

    surveyed: Surveyed
    judged: tuple[Judged, ...]

    @property
    def verified(self) -> Verified:
        """The bundle it is about."""
        return self.surveyed.verified

    @property
    def admitted(self) -> bool:
        """Whether it may come in for one class at least."""
        return any(each.judgement.admitted for each in self.judged)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason against it, once, the gravest of each class first."""
        said = (reason for each in self.judged for reason in each.judgement.reasons)
        return tuple(dict.fromkeys(said))


def examine(
    hospital: Hospital,
    connection: Connection,
    vendor: str,
    data: bytes,
    now: datetime,
    *,
    again: Release | None = None,
    asked_at: At = "intake",
    use: Use | None = None,
) -> Answer:
    """Verify and judge a bundle; `again` is the release of a bundle that was judged before.

    A second time it is judged under the vendor's newest metadata: its own has run out within days,
    and what the vendor lists no longer is not to be installed any further.
    """
    pinned = anchors(vendors.anchors(connection, vendor))
    known, bundle = admission.known(connection), open_bundle(data)
    kept = vendors.kept(connection, vendor)
    if again is not None:
        known, kept = known - {again.release, again.fallback}, {}
        bundle = replace(bundle, metadata=vendors.all_served(connection, vendor))
    verified = verify(bundle, pinned, kept, now, known)
    admission.unchanged(connection, verified)
    surveyed = survey(verified, hospital.advisories, now)
    found = fleet_facts.classes(
        connection, hospital.site, verified.product, verified.release, now, use
    )
    judged = (_judged(hospital, connection, surveyed, facts, now, asked_at) for facts in found)
    return Answer(surveyed, tuple(judged))


def _judged(
    hospital: Hospital,
    connection: Connection,
    surveyed: Surveyed,
    facts: ClassFacts,
    now: datetime,
    asked_at: At,
) -> Judged:
    installed = components.of(connection, facts.releases)
    parameters = hospital.policy.parameters
    evidence = assemble(surveyed, facts, parameters, now, asked_at=asked_at, installed=installed)
    judgement = judge.judge(
        hospital.policy,
        evidence,
        hospital.engine,
        now,
        excepting(hospital, connection, evidence, now),
    )
    return Judged(facts, evidence, judgement)


def excepting(
    hospital: Hospital, connection: Connection, evidence: Evidence, now: datetime
) -> Excepting | None:
    """The exceptions that hold here; None where the site knows none."""
    return hospital.holding(connection, evidence, now) if hospital.holding else None


def keep(
    connection: Connection, hospital: Hospital, judged: Iterable[Judged], now: datetime
) -> list[Standing]:
    """Sign and keep each verdict with all it was reached from, and say how the release stands."""
    verdicts.keep_policy(connection, hospital.policy.sha256, hospital.policy.encoded)
    standings = []
    for each in judged:
        standing = _kept(connection, hospital.site, each, now)
        known = (hospital.policy, hospital.advisories)
        watching.follow(connection, *known, each.evidence, each.judgement, standing, now)
        standings.append(standing)
    return standings


def _kept(connection: Connection, site: Site, judged: Judged, now: datetime) -> Standing:
    judgement, pieces = judged.judgement, document.parts(judged.evidence)
    number = verdicts.add(
        connection,
        Verdict(
            number=0,
            release=judgement.release,
            device_class=judgement.device_class,
            moment=judgement.moment,
            admitted=judgement.admitted,
            parts=document.digests(pieces),
            policy=judgement.policy_sha256,
            exceptions=judgement.exceptions,
            rulings=encode(judgement),
            envelope=seal(site, judgement),
            at=now.timestamp(),
        ),
        pieces,
    )
    before = verdicts.standing(connection, judgement.release, judgement.device_class)
    state = next_state(before, judgement.admitted)
    same = before if before and before.state == state else None
    since, deadline = (same.since, same.deadline) if same else (now.timestamp(), 0.0)
    standing = Standing(judgement.release, judgement.device_class, state, number, since, deadline)
    verdicts.stand(connection, standing)
    return standing


def remember(connection: Connection, surveyed: Surveyed) -> None:
    """Keep what the release and its way back are made of, to compare later releases with."""
    verified, bom = surveyed.verified, surveyed.readings.bom
    if bom is not None:
        components.keep(connection, verified.release, surveyed.readings.components())
    way = fallback_components(verified)
    if way is not None and isinstance(verified.fallback, Firmware):
        components.keep(connection, verified.fallback.claim.release, way)


def next_state(before: Standing | None, admitted: bool) -> State:
    """How a release stands after a verdict: what was eligible once is revoked, not refused."""
    if admitted:
        return "eligible"
    return "revoked" if before is not None and before.state != "refused" else "refused"


def seal(site: Site, judgement: Judgement) -> bytes:
    """The judgement's statement, signed with the gate's key."""
    said = judge.summarise(judgement, verifier(site))
    return envelope.seal_statement(said, [site.signers["verdict"]])


def verifier(site: Site) -> str:
    """Who this site's gate is, as a URI."""
    return f"https://{site.ledger.origin}/gate"


def rejudge(
    hospital: Hospital,
    connection: Connection,
    release: Release,
    use: Use,
    reached: Sequence[Device],
    now: datetime,
) -> list[str]:
    """The gate asked again about an admitted release before a wave; what now speaks against it.

    Every class is judged and its verdict kept; only those of the devices in the wave count here.
    Raises Unavailable where it cannot be judged now, as under a vendor's expired metadata: nobody
    gets it then, and nobody is sent back from it either.
    """
    try:
        sealed = hospital.site.blobs.get(release.bundle)
        data = hospital.site.unseal(sealed, f"bundle of {release.vendor}")
        answer = examine(
            hospital,
            connection,
            release.vendor,
            data,
            now,
            again=release,
            asked_at="wave",
            use=use,
        )
    except RolesRefused as error:
        if error.attack is Attack.FROZEN:
            raise Unavailable(f"{release.vendor} has not renewed its metadata: {error}") from error
        return [str(error)]
    except Refused as error:
        return [str(error)]
    keep(connection, hospital, answer.judged, now)
    wanted = {device.device_class for device in reached}
    return underway.reasons(
        [each.judgement for each in answer.judged if each.judgement.device_class in wanted]
    )


def ready(
    hospital: Hospital, connection: Connection, release: Release, device: Device, now: datetime
) -> list[str]:
    """The gate asked at the moment of one order; what speaks against ordering it now.

    What was found for the class at its wave stays; what is the device's own is looked at afresh.
    """
    name = device.device_class
    standing = verdicts.standing(connection, release.release, name)
    if standing is None or standing.state != "eligible":
        return [f"{release.release} is {standing.state if standing else 'not judged'} for {name}"]
    if watched.waits(connection, (release.release, name)):
        return [f"{release.release} is to be judged again for {name} first"]
    last = verdicts.find(connection, standing.verdict)
    before = judge.reopen(last.rulings)
    new = Fresh(connection, hospital.advisories, now)
    evidence, changed = narrowed(connection, hospital.site, last, device, new)
    judgement = judge.judge_again(
        hospital.policy,
        evidence,
        hospital.engine,
        now,
        before.rulings if last.policy == hospital.policy.sha256 else (),
        changed,
        excepting(hospital, connection, evidence, now),
    )
    return list(judgement.reasons)


def reopened(connection: Connection, last: Verdict) -> Evidence:
    """The document behind a verdict, every piece checked.  Raises Unavailable, NotTrusted."""
    return document.joined(
        {name: verdicts.part(connection, digest) for name, digest in last.parts.items()}
    )


def narrowed(
    connection: Connection, site: Site, last: Verdict, device: Device, new: Fresh
) -> tuple[Evidence, frozenset[str]]:
    """The class's document with what is known of one device, and the paths that changed."""
    evidence, now = reopened(connection, last), new.now
    since = now.timestamp() - max(60.0, 4 * site.settings.poll_s)
    recent = vitals.newest(connection, device.device, 1, since)
    in_use = recent[-1].reading.in_use if recent else None
    known = new.leaves(evidence, document.leaves(evidence))
    leaves = {**known, **fleet_facts.narrow(device, in_use, now)}
    found = document.with_leaves(evidence, leaves)
    return msgspec.structs.replace(found, moment="order", at=now), frozenset({*leaves, "moment"})

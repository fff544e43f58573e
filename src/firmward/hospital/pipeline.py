"""The hospital's part of the loop, read from top to bottom.

    bundle -> verified -> admitted | refused -> release -> rollout -> orders
           reports, vitals -> signals -> decision -> remedy -> ledger

Each function is one arrow: it takes what the arrow before it made, judges with pure code, and
writes rows and events in one transaction.  Time is a parameter.
"""

import hashlib
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from firmward.advisories.index import Index
from firmward.hospital.bedside import Seen
from firmward.hospital.gate import admission, judge
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.evidence import assemble
from firmward.hospital.gate.intake import Verified, anchors, renew, verify
from firmward.hospital.gate.judge import Judgement, Pack
from firmward.hospital.records import devices, ledger, rollouts, vendors
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.hospital.respond import advance, begin, incidents, revoked, tickets
from firmward.hospital.respond.advance import Moved
from firmward.hospital.respond.incidents import Fault
from firmward.proof import envelope
from firmward.proof.roles import RolesRefused
from firmward.terms.errors import FirmwardError, Refused, Unavailable
from firmward.terms.onboarding import Onboarding
from firmward.terms.report import Attack
from firmward.terms.stage import Stage


@dataclass(frozen=True)
class Hospital:
    """A site with what its gate judges by."""

    site: Site
    pack: Pack
    advisories: Index | None
    intake: threading.Lock = field(default_factory=threading.Lock)


def onboard(hospital: Hospital, onboarding: Onboarding, actor: str, now: datetime) -> None:
    """Pin a vendor's anchors, once.  Raises Refused, Malformed."""
    pinned = anchors(onboarding)
    with hospital.site.store.writing() as connection:
        vendors.pin(connection, onboarding)
        ledger.record(
            connection,
            "vendor.onboarded",
            Stage.INTAKE,
            now,
            actor,
            (f"vendor:{onboarding.vendor}",),
            f"{onboarding.vendor} is pinned",
            root=hashlib.sha256(pinned.root).hexdigest(),
            evidence=tuple(key.keyid for key in pinned.evidence_keys),
        )


def expect(hospital: Hospital, inventory: bytes, actor: str, now: datetime) -> int:
    """Pre-authorise the devices of an inventory, all of them or none; gives how many."""
    entries = devices.parse_inventory(inventory)
    with hospital.site.store.writing() as connection:
        for entry in entries:
            vendors.anchors(connection, entry.vendor)
            devices.expect(connection, entry)
            ledger.record(
                connection,
                "device.expected",
                Stage.DEVICE,
                now,
                actor,
                (entry.device,),
                f"{entry.device} may enrol: {entry.product} in {entry.ward}",
                ward=entry.ward,
                priority=entry.priority,
            )
    return len(entries)


def take_renewal(
    hospital: Hospital, vendor: str, data: bytes, actor: str, now: datetime
) -> datetime:
    """Keep a vendor's metadata from running out; when it will.  Raises Malformed, NotTrusted.

    Devices refuse metadata past its expiry, so a vendor renews between releases as well.
    """
    with hospital.intake:
        try:
            with hospital.site.store.reading() as connection:
                pinned = anchors(vendors.anchors(connection, vendor))
                kept = vendors.kept(connection, vendor)
            renewal = renew(open_bundle(data), pinned, kept, now)
        except Refused as error:
            _refuse_bundle(hospital, vendor, actor, error, now)
            raise
        with hospital.site.store.writing() as connection:
            vendors.keep(connection, vendor, renewal.metadata, renewal.published)
            revoked.follow(connection, hospital.site, vendor, now)
            ledger.record(
                connection,
                "vendor.renewed",
                Stage.INTAKE,
                now,
                actor,
                (f"vendor:{vendor}",),
                f"the metadata of {vendor} is good until {renewal.expires:%Y-%m-%d %H:%M} UTC",
            )
    return renewal.expires


def take_bundle(
    hospital: Hospital, vendor: str, data: bytes, actor: str, now: datetime
) -> Judgement:
    """Intake and gate: a vendor's bundle is admitted or refused, with every reason.

    raises  Malformed, NotTrusted for what is not the vendor's own; that changes nothing, and is on
            the ledger too
    """
    # One at a time: two copies of a bundle must not both find their release unknown.
    with hospital.intake:
        return _take_bundle(hospital, vendor, data, actor, now)


def _take_bundle(
    hospital: Hospital, vendor: str, data: bytes, actor: str, now: datetime
) -> Judgement:
    try:
        with hospital.site.store.reading() as connection:
            verified, judgement = _examine(hospital, connection, vendor, data, now)
    except Refused as error:
        _refuse_bundle(hospital, vendor, actor, error, now)
        raise
    # Sealed, because it holds the images in clear; a crash here leaves a blob that no row names.
    stored = hospital.site.blobs.put(hospital.site.seal(data, f"bundle of {vendor}"))
    signer = hospital.site.signers["verdict"]
    verifier = f"https://{hospital.site.ledger.origin}/gate"
    verdict = envelope.seal_statement(judge.summarise(judgement, verifier), [signer])
    with hospital.site.store.writing() as connection:
        if judgement.admitted:
            _admit(connection, hospital, verified, judgement, verdict, stored, now)
        else:
            _refuse(connection, hospital, verified, judgement, verdict, stored, now)
    return judgement


def _examine(
    hospital: Hospital,
    connection: Connection,
    vendor: str,
    data: bytes,
    now: datetime,
    *,
    again: Release | None = None,
) -> tuple[Verified, Judgement]:
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
    facts = admission.facts(connection, hospital.site, verified, now)
    evidence = assemble(verified, facts, hospital.advisories, now)
    return verified, judge.judge(hospital.pack, evidence, now)


def _admit(
    connection: Connection,
    hospital: Hospital,
    verified: Verified,
    judgement: Judgement,
    verdict: bytes,
    stored: str,
    now: datetime,
) -> None:
    release = admission.admit(connection, hospital.site, verified, judgement, verdict, stored, now)
    about = (release.release, release.fallback, f"vendor:{release.vendor}")
    says = f"{release.release} is admitted: {len(judgement.rulings)} rules, none against"
    if verified.firmware.claim.development:
        says += "; development keys signed it, which this site allows"
    detail = {"verdict": hashlib.sha256(verdict).hexdigest(), "image": release.image_sha256}
    ledger.record(connection, "gate.admitted", Stage.GATE, now, "firmward", about, says, **detail)
    before = release.image_claim.predecessors
    says = f"{release.release} follows {', '.join(before) or 'nothing'}; back: {release.fallback}"
    ledger.record(
        connection,
        "release.recorded",
        Stage.RELEASE,
        now,
        "firmward",
        about,
        says,
        predecessors=before[:100],
        counter=release.counter,
    )
    revoked.follow(connection, hospital.site, release.vendor, now)


def _refuse(
    connection: Connection,
    hospital: Hospital,
    verified: Verified,
    judgement: Judgement,
    verdict: bytes,
    stored: str,
    now: datetime,
) -> None:
    admission.refuse(connection, verified, verdict, stored, now)
    release, reasons = verified.release, judgement.reasons
    ledger.record(
        connection,
        "gate.refused",
        Stage.GATE,
        now,
        "firmward",
        (release, f"vendor:{verified.vendor}"),
        f"{release} is refused: {', '.join(ruling.rule for ruling in judgement.blocking)}",
        verdict=hashlib.sha256(verdict).hexdigest(),
        reasons=tuple(reason[:300] for reason in reasons),
    )
    cause, subject, vendor = f"refused:{release}", f"{release} was refused", verified.vendor
    about, sha256 = (release, f"vendor:{vendor}"), verified.firmware.sha256
    fault = Fault(vendor, release, sha256, cause, subject, about)
    incidents.tell(connection, hospital.site, fault, reasons, now)
    tickets.file(connection, tickets.BIOMED, cause, subject, reasons, about, now)


def _refuse_bundle(
    hospital: Hospital, vendor: str, actor: str, error: Refused, now: datetime
) -> None:
    with hospital.site.store.writing() as connection:
        ledger.record(
            connection,
            "intake.refused",
            Stage.INTAKE,
            now,
            actor,
            (f"vendor:{vendor}",),
            f"a bundle of {vendor} is turned away: {error}",
        )


def rejudge(
    hospital: Hospital, connection: Connection, release: Release, now: datetime
) -> list[str]:
    """The gate asked again about an admitted release; what now speaks against it.

    Raises Unavailable where it cannot be judged now, as under a vendor's expired metadata: nobody
    gets it then, and nobody is sent back from it either.
    """
    try:
        sealed = hospital.site.blobs.get(release.bundle)
        data = hospital.site.unseal(sealed, f"bundle of {release.vendor}")
        _, judgement = _examine(hospital, connection, release.vendor, data, now, again=release)
    except RolesRefused as error:
        if error.attack is Attack.FROZEN:
            raise Unavailable(f"{release.vendor} has not renewed its metadata: {error}") from error
        return [str(error)]
    except Refused as error:
        return [str(error)]
    return list(judgement.reasons)


def tick(hospital: Hospital, seen: Seen, now: datetime) -> list[Moved]:
    """One turn of the clock: begin what is due, move every roll-out one step, publish the ledger.

    Starts from rows only; a server killed in between goes on from its last commit.
    """
    site, moved = hospital.site, []

    def again(connection: Connection, release: Release) -> list[str]:
        return rejudge(hospital, connection, release, now)

    with site.store.writing() as connection:
        seen.flush(connection)
        begin.begin(connection, site, now)
    with site.store.reading() as connection:
        running = rollouts.every(connection, "running")
    for row in running:
        try:
            with site.store.writing() as connection:
                current = rollouts.find(connection, row.rollout)
                step = advance.advance(connection, site, current or row, again, now)
        except FirmwardError as error:
            # One roll-out that cannot go on must not hold up the others, or the ledger.
            step = Moved(row.rollout, f"could not move: {error}")
        if step is not None:
            moved.append(step)
    site.ledger.publish()
    return moved

"""The hospital's part of the loop, read from top to bottom.

    bundle -> verified -> admitted | refused -> release -> rollout -> orders
           reports, vitals -> signals -> decision -> remedy -> ledger

Each function is one arrow: it takes what the arrow before it made, judges with pure code, and
writes rows and events in one transaction.  Time is a parameter.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital import judging, standing, watching
from firmward.hospital.bedside import Seen
from firmward.hospital.gate import admission, here
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.here import Said, Use
from firmward.hospital.gate.intake import anchors, renew
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.judging import Answer, Hospital
from firmward.hospital.records import declarations, devices, ledger, releases, rollouts, vendors
from firmward.hospital.records.devices import Device
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.hospital.respond import advance, begin, incidents, revoked, tickets
from firmward.hospital.respond.advance import Moved
from firmward.hospital.respond.incidents import Fault
from firmward.terms.errors import FirmwardError, Refused
from firmward.terms.onboarding import Onboarding
from firmward.terms.stage import Stage
from firmward.terms.wire import encode


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


def declare(site: Site, said: Said) -> int:
    """Keep what one of the hospital's people declares; gives how many values it was.

    It takes the place of what this role declared of the same before.  Raises Malformed for a value
    of another type, and for one that the role may not declare; Refused for one without a future.
    """
    if said.until <= said.at:
        raise Refused(f"declaration of {said.person}: expected a day to come, got {said.until}")
    values = here.read(said)
    with site.store.writing() as connection:
        declarations.add(connection, said.about, said.role, encode(said))
        ledger.record(
            connection,
            "declaration.made",
            Stage.GATE,
            said.at,
            said.person,
            (said.about,),
            f"{said.person} as {said.role} declares {len(values)} values of {said.about}"
            f" until {said.until:%Y-%m-%d}",
            paths=tuple(sorted(values))[:60],
            sha256=said.sha256,
        )
    return len(values)


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


def take_bundle(hospital: Hospital, vendor: str, data: bytes, actor: str, now: datetime) -> Answer:
    """Intake and gate: a vendor's bundle is admitted or refused, with every reason, by class.

    raises  Malformed, NotTrusted for what is not the vendor's own; that changes nothing, and is on
            the ledger too
    """
    # One at a time: two copies of a bundle must not both find their release unknown.
    with hospital.intake:
        return _take_bundle(hospital, vendor, data, actor, now)


def _take_bundle(hospital: Hospital, vendor: str, data: bytes, actor: str, now: datetime) -> Answer:
    try:
        with hospital.site.store.reading() as connection:
            answer = judging.examine(hospital, connection, vendor, data, now)
    except Refused as error:
        _refuse_bundle(hospital, vendor, actor, error, now)
        raise
    # Sealed, because it holds the images in clear; a crash here leaves a blob that no row names.
    stored = hospital.site.blobs.put(hospital.site.seal(data, f"bundle of {vendor}"))
    with hospital.site.store.writing() as connection:
        _settle(connection, hospital, answer, stored, now)
    return answer


def reconsider(hospital: Hospital, release: str, actor: str, now: datetime) -> Answer:
    """Judge a refused release again, from the bundle it came in: after an exception, a declaration
    or another policy.  It is admitted or refused as if it came in now.

    raises  Refused for any other release, and where the vendor's metadata is newer by now or has
            run out: then the vendor hands the release in again
    """
    with hospital.intake:
        with hospital.site.store.reading() as connection:
            found = releases.find(connection, release)
        if found is None or found.state != "refused":
            state = found.state if found else "unknown"
            raise Refused(f"{release[:120]}: expected a refused release, it is {state}")
        sealed = hospital.site.blobs.get(found.bundle)
        data = hospital.site.unseal(sealed, f"bundle of {found.vendor}")
        return _take_bundle(hospital, found.vendor, data, actor, now)


def _settle(
    connection: Connection, hospital: Hospital, answer: Answer, stored: str, now: datetime
) -> None:
    """All that follows from the gate's answer, in one transaction with its verdicts."""
    judging.keep(connection, hospital, answer.judged, now)
    judging.remember(connection, answer.surveyed)
    watching.enrol(connection, answer.surveyed, hospital.policy.parameters)
    if answer.admitted:
        _admit(connection, hospital, answer, stored, now)
    else:
        admission.refuse(connection, answer.verified, stored, now)
    refused = [each.judgement for each in answer.judged if not each.judgement.admitted]
    if refused:
        _refuse(connection, hospital, answer, refused, now)


def _admit(
    connection: Connection, hospital: Hospital, answer: Answer, stored: str, now: datetime
) -> None:
    verified = answer.verified
    admitted = [each.judgement for each in answer.judged if each.judgement.admitted]
    release = admission.admit(connection, hospital.site, verified, admitted, stored, now)
    about = (release.release, release.fallback, f"vendor:{release.vendor}")
    classes = tuple(each.device_class for each in admitted)
    warned = len({ruling.rule for each in admitted for ruling in each.warnings})
    says = (
        f"{release.release} is admitted for {', '.join(classes)}: "
        f"{len(admitted[0].rulings)} rules, none against, {warned} warn"
    )
    if verified.firmware.claim.development:
        says += "; development keys signed it, which this site allows"
    ledger.record(
        connection,
        "gate.admitted",
        Stage.GATE,
        now,
        "firmward",
        about,
        says,
        image=release.image_sha256,
        policy=hospital.policy.sha256,
        classes=classes,
    )
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
    answer: Answer,
    refused: Sequence[Judgement],
    now: datetime,
) -> None:
    """Nothing of it can be delivered to these classes; people and the vendor are told, once."""
    verified, reasons = answer.verified, answer.reasons
    release, vendor = verified.release, verified.vendor
    rules = dict.fromkeys(ruling.rule for each in refused for ruling in each.blocking)
    classes = tuple(each.device_class for each in refused)
    ledger.record(
        connection,
        "gate.refused",
        Stage.GATE,
        now,
        "firmward",
        (release, f"vendor:{vendor}"),
        f"{release} is refused for {', '.join(classes)}: {', '.join(rules)}",
        policy=hospital.policy.sha256,
        classes=classes,
        reasons=tuple(reason[:300] for reason in reasons[:60]),
    )
    cause, subject = f"refused:{release}", f"{release} was refused"
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


def tick(hospital: Hospital, seen: Seen, now: datetime) -> list[Moved]:
    """One turn of the clock: begin what is due, move every roll-out one step, publish the ledger.

    Starts from rows only; a server killed in between goes on from its last commit.
    """
    site, moved = hospital.site, []

    def wave(
        connection: Connection, release: Release, use: Use, reached: Sequence[Device]
    ) -> list[str]:
        return judging.rejudge(hospital, connection, release, use, reached, now)

    def order(connection: Connection, release: Release, device: Device) -> list[str]:
        return judging.ready(hospital, connection, release, device, now)

    asks = advance.Gate(wave, order)
    with site.store.writing() as connection:
        seen.flush(connection)
    moved += _again(hospital, now)
    with site.store.writing() as connection:
        begin.begin(connection, site, now)
    with site.store.reading() as connection:
        running = rollouts.every(connection, "running")
    for row in running:
        try:
            with site.store.writing() as connection:
                current = rollouts.find(connection, row.rollout)
                step = advance.advance(connection, site, current or row, asks, now)
        except FirmwardError as error:
            # One roll-out that cannot go on must not hold up the others, or the ledger.
            step = Moved(row.rollout, f"could not move: {error}")
        if step is not None:
            moved.append(step)
    site.ledger.publish()
    return moved


def _again(hospital: Hospital, now: datetime) -> list[Moved]:
    """What changed is looked for, and some of what it concerns is judged again."""
    store = hospital.site.store
    try:
        with store.writing() as connection:
            standing.look(hospital, connection, now)
        with store.writing() as connection:
            return [Moved("", says) for says in standing.step(hospital, connection, now)]
    except FirmwardError as error:
        return [Moved("", f"what stands could not be judged again: {error}")]

"""Moving a roll-out on: asks the planner, asks the watch, and does what they say.

Each call is one transaction and starts from rows only, so a server killed anywhere goes on from
where its last commit was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from firmward.hospital.fleet import rollout as planner
from firmward.hospital.fleet.rollout import Health, Progress
from firmward.hospital.gate.here import Use
from firmward.hospital.records import devices, ledger, orders, releases, rollouts, vitals
from firmward.hospital.records.devices import Device
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.hospital.respond import remedies, soak, tickets, underway, waiting
from firmward.hospital.watch import cohort, decide, signals
from firmward.terms.errors import Unavailable
from firmward.terms.event import Detail
from firmward.terms.stage import Stage
from firmward.terms.wire import encode


@dataclass(frozen=True)
class Gate:
    """The gate asked again at this moment: the reasons against a release, none if it may go on.

    wave   for every class of the devices of a wave; raises Unavailable where it cannot judge now
    order  for one device, at the moment of its order
    """

    wave: Callable[[Connection, Release, Use, Sequence[Device]], list[str]]
    order: Callable[[Connection, Release, Device], list[str]]


_RECENT = 8
_NAMED = 200


@dataclass(frozen=True)
class Moved:
    """What one step did, for whoever drives the clock."""

    rollout: str
    says: str


def advance(
    connection: Connection, site: Site, row: rollouts.Row, gate: Gate, now: datetime
) -> Moved | None:
    """Take a running roll-out one step further.  None when there was nothing to do."""
    progress = msgspec.json.decode(row.body, type=Progress)
    health, decision = _health(connection, site, progress, now)
    try:
        gone = underway.against(connection, progress)
    except Unavailable as error:
        _unjudged(connection, progress, progress.wave, error, now)
        if progress.wave >= 0 and not progress.settled:
            # Time that the wave was held is no time that its devices were late.
            _save(connection, row, msgspec.structs.replace(progress, started=now.timestamp()))
        return None
    if gone and progress.state == "running":
        reasons = (f"the gate no longer admits {progress.plan.release}", *gone)
        return Moved(row.rollout, _stop(connection, site, row, progress, reasons, now))
    if progress.wave >= 0 and not progress.settled and not health.stop:
        waiting.order(connection, site, progress, gate.order, now)
    step = planner.step(progress, health, now.timestamp())
    match step:
        case planner.Hold():
            return None
        case planner.StartWave(wave):
            try:
                use = waiting.use_of(progress, health, wave, now)
                says = _start_wave(connection, site, row, progress, wave, use, gate, now)
            except Unavailable as error:
                _unjudged(connection, progress, wave, error, now)
                return None
        case planner.Settle():
            says = f"wave {progress.wave + 1} is through and soaks"
            _save(connection, row, msgspec.structs.replace(progress, settled=now.timestamp()))
            _note(connection, progress, "rollout.settled", says, now)
        case planner.Look(number):
            return _look(connection, site, row, progress, number, now)
        case planner.Done():
            says = f"{progress.plan.release} is kept by every wave"
            _save(connection, row, msgspec.structs.replace(progress, state="done"))
            _note(connection, progress, "rollout.done", says, now)
        case planner.Stop(reason):
            because = decision.because if decision else ()
            says = _stop(connection, site, row, progress, (reason, *because), now)
    return Moved(row.rollout, says)


def _health(
    connection: Connection, site: Site, progress: Progress, now: datetime
) -> tuple[Health, decide.Decision | None]:
    """How the wave under way is, and the first hard decision about one of its devices."""
    plan = progress.plan
    reached = [devices.get(connection, device) for device in progress.reached]
    standing = {o.device: o for o in orders.every(connection, plan.rollout)}
    failed = {d for d, o in standing.items() if o.state in ("reverted", "refused")}
    failed |= {d.device for d in reached if d.status != "active"}
    recent = _recent(connection, site, [d.device for d in reached], now)
    health = Health(
        kept=frozenset(d.device for d in reached if d.release == plan.release),
        failed=frozenset(failed),
        held=_in_use(recent),
        blind=frozenset() if reached else soak.blind(connection, site, plan, now),
    )
    limits = signals.Limits(freshness_ms=site.settings.freshness_ms, boots=site.settings.boot_limit)
    for device in reached:
        decision = _hard(device, recent[device.device], plan.release, limits)
        if decision.outcome == "rollback":
            stop = f"{device.device}: {decision.because[0]}"
            return replace(health, stop=stop), decision
    return health, None


def _recent(
    connection: Connection, site: Site, names: list[str], now: datetime
) -> dict[str, list[vitals.Kept]]:
    """The newest few readings of each device, within two polls of telemetry silence."""
    since = now.timestamp() - max(60.0, 4 * site.settings.poll_s)
    return {name: vitals.newest(connection, name, _RECENT, since) for name in names}


def _in_use(recent: dict[str, list[vitals.Kept]]) -> frozenset[str]:
    return frozenset(name for name, kept in recent.items() if kept and kept[-1].reading.in_use)


def _hard(
    device: Device, kept: list[vitals.Kept], release: str, limits: signals.Limits
) -> decide.Decision:
    """The decision about a device from its own readings while it runs this release."""
    mine = [k for k in kept if k.release == release]
    found = signals.of_readings(
        device.device, [k.reading for k in mine], [k.boots for k in mine], limits
    )
    return decide.about_device(found)


def _start_wave(
    connection: Connection,
    site: Site,
    row: rollouts.Row,
    progress: Progress,
    wave: int,
    use: Use,
    gate: Gate,
    now: datetime,
) -> str:
    """Order a wave, if the gate still says yes at this moment."""
    plan = progress.plan
    release = releases.find(connection, plan.release)
    reached = [devices.get(connection, name) for name in plan.waves[wave]]
    against = ["the release is gone"]
    if release is not None:
        against = gate.wave(connection, release, use, reached)
    if release is None or against:
        reasons = (f"the gate no longer admits {plan.release}", *against)
        return _stop(connection, site, row, progress, reasons, now)
    begun = msgspec.structs.replace(
        progress, wave=wave, started=now.timestamp(), settled=0.0, looks=0
    )
    rollouts.change(connection, row.rollout, "running", encode(begun), b"")
    says = (
        f"wave {wave + 1} of {len(plan.waves)} of {plan.release}: {len(plan.waves[wave])} devices"
    )
    # Who is in it follows from seed and members; an entry has no room for a large wave.
    first = plan.waves[wave][:_NAMED]
    _note(connection, begun, "rollout.wave", says, now, wave=wave + 1, devices=first)
    waiting.order(connection, site, begun, gate.order, now)
    return says


def _unjudged(
    connection: Connection, progress: Progress, wave: int, error: Unavailable, now: datetime
) -> None:
    """The gate cannot judge at this moment: the wave waits, and people are told once."""
    plan = progress.plan
    tickets.file(
        connection,
        tickets.BIOMED,
        f"unjudged:{plan.rollout}:{wave}",
        f"{plan.release} waits: the gate cannot judge it now",
        (str(error),),
        (plan.release, plan.rollout),
        now,
    )


def _look(
    connection: Connection,
    site: Site,
    row: rollouts.Row,
    progress: Progress,
    number: int,
    now: datetime,
) -> Moved | None:
    """Compare the wave with the devices that were not drawn, and act on the decision."""
    plan = progress.plan
    looked = msgspec.structs.replace(progress, looks=number + 1)
    if progress.wave == len(plan.waves) - 1:
        _save(connection, row, looked)
        return Moved(row.rollout, "the last wave has soaked under the hard rules")
    members, missing = soak.members(connection, site, progress, now)
    if missing or not soak.comparable(members):
        soak.wait(connection, progress, number, missing, now)
        return None
    alive = soak.unpack(row.alive)
    comparison = cohort.look(
        members,
        alive,
        number=number,
        looks=len(plan.terms.looks_s),
        alpha=planner.wave_alpha(plan, progress.wave),
        seed=int(plan.seed[:16], 16) + progress.wave,
    )
    wave = [devices.get(connection, name) for name in plan.waves[progress.wave]]
    decision = decide.about_release(comparison, soak.highest(wave))
    says = f"look {number + 1} at wave {progress.wave + 1} of {plan.release}: {decision.outcome}"
    _note(
        connection,
        progress,
        "decide.release",
        says,
        now,
        stage=Stage.DECIDE,
        outcome=decision.outcome,
        rank=round(comparison.rank, 5),
        alpha=planner.wave_alpha(plan, progress.wave),
        because=decision.because,
        **{f"weight.{domain}": round(w, 3) for domain, w in decision.weights.items()},
    )
    packed = soak.pack(comparison.alive)
    rollouts.change(connection, row.rollout, looked.state, encode(looked), packed)
    if decision.outcome == "rollback":
        reasons = ("its first devices became worse than the others", *decision.because)
        _stop(connection, site, row, looked, reasons, now)
    elif decision.outcome == "delayed-remediation":
        _pause(connection, row, looked, decision.because, now)
    return Moved(row.rollout, says)


def stop(
    connection: Connection,
    site: Site,
    row: rollouts.Row,
    reasons: tuple[str, ...],
    now: datetime,
) -> None:
    """Stop a running roll-out because a person says so."""
    _stop(connection, site, row, msgspec.json.decode(row.body, type=Progress), reasons, now)


def summary(body: bytes) -> dict[str, object]:
    """A roll-out's progress for people: wave, waves, reason and what was drawn."""
    progress = msgspec.json.decode(body, type=Progress)
    return {
        "release": progress.plan.release,
        "wave": progress.wave + 1,
        "waves": [list(wave) for wave in progress.plan.waves],
        "settled": progress.settled,
        "looks": progress.looks,
        "reason": progress.reason,
        "seed": progress.plan.seed,
    }


def _stop(
    connection: Connection,
    site: Site,
    row: rollouts.Row,
    progress: Progress,
    reasons: tuple[str, ...],
    now: datetime,
) -> str:
    """Stop a roll-out, and take its release back from everyone it reached."""
    says = f"{progress.plan.release} is stopped: {reasons[0]}"
    _save(connection, row, msgspec.structs.replace(progress, state="stopped", reason=reasons[0]))
    _note(connection, progress, "rollout.stopped", says, now, reasons=reasons)
    remedies.take_back(
        connection,
        site,
        progress.plan.release,
        progress.reached,
        reasons,
        now,
        rollout=row.rollout,
    )
    return says


def _pause(
    connection: Connection,
    row: rollouts.Row,
    progress: Progress,
    because: tuple[str, ...],
    now: datetime,
) -> None:
    """Halt without taking back: a person decides, with a ticket that says why."""
    reason = "delayed remediation: a person decides"
    _save(connection, row, msgspec.structs.replace(progress, state="stopped", reason=reason))
    _note(connection, progress, "rollout.stopped", reason, now, reasons=because)
    about = (progress.plan.release, row.rollout)
    cause = f"delayed:{row.rollout}"
    subject = f"look into {progress.plan.release}"
    tickets.file(connection, tickets.BIOMED, cause, subject, because, about, now)


def _save(connection: Connection, row: rollouts.Row, progress: Progress) -> None:
    rollouts.change(connection, row.rollout, progress.state, encode(progress), row.alive)


def _note(
    connection: Connection,
    progress: Progress,
    kind: str,
    says: str,
    now: datetime,
    *,
    stage: Stage = Stage.ROLLOUT,
    **detail: Detail,
) -> None:
    about = (progress.plan.release, progress.plan.rollout, *progress.reached[:40])
    ledger.record(connection, kind, stage, now, "firmward", about, says, **detail)

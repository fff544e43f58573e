"""Devices of a wave that wait for their order: each is ordered when the gate says yes for it.

A device that serves a patient, or of which that is not known, is left alone; it is asked about
again at every turn of the clock.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.fleet.rollout import Health, Progress
from firmward.hospital.gate.here import Stage as UseStage
from firmward.hospital.gate.here import Use
from firmward.hospital.records import devices, ledger, orders, releases
from firmward.hospital.records.devices import Device
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.terms.stage import Stage

Ask = Callable[[Connection, Release, Device], list[str]]
_HOUR = 3600


def order(
    connection: Connection, site: Site, progress: Progress, ask: Ask, now: datetime
) -> list[str]:
    """Order every device of the wave that has no order of this roll-out yet and may have it now.

    Gives those that go on waiting.
    """
    plan = progress.plan
    # An order that was recalled while the roll-out goes on is made again once the gate says yes.
    standing = orders.every(connection, plan.rollout)
    ordered = {each.device for each in standing if each.state != "recalled"}
    left = [name for name in plan.waves[progress.wave] if name not in ordered]
    release = releases.find(connection, plan.release) if left else None
    waits = []
    for name in left:
        device = devices.get(connection, name)
        if device.status != "active" or release is None:
            continue
        against = ask(connection, release, device)
        if against:
            waits.append(name)
            _note(connection, progress, device, against, now)
            continue
        fleet_orders.issue(connection, site, device, release, "install", now, rollout=plan.rollout)
    return waits


def _note(
    connection: Connection, progress: Progress, device: Device, against: list[str], now: datetime
) -> None:
    """Once: a device may wait for hours, and the clock turns every second."""
    plan = progress.plan
    last = ledger.events_about(connection, device.device, limit=1)
    if last and last[-1][1].kind == "order.held" and plan.release in last[-1][1].subjects:
        return
    ledger.record(
        connection,
        "order.held",
        Stage.ORDER,
        now,
        "firmward",
        (device.device, plan.release, plan.rollout),
        f"{device.device} waits for {plan.release}: {against[0]}",
        reasons=tuple(reason[:300] for reason in against[:20]),
    )


def use_of(progress: Progress, health: Health, wave: int, now: datetime) -> Use:
    """How far the roll-out is when a wave is about to begin, as the gate's rules read it."""
    waves = progress.plan.waves
    pilot = frozenset(waves[0])
    if wave == 0:
        return Use()
    names: dict[int, UseStage] = {1: "wave1", 2: "wave2"}
    stage = "fleet" if wave == len(waves) - 1 else names.get(wave, "wave2")
    # Seconds since the wave before was through: the pilot has run at least as long.
    soaked = now.timestamp() - progress.settled if progress.settled else 0.0
    return Use(
        stage=stage,
        pilot_devices=len(pilot & health.kept),
        pilot_hours=int(soaked // _HOUR),
        pilot_safety_failures=len(pilot & health.failed),
    )

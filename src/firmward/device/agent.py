"""The agent of one device: check in -> verify -> install -> trial boot -> keep | revert -> report.

It is started by the device's own supervisor and may be stopped at any moment, by a signal or by a
power cut: the next `Agent` on the same home goes on from what is on the disk and in the flash.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from firmward.device import identity
from firmward.device.boot import Boot, Controller, Port
from firmward.device.fetch import fetch, open_image
from firmward.device.journal import Journal
from firmward.device.link import Link, TurnedAway
from firmward.device.repositories import Repositories
from firmward.device.slots import BACKENDS
from firmward.device.state import Cut, Installed, Plan, TwoCopies, uncut
from firmward.device.trial import Ended, Trial
from firmward.device.verify import Install, OrderRefused, Standing, judge_order
from firmward.device.vitals import VitalsQueue
from firmward.terms.checkin import CheckIn
from firmward.terms.errors import Refused, Unavailable
from firmward.terms.report import Attack

REPORT_EVERY: Final = timedelta(hours=1)
RETRY_MS: Final = 5_000
# The hospital will never take these: badly formed, out of sequence, too large, not understood.
_HOPELESS: Final = (400, 409, 413, 422)

Did = Literal[
    "idle", "deferred", "kept", "reverted", "interrupted", "refused", "turned-away", "offline"
]


@dataclass(frozen=True)
class Step:
    """What one turn of the loop came to.

    did      idle: nothing to do.  deferred: a patient depends on the controller now.
             refused: an order or a server was, as `attack`.  turned-away: the hospital refuses
             this device.  offline: could not be judged now
    poll_ms  when to take the next step
    """

    did: Did
    detail: str = ""
    attack: Attack = Attack.NONE
    poll_ms: int = RETRY_MS


class Agent:
    """One device's agent.  Not for two threads, and one at a time per home.

    now  the device's own clock, which expiry is judged by
    cut  called at every durable step (a lab cuts the power there)
    """

    def __init__(
        self,
        home: Path,
        port: Port,
        link: Link,
        *,
        now: Callable[[], datetime],
        cut: Cut | None = None,
    ):
        cut = cut or uncut
        self._me = identity.load(home)
        self._home, self._link, self._now, self._cut = home, link, now, cut
        plate, state = self._me.nameplate, home / "state"
        self._journal = Journal(TwoCopies(state, "memory", cut), plate.device, self._me.signer)
        roots = (self._me.director_root, self._me.vendor_root)
        self._repositories = Repositories(state, plate.device, *roots, cut)
        self._vitals = VitalsQueue(plate.device, self._journal.next_vitals)
        self._controller = Controller(port, self._vitals.add)
        self._slots = BACKENDS[plate.slots](self._me.flash, cut)
        self._trial = Trial(
            self._controller, self._slots, self._journal, plate.hardware_id, now, cut
        )
        self._reported: datetime | None = None
        self._seen = (0, 0.0)

    @property
    def running(self) -> str:
        """The release that was last kept; "" before the controller ever started."""
        running = self._journal.memory.running
        return running.release if running else ""

    @property
    def floor(self) -> int:
        """The counter below which this device takes nothing."""
        return self._journal.memory.floor

    @property
    def owed(self) -> tuple[str, ...]:
        """The signed reports the hospital has not acknowledged, oldest first."""
        return tuple(owed.envelope for owed in self._journal.memory.outbox)

    def reconnect(self, link: Link) -> None:
        """Go on over another connection: the old one broke, or the hospital has moved."""
        self._link = link

    def step(self) -> Step:
        """One turn of the loop.

        1. the controller is up, and a trial that was under way is concluded
        2. the running image still has the digest it was verified with
        3. reports and vitals that are owed are delivered
        4. the hospital says whether something waits; both repositories are verified and agree
        5. the image is fetched, opened, written to the other slot, tried, and kept or given up

        What is refused is reported, signed, with the attack it looks like; nothing has moved then.
        """
        try:
            ended = self._come_up()
            self._measure()
        except Unavailable as error:
            return Step("offline", str(error))
        try:
            self.deliver()
            step = ended or self._turn(self._link.check_in())
            self.deliver()
        except TurnedAway as error:
            return ended or Step("turned-away", str(error))
        except Unavailable as error:
            return ended or Step("offline", str(error))
        except Refused as error:
            step = ended or self._refuse(error)
            if step.attack is not Attack.WRONG_SERVER:
                with suppress(Refused, Unavailable):
                    self.deliver()
        return step

    # 1.

    def _come_up(self) -> Step | None:
        """Learn what runs; the end of an interrupted trial, if there was one."""
        self._controller.poll()
        if self._controller.boot is None and self._controller.alive() and self._controller.in_use():
            return Step("deferred", "in use: not restarted to learn what it runs")
        boot = self._controller.boot or self._controller.bring_up()
        memory = self._journal.memory
        if memory.running is None:
            self._adopt(boot)
        elif memory.plan is not None and memory.plan.phase == "trial":
            return self._ended(self._trial.conclude(memory.plan, boot, witnessed=False))
        elif (boot.release, boot.slot) != (memory.running.release, memory.running.slot):
            self._report_fall(boot, memory.running)
        if boot.floor > self._journal.memory.floor:
            self._journal.remember(floor=boot.floor)
        return None

    def _adopt(self, boot: Boot) -> None:
        """The first start of all: what the factory installed, which the boot stage verified."""
        self._journal.remember(running=self._found(boot), floor=boot.floor)

    def _found(self, boot: Boot) -> Installed:
        measured = self._slots.measure(boot.slot)
        return Installed(release=boot.release, image_sha256=measured, slot=boot.slot)

    def _report_fall(self, boot: Boot, kept: Installed) -> None:
        """The boot stage runs another image than the one kept: that one can no longer boot."""
        found, why = self._found(boot), boot.skipped.get(kept.slot, "passed over")
        detail = f"slot {kept.slot} with {kept.release} was {why}"
        measured = self._slots.measure(kept.slot)
        self._journal.report("mismatch", self._now(), measured, detail=detail, running=found)

    # 2.

    def _measure(self) -> None:
        """Hash what runs; say so once when it changed, and now and then when it did not."""
        memory, at = self._journal.memory, self._now()
        if memory.running is None:
            return
        slot = memory.running.slot
        measured = self._slots.measure(slot)
        if measured != memory.running.image_sha256:
            if measured != memory.mismatch:
                detail = f"slot {slot} no longer holds {memory.running.release}"
                self._journal.report("mismatch", at, measured, detail=detail, mismatch=measured)
        elif memory.mismatch or self._reported is None or at >= self._reported + REPORT_EVERY:
            self._reported = at
            self._journal.report("running", at, measured, mismatch="")

    # 3.

    def deliver(self) -> None:
        """Hand the hospital what it is owed: reports first, then vitals.

        What it has acknowledged is forgotten here.  Raises Refused, Unavailable.
        """
        for owed in self._journal.memory.outbox:
            try:
                self._link.report(owed.envelope.encode())
            except TurnedAway as error:
                if error.status not in _HOPELESS:
                    raise
            self._journal.delivered(owed)
        while (batch := self._vitals.batch()) is not None:
            self._link.vitals(batch)
            self._vitals.sent()

    # 4.

    def _turn(self, hospital: CheckIn) -> Step:
        """What the hospital wants, judged, and done if it is right."""
        now, memory = self._now(), self._journal.memory
        idle = Step("idle", poll_ms=hospital.poll_ms)
        known = hospital.order_version == memory.settled_version
        done = known and now.timestamp() < memory.fresh_until and memory.plan is None
        if hospital.order_version == 0 or done:
            self._forgive()
            return idle
        director, image = self._repositories.refresh(self._link, now)
        self._seen = director.versions["timestamp"], director.expires.timestamp()
        wanted = judge_order(director, image, self._standing(), now)
        if not isinstance(wanted, Install) or wanted.order.order == memory.settled_order:
            self._settle()
            return idle
        step = self._install(wanted, hospital.poll_ms)
        if step.did in ("kept", "reverted"):
            self._settle()
        return step

    def _standing(self) -> Standing:
        running, plate = self._journal.running, self._me.nameplate
        return Standing(
            device=plate.device,
            hardware_id=plate.hardware_id,
            running=running.release,
            image_sha256=running.image_sha256,
            floor=self.floor,
        )

    def _settle(self) -> None:
        """This state of the director's repository is dealt with."""
        memory, (version, until) = self._journal.memory, self._seen
        before = (memory.settled_version, memory.fresh_until, memory.complaint, memory.plan)
        if before != (version, until, "", None):
            self._journal.remember(
                settled_version=version, fresh_until=until, complaint="", plan=None
            )

    def _forgive(self) -> None:
        """The server is the hospital again: if it is not once more, that is news."""
        complaint = self._journal.memory.complaint
        if complaint and complaint.endswith(" "):
            self._journal.remember(complaint="")

    # 5.

    def _install(self, wanted: Install, poll_ms: int) -> Step:
        plan = self._planned(wanted)
        slot = self._slots.inactive(self._journal.running.slot)
        if plan.phase == "fetch" or self._slots.measure(slot) != plan.sha256:
            folder = self._home / "download"
            body = fetch(self._link, wanted, self._slots.room, folder, self._cut)
            image = open_image(wanted, body, self._me.nameplate.device, self._me.decryption)
            plan = self._trial.write(plan, image, slot)
        # The hospital cannot order a restart during therapy, whatever its order says.
        if self._controller.in_use():
            return Step("deferred", "a patient depends on the controller", poll_ms=poll_ms)
        return self._ended(self._trial.run(plan, slot))

    def _ended(self, trial: Ended) -> Step:
        # Its own report says what runs; the next regular one is not due at once.
        self._reported = self._now()
        return Step(trial.how, trial.detail)

    def _planned(self, wanted: Install) -> Plan:
        """The plan for this order: the one under way, or a new one that replaces it."""
        plan, order = self._journal.memory.plan, wanted.order
        if plan is None or plan.order != order.order or plan.sha256 != wanted.sha256:
            plan = Plan(order=order.order, release=order.release, sha256=wanted.sha256)
            self._journal.remember(plan=plan)
        return plan

    def _refuse(self, error: Refused) -> Step:
        """Say once, signed, what was refused and why; then ignore it until something else comes."""
        attack = getattr(error, "attack", Attack.BAD_METADATA)
        order = error.order if isinstance(error, OrderRefused) else ""
        memory, complaint = self._journal.memory, f"{attack} {order}"
        changes: dict[str, object] = {}
        if order:
            version, until = self._seen
            changes = {"settled_version": version, "fresh_until": until, "plan": None}
            changes["settled_order"] = order
        if memory.complaint != complaint:
            self._journal.report(
                "refused",
                self._now(),
                self._slots.measure(self._journal.running.slot),
                order=order,
                attack=attack,
                detail=str(error),
                complaint=complaint,
                **changes,
            )
        elif changes:
            self._journal.remember(**changes)
        return Step("refused", str(error), attack)

"""From an order that was judged to a verdict of the hardware: write, try, keep or revert.

Crash-only: the way on after a power cut is the way `conclude` always goes, from what is remembered
and what the boot stage says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from msgspec.structs import replace

from firmward.device.boot import Boot, Controller, ControllerDown, TrialFailed
from firmward.device.journal import Journal
from firmward.device.slots import PAGE, Slots
from firmward.device.state import Cut, Installed, Plan
from firmward.proof import mcuboot
from firmward.terms.errors import Unavailable

# A trial that a power cut ended says nothing about the image; three in a row say enough.
ATTEMPTS: Final = 3
_NEVER_BOOTED: Final = ("header", "hash", "signature", "counter")


@dataclass(frozen=True)
class Ended:
    """How a trial ended; an interrupted one is to be done again."""

    how: Literal["kept", "reverted", "interrupted"]
    detail: str = ""


class Trial:
    """The installer of one device.  `now` dates the reports."""

    def __init__(
        self,
        controller: Controller,
        slots: Slots,
        journal: Journal,
        hardware_id: str,
        now: Callable[[], datetime],
        cut: Cut,
    ):
        self._controller, self._slots, self._journal = controller, slots, journal
        self._hardware_id, self._now, self._cut = hardware_id, now, cut

    def write(self, plan: Plan, image: bytes, slot: int) -> Plan:
        """The image in the inactive slot, read back and equal, but not bootable yet.

        raises  Unavailable when the flash does not hold what was written
        """
        self._slots.erase(slot)
        for at in range(0, len(image), PAGE):
            self._slots.write(slot, at, image[at : at + PAGE])
        if self._slots.measure(slot) != plan.sha256:
            raise Unavailable(f"slot {slot}: expected the image that was written, got other bytes")
        digest = mcuboot.parse(image).digest
        return self._remember(replace(plan, phase="written", boot_digest=digest))

    def run(self, plan: Plan, slot: int) -> Ended:
        """Offer the slot to the boot stage, restart, and see.

        The caller MUST have asked the controller whether a patient depends on it.
        """
        plan = self._remember(replace(plan, phase="trial", attempts=plan.attempts + 1))
        self._slots.seal(slot)
        self._cut("trial: sealed")
        try:
            boot = self._restart()
        except TrialFailed as failure:
            return self._give_up(plan, str(failure))
        return self.conclude(plan, boot, witnessed=True)

    def conclude(self, plan: Plan, boot: Boot, *, witnessed: bool) -> Ended:
        """What became of the trial, from what runs now.

        witnessed  the agent saw the whole trial; otherwise power may have cut it short
        """
        if boot.digest == plan.boot_digest:
            return self._judge(plan, boot)
        refused = boot.skipped.get(self._slots.inactive(boot.slot), "")
        if plan.verdict:
            return self._reverted(plan, boot, plan.verdict)
        if refused in _NEVER_BOOTED:
            return self._reverted(plan, boot, f"the boot stage refused it: {refused}")
        if witnessed:
            return self._reverted(plan, boot, "it started and did not stay up")
        if plan.attempts >= ATTEMPTS:
            return self._reverted(plan, boot, f"interrupted {plan.attempts} times")
        self._remember(replace(plan, phase="fetch", boot_digest=""))
        return Ended("interrupted", "power was cut during the trial")

    def _judge(self, plan: Plan, boot: Boot) -> Ended:
        """The new image runs: is it good?"""
        if not boot.trial:
            return self._kept(plan, boot)
        if boot.fault:
            return self._give_up(plan, f"self-test: {boot.fault}")
        if boot.release != plan.release or boot.hardware_id != self._hardware_id:
            said = f"{boot.release} on {boot.hardware_id}"
            return self._give_up(plan, f"expected {plan.release}, it says it is {said}"[:300])
        if plan.verdict:
            return self._give_up(plan, plan.verdict)
        try:
            self._controller.keep()
        except TrialFailed as failure:
            return self._give_up(plan, str(failure))
        self._cut("trial: kept")
        return self._kept(plan, boot)

    def _give_up(self, plan: Plan, verdict: str) -> Ended:
        """Restart without keeping: the boot stage falls back by itself."""
        # Remembered first, so that a cut on the way back does not make it a second trial.
        plan = self._remember(replace(plan, verdict=verdict))
        try:
            boot = self._restart()
        except TrialFailed as failure:
            raise ControllerDown(f"after a failed trial ({verdict}): {failure}") from failure
        if boot.digest == plan.boot_digest and not boot.trial:
            # KEEP took effect though its answer was lost: the hardware has decided.
            return self._kept(plan, boot)
        if boot.digest == plan.boot_digest:
            raise ControllerDown(f"expected the boot stage to revert {plan.release}, it did not")
        return self._reverted(plan, boot, verdict)

    def _kept(self, plan: Plan, boot: Boot) -> Ended:
        installed = Installed(release=plan.release, image_sha256=plan.sha256, slot=boot.slot)
        self._journal.report(
            "kept",
            self._now(),
            self._slots.measure(boot.slot),
            order=plan.order,
            running=installed,
            floor=max(self._journal.memory.floor, boot.floor, boot.counter),
            plan=None,
            settled_order=plan.order,
            mismatch="",
        )
        return Ended("kept", plan.release)

    def _reverted(self, plan: Plan, boot: Boot, why: str) -> Ended:
        self._journal.report(
            "reverted",
            self._now(),
            self._slots.measure(boot.slot),
            order=plan.order,
            detail=f"{plan.release}: {why}",
            plan=None,
            settled_order=plan.order,
            floor=max(self._journal.memory.floor, boot.floor),
        )
        return Ended("reverted", why)

    def _restart(self) -> Boot:
        self._cut("trial: before restart")
        boot = self._controller.start()
        self._cut("trial: restarted")
        return boot

    def _remember(self, plan: Plan) -> Plan:
        self._journal.remember(plan=plan)
        return plan

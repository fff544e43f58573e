"""SIGKILL at random moments, while devices report, vendors push and people work."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.pipeline.campaign import (
    FROZEN,
    Crew,
    Promised,
    note_every_answer,
    stored_vitals,
)
from tests.pipeline.springboard import Springboard

from firmward.audit.verify import Log, continues, verify
from firmward.device.slots import McubootFlash
from firmward.lab import demo
from firmward.lab.acts.releases import PUMP_2, PUMP_3, PUMP_EXPLOITED
from firmward.lab.fleet import wait_until
from firmward.lab.scenario import Stage
from firmward.lab.server import Process, by_command
from firmward.proof.note import open_checkpoint
from firmward.terms.errors import Unavailable

KILLS = int(os.environ.get("FIRMWARD_KILLS", "50"))
# One in three hits while the server is starting: recovery that is cut short must recover too.
STARTING = 3
# One in sixteen servers is the whole command, as a service manager starts it; the others are forks
# of a process that has read the code already.
WHOLE = 16
VERIFIED_EVERY = 10


@contextmanager
def busy_hospital(folder: Path, promised: Promised) -> Iterator[tuple[Stage, Springboard]]:
    """A served hospital with six living devices and an admitted first release of each vendor."""
    said: list[str] = []
    # A server that is mostly down must not fail a wave for being late.
    stage = demo.set_up(folder, said.append, per_ward=1, settle_s=600.0)
    note_every_answer(stage.fleet.beds, promised)
    stage.fleet.start()
    springboard = Springboard()
    try:
        wait_until("first reports", lambda: settled(stage), 30)
        yield stage, springboard
    finally:
        demo.close(stage)
        springboard.close()


class Killer:
    """Kills a stage's server again and again, and checks after each start what was promised."""

    def __init__(
        self, stage: Stage, springboard: Springboard, promised: Promised, chance: random.Random
    ):
        self.stage, self.promised, self.chance = stage, promised, chance
        self._springboard = springboard
        self.checkpoints: list[bytes] = []
        self.moments: list[str] = []

    @property
    def ledger(self) -> Path:
        """The published ledger."""
        return self.stage.server.home / "ledger"

    def kill(self, number: int) -> None:
        """One kill at a random moment, after a start that may be cut short by it."""
        launch = by_command if number % WHOLE == WHOLE - 1 else self._springboard
        if number % STARTING == STARTING - 1:
            self._kill_at_start(launch)
        else:
            self.stage.server.launch = launch
            self.keep_up()
            self.check_promises()
            after = self.chance.uniform(0.05, 0.6)
            time.sleep(after)
            self.stage.server.kill()
            self.moments.append(f"{after:.3f} s after it was up")
        self._look_at_what_lies_there(number)

    def _kill_at_start(self, launch: Callable[[Path], Process]) -> None:
        """Kill a server before it is up, if it is not up sooner than that."""
        after = self.chance.uniform(0.01, 0.6)

        def launched(home: Path) -> Process:
            process = launch(home)
            threading.Timer(after, os.kill, (process.pid, signal.SIGKILL)).start()
            return process

        self.stage.server.launch = launched
        with suppress(Unavailable):
            self.stage.server.start()
        self.stage.server.process.wait()
        self.moments.append(f"{after:.3f} s after it was started")

    def keep_up(self) -> None:
        """Start the server if it is not running."""
        if not self.stage.server.running:
            self.stage.server.start()

    def check_promises(self) -> None:
        """Everything that was promised before is there now, by the server's own word."""
        reports = {device: max(n, default=0) for device, n in self.promised.reports.items()}
        vitals = {device: max(n, default=0) for device, n in self.promised.vitals.items()}
        expected, judged = list(self.promised.expected), dict(self.promised.judged)
        known = self.stage.devices()
        rows = self.stage.server.desk("bea").get("/v1/releases")
        states = {row["release"]: row["state"] for row in rows}

        for device in reports:
            assert known[device]["report_sequence"] >= reports[device], device
            assert known[device]["vitals_sequence"] >= vitals[device], device
        assert [] == [device for device in expected if device not in known]
        for release, admitted in judged.items():
            right = ("admitted", "withdrawn") if admitted else ("refused",)
            assert states[release] in right, release

    def _look_at_what_lies_there(self, number: int) -> None:
        """What the dead server left is a ledger that verifies, now and then looked at whole."""
        self.checkpoints.append((self.ledger / "checkpoint").read_bytes())
        if number % VERIFIED_EVERY == 0:
            self.verified(since=self.checkpoints[0])

    def verified(self, since: bytes | None = None) -> Log:
        """The published ledger, verified by an auditor who kept a checkpoint."""
        return verify(self.ledger, (self.ledger / "vkey").read_text(), since=since)


def settled(stage: Stage) -> bool:
    """Every device runs, by its own word and the hospital's, one release that is admitted."""
    rows = stage.server.desk("bea").get("/v1/releases")
    states = {row["release"]: row["state"] for row in rows}
    known = stage.devices()
    running = [known[bed.device]["release"] for bed in stage.fleet.beds]
    return running == [bed.running for bed in stage.fleet.beds] and all(
        states.get(release) == "admitted" for release in running
    )


def rollouts(stage: Stage) -> dict[str, str]:
    """Every roll-out's release and state."""
    found = stage.server.desk("bea").get("/v1/rollouts")
    return {rollout["release"]: rollout["state"] for rollout in found}


def come_to_rest(stage: Stage, crew: Crew) -> None:
    """Wait, with the server left alone, until everything that was begun has ended."""
    wait_until("every bundle handed in", crew.delivered.is_set, 60)
    wait_until("the patch on its way", lambda: PUMP_3 in rollouts(stage), 60, 0.3)
    wait_until("the frozen one on its way", lambda: FROZEN in rollouts(stage), 60, 0.3)
    wait_until("the roll-outs' ends", lambda: "running" not in rollouts(stage).values(), 90, 0.3)
    wait_until("settled devices", lambda: settled(stage), 60, 0.3)


def test_killed_at_fifty_random_moments_nothing_promised_is_lost_and_nobody_is_stuck(tmp_path):
    """No acknowledged event is lost, no device is stuck, no history is rewritten."""
    seed = int(os.environ.get("FIRMWARD_SEED", random.SystemRandom().getrandbits(32)))
    print(f"again: FIRMWARD_SEED={seed}")
    promised = Promised()
    with busy_hospital(tmp_path, promised) as (stage, springboard):
        killer = Killer(stage, springboard, promised, random.Random(seed))
        crew = Crew(stage, promised)
        with crew.at_work():
            for number in range(KILLS):
                killer.kill(number)
            print("\n".join(killer.moments))
            stage.server.launch = by_command
            killer.keep_up()
            come_to_rest(stage, crew)
        killer.check_promises()
        all_ends_well(stage, promised)
        every_event_is_still_there(stage, promised, crew)
        demo.close(stage)
        every_answer_was_durable(stage, promised, killer)
        assert "Traceback" not in (stage.server.home / "server.log").read_text()


def all_ends_well(stage: Stage, promised: Promised) -> None:
    """The good roll-outs are done, the bad one is taken back, every device is where it should."""
    states = rollouts(stage)
    assert [] == stage.fleet.failures
    assert [] == promised.broken
    assert (states[PUMP_2], states[PUMP_3], states[FROZEN]) == ("done", "done", "stopped")
    assert PUMP_EXPLOITED not in states
    known = stage.devices()
    for bed in stage.fleet.beds:
        row = known[bed.device]
        flash = McubootFlash(bed.board.flash_path)
        assert row["status"] == "active"
        assert row["image_sha256"] in (flash.measure(0), flash.measure(1))
    assert {bed.running for bed in stage.pumps} == {PUMP_3}
    assert FROZEN not in {bed.running for bed in stage.monitors}


def every_event_is_still_there(stage: Stage, promised: Promised, crew: Crew) -> None:
    """All events that anybody ever read are read again, from the first, and are the same."""
    start = 0
    while count := crew.read_events(start):
        start += count
    assert [] == promised.broken
    assert sorted(promised.events) == list(range(start))
    noted = {
        (event["actor"], event["detail"]["sequence"])
        for event in promised.events.values()
        if event["kind"].startswith("device.") and "sequence" in event.get("detail", {})
    }
    for device, sequences in promised.reports.items():
        assert set() == {(device, n) for n in sequences} - noted


def every_answer_was_durable(stage: Stage, promised: Promised, killer: Killer) -> None:
    """With nobody serving: each batch of readings is stored, each checkpoint is of this history."""
    stored = stored_vitals(stage.server.home / "store.sqlite")
    for device, sequences in promised.vitals.items():
        assert set() == sequences - stored[device]
    log = killer.verified()
    assert len(log) >= len(promised.events)
    for note in killer.checkpoints:
        continues(log, open_checkpoint(note, (killer.ledger / "vkey").read_text()))

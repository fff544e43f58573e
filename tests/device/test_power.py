"""Power fails at every durable step of an update: the device comes back and finishes."""

import shutil

import pytest

from firmward.lab.bedside import FACTORY_RELEASE, Bedside, PowerCutAt, sha256
from firmward.lab.board import Board
from firmward.lab.faults import PowerCut

NEW = "pump-200@1.1.0+3"


class Rerun:
    """The same update from the same beginning, as often as there are places to cut."""

    def __init__(self, bed: Bedside, **defines: object):
        self.bed = bed
        bed.agent().step()
        bed.order(bed.release("1.1.0", 3, **defines))
        bed.board.power_off()
        self.seen_good: set[tuple[str, int]] = set()
        self.beginning = bed.folder / "beginning"
        shutil.copytree(bed.home, self.beginning)

    def rewind(self) -> None:
        """Flash, fuses and state as they were before the order."""
        self.bed.close()
        shutil.rmtree(self.bed.home)
        shutil.copytree(self.beginning, self.bed.home)
        self.bed.board = Board(self.bed.home, seed=1)
        self.bed.ward.reports.clear()

    def play(self, cut: PowerCutAt) -> bool:
        """One attempt; whether the power was cut in it."""
        self.rewind()
        agent = self.bed.agent(cut)
        try:
            agent.step()
            agent.step()
        except PowerCut:
            self.bed.board.power_off()
            return True
        return False

    def boots_something_good(self) -> bool:
        """Without its agent the controller comes up; a bad trial costs it one restart more."""
        fingerprint = sha256(self.bed.flash), self.bed.board.counter
        if fingerprint in self.seen_good:
            return True
        copy = self.bed.folder / "alone"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.bed.home, copy)
        with Board(copy, seed=1) as board:
            for _ in range(2):
                board.reset()
                board.run(500)
            good = "SELFTEST ok" in board.read()[-3:]
        if good:
            self.seen_good.add(fingerprint)
        return good


@pytest.mark.parametrize(
    ("defines", "ends"),
    [({}, "kept"), ({"SELFTEST_FAIL": 1}, "reverted")],
    ids=["a good release", "a bad release"],
)
def test_a_cut_anywhere_ends_on_a_good_image_with_the_update_finished(bed, defines, ends):
    """Every point of agent, flash and fuses, in turn; no report is lost, no counter is wrong."""
    rerun = Rerun(bed, **defines)
    rerun.play(dry := PowerCutAt())
    release, floor = (NEW, 3) if ends == "kept" else (FACTORY_RELEASE, 1)
    assert len(dry.points) > 40

    for at, point in enumerate(dry.points):
        assert rerun.play(PowerCutAt(at)), point
        assert rerun.boots_something_good(), point
        assert bed.board.counter in (1, floor), point
        agent = bed.agent()
        steps = [agent.step().did for _ in range(4)]
        assert release == agent.running, (point, steps)
        assert (floor, floor) == (bed.board.counter, agent.floor), point
        sequences = [report.sequence for report in bed.reports]
        assert sequences == sorted(set(sequences)), point
        assert ends in [report.outcome for report in bed.reports], (point, steps)
        measured = bed.reports[-1].measured_sha256
        assert sha256(bed.images[release]) == measured, point


def test_cuts_in_every_trial_end_in_a_report_instead_of_an_endless_loop(bed):
    """Power that fails in three trials running gives the order up, on the old release."""
    rerun = Rerun(bed)
    rerun.play(dry := PowerCutAt())
    at = dry.points.index("trial: restarted")
    name = dry.points[at]
    rerun.rewind()
    for _ in range(3):
        agent = bed.agent(cut_at_name(name))
        with pytest.raises(PowerCut):
            bed.step_until(agent, "kept")
        bed.board.power_off()
    agent = bed.agent()
    steps = [agent.step().did for _ in range(3)]

    assert "reverted" in steps
    assert (FACTORY_RELEASE, 1) == (agent.running, bed.board.counter)
    assert "interrupted 3 times" in bed.reports[-1].detail


def cut_at_name(name: str):
    """Cuts the power whenever a point of this name is passed."""

    def cut(point: str) -> None:
        if point == name:
            raise PowerCut(point)

    return cut


def test_an_agent_killed_during_a_trial_goes_on_with_it(bed):
    """Only the agent dies; the controller runs on, in its trial."""
    rerun = Rerun(bed)
    rerun.rewind()
    agent = bed.agent(cut_at_name("trial: restarted"))
    with pytest.raises(PowerCut):
        agent.step()
    agent = bed.agent()
    steps = [agent.step().did for _ in range(3)]

    assert "kept" in steps
    assert (NEW, 3) == (agent.running, bed.board.counter)

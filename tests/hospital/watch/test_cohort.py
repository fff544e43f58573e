"""The cohort comparison: its false alarms are bounded, its power is real."""

import numpy as np
import pytest
from msgspec.structs import replace

from firmward.hospital.watch import cohort
from firmward.hospital.watch.cohort import Cohort
from firmward.hospital.watch.signals import METRICS
from firmward.lab.paper_device import CALM
from firmward.terms.errors import Misuse

CPU = [metric.name for metric in METRICS].index("cpu")
CLINICAL = [n for n, metric in enumerate(METRICS) if metric.domain == "clinical"]
UNITS = np.array([metric.floor for metric in METRICS])


def members(changes: np.ndarray, drawn: int, strata: int = 1) -> list[Cohort]:
    """A cohort whose first `drawn` devices are the wave; changes in units of each floor."""
    return [
        Cohort(f"d{number}", f"s{number % strata}", number < drawn, tuple(row * UNITS))
        for number, row in enumerate(changes)
    ]


def run(path: list[list[Cohort]], alpha: float, seed: int) -> bool:
    """Whether any of a wave's looks raises the alarm."""
    alive = None
    for number, seen in enumerate(path):
        found = cohort.look(seen, alive, number=number, looks=len(path), alpha=alpha, seed=seed)
        if found.alarm:
            return True
        alive = found.alive
    return False


def drifting(chance: np.random.Generator, count: int, looks: int) -> np.ndarray:
    """Autocorrelated noise (AR(1), 0.95) per device and metric, heavy-tailed, with a shared walk.

    returns  an array (looks, devices, metrics) of running means, as looks see them
    """
    steps = 24
    noise = chance.standard_t(4, (steps, count, len(METRICS)))
    walk = np.zeros_like(noise)
    for step in range(1, steps):
        walk[step] = 0.95 * walk[step - 1] + noise[step]
    walk += chance.normal(size=(steps, 1, 1)).cumsum(axis=0)
    walk *= chance.uniform(0.5, 3.0, (1, count, 1))
    ends = np.linspace(steps // looks, steps, looks).astype(int)
    return np.stack([walk[:end].mean(axis=0) for end in ends])


def test_false_alarms_stay_under_alpha_whatever_the_noise():
    """Autocorrelation, heavy tails, shared outages, peeking at four looks: still at most alpha."""
    chance, alarms, runs, alpha = np.random.default_rng(20261121), 0, 400, 0.05
    for seed in range(runs):
        path = [members(seen, 6, 2) for seen in drifting(chance, 14, 4)]
        alarms += run(path, alpha, seed)

    # At exactly alpha the count is 20 with a standard deviation of 4.4; four of them above.
    assert alarms <= 20 + 4 * 4.4
    # And the test does not keep its promise by never saying anything.
    assert alarms >= 4


def test_a_strong_shift_is_found_at_the_first_look_that_can_pay():
    """Eight devices of twenty whose clinical path becomes much worse, in nine cases of ten."""
    chance, found = np.random.default_rng(7), 0
    for seed in range(40):
        changes = chance.normal(size=(20, len(METRICS)))
        changes[:8, CLINICAL] += 12.0
        found += run([members(changes, 8)] * 2, 0.01, seed)

    assert found >= 36


def test_an_improvement_raises_no_alarm():
    """One-sided: better is not worse."""
    changes = np.random.default_rng(7).normal(size=(20, len(METRICS)))
    signs = np.array([metric.worse for metric in METRICS])
    changes[:8] -= 10.0 * signs

    assert not run([members(changes, 8)] * 3, 0.05, 1)


def test_devices_that_are_all_alike_raise_an_alarm_no_more_often_than_alpha():
    """With every set tied, chance decides, and the observed draw has no privilege either way."""
    same = members(np.zeros((10, len(METRICS))), 4)

    alarms = sum(run([same] * 2, 0.2, seed) for seed in range(150))

    assert 30 - 4 * 5 <= alarms <= 30 + 4 * 5


def test_no_spread_at_all_divides_by_the_unit_not_by_zero():
    """A change that nobody cares about scores nothing, a larger one does."""
    changes = np.zeros((10, len(METRICS)))
    changes[0, CPU] = 1.0
    changes[1, CPU] = 3.0

    score = cohort.scores(members(changes, 1))

    # CPU is one of three metrics of its domain; its first unit is not worth a mention.
    assert score[:3, 0] == pytest.approx([0.0, 2 / 3, 0.0])


def test_one_broken_device_cannot_speak_for_a_wave():
    """Scores are clipped: a thousand deviations count as eight."""
    changes = np.zeros((10, len(METRICS)))
    changes[0] = 1000.0 * np.array([metric.worse for metric in METRICS])

    assert cohort.scores(members(changes, 4)).max() == 8.0


def test_every_assignment_is_one_the_draw_could_have_given():
    """As many of each stratum as were drawn; the observed one is row 0; the seed decides."""
    seen = members(np.zeros((12, len(METRICS))), 5, strata=3)
    rows = cohort.assignments(seen, 3)
    strata = np.array([member.stratum for member in seen])

    assert rows[0].tolist() == [member.drawn for member in seen]
    for stratum in "s0", "s1", "s2":
        inside = rows[:, strata == stratum].sum(axis=1)
        assert (inside == inside[0]).all()
    assert (rows == cohort.assignments(seen, 3)).all()
    assert (rows != cohort.assignments(seen, 4)).any()


def test_what_was_spent_at_one_look_is_not_spent_again():
    """The assignments killed over all looks are alpha of them, no more."""
    seen = members(np.random.default_rng(3).normal(size=(12, len(METRICS))), 5)
    alive, alpha = None, 0.05
    for number in range(4):
        found = cohort.look(seen, alive, number=number, looks=4, alpha=alpha, seed=1)
        alive = found.alive
        spent = int((~alive).sum())
        assert spent == int(alpha * (number + 1) / 4 * (cohort.ASSIGNMENTS + 1))


def test_controls_that_worsen_as_well_are_seen_as_such():
    """What happens to everybody is the median, and must not vanish in it."""
    chance = np.random.default_rng(5)
    calm = chance.normal(size=(20, len(METRICS))) * 0.1
    calm[:8, CPU] += 12.0
    shared = calm.copy()
    shared[:, CPU] += 12.0

    alone = cohort.look(members(calm, 8), None, number=0, looks=1, alpha=0.01, seed=1)
    together = cohort.look(members(shared, 8), None, number=0, looks=1, alpha=0.01, seed=1)

    assert alone.controls < 0.5
    assert together.controls > 1.0


@pytest.mark.parametrize("drawn", [0, 6])
def test_a_comparison_with_nobody_is_misuse(drawn):
    """Neither "nobody was drawn" nor "nobody is left" is a finding of health."""
    with pytest.raises(Misuse, match="others to compare"):
        cohort.look(
            members(np.zeros((6, len(METRICS))), drawn), None, number=0, looks=1, alpha=0.1, seed=1
        )


def test_change_is_the_mean_after_minus_the_mean_before():
    """Per metric, in the metric's own unit, the sign as measured."""
    before = [CALM, changed(cpu=400)]
    after = [changed(cpu=900, errors=50, rssi=-80, link=False)]

    by_name = dict(zip([m.name for m in METRICS], cohort.change(before, after), strict=True))

    assert by_name == {
        "cpu": 600.0,
        "memory": 0.0,
        "sensor errors": 0.5,
        "cadence": 0.0,
        "freshness": 0.0,
        "response": 0.0,
        "radio": -20.0,
        "record link": -1.0,
    }


def changed(**members: object):
    """A calm reading but for these members."""
    return replace(CALM, **members)


@pytest.mark.parametrize(("before", "after"), [([], [CALM]), ([CALM], []), ([], [])])
def test_change_without_readings_is_misuse(before, after):
    """A device that says nothing has no change, not a change of nought."""
    with pytest.raises(Misuse):
        cohort.change(before, after)

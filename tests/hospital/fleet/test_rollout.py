"""The roll-out planner: pure, reproducible, and never ahead of its own evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.hospital.fleet.rollout import (
    Done,
    Health,
    Hold,
    Look,
    Member,
    Plan,
    Progress,
    Settle,
    StartWave,
    Stop,
    Terms,
    draw,
    step,
    wave_alpha,
)
from firmward.terms.errors import Misuse

WELL = Health(frozenset(), frozenset(), frozenset())
TERMS = Terms(shares=(0.4,), looks_s=(10.0, 20.0), settle_s=100.0, failed_share=0.2)

MEMBERS = st.dictionaries(
    st.integers(0, 999).map(lambda n: f"device-{n:03d}"), st.sampled_from("abc"), min_size=1
).map(lambda found: [Member(device, stratum) for device, stratum in found.items()])
SHARES = st.lists(st.floats(0.01, 0.99), max_size=4).map(tuple)
SEEDS = st.binary(min_size=32, max_size=32).map(bytes.hex)


def plan_of(members: list[Member], seed: str = "5eed", terms: Terms = TERMS) -> Plan:
    """A plan as a roll-out would draw it."""
    return draw("rollout:x", "pump-200@1.1.0+3", "pump-200@1.0.0+4", members, seed, terms)


def ward(count: int, stratum: str = "s") -> list[Member]:
    """Members of one stratum."""
    return [Member(f"device-{number:03d}", stratum) for number in range(count)]


@given(MEMBERS, SHARES, SEEDS)
def test_every_member_is_in_exactly_one_wave(members, shares, seed):
    """Nobody is forgotten, nobody is ordered twice, and no wave is empty."""
    plan = plan_of(members, seed, Terms(shares=shares))

    drawn = [device for wave in plan.waves for device in wave]
    assert sorted(drawn) == sorted(member.device for member in members)
    assert all(plan.waves)
    assert len(plan.waves) <= len(shares) + 1


@given(MEMBERS, SHARES, SEEDS, st.randoms())
def test_the_same_seed_gives_the_same_plan_in_any_order(members, shares, seed, chance):
    """An auditor with seed and members finds the waves again."""
    shuffled = list(members)
    chance.shuffle(shuffled)
    terms = Terms(shares=shares)

    assert plan_of(members, seed, terms) == plan_of(shuffled, seed, terms)


@given(MEMBERS, st.floats(0.01, 0.99), SEEDS)
def test_each_stratum_gives_its_share(members, share, seed):
    """A wave is drawn within strata: each is as represented as the others, rounded up."""
    plan = plan_of(members, seed, Terms(shares=(share,)))

    for stratum in {member.stratum for member in members}:
        inside = {member.device for member in members if member.stratum == stratum}
        first = len(inside & set(plan.waves[0]))
        assert share * len(inside) <= first < share * len(inside) + 1


def test_the_draw_is_uniform_over_seeds():
    """Over many seeds every device is in the first wave about as often as its share says."""
    seen = [0] * 10
    for seed in range(1000):
        for device in plan_of(ward(10), str(seed)).waves[0]:
            seen[int(device[-3:])] += 1

    # Binomial(1000, 0.4): six standard deviations are 93.
    assert all(abs(count - 400) < 93 for count in seen)


@given(MEMBERS, SHARES, st.floats(0.001, 0.4))
def test_the_waves_spend_no_more_than_the_roll_outs_bound(members, shares, alpha):
    """The false-alarm bound is for the whole roll-out, and the last wave has none."""
    plan = plan_of(members, terms=Terms(shares=shares, alpha=alpha))
    spent = [wave_alpha(plan, wave) for wave in range(len(plan.waves))]

    assert sum(spent) <= alpha * (1 + 1e-9)
    assert len(spent) == 1 or spent[-1] == 0.0


@pytest.mark.parametrize("shares", [(0.0,), (1.0,), (-0.1,), (0.4, 1.5)])
def test_a_share_that_is_none_is_misuse(shares):
    """Nought and one would make a wave of nobody or of everybody."""
    with pytest.raises(Misuse):
        plan_of(ward(3), terms=Terms(shares=shares))


def test_a_plan_without_members_is_misuse():
    """There is nothing to roll out to."""
    with pytest.raises(Misuse):
        plan_of([])


def at(wave: int, **state: object) -> Progress:
    """Progress of a ten-device roll-out in two waves of four and six."""
    return Progress(plan=plan_of(ward(10)), wave=wave, **state)


def kept(progress: Progress, count: int = 99, **others: frozenset[str]) -> Health:
    """The first `count` devices of the wave kept the release."""
    wave = progress.plan.waves[progress.wave]
    return Health(
        **{
            "kept": frozenset(wave[:count]),
            "failed": frozenset(),
            "held": frozenset(),
            **others,
        }
    )


def test_the_first_step_starts_the_first_wave():
    """Nothing stands before it."""
    assert step(at(-1), WELL, 0.0) == StartWave(0)


def test_a_wave_settles_only_when_each_device_is_through():
    """Three of four is not all."""
    progress = at(0, started=1000.0)

    assert isinstance(step(progress, kept(progress, 3), 1050.0), Hold)
    assert step(progress, kept(progress), 1050.0) == Settle()


def test_a_device_that_never_reports_stops_the_roll_out_when_its_time_is_up():
    """Silence is not success."""
    progress = at(0, started=1000.0)

    assert isinstance(step(progress, kept(progress, 3), 1100.0), Hold)
    assert isinstance(step(progress, kept(progress, 3), 1100.1), Stop)


def test_a_device_in_clinical_use_is_not_late():
    """It waits for its patient as long as that takes."""
    progress = at(0, started=1000.0)
    busy = frozenset(progress.plan.waves[0][3:])

    found = step(progress, kept(progress, 3, held=busy), 999_999.0)

    assert found == Hold("waiting for 1 devices of wave 1, 1 in clinical use")


def test_failures_beyond_the_share_stop_the_roll_out():
    """One of ten is under a fifth; one of four is over it."""
    small = at(0, started=1000.0)
    failed = frozenset(small.plan.waves[0][:1])
    assert isinstance(step(small, kept(small, failed=failed), 1001.0), Stop)

    large = Progress(plan=plan_of(ward(25)), wave=0, started=1000.0)
    failed = frozenset(large.plan.waves[0][:1])
    assert step(large, kept(large, failed=failed), 1001.0) == Settle()


def test_failures_of_an_earlier_wave_do_not_count_against_this_one():
    """Each wave answers for itself."""
    progress = at(1, started=1000.0)
    earlier = frozenset(progress.plan.waves[0])

    assert step(progress, kept(progress, failed=earlier), 1001.0) == Settle()


@pytest.mark.parametrize("wave", [-1, 0, 1])
def test_a_hard_reason_stops_at_once_whatever_the_wave_does(wave):
    """No statistics, no waiting."""
    health = Health(frozenset(), frozenset(), frozenset(), stop="boot loop")

    assert step(at(wave, settled=5.0, looks=1), health, 6.0) == Stop("boot loop")


@pytest.mark.parametrize("state", ["stopped", "done"])
def test_a_roll_out_that_ended_never_moves_again(state):
    """Not even for a hard reason: it was acted on."""
    health = Health(frozenset(), frozenset(), frozenset(), stop="boot loop")

    assert isinstance(step(at(0, state=state), health, 1e9), Hold)


@given(
    st.lists(st.tuples(st.floats(0, 300), st.integers(0, 4), st.booleans()), max_size=60),
)
def test_no_wave_starts_before_the_one_before_settled_and_took_every_look(turns):
    """Driven by any sequence of times and healths, the order of steps is fixed."""
    progress, now, looks = at(-1), 0.0, 0
    for passed, count, busy in turns:
        now += passed
        held = frozenset(progress.plan.waves[progress.wave]) if busy else frozenset()
        health = kept(progress, count * 2, held=held) if progress.wave >= 0 else WELL
        match step(progress, health, now):
            case StartWave(wave):
                assert wave == progress.wave + 1
                assert wave == 0 or (progress.settled and progress.looks == 2)
                progress = at(wave, started=now)
            case Settle():
                assert frozenset(progress.plan.waves[progress.wave]) <= health.kept
                progress = at(progress.wave, started=progress.started, settled=now)
            case Look(number):
                assert number == progress.looks
                assert now >= progress.settled + TERMS.looks_s[number]
                looks = number + 1
                progress = at(
                    progress.wave, started=progress.started, settled=progress.settled, looks=looks
                )
            case Done():
                assert progress.wave == 1
                assert progress.looks == 1
                return
            case Stop():
                return

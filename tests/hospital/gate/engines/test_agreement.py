"""Two independent engines say the same of every rule, and never the opposite of anything."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.packs_as_data import MOMENTS, all_packs, edited, places, varied, without

PACKS = all_packs()
SHARES = (0.02, 0.1, 0.3, 0.6)


@pytest.fixture(scope="module", params=PACKS, ids=lambda pack: pack.name)
def pack(request):
    """Each pack."""
    return request.param


def told(engine, pack, document):
    """What an engine says of each rule; the words of its errors are its own."""
    return [
        (a.rule, a.when, a.condition, a.offenders, a.offenders_error)
        for a in engine.ask(pack.questions, pack.data(document))
    ]


def contradictions(cpp, rust, pack, document):
    """Rules on which the engines differ in more than that the Rust engine gives up earlier.

    `[broken, x].all(...)` is false to CEL where it is false of x, whatever is wrong with the first.
    The Rust engine ends at the first error; having no answer, it lets nothing pass that way.
    """
    pairs = zip(told(cpp, pack, document), told(rust, pack, document), strict=True)
    return [(one, other) for one, other in pairs if one != other and not gave_up(one, other)]


def gave_up(one, other):
    """Whether the second is the first with some answers withdrawn."""
    rule, when, condition, offenders, wrong = one
    same_offenders = (offenders, wrong) == other[3:] or other[2] is None or other[4]
    return (
        rule == other[0]
        and other[1] in (when, None)
        and other[2] in (condition, None)
        and same_offenders
    )


def test_there_is_a_pack_to_ask_about():
    """The tests below run through the packs of the checkout, and there are some."""
    assert PACKS
    assert all(pack.questions and pack.passing for pack in PACKS)


def test_each_formula_is_sound_to_both(cpp, rust, pack):
    """Neither engine finds a problem in what the other takes."""
    names = pack.data(pack.passing).keys()
    for asked in pack.questions:
        for formula in filter(None, (asked.condition, asked.when, asked.offenders)):
            assert ("", "") == (cpp.check(formula, names), rust.check(formula, names)), asked.rule


def test_they_agree_on_the_passing_document_at_each_moment(cpp, rust, pack):
    """At intake and at every later moment."""
    for moment in MOMENTS:
        document = pack.passing | {"moment": moment}

        assert told(cpp, pack, document) == told(rust, pack, document)


def test_they_agree_on_every_failing_edit(cpp, rust, pack):
    """On the reasons too: the offenders are the same."""
    for edit in pack.edits:
        document = edited(pack.passing, edit)

        assert told(cpp, pack, document) == told(rust, pack, document)


def test_they_agree_when_any_value_is_missing(cpp, rust, pack):
    """Of a section, so that no rule is judged by one engine and cannot be by the other."""
    for path in places(pack.passing):
        if len(path) <= 2:
            document = without(pack.passing, path)

            assert told(cpp, pack, document) == told(rust, pack, document)


def test_they_do_not_contradict_each_other_when_a_record_is_broken(cpp, rust, pack):
    """Which the types of the evidence do not let happen."""
    for path in places(pack.passing):
        assert [] == contradictions(cpp, rust, pack, without(pack.passing, path))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pack=st.sampled_from(PACKS),
    random=st.randoms(use_true_random=False),
    share=st.sampled_from(SHARES),
)
def test_they_do_not_contradict_each_other_over_documents_made_up(cpp, rust, pack, random, share):
    """Values of the right types that no vendor ever sent."""
    assert [] == contradictions(cpp, rust, pack, varied(pack.passing, random, share))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_they_do_not_contradict_each_other_over_a_hundred_thousand_documents(cpp, rust):
    """The same for the night; a seed names the document that they fall out over."""
    for seed in range(100_000):
        random = Random(seed)
        pack = random.choice(PACKS)
        document = varied(pack.passing, random, random.choice(SHARES))

        assert [] == contradictions(cpp, rust, pack, document), seed

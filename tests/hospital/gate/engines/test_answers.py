"""An answer is exactly true or false and comes from the rule; all else is no answer."""

import pytest

from firmward.hospital.gate.engine import (
    MAX_DEPTH,
    MAX_SIZE,
    MAX_VALUES,
    MOST_OFFENDERS,
    SHOWN,
    Question,
)
from firmward.hospital.gate.engines.direct import direct
from firmward.hospital.gate.engines.worker import choose
from firmward.terms.errors import Malformed, Misuse

DATA = {
    "a": {"yes": True, "no": False, "one": 1, "word": "true", "half": 0.5, "version": "1.10.0"},
    "vulns": [{"id": "V-2"}, {"id": "V-1"}, {"id": "V-2"}],
    "empty": [],
}


def answer(engine, condition, when="", offenders="", data=DATA):
    """What the engine says of one rule."""
    (only,) = engine.ask((Question("R-1", condition, when, offenders),), data)
    return only


@pytest.mark.parametrize(("formula", "value"), [("a.yes", True), ("a.no", False), ("1 < 2", True)])
def test_true_and_false_are_answers(engine, formula, value):
    """A boolean is taken as it is, without an error beside it."""
    found = answer(engine, formula, when=formula)

    assert (value, "", value, "") == (found.condition, found.error, found.when, found.when_error)


NO_ANSWERS = {
    "an integer": "a.one",
    "a string": "a.word",
    "a double": "a.half",
    "a null": "null",
    "a list": "[true]",
    "an empty list": "empty",
    "a map": "{'a': true}",
    "a timestamp": "timestamp('2026-01-01T00:00:00Z')",
    "a duration": "duration('1s')",
    "bytes": "b'x'",
    "a type": "type(1)",
    "a missing member": "a.missing",
    "a missing variable": "missing",
    "a member of no map": "a.one.two",
    "a division by zero": "1 / 0 == 1",
    "an overflow": "9223372036854775807 + 1 > 0",
    "operands that do not fit": "a.word + 1 == 2",
    "a moment that is none": "timestamp(a.word) < timestamp('2026-01-01T00:00:00Z')",
    "a function that is none": "frobnicate(a.one)",
    "no CEL": "a.yes &&",
    "a broken pattern": "a.word.matches('(')",
    "an index past the end": "empty[0] == 1",
}


@pytest.mark.parametrize("formula", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_boolean_is_no_answer(engine, formula):
    """Neither a condition nor a `when` is ever true because its value is something to Python."""
    found = answer(engine, formula, when=formula)

    assert (None, None) == (found.condition, found.when)
    assert found.error
    assert found.when_error
    assert max(len(found.error), len(found.when_error)) <= 300
    assert "\n" not in found.error + found.when_error


@pytest.mark.parametrize("formula", ["a.no && a.missing", "a.missing && a.no"])
def test_an_error_that_cannot_matter_is_passed_over(engine, formula):
    """False and an error is false in either order, as CEL has it."""
    assert answer(engine, formula).condition is False


def test_every_formula_is_evaluated_whatever_the_others_say(engine):
    """A rule that does not apply is asked, and a broken `when` hides no failure."""
    assert answer(engine, "a.yes", when="a.no").condition is True
    assert answer(engine, "a.no", when="a.missing").condition is False
    assert answer(engine, "a.yes").when is None


def test_offenders_are_named_once_and_in_order(engine):
    """However often and in what order they come."""
    found = answer(engine, "a.no", offenders="vulns.map(v, v.id)")

    assert (("V-1", "V-2"), False) == (found.offenders, found.offenders_error)


def test_offenders_are_asked_for_only_when_the_condition_is_not_true(engine):
    """They explain a failure; without one their error is nobody's."""
    found = answer(engine, "a.yes", offenders="a.missing")
    unclear = answer(engine, "a.missing", offenders="vulns.map(v, v.id)")

    assert ((), False) == (found.offenders, found.offenders_error)
    assert ("V-1", "V-2") == unclear.offenders


def test_offenders_are_few_and_short(engine):
    """A document cannot fill a judgement with its own words."""
    long = [f"{number:03}" + "é" * 1000 for number in range(300)]
    found = answer(engine, "false", offenders="names", data={"names": long})

    assert tuple(name[:SHOWN] for name in long[:MOST_OFFENDERS]) == found.offenders


@pytest.mark.parametrize(
    "formula", ["a.word", "[1]", "['a', 1]", "[[]]", "a.missing", "vulns", "true", "[null]", "a"]
)
def test_offenders_that_are_no_list_of_strings_are_an_error(engine, formula):
    """A name of another type is not made into one."""
    found = answer(engine, "false", offenders=formula)

    assert ((), True, False) == (found.offenders, found.offenders_error, found.condition)


def test_answers_come_one_for_each_question_in_order(engine):
    """Also where a rule is asked twice, and where nothing is asked."""
    asked = tuple(Question(f"R-{n % 3}", f"{n} < 3") for n in range(6))
    found = engine.ask(asked, DATA)

    assert [(q.rule, n < 3) for n, q in enumerate(asked)] == [(a.rule, a.condition) for a in found]
    assert () == engine.ask((), DATA)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [("1.2.0", "1.10.0", -1), ("1.10.0", "1.10.0+b", 0), ("1.0.0", "1.0.0-rc.1", 1)],
)
def test_versions_are_compared_as_versions(engine, left, right, order):
    """As strings, 1.2.0 would come after 1.10.0."""
    formula = f"semver_cmp(v.left, v.right) == {order}"

    assert answer(engine, formula, data={"v": {"left": left, "right": right}}).condition is True


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3\n", "01.2.3", "١.٢.٣", "1" * 200])
def test_a_version_that_is_none_has_no_order(engine, version):
    """Neither less nor more nor equal, so no rule passes on it."""
    for operator in ("<", "==", ">"):
        formula = f"semver_cmp(v, '1.2.3') {operator} 0"

        assert answer(engine, formula, data={"v": version}).condition is None


def test_a_version_of_another_type_has_no_order(engine):
    """A number is no version."""
    assert answer(engine, "semver_cmp(a.one, '1.2.3') < 0").condition is None


def nested(depth):
    """Lists in lists, so that the document is this deep."""
    value = []
    for _ in range(depth - 2):
        value = [value]
    return {"deep": value}


def doubled(times):
    """A list that holds the same list twice, and so on: small here, huge when written out."""
    value = ["x"]
    for _ in range(times):
        value = [value, value]
    return {"wide": value}


def endless():
    """A list that holds itself."""
    value = []
    value += [value, value]
    return {"endless": value}


REFUSED = {
    "too deep": lambda: nested(MAX_DEPTH + 1),
    "far too deep": lambda: nested(50_000),
    "cyclic": endless,
    "large when written out": lambda: doubled(28),
    "a long string": lambda: {"text": "x" * MAX_SIZE},
    "many values": lambda: {"list": [1] * (MAX_VALUES + 1)},
    "a null": lambda: {"list": [None]},
    "a tuple": lambda: {"list": (1, 2)},
    "bytes": lambda: {"bytes": b"x"},
    "an integer beyond 64 bits": lambda: {"number": 2**63},
    "a number beyond all": lambda: {"number": float("inf")},
    "what is not a number": lambda: {"number": float("nan")},
    "half a character": lambda: {"text": "\ud800"},
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED.keys())
def test_a_document_over_the_limits_reaches_no_engine(engine, document):
    """Cycles and depth crash the engines; they are refused before, and the next is answered."""
    with pytest.raises(Malformed, match=r"a rule engine's document: expected .*, got "):
        answer(engine, "true", data=document())

    assert answer(engine, "true").condition is True


def test_a_document_at_the_limits_is_answered(engine):
    """The limits are where they are said to be."""
    assert answer(engine, "size(deep) == 1", data=nested(MAX_DEPTH)).condition is True
    assert answer(engine, "size(text) > 0", data={"text": "x" * (MAX_SIZE - 16)}).condition is True


PROBLEMS = {
    "syntax": ("a.yes &&", "yntax"),
    "a variable": ("b.yes", "b"),
    "a function": ("frobnicate(a)", "frobnicate"),
}


@pytest.mark.parametrize(("formula", "said"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_is_wrong_with_a_formula_is_said_before_it_is_asked(engine, formula, said):
    """In one line, for whoever writes the rule."""
    problem = engine.check(formula, ["a", "vulns"])

    assert said in problem
    assert len(problem) <= 300
    assert "\n" not in problem


@pytest.mark.parametrize(
    "formula",
    [
        "vulns.all(v, v.id != 'b.c' && has(v.id))",
        "vulns.filter(v, v.kev).map(v, v.id + ' ' + string(size(v.id)))",
        "vulns.exists_one(v, semver_cmp(v.version, a.version) < 0)",
        "timestamp(a.now) + duration(string(3 * 24) + 'h') > timestamp(a.then)",
    ],
)
def test_a_sound_formula_has_no_problem(engine, formula):
    """Bound names and the functions of CEL are known."""
    assert "" == engine.check(formula, ["a", "vulns"])


@pytest.mark.parametrize("make", [direct, choose])
def test_an_engine_of_another_name_is_a_mistake(make):
    """A misspelt setting does not fall back to some engine."""
    with pytest.raises(Misuse, match="rule engine: expected cel-cpp or cel-rust, got 'cel'"):
        make("cel")


def test_an_engine_names_itself_and_its_version(engine, name):
    """A judgement says by what it was reached, the same in either process."""
    package, version = engine.name.split(" ")

    assert {"cel-cpp": "cel-expr-python", "cel-rust": "common-expression-language"}[name] == package
    assert version[0].isdigit()

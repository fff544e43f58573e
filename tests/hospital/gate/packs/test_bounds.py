"""No overlays, whatever they set over whatever, loosen a parameter beyond its bounds."""

from datetime import timedelta

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import given, settings
from tests.made_packs import NOW, SCHEMA

from firmward.hospital.gate.packs.bounds import told
from firmward.hospital.gate.packs.overlay import Laid, Overlay, laid
from firmward.hospital.gate.packs.schema import OutOfBounds, misfit, read_bounds, shaped
from firmward.terms.errors import Refused

DAY = timedelta(days=1)
BOUNDS = {
    "lower": {"type": "integer", "minimum": 1, "maximum": 30, "x-tighter": "lower"},
    "closed": {"type": "integer", "x-tighter": "lower"},
    "higher": {"type": "number", "minimum": 0.5, "maximum": 9, "x-tighter": "higher"},
    "words": {"type": "string", "enum": ["low", "medium", "high"], "x-tighter": "lower"},
    "fewer": {
        "type": "array",
        "items": {"type": "string", "enum": ["a", "b", "c"]},
        "x-tighter": "fewer",
    },
    "more": {
        "type": "array",
        "items": {"type": "string"},
        "contains": {"const": "a"},
        "x-tighter": "more",
    },
    "false": {"type": "boolean", "enum": [False, True], "x-tighter": "false"},
    "true": {"type": "boolean", "x-tighter": "true"},
    "map": {
        "type": "object",
        "properties": {"1": {"type": "integer", "minimum": 1}},
        "additionalProperties": {"type": "integer", "minimum": 2},
        "x-tighter": "higher",
    },
    "table": {
        "type": "array",
        "items": {"type": "string", "enum": ["A", "C", "U"], "x-tighter": "higher"},
        "x-tighter": "none",
    },
}
DEFAULTS = {
    "lower": 7,
    "closed": 7,
    "higher": 5.0,
    "words": "low",
    "fewer": ["a"],
    "more": ["a", "b"],
    "false": False,
    "true": True,
    "map": {"1": 3, "2": 3},
    "table": ["A", "C", "U"],
}
LETTERS = st.lists(st.sampled_from("abcd"), max_size=4)
VALUES = {
    "lower": st.integers(-2, 40),
    "closed": st.integers(-2, 40),
    "higher": st.integers(-1, 12) | st.floats(-1, 12),
    "words": st.sampled_from(["low", "medium", "high", "none"]),
    "fewer": LETTERS,
    "more": LETTERS,
    "false": st.booleans(),
    "true": st.booleans(),
    "map": st.dictionaries(st.sampled_from("123"), st.integers(-1, 6)),
    "table": st.lists(st.sampled_from("ACUX"), min_size=2, max_size=4),
}


def allowed(name, value):
    """Whether a value is at least as tight as the default, or inside the schema's bound.

    Written apart from the code, from what docs/policy.md promises.
    """
    default, order = DEFAULTS[name], {"A": 0, "C": 1, "U": 2}
    asks_enough = {
        "lower": lambda: value <= 30,
        "closed": lambda: value <= 7,
        "higher": lambda: value >= 0.5,
        "words": lambda: value in ("low", "medium", "high"),
        "fewer": lambda: set(value) <= {"a", "b", "c"},
        "more": lambda: "a" in value or set(value) >= set(default),
        "false": lambda: value in (True, False),
        "true": lambda: value is True,
        "map": lambda: value.keys() == {"1", "2"} and value["1"] >= 1 and value["2"] >= 2,
        "table": lambda: (
            value == default or (len(value) == 3 and all(one in order for one in value))
        ),
    }
    return asks_enough[name]()


CHANGES = st.fixed_dictionaries({}, optional=VALUES)
LOOSENABLE = st.frozensets(st.sampled_from(sorted(BOUNDS)))


@settings(max_examples=400, deadline=None)
@given(hospital=CHANGES, site=CHANGES, free=LOOSENABLE)
def test_no_overlays_together_loosen_beyond_the_bounds(hospital, site, free):
    """Whatever is set over whatever: it is refused, or inside what the packs allow."""
    schema = {"$schema": SCHEMA, "type": "object", "properties": BOUNDS}
    under = laid_over(read_bounds(schema, "test"))
    first = made_overlay("hospital", hospital, tuple(free))
    second = made_overlay("site", site, ())
    try:
        middle = laid(under, first)
        last = laid(middle, second)
    except Refused:
        return

    for held in (middle, last):
        assert {} == {
            name: value for name, value in held.parameters.items() if not allowed(name, value)
        }


def laid_over(bounds):
    """Parameters under no overlay yet."""
    return Laid(rules={}, parameters=DEFAULTS, defaults=DEFAULTS, bounds=bounds)


def made_overlay(scope, parameters, free):
    """An overlay of that scope."""
    return Overlay(
        overlay_schema="firmward.overlay/v1",
        id=scope,
        version="2026.11.0",
        scope=scope,
        site="north" if scope == "site" else None,
        effective_from=NOW,
        expires=NOW + DAY,
        parameters=parameters,
        site_may_loosen=free,
    )


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(BOUNDS)), data=st.data())
def test_the_bounds_are_read_as_json_schema_reads_them(name, data):
    """A general validator agrees about every value on what the keywords mean."""
    value = data.draw(VALUES[name])
    schema = {"$schema": SCHEMA, "type": "object", "properties": BOUNDS}
    bound = read_bounds(schema, "test")[name]
    validator = jsonschema.Draft202012Validator(BOUNDS[name])
    try:
        fits = not misfit(bound, shaped(bound, value, "test", name))
    except OutOfBounds:
        fits = False

    assert validator.is_valid(value) == fits


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lower", "tighter: lower, at most 30"),
        ("higher", "tighter: higher, at least 0.5"),
        ("words", 'tighter: lower, one of ["low","medium","high"]'),
        ("fewer", 'tighter: fewer, of ["a","b","c"]'),
        ("more", 'tighter: more, always with ["a"]'),
        ("map", "each: (tighter: higher, at least 2), 1: (tighter: higher, at least 1)"),
    ],
)
def test_a_bound_is_told_in_words(name, words):
    """As `firmward policy explain` shows it."""
    schema = {"$schema": SCHEMA, "type": "object", "properties": BOUNDS}

    assert words in told(read_bounds(schema, "test")[name])

"""How a rule engine is asked, whichever it is.  Pure: no clock, no disk, no environment.

A rule's formulas are CEL.  An engine may fail to answer (Unavailable), and a formula may have no
value; nothing is ever answered in their place, because whatever stood there would be an opinion
of ours and not of the rule.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import Any, Final, Protocol

import msgspec

from firmward.terms.errors import Malformed, Unavailable

MAX_DEPTH: Final = 32
MAX_SIZE: Final = 4 * 1024 * 1024
MAX_VALUES: Final = 1024 * 1024
MOST_OFFENDERS: Final = 100
SHOWN: Final = 160
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN: Final = _CONTAINERS | {str, bool, int, float}
_WHO: Final = "a rule engine's document"


class Question(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The formulas of one rule; "" where it has none.

    condition  true passes
    when       whether the rule asks at all
    offenders  a list of what failed, by name
    """

    rule: str
    condition: str
    when: str = ""
    offenders: str = ""


class Answer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an engine says of one rule.

    when             None where the rule has no `when`, and where it has no value: see when_error
    condition        None where it has no value: see error
    offenders        at most 100 names, sorted; evaluated unless the condition is true
    offenders_error  offenders were asked for, and what came was no list of strings
    """

    rule: str
    when: bool | None = None
    condition: bool | None = None
    offenders: tuple[str, ...] = ()
    error: str = ""
    when_error: str = ""
    offenders_error: bool = False


class Engine(Protocol):
    """Something that evaluates CEL."""

    @property
    def name(self) -> str:
        """Package and version, as a judgement records it."""

    def ask(self, questions: Sequence[Question], data: Mapping[str, Any]) -> tuple[Answer, ...]:
        """One answer to each question, in order.

        data    by variable, JSON values and the evidence document's records

        raises  Unavailable when there is no complete answer in time and memory
                Malformed when the document is over the limits or not JSON
        """

    def check(self, formula: str, variables: Iterable[str]) -> str:
        """What is wrong with a formula over these variables, in one line, or "".

        raises  Unavailable
        """


class NoAnswer(Unavailable):
    """An engine that did not answer everything it was asked, in time and memory."""

    def __init__(self, engine: str, got: str):
        self.engine, self.got = engine, got
        super().__init__(f"{engine}: expected an answer to every rule, got {got}")


class Fault(str):
    """Why a formula has no value."""

    __slots__ = ()


Evaluate = Callable[[str], object]
"""A formula's value over one document as a plain Python value, or a Fault."""


def answers(questions: Sequence[Question], evaluate: Evaluate) -> tuple[Answer, ...]:
    """One answer to each question.  Every formula is evaluated, whatever the others say."""
    return tuple([_answer(asked, evaluate) for asked in questions])


def _answer(asked: Question, evaluate: Evaluate) -> Answer:
    when, when_error = _truth(evaluate(asked.when)) if asked.when else (None, "")
    condition, error = _truth(evaluate(asked.condition))
    named: tuple[str, ...] | None = ()
    if asked.offenders and condition is not True:
        named = _names(evaluate(asked.offenders))
    return Answer(asked.rule, when, condition, named or (), error, when_error, named is None)


def _truth(value: object) -> tuple[bool | None, str]:
    # Exactly a boolean: 1, "false" and an error are all true to Python.
    if value is True or value is False:
        return value, ""
    if isinstance(value, Fault):
        return None, str(value)
    return None, f"neither true nor false but {line(repr(value))}"


def _names(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(type(name) is str for name in value):
        return None
    return tuple(sorted({name[:SHOWN] for name in value})[:MOST_OFFENDERS])


def line(text: object) -> str:
    """An engine's own words, short and on one line."""
    return " ".join(str(text)[:600].split())[:200]


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """The document as plain JSON, once it is known to be within the limits.  Raises Malformed."""
    return msgspec.msgpack.decode(packed(data), type=dict[str, Any])


def packed(data: Mapping[str, Any]) -> bytes:
    """The document as MessagePack, once it is known to be JSON within the limits.

    raises  Malformed: cyclic values crash the engines, and so does deep nesting; integers beyond
            64 bits and nulls mean different things to them
    """
    _measure(data)
    try:
        encoded = msgspec.msgpack.encode(data)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Malformed(_WHO, "plain JSON", line(error)) from error
    if len(encoded) > MAX_SIZE:
        raise Malformed(_WHO, f"at most {MAX_SIZE} bytes", f"{len(encoded)} bytes")
    return encoded


def _measure(data: Mapping[str, Any]) -> None:
    """Refuses what is too deep, has too many values, or holds what is not JSON."""
    level: list[Any] = [dict(data)]
    count = 0
    for _ in range(MAX_DEPTH):
        # Counted before it is looked into: a list that holds itself twice doubles each time.
        count += sum(map(len, level))
        if count > MAX_VALUES:
            raise Malformed(_WHO, f"at most {MAX_VALUES} values", "more")
        level = _inside(level)
        if not level:
            return
    raise Malformed(_WHO, f"nesting of at most {MAX_DEPTH}", "deeper")


def _inside(level: Iterable[Any]) -> list[Any]:
    """The containers in these containers, beside which there are only plain values."""
    # A whole level at once and not value by value: every value of every document comes by here.
    values = list(chain.from_iterable(one.values() if type(one) is dict else one for one in level))
    kinds = set(map(type, values))
    for alien in kinds - _PLAIN:
        # The document's records were read as such: what they hold is typed, bounded and flat.
        if not issubclass(alien, msgspec.Struct):
            raise Malformed(_WHO, "plain JSON values", f"a value of type {alien.__name__}")
    if int in kinds and not all(-(2**63) <= one < 2**63 for one in values if type(one) is int):
        raise Malformed(_WHO, "integers of 64 bits", "a larger one")
    if float in kinds and not all(isfinite(one) for one in values if type(one) is float):
        raise Malformed(_WHO, "finite numbers", "another")
    return [one for one in values if type(one) in _CONTAINERS] if kinds & _CONTAINERS else []

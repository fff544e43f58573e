"""Whether a grant may be used now, and the one place where it turns a failure into "excepted"."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from firmward.hospital.gate.exceptions.demands import DEMANDS
from firmward.hospital.gate.exceptions.grant import Facts, Grant
from firmward.hospital.gate.exceptions.request import LONGEST_OFFENDER, MOST_OFFENDERS
from firmward.terms.wire import Wire, encode

Word = Literal["pass", "fail", "indeterminate", "not-applicable", "excepted"]
BLOCKING: Final = ("fail", "indeterminate")
_UNTOLD: Final = "which ones cannot be told"
_UNKNOWN: Final = "indeterminate: "
_SHORT: Final = 72


class Answer(Wire, frozen=True, kw_only=True):
    """What one of EXC-001 to EXC-007 says of a grant."""

    rule: str
    title: str
    cites: tuple[str, ...]
    passed: bool
    reasons: tuple[str, ...] = ()


def judge_grant(grant: Grant, now: datetime, facts: Facts) -> list[Answer]:
    """Every answer, in the order of the rules; the grant may be used only if all of them pass."""
    asked = [(demand, tuple(demand.ask(grant, now, facts))) for demand in DEMANDS]
    return [
        Answer(
            rule=demand.id,
            title=demand.title,
            cites=demand.cites,
            passed=not reasons,
            reasons=reasons,
        )
        for demand, reasons in asked
    ]


@dataclass(frozen=True)
class Valid:
    """A grant that may be used at this moment; only `valid` makes one."""

    grant: Grant
    at: datetime


def valid(grants: Iterable[Grant], now: datetime, facts: Facts) -> tuple[Valid, ...]:
    """Those of the grants that may be used now."""
    return tuple(
        Valid(grant, now)
        for grant in grants
        if all(answer.passed for answer in judge_grant(grant, now, facts))
    )


@dataclass(frozen=True)
class Ask:
    """A ruling as exceptions see it.

    offenders  what failed, by name, as `named` gives it; all of it, never a part
    """

    rule: str
    word: Word
    waivable: bool
    offenders: tuple[str, ...]
    image_sha256: str
    device_class: str


@dataclass(frozen=True)
class Outcome:
    """The word that stands, and the request that changed it."""

    word: Word
    by: str = ""


def apply(asked: Ask, grants: Sequence[Valid], now: datetime) -> Outcome:
    """The ruling's word, or "excepted" where one grant covers all that the ruling is about.

    One grant must cover every offender: two that cover half each were never weighed together.
    A grant judged at another moment counts for nothing.  The answer is never "pass".
    """
    if asked.word not in BLOCKING or not asked.waivable or not _whole(asked):
        return Outcome(asked.word)
    for each in grants:
        request = each.grant.request
        if (
            each.at == now
            and request.image_sha256 == asked.image_sha256
            and asked.device_class in request.devices
            and set(asked.offenders) <= request.covers(asked.rule)
        ):
            return Outcome("excepted", request.id)
    return Outcome(asked.word)


def named(
    word: Word,
    offenders: Sequence[str],
    values: Mapping[str, Any],
    lacking: Sequence[str],
) -> tuple[str, ...]:
    """What an exception has to name for a ruling; nothing where none can reach it.

    offenders  as the rule names them; a rule that names none is about the values it saw
    values     each of them by its path: another value is another failure
    lacking    the paths that are not known, or not well enough, of an indeterminate ruling
    """
    if word == "indeterminate":
        return tuple(f"{_UNKNOWN}{path}" for path in sorted(set(lacking)))
    if word != "fail":
        return ()
    if offenders:
        return tuple(sorted(set(offenders)))
    return tuple(f"{path} = {_exact(value)}" for path, value in sorted(values.items()))


def _exact(value: Any) -> str:
    """A value in a short line that no other value shares."""
    data = encode(value)
    text = data.decode()
    if len(text) <= _SHORT and text.isprintable():
        return text
    return f"sha256 {sha256(data).hexdigest()}"


def _whole(asked: Ask) -> bool:
    """Whether its offenders are all, each in full: what was cut off could be anything.

    What is lacking is named with a prefix, and what failed without: a component that calls itself
    a missing path is not taken for one.
    """
    lacking = asked.word == "indeterminate"
    return (
        0 < len(asked.offenders) <= MOST_OFFENDERS
        and _UNTOLD not in asked.offenders
        and all(0 < len(name) <= LONGEST_OFFENDER for name in asked.offenders)
        and all(name.startswith(_UNKNOWN) == lacking for name in asked.offenders)
    )

"""A pack's own tests: each rule seen to pass and seen to fail, with the very words it gave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.known import At
from firmward.hospital.gate.packs.examples import (
    Change,
    Examples,
    Golden,
    Told,
    at_moment,
    changed,
)
from firmward.hospital.gate.packs.read import Pack
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rulings import BLOCKING, Ruling
from firmward.terms.errors import Malformed

PASSING = "pass.json"


@dataclass(frozen=True)
class Outcome:
    """One test by name, and what went wrong with it; "" when nothing did."""

    case: str
    problem: str


def alone(pack: Pack, parameters: Mapping[str, Any]) -> Policy:
    """A pack's own rules, all binding, with the parameters of every pack it goes with."""
    rules = tuple(Adopted(rule=rule, pack=pack.name, cites=pack.cites(rule)) for rule in pack.rules)
    values = {**parameters, **pack.parameters}
    return Policy((pack.source,), (), rules, values, pack.clauses)


def prove(
    pack: Pack, examples: Examples, engine: Engine, parameters: Mapping[str, Any] | None = None
) -> list[Outcome]:
    """Every test of a pack.

    1. the passing document blocks at no moment, and each rule passes at one
    2. each edit makes its rule fail, and no other
    3. what each rule said is what golden.json says
    """
    policy = alone(pack, parameters or {})
    found = told(policy, examples, engine)
    passing = found[PASSING]
    outcomes = [_passes(passing, rule.id) for rule in pack.rules]
    for rule, case, _ in cases(examples):
        outcomes.append(Outcome(case, _fails_alone(found[case], rule)))
    return [*outcomes, *_golden(found, examples.golden)]


def told(policy: Policy, examples: Examples, engine: Engine) -> Golden:
    """What every rule says of the passing document, and of each edit those that it changes."""
    passing = _said(policy, examples.passing, engine)
    found: Golden = {PASSING: passing}
    for rule, case, change in cases(examples):
        try:
            edited = changed(examples.passing, change)
        except Malformed as error:
            found[case] = {rule: Told(word="error", reason=str(error))}
            continue
        said = _said(policy, edited, engine)
        found[case] = {name: one for name, one in said.items() if one != passing[name]}
    return found


def cases(examples: Examples) -> Iterator[tuple[str, str, Change]]:
    """Each edit with its rule and its name: the rule and path, numbered where there are several."""
    for rule, changes in examples.failing.items():
        paths = [change.path for change in changes]
        for at, change in enumerate(changes):
            number = (
                f" {paths[: at + 1].count(change.path)}" if paths.count(change.path) > 1 else ""
            )
            yield rule, f"{rule} {change.path}{number}", change


def _said(policy: Policy, evidence: Evidence, engine: Engine) -> dict[str, Told]:
    """Each rule's ruling at the document's own moment, or the first at which it asks."""
    rulings: dict[str, Ruling] = {}
    moments: dict[At, list[Adopted]] = {}
    for asked in policy.rules:
        here = evidence.moment if evidence.moment in asked.rule.asked else asked.rule.asked[0]
        moments.setdefault(here, []).append(asked)
    for moment, rules in moments.items():
        some = replace(policy, rules=tuple(rules))
        judgement = judge(some, at_moment(evidence, moment), engine, evidence.at)
        rulings.update((one.rule, one) for one in judgement.rulings)
    return {
        name: Told(word=one.word, reason=one.reason, offenders=one.offenders)
        for name, one in sorted(rulings.items())
    }


def _passes(passing: Mapping[str, Told], rule: str) -> Outcome:
    said = passing[rule]
    wrong = "" if said.word == "pass" else f"expected pass, got {said.word}: {said.reason}"
    return Outcome(f"{rule} {PASSING}", wrong)


def _fails_alone(found: Mapping[str, Told], rule: str) -> str:
    if rule in found and found[rule].word == "error":
        return f"the edit makes no document: {found[rule].reason}"
    words = {name: one.word for name, one in found.items() if one.word in BLOCKING}
    if words == {rule: "fail"}:
        return ""
    got = ", ".join(f"{name} {word}" for name, word in words.items()) or "nothing"
    return f"expected {rule} alone to fail, got {got}"


def _golden(found: Golden, golden: Golden | None) -> list[Outcome]:
    if golden is None:
        problem = "expected the words of every case, got no file; `firmward policy test --accept`"
        return [Outcome("golden.json", problem)]
    outcomes = []
    for case in sorted(found.keys() | golden.keys()):
        was, is_ = golden.get(case), found.get(case)
        if was is None or is_ is None:
            expected = "no such case" if was is None else "a case"
            got = "no such case" if is_ is None else "a case"
            outcomes.append(Outcome(f"golden {case}", f"expected {expected}, got {got}"))
        else:
            outcomes.append(Outcome(f"golden {case}", _differs(was, is_)))
    return outcomes


def _differs(was: Mapping[str, Told], is_: Mapping[str, Told]) -> str:
    for rule in sorted(was.keys() | is_.keys()):
        before, after = was.get(rule), is_.get(rule)
        if before != after:
            return f"{rule}: expected {_line(before)}, got {_line(after)}"
    return ""


def _line(said: Told | None) -> str:
    if said is None:
        return "nothing"
    offenders = f" [{', '.join(said.offenders)}]" if said.offenders else ""
    return f"{said.word}: {said.reason}{offenders}"

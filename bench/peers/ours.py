"""What Firmward's own gate says of the same documents: evidence model, presence check and CEL."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Question
from firmward.hospital.gate.engines.cpp import Cpp
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rules import Rule
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert
from peers.cases import Gap, Subject, without

WORDS = {"pass": "pass", "fail": "deny", "indeterminate": "error", "not-applicable": "elsewhere"}


def answers(subjects: Sequence[Subject], gaps: Sequence[Gap]) -> Iterator[str]:
    """A word for each gap, as engines are asked for it, plus `elsewhere` for not applicable."""
    by_rule = {subject.rule: subject for subject in subjects}
    engine = Cpp()
    for subject in subjects:
        if (word := answer(subject, subject.document, engine)) != "pass":
            raise SystemExit(f"{subject.rule}: expected its pack's document to pass, got {word}")
    for gap in gaps:
        subject = by_rule[gap.rule]
        yield answer(subject, without(subject.document, enveloped(gap.path)), engine)


def cel_alone(rule: str, condition: str, when: str, document: dict[str, Any], engine: Cpp) -> str:
    """A word from CEL alone: no evidence model, no check that evidence is there."""
    (found,) = engine.ask([Question(rule, condition, when)], document)
    if when and found.when is not True:
        return "error" if found.when is None else "pass"
    return {True: "pass", False: "deny", None: "error"}[found.condition]


def answer(subject: Subject, document: Mapping[str, Any], engine: Cpp) -> str:
    """A word for one document."""
    now = datetime.fromisoformat(document["at"]).astimezone(UTC)
    try:
        evidence = convert(copy.deepcopy(document), Evidence, "evidence")
    except Malformed:
        # A record that lacks a member is no record: the document is turned away whole.
        return "error"
    rule = convert(json.loads(json.dumps(subject.written)), Rule, subject.rule)
    policy = Policy(
        packs=(),
        overlays=(),
        rules=(Adopted(rule=rule, pack="bench@2026.11.0", cites=()),),
        parameters=subject.passing["p"],
        clauses={},
    )
    (ruling,) = judge(policy, evidence, engine, now).rulings
    return WORDS[ruling.word]


def enveloped(path: str) -> str:
    """The path of a value in a document with envelopes."""
    if "[]" not in path:
        return path
    whole, _, member = path.partition("[].")
    return f"{whole}.value.*.{member}"

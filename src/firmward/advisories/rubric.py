"""MITRE's rubric for scoring a vulnerability in a medical device: answers in, a CVSS vector out.

The base score of an IT department says nothing of a patient.  The rubric asks what an attacker
reaches in clinical words, and the answers travel beside the vector so that they can be disputed.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from firmward.terms.errors import Malformed

TABLE: Final = "rubric.toml"
METRICS: Final = ("AV", "AC", "PR", "UI", "S", "C", "I", "A")
# Of the answers to several questions of one metric the worst counts.
_WORST_FIRST: Final = "HLN"

Reply = Literal["Y", "N", "U"]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question; yes, no and unknown each lead to another question or to a metric's value."""

    id: str
    metric: Literal["AV", "AC", "PR", "UI", "S", "C", "I", "A"]
    asks: str
    yes: str
    no: str
    unknown: str

    def leads(self, reply: Reply) -> str:
        """Where a reply leads."""
        return {"Y": self.yes, "N": self.no, "U": self.unknown}[reply]


@cache
def questions() -> Mapping[str, Question]:
    """Every question by its identifier, in the order of asking."""
    text = files("firmward.advisories").joinpath(TABLE).read_text("utf-8")
    listed = msgspec.convert(tomllib.loads(text)["question"], tuple[Question, ...])
    return {question.id: question for question in listed}


def vector(answers: Mapping[str, Reply]) -> str:
    """The CVSS 3.1 base vector of an analyst's answers; what is not answered is unknown.

    raises  Malformed for an answer to a question that the rubric does not ask
    """
    asked = questions()
    strange = sorted(set(answers) - set(asked))
    if strange:
        raise Malformed("rubric", "answers to its own questions", ", ".join(strange)[:100])
    values = {metric: _value(metric, answers) for metric in METRICS}
    return "CVSS:3.1/" + "/".join(f"{metric}:{value}" for metric, value in values.items())


def extended(answers: Mapping[str, Reply]) -> str:
    """The answers in the rubric's own notation, such as XAVN:Y/XAVT:N, in the order of asking."""
    return "/".join(f"{name}:{answers[name]}" for name in questions() if name in answers)


def _value(metric: str, answers: Mapping[str, Reply]) -> str:
    asked = questions()
    of_metric = [question for question in asked.values() if question.metric == metric]
    led_to = {
        target
        for question in of_metric
        for target in (question.yes, question.no, question.unknown)
        if target in asked
    }
    found = [_follow(question, answers) for question in of_metric if question.id not in led_to]
    return found[0] if len(found) == 1 else min(found, key=_WORST_FIRST.index)


def _follow(question: Question, answers: Mapping[str, Reply]) -> str:
    asked = questions()
    leads = question.leads(answers.get(question.id, "U"))
    while leads in asked:
        leads = asked[leads].leads(answers.get(leads, "U"))
    return leads

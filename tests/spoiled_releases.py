"""Bad releases made from a good one, and how the gate's answer to them is compared."""

from copy import deepcopy
from dataclasses import replace

from firmward.hospital.gate.judge import Judgement
from firmward.lab.paper_evidence import Predicate
from firmward.lab.paper_vendor import Draft


def edited(draft: Draft, name: str, *steps, value) -> Draft:
    """The draft with one member of one predicate set to another value."""
    predicate = draft.evidence[name]
    body = deepcopy(predicate.body)
    at = body
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value
    return replace(draft, evidence={**draft.evidence, name: Predicate(predicate.kind, body)})


def against(judgement: Judgement) -> dict[str, str]:
    """Rule -> word, for every rule that stands in the way."""
    return {ruling.rule: ruling.word for ruling in judgement.blocking}


def failing(*rules: str) -> dict[str, str]:
    """Those rules, each failing."""
    return dict.fromkeys(rules, "fail")

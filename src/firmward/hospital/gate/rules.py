"""Rules as data, and the packs they come in.  Pure: no clock, no disk, no environment.

A rule is refused here, before it ever judges, when its conditions are not CEL, name evidence that
does not exist, or read evidence that they do not declare.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Final, Literal

import msgspec
from cel_expr_python import cel
from msgspec import Meta

from firmward.hospital.gate import document
from firmward.hospital.gate.known import MOMENTS, At, Trust
from firmward.terms.errors import Malformed
from firmward.terms.versions import precedence

Severity = Literal["critical", "high", "medium", "low"]
RuleId = Annotated[str, Meta(pattern=r"^[A-Z]{3}-\d{3}\Z")]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Formula = Annotated[str, Meta(max_length=2000)]


class Data(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A piece of a pack; a member nobody knows could be a misspelt restriction.

    What is not set is not written: a policy that was kept is read again by strict JSON, without
    nulls.
    """


class AppliesTo(Data, frozen=True, kw_only=True):
    """For which releases a rule asks at all; `when` is a CEL condition."""

    safety_class: tuple[Literal["A", "B", "C"], ...]
    tiers: tuple[Annotated[int, Meta(ge=1, le=4)], ...]
    jurisdictions: Annotated[tuple[str, ...], Meta(min_length=1)]
    when: Formula = ""


class Rule(Data, frozen=True, kw_only=True):
    """One demand on a release.

    sources         clause ids, explained in the pack's clauses
    basis           where the demand comes from; `hospital` for what no clause fixes
    evidence        every path that the condition reads
    trust           how well each of them must be known, at least
    trusts          path -> how well it must be known, where that is not `trust`
    asked           the moments at which it asks; at others it is not applicable
    effective_from  until then it only warns; absent where it binds with its pack
    condition       CEL; true passes
    offenders       CEL; a list of what failed, by name
    """

    id: RuleId
    group: Annotated[str, Meta(pattern=r"^[a-z]+(?:-[a-z]+)*\Z")]
    title: Line
    sources: Annotated[tuple[str, ...], Meta(min_length=1)]
    basis: Literal["law", "regulation", "standard", "guidance", "hospital"]
    duty: Literal["mfr", "hdo"]
    applies_to: AppliesTo
    evidence: Annotated[tuple[str, ...], Meta(min_length=1)]
    trust: Trust
    trusts: dict[str, Trust] = {}
    asked: tuple[At, ...] = MOMENTS
    effective_from: datetime | None = None
    condition: Annotated[Formula, Meta(min_length=1)]
    offenders: Formula = ""
    severity: Severity
    waivable: bool
    confidence: Literal["high", "medium", "low"]
    remedy: Line
    note: Annotated[str, Meta(max_length=500)] = ""

    def reads_any(self, paths: frozenset[str]) -> bool:
        """Whether its answer can depend on any of these paths."""
        scope = {"release.safety_class", "device.tier", "regulatory.jurisdictions"}
        if "moment" in paths and set(self.asked) != set(MOMENTS):
            return True
        return bool(paths & (scope | set(self.evidence) | reads(self.applies_to.when)))


class Clause(Data, frozen=True, kw_only=True):
    """What a clause asks for, in our own words; standards' texts are not ours to copy."""

    cite: Line
    says: Line
    confidence: Literal["high", "medium", "low"]
    url: Annotated[str, Meta(max_length=300)] = ""


@dataclass(frozen=True)
class Compiled:
    """A rule whose conditions are known to be CEL over declared evidence."""

    rule: Rule
    condition: cel.Expression
    offenders: cel.Expression | None
    when: cel.Expression | None


VARIABLES: Final = (*document.SECTIONS, "vulns", "p", "now", "moment")
_WHOLE: Final = ("vulns", "now", "moment")
_LITERAL: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_PATH: Final = re.compile(rf"(?<![\w.])({'|'.join(VARIABLES)})\b(?:\.([a-z_]\w*))?")


@cache
def environment() -> cel.Env:
    """CEL over the document's sections, the parameters `p` and `now`, with semver_cmp."""
    compare = cel.Overload(
        "semver_cmp_string_string",
        return_type=cel.Type.INT,
        parameters=[cel.Type.STRING, cel.Type.STRING],
        impl=precedence,
    )
    return cel.NewEnv(
        variables=dict.fromkeys(VARIABLES, cel.Type.DYN),
        functions=[cel.FunctionDecl("semver_cmp", [compare])],
    )


def compiled(rule: Rule) -> Compiled:
    """The rule, ready to be asked.

    raises  Malformed for what is not CEL, and for evidence that is unknown or read undeclared:
            the presence check would not cover it
    """
    if unknown := set(rule.evidence) - document.PATHS - {"now", "moment"}:
        raise Malformed(rule.id, "evidence of the document", ", ".join(sorted(unknown)))
    read = reads(rule.condition) | reads(rule.offenders)
    if undeclared := {path for path in read if not path.startswith("p.")} - set(rule.evidence):
        raise Malformed(rule.id, "all evidence it reads declared", ", ".join(sorted(undeclared)))
    return Compiled(
        rule=rule,
        condition=_expression(rule.id, rule.condition),
        offenders=_expression(rule.id, rule.offenders) if rule.offenders else None,
        when=_expression(rule.id, rule.applies_to.when) if rule.applies_to.when else None,
    )


def reads(formula: str) -> set[str]:
    """Every path a formula names: evidence, `p.` parameters and `now`."""
    found = set()
    for match in _PATH.finditer(_LITERAL.sub("''", formula)):
        section, field = match.groups()
        found.add(section if section in _WHOLE or not field else f"{section}.{field}")
    return found


def _expression(rule: str, formula: str) -> cel.Expression:
    try:
        return environment().compile(formula)
    except RuntimeError as error:
        raise Malformed(rule, "a CEL expression", str(error)[:300]) from error

"""What a reader of a pack would object to: what can be loaded and is wrong all the same."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from firmward.hospital.gate import rules
from firmward.hospital.gate.packs.bounds import unbounded
from firmward.hospital.gate.packs.examples import Examples
from firmward.hospital.gate.packs.overlay import WARN_DAYS
from firmward.hospital.gate.packs.read import Pack, parameters_read
from firmward.hospital.gate.rules import Rule

_REMEDY_WORDS: Final = 3
_LONGEST_CLAUSE: Final = 160
_READ_BY_THE_GATE: Final = frozenset(
    {
        WARN_DAYS,
        "exception_days",
        "exception_never",
        "exception_roles",
        "exposure",
        "harm_matrix",
        "rank_weights",
        "ssvc_days",
    }
)
"""Parameters that no rule needs to read: overlays, exceptions and the risk score go by them."""


@dataclass(frozen=True)
class Objection:
    """What is wrong where, and how it is put right."""

    pack: str
    place: str
    wrong: str
    fix: str

    def __str__(self) -> str:
        return f"{self.pack} {self.place}: {self.wrong}; {self.fix}"


def lint(packs: Sequence[tuple[Pack, Examples]]) -> list[Objection]:
    """What is wrong with these packs, each and together."""
    asked = (parameters_read(rule) for pack, _ in packs for rule in pack.rules)
    read = _READ_BY_THE_GATE.union(*asked)
    found: list[Objection] = []
    for pack, examples in packs:
        found += _clauses(pack)
        found += _parameters(pack, read)
        for rule in pack.rules:
            found += _rule(pack, rule)
        found += _tests(pack, examples)
    gone = {name for pack, _ in packs for name in pack.supersedes}
    return [*found, *_together([pack for pack, _ in packs if pack.id not in gone])]


def _clauses(pack: Pack) -> Iterator[Objection]:
    cited = {clause for rule in pack.rules for clause in rule.sources}
    for name in sorted(pack.clauses.keys() - cited):
        yield Objection(pack.name, f"clauses.yaml {name}", "no rule cites it", "cite it or drop it")
    for name, clause in sorted(pack.clauses.items()):
        if len(clause.says) > _LONGEST_CLAUSE or not clause.says.endswith("."):
            wrong = "longer than one sentence of our own words"
            yield Objection(
                pack.name, f"clauses.yaml {name}", wrong, "say it shorter, as a sentence"
            )


def _parameters(pack: Pack, read: Set[str]) -> Iterator[Objection]:
    for name, bound in sorted(pack.bounds.items()):
        place = f"params/schema.json {name}"
        if name not in read:
            yield Objection(pack.name, f"params/default.yaml {name}", "no rule reads it", "drop it")
        if wrong := unbounded(bound, pack.parameters[name]):
            fix = "give it x-tighter and where loosening ends"
            yield Objection(pack.name, place, wrong, fix)


def _rule(pack: Pack, rule: Rule) -> Iterator[Objection]:
    read = set().union(
        *(rules.reads(text) for text in (rule.condition, rule.offenders, rule.applies_to.when))
    )
    for path in sorted(set(rule.evidence) - read):
        yield Objection(pack.name, rule.id, f"declares {path} and does not read it", "drop it")
    for path in sorted(rule.trusts.keys() - set(rule.evidence)):
        yield Objection(
            pack.name, rule.id, f"sets the trust of {path}, which it does not declare", "drop it"
        )
    if len(rule.remedy.split()) < _REMEDY_WORDS:
        yield Objection(
            pack.name, rule.id, "its remedy tells nobody what to do", "say who does what"
        )
    if not rule.asked:
        yield Objection(pack.name, rule.id, "it is asked at no moment", "leave `asked` out")
    if rule.effective_from is not None and rule.effective_from <= pack.effective_from:
        wrong = "its effective_from is not after the pack's, and gives nobody time"
        yield Objection(pack.name, rule.id, wrong, "leave it out")


def _tests(pack: Pack, examples: Examples) -> Iterator[Objection]:
    for rule in pack.rules:
        if not examples.failing.get(rule.id):
            yield Objection(
                pack.name, rule.id, "no test makes it fail", "add an edit to tests/fail.yaml"
            )
    for name in examples.failing:
        if pack.rule(name) is None:
            yield Objection(
                pack.name, f"tests/fail.yaml {name}", "it is no rule of the pack", "drop it"
            )


def _together(packs: Sequence[Pack]) -> Iterator[Objection]:
    """Rules, parameters and clauses that two packs give differently, and parameters of none."""
    owner: dict[str, str] = {}
    for pack in packs:
        for name in (*(rule.id for rule in pack.rules), *pack.parameters):
            if name in owner:
                yield Objection(pack.name, name, f"also in {owner[name]}", "keep it in one pack")
            owner.setdefault(name, pack.name)
    for pack in packs:
        for rule in pack.rules:
            for name in sorted(parameters_read(rule) - owner.keys()):
                wrong = f"reads p.{name}, which no pack sets"
                yield Objection(pack.name, rule.id, wrong, "set it in params/default.yaml")
    yield from _shared_clauses(packs)


def _shared_clauses(packs: Sequence[Pack]) -> Iterator[Objection]:
    said: dict[str, tuple[str, Mapping[str, object]]] = {}
    for pack in packs:
        for name, clause in pack.clauses.items():
            other, clauses = said.setdefault(name, (pack.name, pack.clauses))
            if clauses[name] != clause:
                wrong = f"says otherwise than in {other}"
                yield Objection(pack.name, f"clauses.yaml {name}", wrong, "say the same in both")

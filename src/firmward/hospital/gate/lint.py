"""What is wrong with a pack, before it judges: found by reading it and by its own tests."""

from collections.abc import Iterator
from pathlib import Path

from firmward.hospital.gate import packs, rules
from firmward.hospital.gate.judge import Pack, judge
from firmward.hospital.gate.packs import Change, Examples
from firmward.terms.errors import Malformed


def lint(folder: Path) -> list[str]:
    """What a reader would object to.  Raises Malformed, Unavailable for what cannot be loaded."""
    pack, examples = packs.load(folder), packs.examples(folder)
    return [*_texts(folder, pack), *_coverage(pack, examples)]


def _texts(folder: Path, pack: Pack) -> Iterator[str]:
    place = f"{folder.parent.name}@{folder.name}"
    if pack.name != place:
        yield f"pack.yaml: expected {place}, got {pack.name}"
    cited = {clause for asked in pack.rules for clause in asked.rule.sources}
    for clause in sorted(pack.clauses.keys() - cited):
        yield f"clauses.yaml: no rule cites {clause}"
    read = set().union(*(_reads(asked.rule) for asked in pack.rules))
    for name in sorted(f"p.{name}" for name in pack.parameters):
        if name not in read:
            yield f"params/default.yaml: no rule reads {name}"
    for asked in pack.rules:
        for path in sorted(set(asked.rule.evidence) - _reads(asked.rule)):
            yield f"{asked.rule.id}: declares {path} and does not read it"


def _reads(rule: rules.Rule) -> set[str]:
    return rules.reads(f"{rule.condition} {rule.applies_to.when}") | rules.reads(rule.offenders)


def _coverage(pack: Pack, examples: Examples) -> Iterator[str]:
    for asked in pack.rules:
        if not examples.failing.get(asked.rule.id):
            yield f"{asked.rule.id}: no test makes it fail"
    for rule in examples.failing:
        if pack.rule(rule) is None:
            yield f"tests/fail.yaml: {rule} is no rule of the pack"


def run_tests(pack: Pack, examples: Examples) -> list[tuple[str, str]]:
    """Each test by name, and what went wrong with it, "" when nothing did."""
    at = examples.passing.at
    stopped = judge(pack, examples.passing, at).blocking
    results = [("pass.json", ", ".join(f"{each.rule}: {each.word}" for each in stopped))]
    for rule, changes in examples.failing.items():
        for change in changes:
            results.append((f"{rule} {change.path}", _expect_one(pack, examples, rule, change)))
    return results


def _expect_one(pack: Pack, examples: Examples, rule: str, change: Change) -> str:
    try:
        edited = packs.changed(examples.passing, change)
    except (Malformed, LookupError, TypeError) as error:
        return f"the edit makes no document: {error}"
    found = {each.rule: each.word for each in judge(pack, edited, examples.passing.at).blocking}
    if found == {rule: "fail"}:
        return ""
    return f"expected {rule} alone to fail, got {found or 'nothing'}"

"""The shipped packs together: their policy, and one document that passes every rule of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.known import At
from firmward.hospital.gate.packs.combine import combine
from firmward.hospital.gate.packs.examples import Change, Examples, at_moment, load_examples
from firmward.hospital.gate.packs.folder import named, newest
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rulings import Ruling
from firmward.terms.wire import convert, encode, parse

PACKS = Path(__file__).resolve().parents[1] / "packs"


def folders() -> tuple[Path, ...]:
    """The newest version of each pack, as it lies in the checkout."""
    return tuple(newest(PACKS, name) for name in named(PACKS))


@cache
def policy() -> Policy:
    """All of them, with nothing laid over them."""
    return combine([load(folder) for folder in folders()])


@cache
def examples() -> Mapping[str, Examples]:
    """Pack -> the tests that it brings along."""
    return {folder.parent.name: load_examples(folder) for folder in folders()}


@cache
def whole() -> Evidence:
    """One document that passes every rule: what the packs' own passing documents say, together.

    They are about one release; the tier alone differs, and is the one that most rules ask.
    """
    leaves = {
        path: leaf
        for each in examples().values()
        for path, leaf in document.leaves(each.passing).items()
    }
    head = examples()["us-fda-guidance"].passing
    leaves["device.tier"] = document.leaves(head)["device.tier"]
    return document.with_leaves(head, leaves)


def failing(rule: str) -> Iterator[Change]:
    """The edits that make a rule fail."""
    for each in examples().values():
        yield from each.failing.get(rule, ())


def moment_of(asked: Adopted) -> At:
    """A moment at which a rule asks: before an order, when most do."""
    return "order" if "order" in asked.rule.asked else asked.rule.asked[0]


def ruling(asked: Adopted, evidence: Evidence, engine: Engine) -> Ruling:
    """What one rule says of a document, at a moment at which it asks."""
    alone = replace(policy(), rules=(asked,))
    [said] = judge(alone, at_moment(evidence, moment_of(asked)), engine, evidence.at).rulings
    return said


def without(evidence: Evidence, path: str) -> Evidence:
    """The document with one value no longer known."""
    return document.with_leaves(evidence, {path: document.UNSET})


def with_envelope(evidence: Evidence, path: str, **changes: str) -> Evidence:
    """The document with one value known in another way, read again from its bytes."""
    edited = parse(encode(evidence), "evidence")
    section, _, field = path.partition(".")
    (edited[section][field] if field else edited[section]).update(changes)
    return convert(edited, Evidence, "evidence")

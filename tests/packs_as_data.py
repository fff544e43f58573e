"""The packs' rules, parameters and example documents as plain data, read without the gate.

Whoever asks an engine with these asks what the hospital asks, whatever the gate's types become.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from firmward.hospital.gate.engine import Question

PACKS = Path(__file__).resolve().parents[1] / "packs"
NOW = "2026-11-21T12:00:00Z"
MOMENTS = ("intake", "wave", "order", "standing")


@dataclass(frozen=True, repr=False)
class PackAsData:
    """One version of a pack."""

    name: str
    questions: tuple[Question, ...]
    parameters: dict[str, Any]
    passing: dict[str, Any]
    edits: tuple[dict[str, Any], ...]

    def data(self, document: dict[str, Any]) -> dict[str, Any]:
        """A document's sections with everything else that a formula may name."""
        return {"vulns": [], "moment": "intake"} | document | {"p": self.parameters, "now": NOW}


def read(folder: Path) -> PackAsData:
    """The pack in a folder."""
    rules = [
        rule
        for path in sorted(folder.glob("rules/*.yaml"))
        for rule in yaml.safe_load(path.read_text())
    ]
    return PackAsData(
        name=f"{folder.parent.name}@{folder.name}",
        questions=tuple(map(question, sorted(rules, key=lambda rule: rule["id"]))),
        parameters=_yaml(folder / "params" / "default.yaml"),
        passing=bare(json.loads((folder / "tests" / "pass.json").read_text())),
        edits=tuple(
            edit for edits in _yaml(folder / "tests" / "fail.yaml").values() for edit in edits
        ),
    )


def question(rule: dict[str, Any]) -> Question:
    """A rule's formulas."""
    when = rule["applies_to"].get("when", "")
    return Question(rule["id"], rule["condition"], when, rule.get("offenders", ""))


def all_packs() -> tuple[PackAsData, ...]:
    """Every pack of the checkout that is complete."""
    found = (path.parent for path in sorted(PACKS.glob("*/*/pack.yaml")))
    return tuple(read(folder) for folder in found if (folder / "tests" / "pass.json").exists())


def _yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def bare(document: dict[str, Any]) -> dict[str, Any]:
    """An evidence document without the envelopes around its values."""
    sections: dict[str, Any] = {}
    for name, part in document.items():
        if not isinstance(part, dict) or name == "sources":
            continue
        if "value" in part and "trust" in part:
            sections[name] = part["value"]
        else:
            sections[name] = {field: known["value"] for field, known in part.items()}
    return sections


def edited(document: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    """The document after one edit of a pack's failing examples, and those made together with it."""
    changed = copy.deepcopy(document)
    for one in (edit, *edit.get("also", ())):
        *steps, last = (int(step) if step.isdigit() else step for step in one["path"].split("."))
        where: Any = changed
        for step in steps:
            where = where[step]
        # An edit of how a value is known leaves the value as it is.
        if "merge" in one:
            where[last] = where[last] | one["merge"]
        elif "value" in one:
            where[last] = one["value"]
    return changed


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside, however deep."""
    members = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def without(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The document with one value gone."""
    changed = copy.deepcopy(document)
    where: Any = changed
    for step in path[:-1]:
        where = where[step]
    del where[path[-1]]
    return changed


STRINGS = (
    *("", " ", "A", "B", "none", "affected", "fixed", "true", "1.2.3", "1.10.0-rc.1+b", "0"),
    *("2026-11-21T12:00:00Z", "2031-01-01T00:00:00Z", "2026-02-30T00:00:00Z"),
    *("1969-12-31T23:59:59Z", "2026-11-21", "2026-11-21T12:00:00+01:00", "12h", "-1s"),
    *("é", "\u00df\u4e2d\U0001f480", "a\nb"),
)  # fmt: skip
INTEGERS = (0, 1, -1, 2, 3, 5, 9, 64, 112, 128, 365, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 0.1, 0.5, 1.0, 6.9, 9.0, 9.1, 10.0, 1e300, -1.5, 5e-324)


def varied(value: Any, random: Random, share: float) -> Any:
    """A document of the same shape, in which a share of the values is another of its type."""
    if isinstance(value, dict):
        kept = {key: member for key, member in value.items() if random.random() > share / 8}
        return {key: varied(member, random, share) for key, member in kept.items()}
    if isinstance(value, list):
        return _varied_list(value, random, share)
    if random.random() > share:
        return value
    return _another(value, random)


def _varied_list(value: list[Any], random: Random, share: float) -> list[Any]:
    members = list(value)
    if members and random.random() < share:
        members = [random.choice(members) for _ in range(random.randrange(5))]
    return [varied(member, random, share) for member in members]


def _another(value: Any, random: Random) -> Any:
    if isinstance(value, bool):
        return random.random() < 0.5
    if isinstance(value, int):
        return random.choice((*INTEGERS, value + 1, value - 1 if value > -(2**63) else value))
    if isinstance(value, float):
        return random.choice((*FLOATS, value + 0.1))
    return random.choice((*STRINGS, value + "x", value[:-1]))

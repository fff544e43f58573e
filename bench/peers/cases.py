"""The packs' rules with the documents that pass and fail them, and those with evidence taken away.

Read from the files alone, without Firmward's code, so that the same is put to every engine.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from peers.formula import Both, Each, Logic, logic, read, sample, walk

_ASIDE = ("p", "now", "moment")


@dataclass(frozen=True)
class Subject:
    """A rule, and documents to try it with.

    evidence  the paths that it declares
    passing   plain values, with the parameters as `p`
    failing   the same with one edit each, after which it must fail
    document  the passing document with its envelopes
    written   the rule as its pack has it
    """

    rule: str
    condition: str
    when: str
    evidence: tuple[str, ...]
    passing: dict[str, Any]
    failing: tuple[dict[str, Any], ...]
    document: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The letters of its id."""
        return self.rule.partition("-")[0]


@dataclass(frozen=True)
class Gap:
    """A passing document from which one thing was taken.

    kind  "declared": a declared field; "guard": a field that only `when` reads;
          "member": a member of every record of a list
    """

    rule: str
    kind: str
    path: str
    document: dict[str, Any]


def subjects(packs: Path) -> list[Subject]:
    """Every rule of the newest version of every pack, with its tests."""
    folders = [sorted(pack.iterdir())[-1] for pack in sorted(packs.iterdir()) if pack.is_dir()]
    parameters: dict[str, Any] = {}
    for folder in folders:
        parameters |= _yaml(folder / "params/default.yaml") or {}
    return [subject for folder in folders for subject in _of_pack(folder, parameters)]


def _of_pack(folder: Path, parameters: dict[str, Any]) -> Iterator[Subject]:
    document = json.loads((folder / "tests/pass.json").read_text())
    passing = plain(document) | {"p": parameters}
    failing = _yaml(folder / "tests/fail.yaml")
    for file in sorted(folder.glob("rules/*.yaml")):
        for rule in _yaml(file):
            # How well a value is known is nothing that another language could judge.
            edits = [edit for edit in failing[rule["id"]] if not edit.get("trust")]
            yield Subject(
                rule=rule["id"],
                condition=rule["condition"],
                when=rule["applies_to"].get("when", ""),
                evidence=tuple(rule["evidence"]),
                passing=passing,
                failing=tuple(edited(passing, edit) for edit in edits),
                document=document,
                written=rule,
            )


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def plain(document: Any) -> dict[str, Any]:
    """The values of an evidence document, out of their envelopes, as conditions see them."""
    values = _opened(document)
    return {
        **{name: value for name, value in values.items() if isinstance(value, dict | list)},
        "now": values["at"],
        "moment": values.get("moment", "intake"),
    }


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        if "value" in value and "trust" in value:
            return value["value"]
        return {name: _opened(each) for name, each in value.items()}
    return value


def edited(document: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    """The document after an edit: a value at a path, or members merged into what is there."""
    made = copy.deepcopy(document)
    for each in (edit, *edit.get("also", ())):
        *steps, last = (int(step) if step.isdigit() else step for step in each["path"].split("."))
        where: Any = made
        for step in steps:
            where = where[step]
        where[last] = where[last] | each["merge"] if each.get("merge") else each["value"]
    return made


def gaps(subject: Subject) -> Iterator[Gap]:
    """The passing document without each thing the rule reads."""
    declared = [path for path in subject.evidence if path not in _ASIDE]
    for path in declared:
        yield Gap(subject.rule, "declared", path, without(subject.passing, path))
    for path in _paths(subject.when, subject.passing) - set(declared):
        yield Gap(subject.rule, "guard", path, without(subject.passing, path))
    for path, members in sorted(_members(subject).items()):
        for member in sorted(members):
            taken = without(subject.passing, f"{path}.*.{member}")
            yield Gap(subject.rule, "member", f"{path}[].{member}", taken)


def without(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The document with one thing taken from it; `*` is every entry of a list."""
    made = copy.deepcopy(document)
    *steps, last = path.split(".")
    places: list[Any] = [made]
    for step in steps:
        places = [
            inner
            for place in places
            for inner in (place if step == "*" else [place[int(step) if step.isdigit() else step]])
        ]
    for place in places:
        place.pop(last, None)
    return made


def _paths(when: str, document: dict[str, Any]) -> set[str]:
    """The fields of evidence that a formula reads."""
    found = set()
    for inner in walk(read(when)) if when else ():
        if inner[0] == "field" and inner[1][0] == "name" and inner[1][1] not in _ASIDE:
            found.add(f"{inner[1][1]}.{inner[2]}")
    return found


def _members(subject: Subject) -> dict[str, set[str]]:
    """For each list of records that the condition goes through, the members it reads there."""
    found: dict[str, set[str]] = {}
    for members, name, about in _loops(logic(read(subject.condition))):
        records = sample(members, subject.passing)
        if isinstance(records, list) and records and isinstance(records[0], dict):
            read_there = {i[2] for i in walk(about) if i[0] == "field" and i[1] == ("name", name)}
            found.setdefault(_path(members), set()).update(read_there & set(records[0]))
    return found


def _path(formula: Any) -> str:
    return str(formula[1]) if formula[0] == "name" else f"{_path(formula[1])}.{formula[2]}"


def _loops(tree: Logic) -> Iterator[tuple[Any, str, Any]]:
    if isinstance(tree, Both):
        for part in tree.parts:
            yield from _loops(part)
    if isinstance(tree, Each):
        yield tree.members, tree.name, tuple(_formulas(tree.of))
        yield from _loops(tree.of)


def _formulas(tree: Logic) -> Iterator[Any]:
    match tree:
        case Both(parts, _):
            for part in parts:
                yield from _formulas(part)
        case Each(members, _, of, _):
            yield members
            yield from _formulas(of)
        case _:
            yield tree.what

"""A policy pack: rules, parameters, bounds and clauses that belong together, read strictly.

A pack is data and never run as code.  If stolen, it tells what a hospital asks for.  Whoever can
change one decides what comes in, so every file's digest is in the manifest, and a site judges only
by manifests that its own policy keys signed (`signed`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from firmward.hospital.gate import rules
from firmward.hospital.gate.packs.folder import Folder, Version, read_folder
from firmward.hospital.gate.packs.schema import Bound, misfit, read_bounds, shaped
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.policy import Source
from firmward.hospital.gate.rules import Clause, Data, Rule
from firmward.terms.errors import Malformed
from firmward.terms.names import Label, Moment
from firmward.terms.wire import parse

RULES: Final = re.compile(r"rules/[a-z0-9-]+\.yaml")


class _Head(Data, frozen=True, kw_only=True):
    """pack.yaml"""

    pack_schema: Literal["firmward.pack/v1"]
    evidence_schema: Literal["firmward.evidence/v1"]
    id: Label
    version: Version
    title: rules.Line
    jurisdictions: tuple[str, ...] = ("ANY",)
    sources: tuple[rules.Line, ...] = ()
    effective_from: Moment
    expires: Moment
    supersedes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pack:
    """What a pack's folder says.

    sources     the editions it was written from
    supersedes  packs that it takes the place of, by id
    parameters  name -> value, before any overlay
    bounds      name -> how far an overlay may set it
    sha256      digest of the manifest, which holds the digest of every file
    """

    id: str
    version: str
    title: str
    jurisdictions: tuple[str, ...]
    sources: tuple[str, ...]
    effective_from: datetime
    expires: datetime
    supersedes: tuple[str, ...]
    rules: tuple[Rule, ...]
    parameters: Mapping[str, Any]
    bounds: Mapping[str, Bound]
    clauses: Mapping[str, Clause]
    sha256: str

    @property
    def name(self) -> str:
        """Id and version."""
        return f"{self.id}@{self.version}"

    @property
    def source(self) -> Source:
        """The pack as a judgement records it."""
        return Source(
            name=self.name,
            sha256=self.sha256,
            effective_from=self.effective_from,
            expires=self.expires,
        )

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, if the pack has it."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def cites(self, rule: Rule) -> tuple[str, ...]:
        """The clauses behind one of its rules, as people cite them."""
        return tuple(self.clauses[clause].cite for clause in rule.sources)


def load(path: Path) -> Pack:
    """The pack in a folder, every file of it as its manifest says.

    raises  Malformed, OutOfBounds, and Unavailable when it cannot be read
    """
    return read_pack(read_folder(path))


def read_pack(folder: Folder) -> Pack:
    """The pack that a folder holds.  Raises Malformed, OutOfBounds."""
    place = f"{folder.path.parent.name}@{folder.path.name}"
    return _pack(_Whole(place, folder.sha256, folder))


@dataclass(frozen=True)
class _Whole:
    """A folder by its name and its manifest, which stands for every byte in it."""

    place: str
    sha256: str
    folder: Folder = field(compare=False, repr=False)


@lru_cache(maxsize=64)
def _pack(whole: _Whole) -> Pack:
    """Once for each manifest: a site reads its packs at every change of any of them."""
    folder, place = whole.folder, whole.place
    head = read_yaml(folder.file("pack.yaml"), _Head, "pack.yaml")
    if place != f"{head.id}@{head.version}":
        # A folder under another name would take another pack's place, or its version's.
        raise Malformed(f"{place} pack.yaml", place, f"{head.id}@{head.version}")
    clauses = read_yaml(folder.file("clauses.yaml"), dict[str, Clause], f"{place} clauses.yaml")
    listed = _rules(folder)
    _coherent(place, listed, clauses)
    bounds, parameters = _parameters(folder, place)
    return Pack(
        id=head.id,
        version=head.version,
        title=head.title,
        jurisdictions=head.jurisdictions,
        sources=head.sources,
        effective_from=head.effective_from,
        expires=head.expires,
        supersedes=head.supersedes,
        rules=tuple(sorted(listed, key=lambda rule: rule.id)),
        parameters=parameters,
        bounds=bounds,
        clauses=clauses,
        sha256=folder.sha256,
    )


def parameters_read(rule: Rule) -> set[str]:
    """The parameters that a rule's formulas name, without their `p.`."""
    formulas = (rule.condition, rule.offenders, rule.applies_to.when)
    paths = set().union(*(rules.reads(text) for text in formulas))
    return {path[2:] for path in paths if path.startswith("p.")}


def _rules(folder: Folder) -> list[Rule]:
    return [
        rule
        for name in sorted(folder.files)
        if RULES.fullmatch(name)
        for rule in read_yaml(folder.files[name], tuple[Rule, ...], name)
    ]


def _coherent(place: str, listed: list[Rule], clauses: Mapping[str, Clause]) -> None:
    """Refuses a pack without rules, with one twice, or that names what it does not bring."""
    ids = [rule.id for rule in listed]
    if not ids or len(set(ids)) != len(ids):
        raise Malformed(place, "each rule once, and at least one", f"{len(ids)} rules")
    for rule in listed:
        if unknown := set(rule.sources) - clauses.keys():
            raise Malformed(f"{place} {rule.id}", "clauses of the pack", ", ".join(sorted(unknown)))
        rules.compiled(rule)


def _parameters(folder: Folder, place: str) -> tuple[dict[str, Bound], dict[str, Any]]:
    """Bounds and values, each parameter with both and every value within its schema."""
    schema = parse(folder.file("params/schema.json"), f"{place} params/schema.json")
    bounds = read_bounds(schema, f"{place} params/schema.json")
    who = f"{place} params/default.yaml"
    plain = read_yaml(folder.file("params/default.yaml"), dict[str, Any], who)
    for name in sorted(bounds.keys() ^ plain.keys()):
        raise Malformed(who, "a value and a schema for each parameter", f"one of them for {name}")
    values = {name: shaped(bounds[name], value, who, name) for name, value in plain.items()}
    for name, value in values.items():
        if wrong := misfit(bounds[name], value):
            raise Malformed(f"{who} {name}", wrong, str(value)[:200])
    return bounds, values

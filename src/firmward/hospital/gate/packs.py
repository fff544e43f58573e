"""Policy packs on disk: read strictly, checked against their manifest, never run as code.

If stolen, a pack tells what the hospital asks for.  Whoever can change one decides what comes in,
so every file's digest is in the manifest and the manifest's digest is in every judgement.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import yaml
from msgspec import Meta

from firmward.hospital.gate import rules
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.judge import Pack
from firmward.hospital.gate.rules import Clause, Data, Rule
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.names import Label, Sha256, TargetPath
from firmward.terms.versions import triple
from firmward.terms.wire import KIB, convert, decode, encode, parse

MANIFEST: Final = "MANIFEST.json"
_LIMIT: Final = 512 * KIB
_MOST_FILES: Final = 256

T = TypeVar("T")


class _Head(Data, frozen=True, kw_only=True):
    """pack.yaml"""

    pack_schema: Literal["firmward.pack/v1"]
    evidence_schema: Literal["firmward.evidence/v1"]
    id: Label
    version: Annotated[str, Meta(pattern=r"^\d{4}\.\d{1,2}\.\d{1,3}\Z")]
    title: rules.Line
    effective_from: datetime
    expires: datetime


class _Manifest(Data, frozen=True, kw_only=True):
    files: dict[TargetPath, Sha256]


class Change(Data, frozen=True, kw_only=True):
    """One edit of a passing document: a new value at a path, or members merged into what is there.

    path  section.field, then indices and members inside the value: sbom.components.0.supplier
    """

    path: str
    value: Any = None
    merge: dict[str, Any] = {}


@dataclass(frozen=True)
class Examples:
    """A pack's own tests: a document that passes every rule, and edits that each fail one."""

    passing: Evidence
    failing: Mapping[str, tuple[Change, ...]]


class _StrictLoader(yaml.SafeLoader):
    """YAML without its two traps: aliases that grow without end, and members given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(str, names))) != len(names):
            raise yaml.YAMLError("a member twice")
        return super().construct_mapping(node, deep)


def read_yaml(data: bytes, kind: type[T], who: str) -> T:
    """A YAML document as a `kind`; nothing else passes.  Raises Malformed."""
    if len(data) > _LIMIT:
        raise Malformed(who, f"at most {_LIMIT} bytes", f"{len(data)} bytes")
    try:
        # A SafeLoader underneath: it makes plain values only, never objects.
        value = yaml.load(data.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506
        # The same limits as on the wire: depth, nulls, control characters, huge numbers.
        plain = parse(json.dumps(value, allow_nan=False).encode(), who)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # The parser draws the place over several lines, and an error is one.
        got = " ".join(str(error).split())[:200] or type(error).__name__
        raise Malformed(who, "strict YAML", got) from error
    return convert(plain, kind, who)


def newest(folder: Path, pack: str) -> Path:
    """The newest version of a pack under a folder of packs.  Raises Unavailable."""
    try:
        found = [path for path in (folder / pack).iterdir() if path.is_dir()]
    except OSError as error:
        raise Unavailable(f"packs: cannot read {folder / pack}: {error}") from error
    versions = {number: path for path in found if (number := triple(path.name))}
    if not versions:
        raise Unavailable(f"packs: expected a version of {pack} in {folder}, got none")
    return versions[max(versions)]


def load(folder: Path) -> Pack:
    """The pack in a folder, every file of it as its manifest says.

    raises  Malformed, Unavailable when it cannot be read
    """
    files, digest = _files(folder)
    head = read_yaml(_file(files, "pack.yaml"), _Head, "pack.yaml")
    if head.effective_from.tzinfo is None or head.expires.tzinfo is None:
        raise Malformed("pack.yaml", "times with their zone", "times without")
    clauses = read_yaml(_file(files, "clauses.yaml"), dict[str, Clause], "clauses.yaml")
    parameters = read_yaml(
        _file(files, "params/default.yaml"), dict[str, Any], "params/default.yaml"
    )
    listed = [
        rule
        for name in sorted(files)
        if re.fullmatch(r"rules/[a-z-]+\.yaml", name)
        for rule in read_yaml(files[name], tuple[Rule, ...], name)
    ]
    _coherent(listed, clauses, parameters)
    return Pack(
        id=head.id,
        version=head.version,
        title=head.title,
        effective_from=head.effective_from,
        expires=head.expires,
        rules=tuple(rules.compiled(rule) for rule in sorted(listed, key=lambda rule: rule.id)),
        parameters=parameters,
        clauses=clauses,
        sha256=digest,
    )


def examples(folder: Path) -> Examples:
    """The tests that a pack brings along.  Raises Malformed, Unavailable."""
    files, _ = _files(folder)
    return Examples(
        passing=decode(_file(files, "tests/pass.json"), Evidence, "tests/pass.json"),
        failing=read_yaml(
            _file(files, "tests/fail.yaml"), dict[str, tuple[Change, ...]], "tests/fail.yaml"
        ),
    )


def manifest(folder: Path) -> bytes:
    """The manifest that a folder's files should have.  Raises Malformed, Unavailable."""
    digests = {name: sha256(data).hexdigest() for name, data in _read(folder).items()}
    return encode({"files": digests}) + b"\n"


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise Malformed("pack", name, "no such file")
    return files[name]


def _files(folder: Path) -> tuple[dict[str, bytes], str]:
    """The files of a pack once they are the manifest's, and the manifest's digest."""
    files = _read(folder)
    try:
        sealed = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise Unavailable(f"pack {folder}: cannot read its manifest: {error}") from error
    listed = decode(sealed, _Manifest, MANIFEST).files
    found = {name: sha256(data).hexdigest() for name, data in files.items()}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            expected, got = listed.get(name, "no such file"), found.get(name, "no such file")
            raise Malformed(f"pack {folder.name} {name}", expected, got)
    return files, sha256(sealed).hexdigest()


def _read(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or len(files) > _MOST_FILES:
                raise Malformed(f"pack {folder.name}", "a few plain files", str(path.name))
            if path.is_file() and path.name != MANIFEST:
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"pack {folder}: {error}") from error
    return files


def _coherent(
    listed: list[Rule], clauses: Mapping[str, Clause], parameters: Mapping[str, Any]
) -> None:
    """Refuses a pack without rules, with one twice, or that names what it does not bring."""
    ids = [rule.id for rule in listed]
    if not ids or len(set(ids)) != len(ids):
        raise Malformed("pack", "each rule once, and at least one", f"{len(ids)} rules")
    for rule in listed:
        if unknown := set(rule.sources) - clauses.keys():
            raise Malformed(rule.id, "clauses of the pack", ", ".join(sorted(unknown)))
        formulas = (rule.condition, rule.offenders, rule.applies_to.when)
        needed = {path[2:] for text in formulas for path in rules.reads(text) if path[:2] == "p."}
        if unknown := needed - parameters.keys():
            raise Malformed(rule.id, "parameters of the pack", ", ".join(sorted(unknown)))


def changed(evidence: Evidence, change: Change) -> Evidence:
    """The document with one edit.  Raises Malformed when the result is no document."""
    edited = parse(encode(evidence), "evidence")
    section, *rest = change.path.split(".")
    at = edited[section] if section == "vulns" else edited[section][rest.pop(0)]
    where: Any = at
    steps: list[Any] = ["value", *(int(step) if step.isdigit() else step for step in rest)]
    for step in steps[:-1]:
        where = where[step]
    where[steps[-1]] = where[steps[-1]] | change.merge if change.merge else change.value
    return convert(edited, Evidence, "evidence")

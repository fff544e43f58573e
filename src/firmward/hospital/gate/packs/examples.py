"""The tests that a pack brings along: a document that passes, and edits that each fail one rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.packs.folder import Folder, read_folder
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.rules import Data
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert, decode, encode, parse

GOLDEN: Final = "tests/golden.json"


class Change(Data, frozen=True, kw_only=True):
    """One edit of a passing document: a new value at a path, or members merged into what is there.

    path   section.field, then indices and members inside the value: sbom.components.0.supplier
    trust  how the value is known, where that is what the test changes
    also   edits made together with it, where a rule lets one value make up for another
    """

    path: str
    value: Any = None
    merge: dict[str, Any] = {}
    trust: str = ""
    also: tuple["Change", ...] = ()

    @property
    def evidence(self) -> frozenset[str]:
        """The paths of the document that it touches."""
        section, _, rest = self.path.partition(".")
        path = section if section == "vulns" else f"{section}.{rest.partition('.')[0]}"
        return frozenset({path}).union(*(one.evidence for one in self.also))


class Told(Data, frozen=True, kw_only=True):
    """What one rule said, word for word."""

    word: str
    reason: str
    offenders: tuple[str, ...] = ()


Golden = dict[str, dict[str, Told]]
"""Case -> rule -> what it said.  Every rule of pass.json; of each edit, those it changed."""


@dataclass(frozen=True)
class Examples:
    """A pack's own tests.

    golden  None where the pack brings none
    """

    passing: Evidence
    failing: Mapping[str, tuple[Change, ...]]
    golden: Golden | None = None


def load_examples(path: Path) -> Examples:
    """The tests in a pack's folder.  Raises Malformed, Unavailable."""
    return read_examples(read_folder(path))


def read_examples(folder: Folder) -> Examples:
    """The tests that a folder holds.  Raises Malformed."""
    failing = read_yaml(
        folder.file("tests/fail.yaml"), dict[str, tuple[Change, ...]], "tests/fail.yaml"
    )
    golden = None
    if GOLDEN in folder.files:
        golden = decode(folder.files[GOLDEN], Golden, f"{folder.path.parent.name} {GOLDEN}")
    passing = decode(folder.file("tests/pass.json"), Evidence, "tests/pass.json")
    return Examples(passing=passing, failing=failing, golden=golden)


def changed(evidence: Evidence, change: Change) -> Evidence:
    """The document with one edit.  Raises Malformed when the result is no document."""
    edited = parse(encode(evidence), "evidence")
    _edit(edited, change)
    return convert(edited, Evidence, "evidence")


def _edit(edited: Any, change: Change) -> None:
    section, *rest = change.path.split(".")
    try:
        at = edited[section] if section == "vulns" else edited[section][rest.pop(0)]
        if change.trust:
            at["trust"] = change.trust
        else:
            _set(at, ["value", *(int(step) if step.isdigit() else step for step in rest)], change)
    except (LookupError, TypeError, AttributeError) as error:
        raise Malformed(
            f"edit {change.path}", "a value of the passing document", str(error)
        ) from error
    for one in change.also:
        _edit(edited, one)


def _set(at: Any, steps: list[str | int], change: Change) -> None:
    where = at
    for step in steps[:-1]:
        where = where[step]
    last = steps[-1]
    where[last] = where[last] | change.merge if change.merge else change.value


def at_moment(evidence: Evidence, moment: Any) -> Evidence:
    """The document as of another moment of judging."""
    return msgspec.structs.replace(evidence, moment=moment)

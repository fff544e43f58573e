"""A scanner that lives outside, is named files one by one, and answers in JSON."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import chosen
from firmward.vendor.scan.classes import weakness
from firmward.vendor.scan.outside import Limit, ask
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run, run
from firmward.vendor.scan.tools.environments import installed
from firmward.vendor.source.checkout import Checkout

MILDLY: Final[dict[str, Level]] = {
    "error": "warning", "warning": "warning", "info": "note", "style": "note",
}  # fmt: skip
"""The levels of tools that read what is never in a device itself: at most a warning."""


@dataclass(frozen=True)
class FileScanner:
    """How one such scanner is asked and heard.

    says      its name as its makers write it
    files     what it reads, in words; `wanted` tells one from other files
    findings  what an answer holds, given the root of the tree
    accepted  exit codes after which its output is an answer
    """

    tool: str
    says: str
    files: str
    wanted: Callable[[Path], bool]
    flags: tuple[str, ...]
    findings: Callable[[Any, Path], Iterable[Finding]]
    accepted: Collection[int] = (0,)

    def scan(self, tree: Checkout, shelf: Shelf) -> Run:
        """Its run over the project's files.  Raises Unavailable."""
        found = installed(self.tool, shelf.folder)
        names = chosen(tree, self.tool, self.wanted)
        parts = (f"{self.tool}-1", found.version, tree.source.tree, *names)
        return shelf.kept(parts, lambda: self._scan(tree, found.version, found.command, names))

    def _scan(
        self, tree: Checkout, version: str, command: tuple[str, ...], names: tuple[str, ...]
    ) -> Run:
        if not names:
            return run(self.tool, version, (), (), (f"no {self.files} to scan",))
        words = (*command, *self.flags, "--", *names)
        done = ask(self.tool, words, tree.root, Limit.of(tree), accepted=self.accepted)
        try:
            found = set(self.findings(json.loads(done.out), tree.root))
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self.tool}: expected its JSON, got {error}") from error
        told = {each.rule: each.level for each in sorted(found)}
        rules = [
            Rule(each, level, f"{self.says}'s {each}", weakness(each, {}))
            for each, level in sorted(told.items())
        ]
        return run(self.tool, version, rules, found)

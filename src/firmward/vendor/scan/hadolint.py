"""Dockerfiles by hadolint: the containers that firmware is built in, or that a gateway runs.

Every finding is at most a warning, as such a file is never in a device's image itself.  Comments
that tell it to be silent and settings files of the tree are not heard.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import chosen, container_file
from firmward.vendor.scan.classes import weakness
from firmward.vendor.scan.outside import Limit, ask
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.tools.environments import Tool, installed
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "hadolint"
_LEVELS: Final[dict[str, Level]] = {
    "error": "warning", "warning": "warning", "info": "note", "style": "note",
}  # fmt: skip
# An empty settings file of the machine's keeps the tree's from being looked for.
_FLAGS: Final = (
    *("--no-fail", "--no-color", "--disable-ignore-pragma", "--format=json"),
    "--config=/dev/null",
)


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """hadolint's run over the project's Dockerfiles.  Raises Unavailable."""
    tool = installed(TOOL, shelf.folder)
    names = chosen(tree, TOOL, container_file)
    parts = ("hadolint-1", tool.version, tree.source.tree, *names)
    return shelf.kept(parts, lambda: _scan(tree, tool, names))


def _scan(tree: Checkout, tool: Tool, names: tuple[str, ...]) -> Run:
    if not names:
        return sarif_run(TOOL, tool.version, (), (), ("no Dockerfiles to scan",))
    words = (*tool.command, *_FLAGS, "--", *names)
    done = ask(TOOL, words, tree.root, Limit.of(tree))
    try:
        found = list(_findings(json.loads(done.out)))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{TOOL}: expected its JSON, got {error}") from error
    told = {each.rule: each.level for each in found}
    rules = [Rule(each, told[each], f"hadolint's {each}", weakness(each, {})) for each in told]
    return sarif_run(TOOL, tool.version, rules, set(found))


def _findings(answer: list[dict[str, Any]]) -> Iterator[Finding]:
    for each in answer:
        level = _LEVELS.get(each["level"], "warning")
        yield Finding(each["file"], each["line"], each["code"], level, each["message"])

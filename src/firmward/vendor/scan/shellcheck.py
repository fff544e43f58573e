"""Shell scripts by ShellCheck: of the build, and of a device that runs Linux.

Every finding is at most a warning: it says how a script misbehaves, and seldom who could use that.
Directives in comments are heard, as it has no switch against them; settings files are not.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import chosen, shell_script
from firmward.vendor.scan.classes import weakness
from firmward.vendor.scan.outside import Limit, ask
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.tools.environments import Tool, installed
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "shellcheck"
_LEVELS: Final[dict[str, Level]] = {
    "error": "warning", "warning": "warning", "info": "note", "style": "note",
}  # fmt: skip
_FLAGS: Final = ("--norc", "--format=json1", "--severity=info", "--color=never")


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """ShellCheck's run over the project's shell scripts.  Raises Unavailable."""
    tool = installed(TOOL, shelf.folder)
    names = chosen(tree, TOOL, shell_script)
    parts = ("shellcheck-1", tool.version, tree.source.tree, *names)
    return shelf.kept(parts, lambda: _scan(tree, tool, names))


def _scan(tree: Checkout, tool: Tool, names: tuple[str, ...]) -> Run:
    if not names:
        return sarif_run(TOOL, tool.version, (), (), ("no shell scripts to scan",))
    words = (*tool.command, *_FLAGS, "--", *names)
    done = ask(TOOL, words, tree.root, Limit.of(tree), accepted=(0, 1))
    try:
        found = list(_findings(json.loads(done.out)["comments"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{TOOL}: expected its JSON, got {error}") from error
    told = {each.rule: each.level for each in found}
    rules = [Rule(each, told[each], f"ShellCheck's {each}", weakness(each, {})) for each in told]
    return sarif_run(TOOL, tool.version, rules, set(found))


def _findings(comments: list[dict[str, Any]]) -> Iterator[Finding]:
    for each in comments:
        level = _LEVELS.get(each["level"], "warning")
        yield Finding(each["file"], each["line"], f"SC{each['code']}", level, each["message"])

"""Python by ruff's S rules (flake8-bandit's): build scripts, host tools, and firmware in Python.

Every finding is a warning: most such files run on a desk and not in a device.  `# noqa` and the
tree's own ruff settings are not heard.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import chosen, ends_in
from firmward.vendor.scan.classes import weakness
from firmward.vendor.scan.outside import Limit, ask
from firmward.vendor.scan.sarif import Finding, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.tools.environments import Tool, installed
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "ruff"
_FLAGS: Final = (
    *("check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero", "--quiet"),
    # Asserts are how tests are written, and what a build script starts is named by its author.
    *("--select=S", "--ignore=S101,S404,S603,S607", "--output-format=json"),
)


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """ruff's run over the project's Python files.  Raises Unavailable."""
    tool = installed(TOOL, shelf.folder)
    names = chosen(tree, TOOL, ends_in(".py", ".pyi"))
    parts = ("ruff-1", tool.version, tree.source.tree, *names)
    return shelf.kept(parts, lambda: _scan(tree, tool, names))


def _scan(tree: Checkout, tool: Tool, names: tuple[str, ...]) -> Run:
    if not names:
        return sarif_run(TOOL, tool.version, (), (), ("no Python files to scan",))
    done = ask(TOOL, (*tool.command, *_FLAGS, "--", *names), tree.root, Limit.of(tree))
    try:
        found = list(_findings(json.loads(done.out), f"{tree.root.resolve()}/"))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{TOOL}: expected its JSON, got {error}") from error
    ids = sorted({each.rule for each in found})
    rules = [Rule(each, "warning", f"ruff's {each}", weakness(each, {})) for each in ids]
    return sarif_run(TOOL, tool.version, rules, set(found))


def _findings(answer: list[dict[str, Any]], root: str) -> Iterator[Finding]:
    for each in answer:
        # A file that is no Python has an error instead of a code.
        rule = each.get("code") or "not-parsed"
        path = each["filename"].removeprefix(root)
        yield Finding(path, each["location"]["row"], rule, "warning", each["message"])

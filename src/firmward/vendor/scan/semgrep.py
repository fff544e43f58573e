"""C and C++ by semgrep, with rules of our own about what firmware gets wrong; see `rules/`.

No rule is fetched, nothing is sent (flags, variables and no network), and no comment in the source
silences it.  What it calls a fingerprint is the words "requires login": ours are made later, from
the class of weakness and the line.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

import yaml

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import CPP, HEADERS, C, chosen, ends_in
from firmward.vendor.scan.outside import Limit, ask, cores
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.tools.environments import SILENT, Tool, installed
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "semgrep"
_LEVELS: Final[dict[str, Level]] = {"ERROR": "error", "WARNING": "warning", "INFO": "note"}
_CWE: Final = re.compile(r"CWE-(\d+)")
_UNREAD: Final = Rule("not-parsed", "warning", "Not parsed whole, so not scanned whole")
_FLAGS: Final = (
    *("--metrics=off", "--disable-version-check", "--disable-nosem", "--no-git-ignore"),
    *("--quiet", "--json", "--max-target-bytes=0", "--timeout=30", "--timeout-threshold=0"),
    "--scan-unknown-extensions",
)


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """semgrep's run over the project's C and C++ files.  Raises Unavailable."""
    tool = installed(TOOL, shelf.folder)
    names = chosen(tree, TOOL, ends_in(*C, *CPP, *HEADERS))
    parts = ("semgrep-1", tool.version, _digest(), tree.source.tree, *names)
    return shelf.kept(parts, lambda: _scan(tree, tool, names))


@cache
def rules() -> dict[str, Rule]:
    """Our rules by their ids."""
    found = (each for data in _texts().values() for each in yaml.safe_load(data)["rules"])
    return {each["id"]: _rule(each) for each in found}


def _texts() -> dict[str, bytes]:
    folder = files("firmward.vendor.scan").joinpath("rules")
    texts = {each.name: each.read_bytes() for each in folder.iterdir()}
    return {name: texts[name] for name in sorted(texts) if name.endswith(".yaml")}


def _digest() -> str:
    return hashlib.sha256(b"\0".join(_texts().values())).hexdigest()


def _rule(told: dict[str, Any]) -> Rule:
    number = _CWE.search(str(told["metadata"]["cwe"]))
    says = " ".join(str(told["message"]).split())
    return Rule(told["id"], _LEVELS[told["severity"]], says, int(number[1]) if number else 0)


def _scan(tree: Checkout, tool: Tool, names: tuple[str, ...]) -> Run:
    if not names:
        return sarif_run(TOOL, tool.version, (), (), ("no C or C++ files to scan",))
    with as_file(files("firmward.vendor.scan").joinpath("rules")) as folder:
        # Files named one by one are read, whatever a .semgrepignore of the tree says.
        command = (*tool.command, "scan", *_FLAGS, f"--jobs={cores()}", f"--config={folder}")
        limit = Limit.of(tree)
        done = ask(TOOL, (*command, "--", *names), tree.root, limit, also=SILENT)
    try:
        answer = json.loads(done.out)
        scanned, found = set(answer["paths"]["scanned"]), set(_findings(answer))
        broken = set(_broken(answer))
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{TOOL}: expected its JSON, got {error}") from error
    unread = {Finding(each, 0, _UNREAD.id, "warning", "not read") for each in set(names) - scanned}
    every = (*rules().values(), _UNREAD)
    return sarif_run(TOOL, str(answer["version"]), every, found | broken | unread)


def _findings(answer: dict[str, Any]) -> Iterator[Finding]:
    known = rules()
    for each in answer["results"]:
        # It puts the rules folder's path before the id.
        rule = known[each["check_id"].rpartition(".")[2]]
        says = " ".join(each["extra"]["message"].split())
        yield Finding(each["path"], each["start"]["line"], rule.id, rule.level, says)


def _broken(answer: dict[str, Any]) -> Iterator[Finding]:
    """Files that it could not parse whole.  Raises Unavailable when a rule is what failed."""
    for each in answer["errors"]:
        path = each.get("path")
        if not path:
            raise Unavailable(f"{TOOL}: {str(each.get('message'))[:300]}")
        spans = each.get("spans") or [{}]
        line = (spans[0].get("start") or {}).get("line", 0)
        says = str(each.get("message", "")).splitlines()[0][:200]
        yield Finding(path, line, _UNREAD.id, "warning", says)

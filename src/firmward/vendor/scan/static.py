"""C and C++ by cppcheck, which writes SARIF itself."""

import json
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.process import plain_environment, run
from firmward.vendor.scan.sarif import Run
from firmward.vendor.source import Checkout

TOOL: Final = "cppcheck"
_CHECKS: Final = ("--enable=warning,portability", "--inline-suppr", "--quiet", "--std=c11")


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """cppcheck's run over the project's sources.  Raises Unavailable."""
    rules = tree.project.scan
    command = rules.cppcheck or str(Path(sys.executable).parent / TOOL)
    words = (
        *_CHECKS,
        *(f"-I{folder}" for folder in rules.includes),
        *(f"-D{define}" for define in rules.defines),
        *rules.sources,
    )
    parts = ("cppcheck-1", command, _version(), tree.source.tree, *words)
    return shelf.kept(parts, lambda: _scan(tree, command, words))


def _version() -> str:
    try:
        return version(TOOL)
    except PackageNotFoundError:
        return "not a Python package"


def _scan(tree: Checkout, command: str, words: tuple[str, ...]) -> Run:
    absent = [path for path in tree.project.scan.sources if not (tree.root / path).exists()]
    if absent:
        raise Unavailable(f"{TOOL}: nothing to scan at {', '.join(absent)}")
    with tempfile.TemporaryDirectory(prefix="firmward-scan-") as name:
        out = Path(name) / "cppcheck.sarif"
        done = run(
            (command, "--output-format=sarif", f"--output-file={out}", *words),
            tree.root,
            plain_environment(Path(name)),
            tree.project.scan.timeout_s,
        )
        if done.code != 0:
            raise Unavailable(f"{TOOL}: ended with {done.code}: {done.err.strip()[-300:]}")
        return _read(out)


def _read(out: Path) -> Run:
    try:
        [only] = json.loads(out.read_bytes())["runs"]
    except (OSError, ValueError, KeyError) as error:
        raise Unavailable(f"{TOOL}: expected one SARIF run, got {error}") from error
    driver = only.get("tool", {}).get("driver", {})
    if driver.get("name", "").lower() != TOOL:
        raise Unavailable(f"{TOOL}: expected its own name in its run")
    # One spelling, so that a gate that asks for this tool finds it.
    return {**only, "tool": {"driver": {**driver, "name": TOOL}}}

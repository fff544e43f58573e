"""C and C++ by clang-tidy: the compiler's own reading of a file, and clang's analyser on its paths.

Each file is one process, the longest first, as many at once as there are cores; its result is kept
under everything it was made of, so that a changed file costs itself and a changed header all.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.chosen import CPP, HEADERS, C
from firmward.vendor.scan.clang_checks import asked, named
from firmward.vendor.scan.compiled import Compiled, Unit, in_tree, units
from firmward.vendor.scan.files import is_excluded
from firmward.vendor.scan.headers import system_flags
from firmward.vendor.scan.outside import Limit, ask, cores, said
from firmward.vendor.scan.sarif import Finding, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.tools.environments import Tool, installed
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "clang-tidy"
UNPARSED: Final = "not-parsed"
_LINE: Final = re.compile(
    r"^(?P<path>[^\n]+?):(?P<line>\d+):\d+: (?P<level>warning|error): (?P<says>.*?)"
    r" \[(?P<check>[\w.,+-]+)\]$"
)
_PLACELESS: Final = re.compile(r"^error: (?P<says>.*?)(?: \[[\w.,+-]+\])?$", re.MULTILINE)
_OTHER_C: Final = re.compile(rb"^\s*#\s*include\s+\"[^\"\n]+\.(?:c|cc|cpp|cxx)\"", re.MULTILINE)
# What the analyser may look at in one function: 225,000 states as it comes.  A ninth of it takes a
# quarter of the time, and on Mbed TLS 2.28.3 lost 2 of 38 findings.
_QUICK: Final = ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=25000")
_CONFIG: Final = "--config={}"  # a .clang-tidy of the tree could switch everything off


@dataclass(frozen=True)
class _Asked:
    """What is asked of every file alike."""

    tree: Checkout
    tool: Tool
    checks: str
    flags: tuple[str, ...]
    shared: str
    limit: Limit

    def parts(self, unit: Unit) -> tuple[str, ...]:
        """Everything that one file's result depends on."""
        content = hashlib.sha256((self.tree.root / unit.path).read_bytes()).hexdigest()
        own = (unit.path, content, *unit.flags)
        return ("clang-tidy-file-1", self.tool.version, self.checks, self.shared, *self.flags, *own)


def scan(tree: Checkout, shelf: Shelf, database: bytes = b"") -> Run:
    """clang-tidy's run over the project's C and C++ sources.

    database  the compilation database that the build left, if the tree has none of its own
    raises    Unavailable, also when it could parse not one file
    """
    tool = installed(TOOL, shelf.folder)
    compiled = units(tree, TOOL, database or in_tree(tree))
    rules = tree.project.scan
    flags = (*system_flags(compiled.triple), *(_QUICK if rules.depth == "quick" else ()))
    checks = asked(rules.profiles)
    listed = (f"{unit.path} {' '.join(unit.flags)}" for unit in compiled.units)
    parts = ("clang-tidy-1", tool.version, tree.source.tree, checks, *flags, *rules.exclude)
    return shelf.kept((*parts, *listed), lambda: _scan(tree, shelf, compiled, tool, checks, flags))


def _scan(
    tree: Checkout,
    shelf: Shelf,
    compiled: Compiled,
    tool: Tool,
    checks: str,
    flags: tuple[str, ...],
) -> Run:
    if not compiled.units:
        return sarif_run(TOOL, tool.version, (), (), ("no C or C++ files to scan",))
    shared = _shared(tree.root, compiled.units)
    about = _Asked(tree, tool, checks, flags, shared, Limit.of(tree))
    sized = sorted(compiled.units, key=lambda unit: -(tree.root / unit.path).stat().st_size)
    with ThreadPoolExecutor(cores(), TOOL) as pool:
        working = [pool.submit(_kept, unit, about, shelf) for unit in sized]
        try:
            answers = [each.result() for each in working]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    unparsed = [answer["error"] for answer in answers if answer["error"]]
    if len(unparsed) == len(answers):
        raise Unavailable(f"{TOOL}: could parse none of {len(answers)} files: {unparsed[0]}")
    return _run(tool, answers, tree, compiled.notes)


def _shared(root: Path, all_units: Iterable[Unit]) -> str:
    """The digest of whatever a file may include, as it is not known which file includes what."""
    own = {root / unit.path for unit in all_units}
    if any(_OTHER_C.search(path.read_bytes()) for path in own):
        own = set()
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in (*HEADERS, *C, *CPP) and path not in own and path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
            digest.update(str(path.relative_to(root)).encode() + b"\0")
    return digest.hexdigest()


def _kept(unit: Unit, about: _Asked, shelf: Shelf) -> dict[str, Any]:
    return shelf.kept(about.parts(unit), lambda: _file(unit, about))


def _file(unit: Unit, about: _Asked) -> dict[str, Any]:
    """What clang-tidy says of one file: findings, and why it was not read whole ("" if it was)."""
    words = ("--quiet", _CONFIG, f"--checks={about.checks}", "--header-filter=.*", unit.path)
    flags = (*unit.flags, *about.flags, "-w", "-Wno-unknown-warning-option")
    root = about.tree.root
    done = ask(
        TOOL, (*about.tool.command, *words, "--", *flags), root, about.limit, accepted=(0, 1)
    )
    text = done.out.decode(errors="replace")
    found = list(_findings(text, root, about.tree.project.scan.exclude))
    broken = [each for each in found if each[2] == UNPARSED]
    alone = _PLACELESS.search(text + "\n" + done.err)
    if alone and not broken:
        broken = [(unit.path, 0, UNPARSED, alone["says"])]
    if done.code and not broken:
        raise Unavailable(f"{TOOL}: {unit.path}: ended with {done.code}: {said(done)}")
    # The errors after the first are mostly its echo.
    told = [each for each in found if each[2] != UNPARSED] + broken[:1]
    return {"found": told, "error": f"{broken[0][0]}: {broken[0][3]}" if broken else ""}


def _findings(
    text: str, root: Path, exclude: tuple[str, ...]
) -> Iterator[tuple[str, int, str, str]]:
    """Path, line, check and words of each finding in the tree."""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        path = match["path"].removeprefix(f"{root}/")
        if path.startswith("/") or is_excluded(path, exclude):
            continue
        broken = match["level"] == "error" and "clang-diagnostic" in match["check"]
        check = UNPARSED if broken else match["check"].partition(",")[0]
        yield path, int(match["line"]), check, match["says"]


def _run(
    tool: Tool, answers: Iterable[dict[str, Any]], tree: Checkout, notes: tuple[str, ...]
) -> Run:
    rules: dict[str, Rule] = {}
    found = set()
    for path, line, check, says in (each for answer in answers for each in answer["found"]):
        name, number = named(check, says)
        told = "Not parsed whole, so not scanned whole" if check == UNPARSED else f"clang's {check}"
        rules.setdefault(name, Rule(name, "warning", told, number))
        found.add(Finding(path, line, name, "warning", says))
    unparsed = len({each.path for each in found if each.rule == UNPARSED})
    more = (f"{unparsed} files were not parsed whole: see {UNPARSED}",) if unparsed else ()
    return sarif_run(TOOL, tool.version, tuple(rules.values()), found, (*notes, *more))

"""C and C++ by cppcheck: what a value can be on its way through one file and into the next.

It is run, not linked (GPL-3.0), and comes with Firmward's own environment.  Comments in the source
that tell it to be silent are not heard: only the project file answers for a finding, with a reason,
an owner and a day.
"""

import json
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.project import ScanRules
from firmward.vendor.scan.compiled import Compiled, Unit, in_tree, units
from firmward.vendor.scan.outside import Limit, ask, cores
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.source.checkout import Checkout

TOOL: Final = "cppcheck"
_SEVERITY: Final[dict[str, Level]] = {
    "error": "error", "warning": "warning", "portability": "warning", "information": "note",
}  # fmt: skip
# What the triple's architecture is among cppcheck's platforms: sizes of int, long and pointers.
_PLATFORMS: Final = (
    (("arm64", "aarch64"), "arm64-wchar_t4"),
    (("arm", "thumb"), "arm32-wchar_t4"),
    (("riscv32",), "riscv32"),
    (("riscv64",), "riscv64"),
    (("mips",), "mips32"),
    (("avr",), "avr8"),
    (("msp430",), "msp430_eabi_large_datamodel"),
)
_MISRA: Final = "misra-c2012-"
# A configuration that nobody builds, or a macro of the compiler's that cppcheck lacks: the file was
# not read whole there, which is to be known and is no flaw.
_UNREAD: Final = "preprocessorErrorDirective"
# Clang's and GCC's questions to themselves, without which an #if cannot be evaluated.
_ASKING: Final = "".join(
    f"#ifndef {name}\n#define {name}(x) 0\n#endif\n"
    for name in ("__has_attribute", "__has_builtin", "__has_extension", "__has_feature")
)
_NOTES: Final = {
    "misra-c-2012": "MISRA C:2012 by cppcheck's addon; the rules' texts are MISRA's and not here",
    "cert-c": "cppcheck has no checks of its own for CERT C; those are clang-tidy's",
}


def scan(tree: Checkout, shelf: Shelf, database: bytes = b"") -> Run:
    """cppcheck's run over the project's C and C++ sources.

    database  the compilation database that the build left, if the tree has none of its own
    raises    Unavailable
    """
    rules = tree.project.scan
    compiled = units(tree, TOOL, database or in_tree(tree))
    command = rules.cppcheck or str(Path(sys.executable).parent / TOOL)
    words = tuple(_words(rules, compiled))
    listed = (f"{unit.path} {' '.join(unit.flags)}" for unit in compiled.units)
    parts = ("cppcheck-2", command, _version(), tree.source.tree, *words, *listed)
    return shelf.kept(parts, lambda: _scan(tree, command, words, compiled))


def _version() -> str:
    try:
        return version(TOOL)
    except PackageNotFoundError:
        return "not a Python package"


def _words(rules: ScanRules, compiled: Compiled) -> Iterable[str]:
    misra = "misra-c-2012" in rules.profiles
    yield from ("--enable=warning,portability" + (",style" if misra else ""), "--quiet", "--xml")
    if not compiled.known:
        yield "--std=c11"
    if misra:
        yield from ("--addon=misra", f"--addon-python={sys.executable}")
    platform = next((name for starts, name in _PLATFORMS if compiled.triple.startswith(starts)), "")
    if platform:
        yield f"--platform={platform}"


def _scan(tree: Checkout, command: str, words: tuple[str, ...], compiled: Compiled) -> Run:
    notes = (*compiled.notes, *(_NOTES[each] for each in tree.project.scan.profiles))
    if not compiled.units:
        return sarif_run(TOOL, _version(), (), (), (*notes, "no C or C++ files to scan"))
    limit = Limit.of(tree)
    with tempfile.TemporaryDirectory(prefix="firmward-scan-") as name:
        out, work = Path(name) / "cppcheck.xml", Path(name) / "work"
        work.mkdir()
        asking = Path(name) / "asking.h"
        asking.write_text(_ASKING)
        # With a work folder its processes tell each other what crosses from file to file.
        own = (
            *(f"-j{cores()}", f"--cppcheck-build-dir={work}", f"--output-file={out}"),
            f"--include={asking}",
        )
        which = _which(tree.root, compiled, Path(name))
        ask(TOOL, (command, *words, *own, *which), tree.root, limit)
        return _read(out, tree.root, notes)


def _which(root: Path, compiled: Compiled, folder: Path) -> tuple[str, ...]:
    """The words that say what is scanned: a project of its own, or a list of files."""
    if compiled.known:
        project = folder / "compile_commands.json"
        project.write_text(json.dumps([_entry(root, unit) for unit in compiled.units]))
        return (f"--project={project}",)
    listed = folder / "files"
    listed.write_text("".join(f"{unit.path}\n" for unit in compiled.units))
    return (*compiled.units[0].flags, f"--file-list={listed}")


def _entry(root: Path, unit: Unit) -> dict[str, object]:
    words = ["cc", *unit.flags, "-c", unit.path]
    return {"directory": str(root), "file": unit.path, "arguments": words}


def _read(out: Path, root: Path, notes: tuple[str, ...]) -> Run:
    try:
        # Written by cppcheck itself, which declares no entities.
        top = xml.parse(out).getroot()  # noqa: S314
        tool, errors = top.find("cppcheck"), top.find("errors")
    except (OSError, xml.ParseError) as error:
        raise Unavailable(f"{TOOL}: expected its report, got {error}") from error
    if tool is None or errors is None:
        raise Unavailable(f"{TOOL}: expected its report, got {top.tag!r}")
    rules: dict[str, Rule] = {}
    found = set()
    for each in errors:
        level = _level(each)
        if level is not None:
            name = each.get("id", "")
            rule = Rule(name, level, f"cppcheck's {name}", int(each.get("cwe") or 0))
            rules.setdefault(name, rule)
            found.add(_finding(each, rule, root))
    return sarif_run(TOOL, tool.get("version", ""), tuple(rules.values()), found, notes)


def _level(error: xml.Element) -> Level | None:
    """How bad it is; style only comes with the MISRA addon, and only its words are kept."""
    if error.get("id", "").startswith((_MISRA, _UNREAD)):
        return "warning"
    return _SEVERITY.get(error.get("severity", ""))


def _says(error: xml.Element) -> str:
    name = error.get("id", "")
    if name.startswith(_MISRA):
        return f"Violates MISRA C:2012 rule {name.removeprefix(_MISRA)}"
    return error.get("msg") or name


def _finding(error: xml.Element, rule: Rule, root: Path) -> Finding:
    place = error.find("location")
    path = place.get("file", "") if place is not None else ""
    line = int(place.get("line") or 0) if place is not None else 0
    return Finding(path.removeprefix(f"{root}/"), line, rule.id, rule.level, _says(error))

"""How hard a built ELF makes it for whoever finds a flaw in it."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import lief

from firmward.terms.errors import Unavailable
from firmward.vendor.build import Artifact
from firmward.vendor.scan.sarif import Finding, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run

TOOL: Final = "firmward-elf"
NAME: Final = "app.elf"

RULES: Final = (
    Rule("writable-code", "error", "A segment is loaded writable and executable"),
    Rule("executable-stack", "error", "The stack may be executed"),
    Rule("no-canary", "warning", "No function checks a stack canary"),
    Rule("canary-unseen", "note", "Without symbols nobody can see whether canaries are checked"),
    Rule("no-pie", "warning", "A hosted program that is not position independent"),
    Rule("no-relro", "warning", "A hosted program whose relocations stay writable"),
    Rule("debug-left", "note", "Debug sections are left in"),
    Rule("not-stripped", "note", "Symbols are left in"),
)
_BY_ID: Final = {rule.id: rule for rule in RULES}


def scan(artifact: Artifact) -> Run:
    """The run over the artifact's ELF file.  Raises Unavailable for what is no ELF."""
    parsed = lief.ELF.parse(list(artifact.elf))
    if parsed is None:
        raise Unavailable(f"{TOOL}: expected an ELF file, got {artifact.elf[:4]!r}")
    found = [*_memory(parsed), *_hosted(parsed), *_symbols(parsed)]
    return sarif_run(TOOL, version("lief"), RULES, found)


def _memory(elf: lief.ELF.Binary) -> Iterator[Finding]:
    segment = lief.ELF.Segment
    for each in elf.segments:
        writable, executable = each.has(segment.FLAGS.W), each.has(segment.FLAGS.X)
        if each.type == segment.TYPE.LOAD and writable and executable:
            yield _finding(
                "writable-code", f"{each.virtual_size} bytes at {each.virtual_address:#x}"
            )
        if each.type == segment.TYPE.GNU_STACK and executable:
            yield _finding("executable-stack", "PT_GNU_STACK has the X flag")


def _hosted(elf: lief.ELF.Binary) -> Iterator[Finding]:
    """PIE and RELRO mean something only where a loader relocates the program."""
    if not elf.has_interpreter:
        return
    if not elf.is_pie:
        yield _finding("no-pie", f"file type {elf.header.file_type.name}")
    if not any(each.type == lief.ELF.Segment.TYPE.GNU_RELRO for each in elf.segments):
        yield _finding("no-relro", "no PT_GNU_RELRO segment")


def _symbols(elf: lief.ELF.Binary) -> Iterator[Finding]:
    names = {str(symbol.name) for symbol in elf.symbols} - {""}
    if not names:
        yield _finding("canary-unseen", "no symbol table")
    elif not any(name.startswith("__stack_chk_") for name in names):
        yield _finding("no-canary", f"none of {len(names)} symbols is __stack_chk_fail")
    sections = {str(section.name) for section in elf.sections}
    if any(name.startswith(".debug_") for name in sections):
        yield _finding("debug-left", "sections .debug_*")
    if ".symtab" in sections:
        yield _finding("not-stripped", f"{len(names)} symbols")


def _finding(rule: str, says: str) -> Finding:
    found = _BY_ID[rule]
    return Finding(path=NAME, line=0, rule=rule, level=found.level, message=f"{found.says}: {says}")

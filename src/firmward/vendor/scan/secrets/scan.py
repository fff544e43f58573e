"""The secret scanner's two runs: over a source tree and over what was built from it."""

from typing import Final

from firmward.binaries import keys, named, open_secrets, tokens
from firmward.binaries.hits import Hit
from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.scan import elf_file
from firmward.vendor.scan.binary.rootfs_entries import Entry, entries
from firmward.vendor.scan.files import SourceFile, scan_parts, source_files
from firmward.vendor.scan.sarif import Finding, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.scan.secrets import in_binary, in_code, in_literals, in_settings
from firmward.vendor.scan.secrets.rules import RULES, TOOL, VERSION, finding, placed
from firmward.vendor.source.checkout import Checkout

# Prose: what it says of passwords is not one.
_PROSE_TEXT: Final = (
    ".md .rst .txt .html .htm .adoc .tex .po .pot .1 .2 .3 .4 .5 .6 .7 .8 .svg .css .man .texi "
    ".patch .diff .csv .log .changes"
)
_PROSE: Final = frozenset(_PROSE_TEXT.split())
_MARKUP: Final = frozenset((".xml", ".plist", ".xaml", ".config"))
_LOCKS: Final = frozenset((".lock", ".sum", ".map", ".svg", ".po", ".crt", ".cer"))


def scan_source(tree: Checkout, shelf: Shelf) -> Run:
    """What lies open in the source tree."""
    return shelf.kept(scan_parts(TOOL, VERSION, tree), lambda: _scan(tree))


def _scan(tree: Checkout) -> Run:
    found = [one for file in source_files(tree) for one in in_file(file)]
    return sarif_run(TOOL, VERSION, RULES, found)


def in_file(file: SourceFile, *, shipped: bool = False) -> list[Finding]:
    """What lies open in one file of the source, or of what devices get."""
    if file.too_large:
        return [finding(file.name, 0, Hit(0, "not-scanned", "larger than 8 MiB"))]
    hits = [*keys.in_pem(file.data), *tokens.of_any_kind(file.data)]
    if not file.text:
        hits += keys.in_der(file.data)
    elif file.suffix not in _PROSE:
        hits += _in_text(file)
    return placed(file, hits, shipped=shipped)


def _in_text(file: SourceFile) -> list[Hit]:
    data = file.data
    hits = [*in_literals.private_keys(data), *named.named(data), *in_code.handled(data)]
    if file.suffix not in _LOCKS:
        hits += in_code.random_strings(data)
    if in_settings.is_settings(file):
        hits += in_settings.assigned(data)
    if file.suffix in _MARKUP:
        hits += in_settings.in_markup(data)
    return hits


def scan_binary(artifact: Artifact) -> Run:
    """What lies open in the binary that devices get.

    raises  Unavailable where there is none, for a broken ELF file or root file system
    """
    if not artifact.elf and not artifact.binary:
        raise Unavailable(f"{TOOL}: expected an ELF file or an image, got neither")
    found = in_binary.found(artifact.elf, artifact.binary)
    if artifact.rootfs is not None:
        found += [one for entry in entries(artifact.rootfs.path) for one in _in_entry(entry)]
    return sarif_run(TOOL, VERSION, RULES, found) | {"automationDetails": {"id": "binary"}}


def _in_entry(entry: Entry) -> list[Finding]:
    """What lies open in one file of a root file system."""
    if entry.data[:4] == elf_file.MAGIC:
        return [finding(entry.name, 0, hit) for hit in open_secrets.of(entry.data)]
    if not entry.regular:
        return []
    return in_file(SourceFile(entry.name, entry.data), shipped=True)

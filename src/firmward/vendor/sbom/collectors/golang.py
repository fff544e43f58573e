"""Go modules: `go.mod` names them, `go.sum` holds their digests.  Source: go.dev/ref/mod."""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import Tree

NAME: Final = "go"
_MODULE: Final = re.compile(r"^([\w.~/-]+)\s+(v[\w.+-]+)$")
_BLOCK: Final = re.compile(r"^(\w+)\s*\($")
# From this version on go.mod lists what the dependencies depend on too.
_COMPLETE: Final = (1, 17)


def collect(tree: Tree) -> Iterator[Found]:
    """Every module, after its replacement where there is one."""
    for path in tree.named("go.mod"):
        sums = posixpath.join(posixpath.dirname(path), "go.sum")
        digests = _digests(tree.text(sums), sums) if tree.has(sums) else {}
        lines = list(_statements(tree.text(path), path))
        replaced = dict(_replacements(lines, path))
        listed: set[str] = set()
        for number, word, rest in lines:
            if word != "require":
                continue
            module, version = _module(rest, path, number)
            listed.add(module)
            target = replaced.get(f"{module} {version}", replaced.get(module))
            # A module replaced by a folder is the tree's own, and found there.
            if target != ("", ""):
                yield _found(path, number, *(target or (module, version)), digests)
        if _language(lines) < _COMPLETE:
            yield from _indirect(sums, listed, digests)


def _found(
    path: str, number: int, module: str, version: str, digests: dict[tuple[str, str], str]
) -> Found:
    namespace, _, name = module.rpartition("/")
    digest = digests.get((module, version), "")
    return stated(
        *(NAME, path, "lock", module, version),
        line=number,
        purl=purls.make("golang", name, version, namespace),
        hashes={"h1": digest} if digest else {},
    )


def _indirect(sums: str, listed: set[str], digests: dict[tuple[str, str], str]) -> Iterator[Found]:
    """What older go.mod files leave out; which of several versions was chosen go.sum cannot say."""
    for number, (module, version) in enumerate(digests, 1):
        if module not in listed:
            yield _found(sums, number, module, version, digests)


def _statements(text: str, path: str) -> Iterator[tuple[int, str, str]]:
    """(line number, directive, rest), blocks taken apart."""
    block = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("//")[0].strip()
        if not line:
            continue
        if opening := _BLOCK.match(line):
            block = opening[1]
        elif line == ")":
            block = ""
        elif block:
            yield number, block, line
        else:
            word, _, rest = line.partition(" ")
            yield number, word, rest.strip()
    if block:
        raise Malformed(path, "closed blocks", f"an open {block}")


def _module(text: str, path: str, number: int) -> tuple[str, str]:
    match = _MODULE.match(text)
    if not match:
        raise Malformed(path, "a module and its version", f"line {number}: {text[:60]!r}")
    return match[1], match[2]


def _replacements(
    lines: list[tuple[int, str, str]], path: str
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Module, or module and version -> what takes its place; ("", "") for a folder."""
    for number, word, rest in lines:
        if word == "replace":
            old, arrow, new = rest.partition("=>")
            if not arrow:
                raise Malformed(path, "replacements with =>", f"line {number}: {rest[:60]!r}")
            target = new.strip()
            folder = target.startswith((".", "/"))
            yield " ".join(old.split()), ("", "") if folder else _module(target, path, number)


def _language(lines: list[tuple[int, str, str]]) -> tuple[int, int]:
    for _, word, rest in lines:
        if word == "go" and (match := re.match(r"(\d+)\.(\d+)", rest)):
            return int(match[1]), int(match[2])
    return 1, 0


def _digests(text: str, path: str) -> dict[tuple[str, str], str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) != 3 or not words[2].startswith("h1:"):
            raise Malformed(path, "module, version and h1 digest", f"line {number}")
        if not words[1].endswith("/go.mod"):
            found[words[0], words[1]] = words[2][3:]
    return found

"""Conan: recipes (never run), `conanfile.txt`, and locks of both generations.

Source: docs.conan.io, conanfile.txt, the `requires` attribute, lockfiles 0.4 (Conan 1) and 0.5.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import structs

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import required, stated
from firmward.vendor.sbom.parts import Evidence, Found, Resolution, Scope
from firmward.vendor.sbom.reading import read_json, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "conan"
_REFERENCE: Final = re.compile(
    r"^(?P<name>[a-z0-9_][a-z0-9_+.-]{0,100})/(?P<version>\[[^\]]*\]|[\w+.~!-]+)"
    r"(?:@(?P<user>[^/#%\s]*)(?:/(?P<channel>[^#%\s]*))?)?(?:#(?P<revision>\w+))?(?:%[\d.]+)?$",
    re.IGNORECASE,
)
_SCOPES: Final[dict[str, Scope]] = {
    "requires": "unknown",
    "tool_requires": "build",
    "build_requires": "build",
    "test_requires": "build",
    "python_requires": "build",
}


def collect(tree: Tree) -> Iterator[Found]:
    """Every requirement of every recipe and lock."""
    for path in tree.named("conanfile.txt"):
        yield from _text_file(tree, path)
    for path in tree.named("conanfile.py"):
        yield from _recipe(tree, path)
    for path in tree.named("conan.lock"):
        yield from _lock(tree, path)


def _found(
    path: str, reference: str, scope: Scope, evidence: Evidence, line: int = 0, text: str = ""
) -> Found:
    reference = reference.strip()
    match = _REFERENCE.match(reference)
    if not match:
        raise Malformed(path, "a reference name/version", reference[:80])
    version: str = match["version"]
    resolution: Resolution = "pinned"
    if version.startswith("["):
        version, resolution = required(version.strip("[]").partition(",")[0])
    told = {"user": match["user"] or "", "channel": match["channel"] or ""}
    qualifiers = {name: value for name, value in told.items() if value not in ("", "_")}
    return stated(
        *(NAME, path, evidence, match["name"], version),
        line=line,
        text=text,
        says=reference,
        purl=purls.make("conan", match["name"].lower(), version, "", qualifiers),
        resolution=resolution,
        scope=scope,
    )


def _text_file(tree: Tree, path: str) -> Iterator[Found]:
    section = ""
    for number, raw in enumerate(tree.text(path).splitlines(), 1):
        line = raw.partition(" #")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and not line.startswith("#") and section in _SCOPES:
            yield _found(path, line, _SCOPES[section], "declared", number)


def _recipe(tree: Tree, path: str) -> Iterator[Found]:
    """What a recipe says in plain words; what it computes is there, but nobody knows what it is."""
    try:
        parsed = ast.parse(tree.text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Malformed(path, "Python", str(error)[:200]) from error
    for node in ast.walk(parsed):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for each in targets if isinstance(each, ast.Name)]
            wanted = [name for name in names if name in _SCOPES]
            if wanted and node.value is not None:
                yield from _references(path, node.value, _SCOPES[wanted[0]])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            mine = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
            if mine and node.func.attr in _SCOPES and node.args:
                yield from _references(path, node.args[0], _SCOPES[node.func.attr])


def _references(path: str, value: ast.expr, scope: Scope) -> Iterator[Found]:
    if isinstance(value, ast.Constant) and value.value is None:
        return
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield _found(path, value.value, scope, "declared", value.lineno)
    elif isinstance(value, ast.Tuple | ast.List):
        # A tuple of tuples is a reference with its traits: ("zlib/1.3.1", "private").
        for each in value.elts:
            yield from _references(path, _first(each), scope)
    else:
        yield _computed(path, value, scope)


def _first(value: ast.expr) -> ast.expr:
    return value.elts[0] if isinstance(value, ast.Tuple | ast.List) and value.elts else value


def _computed(path: str, value: ast.expr, scope: Scope) -> Found:
    said = ast.unparse(value)[:200]
    start = ""
    if isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        start = str(value.values[0].value).partition("/")[0]
    return stated(
        *(NAME, path, "declared", start or f"what {path} computes in line {value.lineno}"),
        line=value.lineno,
        says=said,
        purl=purls.make("conan", start),
        known_unknown=True,
        resolution="range",
        scope=scope,
    )


def _lock(tree: Tree, path: str) -> Iterator[Found]:
    text = tree.text(path)
    lock = table(read_json(tree.read(path), path), path, "the lock")
    graph = table(lock.get("graph_lock"), path, "graph_lock")
    if graph:
        yield from _first_generation(path, text, graph)
        return
    if not any(name in lock for name in _SCOPES):
        raise Malformed(path, "a Conan lock", "neither graph_lock nor requires")
    for section, scope in _SCOPES.items():
        listed = lock.get(section) or []
        if not isinstance(listed, list):
            raise Malformed(path, f"{section} as a list", type(listed).__name__)
        for each in listed:
            # A reference with its package's data is a pair.
            reference = each[0] if isinstance(each, list) and each else each
            yield _found(path, word(reference, path, section), scope, "lock", text=text)


def _first_generation(path: str, text: str, graph: dict[str, Any]) -> Iterator[Found]:
    nodes = table(graph.get("nodes"), path, "nodes")
    references = {
        number: word(table(node, path, "a node").get("ref"), path, "ref")
        for number, node in nodes.items()
    }
    for number, node in nodes.items():
        reference = references[number]
        # The node of the product itself has no reference, or one that is no package's.
        if not _REFERENCE.match(reference):
            continue
        found = _found(path, reference, "unknown", "lock", text=text)
        needs = [references.get(str(each), "") for each in node.get("requires") or []]
        yield structs.replace(
            found,
            depends_on=tuple(each.partition("/")[0] for each in needs if each),
        )

"""Zephyr's west: `west.yml` names projects by remote and revision; imports may name more.

Source: docs.zephyrproject.org, West Manifests, schema 1.2.
"""

import posixpath
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors.statement import from_git, stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import line_of, read_yaml, rows, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "west"
_MOST_IMPORTS: Final = 64


def collect(tree: Tree) -> Iterator[Found]:
    """Every project of every west manifest in the tree."""
    read: set[str] = set()
    for path in tree.named("west.yml"):
        yield from _manifest(tree, path, read)


def _manifest(tree: Tree, path: str, read: set[str]) -> Iterator[Found]:
    # A manifest that imports itself is read once.
    if path in read:
        return
    read.add(path)
    if len(read) > _MOST_IMPORTS:
        raise Malformed(path, f"at most {_MOST_IMPORTS} manifests", "more")
    text = tree.text(path)
    top = table(read_yaml(tree.read(path), path), path, "the manifest")
    manifest = table(top.get("manifest"), path, "manifest")
    remotes = {
        word(each.get("name"), path, "a remote"): word(each.get("url-base"), path, "url-base")
        for each in rows(manifest.get("remotes"), path, "remotes")
    }
    defaults = table(manifest.get("defaults"), path, "defaults")
    for project in rows(manifest.get("projects"), path, "projects"):
        yield from _project(path, text, project, remotes, defaults)
    own = table(manifest.get("self"), path, "self")
    for inner in _imported(own.get("import"), path):
        yield from _imports(tree, path, inner, read)


def _imports(tree: Tree, path: str, inner: str, read: set[str]) -> Iterator[Found]:
    """What `self: import:` names: a manifest of this tree, or a folder of them."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner))
    if inner.startswith("/") or joined.startswith(".."):
        raise Malformed(path, "imports inside the tree", f"{inner[:80]!r}")
    if joined.endswith((".yml", ".yaml")):
        yield from _manifest(tree, joined, read)
        return
    for each in tree.under(joined):
        if each.endswith((".yml", ".yaml")) and posixpath.dirname(each) == joined:
            yield from _manifest(tree, each, read)


def _imported(value: Any, path: str) -> list[str]:
    if isinstance(value, list):
        return [inner for each in value for inner in _imported(each, path)]
    if isinstance(value, dict):
        return [word(value.get("file", "west.yml"), path, "import file")]
    return [value] if isinstance(value, str) and value not in ("", "true", "false") else []


def _project(
    path: str,
    text: str,
    project: dict[str, Any],
    remotes: dict[str, str],
    defaults: dict[str, Any],
) -> Iterator[Found]:
    name = word(project.get("name"), path, "a project's name")
    revision = word(project.get("revision", defaults.get("revision", "")), path, "revision")
    url = word(project.get("url"), path, "url")
    if not url:
        remote = word(project.get("remote", defaults.get("remote", "")), path, "remote")
        if remote not in remotes:
            raise Malformed(path, f"a remote for the project {name[:60]!r}", f"{remote[:60]!r}")
        url = f"{remotes[remote]}/{word(project.get('repo-path', name), path, 'repo-path')}"
    line = line_of(text, f"name: {name}")
    # Without a revision west takes the branch `master`.
    found = from_git(NAME, path, "lock", name, url, revision or "master", line=line)
    yield found
    for inner in _imported_elsewhere(project.get("import")):
        # The imported manifest lies in the other repository, which is not in this tree.
        yield stated(
            *(NAME, path, "declared", f"projects imported by {name}"),
            line=line,
            says=f"import: {inner}",
            known_unknown=True,
            resolution=found.resolution,
        )


def _imported_elsewhere(value: Any) -> list[str]:
    if value in (None, "", "false"):
        return []
    return [str(value)[:200]]

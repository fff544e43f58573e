"""Git submodules: where they come from is in `.gitmodules`, which commit it is in the tree itself.

Source: git-scm.com/docs/gitmodules.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import Tree

NAME: Final = "submodules"
_SECTION: Final = re.compile(r'^\s*\[submodule\s+"((?:[^"\\]|\\.)*)"\s*\]\s*$')


def collect(tree: Tree) -> Iterator[Found]:
    """Every submodule; one that is declared without a commit in the tree counts as a branch."""
    declared: dict[str, tuple[str, str]] = {}
    for file in tree.named(".gitmodules"):
        for name, settings in _sections(tree.text(file), file).items():
            path = _inside(file, posixpath.dirname(file), settings.get("path", name))
            if path in declared:
                raise Malformed(file, "one submodule for each path", f"two for {path}")
            declared[path] = (file, settings.get("url", ""))
    for path in sorted(declared.keys() | tree.submodules.keys()):
        file, said = declared.get(path, (".gitmodules", ""))
        url, commit = tree.submodules.get(path, (said, ""))
        yield _found(file, tree, path, url or said, commit)


def _found(file: str, tree: Tree, path: str, url: str, commit: str) -> Found:
    return stated(
        *(NAME, file, "submodule", purls.repository_name(url) or posixpath.basename(path)),
        text=tree.text(file) if tree.has(file) else "",
        says=path,
        folder=path,
        revision=commit,
        purl=purls.of_repository(url, commit),
        resolution="pinned" if commit else "branch",
        known_unknown=not url,
    )


def _sections(text: str, file: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if section := _SECTION.match(line):
            current = sections.setdefault(section.group(1), {})
        elif "=" in line and current is not None:
            setting, _, value = line.partition("=")
            current[setting.strip().lower()] = value.strip().strip('"')
        else:
            raise Malformed(file, "submodule sections", f"line {number}: {line[:60]!r}")
    return sections


def _inside(file: str, folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, path))
    if path.startswith("/") or joined.startswith("..") or joined == ".":
        raise Malformed(file, "submodules inside the tree", f"the path {path[:80]!r}")
    return joined

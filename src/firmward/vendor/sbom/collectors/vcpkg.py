"""vcpkg: `vcpkg.json` names ports; overrides pin them, a baseline commit fixes the rest.

Source: learn.microsoft.com/vcpkg, vcpkg.json reference.
"""

from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import line_of, read_json, rows, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "vcpkg"
_VERSIONS: Final = ("version", "version-semver", "version-date", "version-string")


def collect(tree: Tree) -> Iterator[Found]:
    """Every port that a manifest asks for, its features' too."""
    for path in tree.named("vcpkg.json"):
        text = tree.text(path)
        manifest = table(read_json(tree.read(path), path), path, "the manifest")
        pinned = dict(_overrides(manifest, path))
        wanted = list(_ports(manifest.get("dependencies"), path))
        for feature in table(manifest.get("features"), path, "features").values():
            wanted += _ports(table(feature, path, "a feature").get("dependencies"), path)
        for name, host in dict(wanted).items():
            version = pinned.get(name, "")
            yield stated(
                *(NAME, path, "lock" if version else "declared", name, version),
                line=line_of(text, f'"{name}"'),
                purl=purls.make("generic", name, version),
                # A baseline names a commit of the registry; what it holds is not in this tree.
                resolution="pinned" if version or "builtin-baseline" in manifest else "range",
                scope="build" if host else "unknown",
            )


def _ports(value: Any, path: str) -> Iterator[tuple[str, bool]]:
    """(name, whether it is for the build machine only)."""
    if not isinstance(value, list | type(None)):
        raise Malformed(path, "dependencies as a list", type(value).__name__)
    for each in value or []:
        if isinstance(each, dict):
            yield word(each.get("name"), path, "name"), each.get("host") is True
        else:
            yield word(each, path, "name"), False


def _overrides(manifest: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for each in rows(manifest.get("overrides"), path, "overrides"):
        said = next((each[key] for key in _VERSIONS if key in each), None)
        yield word(each.get("name"), path, "name"), word(said, path, "version").partition("#")[0]

"""ESP-IDF's component manager: `idf_component.yml` asks, `dependencies.lock` says what was taken.

Source: docs.espressif.com, idf-component-manager, manifest and dependencies.lock 1.0 and 2.0.
"""

from collections.abc import Iterator
from typing import Any, Final

from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import from_git, required, stated
from firmward.vendor.sbom.parts import Evidence, Found
from firmward.vendor.sbom.reading import line_of, read_yaml, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "esp-idf"
_DEFAULT_OWNER: Final = "espressif"


def collect(tree: Tree) -> Iterator[Found]:
    """Every component asked for or taken; `idf` itself is the framework."""
    for path in tree.named("idf_component.yml"):
        manifest = table(read_yaml(tree.read(path), path), path, "the manifest")
        for name, value in table(manifest.get("dependencies"), path, "dependencies").items():
            each = {"version": value} if isinstance(value, str) else table(value, path, name)
            # A component by its folder is in the tree itself.
            if "path" not in each:
                yield _found(path, tree.text(path), name, each, "declared")
    for path in tree.named("dependencies.lock"):
        lock = table(read_yaml(tree.read(path), path), path, "the lock")
        for name, value in table(lock.get("dependencies"), path, "dependencies").items():
            yield _found(path, tree.text(path), name, table(value, path, name), "lock")


def _found(path: str, text: str, name: str, each: dict[str, Any], evidence: Evidence) -> Found:
    version, resolution = required(word(each.get("version"), path, f"version of {name}"))
    line = line_of(text, f"{name}:")
    source = each.get("source")
    git = each.get("git") or (source.get("git") if isinstance(source, dict) else None)
    if git:
        return from_git(NAME, path, evidence, name, word(git, path, "git"), version, line=line)
    digest = word(each.get("component_hash"), path, "component_hash")
    common: dict[str, Any] = {"line": line, "resolution": resolution}
    if name == "idf":
        purl = purls.make("github", "esp-idf", f"v{version}" if version else "", _DEFAULT_OWNER)
        supplier = "Espressif Systems"
        return stated(
            NAME, path, evidence, "esp-idf", version, purl=purl, supplier=supplier, **common
        )
    owner, _, last = name.rpartition("/")
    owner = owner or _DEFAULT_OWNER
    return stated(
        *(NAME, path, evidence, last, version),
        supplier=owner,
        purl=purls.make("generic", last, version, owner, {"repository_url": _REGISTRY}),
        hashes={"sha256": digest} if digest else {},
        **common,
    )


_REGISTRY: Final = "https://components.espressif.com"

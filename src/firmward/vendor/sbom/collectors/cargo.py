"""Cargo: every package of `Cargo.lock`.  Source: doc.rust-lang.org/cargo, Cargo.lock 1 to 4."""

from collections.abc import Iterator
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import line_of, read_toml, rows, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "cargo"


def collect(tree: Tree) -> Iterator[Found]:
    """Every package that came from elsewhere; those without a source are the product's own."""
    for path in tree.named("Cargo.lock"):
        text = tree.text(path)
        for each in rows(read_toml(tree.read(path), path).get("package"), path, "package"):
            name, version, source, checksum = (
                word(each.get(what), path, what)
                for what in ("name", "version", "source", "checksum")
            )
            if not name or not version:
                raise Malformed(path, "packages with name and version", f"{name[:60]!r}")
            if not source:
                continue
            needs = each.get("dependencies") or []
            commit = source.rpartition("#")[2] if source.startswith("git+") else ""
            qualifiers = {"vcs_url": source.replace("#", "@")} if commit else {}
            yield stated(
                *(NAME, path, "lock", name, version),
                line=line_of(text, f'name = "{name}"\nversion = "{version}"'),
                purl=purls.make("cargo", name, version, "", qualifiers),
                revision=commit,
                hashes={"sha256": checksum} if checksum else {},
                depends_on=tuple(word(need, path, "a dependency").split(" ")[0] for need in needs),
            )

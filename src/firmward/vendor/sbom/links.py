"""Which parts are in the image, told from the linker map; and what came from outside the tree."""

import posixpath
from collections.abc import Iterable

from msgspec import structs

from firmward.vendor.sbom.collectors.compiled import SOURCES, Sources
from firmward.vendor.sbom.collectors.linkmap import Linked
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.parts import Linked as Answer
from firmward.vendor.sbom.tree import Tree


class Links:
    """Every linked object with the sources it may come from."""

    def __init__(self, linked: tuple[Linked, ...], sources: Sources):
        self._sources = {each: sources.of(each) for each in linked}
        self._optimised = any(each.optimised for each in linked)

    @property
    def own(self) -> frozenset[Linked]:
        """The objects whose source is in the tree, and those made of many at link time."""
        return frozenset(
            each for each, sources in self._sources.items() if sources or each.optimised
        )

    def mark(self, parts: Iterable[Found], tree: Tree) -> list[Found]:
        """The parts with `linked` answered where the map tells.

        "yes"  one of its sources is in the image
        "no"   it has sources, and every object that bears the name of one is another part's
        """
        listed = list(parts)
        folders = {part.folder for part in listed if part.folder}
        owners = {each: _owners(sources, folders) for each, sources in self._sources.items()}
        certain = {owner for found in owners.values() if len(found) == 1 for owner in found}
        unsure = {_stem(each.path) for each, found in owners.items() if len(found) != 1}
        return [
            structs.replace(part, linked=self._answer(part, certain, unsure, tree))
            if part.folder and part.linked == "unknown"
            else part
            for part in listed
        ]

    def _answer(self, part: Found, certain: set[str], unsure: set[str], tree: Tree) -> Answer:
        if part.folder in certain:
            return "yes"
        stems = {_stem(path) for path in tree.under(part.folder) if path.endswith(SOURCES)}
        # Link-time optimisation leaves no names to tell by, and headers alone leave no objects.
        if self._optimised or not stems or not self.own:
            return "unknown"
        return "unknown" if stems & unsure else "no"


def _owners(sources: tuple[str, ...], folders: set[str]) -> set[str]:
    """The parts that the candidates belong to, "" for the product's own code."""
    return {_owner(source, folders) for source in sources}


def _owner(path: str, folders: set[str]) -> str:
    above = posixpath.dirname(path)
    while above and above not in folders:
        above = posixpath.dirname(above) if above != "/" else ""
    return above


def _stem(path: str) -> str:
    """The name of a source or object without its endings, and without a target's name before it."""
    name = posixpath.basename(path)
    return name.partition(".")[0].rpartition("-")[2]

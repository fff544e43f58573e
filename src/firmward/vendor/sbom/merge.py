"""Many statements, one part: who speaks of the same thing, and whether they agree.

Statements are about the same part if they are about the same folder; if a known header lies in the
folder of a part of that name; or if they name the same package and nothing tells them apart.  Where
two that can be relied on contradict each other about one place, nothing is released: one of them
would be matched with advisories under the wrong version.
"""

import posixpath
from collections.abc import Iterable

from msgspec import structs

from firmward.binaries.names import bare
from firmward.vendor.sbom import known, purls
from firmward.vendor.sbom.joining import joined, same
from firmward.vendor.sbom.parts import Found, SbomRefused

_MACRO = "macro"


def merge(found: Iterable[Found]) -> tuple[Found, ...]:
    """Every part once, by name.  Raises SbomRefused where two statements contradict each other."""
    listed = list(found)
    _refuse_stale_locks(listed)
    placed = [part for part in listed if part.folder]
    groups = _by_folder(placed)
    rest = _absorbed([part for part in listed if not part.folder], groups)
    merged = [joined(group) for group in [*groups.values(), *rest]]
    return tuple(sorted(merged, key=lambda part: (part.name, part.folder, part.version)))


def _identity(part: Found) -> str:
    """What the part is called, whoever speaks of it: the known part's name, else its own."""
    recognised = known.recognised(part.name, part.purl)
    return recognised.name if recognised else bare(part.name)


def _by_folder(placed: list[Found]) -> dict[str, list[Found]]:
    """Folder -> all that is said of the part in it."""
    groups: dict[str, list[Found]] = {}
    for part in placed:
        if part.evidence != _MACRO or part.paths == ():
            groups.setdefault(part.folder, []).append(part)
    # A header nearer to the top of the folder speaks for the part; one further down may belong to
    # a copy that another part brought along.
    recognised = [part for part in placed if part.evidence == _MACRO and part.paths]
    for part in sorted(recognised, key=lambda part: (part.paths[0].count("/"), part.paths[0])):
        home = _home(part, groups)
        spoken = [each for each in groups.get(home, ()) if each.evidence == _MACRO and each.paths]
        if any(each.version != part.version and _deeper(part, each) for each in spoken):
            home = posixpath.dirname(part.paths[0])
        groups.setdefault(home, []).append(structs.replace(part, folder=home))
    return groups


def _home(part: Found, groups: dict[str, list[Found]]) -> str:
    """The folder of the part that a header belongs to: the nearest one above of its name."""
    above = posixpath.dirname(part.paths[0])
    while above:
        if any(_identity(each) == _identity(part) for each in groups.get(above, ())):
            return above
        above = posixpath.dirname(above)
    return part.folder


def _deeper(part: Found, other: Found) -> bool:
    return part.paths[0].count("/") > other.paths[0].count("/")


def _absorbed(loose: list[Found], groups: dict[str, list[Found]]) -> list[list[Found]]:
    """Statements without a folder: those about a part that has one join it, equal ones another."""
    by_identity: dict[str, list[list[Found]]] = {}
    for group in groups.values():
        by_identity.setdefault(_identity(group[0]), []).append(group)
    rest: dict[tuple[str, str, str], list[Found]] = {}
    ranges: list[Found] = []
    for part in loose:
        homes = by_identity.get(_identity(part), []) if _source_like(part) else []
        if len(homes) == 1 and _fits(part, homes[0]):
            homes[0].append(structs.replace(part, folder=homes[0][0].folder))
        elif part.resolution == "range" and not part.version:
            ranges.append(part)
        else:
            rest.setdefault(_key(part), []).append(part)
    _place_ranges(ranges, rest)
    return list(rest.values())


def _source_like(part: Found) -> bool:
    """Whether it could be what lies in the tree: not an image's package, nor a script's."""
    kind = part.purl.removeprefix("pkg:").partition("/")[0]
    return kind in ("", "generic", "github", "bitbucket", "conan", "platformio")


def _fits(part: Found, group: list[Found]) -> bool:
    """Whether a statement can be about a part in the tree: it names no other version."""
    versions = {each.version for each in group if each.version}
    return not part.version or not versions or any(same(part.version, each) for each in versions)


def _key(part: Found) -> tuple[str, str, str]:
    """Equal for statements about one package in one version."""
    if part.known_unknown and not part.purl:
        return part.name, part.origin.path, part.origin.says
    return purls.key(part.purl) or _identity(part), part.version, part.revision


def _place_ranges(ranges: list[Found], rest: dict[tuple[str, str, str], list[Found]]) -> None:
    """What a manifest asks for belongs to what a lock or another statement says was taken."""
    by_package: dict[str, list[list[Found]]] = {}
    for (package, _, _), group in rest.items():
        by_package.setdefault(package, []).append(group)
        by_package.setdefault(f"name:{_identity(group[0])}", []).append(group)
    for part in ranges:
        near = by_package.get(purls.key(part.purl), [])
        near = near or (by_package.get(f"name:{_identity(part)}", []) if _source_like(part) else [])
        here = [group for group in near if _folder_of(group[0]) == _folder_of(part)]
        if chosen := here or near:
            chosen[0].append(part)
        else:
            rest.setdefault(_key(part), []).append(part)


def _folder_of(part: Found) -> str:
    return posixpath.dirname(part.origin.path)


def _refuse_stale_locks(listed: list[Found]) -> None:
    """A manifest that pins one version beside a lock that took another: one of them is not true."""
    locked: dict[tuple[str, str], set[str]] = {}
    for part in listed:
        if part.evidence == "lock" and part.purl and part.version:
            place = (_folder_of(part), purls.key(part.purl))
            locked.setdefault(place, set()).add(part.version)
    for part in listed:
        versions = locked.get((_folder_of(part), purls.key(part.purl)), set())
        pinned = part.evidence == "declared" and part.version and not part.folder
        if pinned and versions and not any(same(part.version, each) for each in versions):
            got = f"{', '.join(sorted(versions))} in the lock beside {part.origin.path}"
            raise SbomRefused(part.name, f"version {part.version}", got)

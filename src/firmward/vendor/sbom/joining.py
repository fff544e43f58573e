"""One part out of all statements about it: the strongest says the version, each adds the rest."""

from collections.abc import Sequence
from typing import Final

from msgspec import structs
from packageurl import PackageURL

from firmward.vendor.sbom import known
from firmward.vendor.sbom.parts import STRENGTH, Found, Linked, Origin, SbomRefused, Scope

# A bare find_package, or a text in a binary, is too little to stop a release over.
_RELIABLE: Final = 0.5
_WEAK: Final = "version-string"


def joined(group: Sequence[Found]) -> Found:
    """The part that these statements are about.

    raises  SbomRefused where two that can be relied on give it different versions
    """
    ordered = sorted(group, key=_strength)
    versioned = [part for part in ordered if part.version]
    _refuse_contradiction(versioned)
    best = versioned[0] if versioned else ordered[0]
    revision = next((part.revision for part in ordered if part.revision), "")
    version = best.version or revision
    people = sorted(ordered, key=lambda part: part.evidence != "declared")
    part = structs.replace(
        best,
        name=people[0].name,
        version=version,
        revision=revision,
        origins=tuple(sorted(dict.fromkeys(_origins(ordered)), key=_origin_strength)),
        supplier=_first(people, "supplier"),
        licence=_first(people, "licence"),
        files={path: sha256 for each in people for path, sha256 in each.files.items()},
        hashes={name: digest for each in ordered for name, digest in each.hashes.items()},
        paths=tuple(sorted({path for each in ordered for path in each.paths})),
        cpes=tuple(dict.fromkeys(cpe for each in people for cpe in each.cpes)),
        depends_on=tuple(dict.fromkeys(need for each in ordered for need in each.depends_on)),
        confidence=_confidence(ordered, version),
        linked=_linked(ordered),
        scope=_scope(ordered),
        known_unknown=all(each.known_unknown for each in ordered),
        support_level=_first(people, "support_level"),
        cared=next((each.cared for each in people if each.cared), ()),
        end_of_support=next((each.end_of_support for each in people if each.end_of_support), None),
    )
    return _completed(_named(part, people))


def _strength(part: Found) -> tuple[int, str]:
    return STRENGTH.index(part.evidence), part.origin.path


def _origin_strength(origin: Origin) -> tuple[int, str, int]:
    return STRENGTH.index(origin.evidence), origin.path, origin.line


def _origins(parts: Sequence[Found]) -> list[Origin]:
    return [origin for part in parts for origin in part.origins]


def _refuse_contradiction(versioned: Sequence[Found]) -> None:
    relied = [part for part in versioned if part.evidence != _WEAK and part.confidence >= _RELIABLE]
    # What people wrote is what a reader expects; what the bytes say is what came instead.
    relied.sort(key=lambda part: part.evidence != "declared")
    for part in relied[1:]:
        if not same(part.version, relied[0].version):
            origin = part.origin
            where = f"{origin.path}:{origin.line}" if origin.line else origin.path
            got = f"{part.version} in {origin.says or origin.collector} of {where}"
            raise SbomRefused(relied[0].name, f"version {relied[0].version}", got)


def same(one: str, other: str) -> bool:
    """Whether two spellings mean one version: 1.2 is 1.2.0, v1.2 and, before its release, 1.2-dev.

    >>> same("v3.6.0", "3.6"), same("1.2.13", "1.2.1")
    (True, False)
    """
    return _spelt(one) == _spelt(other)


def _spelt(version: str) -> str:
    text = version.strip().lower().removeprefix("v").removesuffix("-dev")
    numbers = text.split(".")
    while len(numbers) > 1 and numbers[-1] == "0" and all(each.isdigit() for each in numbers):
        numbers.pop()
    return ".".join(numbers)


def _first(parts: Sequence[Found], field: str) -> str:
    return next((value for part in parts if (value := getattr(part, field))), "")


def _linked(parts: Sequence[Found]) -> Linked:
    answers = {part.linked for part in parts}
    return "yes" if "yes" in answers else "no" if "no" in answers else "unknown"


def _scope(parts: Sequence[Found]) -> Scope:
    """A tool only where everybody says so: a part that ships is never hidden by one who builds."""
    scopes = {part.scope for part in parts}
    return "ships" if "ships" in scopes else "unknown" if "unknown" in scopes else "build"


def _confidence(parts: Sequence[Found], version: str) -> float:
    """Independent kinds of evidence that agree leave less doubt together than each alone."""
    doubt: dict[str, float] = {}
    for part in parts:
        if same(part.version or version, version):
            left = 1 - part.confidence
            doubt[part.evidence] = min(left, doubt.get(part.evidence, 1.0))
    remaining = 1.0
    for left in doubt.values():
        remaining *= left
    certain = any(part.confidence == 1.0 for part in parts)
    return 1.0 if certain else min(0.99, round(1 - remaining, 3))


def _named(part: Found, people: Sequence[Found]) -> Found:
    """The package URL that people gave, else the strongest; the others as further names."""
    listed = [each for each in people if each.purl]
    # A repository at a commit names the source; the package's own name is what advisories use.
    listed.sort(key=lambda each: (each.evidence != "declared", each.evidence == "submodule"))
    named = [_versioned(each.purl, part) for each in listed]
    others = [*named[1:], *(purl for each in people for purl in each.other_purls)]
    main = named[0] if named else ""
    others = [purl for purl in dict.fromkeys(others) if purl != main]
    return structs.replace(part, purl=main, other_purls=tuple(others))


def _versioned(purl: str, part: Found) -> str:
    parsed = PackageURL.from_string(purl)
    if parsed.version or not part.version or part.version == part.revision:
        return purl
    if parsed.type in ("github", "bitbucket"):
        return purl
    return parsed._replace(version=part.version).to_string()


def _completed(part: Found) -> Found:
    """What the table of known parts adds where nobody said it."""
    recognised = known.recognised(part.name, part.purl)
    if recognised is None or part.kind != "library":
        return part
    version = "" if part.version == part.revision else part.version
    return structs.replace(
        part,
        supplier=part.supplier or recognised.supplier,
        licence=part.licence or recognised.licence,
        purl=part.purl or recognised.purl(version),
        cpes=part.cpes or recognised.cpe_names(version),
    )

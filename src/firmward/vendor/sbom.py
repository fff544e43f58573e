"""The software bill of materials: what is in the image, from whom, and for how long supported.

Components are declared in the tree and checked against it: a vendored folder that nobody declared,
a declared version that the header contradicts and a missing NTIA element each stop the release.
"""

import hashlib
import json
import re
import tomllib
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from firmward.terms.advisories import Component
from firmward.terms.errors import Malformed, Refused
from firmward.vendor.source import Checkout

_NAMESPACE: Final = uuid.UUID("6f0f3a5e-5a0c-5f0e-9a53-0d6d3a1a7f10")
_HEADERS: Final = (".h", ".hpp", ".hh")


class SbomRefused(Refused):
    """A tree whose components are not what they are said to be."""

    def __init__(self, component: str, expected: str, got: str):
        self.component, self.expected, self.got = component, expected, got
        super().__init__(f"component {component}: expected {expected}, got {got}")


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[component]] of a components file; `path` is relative to the source root."""

    name: str
    version: str
    supplier: str
    purl: str
    licence: str
    path: str
    support_level: Literal["maintained", "not_maintained", "abandoned"]
    end_of_support: date


@dataclass(frozen=True)
class Collected:
    """A declared component as the tree bears it out.

    files   path -> SHA-256 of everything in its folder
    macro   the version macro that says the same as the declaration, "" where there is none
    """

    declared: Declared
    files: dict[str, str]
    macro: str

    @property
    def component(self) -> Component:
        """The component as advisories are matched with it."""
        declared = self.declared
        return Component(
            name=declared.name,
            version=declared.version,
            purl=declared.purl,
            supplier=declared.supplier,
        )


def collect(tree: Checkout) -> tuple[Collected, ...]:
    """Every component of the tree, by name.  Raises SbomRefused, Malformed."""
    rules = tree.project.sbom
    declared = [each for path in rules.components for each in _declared(tree.root, path)]
    known = {each.path.strip("/") for each in declared}
    for folder in rules.vendored:
        for found in sorted((tree.root / folder).iterdir() if folder else []):
            name = found.relative_to(tree.root).as_posix()
            if found.is_dir() and name not in known:
                raise SbomRefused(found.name, f"a declaration of {name}", "none")
    return tuple(sorted((_collected(tree.root, each) for each in declared), key=_by_name))


def _by_name(part: Collected) -> tuple[str, str]:
    return part.declared.name, part.declared.path


def _declared(root: Path, path: str) -> list[Declared]:
    try:
        listed = tomllib.loads((root / path).read_text("utf-8")).get("component", [])
        return msgspec.convert(listed, list[Declared])
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise Malformed(path, "[[component]] tables", str(error)[:200]) from error


def _collected(root: Path, declared: Declared) -> Collected:
    _refuse_other_purl(declared)
    folder = (root / declared.path).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root.resolve()):
        raise SbomRefused(declared.name, f"the folder {declared.path}", "none")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        raise SbomRefused(declared.name, f"files in {declared.path}", "none")
    return Collected(
        declared=declared,
        files={
            path.relative_to(root.resolve()).as_posix(): _sha256(path.read_bytes())
            for path in files
        },
        macro=_macro(declared, [path for path in files if path.suffix in _HEADERS]),
    )


def _refuse_other_purl(declared: Declared) -> None:
    """Advisories are found by the purl and judged by the version: the two must be of one thing."""
    try:
        purl = PackageURL.from_string(declared.purl)
    except ValueError as error:
        raise SbomRefused(declared.name, "a package URL", declared.purl[:80]) from error
    if purl.version != declared.version:
        raise SbomRefused(
            declared.name, f"a purl of version {declared.version}", declared.purl[:80]
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _macro(declared: Declared, headers: list[Path]) -> str:
    """The macro that confirms the version.  Raises SbomRefused for one that contradicts it."""
    prefix = re.sub(r"[^A-Z0-9]", "_", declared.name.upper())
    pattern = re.compile(rf'#\s*define\s+({re.escape(prefix)}_VERSION\w*)\s+"([^"\n]+)"')
    for header in headers:
        for macro, text in pattern.findall(header.read_text("utf-8", errors="replace")):
            if text != declared.version:
                got = f"{text} in {macro} of {header.name}"
                raise SbomRefused(declared.name, f"version {declared.version}", got)
            return str(macro)
    return ""


def document(
    tree: Checkout,
    parts: tuple[Collected, ...],
    release: tuple[str, str],
    toolchain: dict[str, str],
    now: datetime,
) -> dict[str, Any]:
    """The CycloneDX 1.6 document about the image of `release` (version, SHA-256).

    raises  SbomRefused where an NTIA minimum element is missing
    """
    version, sha256 = release
    project = tree.project
    main = Part(
        type=ComponentType.FIRMWARE,
        name=project.product,
        version=version,
        bom_ref=project.product,
        supplier=OrganizationalEntity(name=project.vendor),
        purl=PackageURL("generic", project.vendor, project.product, version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    listed = [_part(each) for each in parts]
    dependencies = [Dependency(part.bom_ref) for part in listed]
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, sha256),
        components=listed,
        dependencies=[*dependencies, Dependency(main.bom_ref, dependencies=dependencies)],
        metadata=BomMetaData(
            component=main,
            authors=[OrganizationalContact(name=project.vendor)],
            supplier=OrganizationalEntity(name=project.vendor),
            timestamp=now.replace(microsecond=0),
            tools=ToolRepository(components=[_tool(*each) for each in sorted(toolchain.items())]),
        ),
    )
    made = dict(json.loads(JsonV1Dot6(bom).output_as_string()))
    _refuse_gaps(made)
    return made


def _part(each: Collected) -> Part:
    declared = each.declared
    said = [
        ("firmward:support_level", declared.support_level),
        ("firmward:end_of_support", f"{declared.end_of_support.isoformat()}T00:00:00Z"),
        ("firmward:version_from", each.macro or "declaration"),
        *(("firmward:file", f"sha256:{sha256} {path}") for path, sha256 in each.files.items()),
    ]
    return Part(
        type=ComponentType.LIBRARY,
        name=declared.name,
        version=declared.version,
        bom_ref=f"{declared.name}@{declared.version}",
        supplier=OrganizationalEntity(name=declared.supplier),
        purl=PackageURL.from_string(declared.purl),
        licenses=[LicenseExpression(declared.licence)],
        properties=[Property(name=name, value=value) for name, value in said],
    )


def _tool(name: str, version: str) -> Part:
    return Part(type=ComponentType.APPLICATION, name=name, version=version, bom_ref=f"tool:{name}")


def gaps(bom: dict[str, Any]) -> tuple[str, ...]:
    """The NTIA minimum elements that a CycloneDX document lacks, in words.

    Source: NTIA, The Minimum Elements For a Software Bill of Materials, 2021, table of data fields.
    """
    metadata = bom.get("metadata", {})
    found = [name for name in ("authors", "timestamp", "component") if not metadata.get(name)]
    related = {each["ref"] for each in bom.get("dependencies", [])}
    for part in bom.get("components", []):
        lacks = [name for name in ("name", "version", "purl") if not part.get(name)]
        lacks += ["supplier"] if not part.get("supplier", {}).get("name") else []
        lacks += ["dependency"] if part.get("bom-ref") not in related else []
        found += [f"{part.get('name', '?')}: {name}" for name in lacks]
    return tuple(found)


def _refuse_gaps(bom: dict[str, Any]) -> None:
    missing = gaps(bom)
    if missing:
        raise SbomRefused("sbom", "the NTIA minimum elements", f"none of {', '.join(missing)}")

"""The bill of materials as a CycloneDX 1.6 document, and what the NTIA minimum asks of one."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentScope, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from firmward.vendor.project import Project
from firmward.vendor.sbom.parts import Care, Found, Inventory, SbomRefused

_NAMESPACE: Final = uuid.UUID("6f0f3a5e-5a0c-5f0e-9a53-0d6d3a1a7f10")
UNKNOWN: Final = "firmward:unknown"


def document(
    project: Project,
    inventory: Inventory,
    release: tuple[str, str],
    toolchain: dict[str, str],
    now: datetime,
    beside: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The CycloneDX 1.6 document about the image of `release` (version, SHA-256).

    beside  part name -> SHA-256 of what is released beside the image, as it is published
    raises  SbomRefused where an NTIA minimum element is missing and not declared as unknown
    """
    version, sha256 = release
    main = Part(
        type=ComponentType.FIRMWARE,
        name=project.product,
        version=version,
        bom_ref=project.product,
        supplier=OrganizationalEntity(name=project.vendor),
        purl=PackageURL("generic", project.vendor, project.product, version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    listed = [
        _part(
            each,
            f"{each.name}@{each.version}" + (f"#{number}" if number else ""),
            (beside or {}).get(each.name, ""),
        )
        for each, number in _numbered(inventory.parts)
    ]
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
    made["compositions"] = [_composition(inventory, main.bom_ref.value or "")]
    _refuse_gaps(made)
    return made


def _composition(inventory: Inventory, main: str) -> dict[str, Any]:
    """How complete the list is (CycloneDX 1.6 compositions; NTIA 2021, known unknowns)."""
    unknown = any(each.known_unknown for each in inventory.parts)
    return {"aggregate": "incomplete" if unknown else "complete", "assemblies": [main]}


def _numbered(parts: tuple[Found, ...]) -> list[tuple[Found, int]]:
    """Each part and how many of its name and version came before: references must be unique."""
    seen: dict[tuple[str, str], int] = {}
    numbered = []
    for part in parts:
        key = (part.name, part.version)
        numbered.append((part, seen.get(key, 0)))
        seen[key] = seen.get(key, 0) + 1
    return numbered


def _part(each: Found, reference: str, sha256: str) -> Part:
    said = [
        ("firmward:support_level", each.support_level),
        ("firmward:end_of_support", _moment(each)),
        *_cared(each),
        ("firmward:version_from", each.origin.says or each.evidence),
        ("firmward:linked", "" if each.linked == "unknown" else each.linked),
        *((UNKNOWN, name) for name in each.unknowns),
        *(("firmward:file", f"sha256:{sha256} {path}") for path, sha256 in each.files.items()),
    ]
    return Part(
        type=ComponentType(each.kind),
        name=each.name,
        version=each.version or None,
        bom_ref=reference,
        scope=ComponentScope.EXCLUDED if each.scope == "build" else None,
        supplier=OrganizationalEntity(name=each.supplier) if each.supplier else None,
        purl=PackageURL.from_string(each.purl) if each.purl else None,
        licenses=[LicenseExpression(each.licence)] if each.licence else None,
        cpe=each.cpes[0] if each.cpes else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else None,
        properties=[Property(name=name, value=value) for name, value in said if value],
    )


def _cared(each: Found) -> Iterator[tuple[str, str]]:
    """What the vendor does about a part, as IEC 62304 asks of what others made."""
    yield "firmward:soup", "false" if "own" in each.cared else "true"
    said: dict[Care, str] = {
        "requirements-stated": "firmward:soup_requirements",
        "anomalies-evaluated": "firmward:anomaly_list_evaluated",
        "replacement-planned": "firmward:replacement_plan",
    }
    for care, name in said.items():
        if care in each.cared:
            yield name, "true"


def _moment(each: Found) -> str:
    return f"{each.end_of_support.isoformat()}T00:00:00Z" if each.end_of_support else ""


def _tool(name: str, version: str) -> Part:
    return Part(type=ComponentType.APPLICATION, name=name, version=version, bom_ref=f"tool:{name}")


def gaps(bom: dict[str, Any]) -> tuple[str, ...]:
    """The NTIA minimum elements that a CycloneDX document lacks, in words.

    An element that the document itself declares as unknown is no gap: the minimum asks for known
    unknowns to be told apart from silence.

    Source: NTIA, The Minimum Elements For a Software Bill of Materials, 2021, table of data fields.
    """
    metadata = bom.get("metadata", {})
    found = [name for name in ("authors", "timestamp", "component") if not metadata.get(name)]
    related = {each["ref"] for each in bom.get("dependencies", [])}
    for part in bom.get("components", []):
        said = {each["value"] for each in part.get("properties", []) if each["name"] == UNKNOWN}
        lacks = [name for name in ("name", "version", "purl") if not part.get(name)]
        lacks += ["supplier"] if not part.get("supplier", {}).get("name") else []
        lacks += ["dependency"] if part.get("bom-ref") not in related else []
        found += [f"{part.get('name', '?')}: {name}" for name in lacks if name not in said]
    return tuple(found)


def _refuse_gaps(bom: dict[str, Any]) -> None:
    missing = gaps(bom)
    if missing:
        raise SbomRefused("sbom", "the NTIA minimum elements", f"none of {', '.join(missing)}")

"""The bill of materials as an SPDX 2.3 document, for hospitals that read no CycloneDX.

It says what the CycloneDX document says; SPDX's own words for the unknown are NOASSERTION.
"""

import json
import re
import uuid
from datetime import UTC, datetime, time
from io import StringIO
from typing import Any, Final

from license_expression import ExpressionError
from spdx_tools.common.spdx_licensing import spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from firmward.vendor.project import Project
from firmward.vendor.sbom.parts import Found, Inventory, SbomRefused

_NAMESPACE: Final = uuid.UUID("0b6a8f0e-7f3c-5f6d-8c43-54f3c70b8d5e")
_HASHES: Final = {"sha256": ChecksumAlgorithm.SHA256, "sha512": ChecksumAlgorithm.SHA512}
_HEX: Final = re.compile(r"^[0-9a-f]+\Z")
_MAIN: Final = "SPDXRef-firmware"
_PURPOSES: Final = {
    "library": PackagePurpose.LIBRARY,
    "application": PackagePurpose.APPLICATION,
    "operating-system": PackagePurpose.OPERATING_SYSTEM,
    "firmware": PackagePurpose.FIRMWARE,
    "file": PackagePurpose.FILE,
    "data": PackagePurpose.OTHER,
}


def document(
    project: Project,
    inventory: Inventory,
    release: tuple[str, str],
    toolchain: dict[str, str],
    now: datetime,
) -> dict[str, Any]:
    """The SPDX 2.3 document about the image of `release` (version, SHA-256).

    raises  SbomRefused for what the specification's own validator turns away
    """
    version, sha256 = release
    packages = [_package(part, f"SPDXRef-{number}") for number, part in enumerate(inventory.parts)]
    made = Document(
        creation_info=CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id="SPDXRef-DOCUMENT",
            name=f"{project.product}-{version}",
            document_namespace=f"urn:uuid:{uuid.uuid5(_NAMESPACE, sha256)}",
            creators=[
                Actor(ActorType.ORGANIZATION, project.vendor),
                *(Actor(ActorType.TOOL, f"{n}-{v}") for n, v in sorted(toolchain.items())),
            ],
            # SPDX knows no zone but Z, and spdx-tools writes naive times as they are.
            created=now.astimezone(UTC).replace(microsecond=0, tzinfo=None),
        ),
        packages=[_firmware(project, version, sha256), *packages],
        relationships=[
            Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, _MAIN),
            *(_related(part, package) for part, package in _pairs(inventory, packages)),
        ],
    )
    problems = validate_full_spdx_document(made, "SPDX-2.3")
    if problems:
        raise SbomRefused("sbom", "valid SPDX 2.3", problems[0].validation_message[:300])
    stream = StringIO()
    write_document_to_stream(made, stream, validate=False)
    return dict(json.loads(stream.getvalue()))


def _pairs(inventory: Inventory, packages: list[Package]) -> list[tuple[Found, Package]]:
    return list(zip(inventory.parts, packages, strict=True))


def _firmware(project: Project, version: str, sha256: str) -> Package:
    return Package(
        spdx_id=_MAIN,
        name=project.product,
        version=version,
        download_location=SpdxNoAssertion(),
        supplier=Actor(ActorType.ORGANIZATION, project.vendor),
        checksums=[Checksum(ChecksumAlgorithm.SHA256, sha256)],
        primary_package_purpose=PackagePurpose.FIRMWARE,
        files_analyzed=False,
    )


def _package(part: Found, spdx_id: str) -> Package:
    supplier = Actor(ActorType.ORGANIZATION, part.supplier) if part.supplier else None
    ended = part.end_of_support
    return Package(
        spdx_id=spdx_id,
        name=part.name,
        version=part.version or None,
        download_location=SpdxNoAssertion(),
        supplier=supplier or SpdxNoAssertion(),
        license_concluded=SpdxNoAssertion(),
        license_declared=_licence(part.licence),
        checksums=_checksums(part),
        external_references=_references(part),
        comment=_comment(part) or None,
        primary_package_purpose=_PURPOSES[part.kind],
        valid_until_date=datetime.combine(ended, time()) if ended else None,
        files_analyzed=False,
    )


def _licence(text: str) -> Any:
    """What nobody can parse as an SPDX expression is not asserted."""
    if not text:
        return SpdxNoAssertion()
    try:
        return spdx_licensing.parse(text)
    except ExpressionError:
        return SpdxNoAssertion()


def _checksums(part: Found) -> list[Checksum]:
    usable = [(name, value) for name, value in part.hashes.items() if name in _HASHES]
    return [Checksum(_HASHES[name], value) for name, value in usable if _HEX.match(value)]


def _references(part: Found) -> list[ExternalPackageRef]:
    package, security = (
        ExternalPackageRefCategory.PACKAGE_MANAGER,
        ExternalPackageRefCategory.SECURITY,
    )
    named = [ExternalPackageRef(package, "purl", part.purl)] if part.purl else []
    return named + [ExternalPackageRef(security, "cpe23Type", cpe) for cpe in part.cpes]


def _comment(part: Found) -> str:
    """What SPDX 2.3 has no field for, in the words of the CycloneDX properties."""
    said = {
        "support": part.support_level,
        "version from": part.origin.says or part.evidence,
        "linked": "" if part.linked == "unknown" else part.linked,
        "unknown": ", ".join(part.unknowns),
    }
    return "; ".join(f"{name}: {value}" for name, value in said.items() if value)


def _related(part: Found, package: Package) -> Relationship:
    if part.scope == "build":
        return Relationship(package.spdx_id, RelationshipType.BUILD_TOOL_OF, _MAIN)
    return Relationship(_MAIN, RelationshipType.CONTAINS, package.spdx_id)

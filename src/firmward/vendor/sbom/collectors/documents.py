"""Bills of materials that suppliers deliver beside their code: CycloneDX or SPDX, as JSON.

What a supplier says of its own part is a declaration: it names what no header tells, such as the
parts of a binary library, and gives way to what the tree itself shows.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.terms.wire import parse
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import LARGEST, Tree

NAME: Final = "supplier's document"
ENDINGS: Final = (".cdx.json", ".spdx.json")


def collect(tree: Tree, listed_in: tuple[str, ...]) -> Iterator[Found]:
    """Every component of the listed documents.  Raises Malformed for what is neither format."""
    for path in listed_in:
        data = tree.read(path)
        value = parse(data, path, limit=LARGEST)
        if isinstance(value, dict) and value.get("bomFormat") == "CycloneDX":
            yield from _cyclonedx(value, path)
        elif isinstance(value, dict) and str(value.get("spdxVersion", "")).startswith("SPDX-2."):
            yield from _spdx(data, path)
        else:
            raise Malformed(path, "CycloneDX or SPDX 2 in JSON", "neither")


def _cyclonedx(value: dict[str, Any], path: str) -> Iterator[Found]:
    from cyclonedx.exception import CycloneDxException
    from cyclonedx.model.bom import Bom

    try:
        read: Any = Bom.from_json(value)  # type: ignore[attr-defined]
        components = list(_flat(read.components))
    except (CycloneDxException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(path, "CycloneDX", str(error)[:200]) from error
    for each in components:
        licence = next(iter(each.licenses), None)
        yield stated(
            *(NAME, path, "declared", each.name, each.version or ""),
            supplier=each.supplier.name if each.supplier else "",
            purl=each.purl.to_string() if each.purl else "",
            cpes=(each.cpe,) if each.cpe else (),
            licence=str(getattr(licence, "value", "") or getattr(licence, "id", "") or ""),
            known_unknown=not each.version,
        )


def _flat(components: Any) -> Iterator[Any]:
    for each in components:
        if each.type.value != "file":
            yield each
        yield from _flat(each.components)


def _spdx(data: bytes, path: str) -> Iterator[Found]:
    from spdx_tools.spdx.model import SpdxNoAssertion, SpdxNone
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.parse_anything import parse_file

    logging.getLogger("spdx_tools").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="firmward-spdx-") as name:
        file = Path(name) / "document.spdx.json"
        file.write_bytes(data)
        try:
            read = parse_file(str(file))
        except (SPDXParsingError, json.JSONDecodeError, ValueError, TypeError) as error:
            raise Malformed(path, "SPDX 2", str(error)[:200]) from error
    described = {
        each.related_spdx_element_id
        for each in read.relationships
        if each.relationship_type.name == "DESCRIBES"
    }
    absent = (SpdxNoAssertion, SpdxNone, type(None))
    for package in read.packages:
        # What the document is about is the supplier's own product, and a part of ours as well.
        named = {each.reference_type: each.locator for each in package.external_references}
        supplier, licence = package.supplier, package.license_declared
        yield stated(
            *(NAME, path, "declared", package.name, package.version or ""),
            says="described" if package.spdx_id in described else "",
            supplier="" if isinstance(supplier, absent) else str(getattr(supplier, "name", "")),
            purl=named.get("purl", ""),
            cpes=tuple(v for name, v in named.items() if name.startswith("cpe23")),
            licence="" if isinstance(licence, absent) else str(licence),
            known_unknown=not package.version,
        )

"""The inventory as a CycloneDX 1.6 bill of cryptography, with the evidence for each entry."""

import hashlib
import json
import uuid
from decimal import Decimal
from typing import Any, Final

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import (
    AnalysisTechnique,
    ComponentEvidence,
    Identity,
    IdentityField,
    Method,
    Occurrence,
)
from cyclonedx.model.crypto import (
    AlgorithmProperties,
    CryptoAssetType,
    CryptoExecutionEnvironment,
    CryptoMode,
    CryptoPrimitive,
    CryptoProperties,
    ProtocolProperties,
    ProtocolPropertiesType,
)
from cyclonedx.output.json import JsonV1Dot6

from firmward.vendor.scan.crypto.rules import TOOL, VERSION
from firmward.vendor.scan.crypto.signs import Asset, Sign

_NAMESPACE: Final = uuid.UUID("0a8b4f9e-6a0b-5a34-8a0e-0d1f6f3d9a52")
_MOST_OCCURRENCES: Final = 50
_LEAST: Final = Decimal("0.01")


def cbom(inventory: tuple[Asset, ...], product: str, version: str) -> dict[str, Any]:
    """The document: the same inventory gives the same bytes, serial number included."""
    subject = Component(
        name=product, version=version, type=ComponentType.FIRMWARE, bom_ref=f"{product}@{version}"
    )
    metadata = BomMetaData(component=subject)
    metadata.tools.components.add(
        Component(name=TOOL, version=VERSION, type=ComponentType.APPLICATION)
    )
    parts = [_component(asset) for asset in inventory]
    bom = Bom(components=parts, metadata=metadata)
    bom.register_dependency(subject, parts)
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    # The time it was written is the statement's to tell; here it would make each run another file.
    del document["metadata"]["timestamp"]
    for part in document.get("components", ()):
        _in_order(part["evidence"])
    document.pop("serialNumber", None)
    body = json.dumps(document, sort_keys=True).encode()
    serial = uuid.uuid5(_NAMESPACE, hashlib.sha256(body).hexdigest())
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def _in_order(evidence: dict[str, Any]) -> None:
    """Sort what the library keeps in sets without an order of their own."""
    evidence["occurrences"].sort(key=json.dumps)
    for identity in evidence["identity"]:
        identity["methods"].sort(key=json.dumps)


def _component(asset: Asset) -> Component:
    known = asset.algorithm
    facts = {"firmward:confidence": f"{asset.confidence:.2f}", "firmward:outdated": known.outdated}
    return Component(
        name=known.name,
        type=ComponentType.CRYPTOGRAPHIC_ASSET,
        bom_ref=f"crypto/{known.name}",
        crypto_properties=_properties(asset),
        evidence=_evidence(asset),
        properties=[Property(name=name, value=value) for name, value in facts.items() if value],
    )


def _properties(asset: Asset) -> CryptoProperties:
    known = asset.algorithm
    if known.primitive == "protocol":
        return CryptoProperties(
            asset_type=CryptoAssetType.PROTOCOL,
            protocol_properties=ProtocolProperties(
                type=ProtocolPropertiesType.TLS, version=known.parameter
            ),
        )
    mode = known.primitive == "mode"
    return CryptoProperties(
        asset_type=CryptoAssetType.ALGORITHM,
        oid=known.oid or None,
        algorithm_properties=AlgorithmProperties(
            primitive=CryptoPrimitive.BLOCK_CIPHER if mode else CryptoPrimitive(known.primitive),
            mode=CryptoMode.ECB if mode else None,
            parameter_set_identifier=known.parameter or None,
            curve=known.parameter if known.parameter.startswith(("secp", "Curve", "Ed")) else None,
            execution_environment=CryptoExecutionEnvironment.SOFTWARE_PLAIN_RAM,
        ),
    )


def _evidence(asset: Asset) -> ComponentEvidence:
    best: dict[AnalysisTechnique, Sign] = {}
    for sign in asset.where:
        technique = _technique(sign)
        if technique not in best or sign.weight > best[technique].weight:
            best[technique] = sign
    methods = [
        Method(technique=technique, confidence=_decimal(sign.weight), value=sign.kind)
        for technique, sign in best.items()
    ]
    strongest = sorted(asset.where, key=lambda sign: (-sign.weight, sign))[:_MOST_OCCURRENCES]
    return ComponentEvidence(
        identity=[
            Identity(
                field=IdentityField.NAME,
                confidence=_decimal(asset.confidence),
                concluded_value=asset.name,
                methods=methods,
            )
        ],
        occurrences=[_occurrence(sign) for sign in strongest],
    )


def _technique(sign: Sign) -> AnalysisTechnique:
    if sign.line:
        return AnalysisTechnique.SOURCE_CODE_ANALYSIS
    return AnalysisTechnique.BINARY_ANALYSIS


def _occurrence(sign: Sign) -> Occurrence:
    symbol = sign.detail if sign.kind == "symbol" or sign.kind.startswith("source") else None
    return Occurrence(
        location=sign.path,
        line=sign.line or None,
        # Addresses of a 64-bit program may pass what the schema's readers hold in an int.
        offset=sign.offset if 0 <= sign.offset < 1 << 31 else None,
        symbol=symbol,
        additional_context=f"{sign.kind}: {sign.detail} ({sign.use}, weight {sign.weight:.2f})",
    )


def _decimal(value: float) -> Decimal:
    return max(_LEAST, min(Decimal(1), Decimal(str(round(value, 2)))))

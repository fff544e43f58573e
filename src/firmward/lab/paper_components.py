"""A paper vendor's releases of several parts: a pump with a radio and a drug library."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs
from securesystemslib.signer import CryptoSigner

from firmward.lab import paper_vendor
from firmward.lab.paper_evidence import Predicate
from firmward.lab.paper_vendor import Draft
from firmward.terms.component import (
    Belongs,
    ComponentClaim,
    Format,
    Kind,
    Requirement,
    component_path,
)
from firmward.terms.image import ImageClaim
from firmward.terms.wire import encode, plain


@dataclass(frozen=True)
class Part:
    """A component before it is claimed; `data` is what is published."""

    name: str
    kind: Kind
    version: str
    data: bytes = field(repr=False)
    format: Format = "raw"
    requires: tuple[Requirement, ...] = ()

    @property
    def claim(self) -> ComponentClaim:
        """What a vendor says of it."""
        return ComponentClaim(
            name=self.name,
            kind=self.kind,
            version=self.version,
            format=self.format,
            length=len(self.data),
            sha256=hashlib.sha256(self.data).hexdigest(),
            requires=self.requires,
        )


def radio(signer: CryptoSigner | None, version: str, counter: int, *needs: Requirement) -> Part:
    """A radio's firmware, an image of its own; without a signer it is not signed."""
    data = paper_vendor.image(signer, version, counter, code=b"radio " * 200)
    return Part("radio", "radio", version, data, "mcuboot", needs)


def drug_library(version: str, *needs: Requirement, limit: int = 200) -> Part:
    """A drug library: what a nurse may set, as data."""
    drugs = [
        {"drug": name, "unit": "mL/h", "softMax": limit // 2, "hardMax": limit, "note": "made up"}
        for name in ("heparin", "insulin", "morphine", "noradrenaline", "propofol")
    ]
    data = encode({"library": "icu-adult", "version": version, "drugs": drugs})
    return Part("druglib", "drug-library", version, data, requires=needs)


def of_several(
    draft: Draft,
    parts: Sequence[Part],
    requires: Sequence[Requirement] = (),
    *,
    back: Sequence[Part] = (),
) -> Draft:
    """The draft as a release of several parts, all of them claimed, in its SBOM, and beside it.

    back  the parts of its way back
    """
    claim, fallback = draft.claim, draft.fallback_claim
    if not isinstance(claim, ImageClaim) or not isinstance(fallback, ImageClaim):
        raise TypeError("a draft whose claims are spoiled already")
    beside = {**files(draft.release, parts), **files(draft.fallback, back)}
    sbom = draft.evidence["sbom"]
    body = {**sbom.body, "components": [*sbom.body["components"], *map(_listed, parts)]}
    references = [{"ref": part.name, "dependsOn": []} for part in parts]
    body["dependencies"] = [*sbom.body["dependencies"], *references]
    return replace(
        draft,
        claim=_with(claim, parts, requires),
        fallback_claim=_with(fallback, back, ()),
        evidence={**draft.evidence, "sbom": Predicate(sbom.kind, body)},
        beside={**draft.beside, **beside},
    )


def files(release: str, parts: Sequence[Part]) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Target path -> bytes and `custom` of each part."""
    custom = plain(Belongs(component_of=release))
    return {component_path(release, part.name): (part.data, custom) for part in parts}


def _with(claim: ImageClaim, parts: Sequence[Part], requires: Sequence[Requirement]) -> ImageClaim:
    claimed = tuple(part.claim for part in parts)
    return structs.replace(claim, components=claimed, requires=tuple(requires))


def _listed(part: Part) -> dict[str, Any]:
    """The part in a CycloneDX document: the vendor's own, with its digest and its support."""
    name = f"pump-200-{part.name}"
    return {
        "type": "data" if part.kind in ("drug-library", "configuration") else "firmware",
        "bom-ref": part.name,
        "name": name,
        "version": part.version,
        "supplier": {"name": "acme"},
        "purl": f"pkg:generic/acme/{name}@{part.version}",
        "hashes": [{"alg": "SHA-256", "content": part.claim.sha256}],
        "properties": [
            {"name": "firmward:support_level", "value": "maintained"},
            {"name": "firmward:end_of_support", "value": "2033-12-31T00:00:00Z"},
            {"name": "firmward:soup", "value": "false"},
        ],
    }

"""The evidence of a release: each thing that is known of it as a predicate of a published type."""

from typing import Any, Final

from firmward.terms.statement import (
    CYCLONEDX,
    DECLARATION,
    INCIDENT_ANSWERS,
    PROVENANCE,
    SARIF,
    SPDX,
    TEST_RESULT,
    THREAT_MODEL,
    VULNERABILITIES,
)
from firmward.vendor import attest
from firmward.vendor.draft import Draft
from firmward.vendor.request import Workshop
from firmward.vendor.sbom import cyclonedx, spdx
from firmward.vendor.sbom.collectors.beside import part_name
from firmward.vendor.scan.crypto.cbom import cbom
from firmward.vendor.sign import Image

TYPES: Final = {
    "provenance": PROVENANCE,
    "sbom": CYCLONEDX,
    "spdx": SPDX,
    "cbom": CYCLONEDX,
    "scan": SARIF,
    "vulnerabilities": VULNERABILITIES,
    "threats": THREAT_MODEL,
    "blackbox": TEST_RESULT,
    "incidents": INCIDENT_ANSWERS,
    "declaration": DECLARATION,
}
"""Evidence name -> predicate type."""

Predicates = dict[str, dict[str, Any]]


def predicates(draft: Draft, image: Image, shop: Workshop) -> Predicates:
    """Evidence name -> predicate.

    What gave no answer is left out: a scan with a scanner missing is no evidence, and neither is a
    test that could not run.
    """
    examined, project, claim = draft.examined, draft.project, image.claim
    number, counter = claim.version, claim.release_counter
    listed = (project, examined.inventory, (number, image.sha256), draft.artifact.toolchain)
    signing = shop.keys.described()
    made: Predicates = {
        "provenance": attest.provenance(
            draft.source, draft.artifact, number, counter, signing=signing, pins=draft.pinned
        ),
        "sbom": cyclonedx.document(*listed, shop.clock(), _beside(image)),
        "spdx": spdx.document(*listed, shop.clock()),
        "cbom": cbom(examined.assets, project.product, number),
        "vulnerabilities": attest.vulnerabilities(examined.matches, shop.advisories),
        "incidents": examined.answered.predicate,
        "declaration": attest.declaration(project, number, counter),
    }
    if not examined.missing:
        made["scan"] = {"sarif": examined.log}
    if examined.reviewed:
        made["threats"] = examined.reviewed.predicate
    if examined.tested:
        made["blackbox"] = examined.tested.predicate
    return made


def spare_predicates(draft: Draft, image: Image, shop: Workshop) -> Predicates:
    """The way back needs its own provenance: a later release may go back to it in turn.

    Its SBOM tells a hospital what its devices run today, to weigh the release against.
    """
    way, counter = draft.way, image.claim.release_counter
    signing, pinned = shop.keys.described(), draft.spare_pinned
    body = attest.provenance(
        way.source, draft.spare, way.version, counter, signing=signing, pins=pinned
    )
    listed = (way.source.project, draft.spare_inventory, (way.version, image.sha256))
    bom = cyclonedx.document(*listed, draft.spare.toolchain, shop.clock(), _beside(image))
    return {"provenance": body, "sbom": bom}


def _beside(image: Image) -> dict[str, str]:
    """Part name -> SHA-256 of each component as it is published, signature included."""
    product = image.claim.product
    return {part_name(product, each.name): each.sha256 for each in image.claim.components}

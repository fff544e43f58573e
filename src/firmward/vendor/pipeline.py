"""The vendor's half of the loop: source -> build -> scan -> sbom -> attest -> sign -> publish.

A release is made from a commit, judged by the vendor's own gate, and goes out with the way back
from it: the last good release's code, built and signed again under the next counter, so that a
roll-back is an ordinary, higher order and never a downgrade.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from firmward.terms.advisories import Match, match
from firmward.terms.image import evidence_path, image_path
from firmward.terms.names import release_id
from firmward.terms.stage import Stage
from firmward.terms.statement import (
    CYCLONEDX,
    DECLARATION,
    PROVENANCE,
    SARIF,
    VULNERABILITIES,
)
from firmward.terms.wire import plain
from firmward.vendor import attest, bundle, sbom, sign
from firmward.vendor.build import Artifact, build
from firmward.vendor.bundle import Bundle
from firmward.vendor.keys import VendorKeys
from firmward.vendor.lineage import Way, claimed, way_back
from firmward.vendor.project import Project
from firmward.vendor.publish import File
from firmward.vendor.request import Request, Workshop, refuse_findings
from firmward.vendor.scan.together import Findings, Scanning
from firmward.vendor.source import Checkout, checked_out, take

Progress = Callable[[Stage, str], None]
"""progress(stage, what it gave), once as each stage ends."""


def _silent(stage: Stage, says: str) -> None:
    """Nobody is watching."""


def release(folder: Path, request: Request, shop: Workshop, progress: Progress = _silent) -> Bundle:
    """The release of the project in `folder` of a working copy, published, as a bundle.

    1. take the commit; the working copy only says where the repository is
    2. build it and its way back, while the source is scanned
    3. scan the binary; gather every finding
    4. collect the components, match them with the advisories
    5. stop here if the vendor's own gate says so: nothing has been signed or written yet
    6. pack the images (their signature is part of what the evidence speaks of), state the evidence
    7. seal the evidence
    8. publish everything at once

    raises  Refused and its kin when it must not be released, Unavailable when that cannot be known;
            either way nothing is published
    """
    source = take(folder, request.commit)
    name = release_id(source.project.product, request.version, request.counter)
    way = way_back(folder, source.project, request, shop)
    with ExitStack() as stack:
        tree = stack.enter_context(checked_out(source))
        scanning = Scanning(tree, shop.shelf)
        stack.callback(scanning.close)
        artifact, spare = _build_both(tree, way, request, shop, stack)
        progress(Stage.BUILD, f"{name} from {source.commit[:12]}, {len(artifact.binary)} bytes")
        findings = scanning.finish(artifact, shop.clock().date())
        progress(Stage.SCAN, f"{len(findings.all)} findings, {len(findings.errors)} errors")
        parts = sbom.collect(tree)
        components = [part.component for part in parts]
        matches = match(components, shop.advisories, shop.clock())
        progress(Stage.SBOM, f"{len(parts)} components, {len(matches)} advisory answers")
        if not request.unsafe_publish_despite_findings:
            refuse_findings(name, findings, matches)
        image, fallback = _images(artifact, spare, way, source.project, request, shop)
        evidence = _evidence(tree, artifact, image, findings, matches, parts, shop)
    progress(Stage.ATTEST, f"{len(evidence)} statements about {image.sha256[:12]}")
    files = _files(image, evidence, shop.keys)
    files |= _fallback_files(way, fallback, spare, shop.keys)
    progress(Stage.SIGN, f"{len(files)} files")
    metadata = shop.repository.publish(
        files, shop.clock(), lives=shop.lives, unsafe_signers=request.unsafe_signers
    )
    data = bundle.pack(metadata, {path: file.data for path, file in files.items()})
    progress(Stage.PUBLISH, f"{name}, {len(data)} bytes")
    return Bundle(
        release=name,
        fallback=fallback.claim.release,
        sha256=image.sha256,
        commit=source.commit,
        data=data,
        findings=findings.all,
        matches=matches,
    )


def _build_both(
    tree: Checkout, way: Way, request: Request, shop: Workshop, stack: ExitStack
) -> tuple[Artifact, Artifact]:
    """The release and, under the next counter, its way back."""
    back = stack.enter_context(checked_out(way.source))
    with ThreadPoolExecutor(2, "build") as pool:
        first = pool.submit(build, tree, (request.version, request.counter), shop.shelf, shop.clock)
        second = pool.submit(
            build, back, (way.version, request.counter + 1), shop.shelf, shop.clock
        )
        return first.result(), second.result()


def _images(
    artifact: Artifact,
    spare: Artifact,
    way: Way,
    project: Project,
    request: Request,
    shop: Workshop,
) -> tuple[sign.Image, sign.Image]:
    claim = claimed(project, request.version, request.counter, request)
    old = way.source.project
    back = claimed(old, way.version, request.counter + 1, request, claim.release)
    with ThreadPoolExecutor(2, "imgtool") as pool:
        first = pool.submit(
            sign.image,
            *(artifact.binary, claim, project.image, shop.keys),
            unsafe_leave_unsigned=request.unsafe_leave_unsigned,
        )
        second = pool.submit(sign.image, spare.binary, back, old.image, shop.keys)
        return first.result(), second.result()


_TYPES: Final = {
    "provenance": PROVENANCE,
    "sbom": CYCLONEDX,
    "scan": SARIF,
    "vulnerabilities": VULNERABILITIES,
    "declaration": DECLARATION,
}


def _evidence(
    tree: Checkout,
    artifact: Artifact,
    image: sign.Image,
    findings: Findings,
    matches: Sequence[Match],
    parts: tuple[sbom.Collected, ...],
    shop: Workshop,
) -> dict[str, dict[str, Any]]:
    """Evidence name -> predicate.  A scan with a scanner missing is no evidence and is left out."""
    claim, project = image.claim, tree.project
    number, counter = claim.version, claim.release_counter
    about = (number, image.sha256)
    made = {
        "provenance": attest.provenance(tree.source, artifact, number, counter),
        "sbom": sbom.document(tree, parts, about, artifact.toolchain, shop.clock()),
        "vulnerabilities": attest.vulnerabilities(matches, shop.advisories),
        "declaration": attest.declaration(project, number, counter),
    }
    return made if findings.missing else made | {"scan": attest.scan(findings)}


def _files(
    image: sign.Image, evidence: Mapping[str, dict[str, Any]], keys: VendorKeys
) -> dict[str, File]:
    """Target path -> file: the image with its claim, and each predicate sealed about it."""
    name = image.claim.release
    files = {image_path(name): File(image.data, plain(image.claim))}
    for kind, body in evidence.items():
        sealed = sign.seal(image, _TYPES[kind], body, keys)
        files[evidence_path(name, kind)] = File(sealed, {"evidenceFor": name})
    return files


def _fallback_files(
    way: Way, image: sign.Image, artifact: Artifact, keys: VendorKeys
) -> dict[str, File]:
    """The way back needs its own provenance: a later release may go back to it in turn."""
    counter = image.claim.release_counter
    body = attest.provenance(way.source, artifact, way.version, counter)
    return _files(image, {"provenance": body}, keys)

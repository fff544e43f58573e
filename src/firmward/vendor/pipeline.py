"""The vendor's half of the loop: source -> build -> scan -> sbom -> attest -> sign -> publish.

A release is made from a commit, judged by the vendor's own gate, and goes out with the way back
from it: the last good release's code, built and signed again under the next counter, so that a
roll-back is an ordinary, higher order and never a downgrade.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from firmward.terms.component import Belongs, component_path
from firmward.terms.image import evidence_path, image_path
from firmward.terms.stage import Stage
from firmward.terms.wire import plain
from firmward.vendor import bundle, components, evidence, judge, repeated, sign
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.command import to_sign
from firmward.vendor.bundle import Bundle
from firmward.vendor.draft import Draft, draft
from firmward.vendor.evidence import Predicates, predicates, spare_predicates
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.lineage import claimed
from firmward.vendor.project import Project
from firmward.vendor.publish.repository import File
from firmward.vendor.request import Progress, Request, Workshop
from firmward.vendor.sign import Image
from firmward.vendor.source.commit import take


@dataclass(frozen=True)
class Signed:
    """A release as it would be published.  `files` is target path -> file."""

    draft: Draft
    image: Image
    fallback: Image
    files: dict[str, File]


def _silent(stage: Stage, says: str) -> None:
    """Nobody is watching."""


def _unseen(made: Draft) -> None:
    """Nobody wants to see it."""


def release(
    folder: Path,
    request: Request,
    shop: Workshop,
    progress: Progress = _silent,
    drafted: Callable[[Draft], None] = _unseen,
) -> Bundle:
    """The release of the project in `folder` of a working copy, published, as a bundle.

    1. take the commit, if one of the signers signed it; the working copy only says where it is
    2. build it and its way back while the source is scanned; examine what was built
    3. stop here if the vendor's own gate says so: nothing has been signed or written yet
    4. pack the images (their signature is part of what the evidence speaks of), seal the evidence
    5. publish everything at once

    drafted  gets the draft once it is examined, before it is judged: also the one that is refused
    raises  Refused and its kin when it must not be released, Unavailable when that cannot be known;
            either way nothing is published
    """
    source = take(folder, request.commit, shop.signers)
    before = repeated.recall(source, request, shop)
    if before is not None:
        progress(Stage.PUBLISH, f"{before.release} was published before from the same; unchanged")
        return before
    made = draft(source, folder, request, shop, progress)
    drafted(made)
    if not request.unsafe_publish_despite_findings:
        judge.refuse(made.name, made.examined)
    return publish(signed(made, shop, progress), shop, progress)


def signed(made: Draft, shop: Workshop, progress: Progress = _silent) -> Signed:
    """The draft with its images packed and its evidence sealed.  Raises Refused, Unavailable."""
    image, fallback = images(made, shop)
    stated = predicates(made, image, shop)
    progress(Stage.ATTEST, f"{len(stated)} statements about {image.sha256[:12]}")
    files = _files(image, stated, shop.keys)
    files |= _files(fallback, spare_predicates(made, fallback, shop), shop.keys)
    progress(Stage.SIGN, f"{len(files)} files with keys in {shop.keys.place}")
    return Signed(made, image, fallback, files)


def publish(done: Signed, shop: Workshop, progress: Progress = _silent) -> Bundle:
    """The signed release in the vendor's repository, as a bundle.  Raises Refused."""
    request = done.draft.request
    metadata = shop.repository.publish(
        done.files, shop.clock(), lives=shop.lives, unsafe_signers=request.unsafe_signers
    )
    data = bundle.pack(metadata, {path: file.data for path, file in done.files.items()})
    progress(Stage.PUBLISH, f"{done.draft.name}, {len(data)} bytes")
    made = Bundle(
        release=done.draft.name,
        fallback=done.fallback.claim.release,
        sha256=done.image.sha256,
        commit=done.draft.source.commit,
        data=data,
        paths=tuple(done.files),
        issues=done.draft.examined.open,
        matches=done.draft.examined.matches,
    )
    repeated.remember(done.draft.source, request, shop, made)
    return made


def images(made: Draft, shop: Workshop) -> tuple[Image, Image]:
    """The image and its fallback with their components, packed and signed.

    raises  Refused, Unavailable
    """
    request, back = made.request, made.way
    unsigned = request.unsafe_leave_unsigned
    marked = shop.keys.book.development or made.project.development

    def of(built: Artifact, project: Project, number: str, counter: int, back_from: str) -> Image:
        leave = unsigned and not back_from
        beside = components.signed(built, project, counter, shop.keys, unsafe_leave_unsigned=leave)
        claim = claimed(
            *(project, number, counter, request, back_from),
            development=marked,
            components=tuple(each.claim for each in beside),
        )
        image = sign.image(
            *(to_sign(built), claim, project, shop.keys),
            sha256=built.digests()["app.bin"],
            unsafe_leave_unsigned=leave,
        )
        return replace(image, components=beside)

    counter = request.counter
    with ThreadPoolExecutor(2, "imgtool") as pool:
        first = pool.submit(of, made.artifact, made.project, request.version, counter, "")
        spare = (made.spare, back.source.project, back.version, counter + 1)
        second = pool.submit(of, *spare, made.name)
        return first.result(), second.result()


def _files(image: Image, stated: Predicates, keys: VendorKeys) -> dict[str, File]:
    """Target path -> file: the image with its claim, its components, each predicate about it."""
    name = image.claim.release
    files = {image_path(name): File(image.data, plain(image.claim))}
    for part in image.components:
        custom = plain(Belongs(component_of=name))
        files[component_path(name, part.claim.name)] = File(part.data, custom)
    for kind, body in stated.items():
        sealed = sign.seal(image, evidence.TYPES[kind], body, keys)
        files[evidence_path(name, kind)] = File(sealed, {"evidenceFor": name})
    return files

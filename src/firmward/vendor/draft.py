"""A draft: a release that was built and examined, and that nobody has signed for yet."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from firmward.terms.names import release_id
from firmward.terms.stage import Stage
from firmward.vendor import components
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.command import build
from firmward.vendor.build.reproduce import verified
from firmward.vendor.examine import Examined, examine
from firmward.vendor.keys.ring import permit
from firmward.vendor.lineage import Way, way_back
from firmward.vendor.project import Project
from firmward.vendor.request import Progress, Request, Workshop
from firmward.vendor.sbom.inventory import collect
from firmward.vendor.sbom.parts import Inventory
from firmward.vendor.scan.together import Scanning
from firmward.vendor.source import pins
from firmward.vendor.source.checkout import Checkout, checked_out
from firmward.vendor.source.commit import Source
from firmward.vendor.source.manifests.pin import Pin


@dataclass(frozen=True)
class Draft:
    """What a release would be made of.

    way, spare            the way back, and what was built from it under the next counter
    spare_inventory       what the way back is made of: the release that devices run today
    pinned, spare_pinned  the dependencies of each that a digest fixes
    """

    name: str
    request: Request
    source: Source
    artifact: Artifact
    way: Way
    spare: Artifact
    spare_inventory: Inventory
    examined: Examined
    pinned: Sequence[Pin]
    spare_pinned: Sequence[Pin]

    @property
    def project(self) -> Project:
        """The project file as committed."""
        return self.source.project


def draft(source: Source, folder: Path, request: Request, shop: Workshop, told: Progress) -> Draft:
    """Build a source and its way back while the source is scanned, then examine all of it.

    raises  Refused and its kin, Unavailable; nothing was signed or published either way
    """
    permit(source.project, shop.keys)
    name = release_id(source.project.product, request.version, request.counter)
    components.refuse_misfits(name, source.project, request.version)
    way = way_back(folder, source.project, request, shop)
    with ExitStack() as stack:
        tree, back = (stack.enter_context(checked_out(each)) for each in (source, way.source))
        scanning = Scanning(tree, shop.shelf)
        stack.callback(scanning.close)
        artifact, spare = _build_both(tree, back, way, request, shop)
        components.refuse_changed(name, artifact, source.project, shop.repository.claims())
        told(Stage.BUILD, f"{name} from {source.commit[:12]}, {_how(artifact)}")
        return Draft(
            name=name,
            request=request,
            source=source,
            artifact=artifact,
            way=way,
            spare=spare,
            spare_inventory=collect(back, spare, shop.shelf, shop.clock().date()),
            examined=examine(tree, artifact, request.version, scanning, shop, told),
            pinned=pins.fixed(pins.collect(tree, shop.shelf)),
            spare_pinned=pins.fixed(pins.collect(back, shop.shelf)),
        )


def _how(artifact: Artifact) -> str:
    again = artifact.verified
    twice = ", twice with the same bytes" if again and again.reproducible else ""
    held = "in a sandbox" if not artifact.sandbox.startswith("none") else "without a sandbox"
    return f"{len(artifact.binary)} bytes, {held}{twice}{', kept' if artifact.cached else ''}"


def _build_both(
    tree: Checkout, back: Checkout, way: Way, request: Request, shop: Workshop
) -> tuple[Artifact, Artifact]:
    """The release and, under the next counter, its way back."""

    def first() -> Artifact:
        numbers = (request.version, request.counter)
        made = build(tree, numbers, shop.shelf, shop.clock)
        return verified(tree, numbers, made, shop.shelf, shop.clock) if request.verify else made

    with ThreadPoolExecutor(2, "build") as pool:
        wanted = pool.submit(first)
        spare = pool.submit(build, back, (way.version, request.counter + 1), shop.shelf, shop.clock)
        return wanted.result(), spare.result()

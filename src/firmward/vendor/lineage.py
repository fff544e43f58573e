"""Where a release comes from and how to get back: its claim, and the code of its fallback."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmward.proof.envelope import unseal_statement
from firmward.terms.component import ComponentClaim
from firmward.terms.errors import Refused
from firmward.terms.image import ImageClaim, evidence_path, image_path
from firmward.terms.names import split_release
from firmward.terms.statement import PROVENANCE
from firmward.terms.wire import convert, plain
from firmward.vendor.components import required
from firmward.vendor.project import Project
from firmward.vendor.request import ReleaseRefused, Request, Workshop
from firmward.vendor.source.commit import Source, take


@dataclass(frozen=True)
class Way:
    """The way back: whose code, and the release id it gets this time."""

    source: Source
    version: str


class CounterTaken(Refused):
    """A release counter that devices have seen, or that a fallback has."""

    def __init__(self, product: str, newest: int, got: int):
        self.product, self.newest, self.got = product, newest, got
        super().__init__(f"{product}: expected a counter above {newest}, got {got}")


def way_back(folder: Path, project: Project, request: Request, shop: Workshop) -> Way:
    """The code to go back to, by the commit in its own signed provenance.

    raises  CounterTaken; NotTrusted when the repository is not what this vendor signed
    """
    claims = {r: c for r, c in shop.repository.claims().items() if c.product == project.product}
    newest = shop.repository.highest_counter(project.product)
    if request.counter <= newest:
        raise CounterTaken(project.product, newest, request.counter)
    if not claims:
        # Even a first release has a way back: its own code, under a counter that is still accepted.
        return Way(take(folder, request.commit, shop.signers), request.version)
    back = _chosen(claims, request)
    path = evidence_path(back.release, "provenance")
    statement = unseal_statement(
        shop.repository.read(path),
        [signer.public_key for signer in shop.keys.evidence],
        path,
        sha256=shop.repository.listing()[image_path(back.release)].hashes["sha256"],
        predicate_type=PROVENANCE,
    )
    commit = statement.predicate["buildDefinition"]["resolvedDependencies"][0]["digest"]
    before = take(folder, commit["gitCommit"], shop.signers, released_before=True)
    return Way(before, back.version)


def _chosen(claims: Mapping[str, ImageClaim], request: Request) -> ImageClaim:
    if request.fallback_to:
        split_release(request.fallback_to)
        if request.fallback_to not in claims:
            wanted = f"expected a published release, got {request.fallback_to}"
            raise ReleaseRefused(f"fallback of counter {request.counter}", [wanted])
        return claims[request.fallback_to]
    first = [claim for claim in claims.values() if not claim.fallback_of]
    listed = [claims[release] for release in request.predecessors if release in claims]
    return max(listed or first, key=lambda claim: claim.release_counter)


def claimed(
    project: Project,
    version: str,
    counter: int,
    request: Request,
    fallback_of: str = "",
    *,
    development: bool,
    components: tuple[ComponentClaim, ...] = (),
) -> ImageClaim:
    """What the vendor says of an image; on a fallback its release comes before all it followed.

    development  software keys sign it, or its project file says that they may
    raises  Malformed for what is no release, predecessor or kind
    """
    kind: Any = request.kind or project.kind
    before = (fallback_of, *request.predecessors) if fallback_of else request.predecessors
    claim = ImageClaim(
        product=project.product,
        version=version,
        release_counter=counter,
        hardware_ids=project.hardware_ids,
        predecessors=before,
        fallback_of=fallback_of,
        safety_class=project.safety_class,
        risk=project.risk,
        integrity=project.integrity,
        kind=kind,
        development=development,
        components=components,
        requires=tuple(required(project.requires)),
    )
    # What a reader would refuse must not be signed.
    return convert(plain(claim), ImageClaim, f"claim of {claim.release}")

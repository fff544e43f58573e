"""What a release is asked for with, made with, and turned away by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from securesystemslib.signer import Signer

from firmward.advisories.index import Index
from firmward.proof.repository import Lives
from firmward.terms.errors import Refused
from firmward.terms.incident import Incident
from firmward.terms.stage import Stage
from firmward.vendor.cache import Shelf, default_folder
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.project import Kind
from firmward.vendor.publish.repository import ImageRepository
from firmward.vendor.source.signers import Signers

Progress = Callable[[Stage, str], None]
"""progress(stage, what it gave), once as each stage ends."""


class ReleaseRefused(Refused):
    """The vendor's own gate turned a release away."""

    def __init__(self, release: str, reasons: Sequence[str]):
        self.release, self.reasons = release, tuple(reasons)
        super().__init__(f"{release}: not released:\n" + "\n".join(f"- {r}" for r in reasons))


@dataclass(frozen=True)
class Request:
    """What is to be released, and what it may follow.

    commit        any name git knows it by
    predecessors  release ids a device may be running when it takes this one
    fallback_to   release id whose code is the way back; "" chooses the newest published predecessor
    kind          what sort of change it is; "" takes the project file's word
    verify        build twice, in two places, and refuse what is not the same both times

    The two unsafe ones let the lab show that others stop what they let through; neither is of use
    in a release.
    """

    commit: str
    version: str
    counter: int
    predecessors: tuple[str, ...] = ()
    fallback_to: str = ""
    kind: Kind | str = ""
    verify: bool = False
    unsafe_publish_despite_findings: bool = False
    unsafe_leave_unsigned: bool = False
    unsafe_signers: Mapping[str, Sequence[Signer]] | None = None


@dataclass(frozen=True)
class Workshop:
    """What a release is made with.

    signers    who may sign the commits that releases are made from
    incidents  what hospitals reported, which the release must answer
    """

    keys: VendorKeys
    signers: Signers
    repository: ImageRepository
    advisories: Index
    shelf: Shelf
    clock: Callable[[], datetime]
    lives: Lives
    incidents: Callable[[], tuple[Incident, ...]] = tuple


def workshop(
    keys: VendorKeys,
    signers: Signers,
    repository: ImageRepository,
    advisories: Index,
    *,
    shelf: Shelf | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    lives: Lives | None = None,
    incidents: Callable[[], tuple[Incident, ...]] = tuple,
) -> Workshop:
    """A workshop with the usual cache, clock and metadata lives, unless others are given."""
    kept = shelf or Shelf(default_folder())
    return Workshop(keys, signers, repository, advisories, kept, clock, lives or Lives(), incidents)

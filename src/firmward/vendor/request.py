"""What a release is asked for with, made with, and turned away by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from securesystemslib.signer import Signer

from firmward.proof.repository import Lives
from firmward.terms.advisories import Advisories, Match
from firmward.terms.errors import Refused
from firmward.vendor.cache import Shelf, default_folder
from firmward.vendor.keys import VendorKeys
from firmward.vendor.project import Kind
from firmward.vendor.publish import ImageRepository
from firmward.vendor.scan.together import Findings


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

    The two unsafe ones let the lab show that others stop what they let through; neither is of use
    in a release.
    """

    commit: str
    version: str
    counter: int
    predecessors: tuple[str, ...] = ()
    fallback_to: str = ""
    kind: Kind | str = ""
    unsafe_publish_despite_findings: bool = False
    unsafe_leave_unsigned: bool = False
    unsafe_signers: Mapping[str, Sequence[Signer]] | None = None


@dataclass(frozen=True)
class Workshop:
    """What a release is made with."""

    keys: VendorKeys
    repository: ImageRepository
    advisories: Advisories
    shelf: Shelf
    clock: Callable[[], datetime]
    lives: Lives


def workshop(
    keys: VendorKeys,
    repository: ImageRepository,
    advisories: Advisories,
    *,
    shelf: Shelf | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    lives: Lives | None = None,
) -> Workshop:
    """A workshop with the usual cache, clock and metadata lives, unless others are given."""
    kept = shelf or Shelf(default_folder())
    return Workshop(keys, repository, advisories, kept, clock, lives or Lives())


def refuse_findings(name: str, findings: Findings, matches: Sequence[Match]) -> None:
    """The vendor's own gate: no finding at level error, no exploited vulnerability.

    raises  ReleaseRefused naming each; Unavailable when a scanner gave no answer
    """
    findings.whole()
    reasons = [str(finding) for finding in findings.errors]
    reasons += [
        f"{found.component.name} {found.component.version}: {found.cve or found.advisory} is known"
        f" to be exploited and the component is {found.status}: {found.reason}"
        for found in matches
        if found.exploited and found.status != "not_affected"
    ]
    if reasons:
        raise ReleaseRefused(name, reasons)

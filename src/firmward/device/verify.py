"""May this order be carried out on this device?  The judgement, pure: no disk, clock or network."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import TargetFile

from firmward.proof.repository import custom
from firmward.proof.roles import Trusted
from firmward.terms.errors import Malformed, Refused
from firmward.terms.image import ImageClaim, image_path
from firmward.terms.names import split_release
from firmward.terms.order import Order
from firmward.terms.report import Attack
from firmward.terms.wire import convert


class OrderRefused(Refused):
    """An order this device does not carry out, and what kind of attack it looks like.

    order  the order's id, "" where it could not be read
    """

    def __init__(self, attack: Attack, what: str, expected: str, got: str, order: str = ""):
        self.attack, self.order = attack, order
        super().__init__(f"{what}: expected {expected}, got {got}")


@dataclass(frozen=True)
class Standing:
    """What a device knows of itself when it judges.

    running       the release in the slot that the controller runs
    image_sha256  the digest it was verified with
    floor         the monotonic counter: nothing below it is taken
    """

    device: str
    hardware_id: str
    running: str
    image_sha256: str
    floor: int


@dataclass(frozen=True)
class Install:
    """An order that passed every check: what is to be written, and how long it may be."""

    order: Order
    path: str
    sha256: str
    length: int


@dataclass(frozen=True)
class Nothing:
    """The device already is in the state that is ordered; `order` is "" where none was given."""

    order: str = ""


def judge_order(
    director: Trusted, image: Trusted, me: Standing, now: datetime
) -> Install | Nothing:
    """What the two repositories, taken together, want of this device.

    1.  Both repositories' metadata is unexpired at `now`.
    2.  The director names one target, and its order parses strictly.
    3.  The order is for this device.
    4.  The target's path is that of the release the order names.
    5.  The vendor lists the same path, and its claim parses strictly.
    6.  Length and SHA-256 are the same in both repositories.
    7.  Product, version, counter and hardware ids are the same in both.
    8.  The product is this device's, and this device's hardware id is listed.
    9.  What already runs needs nothing; the same release with other bytes is refused.
    10. The counter is not below the floor, and above the running release's.
    11. The running release is among the image's predecessors (lineage).
    12. The purpose fits: only a fallback of the running line is a rollback, and no fallback is
        installed as news.

    The caller MUST have got both from `proof.roles.refresh`, with this device's own director
    repository, and MUST check the bytes against `sha256` and `length` before they can boot.

    raises  OrderRefused with the attack it looks like
    """
    # 1. A kept verdict would outlive the metadata it came from.
    if min(director.expires, image.expires) <= now:
        raise OrderRefused(Attack.FROZEN, "metadata", f"expiry after {now}", "expired")
    # 2.
    if not director.targets:
        return Nothing()
    # 3. The director signs for every device; without this one order would fit all.
    path, target, order = addressed(director, me.device)
    # 4.
    _same(Attack.DISAGREEMENT, "target path", image_path(order.release), path, order)
    # 5.
    listed, claim = _claim(image.targets, path, order)
    # 6.
    _same(Attack.DISAGREEMENT, "length", str(listed.length), str(target.length), order)
    _same(Attack.DISAGREEMENT, "digest", _sha256(listed, order), _sha256(target, order), order)
    # 7.
    _same(Attack.DISAGREEMENT, "release", claim.release, order.release, order)
    same_boards = set(claim.hardware_ids) == set(order.hardware_ids)
    _hold(same_boards, Attack.DISAGREEMENT, "hardware ids", claim.hardware_ids, order)
    # 8.
    product, _, running_counter = split_release(me.running)
    _same(Attack.WRONG_HARDWARE, "product", product, claim.product, order)
    mine = me.hardware_id in claim.hardware_ids
    _hold(mine, Attack.WRONG_HARDWARE, me.hardware_id, claim.hardware_ids, order)
    # 9.
    if order.release == me.running:
        _same(Attack.DISAGREEMENT, "running image", me.image_sha256, _sha256(target, order), order)
        return Nothing(order.order)
    # 10. Equal counters would leave the boot stage two images and no way to choose.
    lowest = max(me.floor, running_counter + 1)
    high = order.release_counter >= lowest
    _hold(high, Attack.DOWNGRADE, f"counter >= {lowest}", order.release_counter, order)
    # 11.
    known = me.running in claim.predecessors
    _hold(known, Attack.OUT_OF_LINEAGE, f"a successor of {me.running}", order.release, order)
    # 12.
    _fits(order, claim)
    return Install(order, path, _sha256(target, order), target.length)


def addressed(director: Trusted, device: str) -> tuple[str, TargetFile, Order]:
    """The one target of a director's repository, and its order, which is for this device.

    raises  OrderRefused
    """
    path, target, order = _order(director.targets)
    _same(Attack.WRONG_DEVICE, "order's device", device, order.ecu_identifier, order)
    return path, target, order


def _order(targets: Mapping[str, TargetFile]) -> tuple[str, TargetFile, Order]:
    if len(targets) != 1:
        got = str(len(targets))
        raise OrderRefused(Attack.BAD_METADATA, "director targets", "one target", got)
    [(path, target)] = targets.items()
    try:
        return path, target, convert(custom(target), Order, "order")
    except Malformed as error:
        raise OrderRefused(Attack.BAD_METADATA, "order", "an Order", str(error)) from error


def _claim(
    targets: Mapping[str, TargetFile], path: str, order: Order
) -> tuple[TargetFile, ImageClaim]:
    listed = targets.get(path)
    if listed is None:
        raise OrderRefused(
            Attack.DISAGREEMENT, "vendor's targets", path, "no such target", order.order
        )
    try:
        return listed, convert(custom(listed), ImageClaim, "vendor's claim")
    except Malformed as error:
        raise OrderRefused(
            Attack.BAD_METADATA, "vendor's claim", "an ImageClaim", str(error), order.order
        ) from error


def _sha256(target: TargetFile, order: Order) -> str:
    digest = target.hashes.get("sha256", "")
    _hold(len(digest) == 64, Attack.BAD_METADATA, "a SHA-256", target.hashes, order)
    return digest


def _fits(order: Order, claim: ImageClaim) -> None:
    if order.purpose == "rollback":
        fits, expected = claim.fallback_of != "", "a pre-signed fallback"
    elif order.purpose == "install":
        fits, expected = claim.fallback_of == "", "a release that is no fallback"
    else:
        fits, expected = False, "the release that already runs"
    _hold(fits, Attack.OUT_OF_LINEAGE, f"{expected} to {order.purpose}", order.release, order)


def _same(attack: Attack, what: str, expected: str, got: str, order: Order) -> None:
    if expected != got:
        raise OrderRefused(attack, what, expected, got[:120], order.order)


def _hold(holds: bool, attack: Attack, expected: str, got: object, order: Order) -> None:
    if not holds:
        raise OrderRefused(attack, "order", expected, str(got)[:120], order.order)

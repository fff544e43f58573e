"""The director: the hospital's TUF repository with one view per device (Uptane 2.1, 5.3.2).

Each device's targets name exactly one image: the full state it is expected to be in, with an
expiry, so that withholding a newer order cannot freeze it for longer than one order lives.

If the order key is stolen, its thief can replay or withhold firmware that the vendor signed and
this hospital admitted; it cannot make a device run anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from securesystemslib.signer import Signer

from firmward.proof.repository import Lives, RoleKeys, State, described, publish, root_file
from firmward.terms.image import image_path
from firmward.terms.order import Order
from firmward.terms.wire import plain

ROOT_LIFE = timedelta(days=365)


@dataclass(frozen=True)
class DirectorKeys:
    """Who signs orders: three online roles with a key each.  The root's keys are kept apart."""

    targets: Signer
    snapshot: Signer
    timestamp: Signer


def first_root(
    root: Sequence[Signer], threshold: int, online: DirectorKeys, now: datetime
) -> bytes:
    """1.root.json of the director, the same for every device: pinned on each at enrolment."""
    roles = {
        "root": RoleKeys(tuple(signer.public_key for signer in root), threshold),
        "targets": RoleKeys((online.targets.public_key,)),
        "snapshot": RoleKeys((online.snapshot.public_key,)),
        "timestamp": RoleKeys((online.timestamp.public_key,)),
    }
    return root_file(1, roles, root, now + ROOT_LIFE)


def sign_order(
    order: Order | None,
    image_sha256: str,
    image_length: int,
    version: int,
    keys: DirectorKeys,
    now: datetime,
    life: timedelta,
) -> dict[str, bytes]:
    """The director files of one device under this order: targets, snapshot and timestamp.

    order    None orders nothing: what was ordered before is void, the device stays as it is
    version  must be above every version this device was ever served
    """
    targets = {}
    if order is not None:
        path = image_path(order.release)
        targets[path] = described(path, image_length, image_sha256, plain(order))
    before = dict.fromkeys(("targets", "snapshot", "timestamp"), version - 1)
    signers = {
        "targets": [keys.targets],
        "snapshot": [keys.snapshot],
        "timestamp": [keys.timestamp],
    }
    lives = Lives(targets=life, snapshot=life, timestamp=life)
    _, files = publish(State(versions=before), targets, signers, now, lives)
    return files

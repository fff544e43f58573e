"""Attacks on a device through metadata and transport: replay, freeze, stolen keys, no end.

An attacker who stands between device and hospital, or holds some, but too few, of the keys.
"""

from datetime import timedelta
from typing import Final

from securesystemslib.signer import CryptoSigner

from firmward.lab import paper_vendor
from firmward.lab.bedside import FACTORY_RELEASE, Bedside
from firmward.lab.order_attacks import Spoil, registered
from firmward.proof import keys, repository
from firmward.terms import wire
from firmward.terms.image import image_path
from firmward.terms.report import Attack

OTHER_DEVICE: Final = "urn:dev:ops:32473-PUMP200-0002"


def old_order_replayed(bed: Bedside) -> None:
    """The server shows an older state of the director's repository again."""
    bed.order(FACTORY_RELEASE, "keep")
    before = dict(bed.ward.director)
    bed.order(FACTORY_RELEASE, "keep")
    bed.step_until(bed.agent(), "idle")
    bed.ward.director, bed.ward.version = before, 1


def another_devices_order(bed: Bedside) -> None:
    """The server shows the next bed's repository, whose versions are ahead of ours."""
    release = bed.release("1.1.0", 3)
    bed.hospital.ward(OTHER_DEVICE).registration = registered(bed)
    order = bed.hospital.order(OTHER_DEVICE, bed.claims[release], bed.images[release])
    for _ in range(9):
        bed.hospital.sign(OTHER_DEVICE, order, bed.images[release])
    bed.ward.director = bed.hospital.ward(OTHER_DEVICE).director
    bed.ward.version = 9


def frozen_director(bed: Bedside) -> None:
    """The director's metadata is shown beyond its expiry."""
    bed.order(bed.release("1.1.0", 3))
    bed.now += timedelta(days=2)


def frozen_while_idle(bed: Bedside) -> None:
    """Nothing new is ever shown, until what was shown has expired."""
    bed.hospital.publish(bed.device, {})
    bed.step_until(bed.agent(), "idle")
    bed.now += timedelta(days=2)


def frozen_vendor(bed: Bedside) -> None:
    """A fresh order, beside vendor metadata beyond its expiry."""
    bed.now += timedelta(days=2)
    bed.hospital.now = bed.now
    bed.hospital.publish(bed.device, {})


def vendor_too_few(bed: Bedside) -> None:
    """One of the vendor's two release keys is stolen and signs alone."""
    _published_by(bed, bed.vendor.targets[:1])


def vendor_one_key_twice(bed: Bedside) -> None:
    """One stolen release key signs twice."""
    _published_by(bed, (bed.vendor.targets[0], bed.vendor.targets[0]))


def _published_by(bed: Bedside, signers: tuple[CryptoSigner, ...]) -> None:
    """A release in the vendor's repository, its targets signed by these, and ordered."""
    release = bed.release("1.1.0", 3)
    files = {image_path(release): (bed.images[release], wire.plain(bed.claims[release]))}
    pack = paper_vendor.publish(bed.vendor, files, bed.now, signers={"targets": signers})
    bed.vendor = pack.vendor
    bed.hospital.mirror(pack.metadata)
    bed.order(release)


def director_too_few(bed: Bedside) -> None:
    """One of the director's two keys signs alone."""
    release = bed.release("1.1.0", 3)
    alone = {"targets": bed.hospital.director.targets[:1]}
    bed.hospital.sign(bed.device, bed.draft(release), bed.images[release], signers=alone)


def director_foreign_keys(bed: Bedside) -> None:
    """Somebody else's keys sign the director's targets."""
    release = bed.release("1.1.0", 3)
    foreign = {"targets": (keys.new_fast_signer(), keys.new_fast_signer())}
    bed.hospital.sign(bed.device, bed.draft(release), bed.images[release], signers=foreign)


def two_targets(bed: Bedside) -> None:
    """The director names two images for one controller."""
    release = bed.release("1.1.0", 3)
    custom = wire.plain(bed.draft(release))
    image = bed.images[release]
    targets = {
        path: repository.target(path, image, custom) for path in ("a/b", image_path(release))
    }
    bed.hospital.publish(bed.device, targets)


def order_with_more(bed: Bedside) -> None:
    """An order with a member that nobody knows."""
    release = bed.release("1.1.0", 3)
    custom = {**wire.plain(bed.draft(release)), "force": True}
    path = image_path(release)
    target = repository.target(path, bed.images[release], custom)
    bed.hospital.publish(bed.device, {path: target})


def garbage(bed: Bedside) -> None:
    """The timestamp is no metadata."""
    bed.order(bed.release("1.1.0", 3))
    bed.ward.director["timestamp.json"] = b"[]"


def mixed_moments(bed: Bedside) -> None:
    """Targets of another moment stand beside this moment's snapshot."""
    bed.order(bed.release("1.1.0", 3))
    version = bed.ward.state.versions["targets"]
    bed.ward.director[f"{version}.targets.json"] = bed.hospital.image["1.targets.json"]


def path_trick(bed: Bedside) -> None:
    """A target's path leads out of its folder."""
    release = bed.release("1.1.0", 3)
    target = repository.target("x", bed.images[release], wire.plain(bed.draft(release)))
    target.path = "../../etc/passwd"
    bed.hospital.publish(bed.device, {"../../etc/passwd": target})


def endless_metadata(bed: Bedside) -> None:
    """The timestamp never ends."""
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.endless = ("/v1/director/timestamp",)


def endless_root(bed: Bedside) -> None:
    """The next root never ends."""
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.endless = ("/v1/image/",)


def endless_image(bed: Bedside) -> None:
    """The ciphertext never ends."""
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.endless = ("/v1/blobs/",)


def endless_check_in(bed: Bedside) -> None:
    """The answer to a check-in never ends."""
    bed.served.weather.endless = ("/v1/check-in",)


METADATA_ATTACKS: Final[tuple[tuple[Spoil, Attack], ...]] = (
    (old_order_replayed, Attack.REPLAYED_ORDER),
    (another_devices_order, Attack.WRONG_DEVICE),
    (frozen_director, Attack.FROZEN),
    (frozen_while_idle, Attack.FROZEN),
    (frozen_vendor, Attack.FROZEN),
    (vendor_too_few, Attack.TOO_FEW_SIGNATURES),
    (vendor_one_key_twice, Attack.TOO_FEW_SIGNATURES),
    (director_too_few, Attack.TOO_FEW_SIGNATURES),
    (director_foreign_keys, Attack.TOO_FEW_SIGNATURES),
    (two_targets, Attack.BAD_METADATA),
    (order_with_more, Attack.BAD_METADATA),
    (garbage, Attack.BAD_METADATA),
    (mixed_moments, Attack.BAD_METADATA),
    (path_trick, Attack.BAD_METADATA),
    (endless_metadata, Attack.ENDLESS_DATA),
    (endless_root, Attack.ENDLESS_DATA),
    (endless_image, Attack.ENDLESS_DATA),
    (endless_check_in, Attack.ENDLESS_DATA),
)
"""Each attack, and what the device must call it."""

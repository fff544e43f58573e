"""Attacks on a device through what it is ordered: each spoils one thing and signs it well.

An attacker who holds the hospital's order keys, the vendor's keys, or the storage between them.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from firmward.lab.bedside import FACTORY_RELEASE, Bedside, sha256
from firmward.lab.paper_hospital import recipient_key
from firmward.proof import wrap
from firmward.terms.checkin import Registration
from firmward.terms.image import image_path
from firmward.terms.report import Attack

Spoil = Callable[[Bedside], None]
"""Leaves the hospital serving something spoiled to the device at this bedside."""


def registered(bed: Bedside) -> Registration:
    """What the device registered; it has, at a bedside."""
    if bed.ward.registration is None:
        raise LookupError(bed.device)
    return bed.ward.registration


def ordered(bed: Bedside, **changes: object) -> None:
    """An honest release, and an order for it changed here and there, well signed."""
    release = bed.release("1.1.0", 3)
    order = msgspec.structs.replace(bed.draft(release), **changes)
    bed.hospital.sign(bed.device, order, bed.images[release])


def claimed(bed: Bedside, **changes: object) -> None:
    """A release whose vendor says something else of it, and an order that agrees with that."""
    release = bed.release("1.1.0", 3)
    claim = msgspec.structs.replace(bed.claims[release], **changes)
    bed.claims[release] = claim
    bed.publish(claim, bed.images[release])
    bed.order(release)


def tampered_at_rest(bed: Bedside) -> None:
    """A bit of the stored ciphertext is flipped."""
    order = bed.order(bed.release("1.1.0", 3))
    body = bytearray(bed.hospital.blobs[order.ciphertext_sha256])
    body[len(body) // 2] ^= 1
    bed.hospital.blobs[order.ciphertext_sha256] = bytes(body)


def another_image_inside(bed: Bedside) -> None:
    """The hospital's key is stolen: the order's ciphertext is well made, of other firmware."""
    release = bed.release("1.1.0", 3)
    foreign = bed.factory.image("1.1.0", 3, SELFTEST_FAIL=1)
    order, image = bed.draft(release), bed.images[release]
    body = wrap.encrypt(foreign, b"k" * 32, b"s" * 16)
    info = wrap.binding(bed.device, release, sha256(image))
    recipient = recipient_key(registered(bed))
    order = msgspec.structs.replace(
        order,
        ciphertext_sha256=put(bed, body),
        ciphertext_length=len(body),
        wrapped_key=wrap.wrap_key(b"k" * 32, recipient, info),
    )
    bed.hospital.sign(bed.device, order, image)


def put(bed: Bedside, body: bytes) -> str:
    """A ciphertext among the blobs; its digest."""
    bed.hospital.blobs[sha256(body)] = body
    bed.ward.allowed.add(sha256(body))
    return sha256(body)


def truncated_ciphertext(bed: Bedside) -> None:
    """The ciphertext loses its last record, and the order is made to match."""
    release = bed.release("1.1.0", 3)
    order = bed.draft(release)
    body = bed.hospital.blobs[order.ciphertext_sha256][:2069]
    order = msgspec.structs.replace(
        order, ciphertext_sha256=put(bed, body), ciphertext_length=len(body)
    )
    bed.hospital.sign(bed.device, order, bed.images[release])


def key_sealed_to_another(bed: Bedside) -> None:
    """The image key in the order is sealed to another device's key."""
    release = bed.release("1.1.0", 3)
    theirs = wrap.raw_public(wrap.new_decryption_key())
    info = wrap.binding(bed.device, release, "0" * 64)
    ordered(bed, wrapped_key=wrap.wrap_key(b"k" * 32, theirs, info))


def wrong_hardware(bed: Bedside) -> None:
    """Vendor and hospital agree on an image for another board."""
    claimed(bed, hardware_ids=("PUMP-200-A",))


def another_product(bed: Bedside) -> None:
    """Vendor and hospital agree on an image of another product."""
    claimed(bed, product="pump-300")


def downgrade(bed: Bedside) -> None:
    """After an update, the release before it is ordered again."""
    bed.order(bed.release("1.1.0", 3))
    bed.step_until(bed.agent(), "kept")
    old = bed.release("1.0.0", 2, ("pump-200@1.1.0+3",))
    bed.order(old)


def equal_counter(bed: Bedside) -> None:
    """Another release under the counter of the running one."""
    bed.order(bed.release("1.0.1", 1))


def out_of_lineage(bed: Bedside) -> None:
    """A release that does not succeed the running one."""
    bed.order(bed.release("1.1.0", 3, ("pump-200@0.9.0+1",)))


def rollback_to_news(bed: Bedside) -> None:
    """A roll-back that leads to a new release."""
    bed.order(bed.release("1.1.0", 3), "rollback")


def fallback_as_news(bed: Bedside) -> None:
    """A pre-signed fallback rolled out as if it were new."""
    bed.order(bed.release("1.1.0", 3, fallback_of="pump-200@1.2.0+2"))


def keep_of_another(bed: Bedside) -> None:
    """An order to stay on what does not run."""
    bed.order(bed.release("1.1.0", 3), "keep")


def not_at_the_vendor(bed: Bedside) -> None:
    """The director orders what the vendor never published."""
    release = bed.release("1.1.0", 3)
    claim = msgspec.structs.replace(bed.claims[release], version="1.1.1", release_counter=4)
    image = bed.factory.sign(bed.factory.code("1.1.0", 3), "1.1.1", 4)
    order = bed.hospital.order(bed.device, claim, image)
    bed.hospital.sign(bed.device, order, image)


def another_digest(bed: Bedside) -> None:
    """The director names other bytes under the vendor's path."""
    release = bed.release("1.1.0", 3)
    bed.hospital.sign(bed.device, bed.draft(release), bed.images[release] + b"\0")


def another_digest_same_length(bed: Bedside) -> None:
    """The director names other bytes of the same length."""
    release = bed.release("1.1.0", 3)
    changed = bed.images[release][:-1] + b"\0"
    bed.hospital.sign(bed.device, bed.draft(release), changed)


def another_path(bed: Bedside) -> None:
    """The order's target lies under another release's path."""
    release = bed.release("1.1.0", 3)
    path = image_path(FACTORY_RELEASE)
    bed.hospital.sign(bed.device, bed.draft(release), bed.images[release], path=path)


def other_hardware_ids(bed: Bedside) -> None:
    """The director adds this board to an image that was never meant for it."""
    release = bed.release("1.1.0", 3)
    claim = msgspec.structs.replace(bed.claims[release], hardware_ids=("PUMP-200-A",))
    bed.publish(claim, bed.images[release])
    bed.order(release)


def counter_hidden_in_the_image(bed: Bedside) -> None:
    """The image would burn the counter far beyond what its metadata says."""
    code = bed.factory.code("1.1.0", 3)
    bed.order(bed.release("1.1.0", 3, image=bed.factory.sign(code, "1.1.0", 900)))


def no_firmware_at_all(bed: Bedside) -> None:
    """All agree on a file that is no image."""
    bed.order(bed.release("1.1.0", 3, image=b"#!/bin/sh\n" * 100))


def two_gigabytes(bed: Bedside) -> None:
    """The order announces a ciphertext of 2 GB."""
    ordered(bed, ciphertext_length=2**31)


ORDER_ATTACKS: Final[tuple[tuple[Spoil, Attack], ...]] = (
    (tampered_at_rest, Attack.TAMPERED_IMAGE),
    (another_image_inside, Attack.TAMPERED_IMAGE),
    (truncated_ciphertext, Attack.TAMPERED_IMAGE),
    (key_sealed_to_another, Attack.WRONG_DEVICE),
    (wrong_hardware, Attack.WRONG_HARDWARE),
    (another_product, Attack.WRONG_HARDWARE),
    (downgrade, Attack.DOWNGRADE),
    (equal_counter, Attack.DOWNGRADE),
    (out_of_lineage, Attack.OUT_OF_LINEAGE),
    (rollback_to_news, Attack.OUT_OF_LINEAGE),
    (fallback_as_news, Attack.OUT_OF_LINEAGE),
    (keep_of_another, Attack.OUT_OF_LINEAGE),
    (not_at_the_vendor, Attack.DISAGREEMENT),
    (another_digest, Attack.DISAGREEMENT),
    (another_digest_same_length, Attack.DISAGREEMENT),
    (another_path, Attack.DISAGREEMENT),
    (other_hardware_ids, Attack.DISAGREEMENT),
    (counter_hidden_in_the_image, Attack.DISAGREEMENT),
    (no_firmware_at_all, Attack.BAD_METADATA),
    (two_gigabytes, Attack.ENDLESS_DATA),
)
"""Each attack, and what the device must call it."""

"""From a judgement to rows: admitting a release with its fallback, or refusing it.

This is the only place that writes a release with state "admitted", and it takes a judgement that
says so.  Images are encrypted here, once; the content key leaves only wrapped.
"""

import os
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.gate.intake import Firmware, Missing, Verified
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records import releases, vendors
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.proof.wrap import encrypt
from firmward.terms.errors import Misuse, NotTrusted
from firmward.terms.wire import encode


def known(connection: Connection) -> frozenset[str]:
    """Every release id that is taken: what was refused may be handed in and judged again."""
    return frozenset(r.release for r in releases.every(connection) if r.state != "refused")


def unchanged(connection: Connection, verified: Verified) -> None:
    """Raises NotTrusted for another image under the name of a release that was refused before.

    Otherwise a verdict on the one could be taken for a verdict on the other.
    """
    before = releases.find(connection, verified.release)
    got = verified.firmware.sha256
    if before is not None and before.image_sha256 != got:
        expected = f"expected the image that was judged before, {before.image_sha256}, got {got}"
        raise NotTrusted(verified.release, expected)


def admit(
    connection: Connection,
    site: Site,
    verified: Verified,
    admitted: Sequence[Judgement],
    stored: str,
    now: datetime,
) -> Release:
    """Record an admitted release and its fallback, ready for delivery, and the vendor's new state.

    admitted  the judgements that say so, one for each class that may have it
    stored    the blob that holds the bundle, sealed

    Blobs are durable before the rows that name them; a crash in between leaves blobs without a row.
    """
    genuine = all(each.admitted and each.release == verified.release for each in admitted)
    if not admitted or not genuine or isinstance(verified.fallback, Missing):
        raise Misuse(
            f"{verified.release}: only an admitted release with a fallback can be recorded"
        )
    fallback = verified.fallback.claim.release
    main = _delivered(site, verified, verified.firmware, fallback, stored, now)
    way_back = _delivered(site, verified, verified.fallback, fallback, stored, now)
    releases.drop_refused(connection, main.release)
    releases.add(connection, main)
    releases.add(connection, way_back)
    vendors.keep(connection, verified.vendor, verified.metadata, verified.published)
    return main


def _delivered(
    site: Site,
    verified: Verified,
    firmware: Firmware,
    fallback: str,
    stored: str,
    now: datetime,
) -> Release:
    release = firmware.claim.release
    key = os.urandom(32)
    ciphertext = encrypt(firmware.data, key, os.urandom(16))
    return Release(
        release=release,
        vendor=verified.vendor,
        product=firmware.claim.product,
        counter=firmware.claim.release_counter,
        state="admitted",
        claim=encode(firmware.claim),
        fallback=fallback,
        image_sha256=firmware.sha256,
        image_length=len(firmware.data),
        ciphertext_sha256=site.blobs.put(ciphertext),
        ciphertext_length=len(ciphertext),
        sealed_key=site.seal(key, release),
        bundle=stored,
        at=now.timestamp(),
    )


def refuse(connection: Connection, verified: Verified, stored: str, now: datetime) -> None:
    """Record a refused release.  Nothing of it can be delivered: no ciphertext, no key."""
    firmware = verified.firmware
    refused = Release(
        release=firmware.claim.release,
        vendor=verified.vendor,
        product=firmware.claim.product,
        counter=firmware.claim.release_counter,
        state="refused",
        claim=encode(firmware.claim),
        fallback="",
        image_sha256=firmware.sha256,
        image_length=len(firmware.data),
        ciphertext_sha256="",
        ciphertext_length=0,
        sealed_key=b"",
        bundle=stored,
        at=now.timestamp(),
    )
    releases.drop_refused(connection, refused.release)
    releases.add(connection, refused)

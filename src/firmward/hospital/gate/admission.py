"""From a judgement to rows: admitting a release with its fallback, or refusing it.

This is the only place that writes a release with state "admitted", and it takes a judgement that
says so.  Images are encrypted here, once; the content key leaves only wrapped.
"""

import os
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.gate.evidence import SiteFacts
from firmward.hospital.gate.intake import Firmware, Missing, Verified
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records import devices, releases, vendors
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.proof.wrap import encrypt
from firmward.terms.errors import Misuse
from firmward.terms.wire import encode


def facts(connection: Connection, site: Site, verified: Verified, now: datetime) -> SiteFacts:
    """What this hospital has of a product: the releases its devices run, and how high they are.

    Devices that run the release itself are left out: they have nothing to take it from.
    """
    product = verified.product.product
    here = [d for d in devices.every(connection, product) if d.status != "retired"]
    running = {d.release for d in here if d.release} - {verified.release}
    return SiteFacts(
        site=site.settings.site,
        product=product,
        model=verified.product.model,
        tier=min((d.tier for d in here), default=1),
        jurisdictions=site.settings.jurisdictions,
        hardware_ids=tuple(sorted({d.hardware_id for d in here})),
        releases=tuple(sorted(running)),
        highest_counter=max((d.floor for d in here), default=0),
        observed_at=now,
    )


def known(connection: Connection) -> frozenset[str]:
    """Every release id that was judged before."""
    return frozenset(release.release for release in releases.every(connection))


def admit(
    connection: Connection,
    site: Site,
    verified: Verified,
    judgement: Judgement,
    verdict: bytes,
    stored: str,
    now: datetime,
) -> Release:
    """Record an admitted release and its fallback, ready for delivery, and the vendor's new state.

    stored  the blob that holds the bundle, sealed

    Blobs are durable before the rows that name them; a crash in between leaves blobs without a row.
    """
    if not judgement.admitted or isinstance(verified.fallback, Missing):
        raise Misuse(
            f"{verified.release}: only an admitted release with a fallback can be recorded"
        )
    fallback = verified.fallback.claim.release
    main = _delivered(site, verified, verified.firmware, fallback, verdict, stored, now)
    way_back = _delivered(site, verified, verified.fallback, fallback, verdict, stored, now)
    releases.add(connection, main)
    releases.add(connection, way_back)
    vendors.keep(connection, verified.vendor, verified.metadata, verified.published)
    return main


def _delivered(
    site: Site,
    verified: Verified,
    firmware: Firmware,
    fallback: str,
    verdict: bytes,
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
        verdict=verdict,
        bundle=stored,
        at=now.timestamp(),
    )


def refuse(
    connection: Connection, verified: Verified, verdict: bytes, stored: str, now: datetime
) -> None:
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
        verdict=verdict,
        bundle=stored,
        at=now.timestamp(),
    )
    releases.add(connection, refused)

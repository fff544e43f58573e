"""Who a device is: a factory identity in, this hospital's identity out, and its keys pinned."""

from base64 import b64decode
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from firmward.hospital.bedside import Withheld
from firmward.hospital.records import devices, ledger, vendors
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.proof import certs, keys
from firmward.terms.checkin import Registration
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.stage import Stage
from firmward.terms.wire import encode

IDENTITY_LIFE = timedelta(days=90)


def enrol(site: Site, idevid: bytes, request: bytes, now: datetime) -> x509.Certificate:
    """An LDevID certificate for a device that proves its factory identity (RFC 7030 4.2.1).

    idevid  DER of the client certificate that the TLS handshake verified
    raises  UnknownDevice, NotTrusted, Malformed
    """
    device = certs.identity(idevid)
    with site.store.writing() as connection:
        row = devices.get(connection, device)
        authority = x509.load_pem_x509_certificate(
            vendors.anchors(connection, row.vendor).device_authority.encode()
        )
        # All vendors' factories are trusted by the listener; each may speak for its own only.
        if not certs.signed_by(x509.load_der_x509_certificate(idevid), authority):
            raise NotTrusted(device, f"its factory identity is not one of {row.vendor}'s")
        if row.status == "retired" or row.status == "quarantined":
            raise Withheld(device, "an identity", f"the device is {row.status}")
        key = certs.requested(request, device)
        issuer = site.authorities["hospital"]
        certificate = certs.client_certificate(issuer, key, device, now, IDENTITY_LIFE)
        fingerprint = certs.fingerprint(certificate.public_bytes(serialization.Encoding.DER))
        devices.change(connection, device, fingerprint=fingerprint, status="active")
        ledger.record(
            connection,
            "device.enrolled",
            Stage.DEVICE,
            now,
            device,
            (device,),
            f"{device} has a new identity",
            certificate=fingerprint,
        )
    return certificate


def recognise(site: Site, certificate: bytes) -> Device:
    """The device that a verified client certificate speaks for now.

    A resumed session carries the old certificate, so this is asked at every request.
    Raises UnknownDevice, NotTrusted.
    """
    name = certs.identity(certificate)
    with site.store.reading() as connection:
        device = devices.get(connection, name)
    if device.fingerprint != certs.fingerprint(certificate):
        raise NotTrusted(name, "another certificate has replaced this one")
    return device


def register(site: Site, device: Device, registration: Registration, now: datetime) -> None:
    """Pin a device's decryption and report keys, once.  Raises Refused for a second pair."""
    decryption = b64decode(registration.decryption_key, validate=True)
    report = encode(registration.report_key)
    keys.public_key(report, f"{device.device} report key")
    if registration.hardware_id != device.hardware_id:
        raise Refused(
            f"{device.device}: expected hardware {device.hardware_id}, "
            f"got {registration.hardware_id}"
        )
    with site.store.writing() as connection:
        known = devices.get(connection, device.device)
        if known.report_key:
            if (known.report_key, known.decryption_key) != (report, decryption):
                raise Refused(f"{device.device}: expected its registered keys, got others")
            return
        devices.change(connection, device.device, decryption_key=decryption, report_key=report)
        ledger.record(
            connection,
            "device.registered",
            Stage.DEVICE,
            now,
            device.device,
            (device.device,),
            f"{device.device} registered its keys",
            report=registration.report_key.keyid,
        )

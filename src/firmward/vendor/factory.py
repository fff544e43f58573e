"""The vendor's factory: who a device is, before any hospital owns it (IDevID, IEEE 802.1AR)."""

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmward.proof import certs
from firmward.terms.names import serial
from firmward.vendor.keys.ring import VendorKeys

# 802.1AR asks for a certificate that outlives the device; ours promise twenty years of service.
LIFE: Final = timedelta(days=20 * 365)


def issue_idevid(
    keys: VendorKeys, device: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.Certificate:
    """The factory certificate of the device with this id, for the key made on that device.

    raises  Malformed for what is no device id
    """
    serial(device)
    return certs.client_certificate(keys.device_authority, key, device, now, LIFE)

"""What a vendor gives a hospital once, out of band, to be pinned."""

from typing import Annotated, Any

from msgspec import Meta

from firmward.terms.names import HardwareId, Label
from firmward.terms.wire import Wire


class Product(Wire, frozen=True, kw_only=True):
    """A device model that a vendor makes, and the boards it runs on."""

    product: Label
    model: Annotated[str, Meta(max_length=64)]
    hardware_ids: Annotated[tuple[HardwareId, ...], Meta(min_length=1, max_length=32)]
    device_class: Annotated[str, Meta(max_length=32)]


class Onboarding(Wire, frozen=True, kw_only=True):
    """A vendor's trust anchors.  Whoever swaps this file is the vendor: compare it by voice.

    enterprise        IANA private enterprise number that its device ids begin with
    root              base64 of the vendor's TUF root file to start from
    evidence_key      public key document: who signs build evidence
    firmware_key      PEM: who signs MCUboot images
    device_authority  PEM: who issued the factory identities (IDevID, IEEE 802.1AR)
    """

    vendor: Label
    enterprise: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    root: Annotated[str, Meta(max_length=1_000_000)]
    evidence_key: dict[str, Any]
    firmware_key: Annotated[str, Meta(max_length=4096)]
    device_authority: Annotated[str, Meta(max_length=8192)]
    products: Annotated[tuple[Product, ...], Meta(min_length=1, max_length=64)]

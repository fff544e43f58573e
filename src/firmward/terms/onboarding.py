"""What a vendor gives a hospital once, out of band, to be pinned."""

from typing import Annotated, Any, Final

from msgspec import Meta

from firmward.terms.names import HardwareId, Label
from firmward.terms.wire import MIB, Wire, convert, parse

LIMIT: Final = 2 * MIB


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
    evidence_keys     public key documents: each of them signs every statement about a build
    firmware_key      PEM: who signs MCUboot images
    device_authority  PEM: who issued the factory identities (IDevID, IEEE 802.1AR)
    """

    vendor: Label
    enterprise: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    root: Annotated[str, Meta(max_length=1_000_000)]
    evidence_keys: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=4)]
    firmware_key: Annotated[str, Meta(max_length=4096)]
    device_authority: Annotated[str, Meta(max_length=8192)]
    products: Annotated[tuple[Product, ...], Meta(min_length=1, max_length=64)]


def read_onboarding(data: bytes, who: str = "onboarding") -> Onboarding:
    """The onboarding file in these bytes.  Raises Malformed.

    A root with ML-DSA keys and signatures is one string of some 60 kB here.
    """
    return convert(parse(data, who, limit=LIMIT, longest=LIMIT), Onboarding, who)

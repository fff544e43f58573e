"""What a hospital orders of one device: the `custom` member of its director target."""

from typing import Annotated, Literal

from msgspec import Meta

from firmward.terms.names import Counter, DeviceId, HardwareId, Label, Sha256, Version, release_id
from firmward.terms.wire import Wire

Purpose = Literal["install", "rollback", "keep"]


class Order(Wire, frozen=True, kw_only=True):
    """The full state one device is expected to be in, signed for that device alone.

    order        unique; reports name it
    purpose      why: a roll-out, a way back, or staying as it is
    ciphertext_* what is fetched: the image encrypted once (RFC 8188), the same for all devices
    wrapped_key  base64 of the content key sealed to this device (HPKE, RFC 9180)

    Member names are Uptane's where it has one (standard 2.1, 5.4.3.2 targets metadata).
    """

    order: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    purpose: Purpose
    ecu_identifier: DeviceId
    vendor: Label
    product: Label
    version: Version
    release_counter: Counter
    hardware_ids: Annotated[tuple[HardwareId, ...], Meta(min_length=1, max_length=32)]
    ciphertext_sha256: Sha256
    ciphertext_length: Annotated[int, Meta(ge=1, le=2**31)]
    wrapped_key: Annotated[str, Meta(max_length=4096)]
    never_in_use: bool = True

    @property
    def release(self) -> str:
        """The release id this order is about."""
        return release_id(self.product, self.version, self.release_counter)

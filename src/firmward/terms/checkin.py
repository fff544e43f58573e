"""What a device and its hospital say to each other outside the signed documents.

None of this is trusted further than the channel it came by: a lying server can withhold an order
or slow a device down with these words, never make it install anything.
"""

from typing import Annotated, Final

from msgspec import Meta

from firmward.terms.names import HardwareId, Label, Moment
from firmward.terms.wire import Wire

CHECK_IN: Final = "/v1/check-in"
REGISTER: Final = "/v1/register"
REPORTS: Final = "/v1/reports"
VITALS: Final = "/v1/vitals"
DIRECTOR: Final = "/v1/director/"
IMAGE: Final = "/v1/image/"
BLOBS: Final = "/v1/blobs/"
EST_ENROLL: Final = "/.well-known/est/simpleenroll"
EST_CACERTS: Final = "/.well-known/est/cacerts"


class PublicKeyDocument(Wire, frozen=True, kw_only=True):
    """A public signing key as TUF and DSSE write it, key id included."""

    keyid: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    keytype: Annotated[str, Meta(max_length=32)]
    scheme: Annotated[str, Meta(max_length=32)]
    keyval: dict[str, Annotated[str, Meta(max_length=8192)]]


class Registration(Wire, frozen=True, kw_only=True):
    """A device's other two keys, told once over its new identity.

    decryption_key  base64 of the raw X25519 public key that image keys are sealed to
    report_key      who signs this device's version reports
    """

    decryption_key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
    report_key: PublicKeyDocument
    hardware_id: HardwareId


class CheckIn(Wire, frozen=True, kw_only=True):
    """What waits for a device.

    order_version  version of the timestamp of its director repository; 0 means no order yet
    poll_ms        when to ask again
    server_time    a hint for logs only: expiry is judged by the device's own clock
    """

    order_version: Annotated[int, Meta(ge=0)]
    vendor: Label
    poll_ms: Annotated[int, Meta(ge=1, le=86_400_000)]
    server_time: Moment


class Accepted(Wire, frozen=True, kw_only=True):
    """The server has this report or these vitals durably; the device may forget them."""

    accepted: Annotated[int, Meta(ge=1)]


class Fault(Wire, frozen=True, kw_only=True):
    """Why an answer is no: who, what was expected, what came, and which kind of error."""

    who: Annotated[str, Meta(max_length=500)] = ""
    expected: Annotated[str, Meta(max_length=2000)] = ""
    got: Annotated[str, Meta(max_length=2000)] = ""
    kind: Annotated[str, Meta(max_length=64)] = ""


class Failure(Wire, frozen=True, kw_only=True):
    """The body of every 4xx and 5xx answer."""

    error: Fault


class FrontDoor(Wire, frozen=True, kw_only=True):
    """How a device finds its hospital, and what it may trust there: pinned when it is set up.

    base, enrolment  https origins of the device plane and of the enrolment listener
    authority        PEM of the hospital's certificate authority
    director_root    base64 of the first root of the hospital's director repositories

    The vendor's root is not here: it came with the device from the factory.
    """

    base: Annotated[str, Meta(pattern=r"^https://[A-Za-z0-9.:\[\]-]{1,255}\Z")]
    enrolment: Annotated[str, Meta(pattern=r"^https://[A-Za-z0-9.:\[\]-]{1,255}\Z")]
    authority: Annotated[str, Meta(max_length=8192)]
    director_root: Annotated[str, Meta(max_length=1_000_000)]

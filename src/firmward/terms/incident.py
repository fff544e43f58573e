"""What a hospital tells a vendor about a release that it refused, rolled back or isolated."""

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from firmward.terms.names import Label
from firmward.terms.wire import Wire

INCIDENT: Final = "https://firmward.dev/attestation/incident/v1"
"""Predicate type of the in-toto statement; its subject is the image, or the bundle as it came."""


class Incident(Wire, frozen=True, kw_only=True):
    """One ticket, as the vendor's engineers get it.  It names no patient, ward or device.

    ticket   the hospital's number; `hospital` and it are the incident's name
    cause    what deduplicates tickets, such as "refused:pump-200@1.1.0+3"
    release  "" where a bundle was too broken to name one
    """

    hospital: Label
    ticket: Annotated[int, Meta(ge=1)]
    vendor: Label
    release: Annotated[str, Meta(max_length=128)] = ""
    cause: Annotated[str, Meta(max_length=512)]
    subject: Annotated[str, Meta(max_length=512)]
    reasons: Annotated[tuple[Annotated[str, Meta(max_length=1000)], ...], Meta(max_length=64)] = ()
    filed: datetime

    @property
    def name(self) -> str:
        """hospital-number."""
        return f"{self.hospital}-{self.ticket}"

    @property
    def product(self) -> str:
        """The product it is about, "" if none is named."""
        return self.release.partition("@")[0]


class Reporter(Wire, frozen=True, kw_only=True):
    """A hospital whose reports a vendor believes; the file that it gives the vendor.

    verdict_key  public key document: who signs its reports
    secret       `whsec_` text shared for webhooks; "" where it only sends files
    """

    hospital: Label
    verdict_key: dict[str, Any]
    secret: Annotated[str, Meta(max_length=120)] = ""

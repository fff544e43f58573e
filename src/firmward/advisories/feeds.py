"""The services that advisories come from: how recent each is, where it goes on, whose it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from firmward.terms.errors import Refused
from firmward.terms.times import moment

KEV: Final = "kev"
EPSS: Final = "epss"
LICENCES: Final = {
    "osv": "osv.dev: CC-BY-4.0, or as each of its databases says",
    "nvd": "NIST NVD: public domain; this product is not endorsed by the NVD",
    "cve5": "CVE Program terms of use; CISA's additions CC0-1.0",
    "csaf": "as each publisher says in its documents",
    KEV: "CISA KEV: CC0-1.0",
    EPSS: "FIRST EPSS: free use with attribution",
}


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One official service, or one part of it.

    name      its kind, and which part of it: "nvd", "osv/PyPI"
    snapshot  how recent what it brought is
    cursor    where its next incremental update goes on; only its fetcher reads it
    updated   when it was last brought up to date
    taken     how many records its last update changed
    """

    name: str
    snapshot: datetime
    cursor: str
    updated: datetime
    licence: str
    taken: int

    @property
    def kind(self) -> str:
        """osv, nvd, cve5, csaf, kev or epss."""
        return self.name.partition("/")[0]


class OlderSnapshot(Refused):
    """A feed was offered in a state from before the one that is held."""

    def __init__(self, feed: str, held: datetime, got: datetime):
        self.feed, self.held, self.got = feed, held, got
        super().__init__(
            f"{feed}: expected a snapshot of {moment(held)} or later, got {moment(got)}"
        )

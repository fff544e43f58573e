"""Where the official services are, and what a visit to one of them brings."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from firmward.advisories.feeds import EPSS, KEV
from firmward.terms.errors import Misuse

ECOSYSTEMS: Final = ("Alpine", "Debian", "Linux", "OSS-Fuzz", "PyPI")
"""What firmware is made of, unless others are asked for."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services, each replaceable by a mirror of the same shape.

    csaf         addresses of provider-metadata.json
    nvd_key      NVD's API key; without one it lets through 5 requests in 30 seconds
    nvd_pause_s  between two requests to NVD; None for what NVD asks for
    page         records of one page of NVD; its maximum
    singles      changed OSV records that are fetched one by one before the whole archive is
    """

    osv: str = "https://osv-vulnerabilities.storage.googleapis.com"
    ecosystems: tuple[str, ...] = ECOSYSTEMS
    nvd: str = "https://services.nvd.nist.gov/rest/json/cves/2.0"
    nvd_key: str = ""
    nvd_pause_s: float | None = None
    page: int = 2000
    cve5: str = "https://api.github.com/repos/CVEProject/cvelistV5/releases"
    kev: str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
    epss: str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
    csaf: tuple[str, ...] = (
        "https://www.cisa.gov/sites/default/files/csaf/provider-metadata.json",
    )
    singles: int = 500

    def feeds(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """The feeds of these kinds.  Raises Misuse for one that there is not."""
        parts = {
            "osv": [f"osv/{name}" for name in self.ecosystems],
            "csaf": [f"csaf/{address.split('/')[2]}" for address in self.csaf],
        }
        for kind in kinds:
            if kind not in ("osv", "nvd", "cve5", "csaf", KEV, EPSS):
                raise Misuse(f"{kind}: expected osv, nvd, cve5, csaf, kev or epss")
        return tuple(feed for kind in kinds for feed in parts.get(kind, [kind]))


@dataclass(frozen=True)
class Brought:
    """Files to load, how recent they make their feed, and where to go on next time."""

    paths: tuple[Path, ...]
    snapshot: datetime
    cursor: str


_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:@_ -]{0,127}\Z")


def plain_segments(path: str) -> bool:
    """Whether a path that a service names stays inside the folder it is saved in."""
    return 0 < len(path) <= 512 and all(_SEGMENT.match(part) for part in path.split("/"))

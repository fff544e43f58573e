"""The one shape into which every advisory format is read, and what is asked of it."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Source = Literal["osv", "nvd", "cve5", "csaf"]
Scheme = Literal["generic", "semver", "deb", "rpm", "apk", "python", "openssl", "git", "prose"]
"""How the versions of a range are ordered; `git` and `prose` cannot be by a version alone."""

_Text = Annotated[str, Meta(max_length=4096)]


class _Row(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True, gc=False
):
    """Stored as an array: the index holds hundreds of thousands of these."""


class Span(_Row, frozen=True, kw_only=True):
    """Affected versions from `first` to `last`, by `scheme`.

    first, last   "" where the span is open to that side
    after_first   whether `first` itself is left out (NVD's versionStartExcluding)
    holds_last    whether `last` itself is affected (last_affected, versionEndIncluding) or is
                  where it was repaired (fixed, versionEndExcluding, lessThan)
    """

    first: _Text = ""
    last: _Text = ""
    after_first: bool = False
    holds_last: bool = False
    scheme: Scheme = "generic"


class Entry(_Row, frozen=True, kw_only=True):
    """One product that a record speaks of.

    purl        package URL without version, "" without one
    ecosystem   OSV's, with its release: "Debian:12", "Alpine:v3.18"; "" without one
    cpe         (part, vendor, product) in lower case, empty where the record has none
    vendor, name   as the record spells them, lower case; `name` is the package's or product's
    target      CPE target_sw, "*" or "" for any
    spans       affected
    unaffected  spans that the record says are clean, which win over `spans`
    versions    exact versions that are affected
    by_default  what the record says of versions that it does not name (CVE 5 defaultStatus)
    platform    named only as what the vulnerable part runs on (CPE vulnerable: false)
    withheld    a reason why this entry cannot be decided from a version, "" if it can
    """

    purl: _Text = ""
    ecosystem: _Text = ""
    cpe: tuple[str, ...] = ()
    vendor: _Text = ""
    name: _Text = ""
    target: _Text = ""
    spans: tuple[Span, ...] = ()
    unaffected: tuple[Span, ...] = ()
    versions: tuple[str, ...] = ()
    by_default: Literal["affected", "unaffected", "unknown", ""] = ""
    platform: bool = False
    withheld: _Text = ""


class Record(_Row, frozen=True, kw_only=True):
    """One advisory of one source.  Times are RFC 3339 in UTC.

    id         as its source names it
    aliases    every other name, CVE ids among them
    withdrawn  when it was taken back, "" while it stands
    severities (scoring method as OSV names it: CVSS_V2, CVSS_V3, CVSS_V4; vector)
    ssvc       CISA's decision points of the record, such as (("Exploitation", "poc"), ...)
    """

    id: str
    source: Source
    modified: str
    published: str = ""
    withdrawn: str = ""
    aliases: tuple[str, ...] = ()
    summary: _Text = ""
    severities: tuple[tuple[str, str], ...] = ()
    weaknesses: tuple[str, ...] = ()
    ssvc: tuple[tuple[str, str], ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def cve(self) -> str:
        """The CVE id among its names, "" without one."""
        return next((n for n in (self.id, *self.aliases) if n.startswith("CVE-")), "")


class Exploited(_Row, frozen=True, kw_only=True):
    """A row of CISA's catalogue of known exploited vulnerabilities (KEV); dates as YYYY-MM-DD."""

    cve: str
    added: str
    due: str = ""
    ransomware: bool = False


class Likelihood(_Row, frozen=True, kw_only=True):
    """FIRST's EPSS of one CVE: probability of exploitation in 30 days, and percentile; 0 to 1."""

    cve: str
    epss: float
    percentile: float


SOURCES: Final[tuple[Source, ...]] = ("osv", "nvd", "cve5", "csaf")

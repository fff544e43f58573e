"""CISA's catalogue of known exploited vulnerabilities (KEV), JSON or CSV."""

import csv
import io
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from firmward.advisories.records import Exploited
from firmward.advisories.upstream import Name, Upstream, decode, instant
from firmward.terms.errors import Malformed

WHO: Final = "KEV catalogue"
_COLUMNS: Final = ("cveID", "dateAdded", "dueDate", "knownRansomwareCampaignUse")
_DAY: Final = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_Day = Annotated[str, Meta(pattern=rf"^{_DAY}\Z")]


class _Row(Upstream, frozen=True, kw_only=True, rename="camel"):
    cve: Name = msgspec.field(name="cveID")
    date_added: _Day
    due_date: Annotated[str, Meta(pattern=rf"^(?:{_DAY})?\Z")] = ""
    known_ransomware_campaign_use: str = "Unknown"


class _Catalogue(Upstream, frozen=True, kw_only=True, rename="camel"):
    catalog_version: str
    date_released: str
    count: int
    vulnerabilities: list[_Row]


_CATALOGUE: Final = msgspec.json.Decoder(_Catalogue)


def catalogue(data: bytes, who: str = WHO) -> tuple[str, tuple[Exploited, ...]]:
    """When it was released, and its rows.

    The CSV says nothing of its release, which then is the day of its last addition: no later, so
    that it never looks fresher than it is.
    raises  Malformed, also where it holds fewer rows than it counts: one was cut off or taken out
    """
    if data[:64].lstrip()[:1] == b"{":
        read = decode(_CATALOGUE, data, who)
        if read.count != len(read.vulnerabilities):
            raise Malformed(
                who, f"the {read.count} rows that it counts", str(len(read.vulnerabilities))
            )
        listed = read.vulnerabilities
        released = instant(read.date_released, who)
    else:
        listed = _table(data, who)
        released = ""
    rows = tuple(
        Exploited(
            cve=row.cve,
            added=row.date_added,
            due=row.due_date,
            ransomware=row.known_ransomware_campaign_use == "Known",
        )
        for row in listed
    )
    last = max((row.added for row in rows), default="")
    if not rows:
        raise Malformed(who, "at least one row", "none")
    return released or f"{last}T00:00:00Z", rows


def _table(data: bytes, who: str) -> list[_Row]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise Malformed(who, f"columns {', '.join(_COLUMNS)}", str(reader.fieldnames)[:200])
        return [msgspec.convert({name: row[name] for name in _COLUMNS}, _Row) for row in reader]
    except (csv.Error, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Malformed(who, "CISA's CSV", str(error)[:200]) from error

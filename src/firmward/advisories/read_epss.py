"""FIRST's exploit prediction scores (EPSS), CSV, plain or gzipped.

Source: first.org/epss/data_stats: a comment line with model version and score date, then a header.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable
from typing import Final

from firmward.advisories.records import Likelihood
from firmward.advisories.upstream import instant
from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB

WHO: Final = "EPSS scores"
_LARGEST: Final = 256 * MIB
_DATE: Final = re.compile(r"score_date:([0-9T:+.Z-]{10,40})")
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}\Z")
_HEADINGS: Final = {
    "cve": "cve",
    "epss": "epss",
    "percentile": "percentile",
    "epss percentile": "percentile",
}


def scores(data: bytes, who: str = WHO) -> tuple[str, tuple[Likelihood, ...]]:
    """When they were made ("" where the file does not say), and the scores.  Raises Malformed."""
    text = _text(data, who)
    made = ""
    if text.startswith("#"):
        comment, _, text = text.partition("\n")
        found = _DATE.search(comment)
        made = (
            instant(found[1] if len(found[1]) > 10 else f"{found[1]}T00:00:00Z", who)
            if found
            else ""
        )
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        return made, tuple(_rows(reader, who))
    except (csv.Error, ValueError, IndexError) as error:
        raise Malformed(who, "FIRST's CSV", str(error)[:200]) from error


def _text(data: bytes, who: str) -> str:
    try:
        if data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise Malformed(who, f"at most {_LARGEST} bytes", "more")
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise Malformed(who, "a CSV file", str(error)[:200]) from error


def _rows(reader: Iterable[list[str]], who: str) -> Iterable[Likelihood]:
    lines = iter(reader)
    headings = [_HEADINGS.get(name.strip().lower(), "") for name in next(lines, [])]
    if not {"cve", "epss", "percentile"} <= set(headings):
        raise Malformed(who, "columns cve, epss, percentile", str(headings)[:200])
    cve, epss, percentile = (headings.index(name) for name in ("cve", "epss", "percentile"))
    for line in lines:
        score = Likelihood(
            cve=line[cve], epss=float(line[epss]), percentile=float(line[percentile])
        )
        if not (_CVE.match(score.cve) and 0 <= score.epss <= 1 and 0 <= score.percentile <= 1):
            raise Malformed(who, "a CVE and two shares of 1", repr(line)[:100])
        yield score

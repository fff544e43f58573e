"""Somebody else's formats: what we read of them is typed, what we do not is skipped as they grow.

A record that is not what its format says is refused by name, and its feed with it: a reader that
skipped it would hide a vulnerability, and an attacker would choose which.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from firmward.advisories.records import Scheme
from firmward.terms.errors import Malformed
from firmward.terms.times import moment
from firmward.terms.wire import printable

Text = Annotated[str, Meta(max_length=4096)]
"""A name, version or vector; Record holds no longer one."""

Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[!-~]+\Z")]
"""An advisory's id: visible ASCII, so that none can write a second line into a log."""

SUMMARY: Final = 240
"""Characters of a summary that are kept: enough to know which one it is."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Part of somebody else's format: what we read of it."""


T = TypeVar("T")


class Scored(Upstream, frozen=True, kw_only=True, rename="camel"):
    """A CVSS object, of which the vector alone is read: it says the rest."""

    vector_string: Text | None = None


def decode(decoder: "msgspec.json.Decoder[T]", data: bytes | msgspec.Raw, who: str) -> T:
    """What a decoder makes of the bytes.  Raises Malformed."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(who, error) from error


def unreadable(who: str, error: Exception) -> Malformed:
    """The refusal of bytes that a parser would not take."""
    # It quotes what it read, and a newline in that would write a second line into a log.
    says = " ".join(printable(str(error)[:200]).split())
    return Malformed(printable(who)[:200], "the upstream format", says or type(error).__name__)


_PLAIN: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{1,9})?Z?",
    re.ASCII,
)


def instant(text: str | None, who: str) -> str:
    """RFC 3339 in UTC, whole seconds, "" for none; without a zone it is UTC, as NVD has it.

    Every instant has one form, so that as texts they sort as times.  Raises Malformed.
    """
    if not text:
        return ""
    if _PLAIN.fullmatch(text):
        return text[:19] + "Z"
    try:
        found = datetime.fromisoformat(text)
        return moment(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise Malformed(who, "a time as RFC 3339 has it", repr(text[:40])) from error


def zoned(text: str, who: str) -> datetime:
    """A time that says its zone.  Raises Malformed."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(who, "a time", repr(text[:40])) from error
    if at.tzinfo is None:
        raise Malformed(who, "a time with its zone", repr(text[:40]))
    return at


def summary(*texts: str | None) -> str:
    """The first of these that says anything, on one line, cut short."""
    said = next((text for text in texts if text and text.strip()), "")
    line = " ".join(said[: SUMMARY + 40].split())
    if not line.isprintable():
        line = printable(line)
    return line if len(line) <= SUMMARY else line[: SUMMARY - 1] + "…"


def vectors(found: Iterable[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    """Scoring methods with their vectors, each once, those without a vector left out."""
    return tuple(dict.fromkeys((method, vector) for method, vector in found if vector))


def each_once(names: Iterable[T], *but: T) -> tuple[T, ...]:
    """The names in their order, without repetition and without those that go without saying."""
    found: dict[Any, None] = dict.fromkeys(names)
    for name in ("", *but):
        found.pop(name, None)
    return tuple(found)


def scheme_of(vendor: str, product: str, target: str = "") -> Scheme:
    """How a product's own publisher orders its versions, as far as its name tells."""
    if product == "openssl" and vendor in ("openssl", "openssl software foundation", ""):
        return "openssl"
    return "python" if target == "python" else "generic"


def members(value: Any) -> Iterable[Any]:
    """The members of a list that may be null upstream."""
    return value or ()

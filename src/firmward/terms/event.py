"""The ledger's entry: one step that one party took, at one moment, about named subjects."""

from typing import Annotated, Final

from msgspec import Meta, field

from firmward.terms.errors import Malformed, Misuse
from firmward.terms.names import Moment, ShortText
from firmward.terms.stage import Stage
from firmward.terms.wire import Wire, decode, encode

MAX_EVENT: Final = 65_535
"""An entry bundle prefixes each entry with a u16 length (C2SP tlog-tiles)."""

Scalar = str | int | float | bool
Detail = Scalar | tuple[Scalar, ...]

Kind = Annotated[str, Meta(pattern=r"^[a-z]+(?:[.-][a-z]+)*\Z", max_length=64)]


class Event(Wire, frozen=True, kw_only=True):
    """What happened.  Larger documents are named by digest, never carried.

    actor     who did it: a person, a device, a vendor, or "firmward" itself
    subjects  what it is about: device ids, release ids, roll-outs, tickets
    """

    kind: Kind
    stage: Stage
    at: Moment
    actor: Annotated[str, Meta(max_length=128)]
    subjects: Annotated[tuple[Annotated[str, Meta(max_length=160)], ...], Meta(max_length=64)]
    says: ShortText
    detail: dict[str, Detail] = field(default_factory=dict)


def entry(event: Event) -> bytes:
    """The ledger entry of an event: canonical bytes that every auditor can read back.

    An entry once sealed stays for ever, so one that would not parse is refused before.
    raises  Misuse
    """
    try:
        data = encode(event)
        same = decode(data, Event, "event", limit=MAX_EVENT) == event
    except (Malformed, ValueError, TypeError, OverflowError) as error:
        raise Misuse(f"event {event.kind}: cannot be read back: {error}") from error
    if not same:
        raise Misuse(f"event {event.kind}: reads back as another event")
    return data

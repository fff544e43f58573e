"""What the three VEX formats have in common: how much is read, and how a moment is."""

from datetime import datetime
from typing import Final

import msgspec

from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB

LIMIT: Final = 16 * MIB


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Part of somebody else's format: what we read of it."""


def moment(text: str, who: str) -> datetime:
    """A time with its zone.  Raises Malformed."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(who, "a time", repr(text[:40])) from error
    if at.tzinfo is None:
        raise Malformed(who, "a time with its zone", repr(text[:40]))
    return at

"""A value and how it is known: the envelope in which everything reaches a rule.

What is not known is absent, never null or a default: a rule that needs it cannot pass.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firmward.terms import times
from firmward.terms.wire import Wire

Trust = Literal["declared", "attested", "measured"]
TRUST: Final[Mapping[str, int]] = {"declared": 0, "attested": 1, "measured": 2}
"""declared: a person says so. attested: a signed statement of the vendor's build.
measured: the gate computed it itself, from bytes or from the hospital's own records."""

At = Literal["intake", "wave", "order", "standing"]
MOMENTS: Final[tuple[At, ...]] = get_args(At)
"""When the gate judges: at intake, before each wave and each order, and again whenever something
changes that speaks about what is deployed."""

Text = Annotated[str, Meta(max_length=4096)]
_TIME: Final = r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
Moment = Annotated[str, Meta(pattern=rf"^{_TIME}\Z")]
MaybeMoment = Annotated[str, Meta(pattern=rf"^(?:{_TIME})?\Z")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
MaybeDigest = Annotated[str, Meta(pattern=r"^(?:sha256:[0-9a-f]{64})?\Z")]
Texts = Annotated[tuple[Text, ...], Meta(max_length=512)]

T = TypeVar("T")


class Known(Wire, Generic[T], frozen=True, kw_only=True):
    """A value, and where it comes from.

    source_digest  digest of the artefact it was read from; "" for the hospital's own records
    signer         who signed or declared it, joined by +; "" when measured
    valid_until    from then on it counts as not known; absent where its source sets no end
    """

    value: T
    trust: Trust
    source_digest: MaybeDigest = ""
    signer: Annotated[str, Meta(max_length=512)] = ""
    observed_at: datetime
    valid_until: datetime | UnsetType = UNSET

    def stale(self, now: datetime) -> bool:
        """Whether its time is over."""
        return not isinstance(self.valid_until, UnsetType) and now >= self.valid_until


Maybe = Known[T] | UnsetType


class Section(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Values that belong together; absent where they are not known."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a list, always with all of its fields, so that a condition can read each."""


def moment(at: datetime) -> str:
    """A time as conditions read it: RFC 3339 in UTC, to the second."""
    return times.moment(at)

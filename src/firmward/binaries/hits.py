"""A find in some bytes, before anybody says what it is worth."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note", "none"]


@dataclass(frozen=True)
class Hit:
    """A find in some bytes: where, by which rule, and what of it may be told.

    worth  less than the rule's own level where there is doubt; None for the rule's own
    """

    at: int
    rule: str
    says: str
    worth: Level | None = None

"""Versions X.Y.Z, as we number our own things."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\Z")

Triple = tuple[int, int, int]


def triple(text: str) -> Triple | None:
    """X.Y.Z as numbers, or None: `1.1.1za`, `2022.83` and `1.0.0-rc1` have no order here."""
    match = _PLAIN.match(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None

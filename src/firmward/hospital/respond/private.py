"""What stays in the hospital: names of devices, wards and people, and whatever a person wrote.

A vendor needs to know what its release did, and to how many devices, not to which; and free text
may say anything about a patient.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from firmward.hospital.records import devices
from firmward.hospital.records.site import Site

BY_HAND: Final = "by hand, "
"""How a reason begins that a person wrote."""

_DEVICE: Final = re.compile(r"urn:dev:[A-Za-z0-9:._%-]*[A-Za-z0-9]")
_MOST: Final = 64
_LONGEST: Final = 1000


def by_hand(person: str, words: str) -> str:
    """A person's words as a reason, known for what it is wherever it goes."""
    return f"{BY_HAND}{person}: {words}"


def for_vendor(connection: Connection, site: Site, reasons: Sequence[str]) -> tuple[str, ...]:
    """Reasons as a vendor may read them, each once."""
    fleet = devices.every(connection)
    names = _any_of({device.ward for device in fleet} | set(site.settings.people))
    said = []
    for reason in reasons:
        if reason.startswith(BY_HAND):
            said.append("a person of the hospital decided so")
            continue
        said.append(names.sub("(name withheld)", _DEVICE.sub("a device", reason))[:_LONGEST])
    return tuple(dict.fromkeys(said))[:_MOST]


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of these as a word of its own; a hyphen is part of one."""
    listed = sorted((name for name in names if name), key=len, reverse=True)
    found = "|".join(re.escape(name) for name in listed) or r"(?!)"
    return re.compile(rf"(?<![\w-])(?:{found})(?![\w-])")

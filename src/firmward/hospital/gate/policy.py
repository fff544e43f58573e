"""The one parameter of a pack that a site may set for itself, and the ledger's word on it.

A pack is the same at every site; what a site allows beyond it stands in its hospital.toml, is part
of every judgement's digest of parameters, and is an event when it changes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from firmward.hospital.gate.judge import Pack
from firmward.hospital.records import ledger
from firmward.hospital.records.site import Site
from firmward.terms.event import Event
from firmward.terms.stage import Stage

PARAMETER: Final = "allow_development_keys"
SUBJECT: Final = "policy:development-keys"


def by_site(pack: Pack, site: Site, now: datetime) -> Pack:
    """The pack as this site judges by it; a change since the last time is put on the ledger."""
    allowed = site.settings.allow_development_keys
    with site.store.writing() as connection:
        before = ledger.events_about(connection, SUBJECT, limit=1)
        if allowed != _allowed(before):
            says = "may come in" if allowed else "are refused again"
            ledger.record(
                connection,
                "policy.development-keys",
                Stage.GATE,
                now,
                "firmward",
                (SUBJECT, f"site:{site.settings.site}"),
                f"releases signed with development keys {says}, by hospital.toml",
                allowed=allowed,
            )
    if not allowed:
        return pack
    return replace(pack, parameters={**pack.parameters, PARAMETER: True})


def _allowed(events: Sequence[tuple[int, Event]]) -> bool:
    """What the newest event says; a site that never said anything allows nothing."""
    return bool(events and events[-1][1].detail.get("allowed"))

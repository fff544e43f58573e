"""One device's or one release's story, told from the ledger's events alone.

Nothing here knows what the hospital calls its roll-outs, orders or tickets.  A thread is any such
name that is not a device's or a release's, and it is known by its birth: it first appears in an
event of a stage that makes such things.  A ward or a vendor is older than that, so no story runs
off into all that ever happened in a ward.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from firmward.terms.errors import Misuse
from firmward.terms.event import Event
from firmward.terms.names import RELEASE, split_release
from firmward.terms.stage import Stage

_DEVICE: Final = re.compile(r"urn:dev:")
_MAKES_THREADS: Final = frozenset(
    {Stage.RELEASE, Stage.ROLLOUT, Stage.ORDER, Stage.WATCH, Stage.DECIDE, Stage.RESPOND}
)

_Entry = tuple[int, Stage, tuple[str, ...]]
"""Number, stage and subjects of an event: all that choosing needs."""


@dataclass(frozen=True)
class Line:
    """One step of a story.

    number  the entry on the ledger, which `prove` proves
    via     the thread that leads here ("" where the event names the subject itself)
    """

    number: int
    at: datetime
    stage: Stage
    kind: str
    actor: str
    says: str
    via: str = ""

    def text(self) -> str:
        """The line as a person reads it; times in UTC."""
        moment = self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        # Event texts may hold newlines, and a second line would look like a step of its own.
        said = " ".join(f"{self.says} [{self.actor}]".split())
        return f"#{self.number:<6} {moment}  {self.stage:<8} {said}" + (
            f" (via {self.via})" if self.via else ""
        )


def story(events: Iterable[tuple[int, Event]], subject: str) -> list[Line]:
    """What happened to one subject, in the ledger's order; empty where it is never named.

    events  numbered, in order, from the first one on; walked twice
    """
    if isinstance(events, Iterator):
        raise Misuse("story: expected events that can be walked twice, got an iterator")
    chosen = _chosen([(number, event.stage, event.subjects) for number, event in events], subject)
    return [_line(number, event, chosen[number]) for number, event in events if number in chosen]


def _chosen(index: Sequence[_Entry], subject: str) -> dict[int, str]:
    """The entries of a story, each with the thread that leads to it."""
    births = _births(index)
    own = _own(index, subject)
    linked = set(own)
    for _, _, names in index:
        if not own.isdisjoint(names):
            linked |= births.keys() & set(names)
    chosen: dict[int, str] = {}
    for number, _, names in index:
        via = _via(names, subject, linked)
        if via is not None:
            # A ticket about our roll-out is ours, even where it names neither device nor release.
            linked |= {name for name in names if births.get(name) == number}
            chosen[number] = via
    return chosen


def _births(index: Sequence[_Entry]) -> dict[str, int]:
    """Thread -> the entry it was born in, of a stage that makes roll-outs, orders or tickets."""
    first: dict[str, tuple[int, Stage]] = {}
    for number, stage, names in index:
        for name in names:
            first.setdefault(name, (number, stage))
    return {
        name: number
        for name, (number, stage) in first.items()
        if stage in _MAKES_THREADS and not _DEVICE.match(name) and not RELEASE.match(name)
    }


def _own(index: Sequence[_Entry], subject: str) -> frozenset[str]:
    """The subject, and with a release its pre-signed fallback, which is named beside it.

    The fallback of a release carries the next counter of the same product.
    """
    if not RELEASE.match(subject):
        return frozenset({subject})
    product, _, counter = split_release(subject)
    beside = {name for _, _, names in index if subject in names for name in names}
    releases = {name: split_release(name) for name in beside if RELEASE.match(name)}
    after = (product, counter + 1)
    return frozenset({subject, *(n for n, (p, _, c) in releases.items() if (p, c) == after)})


def _via(names: Sequence[str], subject: str, linked: Set[str]) -> str | None:
    """The link by which an event belongs to the story, or None."""
    if subject in names:
        return ""
    shared = [name for name in names if name in linked]
    # A roll-out has many devices: a device's story tells what befell it, not its neighbours.
    if not shared or (_DEVICE.match(subject) and any(map(_DEVICE.match, names))):
        return None
    return shared[0]


def _line(number: int, event: Event, via: str) -> Line:
    return Line(number, event.at, event.stage, event.kind, event.actor, event.says, via)

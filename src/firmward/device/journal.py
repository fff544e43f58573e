"""What the device remembers and what it still owes the hospital, saved as one.

A report is signed and numbered in the same save that records what it reports: after a cut either
both are there or neither, and a number that left the device is never given to another report.
"""

from datetime import datetime

from securesystemslib.signer import Signer

from firmward.device.state import (
    Installed,
    Memory,
    Owed,
    TwoCopies,
    changed,
    dump_memory,
    load_memory,
    with_owed,
)
from firmward.proof import envelope
from firmward.terms.errors import Misuse
from firmward.terms.report import REPORT_TYPE, Attack, Outcome, VersionReport
from firmward.terms.wire import encode

# Vitals numbers are reserved ahead: a save per batch would wear the flash for nothing.
_RESERVE = 64


class Journal:
    """The agent's memory on disk, and the reports waiting in it."""

    def __init__(self, copies: TwoCopies, device: str, signer: Signer):
        self._copies, self._device, self._signer = copies, device, signer
        self._memory = load_memory(copies)
        self._vitals = self._memory.vitals_sequence

    @property
    def memory(self) -> Memory:
        """What is remembered, as it is on disk."""
        return self._memory

    @property
    def running(self) -> Installed:
        """The image that was last kept.  Raises Misuse before the first start."""
        if self._memory.running is None:
            raise Misuse("journal: asked what runs before the controller ever started")
        return self._memory.running

    def remember(self, **changes: object) -> None:
        """Durably change members of the memory."""
        self._save(changed(self._memory, **changes))

    def report(
        self,
        outcome: Outcome,
        at: datetime,
        measured: str,
        *,
        order: str = "",
        attack: Attack = Attack.NONE,
        detail: str = "",
        **changes: object,
    ) -> VersionReport:
        """Sign a report on the memory as `changes` leave it, and save both at once."""
        after = changed(self._memory, sequence=self._memory.sequence + 1, **changes)
        if after.running is None:
            raise Misuse("journal: a report before the controller ever started")
        said = VersionReport(
            device=self._device,
            sequence=after.sequence,
            at=at,
            release=after.running.release,
            image_sha256=after.running.image_sha256,
            measured_sha256=measured,
            floor=after.floor,
            outcome=outcome,
            order=order,
            attack=attack,
            detail="".join(c if c.isprintable() else " " for c in detail[:500]),
        )
        sealed = envelope.seal(encode(said), REPORT_TYPE, [self._signer]).decode()
        owed = with_owed(after, Owed(sequence=said.sequence, envelope=sealed))
        self._save(changed(after, outbox=owed))
        return said

    def delivered(self, owed: Owed) -> None:
        """The hospital has this report (or will never take it): forget it."""
        self.remember(outbox=tuple(kept for kept in self._memory.outbox if kept != owed))

    def next_vitals(self) -> int:
        """A number for a batch of vitals that no batch had before, also after a cut."""
        if self._vitals >= self._memory.vitals_sequence:
            self._vitals = self._memory.vitals_sequence
            self.remember(vitals_sequence=self._vitals + _RESERVE)
        self._vitals += 1
        return self._vitals

    def _save(self, memory: Memory) -> None:
        self._copies.save(dump_memory(memory))
        self._memory = memory

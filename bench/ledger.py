"""How fast events become durable and published, beside bare appends to a file on the same disk.

Figure: one event per transaction, and a publication after every 100, as a busy server does it.
Peer: the same bytes, one write and one fdatasync each, which no durable log can beat by much.
Prints one line with the ratio of the two rates; exits 1 below a fiftieth.
    python bench/ledger.py [--events N]
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmward.hospital.records.ledger import Ledger, append
from firmward.hospital.records.store import Store
from firmward.terms.event import Event, entry
from firmward.terms.stage import Stage

EVENTS = 2000
PUBLISH_EVERY = 100
# An index, the tree's edge and a b-tree are written beside each entry, all of it durably.
LEAST_RATIO = 0.02


def made(number: int) -> Event:
    """An event of ordinary size."""
    device = f"urn:dev:ops:32473-PUMP200-P{number % 500:03d}"
    return Event(
        kind="device.kept",
        stage=Stage.DEVICE,
        at=datetime.now(UTC),
        actor=device,
        subjects=(device, "pump-200@1.1.0+3"),
        says="kept pump-200@1.1.0+3",
        detail={"sequence": number, "measured": "0" * 64, "floor": 3, "order": "1" * 32},
    )


def ledger_rate(folder: Path, events: list[Event]) -> float:
    """Events per second, each durable before the next, published as they come."""
    store = Store(folder / "store.sqlite")
    ledger = Ledger(
        store, folder / "ledger", "firmward.example/bench", Ed25519PrivateKey.generate()
    )
    start = time.perf_counter()
    for number, event in enumerate(events, start=1):
        with store.writing() as connection:
            append(connection, event)
        if number % PUBLISH_EVERY == 0:
            ledger.publish()
    took_s = time.perf_counter() - start
    store.close()
    return len(events) / took_s


def raw_rate(path: Path, entries: list[bytes]) -> float:
    """Appends per second, each durable before the next."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    start = time.perf_counter()
    for data in entries:
        os.write(handle, data)
        os.fdatasync(handle)
    took_s = time.perf_counter() - start
    os.close(handle)
    return len(entries) / took_s


def main() -> int:
    """Measure both, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    events = [made(number) for number in range(parser.parse_args().events)]
    with tempfile.TemporaryDirectory(prefix="firmward-bench-", dir=".") as folder:
        raw = raw_rate(Path(folder) / "raw", [entry(event) for event in events])
        rate = ledger_rate(Path(folder), events)
    print(
        f"ledger: {rate:.0f} events/s durable and published, bare write+fdatasync {raw:.0f}/s, "
        f"ratio {rate / raw:.2f} ({len(events)} events, one transaction each)"
    )
    return 0 if rate >= LEAST_RATIO * raw else 1


if __name__ == "__main__":
    sys.exit(main())

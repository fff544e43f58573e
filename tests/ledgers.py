"""A small real ledger writer, as independent of the hospital's as the C2SP text allows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmward.proof import merkle, note, tiles
from firmward.terms.event import Event, entry
from firmward.terms.stage import Stage

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ORIGIN = "hospital.example/ledger"


def event(number: int, **changes) -> Event:
    """An event that differs from its neighbours."""
    members = {
        "kind": "device.kept",
        "stage": Stage.DEVICE,
        "at": START + timedelta(seconds=number),
        "actor": "firmward",
        "subjects": (f"urn:dev:ops:99999-PUMP-{number % 7:04d}",),
        "says": f"event {number}",
    }
    return Event(**(members | changes))


def fresh_key() -> Ed25519PrivateKey:
    """A log key that no other test has."""
    return Ed25519PrivateKey.generate()


@dataclass
class Ledger:
    """A log in a folder: entries, and the tiles and checkpoint made of them."""

    folder: Path
    key: Ed25519PrivateKey = field(default_factory=fresh_key)
    origin: str = ORIGIN
    entries: list[bytes] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        """The line that an auditor is given."""
        return note.verifier_key(self.origin, self.key.public_key())

    @property
    def checkpoint(self) -> bytes:
        """The signed note as it lies in the folder."""
        return (self.folder / "checkpoint").read_bytes()

    def grow(self, events: list[Event]) -> "Ledger":
        """Append events and publish: tiles first, the checkpoint last."""
        return self.publish([*self.entries, *map(entry, events)])

    def publish(self, entries: list[bytes]) -> "Ledger":
        """Write the folder for these entries, whatever was signed before."""
        self.entries = entries
        for index, width in tiles.bundles_of(len(entries)):
            start = index * tiles.WIDTH
            packed = tiles.pack_bundle(entries[start : start + width])
            self.write(tiles.bundle_path(index, width), packed)
        rows = self.rows()
        for level, index, width in tiles.tiles_of(len(entries)):
            start = index * tiles.WIDTH
            data = b"".join(rows[level][start : start + width])
            self.write(tiles.tile_path(level, index, width), data)
        self.sign(merkle.root(rows[0]))
        return self

    def sign(self, root: bytes, size: int | None = None) -> None:
        """Publish a checkpoint over any root."""
        size = len(self.entries) if size is None else size
        signed = note.sign_checkpoint(note.Checkpoint(self.origin, size, root), self.key)
        self.write("checkpoint", signed)

    def rows(self) -> list[list[bytes]]:
        """Every eighth tree level, from the leaves up."""
        rows = [[merkle.leaf(entry) for entry in self.entries]]
        while len(rows[-1]) >= tiles.WIDTH:
            below = rows[-1]
            whole = len(below) // tiles.WIDTH * tiles.WIDTH
            rows.append([merkle.root(below[at : at + 256]) for at in range(0, whole, tiles.WIDTH)])
        return rows

    def write(self, name: str, data: bytes) -> None:
        """Put one file in its place."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

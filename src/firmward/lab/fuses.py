"""The board's one-time and monotonic memory, simulated in a file beside the flash.

The file stands for fuses inside the chip: neither the firmware nor the agent can write it but
through the peripherals.  Whoever edits the file has opened the chip.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from firmward.device.state import write_durably
from firmward.terms.errors import Unavailable

Cut = Callable[[str], None]


class State(msgspec.Struct, forbid_unknown_fields=True):
    """What the chip remembers without power.

    counter      the monotonic hardware counter
    key_hash     SHA-256 of the vendor's public key, SPKI DER; burnt once
    boot_hash    SHA-256 of the boot area; the reset logic starts nothing else
    """

    counter: int
    key_hash: str
    boot_hash: str


class Fuses:
    """Reads and blows fuses; a raised counter is on disk before it counts.

    path    soc.json; the count of resets lies beside it in `boots`, 8 bytes little-endian
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boots_path = path.with_name("boots")
        try:
            self._state = msgspec.json.decode(path.read_bytes(), type=State)
            self._boots = int.from_bytes(self._boots_path.read_bytes(), "little")
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"{path}: expected the fuses of a board, got {error}") from error

    @classmethod
    def burn(cls, path: Path, counter: int, key_hash: str, boot_hash: str) -> "Fuses":
        """The fuses of a new chip as it leaves the factory."""
        path.with_name("boots").write_bytes(bytes(8))
        write_durably(path, msgspec.json.encode(State(counter, key_hash, boot_hash)))
        return cls(path)

    @property
    def counter(self) -> int:
        """The hardware counter."""
        return self._state.counter

    @property
    def boots(self) -> int:
        """Resets since manufacture."""
        return self._boots

    @property
    def key_hash(self) -> bytes:
        """The digest of the one vendor key this chip believes."""
        return bytes.fromhex(self._state.key_hash)

    @property
    def boot_hash(self) -> bytes:
        """The digest of the one boot stage this chip starts."""
        return bytes.fromhex(self._state.boot_hash)

    def raise_counter(self, value: int, cut: Cut) -> None:
        """Raise the counter to `value`; a value at or below the present one changes nothing."""
        if value <= self._state.counter:
            return
        cut(f"before-raise:{value}")
        raised = msgspec.structs.replace(self._state, counter=value)
        write_durably(self._path, msgspec.json.encode(raised))
        self._state = raised
        cut(f"after-raise:{value}")

    def count_boot(self) -> None:
        """One reset more.  Not synced: a lost count harms nothing, a sync per reset costs."""
        self._boots += 1
        with self._boots_path.open("r+b", buffering=0) as file:
            file.write(self._boots.to_bytes(8, "little"))

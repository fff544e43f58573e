"""One emulated device board: a simulator that executes real firmware as machine code.

The agent on the device's communication processor has three lines to it: reset, serial, and the
flash file, of which it writes the inactive slot only.
"""

import hashlib
from enum import Enum
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from firmward.lab import memory
from firmward.lab.cpu import SLICE_MS, Cpu, Pause
from firmward.lab.faults import PowerCut
from firmward.lab.flash import Flash
from firmward.lab.fuses import Cut, Fuses
from firmward.lab.slots import slot_bytes
from firmward.lab.soc import POWER_ON, WATCHDOG_EXPIRED, Soc
from firmward.lab.world import World
from firmward.proof import mcuboot
from firmward.terms.errors import Misuse


class State(Enum):
    """What the board's CPU does."""

    OFF = "off"
    AWAKE = "awake"
    ASLEEP = "asleep"
    LOCKED = "locked up"


def _no_cut(_point: str) -> None:
    """Power that never fails."""


class Board:
    """A simulated device board.  It starts without power: call reset().

    home    folder with flash.bin and soc.json, as manufacture() left it
    seed    of the noise in its sensor, radio and clock
    cut     called before and after each flash program, erase and fuse; may raise PowerCut
    world   what surrounds the board; its knobs may be turned at any time
    """

    def __init__(
        self, home: Path, *, seed: int, cut: Cut | None = None, world: World | None = None
    ) -> None:
        self.home, self.flash_path = home, home / "flash.bin"
        self.world = world or World()
        self.cut: Cut = cut or _no_cut
        self.fuses = Fuses(home / "soc.json")
        self._flash = Flash(self.flash_path)
        self._soc = Soc(self.fuses, self._flash, self.world, seed, self._at_point)
        self._cpu: Cpu | None = None
        self._target_ms = 0
        self.state = State.OFF

    @classmethod
    def manufacture(
        cls, home: Path, boot_bin: bytes, image: bytes, public_key_pem: bytes, seed: int
    ) -> "Board":
        """A new board: boot stage and key provisioned, `image` confirmed in slot 0, fuses burnt.

        The hardware counter leaves the factory at the image's own.  Raises Malformed for an image
        that cannot be read; whether it is good is the boot stage's to say.
        """
        home.mkdir(parents=True, exist_ok=True)
        key = _p256_spki(public_key_pem)
        if len(boot_bin) > memory.KEY_AREA:
            raise Misuse(f"boot stage: expected <= {memory.KEY_AREA} bytes, got {len(boot_bin)}")
        boot_area = (boot_bin.ljust(memory.KEY_AREA, b"\xff") + key).ljust(
            memory.BOOT_AREA, b"\xff"
        )
        slot0 = slot_bytes(image, confirmed=True)
        flash = (boot_area + slot0).ljust(memory.FLASH_SIZE, b"\xff")
        (home / "flash.bin").write_bytes(flash)
        counter = mcuboot.parse(image).counter
        Fuses.burn(home / "soc.json", counter, _sha256(key), _sha256(boot_area))
        return cls(home, seed=seed)

    def reset(self) -> None:
        """Power-cycle: a fresh CPU and clear RAM; flash and fuses survive."""
        self.power_off()
        # A slice may have run past the last run(); the new life owes nothing for it.
        self._target_ms = self._soc.clock_ms
        self._start(POWER_ON)

    def power_off(self) -> None:
        """Take the power away at once."""
        self.state = State.OFF
        self._soc.reset(POWER_ON)

    def write(self, line: str) -> None:
        """Send one line to the board; lost if it has no power."""
        if "\n" in line or not line.isascii():
            raise Misuse(f"{self!r}: expected one line of ASCII, got {line!r}")
        self.write_bytes(line.encode("ascii") + b"\n")

    def write_bytes(self, data: bytes) -> None:
        """Send bytes as an attacker on the line would, with any content; lost without power."""
        if self.state is not State.OFF:
            self._soc.receive(data)

    def read(self) -> list[str]:
        """The complete lines the board sent since the last call; runs nothing."""
        whole, newline, rest = bytes(self._soc.sent).rpartition(b"\n")
        if not newline:
            return []
        self._soc.sent[:] = rest
        return whole.decode("ascii", "replace").split("\n")

    def run(self, virtual_ms: int) -> None:
        """Let so much time pass on the board.  Raises PowerCut if `cut` did; then it is off."""
        self._target_ms += virtual_ms
        try:
            while self._soc.clock_ms < self._target_ms:
                self._step()
        except PowerCut:
            self.power_off()
            raise

    @property
    def settled(self) -> bool:
        """Whether it has dealt with everything it was sent and sleeps."""
        return self.state is State.ASLEEP and not self._soc.unread

    @property
    def resets(self) -> int:
        """Resets since manufacture, by whomever."""
        return self.fuses.boots

    @property
    def sampled_ms(self) -> int:
        """When, on its clock, the program last asked its sensor."""
        return self._soc.sampled_ms

    @property
    def pc(self) -> int:
        """Where the CPU is or has faulted."""
        return self._cpu.pc if self._cpu else 0

    def trace(self, seen: set[int] | None) -> None:
        """As Cpu.trace; needs a board that was reset once."""
        if self._cpu is None:
            raise Misuse(f"{self!r}: expected a board that was reset once")
        self._cpu.trace(seen)

    def ram(self, size: int) -> bytes:
        """The first bytes of the RAM, read as a technician with a probe would."""
        return (self._cpu.fetch(memory.RAM, size) if self._cpu else None) or b""

    @property
    def in_use(self) -> bool:
        """Whether a therapy is running."""
        return self.world.in_use

    @in_use.setter
    def in_use(self, value: bool) -> None:
        self.world.in_use = value

    @property
    def counter(self) -> int:
        """The hardware counter, read as a technician with a probe would."""
        return self.fuses.counter

    @property
    def clock_ms(self) -> int:
        """Virtual time since this object was made."""
        return self._soc.clock_ms

    def _at_point(self, point: str) -> None:
        # Looked up at each point, so that a scenario can set `cut` on a running board.
        self.cut(point)

    def _start(self, reason: int) -> None:
        """What the chip's reset logic does, in hardware."""
        self._soc.reset(reason)
        boot_area = self._flash.read(0, memory.BOOT_AREA)
        # The root of trust: whoever can write the flash must not bring his own boot stage.  The
        # copy is what runs, so that changing the file afterwards changes nothing.
        if hashlib.sha256(boot_area).digest() != self.fuses.boot_hash:
            self.state = State.LOCKED
            return
        self.fuses.count_boot()
        self._cpu = self._cpu or Cpu(self._soc, boot_area)
        self._cpu.reset()
        self.state = State.AWAKE

    def _step(self) -> None:
        """Execute, or pass over time in which nothing executes."""
        if self.state is State.AWAKE:
            self._execute()
        else:
            self._wait()
        deadline = self._soc.watchdog_ms
        if deadline is not None and deadline <= self._soc.clock_ms:
            self._start(WATCHDOG_EXPIRED)

    def _execute(self) -> None:
        assert self._cpu is not None  # noqa: S101 - awake means started
        pause = self._cpu.execute()
        if pause is Pause.SLEEPS:
            self.state = State.ASLEEP
        elif pause is Pause.FAULT:
            self.state = State.LOCKED
        else:
            self._soc.advance(self._soc.clock_ms + SLICE_MS)

    def _wait(self) -> None:
        soc = self._soc
        asleep = self.state is State.ASLEEP
        wake_ms = soc.wake_ms if asleep else None
        events = (wake_ms, soc.next_line_ms(), soc.watchdog_ms, self._target_ms)
        arrived = soc.advance(min(at for at in events if at is not None))
        woken = wake_ms is not None and wake_ms <= soc.clock_ms
        if asleep and (arrived or woken):
            soc.wake_ms = None
            self.state = State.AWAKE

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *exception: object) -> None:
        self.power_off()

    def __repr__(self) -> str:
        return f"<simulated board {self.home.name}, {self.state.value}>"


def _p256_spki(public_key_pem: bytes) -> bytes:
    """The key as the chip stores it: SubjectPublicKeyInfo, DER, 91 bytes."""
    key = serialization.load_pem_public_key(public_key_pem)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misuse(f"board: expected a P-256 public key, got {type(key).__name__}")
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

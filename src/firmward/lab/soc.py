"""The board's peripherals, simulated: what each register read or write does.

Times inside are on the board's clock, which never restarts; the firmware sees ms since reset.
firmware/README.md describes the registers.
"""

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from firmward.lab import crypto_engine, memory
from firmward.lab.flash import Flash
from firmward.lab.fuses import Cut, Fuses
from firmward.lab.world import World

POWER_ON, WATCHDOG_EXPIRED = 1, 2
INVALID_SAMPLE = 0xFFFFFFFF
_SENSOR_PRESENT = 0x53454E31
_WORD = 0xFFFFFFFF
_NEVER = 0xFFFFFFFF
_FIFO = 256
_LONGEST_LINE = 1024
# What the activity meter charges.  A sample is a filtered conversion, a byte 10 bits at 115200.
_SAMPLE_US, _BYTE_US, _VERIFY_US, _PROGRAM_US, _ERASE_US = 60_000, 87, 5_000, 60, 20_000


class Bus(Protocol):
    """Memory as a peripheral sees it that fetches and stores by itself."""

    def fetch(self, at: int, size: int, /) -> bytes | None:
        """The bytes there, or None where there is no memory."""

    def put(self, at: int, data: bytes, /) -> bool:
        """Write to RAM; False anywhere else."""


class Soc:
    """The peripherals of one chip between two resets, and the clock that survives them.

    bus    the memory they share with the CPU, which sets this when it is made
    sent   what the UART has sent and nobody has taken yet
    sampled_ms  when the program last asked the sensor
    """

    bus: Bus

    def __init__(self, fuses: Fuses, flash: Flash, world: World, seed: int, cut: Cut) -> None:
        self.fuses, self.flash, self.world, self._cut = fuses, flash, world, cut
        self._rng = random.Random(seed)
        self.clock_ms = 0
        self.sent = bytearray()
        self._loads: dict[int, Callable[[], int]] = self._load_table()
        self._stores: dict[int, Callable[[int], None]] = self._store_table()
        self.reset(POWER_ON)

    def reset(self, reason: int) -> None:
        """Bring every register to its reset value."""
        self._reason = reason
        self._born_ms = self.sampled_ms = self.clock_ms
        self.wake_ms: int | None = None
        self.watchdog_ms: int | None = None
        self._watchdog_period = 0
        self._coming: deque[tuple[int, bytes]] = deque()
        self._fifo: deque[tuple[int, int]] = deque()
        self._busy_us = 0
        self._latch = dict.fromkeys(
            (0x0000, 0x2000, 0x2004, 0x2008, 0x3000, 0x3004, 0x3008, 0x300C, 0x3010), 0
        )
        self._flash_status = self._crypto_status = crypto_engine.FAULT

    def load(self, _cpu: object, offset: int, _size: int, _data: object) -> int:
        """The CPU reads a register; unknown ones are 0."""
        handler = self._loads.get(offset)
        return handler() & _WORD if handler else 0

    def store(self, _cpu: object, offset: int, _size: int, value: int, _data: object) -> None:
        """The CPU writes a register; unknown and read-only ones ignore it."""
        handler = self._stores.get(offset)
        if handler:
            handler(value & _WORD)
        elif offset in self._latch:
            self._latch[offset] = value & _WORD

    def receive(self, line: bytes) -> None:
        """A line sets out to the board; it arrives behind those before it."""
        due = self.clock_ms + self._rng.randint(*self.world.serial_delay_ms)
        if self._coming:
            due = max(due, self._coming[-1][0])
        self._coming.append((due, line))

    @property
    def unread(self) -> bool:
        """Whether bytes are on their way to the program or wait for it."""
        return bool(self._coming or self._fifo)

    def next_line_ms(self) -> int | None:
        """When the next line arrives."""
        return self._coming[0][0] if self._coming else None

    def advance(self, to_ms: int) -> bool:
        """Let time pass; whether a line arrived in it."""
        self.clock_ms = max(self.clock_ms, to_ms)
        arrived = False
        while self._coming and self._coming[0][0] <= self.clock_ms:
            due, line = self._coming.popleft()
            room = _FIFO - len(self._fifo)
            # As in any UART, what the program does not fetch in time is lost.
            self._fifo.extend((byte, due) for byte in line[:room])
            arrived = True
        return arrived

    def _load_table(self) -> dict[int, Callable[[], int]]:
        key = self.fuses.key_hash
        words = [int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4)]
        return {
            0x0008: lambda: 2 | bool(self._fifo),
            0x000C: lambda: self._fifo.popleft()[0] if self._fifo else 0,
            0x0010: lambda: self._fifo[0][1] - self._born_ms if self._fifo else 0,
            0x1000: lambda: self.clock_ms - self._born_ms,
            0x2010: lambda: self._flash_status,
            0x3018: lambda: self._crypto_status,
            **{0x4000 + 4 * i: partial(int, word) for i, word in enumerate(words)},
            0x5000: lambda: self.fuses.counter,
            0x7000: lambda: _SENSOR_PRESENT if self.world.sensor_present else 0,
            0x7004: self._sample,
            0x8000: lambda: int(self.world.in_use),
            0x9000: lambda: self.world.rssi + self._rng.randint(-3, 3),
            0x9004: lambda: int(self.world.link),
            0xA000: lambda: self._reason,
            0xA004: lambda: self.fuses.boots,
            0xA008: lambda: self._busy_us,
        }

    def _store_table(self) -> dict[int, Callable[[int], None]]:
        return {
            0x0004: self._send,
            0x1004: self._set_wake,
            0x200C: self._command_flash,
            0x3014: self._command_crypto,
            0x5004: lambda value: self.fuses.raise_counter(value, self._cut),
            0x6000: self._start_watchdog,
            0x6004: lambda _: self._kick(),
        }

    def _send(self, length: int) -> None:
        data = self.bus.fetch(self._latch[0x0000], min(length, _LONGEST_LINE))
        self.sent += data or b""
        self._busy_us += _BYTE_US * min(length, _LONGEST_LINE)

    def _set_wake(self, value: int) -> None:
        self.wake_ms = None
        if value == _NEVER:
            return
        ahead = (value - (self.clock_ms - self._born_ms)) & _WORD
        if ahead >= 1 << 31:  # already past
            ahead = 0
        ahead += self._rng.randint(0, self.world.wake_jitter_ms)
        # At least 1 ms, or a program that never looks ahead would stop the world's clock.
        self.wake_ms = self.clock_ms + max(1, ahead)

    def _command_flash(self, command: int) -> None:
        at = self._latch[0x2000]
        done = False
        if command == 1:
            unit = self._latch[0x2004] | self._latch[0x2008] << 32
            done = self.flash.program(at, unit.to_bytes(memory.UNIT, "little"), self._cut)
            self._busy_us += _PROGRAM_US
        elif command == 2:
            done = self.flash.erase(at, self._cut)
            self._busy_us += _ERASE_US
        self._flash_status = 0 if done else 1

    def _command_crypto(self, command: int) -> None:
        source, length, to, key, signature = (
            self._latch[at] for at in (0x3000, 0x3004, 0x3008, 0x300C, 0x3010)
        )

        self._crypto_status = crypto_engine.FAULT
        if command == 1:
            self._crypto_status = crypto_engine.sha256(
                self.bus.fetch, self.bus.put, source, length, to
            )
            self._busy_us += length // 16
        elif command == 2:
            self._crypto_status = crypto_engine.ecdsa_p256(self.bus.fetch, source, key, signature)
            self._busy_us += _VERIFY_US

    def _start_watchdog(self, period_ms: int) -> None:
        if self.watchdog_ms is None and period_ms:
            self._watchdog_period = period_ms
            self._kick()

    def _kick(self) -> None:
        if self._watchdog_period:
            self.watchdog_ms = self.clock_ms + self._watchdog_period

    def _sample(self) -> int:
        self.sampled_ms = self.clock_ms
        self._busy_us += int(_SAMPLE_US * self._rng.uniform(0.9, 1.1))
        if not self.world.sensor_present or self._rng.random() < self.world.sensor_error_rate:
            return INVALID_SAMPLE
        value = self._rng.gauss(self.world.physiology(self.clock_ms), self.world.sensor_noise)
        return max(0, round(value))

"""The emulated board as a device under test: `python -m firmward.lab.device_under_test --image F`.

Speaks the lines of docs/blackbox.md on standard input and output.  The image runs on a board of its
own, signed by a key made for it, since the boot stage starts nothing unsigned: what is tested is
the code, not the signature.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from struct import unpack_from
from typing import Annotated, Any, BinaryIO, Final

import msgspec
import typer

from firmward.lab.board import Board, State
from firmward.lab.toolchain import compile_firmware, firmware_tree, new_key, pack
from firmward.proof import mcuboot
from firmward.terms.errors import Malformed, Unavailable

_BOOT_MS: Final = 2000
_STEP_MS: Final = 4
_BUSY_MS: Final = 100
_APP_RAM: Final = 0x10000
_REPORT_EVERY: Final = 16
_VERSION_BLOCK: Final = 0x40
_FIFO: Final = 256

Answer = dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """A line from the harness."""

    send: str = ""
    within_ms: int = 2000
    reset: bool = False


class DeviceUnderTest:
    """A board, and what the harness may ask of it.

    sample_ms  the program must ask its sensor this often, or it misses its deadline; 0: unwatched
    """

    def __init__(self, board: Board, sample_ms: int) -> None:
        self._board, self._sample_ms = board, sample_ms
        self._seen: set[int] = set()
        self._begin, self._changed = 0, 0
        self._sends = 0

    def reset(self) -> Iterator[Answer]:
        """Power-cycle; a boot once the application sleeps for the first time."""
        self._board.reset()
        self._board.trace(self._seen)
        self._board.run(_STEP_MS)
        waited = _STEP_MS
        while not self._board.settled and waited < _BOOT_MS:
            self._board.run(_STEP_MS)
            waited += _STEP_MS
        said = self._board.read()
        if not self._board.settled or not any(line.startswith("HELLO ") for line in said):
            raise Unavailable(f"{self._board!r}: expected a HELLO, got {said}")
        self._begin, self._changed = self._ram(), 0
        yield {"event": "boot", "settles": True, "recv": _hex(said)}

    def send(self, data: bytes, within_ms: int) -> Iterator[Answer]:
        """Put bytes on the serial line and run until they are dealt with, or too late."""
        board, begun, resets = self._board, self._board.clock_ms, self._board.resets
        board.write_bytes(data)
        # A program that sleeps before it answers is not done; what the FIFO drops has no answer.
        owed = data[:_FIFO].count(b"\n")
        said: list[str] = []
        event: Answer = {}
        while not event:
            board.run(_STEP_MS)
            said += board.read()
            answered = sum(not line.startswith("VITALS ") for line in said) >= owed
            spent = board.clock_ms - begun
            if spent > _BUSY_MS and board.state is State.AWAKE:
                # A loop without an end shows nothing new, a million times a second.
                board.trace(None)
            if any(line.startswith("HELLO ") for line in said):
                event = {"event": "reset", "says": "the program started anew without a reset"}
                break
            event = self._event(resets, spent > within_ms, answered and board.settled)
        self._sends += 1
        answer: Answer = {"recv": _hex(said), "ms": spent, "coverage": len(self._seen)}
        if self._sends % _REPORT_EVERY == 0:
            answer["memory"] = self._memory()
        yield answer | event

    def _event(self, resets: int, late: bool, done: bool) -> Answer:
        """How an input ended; {} while it has not."""
        board = self._board
        if board.resets != resets:
            return {"event": "watchdog", "says": "the watchdog reset the board"}
        if board.state is State.LOCKED:
            return {"event": "crash", "says": f"a fault at {board.pc:#010x} locked the CPU"}
        if not done:
            return {"event": "hang", "says": "no answer to a line"} if late else {}
        if self._sample_ms and board.clock_ms - board.sampled_ms > self._sample_ms:
            return {"event": "deadline", "says": f"no sensor reading for {self._sample_ms} ms"}
        return {"event": "idle"}

    def _memory(self) -> int:
        """Bytes of RAM that ever differed from what they were after the boot."""
        self._changed |= self._ram() ^ self._begin
        return _APP_RAM - self._changed.to_bytes(_APP_RAM).count(0)

    def _ram(self) -> int:
        """All of it as one number, which compares faster than bytes do."""
        return int.from_bytes(self._board.ram(_APP_RAM))


def _hex(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines).encode().hex()


def serve(device: DeviceUnderTest, asked: BinaryIO, told: BinaryIO) -> None:
    """Answer line after line until the input ends."""
    decoder = msgspec.json.Decoder(Asked)
    _tell(told, device.reset())
    for line in asked:
        said = decoder.decode(line)
        _tell(told, device.reset() if said.reset else _sent(device, said))


def _sent(device: DeviceUnderTest, said: Asked) -> Iterator[Answer]:
    return device.send(bytes.fromhex(said.send), said.within_ms)


def _tell(told: BinaryIO, answers: Iterator[Answer]) -> None:
    for answer in answers:
        told.write(msgspec.json.encode(answer) + b"\n")
        told.flush()


def own_image(data: bytes, key: bytes) -> bytes:
    """The same code under a key of ours; `data` is an MCUboot image or the code alone.

    raises  Malformed for code without the version block of this board's applications
    """
    if unpack_from("<I", data.ljust(4, b"\0"))[0] == mcuboot.MAGIC:
        _, _, header, _, size, _ = unpack_from("<IIHHII", data)
        found = mcuboot.parse(data)
        code, version, counter = data[header : header + size], found.version, found.counter
    elif data[_VERSION_BLOCK : _VERSION_BLOCK + 4] == b"FWVB":
        major, minor, revision, counter = unpack_from("<BBHI", data, _VERSION_BLOCK + 8)
        code, version = data, f"{major}.{minor}.{revision}"
    else:
        raise Malformed("device under test", "an image, or code with a version block", "neither")
    return pack(code, key, version=version, counter=counter)


def run(
    image: Annotated[Path, typer.Option(help="An MCUboot image, or the code alone.")],
    sample_ms: Annotated[
        int, typer.Option(help="The program must read its sensor this often; 0: not watched.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the noise in sensor, radio and clock.")] = 1,
) -> None:
    """Boot an image on an emulated board and let a harness talk to it (docs/blackbox.md)."""
    private, public = new_key()
    packed = own_image(image.read_bytes(), private)
    boot = compile_firmware(firmware_tree(), "boot").binary
    with tempfile.TemporaryDirectory(prefix="firmward-board-") as home:
        with Board.manufacture(Path(home) / "board", boot, packed, public, seed) as board:
            serve(DeviceUnderTest(board, sample_ms), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    typer.run(run)

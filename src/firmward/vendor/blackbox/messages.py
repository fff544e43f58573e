"""What harness and device under test say to each other: a JSON object on a line, both ways.

docs/blackbox.md describes it for whoever writes the device's side.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms.errors import Unavailable

LINE_LIMIT: Final = 1 << 20

Event = Literal["boot", "idle", "crash", "hang", "reset", "watchdog", "deadline"]
Count = Annotated[int, Meta(ge=0)]


class Said(msgspec.Struct, frozen=True):
    """A line from the device's side; members it does not know are passed over.

    recv      bytes the device sent, in hex
    event     see docs/blackbox.md
    says      what is known about an event, in words
    ms        how long the device took, on its own clock
    settles   with boot: it will send idle after each input, and `ms` is on a clock of its own
    memory    most bytes in use so far
    coverage  distinct pieces of code run so far
    """

    recv: str = ""
    event: Event | None = None
    says: str = ""
    ms: Count = 0
    settles: bool = False
    memory: Count | None = None
    coverage: Count | None = None

    @property
    def received(self) -> bytes:
        """The bytes of recv.  Raises Unavailable for what is no hex."""
        try:
            return bytes.fromhex(self.recv)
        except ValueError as error:
            raise Unavailable(f"device under test: expected hex, got {self.recv[:40]!r}") from error


_DECODER: Final = msgspec.json.Decoder(Said)


def heard(line: bytes) -> Said:
    """A line of the device's.

    raises  Unavailable: whoever writes something else to standard output is no device to test
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"device under test: expected a line of docs/blackbox.md, got {line[:80]!r}: {error}"
        ) from error


def send(data: bytes, within_ms: int) -> bytes:
    """The line that hands bytes to the device's interface.

    within_ms  after so long on its own clock, a device that settles gives up and says hang
    """
    return msgspec.json.encode({"send": data.hex(), "within_ms": within_ms}) + b"\n"


def reset() -> bytes:
    """The line that takes the device's power away and gives it back."""
    return b'{"reset":true}\n'

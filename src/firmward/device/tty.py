"""A safety controller on a real serial line: text in and out, and DTR wired to its reset."""

import fcntl
import os
import struct
import termios
import time
import tty
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable

BAUD: Final = termios.B115200
# Long enough for any reset circuit's capacitor, short enough not to be felt.
PULSE_S: Final = 0.05
LINE_MAX: Final = 4096


class Tty:
    """The port of a controller behind a serial device; its time is the wall's.  `close` it."""

    def __init__(self, path: Path):
        self._path, self._rest = path, b""
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self._handle)
            modes = termios.tcgetattr(self._handle)
            modes[4] = modes[5] = BAUD
            termios.tcsetattr(self._handle, termios.TCSANOW, modes)
        except (OSError, termios.error) as error:
            raise Unavailable(f"{path}: expected a serial line, got {error}") from error

    def close(self) -> None:
        """Give the line back."""
        os.close(self._handle)

    def reset(self) -> None:
        """Pull DTR for a moment."""
        line = struct.pack("I", termios.TIOCM_DTR)
        try:
            fcntl.ioctl(self._handle, termios.TIOCMBIC, line)
            time.sleep(PULSE_S)
            fcntl.ioctl(self._handle, termios.TIOCMBIS, line)
        except OSError as error:
            raise Unavailable(f"{self._path}: expected a reset line, got {error}") from error

    def write(self, line: str, /) -> None:
        """One line in."""
        try:
            os.write(self._handle, line.encode("ascii") + b"\n")
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error

    def read(self) -> list[str]:
        """The whole lines that came; of a line without an end only the last part is kept."""
        try:
            while piece := os.read(self._handle, LINE_MAX):
                self._rest += piece
        except BlockingIOError:
            pass
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest[-LINE_MAX:]
        return [line.decode("ascii", "replace").rstrip("\r") for line in lines]

    def run(self, ms: int, /) -> None:
        """Wait."""
        time.sleep(ms / 1000)

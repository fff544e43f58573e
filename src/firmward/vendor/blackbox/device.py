"""The device under test, as a process: started, reset, fed, and heard out within a limit."""

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from firmward.terms.errors import Unavailable
from firmward.vendor.blackbox import messages
from firmward.vendor.blackbox.messages import Said

Kind = Literal["crash", "hang", "reset", "deadline", "growth"]

_BOOT_S: Final = 60.0
# A simulator may take longer than the clock it simulates; past this it is the simulator that hangs.
_PATIENCE_S: Final = 20.0
# A device that does not say when it is idle is taken to be, once it has been quiet for so long.
_QUIET_S: Final = 0.02
_KINDS: Final[dict[str, Kind]] = {
    "crash": "crash",
    "hang": "hang",
    "reset": "reset",
    "boot": "reset",  # nobody asked for it
    "watchdog": "reset",
    "deadline": "deadline",
}


@dataclass(frozen=True)
class Trouble:
    """What a device must not do, whatever it is sent."""

    kind: Kind
    says: str


@dataclass(frozen=True)
class Outcome:
    """What an input did.

    ms        until it was dealt with; on the device's clock where it has one
    memory, coverage   as the device last reported, None if it never did
    """

    answer: bytes
    ms: float
    trouble: Trouble | None
    memory: int | None
    coverage: int | None


class Device:
    """A device under test.  Use as a context: on leaving, its process and all children are gone.

    starts  how often its process was started
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], deadline_ms: int
    ) -> None:
        self._command, self._folder = list(command), folder
        self._environment, self._deadline_ms = dict(environment), deadline_ms
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._rest, self._ended = b"", False
        self._settles = False
        self._memory: int | None = None
        self._coverage: int | None = None
        self.starts = 0

    def reset(self) -> None:
        """Bring it to the state after power-on.

        raises  Unavailable when it cannot be started, or says no boot
        """
        if self._process is None or self._ended or self._process.poll() is not None:
            self._start()
        else:
            self._write(messages.reset())
        deadline = time.monotonic() + _BOOT_S
        for said in self._lines(deadline):
            if self._noted(said).event == "boot":
                self._settles = said.settles
                return
        raise Unavailable(f"{self._name}: expected a device that boots, got {self._end()}")

    def send(self, data: bytes) -> Outcome:
        """Hand it an input and hear what it does, until it is idle, in trouble, or too late."""
        begun = time.monotonic()
        answer, last = b"", Said()
        self._write(messages.send(data, 2 * self._deadline_ms))
        for said in self._lines(begun + self._limit_s(), quiet_after=not self._settles):
            answer += said.received
            last = self._noted(said)
            if said.event:
                break
        ms = last.ms if last.event else (time.monotonic() - begun) * 1000
        trouble = self._trouble(last, ms, answered=bool(answer))
        return Outcome(answer, ms, trouble, self._memory, self._coverage)

    def _trouble(self, last: Said, ms: float, *, answered: bool) -> Trouble | None:
        if last.event in _KINDS:
            return Trouble(_KINDS[last.event], last.says or last.event)
        if last.event is None and self._ended:
            return Trouble("crash", self._end())
        if last.event is None and (self._settles or not answered):
            self._ended = True  # nothing says that it would still hear a reset
            return Trouble("hang", f"no answer within {self._deadline_ms} ms")
        if ms > self._deadline_ms:
            return Trouble("deadline", f"dealt with later than {self._deadline_ms} ms")
        return None

    def _limit_s(self) -> float:
        own_clock = _PATIENCE_S if self._settles else 0.0
        return self._deadline_ms / 1000 + own_clock

    def _noted(self, said: Said) -> Said:
        if said.memory is not None:
            self._memory = said.memory
        if said.coverage is not None:
            self._coverage = said.coverage
        return said

    def _start(self) -> None:
        self.close_process()
        self._rest, self._ended = b"", False
        self.starts += 1
        self._errors.truncate(0)
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"{self._name}: cannot be started: {error}") from error

    def _write(self, line: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018
        try:
            self._process.stdin.write(line)
        except BrokenPipeError:
            self._ended = True

    def _lines(self, deadline: float, *, quiet_after: bool = False) -> Iterator[Said]:
        """What it says until the deadline, or until its process ends.

        quiet_after  and no longer than until it falls silent, once it has said anything
        """
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018
        handle = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        until = deadline
        while True:
            while (end := self._rest.find(b"\n")) >= 0:
                line, self._rest = self._rest[:end], self._rest[end + 1 :]
                until = min(deadline, time.monotonic() + _QUIET_S) if quiet_after else deadline
                yield messages.heard(line)
            left = until - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                return
            chunk = os.read(handle, 1 << 16)
            if not chunk:
                self._ended = True
                return
            self._rest += chunk
            if len(self._rest) > messages.LINE_LIMIT:
                raise Unavailable(f"{self._name}: expected lines, got {len(self._rest)} bytes")

    def _end(self) -> str:
        """How its process ended, without addresses that differ from run to run."""
        assert self._process is not None  # noqa: S101
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.returncode
        if code is None:
            return "a process that closed its output" if self._ended else "silence"
        if code < 0:
            return f"a process that died of {signal.Signals(-code).name}"
        self._errors.seek(0)
        said = self._errors.read()[-300:].decode(errors="replace").strip()
        return f"a process that ended with {code}: {said}".rstrip(": ")

    @property
    def _name(self) -> str:
        return f"device under test: {Path(self._command[0]).name}"

    def close(self) -> None:
        """As close_process; it cannot be started again."""
        self.close_process()
        self._errors.close()

    def close_process(self) -> None:
        """Kill its process and every child of it."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            self._process.wait()
        self._process = None

    def __enter__(self) -> "Device":
        try:
            self.reset()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

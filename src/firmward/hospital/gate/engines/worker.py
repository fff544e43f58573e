"""A rule engine in a process of its own, with limits on its time and memory.

A pack's formula that never ends, eats all memory or crashes the engine costs that process, which
is killed; the caller gets Unavailable, and the next question a new process.
"""

import math
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from time import monotonic
from typing import Any, Final, TypeVar

import msgspec

from firmward.hospital.gate.engine import Answer, NoAnswer, Question, packed
from firmward.hospital.gate.engines.direct import DEFAULT, ENGINES
from firmward.hospital.gate.engines.frames import (
    LARGEST,
    MOST_SETS,
    PREFIX,
    Answered,
    Ask,
    Check,
    Checked,
    Failed,
    Reply,
    Request,
    digest,
    framed,
)
from firmward.terms.errors import Misuse
from firmward.terms.wire import MIB, printable

DEADLINE_S: Final = 10.0
MEMORY: Final = 768 * MIB
_PACKAGES: Final = {"cel-cpp": "cel-expr-python", "cel-rust": "common-expression-language"}
_CHILD: Final = "firmward.hospital.gate.engines.child"
# Nothing of the caller's: no proxy, no preload, no path but the system's.
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_decoder: Final = msgspec.msgpack.Decoder(Reply)

R = TypeVar("R", bound=Reply)


def choose(name: str = DEFAULT) -> "Worker":
    """The engine that hospital.toml names, in a process of its own.  Raises Misuse."""
    return Worker(name)


class Worker:
    """An engine in a child process; one question at a time, from any thread.

    deadline_s  for one call, with waiting for other threads and starting the child
    memory      bytes of address space that the child may have
    command     what to run as the child, where it is not ours
    """

    def __init__(
        self,
        engine: str = DEFAULT,
        *,
        deadline_s: float = DEADLINE_S,
        memory: int = MEMORY,
        command: Sequence[str] = (),
    ) -> None:
        if engine not in ENGINES:
            raise Misuse(f"rule engine: expected {' or '.join(ENGINES)}, got {engine!r:.40}")
        self.name = f"{_PACKAGES[engine]} {version(_PACKAGES[engine])}"
        self._command = tuple(command) or (
            *(sys.executable, "-I", "-m", _CHILD),
            *(engine, str(memory)),
        )
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._number = 0
        self._last: tuple[Sequence[Question], bytes] = ((), b"")

    def ask(self, questions: Sequence[Question], data: Mapping[str, Any]) -> tuple[Answer, ...]:
        """One answer to each question, in order.  Raises NoAnswer, Malformed."""
        document = packed(data)
        with _Turn(self) as turn:
            these = self._digest(questions)
            asked = None if turn.child.knows(these) else tuple(questions)
            request = Ask(turn.number, these, asked, document, turn.seconds)
            reply = turn.exchange(request, Answered)
            about = (reply.questions, reply.data, tuple(answer.rule for answer in reply.answers))
            rules = tuple(question.rule for question in questions)
            if about != (these, digest(document), rules):
                raise NoAnswer(self.name, "answers to something else")
        return reply.answers

    def check(self, formula: str, variables: Iterable[str]) -> str:
        """What is wrong with a formula over these variables, or "".  Raises NoAnswer."""
        with _Turn(self) as turn:
            request = Check(turn.number, formula, tuple(variables), turn.seconds)
            return turn.exchange(request, Checked).problem

    @property
    def pid(self) -> int | None:
        """The child's, while there is one."""
        child = self._child
        return child.process.pid if child is not None else None

    def close(self) -> None:
        """End the child; the next question starts another."""
        with self._lock:
            self._drop()

    def _digest(self, questions: Sequence[Question]) -> bytes:
        # A policy asks the same tuple each time; a tuple of frozen questions stays what it was.
        last, known = self._last
        if questions is last:
            return known
        known = digest(msgspec.msgpack.encode(questions))
        if isinstance(questions, tuple):
            self._last = (questions, known)
        return known

    def _started(self) -> "_Child":
        # One that ended while nobody asked it anything has answered nothing wrongly.
        if self._child is not None and self._child.process.poll() is not None:
            self._drop()
        if self._child is None:
            try:
                self._child = _Child(self._command)
            except OSError as error:
                raise NoAnswer(self.name, f"no process: {error}") from error
        return self._child

    def _drop(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Turn:
    """One thread's call: it has the child to itself, until its deadline."""

    child: "_Child"

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._until = monotonic() + worker._deadline_s
        self.number = 0
        self.seconds = math.ceil(worker._deadline_s)

    def __enter__(self) -> "_Turn":
        worker = self._worker
        if not worker._lock.acquire(timeout=worker._deadline_s):
            raise NoAnswer(worker.name, f"no turn within {worker._deadline_s:g} s")
        try:
            self.child = worker._started()
        except BaseException:
            worker._lock.release()
            raise
        worker._number += 1
        self.number = worker._number
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # Whatever went wrong, an interrupt too: a late reply must not meet the next question.
        if kind is not None:
            self._worker._drop()
        self._worker._lock.release()

    def exchange(self, request: Request, kind: type[R]) -> R:
        """The reply to a request, of the kind it must be.  Raises NoAnswer."""
        name = self._worker.name
        try:
            reply = _decoder.decode(self.child.exchange(framed(request), self._until))
        except TimeoutError as error:
            got = f"nothing within {self._worker._deadline_s:g} s"
            raise NoAnswer(name, got) from error
        except (OSError, EOFError) as error:
            raise NoAnswer(name, f"the end of its process ({self.child.ended()})") from error
        except (ValueError, RecursionError) as error:
            raise NoAnswer(name, "bytes that are no reply") from error
        if isinstance(reply, Failed):
            raise NoAnswer(name, printable(" ".join(reply.reason[:300].split())))
        if not isinstance(reply, kind) or reply.number != request.number:
            raise NoAnswer(name, "a reply to something else")
        if isinstance(request, Ask):
            self.child.learned(request.digest)
        return reply


class _Child:
    """The process, and this end of its socket."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, its = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                command,
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_ENVIRONMENT,
                # The terminal's interrupt is for the parent, which then hangs up.
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        self._socket = ours
        self._known: set[bytes] = set()
        # Also when the worker is forgotten, and when this process ends in good order.
        self.end = weakref.finalize(self, _end, self.process, ours, os.getpid())

    def knows(self, these: bytes) -> bool:
        """Whether it has had these questions."""
        return these in self._known

    def learned(self, these: bytes) -> None:
        """It has these questions now, and has dropped what it drops then."""
        if these not in self._known:
            if len(self._known) >= MOST_SETS:
                self._known.clear()
            self._known.add(these)

    def exchange(self, frame: bytes, until: float) -> bytes:
        """The body of the reply.  Raises TimeoutError, EOFError, OSError, ValueError."""
        self._socket.settimeout(_left(until))
        self._socket.sendall(frame)
        size = int.from_bytes(self._exactly(PREFIX, until))
        if size > LARGEST:
            raise ValueError(f"a reply of {size} bytes")
        return self._exactly(size, until)

    def _exactly(self, size: int, until: float) -> bytes:
        buffer = bytearray(size)
        left = memoryview(buffer)
        while left:
            self._socket.settimeout(_left(until))
            count = self._socket.recv_into(left)
            if not count:
                raise EOFError
            left = left[count:]
        return bytes(buffer)

    def ended(self) -> str:
        """How it ended, in words."""
        try:
            status = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "it hung up"
        return f"signal {-status}" if status < 0 else f"status {status}"


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _end(process: subprocess.Popen[bytes], ours: socket.socket, owner: int) -> None:
    ours.close()
    # After a fork the copy must not end the child of the one it was copied from.
    if os.getpid() == owner:
        process.kill()
        process.wait()

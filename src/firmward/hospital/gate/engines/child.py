"""The process that evaluates: python -I -m firmward.hospital.gate.engines.child ENGINE BYTES

It reads requests from its standard input, a socket, and answers on the same.  It ends when that
closes, so it does not outlive its parent: at once when idle, and when its processor time is up
where a formula keeps it busy.  Everything it imports is paid for at each start.
"""

import os
import resource
import sys
from time import process_time
from typing import Final

import msgspec

from firmward.hospital.gate.engine import Question, answers
from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.engines.frames import (
    LARGEST,
    MOST_SETS,
    PREFIX,
    Answered,
    Ask,
    Checked,
    Failed,
    Reply,
    Request,
    digest,
    framed,
)

_SOCKET: Final = 0
_FILES: Final = 16
_decoder: Final = msgspec.msgpack.Decoder(Request)


class _Closed(Exception):
    """Nobody is left to answer."""


def main() -> None:
    """Answer until the parent hangs up."""
    name, memory = sys.argv[1], int(sys.argv[2])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory)
    number = 0
    try:
        engine = direct(name)
        _limit(resource.RLIMIT_NOFILE, _FILES)
        _limit(resource.RLIMIT_FSIZE, 0)
        sets: dict[bytes, tuple[Question, ...]] = {}
        while True:
            request = _decoder.decode(_received())
            number = request.number
            _processor_time(request.seconds)
            _send(_reply(request, engine, sets))
    except (_Closed, BrokenPipeError, ConnectionResetError):
        return
    except (Exception, MemoryError) as error:  # noqa: BLE001 - the parent is told, whatever it is
        # After any error the state here is not to be trusted any more: say so, and end.
        _send(Failed(number, f"{type(error).__name__}: {error!s:.200}"))


def _reply(request: Request, engine: Direct, sets: dict[bytes, tuple[Question, ...]]) -> Reply:
    if not isinstance(request, Ask):
        return Checked(request.number, engine.check(request.formula, request.variables))
    if request.questions is not None:
        if len(sets) >= MOST_SETS:
            sets.clear()
        sets[request.digest] = request.questions
    data = msgspec.msgpack.decode(request.data)
    found = answers(sets[request.digest], engine.evaluator(data))
    return Answered(request.number, request.digest, digest(request.data), found)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def _processor_time(seconds: int) -> None:
    """From now on, this much more; then the kernel ends this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(process_time()) + seconds + 1, hard))


def _received() -> bytes:
    size = int.from_bytes(_exactly(PREFIX))
    if size > LARGEST:
        raise ValueError(f"a request of {size} bytes")
    return _exactly(size)


def _exactly(size: int) -> bytes:
    parts = []
    while size:
        part = os.read(_SOCKET, size)
        if not part:
            raise _Closed
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _send(reply: Reply) -> None:
    left = memoryview(framed(reply))
    while left:
        left = left[os.write(_SOCKET, left) :]


if __name__ == "__main__":
    main()

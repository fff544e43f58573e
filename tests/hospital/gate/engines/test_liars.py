"""A process that answers wrongly, or with anything else, is heard by nobody."""

import sys
import time

import pytest
from tests.workers import MIB, SOUND, worker

from firmward.hospital.gate.engine import NoAnswer
from firmward.terms.errors import Unavailable

LIAR = """
import os, sys, msgspec
from firmward.hospital.gate.engine import Answer
from firmward.hospital.gate.engines.frames import *
def read(size):
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data))
    return data
while True:
    ask = msgspec.msgpack.decode(read(int.from_bytes(read(4))), type=Request)
    about = ask.digest, digest(ask.data)
    good = Answer("R-1", None, True), Answer("R-2", True, True)
    lies = {
        "the number of another request": Answered(ask.number - 1, *about, good),
        "another document": Answered(ask.number, ask.digest, digest(b"other"), good),
        "other questions": Answered(ask.number, b"other", digest(ask.data), good),
        "too few answers": Answered(ask.number, *about, good[:1]),
        "too many answers": Answered(ask.number, *about, (*good, good[0])),
        "no answers": Answered(ask.number, *about, ()),
        "another order": Answered(ask.number, *about, good[::-1]),
        "answers to other rules": Answered(ask.number, *about, (good[0], Answer("R-9"))),
        "a check": Checked(ask.number, ""),
        "a question": ask,
        "a failure": Failed(ask.number, "no\\nroom"),
        "a condition that is 1": [
            "answered", ask.number, *about, [["R-1", None, 1], ["R-2", True, True]]
        ],
        "a member too many": ["answered", ask.number, *about, good, 1],
    }
    body = msgspec.msgpack.encode(lies[sys.argv[1]])
    os.write(0, len(body).to_bytes(4) + body)
"""
LIES = {
    "the number of another request": "a reply to something else",
    "another document": "answers to something else",
    "other questions": "answers to something else",
    "too few answers": "answers to something else",
    "too many answers": "answers to something else",
    "no answers": "answers to something else",
    "another order": "answers to something else",
    "answers to other rules": "answers to something else",
    "a check": "a reply to something else",
    "a question": "bytes that are no reply",
    "a failure": "no room",
    "a condition that is 1": "bytes that are no reply",
    "a member too many": "bytes that are no reply",
}


@pytest.mark.parametrize(("lie", "said"), LIES.items())
def test_a_reply_to_anything_else_is_no_answer(lie, said):
    """Every answer is held against what was asked, and about what."""
    command = (sys.executable, "-c", LIAR, lie)
    with worker("cel-cpp", deadline_s=30, command=command) as asked:
        with pytest.raises(NoAnswer, match=f"cel-expr-python .*, got {said}"):
            asked.ask(SOUND, {"x": 1})

        assert asked.pid is None


GARBAGE = {
    "noise": "os.write(0, os.urandom(64)); os.read(0, 1 << 20); os._exit(0)",
    "a length beyond all": "os.write(0, b'\\xff' * 4); time.sleep(60)",
    "an empty reply": "os.write(0, b'\\0' * 4); time.sleep(60)",
    "half a length": "os.write(0, b'\\0\\0'); os._exit(0)",
    "half a reply, then the end": "os.write(0, b'\\0\\0\\1\\0half'); os._exit(0)",
    "half a reply, then nothing": "os.write(0, b'\\0\\0\\1\\0half'); time.sleep(60)",
    "nothing": "time.sleep(60)",
    "the end": "os._exit(3)",
    "its own end by a signal": "os.abort()",
    "nesting without end": "os.write(0, (60000).to_bytes(4) + b'\\x91' * 60000); time.sleep(60)",
}


@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_on_the_pipe_is_no_answer(script):
    """Whatever comes, and whenever it stops coming, the call ends in time and without an answer."""
    command = (sys.executable, "-c", f"import os, time; os.read(0, 9); {script}")
    with worker("cel-cpp", deadline_s=3, command=command) as asked:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="expected an answer to every rule, got "):
            asked.ask(SOUND, {"x": 1})

        assert time.monotonic() - started < 8
        assert asked.pid is None


def test_a_process_that_reads_nothing_is_no_answer_in_time():
    """More than the pipe holds is not waited for for ever."""
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    with worker("cel-cpp", deadline_s=2, command=command) as asked:
        with pytest.raises(NoAnswer, match="nothing within 2 s"):
            asked.ask(SOUND, {"x": 1, "much": "x" * MIB})


def test_a_program_that_cannot_be_started_is_no_answer():
    """A broken installation lets nothing pass."""
    with worker("cel-cpp", command=("/nonexistent/python",)) as asked:
        with pytest.raises(NoAnswer, match="got no process"):
            asked.ask(SOUND, {"x": 1})

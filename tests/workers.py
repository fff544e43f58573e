"""Engines in processes of their own, and what there is to ask them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmward.hospital.gate.engine import Question
from firmward.hospital.gate.engines.worker import Worker

MIB = 1024 * 1024
SOUND = (Question("R-1", "x == 1"), Question("R-2", "x == 2", "x > 0", "['two']"))
LIST = {"list": list(range(300))}
# 300 ** 4 rounds: hours.
ENDLESS = "list.all(a, list.all(b, list.all(c, list.all(d, a + b + c + d >= 0))))"


@contextmanager
def worker(engine: str, **limits) -> Iterator[Worker]:
    """An engine in a process, ended afterwards."""
    asked = Worker(engine, **limits)
    try:
        yield asked
    finally:
        asked.close()


def answers_rightly(asked: Worker) -> bool:
    """Whether it says of two rules what is so."""
    one, two = asked.ask(SOUND, {"x": 1})
    return (one.condition, two.condition, two.when, two.offenders) == (True, False, True, ("two",))


def gone(pid: int, within_s: float = 30.0) -> bool:
    """Whether a process has ended, or does so soon."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False

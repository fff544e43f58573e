"""How much memory a play takes: this process, the server, and whatever else it starts."""

import threading
from contextlib import suppress
from pathlib import Path

EVERY_S = 0.2


class Footprint:
    """Watches this process and everything below it, while a `with` block runs.

    The number is made of three peaks, each of resident memory as the kernel counts it:
    1. this process (the fleet, its boards, the acts): VmHWM
    2. the server: VmHWM, the highest if it was started more than once
    3. all other children that ran at one moment (compilers, scanners, the auditor): the highest sum
       of VmRSS, looked at every 0.2 s

    The three need not have happened together and shared pages count in each, so it errs upwards;
    a child that lived less than 0.2 s may be missed.
    """

    def __init__(self) -> None:
        self._server, self._others = 0, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="footprint", daemon=True)

    def __enter__(self) -> "Footprint":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        self._thread.join()

    def memory_mib(self) -> float:
        """The three peaks so far, added, in MiB.  Take it before the server ends."""
        self._look()
        return (_kib("self", "VmHWM") + self._server + self._others) / 1024

    def _watch(self) -> None:
        while not self._end.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        others = 0
        for process in _below("self"):
            if b"serve" in _words(process):
                self._server = max(self._server, _kib(process, "VmHWM"))
            else:
                others += _kib(process, "VmRSS")
        self._others = max(self._others, others)


def _below(process: str) -> list[str]:
    """Ids of all processes that this one started, directly or not."""
    found: list[str] = []
    # A process or thread may end between two reads: it is then no longer below anybody.
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                for child in (thread / "children").read_text().split():
                    found += [child, *_below(child)]
    return found


def _words(process: str) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return []


def _kib(process: str, name: str) -> int:
    """One number of a process's status; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0

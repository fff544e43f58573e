"""All scanners at once: those of the source while the build runs, those of the binary after it.

Each external scanner starts as many processes as there are cores, so that none of them idles while
another's longest file ends; the kernel shares the cores out.  Each has the project's limit.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from functools import partial
from typing import Any

from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.compiled import promised
from firmward.vendor.scan.registry import BINARY, COMPILED, SOURCE, scan_binary, unchecked
from firmward.vendor.scan.sarif import Run, merge
from firmward.vendor.source.checkout import Checkout

Progress = Callable[[str, str], None]
"""progress(scanner, what it gave), once as each one ends, from a thread of its own."""


def _silent(scanner: str, says: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True)
class Findings:
    """What the scanners said, whether or not somebody answers for it: see correlate.

    log      one SARIF log, a run for each tool that finished
    missing  scanner or standard -> why it gave no answer; while this is not empty, the log is no
             evidence
    """

    log: dict[str, Any]
    missing: dict[str, str]


class Scanning:
    """Scanners at work on one checkout; `finish` waits for each no longer than its limit."""

    def __init__(self, tree: Checkout, shelf: Shelf, progress: Progress = _silent):
        self._tree, self._shelf, self._progress = tree, shelf, progress
        rules = tree.project.scan
        self._limit = rules.timeout_s
        self._pool = ThreadPoolExecutor(2 * len(rules.scanners), "scan")
        self._running: dict[str, tuple[Future[Run], float]] = {}
        for name in rules.scanners:
            if name in SOURCE:
                self._start(name, partial(SOURCE[name], tree, shelf))
            elif name in COMPILED and not promised(tree):
                self._start(name, partial(COMPILED[name], tree, shelf, b""))

    def _start(self, name: str, scan: Callable[[], Run]) -> None:
        started = time.monotonic()
        future = self._pool.submit(scan)
        future.add_done_callback(partial(self._tell, name, started))
        self._running[name] = (future, started + self._limit)

    def _tell(self, name: str, started: float, future: Future[Run]) -> None:
        took = time.monotonic() - started
        if future.cancelled():
            return
        error = future.exception()
        says = f"no answer: {error}" if error else f"{len(future.result()['results'])} findings"
        self._progress(name, f"{says}, {took:.1f} s")

    def finish(self, artifact: Artifact) -> Findings:
        """Scan the binary too, and gather what every scanner says."""
        rules, database = self._tree.project.scan, artifact.compile_commands
        for name in rules.scanners:
            if name in COMPILED and name not in self._running:
                self._start(name, partial(COMPILED[name], self._tree, self._shelf, database))
            if name in BINARY:
                whose = f"{name}-binary" if name in SOURCE else name
                self._start(whose, partial(scan_binary, name, artifact, self._shelf))
        runs: list[Run] = []
        missing = unchecked(rules)
        for label, (future, deadline) in self._running.items():
            try:
                runs.append(future.result(max(0.0, deadline - time.monotonic())))
            except TooLong:
                missing[label] = f"not done within {self._limit:g} s"
            except Unavailable as error:
                missing[label] = str(error)
            except Exception as error:  # noqa: BLE001  whatever a parser dies of is missing evidence
                missing[label] = f"crashed: {type(error).__name__}: {error}"
        self.close()
        return Findings(log=merge(runs), missing=missing)

    def close(self) -> None:
        """Stop waiting; a scanner that hangs in this process is abandoned, not awaited."""
        self._pool.shutdown(wait=False, cancel_futures=True)

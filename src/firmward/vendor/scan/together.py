"""All scanners at once: those of the source while the build runs, those of the binary after it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.build import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.scan import credentials, elf, static
from firmward.vendor.scan.sarif import Finding, Run, findings, merge, suppress
from firmward.vendor.source import Checkout

SourceScan = Callable[[Checkout, Shelf], Run]
BinaryScan = Callable[[Artifact], Run]

SOURCE: Final[tuple[tuple[str, SourceScan], ...]] = (
    (static.TOOL, static.scan),
    (credentials.TOOL, credentials.scan_source),
)
BINARY: Final[tuple[tuple[str, BinaryScan], ...]] = (
    (elf.TOOL, elf.scan),
    (f"{credentials.TOOL}-binary", credentials.scan_binary),
)


@dataclass(frozen=True)
class Findings:
    """What the scanners said.

    log      one SARIF log, a run for each tool that finished
    missing  tool -> why it did not; while this is not empty, the log is no evidence
    """

    log: dict[str, Any]
    missing: dict[str, str]

    @property
    def all(self) -> tuple[Finding, ...]:
        """Everything found that nobody answers for."""
        return findings(self.log)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What must not be released."""
        return tuple(finding for finding in self.all if finding.level == "error")

    def whole(self) -> "Findings":
        """These findings, if every scanner finished.  Raises Unavailable."""
        if self.missing:
            reasons = "; ".join(f"{tool}: {why}" for tool, why in self.missing.items())
            raise Unavailable(f"scan: evidence is missing: {reasons}")
        return self


class Scanning:
    """Scanners at work on one checkout; `finish` waits for each no longer than its limit."""

    def __init__(self, tree: Checkout, shelf: Shelf):
        self._tree = tree
        self._pool = ThreadPoolExecutor(len(SOURCE) + len(BINARY), "scan")
        self._limit = tree.project.scan.timeout_s
        self._running: dict[str, tuple[Future[Run], float]] = {}
        for tool, scan in SOURCE:
            self._start(tool, partial(scan, tree, shelf))

    def _start(self, tool: str, scan: Callable[[], Run]) -> None:
        self._running[tool] = (self._pool.submit(scan), time.monotonic() + self._limit)

    def finish(self, artifact: Artifact, today: date) -> Findings:
        """Scan the binary too, and gather what every scanner says."""
        for tool, scan in BINARY:
            self._start(tool, partial(scan, artifact))
        runs: list[Run] = []
        missing: dict[str, str] = {}
        for tool, (future, deadline) in self._running.items():
            try:
                runs.append(future.result(max(0.0, deadline - time.monotonic())))
            except TooLong:
                missing[tool] = f"not done within {self._limit:g} s"
            except Unavailable as error:
                missing[tool] = str(error)
            except Exception as error:  # noqa: BLE001  whatever a parser dies of is missing evidence
                missing[tool] = f"crashed: {type(error).__name__}: {error}"
        self.close()
        log = suppress(merge(runs), self._tree.project.scan.suppress, today)
        return Findings(log=log, missing=missing)

    def close(self) -> None:
        """Stop waiting; a scanner that hangs in this process is abandoned, not awaited."""
        self._pool.shutdown(wait=False, cancel_futures=True)

"""From files to an index: every input read by all cores, every feed taken whole or not at all."""

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from firmward.advisories import read_csaf, read_cve5, read_epss, read_kev, read_nvd, read_osv
from firmward.advisories.feeds import EPSS, KEV
from firmward.advisories.index import Index
from firmward.advisories.inputs import Job, jobs, whole
from firmward.advisories.records import Record
from firmward.advisories.rows import Packed, from_bytes, pack, to_bytes
from firmward.terms.errors import FirmwardError, Malformed, Misuse, Unavailable
from firmward.terms.wire import MIB

Reader = Callable[[bytes, str], Iterator[Record]]
READERS: Final[dict[str, Reader]] = {
    "osv": read_osv.records,
    "nvd": read_nvd.records,
    "cve5": read_cve5.records,
    "csaf": read_csaf.records,
}

Progress = Callable[[int], None]
"""progress(bytes that were read just now)"""

_WORTH_PROCESSES: Final = 4 * MIB
"""Below this, starting processes takes longer than reading."""


def _unseen(size: int) -> None:
    """Nobody is watching."""


def load(
    index: Index,
    feed: str,
    paths: Iterable[Path],
    *,
    snapshot: datetime | None = None,
    cursor: str = "",
    now: datetime | None = None,
    progress: Progress = _unseen,
) -> int:
    """Take what is in these files and folders as a feed's; how many records that changed.

    snapshot  None where the files tell: the last modification, release or score date in them
    raises    Malformed naming the record, Unavailable, OlderSnapshot; nothing has changed then
    """
    kind = feed.partition("/")[0]
    if kind in (KEV, EPSS):
        return _load_table(index, kind, list(paths), snapshot, cursor, now)
    if kind not in READERS:
        raise Misuse(f"{feed}: expected one of {', '.join((*READERS, KEV, EPSS))}")
    with ExitStack() as stack:
        work = (job for path in paths for job in jobs(path, stack))
        packed = _all_packed(work, kind, stack, progress)
        return index.update_packed(feed, packed, snapshot=snapshot, cursor=cursor, now=now)


def _load_table(
    index: Index,
    kind: str,
    paths: list[Path],
    snapshot: datetime | None,
    cursor: str,
    now: datetime | None,
) -> int:
    if len(paths) != 1:
        raise Misuse(f"{kind}: expected one file, got {len(paths)}")
    data = whole(paths[0])
    limit = now or datetime.now(UTC)
    if kind == KEV:
        released, listed = read_kev.catalogue(data, paths[0].name)
        made = snapshot or min(datetime.fromisoformat(released), limit)
        return index.update_exploited(listed, snapshot=made, cursor=cursor, now=now)
    scored, scores = read_epss.scores(data, paths[0].name)
    if not scored and snapshot is None:
        raise Malformed(paths[0].name, "a score date, inside or given", "none")
    made = snapshot or min(datetime.fromisoformat(scored), limit)
    return index.update_likelihood(scores, snapshot=made, cursor=cursor, now=now)


def from_files(
    osv: Iterable[bytes] = (),
    kev: bytes | None = None,
    *,
    nvd: Iterable[bytes] = (),
    cve5: Iterable[bytes] = (),
    csaf: Iterable[bytes] = (),
    epss: bytes | None = None,
    now: datetime | None = None,
) -> Index:
    """An index in memory of these files' contents.

    raises  Malformed; Unavailable without any record or without the KEV catalogue, since matching
            against nothing would find every component clean
    """
    index = Index.memory()
    limit = now or datetime.now(UTC)
    for kind, files in (("osv", osv), ("nvd", nvd), ("cve5", cve5), ("csaf", csaf)):
        found = [
            record
            for number, data in enumerate(files, 1)
            for record in READERS[kind](data, f"{kind} file {number}")
        ]
        if found:
            index.update(kind, found, now=limit)
    if kev is not None:
        released, listed = read_kev.catalogue(kev)
        index.update_exploited(
            listed, snapshot=min(datetime.fromisoformat(released), limit), now=limit
        )
    if epss is not None:
        scored, scores = read_epss.scores(epss)
        made = min(datetime.fromisoformat(scored), limit) if scored else index.snapshot
        index.update_likelihood(scores, snapshot=made, now=limit)
    _ = index.snapshot  # raises where something is missing
    return index


# ---- in parallel ----


def read_job(job: Job, kind: str) -> list[Packed]:
    """The packed records of a job.  Runs in any process.  Raises Malformed, Unavailable."""
    read = READERS[kind]
    return [pack(record) for name, data in job.files() for record in read(data, name)]


@dataclass(frozen=True)
class _Failed:
    """Why a job could not be done, in a form that crosses between processes."""

    malformed: tuple[str, str, str] | None
    says: str


def _attempt(job: Job, kind: str) -> bytes | _Failed:
    try:
        return to_bytes(read_job(job, kind))
    except Malformed as error:
        return _Failed((error.who, error.expected, error.got), str(error))
    except FirmwardError as error:
        return _Failed(None, str(error))


def _all_packed(
    work: Iterable[Job], kind: str, stack: ExitStack, progress: Progress
) -> Iterator[Packed]:
    """The records of all jobs, in their order."""
    waiting = deque(_first(work))
    large = len(waiting) > 1 and sum(job.size for job in waiting) >= _WORTH_PROCESSES
    if not large or _cores() == 1:
        for job in (*waiting, *work):
            yield from read_job(job, kind)
            progress(job.size)
        return
    # Forked from a clean server: a fork of this process would inherit the locks of its threads.
    server = multiprocessing.get_context("forkserver")
    # What a reader makes has no cycles; looking for them takes a tenth of its time.
    pool = stack.enter_context(ProcessPoolExecutor(_cores(), server, initializer=gc.disable))
    stack.callback(pool.shutdown, wait=False, cancel_futures=True)
    running: deque[tuple[Job, Future[bytes | _Failed]]] = deque()
    for job in _chained(waiting, work):
        running.append((job, pool.submit(_attempt, job, kind)))
        # Enough to keep all busy; more would only fill the memory.
        if len(running) > 2 * _cores():
            yield from _done(*running.popleft(), progress)
    while running:
        yield from _done(*running.popleft(), progress)


def _done(job: Job, future: "Future[bytes | _Failed]", progress: Progress) -> list[Packed]:
    try:
        result = future.result()
    except BrokenProcessPool as error:
        raise Unavailable("advisories: a reading process died") from error
    if isinstance(result, _Failed):
        raise Malformed(*result.malformed) if result.malformed else Unavailable(result.says)
    progress(job.size)
    return from_bytes(result)


def _first(work: Iterable[Job]) -> list[Job]:
    """Jobs until it is clear whether processes are worth it."""
    found: list[Job] = []
    for job in work:
        found.append(job)
        if len(found) > 1 and sum(held.size for held in found) >= _WORTH_PROCESSES:
            break
    return found


def _chained(first: Iterable[Job], rest: Iterable[Job]) -> Iterator[Job]:
    yield from first
    yield from rest


def _cores() -> int:
    return min(8, len(os.sched_getaffinity(0)))

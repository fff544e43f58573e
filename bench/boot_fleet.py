"""How long 50 emulated boards take from reset to the self-test of their application.

The boot stage verifies digest, signature and counter; the application says HELLO and SELFTEST.
One process on one core.  Prints one line with the ratio against the limit; exits 1 above it.
Time on the clock is judged; CPU time is printed beside it, to tell a busy machine from slow code.
    python bench/boot_fleet.py [--boards N]
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from firmward.lab.board import Board
from firmward.lab.factory import Factory

LIMIT_S = 1.0
BOARDS = 50


def make_boards(folder: Path, count: int) -> list[Board]:
    """Half pumps, half monitors, fresh from the factory; not part of the measurement."""
    factories = [Factory("pump"), Factory("monitor")]
    return [factories[n % 2].board(folder / f"board-{n}", seed=n) for n in range(count)]


def boot(board: Board) -> None:
    """Power-cycle one board and take its three lines."""
    board.reset()
    board.run(1)
    said = [line.split()[0] for line in board.read()]
    assert ["BOOT", "HELLO", "SELFTEST"] == said, f"{board!r}: {said}"


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=BOARDS)
    count = parser.parse_args().boards
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as folder:
        boards = make_boards(Path(folder), count)
        start, start_cpu = time.perf_counter(), time.process_time()
        for board in boards:
            boot(board)
        took_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    limit_s = LIMIT_S * count / BOARDS
    print(
        f"boot_fleet: {count} boards booted in {took_s:.3f} s, limit {limit_s:.2f} s, "
        f"ratio {took_s / limit_s:.2f} (1 process, 1 core, {cpu_s:.3f} s CPU)"
    )
    return 0 if took_s < limit_s else 1


if __name__ == "__main__":
    sys.exit(main())

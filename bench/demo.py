"""How long the demo takes and how much memory it holds, beside what it must keep to.

Plays `firmward lab demo` on two cores, fleet, server, vendors and auditor together.  Memory is the
largest sum of the resident sets of all its processes, looked at ten times a second.
Prints one line with both ratios against the limits; exits 1 above one or if an act goes wrong.
    python bench/demo.py
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 60.0
LIMIT_MIB = 1024.0
CORES = 2
PAGE = os.sysconf("SC_PAGE_SIZE")


def family(leader: int) -> list[int]:
    """A process and everything it started, directly or not."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(after_name[1]), []).append(int(entry.name))
    found, waiting = [], [leader]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def resident_mib(pids: list[int]) -> float:
    """Their resident sets, added: what is shared counts once for each."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * PAGE / 2**20


def main() -> int:
    """Play, watch, print, judge."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as folder:
        command = [sys.executable, "-m", "firmward", "lab", "demo"]
        command += ["--out", f"{folder}/play", "--report", f"{folder}/report.html"]
        log = Path(folder) / "log"
        start, peak = time.perf_counter(), 0.0
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as playing:
            while playing.poll() is None:
                peak = max(peak, resident_mib(family(playing.pid)))
                time.sleep(0.1)
        took_s, said = time.perf_counter() - start, log.read_text()
    result = re.search(r"\d+ of \d+ as expected", said)
    print(
        f"demo: {took_s:.1f} s, limit {LIMIT_S:.0f} s, ratio {took_s / LIMIT_S:.2f}; "
        f"{peak:.0f} MiB, limit {LIMIT_MIB:.0f} MiB, ratio {peak / LIMIT_MIB:.2f} "
        f"({CORES} cores, {result[0] if result else 'not played to its end'})"
    )
    kept = took_s <= LIMIT_S and peak <= LIMIT_MIB
    return 0 if kept and playing.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

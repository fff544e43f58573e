"""A process that has read the hospital's code, and becomes a server each time it is asked to.

Killing fifty servers takes as long as starting them, and most of a start is Python reading code,
which touches no file of the site.  A fork of this process begins with the first line that does.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """A server process that the springboard became."""

    def __init__(self, pid: int):
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs; its exit code is nobody's business here."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        end = time.monotonic() + (timeout or 30.0)
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("hospital server", timeout or 30.0)
            time.sleep(0.005)
        return 0

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)


class Springboard:
    """The parent of servers; `close` it."""

    def __init__(self):
        # Threads of a numerical library would not survive the fork.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.springboard"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __call__(self, home: Path) -> Forked:
        """Serve a site."""
        self._process.stdin.write(f"{home}\n")
        return Forked(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; the servers it became are ended by whoever asked for them."""
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def main() -> None:
    """Fork for every line of standard input, and say the child's number."""
    from firmward.hospital.web.serve import serve

    # The kernel reaps: nobody waits for a server that was killed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            _become(Path(line.strip()), serve)
        print(pid, flush=True)


def _become(home: Path, serve) -> None:
    """Serve in this process, with the log where the command has it; never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(home / "server.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, handle in ((0, nothing), (1, log), (2, log)):
        os.dup2(handle, stream)
    code = 1
    try:
        serve(home, lambda ports: None)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()

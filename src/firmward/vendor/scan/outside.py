"""A scanner of somebody else's at work: without network, settings, keys or more time than given.

What it reads was written by others, and a flaw in its parser is a way in.  It starts in the
checkout with an empty home, sees no variable of ours, and has no network whatever it was told about
telemetry, on every machine where the kernel grants that without rights.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.process import Done, plain_environment, run
from firmward.vendor.source.checkout import Checkout

_PROBE_LIMIT_S: Final = 10.0


@dataclass(frozen=True)
class Limit:
    """The moment by which a scanner must be done; all its processes share it."""

    until: float
    seconds: float

    @classmethod
    def of(cls, tree: Checkout) -> "Limit":
        """The project's limit, from now."""
        seconds = tree.project.scan.timeout_s
        return cls(time.monotonic() + seconds, seconds)

    def left(self, tool: str) -> float:
        """Seconds left.  Raises Unavailable when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{tool}: not done within {self.seconds:g} s")
        return left


def ask(
    tool: str,
    command: Sequence[str],
    root: Path,
    limit: Limit,
    *,
    accepted: Collection[int] = (0,),
    also: Mapping[str, str] | None = None,
) -> Done:
    """What the command says, started in `root`.

    accepted  exit codes after which its output is an answer
    also      variables it needs besides the plain ones
    raises    Unavailable when it is absent, dies, is killed or takes too long
    """
    left = limit.left(tool)
    with tempfile.TemporaryDirectory(prefix="firmward-scan-") as home:
        environment = plain_environment(Path(home)) | {"TMPDIR": home} | dict(also or {})
        try:
            done = run((*offline(), *command), root, environment, left)
        except Unavailable as error:
            if "not done within" in str(error):  # the limit is the scanner's, not this command's
                raise Unavailable(f"{tool}: not done within {limit.seconds:g} s") from error
            raise
    if done.code not in accepted:
        raise Unavailable(f"{tool}: ended with {done.code}: {said(done)}")
    return done


def said(done: Done) -> str:
    """The end of what a command wrote to people."""
    return (done.err.strip() or done.out.decode(errors="replace").strip())[-300:]


@cache
def offline() -> tuple[str, ...]:
    """The words before a command that take its network away; none where that is not granted."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    words = (unshare, "--map-root-user", "--net", "--")
    try:
        tried = subprocess.run(
            [*words, "true"], capture_output=True, timeout=_PROBE_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return words if tried.returncode == 0 else ()


def cores() -> int:
    """How many processes of a scanner may compute at once: the cores this process may use."""
    return len(os.sched_getaffinity(0))

"""A command run to its end or killed with all its children, output captured."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firmward.terms.errors import Unavailable


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: bytes
    err: str


def plain_environment(home: Path) -> dict[str, str]:
    """What a command needs to run, and nothing of who started it: no tokens, no agents, no keys."""
    own = str(Path(sys.executable).parent)
    return {
        "PATH": f"{own}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout_s: float
) -> Done:
    """Run a command in a folder.

    raises  Unavailable when it cannot start or does not end in time; its exit code is the
            caller's to judge
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"{name}: cannot be started: {error}") from error
    with process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{name}: not done within {timeout_s:g} s") from error
        finally:
            _end(process)
    return Done(process.returncode, out, err.decode(errors="replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever of the command's own session is left: a compiler's children outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

"""The build's cell: bubblewrap where it works, a bare environment and limits everywhere.

The build command is the tree's code, and so is whatever a dependency of it brought along.  In the
cell it has no network, sees neither keys nor repository nor the results of other builds, and leaves
nothing behind but its output folder.  Its paths are the same on every machine, so that none of them
makes a difference in the binary.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final, Literal

from firmward.terms.errors import Unavailable

Wanted = Literal["required", "auto", "none"]

_PROBE_TIMEOUT_S: Final = 10.0
# What a linker needs to find libraries, and Debian to find the chosen one of several tools.
_SETTINGS: Final = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
_ROOTS: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_INNER_UID: Final = "1000"  # the same for every builder, and no root
_ADDRESS_SPACE_KIB: Final = 32 * 1024 * 1024  # a Go or Java tool reserves gigabytes it never uses
_LARGEST_FILE_BLOCKS: Final = 4 * 1024 * 1024 * 1024 // 512
_OPEN_FILES: Final = 4096
# The limits hold for everything the command starts; a shell sets them in one place and is gone.
_LIMITED: Final = (
    "unset PWD OLDPWD; umask 022; ulimit -c 0;"
    # A limit that is lower already cannot be raised, and need not be.
    ' { ulimit -t "$1"; ulimit -v "$2"; ulimit -f "$3"; ulimit -n "$4"; } 2>/dev/null;'
    ' shift 4; exec "$@"'
)


@dataclass(frozen=True)
class Place:
    """The folders of one build on this machine.

    source  a checkout of its own, which the build may write to
    cwd     where in it the command runs, relative
    cache   the compiler's, empty: what one build leaves in a compiler's cache is code in the next
    inner   the folder that stands above source, out, home and cache inside the cell
    """

    source: Path
    cwd: str
    out: Path
    home: Path
    cache: Path
    inner: Path = Path("/firmward")

    def folders(self) -> dict[str, Path]:
        """Name inside the cell -> folder on this machine."""
        return {"src": self.source, "out": self.out, "home": self.home, "cache": self.cache}


@dataclass(frozen=True)
class Sandbox:
    """What holds a build.

    binary  bubblewrap, or "" for a plain build
    says    "bubblewrap 0.8.0", or "none: <why>"
    tools   folders that the build may read besides the system's and Python's
    """

    binary: str
    says: str
    tools: tuple[str, ...] = ()

    def root(self, place: Place) -> dict[str, Path]:
        """Name -> folder as the build sees it: src, out, home, cache and tmp."""
        if self.binary:
            seen = {name: place.inner / name for name in place.folders()}
            return seen | {"tmp": Path("/tmp")}  # noqa: S108  the cell's own
        return place.folders() | {"tmp": place.home.parent / "tmp"}

    def command(self, words: Sequence[str], place: Place, cpu_s: float) -> tuple[str, ...]:
        """The command as it is to be started on this machine, in its cell and with its limits.

        cpu_s  what one process of it may compute at most
        """
        limits = (ceil(cpu_s), _ADDRESS_SPACE_KIB, _LARGEST_FILE_BLOCKS, _OPEN_FILES)
        held = ("/bin/sh", "-c", _LIMITED, "firmward-build", *map(str, limits), *words)
        if not self.binary:
            return held
        cell = (*_isolated(self.binary), *_visible(self.tools), *_own(place))
        return (*cell, "--chdir", os.path.normpath(place.inner / "src" / place.cwd), "--", *held)


def find(wanted: Wanted, tools: Sequence[str] = ()) -> Sandbox:
    """The sandbox of this machine, tried out.

    raises  Unavailable when it is required and there is none, or a folder of tools is absent
    """
    for folder in tools:
        if not Path(folder).is_absolute() or not Path(folder).is_dir():
            raise Unavailable(f"build.tools: expected a folder of this machine, got {folder!r}")
    if wanted == "none":
        return Sandbox("", "none: the project file asks for none")
    binary = shutil.which("bwrap")
    why = _refusal(binary) if binary else "bwrap is not installed; on Debian: bubblewrap"
    if binary and not why:
        return Sandbox(binary, _version(binary), tuple(tools))
    if wanted == "required":
        raise Unavailable(f"build.sandbox is required and there is none here: {why}")
    return Sandbox("", f"none: {why}")


def _refusal(binary: str) -> str:
    """Why it does not work here, "" if it does: a container may forbid what it is made of."""
    try:
        tried = subprocess.run(
            [*_isolated(binary), *_visible(()), "--", "/bin/sh", "-c", "true"],
            capture_output=True,
            env={},
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{binary}: {error}"
    said = tried.stderr.decode(errors="replace").strip()
    return f"{binary} ended with {tried.returncode}: {said[-200:]}" if tried.returncode else ""


def _version(binary: str) -> str:
    done = subprocess.run(
        [binary, "--version"], capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False
    )
    return done.stdout.decode(errors="replace").strip()[:80] or "bubblewrap"


def _isolated(binary: str) -> tuple[str, ...]:
    """Namespaces of its own for everything; it dies with us and cannot type into our terminal."""
    return (
        *(binary, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net"),
        *("--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--new-session"),
        *("--uid", _INNER_UID, "--gid", _INNER_UID, "--hostname", "firmward", "--cap-drop", "ALL"),
    )


def _visible(tools: Sequence[str]) -> Iterator[str]:
    """The system's tools, this Python and the project's, all read-only."""
    yield from ("--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev")
    yield from ("--tmpfs", "/tmp")  # noqa: S108  the cell's own
    for root in map(Path, _ROOTS):
        if root.is_symlink():
            yield from ("--symlink", str(root.readlink()), str(root))
        elif root.is_dir():
            yield from ("--ro-bind", str(root), str(root))
    for name in _SETTINGS:
        yield from ("--ro-bind-try", name, name)
    for folder in sorted({*_python(), *tools}):
        yield from ("--ro-bind", folder, folder)


def _python() -> set[str]:
    """Where {python} lies: a virtual environment, and the installation below it."""
    own = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent.parent)}
    return {folder for folder in own if not Path(folder).is_relative_to("/usr")}


def _own(place: Place) -> Iterator[str]:
    for name, folder in place.folders().items():
        yield from ("--bind", str(folder), str(place.inner / name))

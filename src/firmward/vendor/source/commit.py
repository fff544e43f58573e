"""Source: a commit, whole, signed and named by digest.  Nothing is taken from a working copy."""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.terms.errors import Misuse
from firmward.vendor import project as projects
from firmward.vendor.project import Project
from firmward.vendor.source import signed
from firmward.vendor.source.git import Git, Repository, borrowed, find
from firmward.vendor.source.objects import Objects
from firmward.vendor.source.refused import SourceRefused
from firmward.vendor.source.signed import Signer
from firmward.vendor.source.signers import Signers
from firmward.vendor.source.submodules import Submodule, layers, work_of

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*@")
_COMMITTED: Final = re.compile(rb"^committer .*> (\d{1,15}) [+-]\d{4}$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A commit of a repository, and the part of it that a product is made from.

    repository  top of the working copy it was found in
    folder      the project's folder, relative to the repository
    root        the tree that is built, relative to the repository; "" for all of it
    commit, tree   git object ids; `tree` is that of `root`, and fixes its submodules' commits too
    committed   the commit's time, seconds since 1970
    remote      the origin without credentials, "" without one
    signer      who signed the commit; None where nobody was asked to, which no release is made of
                unless the project is one in development that leaves its commits unsigned
    submodules  other repositories' commits in the tree, by path
    """

    repository: Path
    folder: str
    root: str
    commit: str
    tree: str
    committed: int
    remote: str
    project: Project
    signer: Signer | None = None
    submodules: tuple[Submodule, ...] = ()


def take(
    folder: Path,
    revision: str,
    signers: Signers | None = None,
    *,
    released_before: bool = False,
) -> Source:
    """The source at a revision, for the project in `folder` of a working copy.

    1. find the repository, and the commit in it
    2. read the project file from the commit
    3. verify the commit's signature by one of the vendor's signers
    4. the origin is an allowed one
    5. the working copy is as committed, its submodules too
    6. every submodule is there at the commit that the tree names

    signers          who may sign; None leaves step 3 out, for a stage that is run alone and whose
                     results nobody signs: evidence about such a source is refused (attest.py)
    released_before  leaves step 5 out: the working copy may have moved on
    raises           SourceRefused at whichever step fails; Unavailable without git
    """
    repository = find(folder)
    prefix = folder.resolve().relative_to(repository.top).as_posix().removeprefix(".")
    with borrowed(repository) as git, Objects(git) as objects:
        commit = _commit(git, revision)
        body = objects.need(commit, "commit")
        top = objects.tree(commit)
        project = _project(objects, top, commit, prefix)
        signer = _signer(commit, body, project, signers, repository)
        remote = _remote(git, project)
        root = _within(posixpath.normpath(posixpath.join(prefix, project.source.root)))
        tree = objects.below(top, root)
        if tree is None:
            raise SourceRefused("source root", f"the folder {root!r} in the commit", "none")
        if not released_before:
            _refuse_dirty(git, root)
    with layers(repository, commit, root) as parts:
        submodules = tuple(part.submodule for part in parts if part.submodule)
    return Source(
        repository=repository.top,
        folder=prefix,
        root=root,
        commit=commit,
        tree=tree,
        committed=_committed(body),
        remote=remote,
        project=project,
        signer=signer,
        submodules=submodules,
    )


def _commit(git: Git, revision: str) -> str:
    wanted = f"{revision}^{{commit}}"
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    return git.text(*words, what="commit")


def _project(objects: Objects, top: str, commit: str, prefix: str) -> Project:
    name = posixpath.join(prefix, projects.FILE)
    data = objects.file(top, name)
    if data is None:
        raise SourceRefused("project file", f"{name} in commit {commit[:12]}", "none")
    return projects.read(data, f"{name} of {commit[:12]}")


def _signer(
    commit: str, body: bytes, project: Project, signers: Signers | None, repository: Repository
) -> Signer | None:
    if not project.source.signed:
        if not project.development:
            says = "false without development = true"
            raise SourceRefused("source.signed", "true for what is released", says)
        return None
    if signers is None:
        return None
    if signers.folder.resolve().is_relative_to(repository.top):
        # Whoever may commit could name himself.
        raise Misuse(f"signers: expected a folder outside the source, got {signers.folder}")
    return signed.verify(commit, body, signers)


def _committed(body: bytes) -> int:
    found = _COMMITTED.findall(body.partition(b"\n\n")[0])
    if len(found) != 1:
        raise SourceRefused("commit", "the one time it was made", str(len(found)))
    return int(found[0])


def _within(root: str) -> str:
    if root == ".":
        return ""
    if root.startswith(("..", "/")):
        raise SourceRefused("source root", "a folder of the repository", root)
    return root


def _remote(git: Git, project: Project) -> str:
    remote = _CREDENTIALS.sub("", git.settings.get("remote.origin.url", "").strip())
    if project.source.remotes and remote not in project.source.remotes:
        raise SourceRefused("origin", f"one of {project.source.remotes}", remote or "none")
    return remote


def _refuse_dirty(git: Git, root: str, who: str = "working copy") -> None:
    """What a developer sees in the folder must be what is released, submodules included.

    Against an index of our own: in the repository's, `--assume-unchanged` hides a change.
    """
    git.text("read-tree", "HEAD", what="working copy")
    words = ("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=all")
    changed = git.text(*words, "--", root or ".", what="working copy")
    if changed:
        lines = changed.splitlines()
        raise SourceRefused(who, "no change since the commit", ", ".join(lines[:5]))
    for line in git.text("ls-files", "--stage", "-z", "--", root or ".", what="index").split("\0"):
        if line.startswith("160000 "):
            words_of, _, path = line.partition("\t")
            inner = f"submodule {path}" if who == "working copy" else f"{who}/{path}"
            _refuse_moved(git.repository, path, words_of.split()[1], inner)


def _refuse_moved(repository: Repository, path: str, commit: str, who: str) -> None:
    """A submodule that is checked out is so at the pinned commit, and unchanged."""
    work = work_of(repository.top, path)
    if work is None:
        return
    with borrowed(find(work)) as git:
        head = _commit(git, "HEAD")
        if head != commit:
            raise SourceRefused(who, f"commit {commit}", head)
        _refuse_dirty(git, "", who)

"""A tree with its submodules, each at exactly the commit that the tree names.

The objects come from the repositories that `git submodule update` left in the working copy; which
of them is asked matters little, for every object is hashed as it is read.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.vendor.source import gitmodules
from firmward.vendor.source.git import Repository, at, borrowed
from firmward.vendor.source.objects import SUBMODULE, Entry, Objects
from firmward.vendor.source.refused import SourceRefused

FETCH: Final = "git submodule update --init --recursive"
_DEEP: Final = 16
_MANY: Final = 1000


@dataclass(frozen=True)
class Submodule:
    """Another repository's commit in the tree; `path` is relative to the source root."""

    path: str
    url: str
    commit: str
    tree: str


@dataclass(frozen=True)
class Layer:
    """One repository's part of the source: `prefix` is "" or ends with a slash."""

    prefix: str
    objects: Objects
    entries: tuple[Entry, ...]
    submodule: Submodule | None


@contextmanager
def layers(repository: Repository, commit: str, root: str) -> Iterator[tuple[Layer, ...]]:
    """The folder `root` of a commit and, recursively, the submodules in it.

    raises  SourceRefused for a submodule that is undeclared, whose declaration leads elsewhere, or
            whose commit the working copy does not have
    """
    with ExitStack() as stack:
        yield tuple(_layers(_Place(repository, commit, root), stack, []))


@dataclass(frozen=True)
class _Place:
    repository: Repository
    commit: str
    root: str
    prefix: str = ""
    url: str = ""


def _layers(place: _Place, stack: ExitStack, seen: list[str]) -> Iterator[Layer]:
    git = stack.enter_context(borrowed(place.repository))
    objects = stack.enter_context(Objects(git))
    who = f"submodule {place.prefix.rstrip('/')}" if place.prefix else "commit"
    if objects.get(place.commit, "commit") is None:
        raise SourceRefused(who, f"commit {place.commit} in the working copy; {FETCH}", "none")
    top = objects.tree(place.commit)
    tree = objects.below(top, place.root)
    if tree is None:
        raise SourceRefused(who, f"the folder {place.root!r}", "none")
    entries = tuple(objects.walk(tree))
    inside = Submodule(place.prefix.rstrip("/"), place.url, place.commit, tree)
    yield Layer(place.prefix, objects, entries, inside if place.prefix else None)
    links = [entry for entry in entries if entry.mode == SUBMODULE]
    declared = _declared(objects, top) if links else {}
    for link in links:
        path = f"{place.root}/{link.path}" if place.root else link.path
        seen.append(place.prefix + link.path)
        if len(seen) > _MANY or place.prefix.count("/") > 4 * _DEEP:
            raise SourceRefused("submodules", f"at most {_MANY}", f"more, at {seen[-1]}")
        yield from _layers(_found(place, link, path, declared.get(path)), stack, seen)


def _declared(objects: Objects, top: str) -> dict[str, gitmodules.Declared]:
    data = objects.file(top, gitmodules.FILE)
    if data is None:
        raise SourceRefused(gitmodules.FILE, "a regular file that declares the submodules", "none")
    return {each.path.rstrip("/"): each for each in gitmodules.read(data)}


def _found(place: _Place, link: Entry, path: str, declared: gitmodules.Declared | None) -> _Place:
    """Where a submodule's repository is: below the git directory, or where it always was."""
    if declared is None:
        raise SourceRefused(f"submodule {path}", f"a declaration in {gitmodules.FILE}", "none")
    whole = gitmodules.whole(declared)
    work, outer = place.repository.top / path, place.repository
    homes = (
        outer.folder / "modules" / whole.name,
        outer.shared / "modules" / whole.name,
        work / ".git",
    )
    for home in homes:
        found = at(work, home) if home.is_dir() else None
        if found is not None and _has(found, link.id):
            return _Place(found, link.id, "", f"{place.prefix}{link.path}/", whole.url)
    wanted = f"commit {link.id} in the working copy; run: {FETCH}"
    raise SourceRefused(f"submodule {path}", wanted, "none")


def _has(repository: Repository, commit: str) -> bool:
    with borrowed(repository) as git, Objects(git) as objects:
        return objects.get(commit, "commit") is not None


def work_of(top: Path, path: str) -> Path | None:
    """The submodule's own working copy, None where it was never checked out.

    raises  SourceRefused where something else lies there
    """
    work = top / path
    if not work.is_symlink() and not work.exists():
        return None
    if work.is_symlink() or not work.is_dir():
        raise SourceRefused(f"submodule {path}", "a folder", "something else in its place")
    if (work / ".git").exists():
        return work
    if any(work.iterdir()):
        raise SourceRefused(f"submodule {path}", "its own working copy, or nothing", "files")
    return None

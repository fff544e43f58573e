"""The files that collectors read: regular files under one folder, each read bounded.

The tree is the vendor's own, but what lies in it came from third parties: a link that leads out of
it, a file without end or a million files must not become somebody else's SBOM or a hung build.
"""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

from firmward.terms.errors import Malformed, Unavailable

MIB: Final = 1024 * 1024
# pnpm and npm locks of large products reach a few MiB; sources that matter here are headers.
LARGEST: Final = 32 * MIB
MOST_FILES: Final = 400_000


class Tree:
    """A folder's regular files by their path inside it; links are not followed, `.git` is not read.

    excluded  glob patterns of paths that are left out
    submodules  path -> (url, commit) of each submodule, as the commit fixes it
    """

    def __init__(
        self,
        root: Path,
        *,
        excluded: tuple[str, ...] = (),
        submodules: Mapping[str, tuple[str, str]] | None = None,
    ):
        self._root = root
        self._excluded = excluded
        self.submodules = dict(submodules or {})
        self._digests: dict[str, str] = {}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file, sorted.  Raises Malformed past MOST_FILES."""
        found: list[str] = []
        for path in self._walk():
            if not any(fnmatchcase(path, pattern) for pattern in self._excluded):
                found.append(path)
            if len(found) > MOST_FILES:
                raise Malformed("source tree", f"at most {MOST_FILES} files", "more")
        return tuple(sorted(found))

    def _walk(self) -> Iterator[str]:
        top = os.fspath(self._root)
        if not os.path.isdir(top):
            raise Unavailable(f"source tree: {top} is no folder")
        for folder, folders, names in os.walk(top, onerror=_fail):
            folders[:] = [name for name in folders if name != ".git"]
            inside = os.path.relpath(folder, top)
            for name in names:
                if _regular(os.path.join(folder, name)):
                    yield name if inside == "." else f"{inside}/{name}"

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in self.paths:
            names.setdefault(path.rpartition("/")[2].lower(), []).append(path)
        return names

    def named(self, *names: str) -> list[str]:
        """The paths of all files with one of these names, whatever their case."""
        return sorted(path for name in names for path in self._by_name.get(name.lower(), ()))

    def ending(self, *suffixes: str) -> list[str]:
        """The paths that end so."""
        return [path for path in self.paths if path.endswith(suffixes)]

    def under(self, folder: str) -> tuple[str, ...]:
        """The paths of all files in a folder, at any depth; "" is the whole tree."""
        prefix = folder.strip("/")
        if prefix in ("", "."):
            return self.paths
        first = bisect_left(self.paths, f"{prefix}/")
        # "0" is the character after "/": everything between the two begins with the prefix.
        return self.paths[first : bisect_left(self.paths, f"{prefix}0")]

    def has(self, path: str) -> bool:
        """Whether there is such a file, or such a folder."""
        return (self._root / path).exists()

    def folders(self, folder: str) -> list[str]:
        """The folders that lie directly in a folder and hold a file or a submodule."""
        prefix = f"{folder.strip('/')}/".lstrip("/")
        inside = [path[len(prefix) :] for path in self.under(folder)]
        linked = [f"{path[len(prefix) :]}/" for path in self.submodules if path.startswith(prefix)]
        return sorted({prefix + path.partition("/")[0] for path in inside + linked if "/" in path})

    def read(self, path: str, limit: int = LARGEST) -> bytes:
        """A file's bytes.  Raises Malformed past the limit or for what is no file of the tree."""
        file = self._root / path
        try:
            if not file.resolve().is_relative_to(self._root.resolve()) or file.is_symlink():
                raise Malformed(path, "a file of the tree", "a link")
            with file.open("rb") as opened:
                data = opened.read(limit + 1)
        except OSError as error:
            raise Malformed(path, "a file of the tree", error.strerror or str(error)) from error
        if len(data) > limit:
            raise Malformed(path, f"at most {limit} bytes", "more")
        return data

    def text(self, path: str, limit: int = LARGEST) -> str:
        """A file's text; bytes that are no UTF-8 are shown as U+FFFD."""
        return self.read(path, limit).decode("utf-8", errors="replace")

    def sha256(self, path: str) -> str:
        """A file's digest, whatever its size."""
        if path not in self._digests:
            with (self._root / path).open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[path]


def _regular(path: str) -> bool:
    return not os.path.islink(path) and os.path.isfile(path)


def _fail(error: OSError) -> None:
    raise Unavailable(f"source tree: {error.filename}: {error.strerror}") from error

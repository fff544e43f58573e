"""Git's objects by their ids, each hashed as it is read.

An id that a signed commit leads to fixes every byte below it.  The object store itself is trusted
for nothing: a pack index can be written so that an id leads to other bytes.

SHA-1 ids resist a second preimage, not a collision made beforehand by whoever wrote both files;
git refuses the known way to make one when it receives objects.  A SHA-256 repository has neither.
"""

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Timer
from typing import Final, Literal

from firmward.terms.errors import Unavailable
from firmward.vendor.source.git import Git, binary
from firmward.vendor.source.refused import SourceRefused

Kind = Literal["commit", "tree", "blob"]
LIMIT: Final = 1024**3
"""Bytes of one object; a firmware tree with a larger file is looked at by a person first."""
_AHEAD: Final = 256  # of 65 bytes each: less than a pipe holds, so neither side waits for ever
_TIMEOUT_S: Final = 600.0  # 50,000 files at 2 ms each are 100 s on a slow disk
FILE, PROGRAM, LINK, FOLDER, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000
# Group-writable files were written by git before 2005 and mean FILE.
_MODES: Final = {FILE, PROGRAM, LINK, FOLDER, SUBMODULE, 0o100664}


@dataclass(frozen=True)
class Entry:
    """Something in a tree that is no folder: `path` relative to the tree, `id` of what is there."""

    path: str
    mode: int
    id: str


class Objects:
    """A conversation with `git cat-file --batch`, one object after another."""

    def __init__(self, git: Git):
        self._where = str(git.repository.top)
        self._process = subprocess.Popen(
            [binary("git"), "cat-file", "--batch"],
            cwd=git.folder,
            env=git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._end = Timer(_TIMEOUT_S, self._process.kill)
        self._end.daemon = True
        self._end.start()

    def __enter__(self) -> "Objects":
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.cancel()
        self._process.kill()
        self._process.communicate()

    def get(self, name: str, kind: Kind) -> bytes | None:
        """An object's bytes, None where the store does not have it.

        raises  SourceRefused for another kind, or for bytes that the id does not name
        """
        self._ask([name])
        return self._answer(name, kind)

    def several(self, names: Sequence[str], kind: Kind) -> Iterator[bytes]:
        """Objects' bytes in this order, asked for some way ahead: a turn each costs two switches.

        raises  SourceRefused where the store does not have one; nothing can be read after that
        """
        for at, name in enumerate(names):
            if at % _AHEAD == 0:
                self._ask(names[at : at + _AHEAD])
            yield self._found(self._answer(name, kind), name, kind)

    def _ask(self, names: Sequence[str]) -> None:
        asked = self._process.stdin
        if asked is None or not all(name.isalnum() for name in names):
            raise Unavailable(f"{self._where}: git cannot be asked for {names!r}")
        try:
            asked.write("".join(f"{name}\n" for name in names).encode())
            asked.flush()
        except OSError as error:
            raise Unavailable(f"{self._where}: git ended before reading {names[0]}") from error

    def _answer(self, name: str, kind: Kind) -> bytes | None:
        answers = self._process.stdout
        if answers is None:
            raise Unavailable(f"{self._where}: git gives no answer")
        try:
            words = answers.readline().split()
            if words[1:] == [b"missing"]:
                return None
            size = int(words[2])
            if size > LIMIT:
                raise SourceRefused(f"object {name}", f"at most {LIMIT} bytes", str(size))
            body = answers.read(size + 1)[:-1]
        except (OSError, IndexError, ValueError) as error:
            raise Unavailable(f"{self._where}: git ended while reading {name}") from error
        if words[1] != kind.encode() or digest(kind, body, len(name)) != name:
            raise SourceRefused(f"object {name}", f"the {kind} it names", "other bytes")
        return body

    def need(self, name: str, kind: Kind) -> bytes:
        """An object's bytes.  Raises SourceRefused where the store does not have it."""
        return self._found(self.get(name, kind), name, kind)

    def _found(self, body: bytes | None, name: str, kind: Kind) -> bytes:
        if body is None:
            raise SourceRefused(self._where, f"the {kind} {name} in its object store", "none")
        return body

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return tree_of(self.need(commit, "commit"))

    def below(self, tree: str, path: str) -> str | None:
        """The tree of a folder of a tree; None where there is no such folder."""
        for part in path.split("/") if path else ():
            entries = {each.path: each for each in self._entries(tree)}
            found = entries.get(part)
            if found is None or found.mode != FOLDER:
                return None
            tree = found.id
        return tree

    def file(self, tree: str, path: str) -> bytes | None:
        """A regular file of a tree; None where there is no such file, such as at a link."""
        folder, _, name = path.rpartition("/")
        within = self.below(tree, folder)
        for each in self._entries(within) if within else ():
            if each.path == name and each.mode in (FILE, PROGRAM):
                return self.need(each.id, "blob")
        return None

    def walk(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """Every file, link and submodule below a tree."""
        for each in self._entries(tree):
            path = prefix + each.path
            if each.mode == FOLDER:
                yield from self.walk(each.id, f"{path}/")
            else:
                yield Entry(path, each.mode, each.id)

    def _entries(self, tree: str) -> list[Entry]:
        """The entries of one tree.

        raises  SourceRefused for a name that would be written elsewhere than below the folder
        """
        body, wide = self.need(tree, "tree"), len(tree) // 2
        found: dict[str, Entry] = {}
        while body:
            head, _, rest = body.partition(b"\0")
            mode, _, raw = head.partition(b" ")
            name = raw.decode(errors="surrogateescape")
            if name in found or not name or "/" in name or name.lower() in (".", "..", ".git"):
                raise SourceRefused(f"tree {tree}", "plain names, each once", repr(name))
            number = int(mode, 8) if mode.isdigit() else 0
            if number not in _MODES or len(rest) < wide:
                raise SourceRefused(f"tree {tree}", "files, folders, links", f"mode {mode!r}")
            number = FILE if number == 0o100664 else number
            found[name] = Entry(name, number, rest[:wide].hex())
            body = rest[wide:]
        return list(found.values())


def digest(kind: Kind, body: bytes, length: int = 40) -> str:
    """The id of an object; 64 hexadecimal digits in a SHA-256 repository."""
    data = f"{kind} {len(body)}\0".encode() + body
    if length == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def tree_of(commit: bytes) -> str:
    """The tree that a commit's own bytes name."""
    first = commit.partition(b"\n")[0].split()
    if len(first) != 2 or first[0] != b"tree":
        raise SourceRefused("commit", "a tree", repr(first[:2]))
    return first[1].decode()

"""A folder of policy as a value: its files once they are its manifest's, and who signed that.

Everything is read once and judged in memory, so that nobody can change a file between the check
and the reading.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.names import Label, Sha256, TargetPath
from firmward.terms.versions import Triple, triple
from firmward.terms.wire import KIB, decode, encode

MANIFEST: Final = "MANIFEST.json"
ENVELOPE: Final = "MANIFEST.dsse.json"
LIMIT: Final = 512 * KIB
_MOST_FILES: Final = 256

Version = Annotated[str, Meta(pattern=r"^[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,3}\Z")]
"""YYYY.M.P, compared as numbers."""


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    files: dict[TargetPath, Sha256]


@dataclass(frozen=True)
class Folder:
    """What lies in a folder of policy.

    files     without the manifest and the envelope; each is as the manifest says
    manifest  the manifest's bytes
    envelope  a site's signatures over the manifest; b"" where no site signed it
    """

    path: Path
    files: Mapping[str, bytes]
    manifest: bytes
    envelope: bytes

    @property
    def sha256(self) -> str:
        """Digest of the manifest, and by it of every file."""
        return sha256(self.manifest).hexdigest()

    def file(self, name: str) -> bytes:
        """One file's bytes.  Raises Malformed where it is not there."""
        if name not in self.files:
            raise Malformed(f"{self.path.parent.name} {self.path.name}", name, "no such file")
        return self.files[name]


def read_folder(path: Path) -> Folder:
    """The folder, every file of it as its manifest says.

    raises  Malformed for a file that is not the manifest's; Unavailable when it cannot be read
    """
    read = _read(path)
    if MANIFEST not in read:
        raise Unavailable(f"policy {path}: expected {MANIFEST}, got none")
    manifest, envelope = read.pop(MANIFEST), read.pop(ENVELOPE, b"")
    listed = decode(manifest, _Manifest, f"{path.name} {MANIFEST}").files
    found = {name: sha256(data).hexdigest() for name, data in read.items()}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            expected, got = listed.get(name, "no such file"), found.get(name, "no such file")
            raise Malformed(f"{path.parent.name} {path.name} {name}", expected, got)
    return Folder(path, read, manifest, envelope)


def manifest_of(path: Path) -> bytes:
    """The manifest that a folder's files should have.  Raises Malformed, Unavailable."""
    read = _read(path)
    return manifest({name: read[name] for name in read.keys() - {MANIFEST, ENVELOPE}})


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files."""
    digests = {name: sha256(data).hexdigest() for name, data in files.items()}
    return encode({"files": digests}) + b"\n"


def versions(path: Path, name: str) -> dict[Triple, Path]:
    """Every version of a pack or overlay in a folder of them.  Raises Unavailable."""
    try:
        inside = msgspec.convert(name, Label)
        found = [one for one in (path / inside).iterdir() if one.is_dir()]
    except (OSError, msgspec.ValidationError) as error:
        raise Unavailable(f"policy: expected {name!r} in {path}: {error}") from error
    return {number: one for one in found if (number := triple(one.name))}


def newest(path: Path, name: str) -> Path:
    """The newest version of a pack or overlay in a folder of them.  Raises Unavailable."""
    found = versions(path, name)
    if not found:
        raise Unavailable(f"policy: expected a version of {name} in {path}, got none")
    return found[max(found)]


def named(path: Path) -> tuple[str, ...]:
    """What a folder of packs or overlays holds, by name.  Raises Unavailable."""
    try:
        return tuple(sorted(one.name for one in path.iterdir() if one.is_dir()))
    except OSError as error:
        raise Unavailable(f"policy {path}: {error.strerror}") from error


def _read(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        for one in _plain(path):
            if len(files) >= _MOST_FILES:
                raise Malformed(f"policy {path.name}", f"at most {_MOST_FILES} files", "more")
            with one.open("rb") as file:
                data = file.read(LIMIT + 1)
            if len(data) > LIMIT:
                raise Malformed(f"{path.name} {one.name}", f"at most {LIMIT} bytes", "more")
            files[one.relative_to(path).as_posix()] = data
    except OSError as error:
        raise Unavailable(f"policy {path}: {error.strerror}") from error
    return files


def _plain(path: Path) -> Iterator[Path]:
    """Every file; a link, a device or a pipe is none, and reading one could never end."""
    if path.is_symlink() or not path.is_dir():
        raise Unavailable(f"policy {path}: expected a folder, got none")
    for one in sorted(path.rglob("*")):
        if one.is_symlink() or not (one.is_file() or one.is_dir()):
            raise Malformed(f"policy {path.name}", "plain files", one.name[:80])
        if one.is_file():
            yield one

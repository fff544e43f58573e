"""Publish: the vendor's TUF image repository, a folder that any web server can hand out.

    metadata/   N.root.json, N.targets.json, N.snapshot.json, timestamp.json
    targets/    images and evidence at their target paths

What was published is never rewritten, except timestamp.json, which is replaced last and at once:
until then every reader sees the state before.  If written to, its thief can withhold or break
releases; what the vendor did not sign is noticed here before anything is added to it.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from securesystemslib.exceptions import FormatError
from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from firmward.proof import repository
from firmward.proof.repository import Lives, State
from firmward.terms.errors import Misuse, NotTrusted, Refused
from firmward.terms.image import ImageClaim
from firmward.terms.names import target_path
from firmward.terms.wire import convert
from firmward.vendor.keys import ROOT_THRESHOLD, VendorKeys

_ROLES: Final = ("targets", "snapshot")


@dataclass(frozen=True)
class File:
    """A target to publish: its bytes, and what the metadata says of it besides their digest."""

    data: bytes
    custom: dict[str, Any]


class AlreadyPublished(Refused):
    """A path that readers may have fetched already."""

    def __init__(self, path: str):
        self.path = path
        super().__init__(f"repository: {path} is published and stays as it is")


class ImageRepository:
    """The published state in `folder`, signed with `keys`."""

    def __init__(self, folder: Path, keys: VendorKeys):
        self.folder, self._keys = folder, keys
        self._metadata, self._targets = folder / "metadata", folder / "targets"

    def found(self, now: datetime) -> bytes:
        """Start the repository: 1.root.json, signed by the threshold of root keys; its bytes."""
        if any(self._metadata.glob("*.root.json")):
            raise Misuse(f"repository: expected none yet, got {self.folder}")
        signers = self._keys.root[:ROOT_THRESHOLD]
        root = repository.root_file(1, self._keys.roles(), signers, now + Lives().root)
        _write(self._metadata / "1.root.json", root)
        return root

    def roots(self) -> dict[str, bytes]:
        """Every root file by name."""
        return {path.name: path.read_bytes() for path in sorted(self._metadata.glob("*.root.json"))}

    def listing(self) -> Mapping[str, TargetFile]:
        """Path -> entry of everything published, known to be signed by our own keys.

        raises  NotTrusted for a folder that somebody else wrote to.  Signing on top of it would
                make their entries ours.
        """
        if not (self._metadata / "timestamp.json").exists():
            return {}
        try:
            timestamp = self._own("timestamp.json", Timestamp)
            latest = timestamp.snapshot_meta
            snapshot = self._own(f"{latest.version}.snapshot.json", Snapshot)
            version = snapshot.meta["targets.json"].version
            targets: Targets = self._own(f"{version}.targets.json", Targets)
            return targets.targets
        except (RepositoryError, DeserializationError, FormatError, OSError, KeyError) as error:
            raise NotTrusted("repository", f"{self.folder}: {error}") from error

    def claims(self) -> dict[str, ImageClaim]:
        """Release id -> claim of every image published."""
        found = [
            convert(repository.custom(entry), ImageClaim, path)
            for path, entry in self.listing().items()
            if path.endswith("/image.bin")
        ]
        return {claim.release: claim for claim in found}

    def read(self, path: str) -> bytes:
        """A published target, known to be the one described.  Raises NotTrusted."""
        entry = self.listing().get(target_path(path, "target"))
        if entry is None:
            raise NotTrusted("repository", f"{path} is not published")
        try:
            data = (self._targets / path).read_bytes()
            entry.verify_length_and_hashes(data)
        except (RepositoryError, OSError) as error:
            raise NotTrusted("repository", f"{path}: {error}") from error
        return data

    def publish(
        self,
        new: Mapping[str, File],
        now: datetime,
        *,
        lives: Lives | None = None,
        unsafe_signers: Mapping[str, Sequence[Signer]] | None = None,
    ) -> dict[str, bytes]:
        """Add targets and sign the next metadata; every metadata file a reader needs, by name.

        Without new targets this renews snapshot and timestamp before they expire.

        unsafe_signers  role -> who signs instead, such as too few.  Then nothing is written: what
                        every reader must refuse has no place in the repository.
        raises          AlreadyPublished, NotTrusted
        """
        keys = self._keys
        signers: dict[str, Sequence[Signer]] = {
            "targets": keys.targets,
            "snapshot": (keys.snapshot,),
            "timestamp": (keys.timestamp,),
        }
        with self._alone():
            published = dict(self.listing())
            for path in new:
                if target_path(path, "target") in published:
                    raise AlreadyPublished(path)
            added = {p: repository.target(p, file.data, file.custom) for p, file in new.items()}
            state = State(versions=self._versions())
            _, files = repository.publish(
                state,
                published | added,
                signers | dict(unsafe_signers or {}),
                now,
                lives or Lives(),
            )
            if unsafe_signers is None:
                self._store(new, files)
            return self.roots() | files

    def _store(self, new: Mapping[str, File], files: Mapping[str, bytes]) -> None:
        """Dying before the last line leaves the old state, and files that nothing refers to yet."""
        for path, file in new.items():
            _write(self._targets / path, file.data)
        for name in sorted(files, key=lambda name: name == "timestamp.json"):
            _write(self._metadata / name, files[name])

    def _versions(self) -> dict[str, int]:
        """The highest version of each role on disk, unreferenced leftovers included."""
        versions = dict.fromkeys((*_ROLES, "timestamp"), 0)
        for path in self._metadata.glob("*.json"):
            match = re.fullmatch(r"(\d+)\.(targets|snapshot)\.json", path.name)
            if match:
                versions[match[2]] = max(versions[match[2]], int(match[1]))
        if (self._metadata / "timestamp.json").exists():
            versions["timestamp"] = self._own("timestamp.json", Timestamp).version
        return versions

    def _own(self, name: str, kind: type[Any]) -> Any:
        """The signed part of a metadata file that a threshold of our keys signed."""
        metadata: Metadata[Any] = Metadata.from_bytes((self._metadata / name).read_bytes())
        if not isinstance(metadata.signed, kind):
            raise NotTrusted("repository", f"{name}: expected {kind.__name__}")
        unsigned = repository.root_file(1, self._keys.roles(), (), metadata.signed.expires)
        root: Root = Metadata[Root].from_bytes(unsigned).signed
        role = metadata.signed.type
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        return metadata.signed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two releases at once would sign the same version numbers for different content."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(path: Path, data: bytes) -> None:
    """Write whole or not at all, and still there after power is lost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""Publish: the vendor's TUF image repository, a folder that any web server can hand out.

    metadata/     N.root.json, N.targets.json, N.snapshot.json, timestamp.json
    targets/      images and evidence at their target paths
    revoked.json  see revocations.py

What was published is never rewritten, except timestamp.json, which is replaced last and at once:
until then every reader sees the state before.  If written to, its thief can withhold or break
releases; what the vendor did not sign is noticed here before anything is added to it.
"""

import fcntl
import re
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
from firmward.proof.repository import Lives, RoleKeys, State
from firmward.terms.errors import Misuse, NotTrusted, Refused
from firmward.terms.image import ImageClaim
from firmward.terms.names import split_release, target_path
from firmward.terms.wire import convert
from firmward.vendor import durable
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.publish import revocations

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


class Revoked(Refused):
    """A release, or a path of one, that was taken out of the repository for good."""

    def __init__(self, what: str, reason: str):
        self.what, self.reason = what, reason
        super().__init__(f"repository: {what} is revoked and never comes back: {reason}")


class Published:
    """The published state in `folder`, which counts as far as a threshold of `roles` signed it."""

    def __init__(self, folder: Path, roles: Mapping[str, RoleKeys]):
        self.folder, self._roles = folder, roles
        self._metadata, self._targets = folder / "metadata", folder / "targets"

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

    def highest_counter(self, product: str) -> int:
        """The highest release counter of a product that readers have seen, revoked ones too."""
        seen = [c.release_counter for c in self.claims().values() if c.product == product]
        gone = [split_release(each.release) for each in revocations.read(self.folder)]
        return max([*seen, *(counter for name, _, counter in gone if name == product)], default=0)

    def referenced(self) -> tuple[str, ...]:
        """What a reader fetches, as paths in the folder: targets first, timestamp.json last.

        Leftovers of a publication that was cut short are not among them.  Raises NotTrusted.
        """
        listing = self.listing()
        if not listing and not (self._metadata / "timestamp.json").exists():
            raise NotTrusted("repository", f"{self.folder}: nothing is published yet")
        snapshot = self._own("timestamp.json", Timestamp).snapshot_meta.version
        meta = self._own(f"{snapshot}.snapshot.json", Snapshot).meta
        named = (f"{meta['targets.json'].version}.targets.json", f"{snapshot}.snapshot.json")
        return (
            *(f"targets/{path}" for path in sorted(listing)),
            *(f"metadata/{name}" for name in (*named, *self.roots(), "timestamp.json")),
        )

    def bytes_of(self, path: str) -> bytes:
        """A file by its path in the folder; a target is verified again.  Raises NotTrusted."""
        if path.startswith("targets/"):
            return self.read(path.removeprefix("targets/"))
        return (self.folder / path).read_bytes()

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

    def hand_over(
        self, roles: Mapping[str, RoleKeys], hands: Mapping[str, Sequence[Signer]], now: datetime
    ) -> int:
        """Put other keys in the place of ours; the version of the root file that says so.

        hands   role -> who signs: enough of the keys that leave and of those that come, so that a
                reader who has seen only one of the two roots believes the metadata
        raises  NotTrusted, Unavailable

        The metadata goes out first.  Dying before the root file leaves the old keys in force.
        """
        with self._alone():
            version = self._last_root() + 1
            root = repository.root_file(version, roles, hands["root"], now + Lives().root)
            # Even an empty list must be signed by the new keys, once there has been one.
            if (self._metadata / "timestamp.json").exists():
                state = State(versions=self._versions())
                _, files = repository.publish(state, self._standing(), hands, now, Lives())
                self._store({}, files)
            durable.replace(self._metadata / f"{version}.root.json", root)
            return version

    def _standing(self) -> dict[str, TargetFile]:
        """What the next metadata lists of what is published: all that was not revoked."""
        return revocations.without(self.listing(), revocations.read(self.folder))

    def _last_root(self) -> int:
        """The version of the newest root file, which must be ours: readers stop at another's."""
        version = newest_root(self.folder).version
        try:
            self._own(f"{version}.root.json", Root)
        except (RepositoryError, DeserializationError, FormatError, OSError) as error:
            raise NotTrusted("repository", f"{version}.root.json: {error}") from error
        return version

    def _store(self, new: Mapping[str, File], files: Mapping[str, bytes]) -> None:
        """Dying before the last line leaves the old state, and files that nothing refers to yet."""
        for path, file in new.items():
            durable.replace(self._targets / path, file.data)
        for name in sorted(files, key=lambda name: name == "timestamp.json"):
            durable.replace(self._metadata / name, files[name])

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
        unsigned = repository.root_file(1, self._roles, (), metadata.signed.expires)
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


class ImageRepository(Published):
    """The published state in `folder`, added to and signed with `keys`."""

    def __init__(self, folder: Path, keys: VendorKeys):
        super().__init__(folder, keys.roles())
        self._keys = keys

    def found(self, now: datetime) -> bytes:
        """Start the repository: 1.root.json, signed by the threshold of root keys; its bytes."""
        if any(self._metadata.glob("*.root.json")):
            raise Misuse(f"repository: expected none yet, got {self.folder}")
        signed = now + Lives().root
        root = repository.root_file(1, self._keys.roles(), self._keys.founders, signed)
        durable.replace(self._metadata / "1.root.json", root)
        return root

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
        raises          AlreadyPublished, Revoked, NotTrusted
        """
        keys = self._keys
        signers: dict[str, Sequence[Signer]] = {
            "targets": keys.targets,
            "snapshot": (keys.snapshot,),
            "timestamp": (keys.timestamp,),
        }
        with self._alone():
            gone = {p: each.reason for each in revocations.read(self.folder) for p in each.paths}
            published = self._standing()
            for path in new:
                if target_path(path, "target") in published:
                    raise AlreadyPublished(path)
                if path in gone:
                    raise Revoked(path, gone[path])
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

    def revoke(
        self, release: str, reason: str, now: datetime, *, lives: Lives | None = None
    ) -> dict[str, bytes]:
        """Take a release out for good; the metadata that says so, as `publish` gives it.

        Its files stay on the disk, for those who look into it.  Its fallback is a release of its
        own, so devices can go back to it.  The note is written first: dying after it leaves the
        release listed until the next metadata of any kind.
        raises  Refused for what is not published, Revoked for a second time
        """
        with self._alone():
            listing = self.listing()
            revocation = revocations.of(release, reason, listing, now)
            noted = {each.release: each for each in revocations.read(self.folder)}
            if not revocation.paths:
                if release in noted:
                    raise Revoked(release, noted[release].reason)
                raise Refused(f"repository: expected a published release, got {release}")
            if release not in noted:
                revocations.note(self.folder, revocation)
        return self.publish({}, now, lives=lives)


def newest_root(folder: Path) -> Root:
    """What the newest root file in our own folder says; it is read, not verified."""
    names = [path.name for path in (folder / "metadata").glob("*.root.json")]
    try:
        newest = max(names, key=lambda name: int(name.partition(".")[0]))
        root: Root = Metadata[Root].from_bytes((folder / "metadata" / newest).read_bytes()).signed
    except (ValueError, OSError, DeserializationError) as error:
        raise NotTrusted("repository", f"{folder}: no root file: {error}") from error
    return root

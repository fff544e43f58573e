"""TUF roles, read: from the bytes a repository serves to targets one can act on.

python-tuf's TrustedMetadataSet does the parsing, the signatures, thresholds, versions and expiry
(TUF 1.0 section 5.3).  This module only walks it in the specification's order, with the time and
the transport brought by the caller, so that the hospital's intake and the device judge alike.

Trusted bytes kept from an earlier refresh are verified again before they count: what lies on a
disk is only a claim.  Kept bytes that do not verify any more count as absent: whoever can spoil
them could have removed them, and one bad sector must not keep a device from updates for ever.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tuf.api.exceptions import (
    BadVersionNumberError,
    EqualVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Root, TargetFile
from tuf.api.serialization import DeserializationError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from firmward.proof.keys import material
from firmward.terms.errors import NotTrusted, Unavailable
from firmward.terms.names import target_path
from firmward.terms.report import Attack

Fetch = Callable[[str, int], bytes | None]
"""fetch(file name, most bytes) -> the file, or None where the repository has no such file.

It raises Unavailable when it cannot tell, and must stop reading at the limit.
"""

ROOT_LIMIT: Final = 512_000
TIMESTAMP_LIMIT: Final = 16_384
SNAPSHOT_LIMIT: Final = 2_000_000
TARGETS_LIMIT: Final = 5_000_000
_MAX_ROTATIONS: Final = 256


class RolesRefused(NotTrusted):
    """Metadata that must not be acted on, with the attack it looks like."""

    def __init__(self, who: str, reason: str, attack: Attack):
        super().__init__(who, reason)
        self.attack = attack


@dataclass(frozen=True)
class Trusted:
    """A repository as verified at one moment.

    files    role name -> the bytes to keep for the next refresh
    targets  target path -> what the top-level targets role says of it
    expires  the earliest expiry among the four roles
    """

    files: Mapping[str, bytes]
    targets: Mapping[str, TargetFile]
    versions: Mapping[str, int]
    expires: datetime


def root_keys(root: bytes, who: str) -> Mapping[str, int]:
    """Role -> threshold in a root file that at least signs itself.  Raises RolesRefused."""
    with _judging(who):
        trusted = TrustedMetadataSet(root, EnvelopeType.METADATA)
        return {name: role.threshold for name, role in trusted.root.roles.items()}


def refresh(kept: Mapping[str, bytes], fetch: Fetch, now: datetime, who: str) -> Trusted:
    """The repository's verified state, starting from what was kept (at least "root").

    raises  RolesRefused with the attack, Unavailable when a needed file cannot be had
    """
    files = dict(kept)
    with _judging(who):
        trusted = TrustedMetadataSet(files["root"], EnvelopeType.METADATA)
        trusted.reference_time = now
        _each_key_once(trusted.root)
        _walk_roots(trusted, files, fetch)
        _take_timestamp(trusted, files, fetch, who)
        _take_snapshot(trusted, files, fetch, who)
        _take_targets(trusted, files, fetch, who)
    for path in trusted.targets.targets:
        target_path(path, f"{who} target")
    roles = (trusted.root, trusted.timestamp, trusted.snapshot, trusted.targets)
    return Trusted(
        files=files,
        targets=trusted.targets.targets,
        versions={role.type: role.version for role in roles},
        expires=min(role.expires for role in roles),
    )


def _walk_roots(trusted: TrustedMetadataSet, files: dict[str, bytes], fetch: Fetch) -> None:
    """5.3.3 to 5.3.9: each next root must be signed by the one before and by itself."""
    for _ in range(_MAX_ROTATIONS):
        data = fetch(f"{trusted.root.version + 1}.root.json", ROOT_LIMIT)
        if data is None:
            return
        before: Root = trusted.root
        _within(data, ROOT_LIMIT, "root")
        after = trusted.update_root(data)
        _each_key_once(after)
        files["root"] = data
        if _rotated(before, after):
            # 5.3.11: after a key compromise, old versions may be a fast-forward attack's.
            files.pop("timestamp", None)
            files.pop("snapshot", None)
    raise EndlessDataError(f"root: expected at most {_MAX_ROTATIONS} rotations, got more")


def _rotated(before: Root, after: Root) -> bool:
    return any(
        before.roles[role].keyids != after.roles[role].keyids for role in ("timestamp", "snapshot")
    )


def _take_timestamp(
    trusted: TrustedMetadataSet, files: dict[str, bytes], fetch: Fetch, who: str
) -> None:
    if "timestamp" in files:
        # An expired one is refused and loaded all the same: it protects the new one from rollback.
        with suppress(RepositoryError):
            trusted.update_timestamp(files["timestamp"])
    data = _need(fetch, "timestamp.json", TIMESTAMP_LIMIT, who)
    try:
        trusted.update_timestamp(data)
        files["timestamp"] = data
    except EqualVersionNumberError:
        # The same version again is normal, unless it has run out: then it is a freeze.
        trusted._check_final_timestamp()


def _take_snapshot(
    trusted: TrustedMetadataSet, files: dict[str, bytes], fetch: Fetch, who: str
) -> None:
    if "snapshot" in files:
        # An older one is refused and loaded all the same: it protects the new one from rollback.
        with suppress(RepositoryError):
            trusted.update_snapshot(files["snapshot"], trusted=True)
            return
    version = trusted.timestamp.snapshot_meta.version
    data = _need(fetch, f"{version}.snapshot.json", SNAPSHOT_LIMIT, who)
    trusted.update_snapshot(data)
    files["snapshot"] = data


def _take_targets(
    trusted: TrustedMetadataSet, files: dict[str, bytes], fetch: Fetch, who: str
) -> None:
    meta = trusted.snapshot.meta.get("targets.json")
    if meta is None:
        raise RepositoryError("snapshot does not list targets.json")
    if "targets" in files:
        # Superseded, most likely: the snapshot decides which version is wanted.
        with suppress(RepositoryError):
            trusted.update_targets(files["targets"])
            return
    data = _need(fetch, f"{meta.version}.targets.json", TARGETS_LIMIT, who)
    trusted.update_targets(data)
    files["targets"] = data


def _need(fetch: Fetch, name: str, limit: int, who: str) -> bytes:
    data = fetch(name, limit)
    if data is None:
        raise Unavailable(f"{who}: {name} is missing")
    _within(data, limit, name)
    return data


def _within(data: bytes, limit: int, name: str) -> None:
    """A transport that ignores the limit is caught here, before anything is parsed."""
    if len(data) > limit:
        raise EndlessDataError(f"{name}: expected at most {limit} bytes, got {len(data)}")


def _each_key_once(root: Root) -> None:
    """Without this, one stolen key listed under two ids would meet a threshold of two."""
    for name, role in root.roles.items():
        publics = [material(root.keys[keyid]) for keyid in role.keyids]
        if len(set(publics)) != len(publics):
            raise UnsignedMetadataError(f"{name} lists one key under two key ids")


class EndlessDataError(RepositoryError):
    """More bytes or more rotations than any honest repository has."""


_ATTACKS: Final[tuple[tuple[type[Exception], Attack], ...]] = (
    (EndlessDataError, Attack.ENDLESS_DATA),
    (ExpiredMetadataError, Attack.FROZEN),
    (UnsignedMetadataError, Attack.TOO_FEW_SIGNATURES),
    (BadVersionNumberError, Attack.REPLAYED_ORDER),
    (LengthOrHashMismatchError, Attack.BAD_METADATA),
    (RepositoryError, Attack.BAD_METADATA),
    (DeserializationError, Attack.BAD_METADATA),
)


class _judging:
    """Turns python-tuf's errors into ours, naming the attack each looks like."""

    def __init__(self, who: str):
        self.who = who

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        for family, attack in _ATTACKS:
            if isinstance(error, family):
                raise RolesRefused(self.who, str(error)[:300], attack) from error
        if isinstance(error, ValueError | KeyError | TypeError):
            raise RolesRefused(self.who, str(error)[:300], Attack.BAD_METADATA) from error

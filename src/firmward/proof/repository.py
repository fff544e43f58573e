"""TUF roles, written: a repository as a value, from which its files are made.

Consistent snapshots throughout, so that a reader never mixes two moments.  Expiry is per role.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

ROLES = ("root", "targets", "snapshot", "timestamp")


@dataclass(frozen=True)
class RoleKeys:
    """The public keys of a role, and how many of them must sign."""

    keys: tuple[Key, ...]
    threshold: int = 1


@dataclass(frozen=True)
class Lives:
    """How long each role's metadata is good for."""

    root: timedelta = timedelta(days=365)
    targets: timedelta = timedelta(days=90)
    snapshot: timedelta = timedelta(days=7)
    timestamp: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class State:
    """What the next set of files is made from."""

    versions: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES[1:], 0))
    targets: Mapping[str, TargetFile] = field(default_factory=dict)


def target(path: str, data: bytes, custom: dict[str, Any]) -> TargetFile:
    """A target entry with SHA-256 and length of `data`, and the given `custom` member."""
    entry = TargetFile.from_data(path, data, ["sha256"])
    return TargetFile(entry.length, entry.hashes, path, {"custom": custom})


def described(path: str, length: int, sha256: str, custom: dict[str, Any]) -> TargetFile:
    """A target entry for a file that is known by length and digest only."""
    return TargetFile(length, {"sha256": sha256}, path, {"custom": custom})


def custom(entry: TargetFile) -> Any:
    """The `custom` member of a target entry, unparsed."""
    return entry.unrecognized_fields.get("custom", {})


def root_file(
    version: int,
    roles: Mapping[str, RoleKeys],
    signers: Sequence[Signer],
    expires: datetime,
) -> bytes:
    """N.root.json, signed by every one of `signers` (on rotation: old and new holders)."""
    root = Root(version=version, expires=_whole(expires), consistent_snapshot=True)
    for role, holders in roles.items():
        for key in holders.keys:
            root.add_key(key, role)
        root.roles[role].threshold = holders.threshold
    return _signed(Metadata(root), signers)


def publish(
    state: State,
    targets: Mapping[str, TargetFile],
    signers: Mapping[str, Sequence[Signer]],
    now: datetime,
    lives: Lives,
) -> tuple[State, dict[str, bytes]]:
    """The next state and its files by name: N.targets.json, N.snapshot.json, timestamp.json.

    signers  role -> who signs it; a role with fewer than its threshold is published as it is,
             and refused by every reader
    """
    versions = {role: version + 1 for role, version in state.versions.items()}
    listing = Targets(
        version=versions["targets"], expires=_whole(now + lives.targets), targets=dict(targets)
    )
    files = {f"{versions['targets']}.targets.json": _signed(Metadata(listing), signers["targets"])}
    body = files[f"{versions['targets']}.targets.json"]
    snapshot = Snapshot(
        version=versions["snapshot"],
        expires=_whole(now + lives.snapshot),
        meta={"targets.json": MetaFile.from_data(versions["targets"], body, ["sha256"])},
    )
    name = f"{versions['snapshot']}.snapshot.json"
    files[name] = _signed(Metadata(snapshot), signers["snapshot"])
    timestamp = Timestamp(
        version=versions["timestamp"],
        expires=_whole(now + lives.timestamp),
        snapshot_meta=MetaFile.from_data(versions["snapshot"], files[name], ["sha256"]),
    )
    files["timestamp.json"] = _signed(Metadata(timestamp), signers["timestamp"])
    return replace(state, versions=versions, targets=dict(targets)), files


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _signed(metadata: Metadata[Any], signers: Sequence[Signer]) -> bytes:
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(JSONSerializer(compact=True))

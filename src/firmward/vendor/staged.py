"""Staged: a signed release in a folder, between the stage that signs and the one that publishes.

DIR/staged.json   what is to be published, sealed by the evidence keys
DIR/TARGET/PATH   each file

The two stages may run on two machines; what was changed on the way is noticed by its digest.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from firmward.proof.envelope import seal, unseal
from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.terms.names import ReleaseId, Sha256
from firmward.terms.wire import Wire, convert, encode, parse
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.pipeline import Signed
from firmward.vendor.publish.repository import File

FILE: Final = "staged.json"
PAYLOAD: Final = "application/vnd.firmward.staged+json"


class Entry(Wire, frozen=True, kw_only=True):
    """One file: its digest, and what the metadata will say of it besides."""

    sha256: Sha256
    custom: dict[str, Any]


class Staged(Wire, frozen=True, kw_only=True):
    """What a folder holds.  `files` is target path -> entry."""

    release: ReleaseId
    fallback: ReleaseId
    sha256: Sha256
    commit: str
    files: dict[str, Entry]


def write(folder: Path, done: Signed, keys: VendorKeys) -> Staged:
    """Lay a signed release out in an empty folder.  Raises Misuse where something is there."""
    if folder.exists() and any(folder.iterdir()):
        raise Misuse(f"{folder}: expected an empty folder")
    listed = {
        path: Entry(sha256=hashlib.sha256(file.data).hexdigest(), custom=file.custom)
        for path, file in done.files.items()
    }
    staged = Staged(
        release=done.draft.name,
        fallback=done.fallback.claim.release,
        sha256=done.image.sha256,
        commit=done.draft.source.commit,
        files=listed,
    )
    for path, file in done.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.data)
    # Last, so that a folder that was cut short is no staged release.
    (folder / FILE).write_bytes(seal(encode(staged), PAYLOAD, keys.evidence))
    return staged


def read(folder: Path, keys: VendorKeys) -> tuple[Staged, dict[str, File]]:
    """What a folder holds, known to be what these keys' holder staged.

    raises  NotTrusted, Malformed; Unavailable where a file is missing
    """
    public = [signer.public_key for signer in keys.evidence]
    data = _bytes(folder / FILE)
    payload = unseal(data, PAYLOAD, public, FILE, threshold=len(public))
    staged = convert(parse(payload, FILE), Staged, FILE)
    files: dict[str, File] = {}
    for path, entry in staged.files.items():
        found = _bytes(folder / path)
        if hashlib.sha256(found).hexdigest() != entry.sha256:
            raise NotTrusted(path, f"expected the file that was staged, {entry.sha256}")
        files[path] = File(found, entry.custom)
    return staged, files


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error

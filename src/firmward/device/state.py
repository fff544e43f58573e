"""What a device must not forget, whatever moment the power fails.

Not trusted with secrets.  Whoever can write here can make the device ask again, report twice or
forget a plan; the floor that counts is the controller's own counter.

Order of a save: write a temporary file, fsync it, rename it over the *older* of two copies, fsync
the folder.  A cut at any step leaves the newer copy whole, and a copy that fails its checksum does
not count.
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms.names import ReleaseId, Sha256, ShortText
from firmward.terms.wire import MIB, Wire, decode, encode

Cut = Callable[[str], None]
"""Called with the name of every step that changes something durable; a lab raises there."""

OUTBOX: Final = 128
_LIMIT: Final = 16 * MIB
_HEAD: Final = re.compile(rb"firmward 1 (\d{1,15}) ([0-9a-f]{64})\n")


def uncut(name: str) -> None:
    """The power stays on."""


def write_durably(path: Path, data: bytes, cut: Cut = uncut, *, mode: int = 0o600) -> None:
    """`data` as the whole content of `path`: all of it or nothing of it survives a cut."""
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(handle, data[: len(data) // 2])
        cut(f"{path.name}: half written")
        os.write(handle, data[len(data) // 2 :])
        os.fsync(handle)
    finally:
        os.close(handle)
    cut(f"{path.name}: written")
    os.replace(temporary, path)
    cut(f"{path.name}: renamed")
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class TwoCopies:
    """One document in two generations; the newest that is whole counts."""

    def __init__(self, folder: Path, name: str, cut: Cut = uncut):
        self._paths = (folder / f"{name}.a", folder / f"{name}.b")
        self._cut = cut
        folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> bytes | None:
        """The newest whole document, or None where there is none."""
        whole = [copy for copy in map(_read, self._paths) if copy is not None]
        return max(whole)[1] if whole else None

    def save(self, body: bytes) -> None:
        """Keep `body` in place of the older copy."""
        generations = [copy[0] if copy else 0 for copy in map(_read, self._paths)]
        older = generations.index(min(generations))
        digest = hashlib.sha256(body).hexdigest()
        head = f"firmward 1 {max(generations) + 1} {digest}\n".encode()
        write_durably(self._paths[older], head + body, self._cut)


def _read(path: Path) -> tuple[int, bytes] | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT)
    except FileNotFoundError:
        return None
    head = _HEAD.match(data)
    if head is None:
        return None
    body = data[head.end() :]
    if hashlib.sha256(body).hexdigest() != head[2].decode():
        return None
    return int(head[1]), body


class Installed(Wire, frozen=True, kw_only=True):
    """A kept image: its release, the digest it was verified with, the slot it lies in."""

    release: ReleaseId
    image_sha256: Sha256
    slot: Annotated[int, Meta(ge=0, le=1)]


Phase = Literal["fetch", "written", "trial"]


class Plan(Wire, frozen=True, kw_only=True):
    """An order being carried out.

    phase        fetch: not in the slot yet.  written: in the slot, verified, not bootable yet.
                 trial: offered to the boot stage, outcome unknown.
    boot_digest  what the boot stage will say it measured (MCUboot's digest)
    attempts     trials begun
    verdict      why the trial was given up, once that is decided
    """

    order: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    release: ReleaseId
    sha256: Sha256
    phase: Phase = "fetch"
    boot_digest: Sha256 | Literal[""] = ""
    attempts: int = 0
    verdict: ShortText = ""


class Owed(Wire, frozen=True, kw_only=True):
    """A signed report that the hospital has not acknowledged."""

    sequence: int
    envelope: str


class Memory(Wire, frozen=True, kw_only=True):
    """Everything the agent remembers, saved as one: a report and what it reports cannot part.

    sequence         the last report's; vitals_sequence the last one reserved for vitals
    floor            the highest counter the controller has ever named
    settled_order    the last order that ended: kept, reverted, refused
    settled_version  the director's timestamp version that was fully dealt with
    fresh_until      expiry of that metadata
    complaint        the refusal already reported, so that it is reported once
    """

    sequence: int = 0
    vitals_sequence: int = 0
    floor: int = 0
    running: Installed | None = None
    plan: Plan | None = None
    outbox: tuple[Owed, ...] = ()
    settled_order: str = ""
    settled_version: int = 0
    fresh_until: float = 0.0
    complaint: str = ""
    mismatch: str = ""


def load_memory(copies: TwoCopies) -> Memory:
    """What was remembered; a device that never ran remembers nothing.  Raises Malformed."""
    body = copies.load()
    return Memory() if body is None else decode(body, Memory, "device state", limit=_LIMIT)


def dump_memory(memory: Memory) -> bytes:
    """The bytes to keep."""
    return encode(memory)


def with_owed(memory: Memory, owed: Owed) -> tuple[Owed, ...]:
    """The outbox with one more report, within bounds.

    A device that is cut off for months drops the oldest report, never the newest: what it runs
    now is what the hospital must know.
    """
    return (*memory.outbox, owed)[-OUTBOX:]


def changed(memory: Memory, **changes: object) -> Memory:
    """`memory` with some members replaced."""
    return msgspec.structs.replace(memory, **changes)

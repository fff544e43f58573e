"""The image of an order: fetched with resume, checked, decrypted, checked again.

Nothing here touches a slot.  What the network delivers is a claim until its digest is the ordered
one, and what decrypts is a claim until its digest is the one both repositories name.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from firmward.device.link import CHUNK, Link
from firmward.device.state import Cut, sync_folder
from firmward.device.verify import Install, OrderRefused
from firmward.proof import mcuboot, wrap
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.report import Attack
from firmward.terms.wire import KIB

# RFC 8188 adds 17 bytes to each record: even records of 64 bytes stay below this.
_SLACK: Final = 4 * KIB


def fetch(link: Link, install: Install, room: int, folder: Path, cut: Cut) -> Path:
    """The order's ciphertext as a whole, verified file; a partial one is continued.

    room    most bytes of plaintext that a slot takes
    raises  OrderRefused, EndlessData, Unavailable (the partial file stays for the next time)
    """
    order = install.order
    most = min(room, install.length) * 5 // 4 + _SLACK
    if install.length > room or order.ciphertext_length > most:
        got = f"{install.length} bytes in {order.ciphertext_length}"
        raise OrderRefused(
            Attack.ENDLESS_DATA, "image", f"at most {room} bytes in {most}", got, order.order
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{order.ciphertext_sha256}.part"
    _leave_only(folder, path)
    resumed = path.exists() and path.stat().st_size > 0
    _download(link, install, path, cut)
    if resumed and _digest(path) != order.ciphertext_sha256:
        # What a cut left behind may be garbage; only a whole answer convicts the server.
        path.unlink()
        _download(link, install, path, cut)
    got = _digest(path)
    if got != order.ciphertext_sha256:
        path.unlink()
        raise OrderRefused(
            Attack.TAMPERED_IMAGE, "ciphertext", order.ciphertext_sha256, got, order.order
        )
    return path


def _leave_only(folder: Path, path: Path) -> None:
    """Drop what an abandoned order left behind: the disk of a device is small."""
    for other in folder.iterdir():
        if other != path:
            other.unlink()


def _download(link: Link, install: Install, path: Path, cut: Cut) -> None:
    order = install.order
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        have = os.fstat(handle).st_size
        if have > order.ciphertext_length:
            have = 0
        if have == order.ciphertext_length:
            return
        cut("download: before")
        with link.blob(order.ciphertext_sha256, have, order.ciphertext_length) as (start, chunks):
            os.ftruncate(handle, start)
            _append(handle, start, chunks, cut)
    finally:
        os.fsync(handle)
        os.close(handle)
    sync_folder(path.parent)
    cut("download: whole")


def _append(handle: int, at: int, chunks: Iterator[bytes], cut: Cut) -> None:
    for chunk in chunks:
        os.pwrite(handle, chunk, at)
        at += len(chunk)
        cut("download: a chunk")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def open_image(install: Install, ciphertext: Path, device: str, key: X25519PrivateKey) -> bytes:
    """The plaintext image: sealed to this device, of the ordered digest, and what it claims to be.

    A controller's image fits the agent's memory many times over (`room` bounds it), so it never
    lies in the clear on the agent's disk.

    raises  OrderRefused
    """
    order = install.order
    try:
        info = wrap.binding(device, order.release, install.sha256)
        content_key = wrap.unwrap_key(order.wrapped_key, key, info)
    except NotTrusted as error:
        raise OrderRefused(
            Attack.WRONG_DEVICE, "wrapped key", "one sealed to me", str(error), order.order
        ) from error
    plain = bytearray()
    try:
        for piece in wrap.decrypt(_chunks(ciphertext), content_key):
            plain += piece
            if len(plain) > install.length:
                raise NotTrusted("image", f"longer than {install.length} bytes")
    except NotTrusted as error:
        raise OrderRefused(
            Attack.TAMPERED_IMAGE, "ciphertext", "an authentic image", str(error), order.order
        ) from error
    _judge(install, bytes(plain))
    return bytes(plain)


def _judge(install: Install, image: bytes) -> None:
    order = install.order
    got = hashlib.sha256(image).hexdigest()
    if len(image) != install.length or got != install.sha256:
        raise OrderRefused(Attack.TAMPERED_IMAGE, "image", install.sha256, got, order.order)
    try:
        found = mcuboot.parse(image)
    except Malformed as error:
        raise OrderRefused(
            Attack.BAD_METADATA, "image", "an MCUboot image", str(error), order.order
        ) from error
    # The fuse is raised to the counter in the bytes: a higher one than ordered would burn the
    # way to every later release.
    numbers = (found.version, found.build, found.counter)
    ordered = (order.version, order.release_counter, order.release_counter)
    if numbers != ordered:
        raise OrderRefused(
            Attack.DISAGREEMENT, "version in the image", str(ordered), str(numbers), order.order
        )

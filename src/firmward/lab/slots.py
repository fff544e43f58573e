"""A slot's bytes as an installer leaves them: image, erased rest, trailer magic last."""

import os
from pathlib import Path

from firmward.lab import memory
from firmward.terms.errors import Misuse


def slot_bytes(image: bytes, *, confirmed: bool) -> bytes:
    """A whole slot holding a signed image, ready for a trial or, at the factory, confirmed."""
    room = memory.SLOT_SIZE - memory.TRAILER_SIZE
    if len(image) > room:
        raise Misuse(f"slot: expected an image of at most {room} bytes, got {len(image)}")
    image_ok = memory.FLAG_SET if confirmed else b"\xff" * memory.UNIT
    copy_done = b"\xff" * memory.UNIT
    return image.ljust(room, b"\xff") + copy_done + image_ok + memory.TRAILER_MAGIC


def install(flash: Path, slot: int, image: bytes, *, confirmed: bool = False) -> None:
    """Write a slot as the agent does: old magic away, new bytes on disk, then the new magic."""
    data = slot_bytes(image, confirmed=confirmed)
    body, magic = data[:-16], data[-16:]
    with flash.open("r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"\xff" * len(magic), memory.magic_at(slot))
        os.fsync(file.fileno())
        os.pwrite(file.fileno(), body, memory.slot_base(slot))
        os.fsync(file.fileno())
        os.pwrite(file.fileno(), magic, memory.magic_at(slot))
        os.fsync(file.fileno())

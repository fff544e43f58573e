"""Where the ledger lies in files (C2SP tlog-tiles): tiles of 256 hashes, bundles of entries."""

from collections.abc import Iterator

from firmward.terms.errors import Malformed, Misuse

WIDTH = 256
HEIGHT = 8
LONGEST = 65_535
"""An entry's most bytes: its length is a u16."""


def _number(index: int) -> str:
    """A tile's number in groups of three digits, all but the last prefixed with x."""
    text = f"{index:03d}"
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[i : i + 3] for i in range(0, len(text), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """The path of a hash tile; a partial one names its width."""
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{_number(index)}{partial}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """The path of an entry bundle; a partial one names its width."""
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/entries/{_number(index)}{partial}"


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every hash tile of a tree of `size` leaves, bottom up."""
    level, nodes = 0, size
    while nodes:
        for index in range(-(-nodes // WIDTH)):
            yield level, index, min(WIDTH, nodes - index * WIDTH)
        level, nodes = level + 1, nodes >> HEIGHT


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """(index, width) of every entry bundle of a log of `size` entries."""
    for index in range(-(-size // WIDTH)):
        yield index, min(WIDTH, size - index * WIDTH)


def pack_bundle(entries: list[bytes]) -> bytes:
    """An entry bundle: each entry behind its u16 big-endian length.  Raises Misuse."""
    if any(len(entry) > LONGEST for entry in entries):
        raise Misuse(f"entry bundle: expected entries of at most {LONGEST} bytes, got a longer one")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unpack_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle.  Raises Malformed for any byte too few or too many."""
    entries, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2])
        entries.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    if at != len(data) or len(entries) != width:
        raise Malformed("entry bundle", f"{width} whole entries", f"{len(entries)}")
    return entries

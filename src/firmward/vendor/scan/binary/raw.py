"""A raw image: how readable it is block by block, its vectors, its versions."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from firmward.binaries.blocks import BLOCK, DARK, entropies
from firmward.vendor.scan.binary import bare_metal
from firmward.vendor.scan.binary.rules import found
from firmward.vendor.scan.sarif import Finding

_MOST_RUNS: Final = 8
_MOST_VERSIONS: Final = 40
# Thumb's `bx lr`, and the pushes and pops that functions begin and end with.
_THUMB: Final = re.compile(rb"\x70\x47|[\x00-\xff]\xb5|[\x00-\xff]\xbd")
_VERSION: Final = re.compile(
    rb"(?<![\w.])([A-Za-z][A-Za-z0-9_+]{1,24}(?:[ -][A-Za-z][A-Za-z0-9_+]{1,16}){0,2})"
    rb"[ /_-]{1,2}(?:[vV]|version |Version "
    rb"|ver\.? )?(\d{1,4}\.\d{1,4}(?:\.\d{1,6}){0,2}[\w.+-]{0,16})(?![\w])"
)


def judge(data: bytes, path: str) -> Iterator[Finding]:
    """What an image without headers tells."""
    yield from entropy_map(data, path)
    table = bare_metal.vectors(data)
    if table is not None:
        yield from bare_metal.vector_sanity(table, len(data), path)
    yield from versions(data, path)


def kind_of(block: bytes, bits: float) -> str:
    """What a block most likely holds."""
    if bits < 1.0:
        return "empty"
    if bits > DARK and len(block) >= BLOCK:
        return "encrypted or compressed"
    if sum(32 <= each < 127 for each in block) > 0.85 * len(block):
        return "text"
    return "code" if len(_THUMB.findall(block)) >= 4 and bits > 5 else "data"


def entropy_map(data: bytes, path: str) -> Iterator[Finding]:
    """The image as runs of one kind, in one note."""
    blocks = entropies(data)
    kinds = [
        kind_of(data[n * BLOCK : (n + 1) * BLOCK], float(bits)) for n, bits in enumerate(blocks)
    ]
    if not kinds:
        return
    runs: list[str] = []
    at = 0
    for kind, group in groupby(kinds):
        length = len(list(group))
        runs.append(f"{at * BLOCK:#x}+{length * BLOCK:#x} {kind}")
        at += length
    dark = kinds.count("encrypted or compressed") / len(kinds)
    more = f" and {len(runs) - _MOST_RUNS} more runs" if len(runs) > _MOST_RUNS else ""
    says = "not readable" if dark > 0.8 else "readable by anybody" if dark < 0.2 else "in part"
    mean = float(blocks.mean())
    yield found(
        path, "entropy", f"{says}, {mean:.2f} bits per byte: {'; '.join(runs[:_MOST_RUNS])}{more}"
    )


def versions(data: bytes, path: str) -> Iterator[Finding]:
    """Names with versions, as components leave them; the SBOM is told what they mean."""
    seen = sorted({f"{match[1].decode()} {match[2].decode()}" for match in _VERSION.finditer(data)})
    for each in seen[:_MOST_VERSIONS]:
        yield found(path, "version", each)

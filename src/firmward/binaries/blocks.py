"""How much of some bytes can be read at all, block by block."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 1024
# 1024 random bytes have 7.8 bits each, compiled code hardly more than 7.
DARK: Final = 7.6
"""Bits per byte above which a whole block is encrypted or compressed."""
EMPTY: Final = 1.0
"""Bits per byte below which a block holds next to nothing."""

_BATCH: Final = 512
# n log2 n for every count that a block can have.
_COUNTS: Final = np.arange(BLOCK + 1)
_WEIGHTS: Final = _COUNTS * np.log2(np.maximum(_COUNTS, 1))


def entropies(data: bytes) -> NDArray[np.float64]:
    """Shannon's entropy of each block, in bits per byte; the last may be shorter."""
    whole = len(data) // BLOCK
    blocks = np.frombuffer(data, np.uint8)[: whole * BLOCK].reshape(whole, BLOCK)
    out = [_of(blocks[at : at + _BATCH]) for at in range(0, whole, _BATCH)]
    if len(data) % BLOCK:
        out.append(_of(np.frombuffer(data, np.uint8)[whole * BLOCK :].reshape(1, -1)))
    return np.concatenate(out) if out else np.zeros(0)


def _of(blocks: NDArray[np.uint8]) -> NDArray[Any]:
    """The entropies of some blocks of one length: log2 n - (sum of c log2 c) / n."""
    count, length = blocks.shape
    keys = blocks + (np.arange(count, dtype=np.int64) * 256)[:, None]
    counts = np.bincount(keys.ravel(), minlength=count * 256).reshape(count, 256)
    return np.asarray(np.log2(length) - _WEIGHTS[counts].sum(axis=1) / length)

"""Inputs made from inputs: what the corpus says, bent a little, drawn from a seed."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

LONGEST: Final = 2048

_EDGES: Final = (0, 1, 9, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
_LENGTHS: Final = tuple(n + d for n in (8, 16, 32, 64, 128, 256, 512, 1024) for d in (-1, 0, 1))
_TOUCHY: Final = b"\x00\x01\x7f\x80\xff\n\r %\"'/\\=:;,AZ09-"
_NUMBER: Final = re.compile(rb"-?[0-9]+")
_WORD: Final = re.compile(rb"[A-Za-z_?]+|[0-9]+|[^A-Za-z0-9_?]")

Change = Callable[[random.Random, bytes], bytes]


class Mutator:
    """Draws inputs; the same corpus, seed and calls give the same inputs.

    end    what ends every message of the corpus, such as a newline; b"" for nothing in particular
    """

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311  it is to be repeatable, not secret
        self.end = ending(corpus)
        self._words: list[bytes] = sorted(
            {word for entry in corpus for word in _WORD.findall(entry)}
        )
        small = (_flip, _replace, _remove, _cut, _number, self._word, self._splice)
        # Long inputs take a device long, and the sweep has sent the plain ones already.
        self._changes: tuple[Change, ...] = (*small, *small, _repeat, _lengthen)
        self._pool: Sequence[bytes] = corpus

    def sweep(self) -> Iterator[bytes]:
        """Before any chance: each byte alone, and messages of every length that fits a buffer."""
        for byte in range(256):
            yield bytes([byte]) + self.end
        for length in _LENGTHS:
            yield b"A" * length + self.end

    def draw(self, pool: Sequence[bytes]) -> bytes:
        """An input like one of the pool's, changed one to four times."""
        self._pool = pool
        data = pool[self._rng.randrange(len(pool))]
        body: bytes = data.removesuffix(self.end) if self.end else data
        for _ in range(1 << self._rng.randrange(3)):
            change = self._changes[self._rng.randrange(len(self._changes))]
            body = change(self._rng, body)
        # Mostly whole messages: a device that waits for the end of one looks at nothing.
        end = self.end if self._rng.random() < 0.95 else b""
        return body[:LONGEST] + end

    def _word(self, rng: random.Random, data: bytes) -> bytes:
        if not self._words:
            return data
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(self._words) + data[at:]

    def _splice(self, rng: random.Random, data: bytes) -> bytes:
        other = rng.choice(self._pool)
        return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def ending(corpus: Sequence[bytes]) -> bytes:
    """The last byte, if it is every entry's and no letter; then the corpus speaks in messages."""
    last = {entry[-1:] for entry in corpus}
    end = last.pop() if len(last) == 1 else b""
    return b"" if end.isalnum() else end


def _flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data)) if data else 0
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data


def _replace(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    byte = rng.choice(_TOUCHY) if rng.random() < 0.5 else rng.randrange(256)
    return data[:at] + bytes([byte]) + data[at + 1 :]


def _remove(rng: random.Random, data: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] * rng.choice((1, 2, 8)) + data[end:]


def _lengthen(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.choice(_TOUCHY)]) * rng.choice(_LENGTHS) + data[at:]


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _number(rng: random.Random, data: bytes) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data + str(rng.choice(_EDGES)).encode()
    at = rng.choice(found)
    return data[: at.start()] + str(rng.choice(_EDGES)).encode() + data[at.end() :]

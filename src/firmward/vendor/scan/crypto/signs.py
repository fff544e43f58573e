"""Signs of an algorithm, and how sure several of them make us."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from firmward.vendor.scan.crypto.catalogue import ALGORITHMS, Algorithm
from firmward.vendor.scan.files import SourceFile

Use = Literal["linked", "called", "implemented", "declared", "mentioned"]

CERTAIN: Final = 0.7
LIKELY: Final = 0.4


@dataclass(frozen=True, order=True)
class Sign:
    """One sign at one place.

    path      of the file; `line` from 1, 0 in a binary; `offset` from 0, -1 in source
    algorithm by its name in the catalogue, or "RSA 1024" and the like for what has a size
    kind      what was seen, such as "symbol" or "S-box"
    weight    the chance that this sign alone is right
    use       what it says of the use that is made of the algorithm
    """

    path: str
    algorithm: str
    line: int
    offset: int
    kind: str
    detail: str
    weight: float
    use: Use
    ours: bool = True


def seen(
    file: SourceFile, name: str, at: int, kind: str, detail: str, weight: float, use: Use
) -> Sign:
    """A sign at an offset of a source file."""
    return Sign(file.name, name, file.line(at), -1, kind, detail, weight, use, not file.vendored)


def protocol_of(text: str) -> str:
    """Which protocol an identifier names."""
    if "SSLv3" in text or "SSL3" in text.upper():
        return "SSL 3.0"
    return "TLS 1.1" if re.search(r"1[_.]?1|11", text) else "TLS 1.0"


@dataclass(frozen=True)
class Asset:
    """An algorithm of the product, with everything that speaks for it.

    where       path -> the signs in that file
    confidence  that it is there at all
    """

    algorithm: Algorithm
    where: tuple[Sign, ...]
    confidence: float

    @property
    def name(self) -> str:
        """As the catalogue has it."""
        return self.algorithm.name


def confidence(signs: Iterable[Sign]) -> float:
    """The chance that at least one kind of sign is right; a hundred of one kind count once."""
    best: dict[str, float] = {}
    for sign in signs:
        best[sign.kind] = max(best.get(sign.kind, 0.0), sign.weight)
    doubt = 1.0
    for weight in best.values():
        doubt *= 1 - weight
    return round(1 - doubt, 4)


def algorithm_of(name: str) -> Algorithm:
    """The catalogue's entry; for a name with a size, such as "RSA 1024", one made for it."""
    if name in ALGORITHMS:
        return ALGORITHMS[name]
    family, _, size = name.rpartition(" ")
    known = ALGORITHMS[family]
    bits = int(size)
    if bits >= 3072:
        return Algorithm(name, known.primitive, known.oid, size)
    if bits >= 2048:
        why = "112-bit strength, allowed until 2030"
        return Algorithm(name, known.primitive, known.oid, size, why, "note", "short-key")
    why = f"{bits}-bit moduli are below the 2048 that SP 800-131A asks for"
    return Algorithm(name, known.primitive, known.oid, size, why, "error", "short-key")


def inventory(signs: Iterable[Sign]) -> tuple[Asset, ...]:
    """Every algorithm that there is a sign of, by name."""
    by_name: dict[str, list[Sign]] = {}
    for sign in signs:
        by_name.setdefault(sign.algorithm, []).append(sign)
    return tuple(
        Asset(algorithm_of(name), tuple(sorted(found)), confidence(found))
        for name, found in sorted(by_name.items())
    )

"""The Merkle tree of the ledger (RFC 6962 section 2, RFC 9162 section 2.1).  SHA-256 throughout."""

import hashlib
from collections.abc import Callable, Sequence

from firmward.terms.errors import Misuse, NotTrusted

EMPTY = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""node(level, index): the digest of the complete subtree of 2**level leaves at that index."""


def leaf(entry: bytes) -> bytes:
    """The digest of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The parent of two subtrees."""
    # Without the prefix a leaf could pose as a node and prove itself present.
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf digests, computed from nothing but them."""
    edge = Edge()
    for digest in leaves:
        edge = edge.add(digest)[0]
    return edge.root()


class Edge:
    """The right edge of a growing tree: what is needed to add a leaf and to name the root.

    peaks  (level, digest) of the complete subtrees from left to right, levels falling
    """

    def __init__(self, size: int = 0, peaks: tuple[tuple[int, bytes], ...] = ()):
        # As many peaks as the size has binary ones: two of the same level would be a wrong root.
        if sum(1 << level for level, _ in peaks) != size or len(peaks) != size.bit_count():
            raise Misuse(f"edge: expected peaks of {size} leaves, got {peaks!r}")
        self.size, self.peaks = size, peaks

    def add(self, digest: bytes) -> tuple["Edge", list[tuple[int, int, bytes]]]:
        """The edge after one more leaf, and each subtree this completes: (level, index, digest)."""
        peaks, level, done = list(self.peaks), 0, [(0, self.size, digest)]
        while peaks and peaks[-1][0] == level:
            digest = node(peaks.pop()[1], digest)
            level += 1
            done.append((level, self.size >> level, digest))
        peaks.append((level, digest))
        return Edge(self.size + 1, tuple(peaks)), done

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.peaks:
            return EMPTY
        digest = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            digest = node(left, digest)
        return digest


def _range(start: int, end: int, at: Node) -> bytes:
    """The root over leaves [start, end), from complete subtrees only."""
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        return at(size.bit_length() - 1, start // size)
    split = 1 << ((size - 1).bit_length() - 1)
    return node(_range(start, start + split, at), _range(start + split, end, at))


def root_of(size: int, at: Node) -> bytes:
    """The root over the first `size` leaves of a tree whose complete subtrees are known."""
    return _range(0, size, at) if size else EMPTY


def inclusion(index: int, size: int, at: Node) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves (RFC 9162 2.1.3.1)."""
    if not 0 <= index < size:
        raise Misuse(f"inclusion: expected 0 <= index < {size}, got {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < split:
            path.append(_range(split, end, at))
            end = split
        else:
            path.append(_range(start, split, at))
            start = split
    return path[::-1]


def verify_inclusion(
    digest: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes
) -> None:
    """Nothing, if the proof leads from leaf to root (RFC 9162 2.1.3.2).  Raises NotTrusted."""
    fn, sn, found = index, size - 1, digest
    for sibling in proof:
        if sn == 0:
            raise NotTrusted("inclusion proof", "it is too long")
        if fn & 1 or fn == sn:
            found = node(sibling, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    if not 0 <= index < size or sn != 0 or found != expected:
        raise NotTrusted("inclusion proof", f"leaf {index} is not under the root of {size}")


def consistency(old: int, new: int, at: Node) -> list[bytes]:
    """The proof that the tree of `old` leaves is a prefix of that of `new` (RFC 9162 2.1.4.1)."""
    if not 0 < old <= new:
        raise Misuse(f"consistency: expected 0 < old <= new, got {old} and {new}")
    return [] if old == new else _subproof(old, 0, new, True, at)


def _subproof(old: int, start: int, end: int, whole: bool, at: Node) -> list[bytes]:
    if old == end:
        return [] if whole else [_range(start, end, at)]
    split = start + (1 << ((end - start - 1).bit_length() - 1))
    if old <= split:
        return [*_subproof(old, start, split, whole, at), _range(split, end, at)]
    return [*_subproof(old, split, end, False, at), _range(start, split, at)]


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Nothing, if the new tree only added to the old one (RFC 9162 2.1.4.2).  Raises NotTrusted."""
    wrong = NotTrusted("consistency proof", f"history of {old} is no prefix of {new}")
    if old == new:
        if proof or old_root != new_root:
            raise wrong
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not 0 < old < new or not path:
        raise wrong
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise wrong
        if fn & 1 or fn == sn:
            first, second = node(sibling, first), node(sibling, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node(second, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or first != old_root or second != new_root:
        raise wrong

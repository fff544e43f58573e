"""The tree is RFC 6962's: known roots and proofs, and a naive recursion for all the rest."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof import merkle
from firmward.proof.merkle import Edge
from firmward.terms.errors import Misuse, NotTrusted

SIZES = st.integers(1, 70)


def leaves_of(size: int) -> list[bytes]:
    """That many different leaf digests."""
    return [merkle.leaf(number.to_bytes(4)) for number in range(size)]


def naive(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


def subtrees(leaves: list[bytes]) -> merkle.Node:
    """Complete subtrees, each computed from its leaves."""
    return lambda level, index: naive(leaves[index << level : (index + 1) << level])


@pytest.fixture(scope="module")
def known(vectors) -> dict:
    """The published vectors."""
    return vectors("merkle")


def test_the_published_roots(known):
    """Leaves, their order and both prefixes are those of Certificate Transparency."""
    leaves = [merkle.leaf(bytes.fromhex(text)) for text in known["leaves"]]

    assert known["empty"] == merkle.root([]).hex()
    assert known["roots"] == [merkle.root(leaves[: n + 1]).hex() for n in range(8)]


def test_the_published_inclusion_proofs(known):
    """Each is made byte for byte and accepted."""
    leaves = [merkle.leaf(bytes.fromhex(text)) for text in known["leaves"]]
    for case in known["inclusion"]:
        path = merkle.inclusion(case["index"], case["size"], subtrees(leaves))
        root = bytes.fromhex(known["roots"][case["size"] - 1])

        assert case["path"] == [digest.hex() for digest in path]
        merkle.verify_inclusion(leaves[case["index"]], case["index"], case["size"], path, root)


def test_the_published_consistency_proofs(known):
    """Each is made byte for byte and accepted."""
    leaves = [merkle.leaf(bytes.fromhex(text)) for text in known["leaves"]]
    for case in known["consistency"]:
        path = merkle.consistency(case["old"], case["new"], subtrees(leaves))
        old, new = (bytes.fromhex(known["roots"][case[name] - 1]) for name in ("old", "new"))

        assert case["path"] == [digest.hex() for digest in path]
        merkle.verify_consistency(case["old"], case["new"], old, new, path)


@given(size=st.integers(0, 300))
def test_the_root_is_the_naive_one(size):
    """Appending leaf by leaf, and from complete subtrees, gives the recursion's root."""
    leaves = leaves_of(size)

    assert naive(leaves) == merkle.root(leaves) == merkle.root_of(size, subtrees(leaves))


@given(size=SIZES, data=st.data())
def test_every_leaf_is_proven_and_only_in_its_place(size, data):
    """A proof is good for one leaf, index, size and root."""
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion(index, size, subtrees(leaves)), naive(leaves)
    merkle.verify_inclusion(leaves[index], index, size, path, root)

    wrong = [
        (leaves[index], other, size, path, root) for other in range(-2, size + 2) if other != index
    ]
    wrong += [(merkle.leaf(b"x"), index, size, path, root), (leaves[index], index, size, path, b"")]
    wrong += [(leaves[index], index, size, [*path, bytes(32)], root)]
    wrong += [(leaves[index], index, size, path[:-1], root)] if path else []
    for arguments in wrong:
        with pytest.raises(NotTrusted, match="inclusion proof"):
            merkle.verify_inclusion(*arguments)


@given(new=SIZES, data=st.data())
def test_every_prefix_is_consistent_and_nothing_else_is(new, data):
    """A proof of growth does not fit another past, another future or other sizes."""
    leaves, old = leaves_of(new), data.draw(st.integers(1, new))
    path = merkle.consistency(old, new, subtrees(leaves))
    past, now, other = naive(leaves[:old]), naive(leaves), merkle.leaf(b"x")
    merkle.verify_consistency(old, new, past, now, path)

    wrong = [(old, new, other, now, path), (old, new, past, other, path)]
    wrong += [(old, new, past, now, [*path, other]), (0, new, past, now, path)]
    wrong += [(old, new, past, now, path[:at] + path[at + 1 :]) for at in range(len(path))]
    wrong += [
        (old, new, past, now, [*path[:at], other, *path[at + 1 :]]) for at in range(len(path))
    ]
    for arguments in wrong:
        with pytest.raises(NotTrusted, match="consistency proof"):
            merkle.verify_consistency(*arguments)


@given(size=SIZES)
def test_an_edge_goes_on_where_it_was_stored(size):
    """Peaks are all that a restart needs; each completed subtree is told once and rightly."""
    leaves, edge, told = leaves_of(size), Edge(), {}
    for digest in leaves:
        edge, done = Edge(edge.size, edge.peaks).add(digest)
        for level, index, subtree in done:
            assert (level, index) not in told
            told[level, index] = subtree

    assert {(0, 0)} <= told.keys()
    assert sum(size >> level for level in range(size.bit_length())) == len(told)
    assert all(subtrees(leaves)(*place) == subtree for place, subtree in told.items())
    assert naive(leaves) == edge.root()


@pytest.mark.parametrize("peaks", [((1, b""),), ((0, b""), (0, b""), (0, b"")), ()])
def test_an_edge_whose_peaks_do_not_make_its_size_is_refused(peaks):
    """A database row that was tampered with must not become a root."""
    with pytest.raises(Misuse, match="expected peaks of 3 leaves"):
        Edge(3, peaks)


def test_proofs_of_what_cannot_be_are_a_misuse():
    """No index outside the tree, no growth from nothing or backwards."""
    at = subtrees(leaves_of(4))
    for index, size in ((-1, 4), (4, 4), (0, 0)):
        with pytest.raises(Misuse, match="inclusion"):
            merkle.inclusion(index, size, at)
    for old, new in ((0, 4), (4, 3), (-1, 4)):
        with pytest.raises(Misuse, match="consistency"):
            merkle.consistency(old, new, at)

"""Where tiles lie and how entries are bundled, as C2SP tlog-tiles writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof.tiles import (
    bundle_path,
    bundles_of,
    pack_bundle,
    tile_path,
    tiles_of,
    unpack_bundle,
)
from firmward.terms.errors import Malformed, Misuse


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1000, "x001/000"),
        (999_999, "x999/999"),
        (1_000_000, "x001/x000/000"),
        (1234067, "x001/x234/067"),
    ],
)
def test_a_tile_number_is_written_in_groups_of_three(index, path):
    """All but the last group carry an x."""
    assert f"tile/3/{path}" == tile_path(3, index)
    assert f"tile/entries/{path}" == bundle_path(index)
    assert f"tile/0/{path}.p/5" == tile_path(0, index, 5)
    assert f"tile/entries/{path}.p/255" == bundle_path(index, 255)


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        (0, []),
        (1, [(0, 0, 1)]),
        (256, [(0, 0, 256), (1, 0, 1)]),
        (70_000, [(0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]),
    ],
)
def test_a_tree_has_the_tiles_of_the_specification(size, tiles):
    """Its example of 70,000 entries: 273 full tiles and one of 112, then 256 + 17, then 1."""
    listed = list(tiles_of(size))

    assert tiles == listed[-len(tiles) :] if tiles else listed == []
    assert size == sum(width for _, width in bundles_of(size))


@given(size=st.integers(0, 200_000))
def test_every_complete_hash_is_in_exactly_one_tile(size):
    """A level holds as many hashes as the tree has complete subtrees of that height."""
    held: dict[int, int] = {}
    for level, index, width in tiles_of(size):
        assert held.get(level, 0) == index * 256
        held[level] = held.get(level, 0) + width

    assert {level: size >> 8 * level for level in held} == held
    assert size >> 8 * len(held) == 0


@given(entries=st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back(entries):
    """Empty entries and empty bundles too."""
    assert entries == unpack_bundle(pack_bundle(entries), len(entries))


@given(
    entries=st.lists(st.binary(max_size=40), max_size=8), extra=st.binary(min_size=1, max_size=9)
)
def test_a_bundle_with_a_byte_too_few_or_too_many_is_malformed(entries, extra):
    """Whatever is cut off or added, the count or the length does not fit."""
    packed, width = pack_bundle(entries), len(entries)

    for data in [packed[:end] for end in range(len(packed))] + [packed + extra]:
        with pytest.raises(Malformed, match="entry bundle"):
            unpack_bundle(data, width)


@given(data=st.binary(max_size=200), width=st.integers(0, 256))
def test_any_bytes_are_a_bundle_or_malformed(data, width):
    """Never anything else; and a bundle that reads is written the same."""
    try:
        entries = unpack_bundle(data, width)
    except Malformed:
        return

    assert (width, data) == (len(entries), pack_bundle(entries))


def test_the_longest_entry_fits_and_a_longer_one_is_a_misuse():
    """The length is a u16; one more byte would be written as none."""
    assert [b"x" * 65_535] == unpack_bundle(pack_bundle([b"x" * 65_535]), 1)
    with pytest.raises(Misuse, match="65535"):
        pack_bundle([b"x" * 65_536])

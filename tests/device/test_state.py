"""What must survive does, at any cut, and what is damaged does not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.device.state import (
    OUTBOX,
    Installed,
    Memory,
    Owed,
    Plan,
    TwoCopies,
    dump_memory,
    load_memory,
    with_owed,
)
from firmward.lab.bedside import PowerCutAt
from firmward.lab.faults import PowerCut
from firmward.terms.errors import Malformed

FULL = Memory(
    sequence=7,
    floor=3,
    running=Installed(release="pump-200@1.0.0+1", image_sha256="a" * 64, slot=1),
    plan=Plan(order="0" * 32, release="pump-200@1.1.0+3", sha256="b" * 64, phase="trial"),
    outbox=(Owed(sequence=7, envelope='{"payload":"x"}'),),
    fresh_until=1795262400.5,
)


def test_memory_comes_back_as_it_was(tmp_path):
    """What is saved is what is loaded, and a new device remembers nothing."""
    copies = TwoCopies(tmp_path, "memory")
    assert Memory() == load_memory(copies)
    copies.save(dump_memory(FULL))

    assert FULL == load_memory(TwoCopies(tmp_path, "memory"))


def test_a_cut_at_any_step_of_a_save_leaves_the_old_or_the_new(tmp_path):
    """Never a mixture, never nothing."""
    TwoCopies(tmp_path / "dry", "memory", dry := PowerCutAt()).save(b"x" * 100)
    for at, point in enumerate(dry.points):
        folder = tmp_path / str(at)
        TwoCopies(folder, "memory").save(b"first")
        TwoCopies(folder, "memory").save(b"second")
        with pytest.raises(PowerCut):
            TwoCopies(folder, "memory", PowerCutAt(at)).save(b"third")

        assert TwoCopies(folder, "memory").load() in (b"second", b"third"), point
        TwoCopies(folder, "memory").save(b"fourth")
        assert b"fourth" == TwoCopies(folder, "memory").load()


@given(where=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_in_the_newer_copy_brings_the_older_back(tmp_path_factory, where, bit):
    """A copy that fails its checksum does not count."""
    copies = TwoCopies(folder := tmp_path_factory.mktemp("copies"), "memory")
    copies.save(b"older")
    copies.save(b"newer")
    data = bytearray((folder / "memory.b").read_bytes())
    data[where % len(data)] ^= 1 << bit
    (folder / "memory.b").write_bytes(data)

    # A flip in the generation number itself is the one that may keep the newer one valid.
    assert copies.load() in (b"older", b"newer")
    assert copies.load() == b"older" or data.endswith(b"newer")


def test_a_state_that_is_not_ours_is_refused(tmp_path):
    """A document of another shape is Malformed, not guessed at."""
    copies = TwoCopies(tmp_path, "memory")
    copies.save(b'{"sequence":"many"}')

    with pytest.raises(Malformed, match="device state"):
        load_memory(copies)


def test_the_outbox_is_bounded_and_keeps_the_newest():
    """A device that is cut off for months still knows what it runs now."""
    memory = Memory()
    for number in range(OUTBOX + 10):
        owed = Owed(sequence=number, envelope="{}")
        memory = Memory(outbox=with_owed(memory, owed))

    assert OUTBOX == len(memory.outbox)
    assert OUTBOX + 9 == memory.outbox[-1].sequence

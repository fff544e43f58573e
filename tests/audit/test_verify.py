"""The auditor accepts what was signed, whole, and nothing else."""

import os

import pytest
from tests.ledgers import Ledger, event

from firmward.audit.verify import Missing, Tampered, verify
from firmward.proof import merkle, tiles
from firmward.terms.errors import FirmwardError, Malformed, NotTrusted
from firmward.terms.event import entry

SIZE = 300
SIZES = (0, 1, 2, 255, 256, 257, SIZE, 512, 513)


def snapshot(folder) -> dict[str, bytes]:
    """Every file of the folder: an auditor leaves no trace."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", SIZES)
def test_an_honest_ledger_of_any_size_is_verified(ledger_of, size):
    """Empty, partial, full and just over full: the root is the signed one."""
    ledger = ledger_of(size)
    before = snapshot(ledger.folder)

    log = verify(ledger.folder, ledger.vkey)

    assert len(log) == size
    assert [event(number) for number in range(size)] == [found for _, found in log]
    assert log.checkpoint.root == merkle.root(ledger.rows()[0])
    assert before == snapshot(ledger.folder)


def test_every_subtree_of_a_verified_log_is_the_naive_one(ledger_of):
    """`at` agrees with a recomputation from leaves, also between tile levels."""
    ledger = ledger_of(513)
    leaves = ledger.rows()[0]
    log = verify(ledger.folder, ledger.vkey)

    for level in range(10):
        for index in range(513 >> level):
            part = leaves[index << level : (index + 1) << level]
            assert merkle.root(part) == log.at(level, index)


def test_a_grown_ledger_with_its_old_partial_tiles_is_verified(ledger_of):
    """A server may leave old partial tiles lying; they are no part of the log."""
    ledger = ledger_of(100)
    ledger.grow([event(number) for number in range(100, SIZE)])

    assert SIZE == len(verify(ledger.folder, ledger.vkey))
    assert (ledger.folder / tiles.tile_path(0, 0, 100)).exists()


def test_a_full_tile_stands_in_for_a_partial_one_that_was_removed(ledger_of):
    """Between checkpoint and tiles a log may grow and tidy up (C2SP tlog-tiles, partial tiles)."""
    ledger = ledger_of(100)
    old = ledger.checkpoint
    ledger.grow([event(number) for number in range(100, 256)])
    (ledger.folder / tiles.tile_path(0, 0, 100)).unlink()
    (ledger.folder / tiles.bundle_path(0, 100)).unlink()
    ledger.write("checkpoint", old)

    assert 100 == len(verify(ledger.folder, ledger.vkey))


def test_a_log_that_grows_during_a_visit_is_verified_as_it_was_on_arrival(ledger_of):
    """Partial files may vanish under the auditor's hands; the right edge was read first."""
    ledger = ledger_of(SIZE)
    log = verify(ledger.folder, ledger.vkey)
    for path in ledger.folder.rglob("*.p/*"):
        path.unlink()
    ledger.grow([event(number) for number in range(SIZE, 400)])

    assert [event(number) for number in range(SIZE)] == [found for _, found in log]


def test_a_ledger_of_two_tile_levels_is_verified_and_each_level_checked(tmp_path):
    """66,000 entries reach the second tile level; a changed hash up there is named."""
    same = entry(event(0))
    ledger = Ledger(tmp_path).publish([same] * 66_000)
    assert 66_000 == len(verify(ledger.folder, ledger.vkey))

    _flip(ledger, "tile/1/000", 32 * 5)
    with pytest.raises(Tampered, match=r"^tile/1/000, entry 1280: "):
        verify(ledger.folder, ledger.vkey)


def _flip(ledger: Ledger, name: str, at: int) -> None:
    data = bytearray((ledger.folder / name).read_bytes())
    data[at] ^= 1
    ledger.write(name, bytes(data))


def _change_entry(ledger: Ledger, number: int) -> bytes:
    """Rewrite an entry in its bundle, keeping it a well-formed event; gives its new leaf."""
    forged = entry(event(number, says="nothing happened"))
    index, offset = divmod(number, 256)
    entries = ledger.entries[index * 256 : (index + 1) * 256]
    entries[offset] = forged
    ledger.write(tiles.bundle_path(index, len(entries)), tiles.pack_bundle(entries))
    return merkle.leaf(forged)


def _change_hash(ledger: Ledger, number: int, digest: bytes) -> None:
    index, offset = divmod(number, 256)
    name = tiles.tile_path(0, index, min(256, SIZE - index * 256))
    data = bytearray((ledger.folder / name).read_bytes())
    data[offset * 32 : offset * 32 + 32] = digest
    ledger.write(name, bytes(data))


def _forge_pair(ledger: Ledger, number: int) -> None:
    _change_hash(ledger, number, _change_entry(ledger, number))


def _forge_up_to_the_root(ledger: Ledger) -> None:
    """A consistent folder of other entries under the old signature."""
    old = ledger.checkpoint
    other = [entry(event(number, says="another past")) for number in range(SIZE)]
    ledger.publish(other)
    ledger.write("checkpoint", old)


def _append(ledger: Ledger, name: str, data: bytes) -> None:
    ledger.write(name, (ledger.folder / name).read_bytes() + data)


def _replace(ledger: Ledger, old: bytes, new: bytes) -> None:
    assert old in ledger.checkpoint
    ledger.write("checkpoint", ledger.checkpoint.replace(old, new, 1))


def _unlink(ledger: Ledger, name: str) -> None:
    (ledger.folder / name).unlink()


def _link(ledger: Ledger, name: str, to: str) -> None:
    _unlink(ledger, name)
    (ledger.folder / name).symlink_to(to)


def _pipe(ledger: Ledger, name: str) -> None:
    _unlink(ledger, name)
    os.mkfifo(ledger.folder / name)


def _publish_raw(ledger: Ledger, raw: bytes) -> None:
    """The log itself signs an entry that is no event."""
    ledger.publish([*ledger.entries[:10], raw, *ledger.entries[11:]])


ATTACKS = {
    "entry changed": (lambda log: _change_entry(log, 7), Tampered, "tile/0/000, entry 7: "),
    "entry changed in a partial bundle": (
        lambda log: _change_entry(log, 290),
        Tampered,
        r"tile/0/001\.p/44, entry 290: ",
    ),
    "hash changed": (
        lambda log: _change_hash(log, 9, bytes(32)),
        Tampered,
        f"tile/0/000, entry 9: expected .*, got {'00' * 32}",
    ),
    "forged pair in a full tile": (lambda log: _forge_pair(log, 7), Tampered, "tile/1/000.p/1"),
    "forged pair in a partial tile": (lambda log: _forge_pair(log, 299), Tampered, "checkpoint: "),
    "everything forged but the signature": (_forge_up_to_the_root, Tampered, "checkpoint: "),
    "upper tile changed": (lambda log: _flip(log, "tile/1/000.p/1", 3), Tampered, "tile/1/000"),
    "size line": (lambda log: _replace(log, b"\n300\n", b"\n299\n"), NotTrusted, "no valid"),
    "size with a leading zero": (
        lambda log: _replace(log, b"\n300\n", b"\n0300\n"),
        Malformed,
        "exactly origin, size, root",
    ),
    "signed size too large": (
        lambda log: log.sign(merkle.root(log.rows()[0]), 301),
        Missing,
        r"tile/0/001\.p/45",
    ),
    "signed size too small": (
        lambda log: log.sign(merkle.root(log.rows()[0]), 256),
        Tampered,
        "checkpoint: expected the root",
    ),
    "root line": (lambda log: log.sign(bytes(32)), Tampered, f"got {'00' * 32}"),
    "origin line": (
        lambda log: _replace(log, b"hospital.example", b"hospital.evil.xx"),
        NotTrusted,
        "expected the log",
    ),
    "text after the signature": (
        lambda log: _append(log, "checkpoint", b"and more\n"),
        Malformed,
        "signature lines only",
    ),
    "missing checkpoint": (lambda log: _unlink(log, "checkpoint"), Missing, "checkpoint"),
    "endless checkpoint": (
        lambda log: log.write("checkpoint", bytes(100_000)),
        Tampered,
        "at most 65536 bytes",
    ),
    "missing bundle": (lambda log: _unlink(log, "tile/entries/000"), Missing, "tile/entries/000"),
    "missing partial bundle": (
        lambda log: _unlink(log, "tile/entries/001.p/44"),
        Missing,
        "tile/entries/001.p/44",
    ),
    "missing tile": (lambda log: _unlink(log, "tile/0/000"), Missing, "tile/0/000"),
    "missing partial tile": (
        lambda log: _unlink(log, "tile/0/001.p/44"),
        Missing,
        "tile/0/001.p/44",
    ),
    "bytes after a bundle": (
        lambda log: _append(log, "tile/entries/001.p/44", b"\0"),
        Tampered,
        "expected 44 whole entries",
    ),
    "one entry too many": (
        lambda log: _append(log, "tile/entries/001.p/44", b"\0\2{}"),
        Tampered,
        "got 45",
    ),
    "bytes after a tile": (
        lambda log: _append(log, "tile/0/001.p/44", b"\0"),
        Tampered,
        "expected 1408 bytes, got 1409",
    ),
    "a tile that is a link": (
        lambda log: _link(log, "tile/0/000", "/etc/passwd"),
        FirmwardError,
        "tile/0/000",
    ),
    "a bundle that is a pipe": (
        lambda log: _pipe(log, "tile/entries/000"),
        Tampered,
        "expected a plain file",
    ),
    "an entry that is no event": (
        lambda log: _publish_raw(log, b"hello"),
        Tampered,
        "tile/entries/000, entry 10: expected strict JSON",
    ),
    "an entry with a member twice": (
        lambda log: _publish_raw(log, b'{"says":"a","says":"b"}'),
        Tampered,
        "entry 10: .*twice",
    ),
    "an entry with an unknown member": (
        lambda log: _publish_raw(log, entry(event(10)).replace(b'"kind"', b'"x":1,"kind"')),
        Tampered,
        "entry 10: .*unknown field",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_tampering_is_refused_and_named(ledger_of, attack):
    """Whatever is changed in the folder, the auditor says which file and entry."""
    tamper, refusal, said = ATTACKS[attack]
    ledger = ledger_of(SIZE)
    tamper(ledger)

    with pytest.raises(refusal, match=said):
        verify(ledger.folder, ledger.vkey)


def test_an_entry_changed_after_verification_is_noticed_when_it_is_read(ledger_of):
    """Between verification and reading the folder still belongs to the audited party."""
    ledger = ledger_of(SIZE)
    log = verify(ledger.folder, ledger.vkey)
    _change_entry(ledger, 7)

    with pytest.raises(Tampered, match="entry 7"):
        list(log)
    with pytest.raises(Tampered, match="entry 7"):
        log.entry(7)

"""A proof stands alone, proves exactly one thing, and cannot be bent to another."""

import base64
import json

import pytest
from tests.ledgers import Ledger, event

from firmward.audit import prove
from firmward.audit.verify import verify
from firmward.proof import merkle
from firmward.terms.errors import Malformed, Misuse, NotTrusted, Refused
from firmward.terms.event import entry

SIZE = 300


@pytest.mark.parametrize("number", [0, 1, 127, 255, 256, 298, 299])
def test_an_entry_is_proven_to_whoever_has_only_the_key(ledger_of, number):
    """First, last and both sides of a tile's edge."""
    ledger = ledger_of(SIZE)
    proof = prove.inclusion(verify(ledger.folder, ledger.vkey), number)

    assert (number, event(number)) == prove.check(proof, ledger.vkey)


@pytest.mark.parametrize("earlier", [0, 1, 2, 255, 256, 257, 299, 300])
def test_a_ledger_is_proven_to_continue_an_earlier_checkpoint(ledger_of, earlier):
    """From the empty ledger, a full tile, and the very same checkpoint."""
    ledger = ledger_of(earlier)
    kept = ledger.checkpoint
    ledger.grow([event(number) for number in range(earlier, SIZE)])
    proof = prove.consistency(verify(ledger.folder, ledger.vkey), kept, ledger.vkey)

    old, new = prove.check(proof, ledger.vkey)

    assert (earlier, SIZE) == (old.size, new.size)


def test_an_entry_that_is_not_there_cannot_be_proven(ledger_of):
    """Before the first and after the last there is nothing."""
    ledger = ledger_of(3)
    log = verify(ledger.folder, ledger.vkey)

    for number in (-1, 3, 2**40):
        with pytest.raises(Misuse, match=f"entry {number}"):
            prove.inclusion(log, number)


def _bend(proof: bytes, /, **changes) -> bytes:
    return json.dumps(json.loads(proof) | changes).encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


BENT = {
    "another place": {"index": 8},
    "a place before the first": {"index": -1},
    "a place after the last": {"index": 7 + SIZE},
    "another entry": {"entry": _b64(entry(event(8)))},
    "another text": {"entry": _b64(entry(event(7, says="nothing happened")))},
    "no path": {"path": []},
    "a longer path": {"path": [_b64(bytes(32))] * 10},
    "an endless path": {"path": [_b64(bytes(32))] * 129},
    "a short hash": {"path": [_b64(bytes(31))]},
    "no base64": {"entry": "!"},
    "another kind": {"proof": "hearsay"},
    "an unknown member": {"trustMe": True},
    "no checkpoint": {"checkpoint": ""},
}


@pytest.mark.parametrize("bend", BENT)
def test_a_bent_proof_is_refused(ledger_of, bend):
    """Whatever member is changed, the proof proves nothing any more."""
    ledger = ledger_of(SIZE)
    proof = prove.inclusion(verify(ledger.folder, ledger.vkey), 7)

    with pytest.raises(Refused):
        prove.check(_bend(proof, **BENT[bend]), ledger.vkey)


def test_each_hash_of_a_path_matters(ledger_of):
    """Any one changed, left out or swapped, and the path leads nowhere."""
    ledger = ledger_of(SIZE)
    proof = prove.inclusion(verify(ledger.folder, ledger.vkey), 7)
    path = json.loads(proof)["path"]

    for at in range(len(path)):
        changed = [*path[:at], _b64(bytes(32)), *path[at + 1 :]]
        for bent in (changed, path[:at] + path[at + 1 :], [*path[:at], path[0], *path[at:]]):
            with pytest.raises(NotTrusted, match="inclusion proof"):
                prove.check(_bend(proof, path=bent), ledger.vkey)


def test_an_inner_node_cannot_pose_as_an_entry(ledger_of):
    """Two leaf hashes joined are 64 bytes, which no prefix lets pass as an entry."""
    ledger = ledger_of(4)
    log = verify(ledger.folder, ledger.vkey)
    pair = log.at(0, 0) + log.at(0, 1)
    posing = {"entry": _b64(pair), "index": 0, "path": [_b64(log.at(1, 1))]}

    with pytest.raises(NotTrusted, match="inclusion proof"):
        prove.check(_bend(prove.inclusion(log, 0), **posing), ledger.vkey)


def test_a_proof_under_another_logs_key_is_refused(ledger_of, tmp_path):
    """The pinned key decides whose ledger it is."""
    ledger, other = ledger_of(3), Ledger(tmp_path / "other")
    proof = prove.inclusion(verify(ledger.folder, ledger.vkey), 0)

    with pytest.raises(NotTrusted, match="no valid signature"):
        prove.check(proof, other.vkey)


@pytest.mark.parametrize("earlier", [1, 200, 256, 300])
def test_no_proof_makes_a_rewritten_history_consistent(ledger_of, earlier):
    """The earlier checkpoint is of another past: the path of the present one does not fit."""
    ledger = ledger_of(earlier)
    kept = ledger.checkpoint
    rewritten = [entry(event(0, says="never")), *ledger.entries[1:]]
    ledger.publish(rewritten + [entry(event(number)) for number in range(earlier, SIZE)])
    proof = prove.consistency(verify(ledger.folder, ledger.vkey), kept, ledger.vkey)

    with pytest.raises(NotTrusted, match="no prefix"):
        prove.check(proof, ledger.vkey)


def test_an_empty_checkpoint_with_a_made_up_root_is_refused(ledger_of):
    """Everything continues an empty history, but only an empty one."""
    ledger = ledger_of(0)
    ledger.sign(bytes(32))
    kept = ledger.checkpoint
    ledger.grow([event(0)])
    proof = prove.consistency(verify(ledger.folder, ledger.vkey), kept, ledger.vkey)

    with pytest.raises(NotTrusted, match="no prefix"):
        prove.check(proof, ledger.vkey)


def test_history_cannot_be_proven_backwards(ledger_of):
    """A shorter ledger continues no longer one."""
    ledger = ledger_of(2)
    long = ledger.checkpoint
    ledger.publish(ledger.entries[:1])

    with pytest.raises(Misuse, match="at most 1, got 2"):
        prove.consistency(verify(ledger.folder, ledger.vkey), long, ledger.vkey)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"5", b"{}", b'{"proof":"consistency"}'])
def test_what_is_no_proof_is_malformed(ledger_of, data):
    """Anything else is refused in one word, whatever its shape."""
    ledger = ledger_of(1)

    with pytest.raises(Malformed, match="proof"):
        prove.check(data, ledger.vkey)


def test_the_longest_entry_can_be_proven(ledger_of):
    """A proof has room for the longest event that the ledger takes."""
    long = event(0, detail={f"part-{part}": "x" * 8000 for part in range(8)})
    ledger = ledger_of(0).grow([long])
    proof = prove.inclusion(verify(ledger.folder, ledger.vkey), 0)

    assert len(entry(long)) > 64_000
    assert (0, long) == prove.check(proof, ledger.vkey)
    assert merkle.leaf(entry(long)) == verify(ledger.folder, ledger.vkey).checkpoint.root

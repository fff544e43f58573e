"""An envelope is read only after enough known signers vouch for its bytes and their type."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, Key

from firmward.proof.envelope import seal, seal_statement, unseal, unseal_statement
from firmward.proof.keys import (
    material,
    new_fast_signer,
    new_signer,
    public_bytes,
    public_document,
    public_key,
    public_pem,
    signer_from_pem,
    unsafe_private_pem,
)
from firmward.terms.errors import Malformed, Misuse, NotTrusted
from firmward.terms.statement import PROVENANCE, SARIF, statement

TYPE, PAYLOAD = "application/vnd.firmward.test+json", b'{"hello":1}'
ONE, TWO, THREE = new_signer(), new_fast_signer(), new_signer()
KEYS = [signer.public_key for signer in (ONE, TWO, THREE)]


def bent(envelope: bytes, **changes) -> bytes:
    """The envelope with other members."""
    return json.dumps(json.loads(envelope) | changes).encode()


def renamed(key: Key, keyid: str) -> Key:
    """The same key under another id."""
    return public_key(public_document(key) | {"keyid": keyid}, "test")


@pytest.mark.parametrize(("signers", "threshold"), [((ONE,), 1), ((ONE, TWO), 2), ((TWO, ONE), 1)])
def test_enough_signatures_open_it(signers, threshold):
    """ECDSA and Ed25519, one or several."""
    assert PAYLOAD == unseal(seal(PAYLOAD, TYPE, signers), TYPE, KEYS, "t", threshold=threshold)


def test_too_few_or_foreign_signatures_are_refused():
    """A stranger's signature counts for nothing, nor does one where two are asked for."""
    for signers, keys, threshold in (
        ((ONE,), KEYS, 2),
        ((ONE,), KEYS[1:], 1),
        ((ONE, THREE), KEYS[:2], 2),
    ):
        with pytest.raises(NotTrusted, match="too few valid signatures"):
            unseal(seal(PAYLOAD, TYPE, signers), TYPE, keys, "t", threshold=threshold)


def test_no_keys_or_a_threshold_of_nothing_is_refused():
    """An empty list of signers is never a pass."""
    sealed = seal(PAYLOAD, TYPE, [ONE])
    for keys, threshold in (([], 1), (KEYS, 0), (KEYS, -1), (KEYS[:1], 2), ([], 0)):
        with pytest.raises(NotTrusted, match="known signers"):
            unseal(sealed, TYPE, keys, "t", threshold=threshold)


def test_one_key_counts_once_however_often_it_signs_or_is_listed():
    """Neither repeated signatures, nor the same key under a second id, make two signers."""
    sealed = seal(PAYLOAD, TYPE, [ONE])
    [signature] = json.loads(sealed)["signatures"]
    alias = renamed(KEYS[0], "f" * 64)
    again = bent(sealed, signatures=[signature, signature])
    aliased = bent(sealed, signatures=[signature, signature | {"keyid": "f" * 64}])

    with pytest.raises(Malformed, match="Multiple signatures"):
        unseal(again, TYPE, KEYS, "t", threshold=1)
    with pytest.raises(NotTrusted, match="known signers, got 1"):
        unseal(aliased, TYPE, [KEYS[0], alias], "t", threshold=2)
    with pytest.raises(NotTrusted, match="too few valid signatures"):
        unseal(aliased, TYPE, [KEYS[0], alias, KEYS[1]], "t", threshold=2)


def test_bytes_of_another_type_are_refused_before_they_are_read():
    """A report cannot pose as a statement, even where its signer may sign both."""
    sealed = seal(PAYLOAD, TYPE, [ONE])

    with pytest.raises(NotTrusted, match="expected type other"):
        unseal(sealed, "other", KEYS, "t")
    with pytest.raises(NotTrusted, match="too few valid signatures"):
        unseal(bent(sealed, payloadType="other"), "other", KEYS, "t")


@pytest.mark.parametrize(
    "change",
    [
        {"payload": base64.b64encode(b'{"hello":2}').decode()},
        {"payload": base64.b64encode(PAYLOAD + b" ").decode()},
        {"signatures": []},
        {"signatures": [{"keyid": KEYS[0].keyid, "sig": "AAAA"}]},
        {"signatures": [{"keyid": KEYS[0].keyid, "sig": ""}]},
        {"signatures": [{"keyid": KEYS[0].keyid}]},
        {"signatures": [{}]},
        {"signatures": ["x"]},
        {"signatures": 5},
        {"signatures": "text"},
        {"payload": 5},
        {"payload": "\u00e9"},
        {"payloadType": 5},
        {"payloadType": ["x"]},
        {"payloadType": {}},
    ],
)
def test_a_spoilt_envelope_is_refused_whatever_its_members_are(change):
    """Never a crash: wrong types are refusals too."""
    with pytest.raises((NotTrusted, Malformed)):
        unseal(bent(seal(PAYLOAD, TYPE, [ONE]), **change), TYPE, KEYS, "t")


@pytest.mark.parametrize("data", [b"", b"5", b"[]", b"null", b"{}", b'"text"', b"\xff"])
def test_what_is_no_envelope_is_malformed(data):
    """Any other JSON and any other bytes."""
    with pytest.raises(Malformed):
        unseal(data, TYPE, KEYS, "t")


def test_sealing_without_a_signer_is_a_misuse():
    """There is no unsigned envelope."""
    with pytest.raises(Misuse, match="at least one signer"):
        seal(PAYLOAD, TYPE, [])


MINE, OTHERS = "ab" * 32, "cd" * 32


def test_a_statement_vouches_only_for_its_subject_and_its_type():
    """A clean scan of one image cannot vouch for another, nor a scan pose as provenance."""
    made = statement("image.bin", MINE, PROVENANCE, {"builder": "x"})
    sealed = seal_statement(made, [ONE])

    assert made == unseal_statement(sealed, KEYS[:1], "t", sha256=MINE, predicate_type=PROVENANCE)
    with pytest.raises(NotTrusted, match="about another image"):
        unseal_statement(sealed, KEYS[:1], "t", sha256=OTHERS, predicate_type=PROVENANCE)
    with pytest.raises(NotTrusted, match=f"expected {SARIF}"):
        unseal_statement(sealed, KEYS[:1], "t", sha256=MINE, predicate_type=SARIF)
    with pytest.raises(NotTrusted, match="too few valid"):
        unseal_statement(sealed, KEYS[1:], "t", sha256=MINE, predicate_type=PROVENANCE)


def test_a_signed_statement_that_is_none_is_malformed():
    """A signature does not excuse the signer from the format."""
    for payload in (b"{}", b"[]", b"null", b'{"_type":"x"}'):
        sealed = seal(payload, "application/vnd.in-toto+json", [ONE])
        with pytest.raises(Malformed):
            unseal_statement(sealed, KEYS[:1], "t", sha256=MINE, predicate_type=PROVENANCE)


@pytest.mark.parametrize("make", [new_signer, new_fast_signer])
def test_a_key_comes_back_from_its_file(make):
    """Private and public halves survive their files and still belong together."""
    signer = make()
    again = signer_from_pem(unsafe_private_pem(signer))
    key = public_key(public_bytes(signer.public_key), "t")

    assert signer.public_key == again.public_key == key
    assert PAYLOAD == unseal(seal(PAYLOAD, TYPE, [again]), TYPE, [key], "t")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"5",
        b"null",
        b"[1]",
        b"[]",
        b"{}",
        b'{"keyid":5}',
        b'{"keyid":"a","keytype":"x"}',
        b'{"keyid":"a","keytype":"ed25519","scheme":"ed25519","keyval":5}',
    ],
)
def test_a_public_key_document_that_is_none_is_malformed(document):
    """Whatever its shape, one refusal."""
    with pytest.raises(Malformed):
        public_key(document, "t")


@pytest.mark.parametrize("pem", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END"])
def test_a_private_key_file_that_is_none_is_malformed(pem):
    """One refusal, and the message holds nothing of the file."""
    with pytest.raises(Malformed, match="private key"):
        signer_from_pem(pem)


PQ = CryptoSigner.generate_mldsa(scheme="ml-dsa-87/1")
PAIR = [ONE.public_key, PQ.public_key]


def test_of_a_hybrid_pair_both_kinds_must_have_signed():
    """Whoever breaks one kind of signature, now or in ten years, still has half an envelope."""
    made = statement("image.bin", MINE, PROVENANCE, {"builder": "x"})
    asked = {"sha256": MINE, "predicate_type": PROVENANCE}

    assert made == unseal_statement(seal_statement(made, [ONE, PQ]), PAIR, "t", **asked)
    for half in ([ONE], [PQ], [ONE, THREE], [PQ, TWO]):
        with pytest.raises(NotTrusted, match="too few valid"):
            unseal_statement(seal_statement(made, half), PAIR, "t", **asked)


def test_one_half_does_not_count_for_both_under_the_other_ones_name():
    """The ECDSA signature filed a second time under the id of the ML-DSA key."""
    sealed = seal_statement(statement("i", MINE, PROVENANCE, {}), [ONE])
    [signature] = json.loads(sealed)["signatures"]
    posing = bent(sealed, signatures=[signature, signature | {"keyid": PQ.public_key.keyid}])

    with pytest.raises(NotTrusted, match="too few valid"):
        unseal_statement(posing, PAIR, "t", sha256=MINE, predicate_type=PROVENANCE)


def test_a_key_written_in_another_way_is_the_same_key():
    """A curve point compressed and not, or a PEM broken into other lines, is one signer."""
    key = load_pem_public_key(public_pem(ONE))
    curve = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    # SubjectPublicKeyInfo of P-256 with a compressed point: RFC 5480, 2.2.
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    text = base64.b64encode(head + curve).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
    document = public_document(KEYS[0])
    again = public_key(document | {"keyid": "f" * 64, "keyval": {"public": pem}}, "test")
    sealed = seal(PAYLOAD, TYPE, [ONE])
    [signature] = json.loads(sealed)["signatures"]
    twice = bent(sealed, signatures=[signature, signature | {"keyid": "f" * 64}])

    assert material(KEYS[0]) == material(again)
    with pytest.raises(NotTrusted, match="known signers, got 1"):
        unseal(twice, TYPE, [KEYS[0], again], "t", threshold=2)

"""An encrypted image is whole and in order, and its key opens only for whom it was sealed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof import wrap
from firmward.terms.errors import Malformed, Misuse, NotTrusted

KEY, SALT, RECORD = bytes(range(16)), bytes(range(16, 32)), 32
HEADER, ROOM = 21, RECORD - 17


def opened(body: bytes, key: bytes = KEY, chunk: int = 7) -> bytes:
    """The plaintext of a body that arrives in small pieces."""
    pieces = (body[at : at + chunk] for at in range(0, len(body), chunk))
    return b"".join(wrap.decrypt(pieces, key))


def records_of(body: bytes) -> list[bytes]:
    """The encrypted records after the header."""
    return [body[at : at + RECORD] for at in range(HEADER, len(body), RECORD)]


def unpadded(text: str) -> bytes:
    """Base64url as RFCs print it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_published_bodies_decrypt(vectors):
    """RFC 8188's own examples: one record, and two with padding and a key id."""
    for case in vectors("aes128gcm")["bodies"]:
        key, body = unpadded(case["key"]), unpadded(case["body"])

        assert case["plaintext"].encode() == opened(body, key)


def test_the_first_published_body_is_what_we_write(vectors):
    """Same key, salt and record size give RFC 8188 3.1's bytes: others can read our images."""
    case = vectors("aes128gcm")["bodies"][0]
    body = unpadded(case["body"])

    made = wrap.encrypt(case["plaintext"].encode(), unpadded(case["key"]), body[:16], record=4096)

    assert body == made


@given(plaintext=st.binary(max_size=200), chunk=st.integers(1, 300))
def test_what_was_encrypted_comes_back_however_it_arrives(plaintext, chunk):
    """Empty, one byte, exactly full records: the pieces of the transport do not matter."""
    assert plaintext == opened(wrap.encrypt(plaintext, KEY, SALT, record=RECORD), chunk=chunk)


@pytest.mark.parametrize("length", [0, 1, ROOM - 1, ROOM, ROOM + 1, 3 * ROOM])
def test_truncation_is_refused_at_every_byte(length):
    """A body that ends early never passes as a shorter image."""
    body = wrap.encrypt(bytes(length), KEY, SALT, record=RECORD)
    for end in range(len(body)):
        with pytest.raises(NotTrusted, match="encrypted image"):
            opened(body[:end])


@given(data=st.data(), length=st.integers(ROOM + 1, 6 * ROOM))
def test_reordered_dropped_repeated_and_foreign_records_are_refused(data, length):
    """Each record is tied to its place and to its body."""
    body = wrap.encrypt(bytes(length), KEY, SALT, record=RECORD)
    head, records = body[:HEADER], records_of(body)
    foreign = records_of(wrap.encrypt(bytes(length), KEY, SALT[::-1], record=RECORD))
    at = data.draw(st.integers(0, len(records) - 2))
    spoilt = [
        [*records[:at], records[at + 1], records[at], *records[at + 2 :]],
        records[:at] + records[at + 1 :],
        [*records[:at], records[at], *records[at:]],
        [*records[:at], foreign[at], *records[at + 1 :]],
    ]

    for sequence in spoilt:
        with pytest.raises(NotTrusted, match="encrypted image"):
            opened(head + b"".join(sequence))


@given(extra=st.binary(min_size=1, max_size=80), length=st.integers(0, 3 * ROOM))
def test_extension_is_refused(extra, length):
    """Nothing may follow the last record, not even a good one."""
    body = wrap.encrypt(bytes(length), KEY, SALT, record=RECORD)

    with pytest.raises(NotTrusted, match="encrypted image"):
        opened(body + extra)
    with pytest.raises(NotTrusted, match="encrypted image"):
        opened(body + records_of(body)[-1])


@given(data=st.data())
def test_any_flipped_bit_is_refused_before_its_record_is_yielded(data):
    """What was yielded until then is a true prefix; the device may already have written it."""
    plaintext = bytes(range(4 * ROOM))
    body = bytearray(wrap.encrypt(plaintext, KEY, SALT, record=RECORD))
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    got: list[bytes] = []

    with pytest.raises(NotTrusted, match="encrypted image"):
        got.extend(wrap.decrypt([bytes(body)], KEY))

    assert plaintext.startswith(b"".join(got))


@pytest.mark.parametrize("record", [0, 17, (1 << 20) + 1, 2**32 - 1])
def test_a_header_that_asks_for_endless_records_is_refused(record):
    """Memory is bounded before anything is decrypted."""
    with pytest.raises(NotTrusted, match=f"got {record}"):
        opened(SALT + record.to_bytes(4) + b"\0" + bytes(100))


def test_weak_parameters_are_a_misuse():
    """Short keys, wrong salts and records without room are the caller's bug."""
    for key, salt, record in ((KEY[:15], SALT, 32), (KEY, SALT[:8], 32), (KEY, SALT, 17)):
        with pytest.raises(Misuse, match="encrypt"):
            wrap.encrypt(b"", key, salt, record=record)


DEVICE, RELEASE, DIGEST = "urn:dev:ops:1-PUMP-7", "pump-200@1.1.0+3", "ab" * 32


def test_a_wrapped_key_opens_only_for_its_device_release_and_digest():
    """A wrap moved to another order, device or image is refused."""
    mine, other = wrap.new_decryption_key(), wrap.new_decryption_key()
    info = wrap.binding(DEVICE, RELEASE, DIGEST)
    wrapped = wrap.wrap_key(KEY, wrap.raw_public(mine), info)
    assert KEY == wrap.unwrap_key(wrapped, mine, info)

    for key, binding in (
        (other, info),
        (mine, wrap.binding(DEVICE + "8", RELEASE, DIGEST)),
        (mine, wrap.binding(DEVICE, "pump-200@1.0.0+4", DIGEST)),
        (mine, wrap.binding(DEVICE, RELEASE, "cd" * 32)),
        (mine, b""),
    ):
        with pytest.raises(NotTrusted, match="not sealed to this device"):
            wrap.unwrap_key(wrapped, key, binding)


def test_every_spoilt_wrap_is_refused():
    """Any flipped bit, any other text."""
    mine, info = wrap.new_decryption_key(), b"info"
    wrapped = base64.b64decode(wrap.wrap_key(KEY, wrap.raw_public(mine), info))
    spoilt = [
        base64.b64encode(wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]).decode()
        for at in range(len(wrapped))
    ]
    for text in [*spoilt, "", "!", "AAAA", base64.b64encode(wrapped[:-1]).decode()]:
        with pytest.raises(NotTrusted, match="wrapped key"):
            wrap.unwrap_key(text, mine, info)


@pytest.mark.parametrize("recipient", [b"", bytes(31), bytes(33), bytes(32)])
def test_a_registered_key_that_is_none_is_refused(recipient):
    """The low-order point too: a key sealed to it would be open to everybody."""
    with pytest.raises(Malformed, match="device decryption key"):
        wrap.wrap_key(KEY, recipient, b"")

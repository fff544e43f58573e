"""A checkpoint says one thing in one way, signed by the log that the key names."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof.note import Checkpoint, open_checkpoint, sign_checkpoint, verifier_key
from firmward.terms.errors import Malformed, Misuse, NotTrusted, Refused

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "example.com/log"
VKEY = verifier_key(NAME, KEY.public_key())
POINT = Checkpoint(NAME, 20852163, bytes(range(32)))


def test_the_text_is_that_of_the_specification():
    """Origin, size, root, blank line, em dash, name, key id and signature."""
    text = sign_checkpoint(POINT, KEY).decode()
    head, signature = text[: text.index("\u2014")], text.split(" ")[-1].strip()

    assert f"{NAME}\n20852163\n{base64.b64encode(POINT.root).decode()}\n\n" == head
    assert 4 + 64 == len(base64.b64decode(signature))
    assert VKEY.split("+")[1] == base64.b64decode(signature)[:4].hex()


def test_the_published_verifier_key_has_the_id_it_claims():
    """signed-note's own example: a key id is the hash of name, newline, type and key."""
    published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    with pytest.raises(Malformed, match="checkpoint"):
        open_checkpoint(b"", published)
    with pytest.raises(Malformed, match="key id c74f20a3"):
        open_checkpoint(b"", published.replace("c74f20a3", "c74f20a4"))


@given(size=st.integers(0, 2**63), root=st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_opens(size, root):
    """Any size, any root."""
    point = Checkpoint(NAME, size, root)

    assert point == open_checkpoint(sign_checkpoint(point, KEY), VKEY)


def test_a_witness_beside_the_log_changes_nothing_and_alone_is_not_enough():
    """Cosignatures are other people's statements."""
    witness = Ed25519PrivateKey.generate()
    note = sign_checkpoint(POINT, KEY)
    line = sign_checkpoint(POINT, witness).split(b"\n\n")[1].replace(NAME.encode(), b"w.example")
    text, own = note.split(b"\n\n")

    assert POINT == open_checkpoint(note + line, VKEY)
    assert POINT == open_checkpoint(text + b"\n\n" + line + own, VKEY)
    with pytest.raises(NotTrusted, match="no valid signature"):
        open_checkpoint(text + b"\n\n" + line, VKEY)


def test_a_log_of_the_same_name_with_another_key_is_refused():
    """The name is not the identity."""
    with pytest.raises(NotTrusted, match="no valid signature"):
        open_checkpoint(sign_checkpoint(POINT, Ed25519PrivateKey.generate()), VKEY)


@pytest.mark.parametrize("at", range(0, 200, 3))
def test_a_flipped_bit_is_refused_wherever_it_is(at):
    """Text, key id and signature."""
    note = bytearray(sign_checkpoint(POINT, KEY))
    note[at % len(note)] ^= 1

    with pytest.raises(Refused):
        open_checkpoint(bytes(note), VKEY)


def test_the_log_itself_cannot_sign_a_text_with_two_meanings():
    """Signs, zeros, spaces, extra lines and second spellings of base64 are refused."""
    root = base64.b64encode(POINT.root).decode()
    for body in (
        f"{NAME}\n+1\n{root}\n",
        f"{NAME}\n-1\n{root}\n",
        f"{NAME}\n01\n{root}\n",
        f"{NAME}\n1 \n{root}\n",
        f"{NAME}\n\u0661\n{root}\n",
        f"{NAME}\n1\n{root[:-2]}9=\n",
        f"{NAME}\n1\n{root}\nextension\n",
        f"{NAME}\n1\n",
        f"{NAME}\n1\nAAAA\n",
    ):
        mark = sign_checkpoint(POINT, KEY).split(b"\n\n")[1]
        raw = base64.b64decode(mark.split()[-1])[:4] + KEY.sign(body.encode())
        line = f"\u2014 {NAME} {base64.b64encode(raw).decode()}\n"
        with pytest.raises(Malformed, match="checkpoint"):
            open_checkpoint(f"{body}\n{line}".encode(), VKEY)


@pytest.mark.parametrize("tail", [b"x", b"\n", b"more\n", b"\xe2\x80\x94 a\n", b"\x00", b"\xff"])
def test_bytes_after_the_signatures_are_refused(tail):
    """Room for unsigned bytes is room for two readers to disagree."""
    with pytest.raises(Malformed, match="checkpoint"):
        open_checkpoint(sign_checkpoint(POINT, KEY) + tail, VKEY)


@pytest.mark.parametrize(
    "line", ["", "a", "a+b", "a+b+c", VKEY[:-4], VKEY + "AAAA", VKEY.replace("+A", "+B", 1)]
)
def test_a_key_line_that_is_none_is_malformed(line):
    """Whoever mistypes the key hears so, instead of a failed signature."""
    with pytest.raises(Malformed, match="verifier key"):
        open_checkpoint(sign_checkpoint(POINT, KEY), line)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\u00e9", "x" * 121])
def test_a_log_name_that_would_break_the_format_is_a_misuse(name):
    """A plus or a space in the name would shift what follows it."""
    with pytest.raises(Misuse, match="log name"):
        verifier_key(name, KEY.public_key())
    with pytest.raises(Misuse, match="log name"):
        sign_checkpoint(Checkpoint(name, 0, bytes(32)), KEY)

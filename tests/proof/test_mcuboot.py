"""An image says what its bytes say; anybody's bytes around the signature say nothing."""

import hashlib
import hmac
import struct

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof import mcuboot
from firmward.proof.keys import new_p256
from firmward.terms.errors import Malformed

COUNTER, SHA256, ECDSA, ED25519, KEYHASH = 0x50, 0x10, 0x22, 0x24, 0x01
KEY = new_p256()
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
BODY = bytes(range(200))


def tlvs(magic: int, *entries: tuple[int, bytes]) -> bytes:
    """A TLV area as MCUboot lays it out."""
    body = b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in entries)
    return struct.pack("<HH", magic, len(body) + 4) + body


def image(
    counter: int = 3,
    *,
    protected: tuple[tuple[int, bytes], ...] | None = None,
    extra: tuple[tuple[int, bytes], ...] = (),
    key: ec.EllipticCurvePrivateKey = KEY,
) -> bytes:
    """A signed image, packed by hand from MCUboot's design document."""
    entries = ((COUNTER, counter.to_bytes(4, "little")),) if protected is None else protected
    area = tlvs(0x6908, *entries) if entries else b""
    head = struct.pack("<IIHHII", 0x96F3B83D, 0, 32, len(area), len(BODY), 0)
    head += struct.pack("<BBHI", 1, 2, 345, 6) + bytes(4)
    covered = head + BODY + area
    digest = hashlib.sha256(covered).digest()
    signature = key.sign(covered, ec.ECDSA(hashes.SHA256()))
    outer = ((KEYHASH, b"k" * 32), (SHA256, digest), (ECDSA, signature), *extra)
    return covered + tlvs(0x6907, *outer)


# Made once: an ECDSA signature in DER is not always of the same length.
WHOLE = image()


def test_an_image_is_read_and_its_signature_holds():
    """Version, counter and digest are those of the bytes."""
    data = image()
    read = mcuboot.parse(data)

    assert ("1.2.345", 6, 3) == (read.version, read.build, read.counter)
    assert read.digest == read.claimed == hashlib.sha256(data[: 32 + 200 + 12]).hexdigest()
    assert (b"k" * 32).hex() == read.key_hash
    assert mcuboot.signed_by(read, PEM)


def test_an_image_without_a_counter_counts_as_zero():
    """Nothing is below zero, so nothing takes such an image."""
    read = mcuboot.parse(image(protected=()))

    assert 0 == read.counter
    assert mcuboot.signed_by(read, PEM)


def test_a_counter_outside_the_signature_is_refused():
    """Else anybody on the wire could raise an old image's counter without breaking a signature."""
    planted = (COUNTER, (99).to_bytes(4, "little"))

    for data in (image(extra=(planted,)), image(protected=(), extra=(planted,))):
        with pytest.raises(Malformed, match="counter under the signature"):
            mcuboot.parse(data)


@pytest.mark.parametrize("size", [0, 1, 3, 5, 8])
def test_a_counter_of_another_size_is_refused(size):
    """MCUboot reads four bytes; any other number would be read differently there."""
    with pytest.raises(Malformed, match="4 bytes"):
        mcuboot.parse(image(protected=((COUNTER, bytes(size)),)))


def test_a_tlv_twice_is_refused():
    """Which of two digests or counters a reader takes is an attacker's choice."""
    four = (COUNTER, bytes(4))
    for data in (
        image(protected=(four, four)),
        image(extra=((SHA256, bytes(32)),)),
        image(protected=(four, (SHA256, bytes(32)))),
    ):
        with pytest.raises(Malformed, match="each TLV once"):
            mcuboot.parse(data)


def test_another_key_another_curve_or_another_digest_does_not_verify():
    """A signature counts for one key and the bytes as they are."""
    read = mcuboot.parse(image())
    other = new_p256().public_key()
    curve = ec.generate_private_key(ec.SECP384R1())
    spki = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert not mcuboot.signed_by(read, other.public_bytes(*spki))
    assert not mcuboot.signed_by(read, curve.public_key().public_bytes(*spki))
    p384 = mcuboot.parse(image(key=curve))
    assert not mcuboot.signed_by(p384, curve.public_key().public_bytes(*spki))
    with pytest.raises(Malformed, match="firmware key"):
        mcuboot.signed_by(read, b"no key")


def test_an_image_that_claims_another_digest_does_not_verify():
    """The claim is what a boot stage may read first: it must be the truth."""
    data = image()
    digest = hashlib.sha256(data[:244]).digest()
    read = mcuboot.parse(data.replace(digest, bytes(32)))

    assert read.claimed != read.digest
    assert not mcuboot.signed_by(read, PEM)


@given(at=st.integers(0, 243), bit=st.integers(0, 7))
def test_any_flipped_bit_under_the_signature_breaks_it(at, bit):
    """Header, body and protected area."""
    data = bytearray(WHOLE)
    data[at] ^= 1 << bit
    try:
        read = mcuboot.parse(bytes(data))
    except Malformed:
        return

    assert not mcuboot.signed_by(read, PEM)


@given(data=st.data())
def test_a_spoilt_image_is_malformed_and_never_a_crash(data):
    """Cut anywhere, or with bytes behind it: not exactly one image."""
    cut = WHOLE[: data.draw(st.integers(0, len(WHOLE) - 1))]

    for spoilt in (cut, WHOLE + data.draw(st.binary(min_size=1, max_size=9)), WHOLE * 2):
        with pytest.raises(Malformed):
            mcuboot.parse(spoilt)


@given(data=st.data())
def test_any_bytes_are_an_image_or_malformed(data):
    """Any header values over any tail: no other error, and no memory asked for."""
    head = struct.pack(
        "<IIHHII",
        data.draw(st.sampled_from([0x96F3B83D, 0])),
        0,
        data.draw(st.integers(0, 2**16 - 1)),
        data.draw(st.integers(0, 2**16 - 1)),
        data.draw(st.integers(0, 2**32 - 1)),
        0,
    )
    for spoilt in (head + data.draw(st.binary(max_size=200)), data.draw(st.binary(max_size=300))):
        try:
            mcuboot.parse(spoilt)
        except Malformed:
            continue


CLASS_KEY, OTHER_CLASS = b"c" * 32, b"d" * 32
NO_MAC = ((COUNTER, (3).to_bytes(4, "little")), (mcuboot.MAC_TLV, bytes(32)))


def with_mac(key: bytes = CLASS_KEY) -> bytes:
    """An image with the MAC of a device class, as a vendor makes it: over itself without one."""
    made = hmac.digest(key, mcuboot.mac_message(image(protected=NO_MAC)), "sha256")
    return image(protected=(NO_MAC[0], (mcuboot.MAC_TLV, made)))


MACED = with_mac()


def test_a_mac_is_the_device_classs_own_and_the_signature_stays():
    """Another class's key, or a flipped bit of one's own, makes no MAC of this class."""
    data = with_mac()

    assert mcuboot.mac_by(data, CLASS_KEY)
    assert not mcuboot.mac_by(data, OTHER_CLASS)
    assert not mcuboot.mac_by(with_mac(OTHER_CLASS), CLASS_KEY)
    assert not mcuboot.mac_by(image(), CLASS_KEY)
    assert mcuboot.signed_by(mcuboot.parse(data), PEM)


@given(at=st.integers(0, len(MACED) - 1), bit=st.integers(0, 7))
def test_a_mac_covers_header_body_and_protected_tlvs(at, bit):
    """And only them: the outer TLVs are the signature's business."""
    covered = len(mcuboot.mac_message(MACED))
    flipped = bytearray(MACED)
    flipped[at] ^= 1 << bit
    try:
        good = mcuboot.mac_by(bytes(flipped), CLASS_KEY)
    except Malformed:
        return

    assert good == (at >= covered)


def test_a_mac_of_another_length_is_no_mac():
    """A truncated one would be guessed by trying."""
    for size in (1, 16, 31, 33):
        with pytest.raises(Malformed, match="a MAC of 32 bytes"):
            mcuboot.parse(image(protected=(NO_MAC[0], (mcuboot.MAC_TLV, bytes(size)))))
    with pytest.raises(Malformed, match="a MAC among its protected TLVs"):
        mcuboot.mac_message(image())


def test_an_ed25519_signature_counts_in_its_own_tlv_only():
    """Read where the boot stage does not look, a signature would pass here and fail there."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    covered = WHOLE[: mcuboot_covered(WHOLE)]
    digest = hashlib.sha256(covered).digest()
    outer = ((KEYHASH, b"k" * 32), (SHA256, digest))
    signed = covered + tlvs(0x6907, *outer, (ED25519, key.sign(digest)))
    misfiled = covered + tlvs(0x6907, *outer, (ECDSA, key.sign(digest)))
    both = covered + tlvs(0x6907, *outer, (ECDSA, b"x"), (ED25519, key.sign(digest)))

    assert mcuboot.signed_by(mcuboot.parse(signed), pem)
    assert not mcuboot.signed_by(mcuboot.parse(signed), PEM)
    assert not mcuboot.signed_by(mcuboot.parse(misfiled), pem)
    with pytest.raises(Malformed, match="one signature"):
        mcuboot.parse(both)


def mcuboot_covered(data: bytes) -> int:
    """How many bytes the digest is over."""
    header, protected, size = struct.unpack_from("<HHI", data, 8)
    return header + size + protected

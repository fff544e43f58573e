"""Images and statements signed with every kind of key, verified by other people's tools."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from tests.tokens import software

from firmward.proof import mcuboot
from firmward.proof.keys import public_pem
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.image import ImageClaim
from firmward.terms.statement import PROVENANCE
from firmward.vendor import sign
from firmward.vendor.keys import opening

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BINARY = bytes(range(256)) * 8
CLASS_KEY, OTHER_CLASS = "mac-PUMP200.bin", "mac-PUMP300.bin"


def claim(**changes) -> ImageClaim:
    """What the vendor says of the binary."""
    plain = ImageClaim(
        product="pump-200",
        version="1.2.3",
        release_counter=7,
        hardware_ids=("PUMP-200-B",),
        predecessors=(),
        safety_class="C",
        risk="high",
        integrity="public-key-signature",
        kind="feature",
    )
    return msgspec.structs.replace(plain, **changes)


def made(keys, project, **more) -> sign.Image:
    """The binary signed, as the project file says."""
    about = claim(integrity=project.integrity)
    digest = hashlib.sha256(BINARY).hexdigest()
    return sign.image(BINARY, about, project, keys, sha256=digest, **more)


def imgtool_says(image: bytes, pem: bytes, folder: Path) -> str:
    """What `imgtool verify` prints."""
    (folder / "image.bin").write_bytes(image)
    (folder / "key.pem").write_bytes(pem)
    command = [sys.executable, "-m", "imgtool.main", "verify", "-k", "key.pem", "image.bin"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def hsm(tokens, tmp_path_factory):
    """Project and keys of a hybrid vendor with a token, whose devices check a MAC."""
    home = tmp_path_factory.mktemp("signing") / "home"
    project = tokens.project(tokens.take(), "hybrid = true\n", integrity="symmetric-mac")
    return project, opening.create(home, [project], NOW)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Project and keys of a vendor with software keys, Ed25519 for firmware, and two classes."""
    home = tmp_path_factory.mktemp("signing") / "home"
    chosen = 'algorithms = {firmware = "ed25519"}'
    project = software(keys=chosen, integrity="symmetric-mac")
    other = msgspec.structs.replace(project, product="pump-300", device_class="PUMP300")
    return project, opening.create(home, [project, other], NOW)


@pytest.mark.parametrize("where", ["hsm", "files"])
def test_an_image_signed_in_a_token_or_by_a_file_is_verified_by_imgtool(where, request, tmp_path):
    """ECDSA P-256 inside the token, Ed25519 by file; both with a MAC that imgtool carries along."""
    project, keys = request.getfixturevalue(where)
    image = made(keys, project)
    read = mcuboot.parse(image.data)

    assert "Image was correctly validated" in imgtool_says(
        image.data, public_pem(keys.firmware), tmp_path
    )
    assert mcuboot.signed_by(read, public_pem(keys.firmware))
    assert ("1.2.3", 7, 7) == (read.version, read.build, read.counter)
    assert read.mac == keys.macs["PUMP200"].mac(mcuboot.mac_message(image.data))
    assert ("ecdsa" if where == "hsm" else "ed25519") == read.algorithm


def test_a_token_signs_ed25519_images_too(tokens, tmp_path):
    """MCUboot's Ed25519 signs the digest; the boot stage of our boards knows P-256 only."""
    chosen = 'algorithms = {firmware = "ed25519"}\n'
    project = tokens.project(tokens.take(), chosen)
    keys = opening.create(tmp_path / "home", [project], NOW)
    image = made(keys, project)

    assert "correctly validated" in imgtool_says(image.data, public_pem(keys.firmware), tmp_path)
    assert b"" == mcuboot.parse(image.data).mac


def test_what_is_signed_does_not_depend_on_where_the_key_is(hsm, files):
    """Header, body and counter are the same bytes; only MAC and signature differ."""
    first, second = (made(keys, project).data for project, keys in (hsm, files))
    span = mcuboot.mac_span(first)

    assert span == mcuboot.mac_span(second)
    assert first[: span.start] == second[: span.start]


def test_a_mac_made_with_another_classs_key_verifies_nowhere_in_this_class(files):
    """Stolen out of one monitor, a key makes no image for a pump."""
    project, keys = files
    image = made(keys, project).data
    other = made(keys, msgspec.structs.replace(project, device_class="PUMP300")).data
    mine, theirs = ((keys.folder / name).read_bytes() for name in (CLASS_KEY, OTHER_CLASS))

    assert (True, False) == (mcuboot.mac_by(image, mine), mcuboot.mac_by(image, theirs))
    assert (False, True) == (mcuboot.mac_by(other, mine), mcuboot.mac_by(other, theirs))


def test_a_mac_that_cannot_be_made_stops_the_release(files):
    """A claim of symmetric-mac without a key of the class, or without a place for it."""
    project, keys = files
    stranger = msgspec.structs.replace(project, device_class="PUMP999")
    with pytest.raises(Refused, match="no MAC key of device class PUMP999"):
        made(keys, stranger)
    raw = msgspec.structs.replace(
        project, image=msgspec.structs.replace(project.image, format="raw")
    )
    with pytest.raises(Refused, match="no place for the MAC"):
        made(keys, raw)


def test_a_raw_image_is_the_binary_as_it_is(files):
    """It brings its own format: metadata and evidence vouch for its digest, nothing is added."""
    project, keys = files
    rules = msgspec.structs.replace(project.image, format="raw")
    plain = msgspec.structs.replace(project, integrity="public-key-signature", image=rules)
    image = made(keys, plain)

    assert (BINARY, hashlib.sha256(BINARY).hexdigest()) == (image.data, image.sha256)


def test_other_bytes_than_were_built_are_not_signed(hsm):
    """Between build and signature the binary lay on a disk; one bit is enough to stop it."""
    project, keys = hsm
    spoilt = bytes([BINARY[0] ^ 1]) + BINARY[1:]

    with pytest.raises(NotTrusted, match="got other bytes"):
        sign.image(spoilt, claim(), project, keys, sha256=hashlib.sha256(BINARY).hexdigest())


def test_a_statement_carries_both_kinds_and_outside_tools_count_two(hsm):
    """securesystemslib alone, from the envelope's bytes and the public documents."""
    project, keys = hsm
    image = made(keys, project, unsafe_leave_unsigned=True)
    sealed = json.loads(sign.seal(image, PROVENANCE, {"builder": "x"}, keys))
    publics = [signer.public_key for signer in keys.evidence]
    envelope = Envelope.from_dict(sealed)

    assert {"ecdsa-sha2-nistp256", "ml-dsa-87/1"} == {key.scheme for key in publics}
    assert 2 == len(envelope.verify(publics, 2))
    for half in publics:
        one = Envelope(
            envelope.payload, envelope.payload_type, {half.keyid: envelope.signatures[half.keyid]}
        )
        with pytest.raises(VerificationError):
            one.verify(publics, 2)

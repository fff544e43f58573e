"""Keys in a token: they sign, they stay inside, and without the token nothing is signed."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass
from pkcs11.exceptions import AttributeSensitive
from pkcs11.util.ec import encode_named_curve_parameters
from tests.tokens import MODULE, PIN, PIN_ENV

from firmward.proof import certs, roles
from firmward.proof.keys import new_p256, public_pem
from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.vendor import onboard
from firmward.vendor.factory import issue_idevid
from firmward.vendor.keys import book, opening
from firmward.vendor.keys.hsm import open_token

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEVICE = "urn:dev:ops:32473-PUMP200-0001"


@pytest.fixture(scope="module")
def made(tokens, tmp_path_factory):
    """A vendor's home whose keys are in a token, and the token's label."""
    label = tokens.take()
    home = tmp_path_factory.mktemp("hsm-home") / "home"
    onboard.start(home, [tokens.project(label)], 32473, NOW)
    return home, label


def test_no_private_half_is_in_the_home_and_none_leaves_the_token(made):
    """There is no folder of software keys, and the token will not give a value away."""
    home, label = made
    token = open_token(MODULE, label, PIN, PIN_ENV)

    assert {"keys.json", "repository", "vendor.json", "signers"} == {p.name for p in home.iterdir()}
    assert b"PRIVATE" not in b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file())
    inside = list(token.session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
    assert {held.label for held in book.read(home).keys} == {key.label for key in inside}
    for key in inside:
        assert (True, False) == (key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE])
        with pytest.raises(AttributeSensitive):
            key[Attribute.VALUE]


def test_every_algorithm_signs_and_verifies_with_securesystemslib(made):
    """Root P-384, targets P-256, timestamp Ed25519: signed in the token, verified outside."""
    keys = opening.load(made[0])
    for signer in (*keys.root, *keys.targets, keys.timestamp, *keys.evidence, keys.firmware):
        signer.public_key.verify_signature(signer.sign(b"bytes"), b"bytes")
    schemes = [keys.root[0].public_key.scheme, keys.timestamp.public_key.scheme]

    assert ["ecdsa-sha2-nistp384", "ed25519"] == schemes
    assert not keys.book.development


def test_one_session_serves_many_threads(made):
    """A PKCS#11 session does one operation at a time; two stages sign at once."""
    keys = opening.load(made[0])

    def sign(number: int) -> None:
        payload = number.to_bytes(4)
        keys.evidence[0].public_key.verify_signature(keys.evidence[0].sign(payload), payload)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign, range(100)))


def test_the_factorys_authority_signs_certificates_inside_the_token(made):
    """X.509 through the same face; the key gives nothing else."""
    keys = opening.load(made[0])
    issued = issue_idevid(keys, DEVICE, new_p256().public_key(), NOW)

    assert certs.signed_by(issued, keys.device_authority.certificate)
    with pytest.raises(Misuse, match="stays in the token"):
        keys.device_authority.key.private_numbers()
    with pytest.raises(Misuse, match="stays in the token"):
        keys.device_authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_root_of_token_keys_is_a_root(made):
    """It signs itself, with 2 of 3."""
    root = (made[0] / "repository/metadata/1.root.json").read_bytes()

    assert {"root": 2, "targets": 2, "snapshot": 1, "timestamp": 1} == roles.root_keys(root, "root")


def test_keys_are_never_made_over_others(made, tokens, tmp_path):
    """A second vendor's home in the same token finds its names taken, and makes nothing."""
    _, label = made
    with pytest.raises(Misuse, match="expected no key root-1 yet"):
        opening.create(tmp_path / "home", [tokens.project(label)], NOW)
    assert not (tmp_path / "home" / "keys.json").exists()


def test_a_key_that_could_have_left_the_token_is_not_used(made, tokens):
    """One made extractable, as by an importer: it may be on somebody's disk."""
    _, label = made
    token = open_token(MODULE, label, PIN, PIN_ENV)
    with token.handle.open(rw=True) as session:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
            store=True,
            label="loose",
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            private_template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False},
        )

    with pytest.raises(NotTrusted, match=r"loose may be elsewhere: .*EXTRACTABLE"):
        token.signer("loose")
    with token.handle.open(rw=True) as session:
        for key in list(session.get_objects({Attribute.LABEL: "loose"})):
            key.destroy()


def test_another_key_under_the_name_is_not_used(made, tmp_path):
    """A token swapped for one with keys of the same names signs nothing for this home."""
    home, _ = made
    said = book.read(home)
    first, second = said.find("targets-1"), said.find("targets-2")
    swapped = [
        msgspec.structs.replace(held, label=second.label) if held == first else held
        for held in said.keys
    ]

    with pytest.raises(NotTrusted, match=r"holds another key than keys\.json"):
        opening.load(home, msgspec.structs.replace(said, keys=tuple(swapped)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"module": "/usr/lib/softhsm/absent.so"}, "absent.so"),
        ({"token": "nobody"}, "expected one in .*, got 0"),
        ({"pin_env": "FIRMWARD_TEST_NO_PIN"}, r"expected its PIN in \$FIRMWARD_TEST_NO_PIN"),
    ],
)
def test_without_library_token_or_pin_nothing_is_opened(made, change, says):
    """Each is named, and the PIN is never in a file."""
    said = book.read(made[0])
    if token := change.pop("token", ""):
        keys = tuple(msgspec.structs.replace(held, token=token) for held in said.keys)
        change = {"keys": keys}

    with pytest.raises(Unavailable, match=says):
        opening.load(made[0], msgspec.structs.replace(said, **change))


def test_the_root_keys_can_lie_in_a_safe(tokens, tmp_path):
    """With a token of their own, a release is made without it; a root is not."""
    work, safe = tokens.take(), tokens.take()
    declared = tokens.project(work, f'tokens = {{root = "{safe}"}}\n')
    home = onboard.start(tmp_path / "home", [declared], 32473, NOW)
    tokens.unplug(safe)
    keys = opening.load(home.folder)

    assert keys.targets[0].sign(b"x")
    with pytest.raises(Unavailable, match=f"token {safe}: expected one"):
        keys.root[0].sign(b"x")


def test_a_token_that_is_pulled_out_signs_nothing_more(tokens, tmp_path):
    """Not even with a key that was open: the answer is Unavailable, for signature and MAC."""
    label = tokens.take()
    declared = tokens.project(label, integrity="symmetric-mac")
    keys = opening.create(tmp_path / "home", [declared], NOW)
    assert keys.evidence[0].sign(b"x")
    assert 32 == len(keys.macs["PUMP200"].mac(b"x"))
    tokens.unplug(label)

    for sign in (keys.evidence[0].sign, keys.macs["PUMP200"].mac):
        with pytest.raises(Unavailable, match=f"token {label}"):
            sign(b"x")
    with pytest.raises(Unavailable):
        opening.load(tmp_path / "home")


def test_a_mac_key_is_the_classs_own_and_stays_inside(tokens, tmp_path):
    """Made in the token, sign-only; another class has another."""
    label = tokens.take()
    one = tokens.project(label, integrity="symmetric-mac")
    two = msgspec.structs.replace(one, product="pump-300", device_class="PUMP300")
    keys = opening.create(tmp_path / "home", [one, two], NOW)

    assert {"PUMP200", "PUMP300"} == set(keys.macs)
    assert keys.macs["PUMP200"].mac(b"x") != keys.macs["PUMP300"].mac(b"x")
    token = open_token(MODULE, label, PIN, PIN_ENV)
    key = token.session.get_key(ObjectClass.SECRET_KEY, label="mac-PUMP200")
    assert not key[Attribute.VERIFY]
    with pytest.raises(AttributeSensitive):
        key[Attribute.VALUE]


def test_a_hybrid_vendors_ml_dsa_keys_are_files_and_say_so(tokens, tmp_path):
    """No token here knows ML-DSA; a file alone signs nothing, so it is no development vendor."""
    label = tokens.take()
    keys = opening.create(tmp_path / "home", [tokens.project(label, "hybrid = true\n")], NOW)

    assert ["pkcs11:ecdsa-p256", "unsafe-software:ml-dsa-87"] == keys.described()["evidence"]
    assert not keys.described()["development"]
    files = {path.name for path in keys.folder.iterdir()}
    assert {f"{name}-ml-dsa.pem" for name in ("evidence", "targets-1", "targets-2")} <= files
    assert 6 == len(files)
    for signer in keys.evidence:
        signer.public_key.verify_signature(signer.sign(b"x"), b"x")


def test_the_pems_are_the_tokens_own(made):
    """The firmware key that hospitals pin is the token's public half, in SubjectPublicKeyInfo."""
    keys = opening.load(made[0])
    again = opening.load(made[0])

    assert public_pem(keys.firmware) == public_pem(again.firmware)
    assert public_pem(keys.timestamp).startswith(b"-----BEGIN PUBLIC KEY-----")
    assert hashlib.sha256(public_pem(keys.firmware)) != hashlib.sha256(public_pem(keys.timestamp))
    assert os.environ[PIN_ENV] not in (made[0] / "keys.json").read_text()

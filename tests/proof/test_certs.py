"""An identity is one URI under the hospital's authority, given to whoever holds the key."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from firmward.proof import certs
from firmward.proof.keys import new_p256
from firmward.terms.errors import Malformed, NotTrusted, Refused

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URI, OTHER = "urn:dev:ops:99999-PUMP-0001", "urn:dev:ops:99999-PUMP-0002"
LIFE = timedelta(days=30)
# Made once: an ECDSA signature in DER is not always of the same length.
MINE = new_p256()
REQUEST = certs.signing_request(MINE, URI)


@pytest.fixture(scope="module")
def hospital() -> certs.Authority:
    """The hospital's authority."""
    return certs.new_authority("Hospital", new_p256(), NOW)


def der(certificate: x509.Certificate) -> bytes:
    """A certificate as TLS hands it on."""
    return certificate.public_bytes(serialization.Encoding.DER)


def issued(authority: certs.Authority, *names: x509.GeneralName) -> bytes:
    """A certificate with any names at all."""
    key, subject = new_p256(), x509.Name([])
    builder = x509.CertificateBuilder(authority.certificate.subject, subject, key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + LIFE)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    return der(builder.sign(authority.key, hashes.SHA256()))


def request(key, *names: x509.GeneralName) -> bytes:
    """A signing request for any names with any key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


def uri(text: str) -> x509.UniformResourceIdentifier:
    """A name as an identity has it."""
    return x509.UniformResourceIdentifier(text)


def test_an_enrolment_goes_round(hospital):
    """Request, issue, EST answer: the device ends with a certificate for its key and name."""
    key = new_p256()
    public = certs.requested(certs.signing_request(key, URI), URI)
    answer = certs.certs_only(certs.client_certificate(hospital, public, URI, NOW, LIFE))

    got = certs.from_certs_only(answer)

    assert key.public_key() == got.public_key()
    assert URI == certs.identity(der(got))
    assert certs.signed_by(got, hospital.certificate)
    assert got.not_valid_after_utc == NOW + LIFE


def test_an_identity_can_be_no_authority_and_no_server(hospital):
    """A device's certificate signs nothing and serves nobody, and says so critically."""
    made = certs.client_certificate(hospital, new_p256().public_key(), URI, NOW, LIFE)
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert constraints.critical
    assert not constraints.value.ca
    assert not usage.key_cert_sign
    assert [ExtendedKeyUsageOID.CLIENT_AUTH] == list(purposes)


def test_a_server_certificate_names_its_hosts_and_nobody_else(hospital):
    """DNS names and addresses; it is no client."""
    hosts = ("firmward.example", "127.0.0.1", "::1")
    made = certs.server_certificate(hospital, new_p256().public_key(), hosts, NOW)
    san = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert ["firmward.example"] == san.get_values_for_type(x509.DNSName)
    assert ["127.0.0.1", "::1"] == [str(one) for one in san.get_values_for_type(x509.IPAddress)]
    with pytest.raises(NotTrusted, match="expected one URI"):
        certs.identity(der(made))


@pytest.mark.parametrize(
    "names",
    [
        (),
        (uri(OTHER),),
        (uri(URI), uri(OTHER)),
        (uri(URI), x509.DNSName("firmward.example")),
        (x509.DNSName("urn:dev:ops:99999-PUMP-0001"),),
        (uri(URI), uri(URI)),
        (uri(URI + "\n"),),
        (uri(URI.upper()),),
    ],
)
def test_a_request_for_another_name_is_refused(names):
    """A device may ask for itself, and for nothing beside it."""
    with pytest.raises(Refused, match="certificate request"):
        certs.requested(request(new_p256(), *names), URI)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-384", "RSA", "Ed25519"],
)
def test_a_request_with_another_kind_of_key_is_refused(key):
    """One kind of key, so that every device's hardware and our checks agree."""
    with pytest.raises(NotTrusted, match="expected a P-256 key"):
        certs.requested(request(key, uri(URI)), URI)


def test_a_request_without_proof_of_possession_is_refused():
    """Whoever copies a public key cannot get a certificate for it."""
    whole = bytearray(certs.signing_request(new_p256(), URI))
    whole[-1] ^= 1

    with pytest.raises(Refused, match="certificate request"):
        certs.requested(bytes(whole), URI)


@given(data=st.data())
def test_a_spoilt_request_is_refused_and_never_a_crash(data):
    """Cut, extended or changed; what passes is the same request, spelt otherwise."""
    # The signature does not cover its own encoding: another spelling of it may verify.
    cut = REQUEST[: data.draw(st.integers(0, len(REQUEST) - 1))]
    flipped = bytearray(REQUEST)
    flipped[data.draw(st.integers(0, len(REQUEST) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    for spoilt in (cut, REQUEST + b"\0"):
        with pytest.raises(Refused):
            certs.requested(spoilt, URI)
    with suppress(Refused):
        assert MINE.public_key() == certs.requested(bytes(flipped), URI)


@pytest.mark.parametrize(
    "names",
    [(), (x509.DNSName("a.example"),), (uri(URI), uri(OTHER)), (uri(URI), x509.DNSName("a"))],
)
def test_a_certificate_that_names_nobody_or_several_is_no_identity(hospital, names):
    """Whoever has two names has the rights of neither."""
    with pytest.raises(NotTrusted, match="client certificate"):
        certs.identity(issued(hospital, *names))


@given(data=st.binary(max_size=120))
def test_any_other_bytes_are_no_identity_and_no_answer(data):
    """Refused, whatever they are."""
    with pytest.raises(NotTrusted):
        certs.identity(data)
    with pytest.raises(Malformed):
        certs.from_certs_only(data)


def test_an_enrolment_answer_with_several_certificates_is_malformed(hospital):
    """Which of them would be the device's?"""
    one = certs.client_certificate(hospital, new_p256().public_key(), URI, NOW, LIFE)
    both = pkcs7.serialize_certificates([one, hospital.certificate], serialization.Encoding.DER)

    with pytest.raises(Malformed, match="one certificate"):
        certs.from_certs_only(both)


def test_only_the_authoritys_own_key_makes_a_certificate_its_own(hospital):
    """A second authority of the same name issues nothing in the first one's."""
    twin = certs.new_authority("Hospital", new_p256(), NOW)
    key = new_p256().public_key()
    mine, twins = (certs.client_certificate(one, key, URI, NOW, LIFE) for one in (hospital, twin))

    assert certs.signed_by(mine, hospital.certificate)
    assert not certs.signed_by(twins, hospital.certificate)
    assert not certs.signed_by(mine, mine)
    assert certs.fingerprint(der(mine)) != certs.fingerprint(der(twins))

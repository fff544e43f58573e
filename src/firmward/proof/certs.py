"""X.509: the hospital's authority, server certificates, device and person identities.

A device's name is the `urn:dev:` URI in its SAN (RFC 9039); a person's or vendor's is
`urn:firmward:<kind>:<name>`.  Nothing is read from the subject's common name.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmward.terms.errors import Malformed, NotTrusted

SKEW = timedelta(minutes=5)

# What `cryptography` raises while it reads a hostile certificate or request.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate and the key that signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return pem(self.certificate)


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate's DER, as hexadecimal."""
    return hashlib.sha256(certificate).hexdigest()


def new_authority(name: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> Authority:
    """A self-signed authority, valid for ten years."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(subject, subject, key.public_key(), now, timedelta(days=3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _leaf(
    authority: Authority,
    common: str,
    key: ec.EllipticCurvePublicKey,
    names: list[x509.GeneralName],
    purpose: x509.ObjectIdentifier,
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])
    builder = _builder(subject, authority.certificate.subject, key, now, life)
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(ca=False), True),
        (x509.ExtendedKeyUsage([purpose]), False),
        (x509.SubjectAlternativeName(names), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority.key, hashes.SHA256())


def server_certificate(
    authority: Authority, key: ec.EllipticCurvePublicKey, hosts: tuple[str, ...], now: datetime
) -> x509.Certificate:
    """A server certificate for DNS names and addresses, valid for 90 days."""
    names = [_host(host) for host in hosts]
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    return _leaf(authority, hosts[0], key, names, purpose, now, timedelta(days=90))


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def client_certificate(
    authority: Authority, key: ec.EllipticCurvePublicKey, uri: str, now: datetime, life: timedelta
) -> x509.Certificate:
    """An identity: a client certificate whose one SAN is `uri`."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    return _leaf(authority, uri, key, names, ExtendedKeyUsageOID.CLIENT_AUTH, now, life)


def identity(certificate: bytes) -> str:
    """The one URI in the SAN of a DER client certificate.

    The caller MUST have had the chain verified (the TLS handshake does).  Raises NotTrusted.
    """
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        san = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except _UNREADABLE as error:
        raise NotTrusted("client certificate", "it names nobody") from error
    uris = san.get_values_for_type(x509.UniformResourceIdentifier)
    if len(list(san)) != 1 or len(uris) != 1:
        raise NotTrusted("client certificate", f"expected one URI, got {len(list(san))} names")
    return uris[0]


def signing_request(key: ec.EllipticCurvePrivateKey, uri: str) -> bytes:
    """A PKCS#10 request in DER that asks for `uri`, signed as proof of possession."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri[:64])])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
    request = builder.add_extension(san, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def requested(request: bytes, uri: str) -> ec.EllipticCurvePublicKey:
    """The key in a PKCS#10 request that proves its possession and asks for `uri` and no more.

    raises  Malformed, NotTrusted
    """
    try:
        parsed = x509.load_der_x509_csr(request)
        san = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key, possessed = parsed.public_key(), parsed.is_signature_valid
    except _UNREADABLE as error:
        raise Malformed("certificate request", "PKCS#10 with a SAN", str(error)[:120]) from error
    if not possessed:
        raise NotTrusted("certificate request", "no proof of possession")
    if list(san) != [x509.UniformResourceIdentifier(uri)]:
        raise NotTrusted("certificate request", f"expected it to ask for {uri} only")
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise NotTrusted("certificate request", "expected a P-256 key")
    return key


def certs_only(certificate: x509.Certificate) -> bytes:
    """A certs-only PKCS#7 in DER: EST's answer (RFC 7030 4.2.3)."""
    return pkcs7.serialize_certificates([certificate], serialization.Encoding.DER)


def from_certs_only(data: bytes) -> x509.Certificate:
    """The one certificate in a certs-only PKCS#7.  Raises Malformed."""
    try:
        [certificate] = pkcs7.load_der_pkcs7_certificates(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("certificate answer", "one certificate", str(error)[:120]) from error
    return certificate


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this authority's key directly issued the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True

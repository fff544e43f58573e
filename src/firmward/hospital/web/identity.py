"""Who is asking: the client certificate of the TLS session, handed on to each request.

uvicorn gives applications no client certificate in this release; this protocol class puts the DER
that the handshake verified into the connection's state.  Nothing is ever read from a header: a
header is what anybody can write.
"""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from firmward.proof import certs
from firmward.terms.errors import NotTrusted


class CertifiedProtocol(HttpToolsProtocol):
    """HTTP/1.1 over TLS that remembers who the other side proved to be."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the verified certificate before the first request is read."""
        session = transport.get_extra_info("ssl_object")
        certificate = session.getpeercert(True) if session is not None else None
        self.app_state = {**self.app_state, "certificate": certificate}
        super().connection_made(transport)


def certificate(request: Request) -> bytes:
    """The DER certificate of this session's client.  Raises NotTrusted without one."""
    found = request.scope["state"].get("certificate")
    if not isinstance(found, bytes):
        raise NotTrusted("client", "expected a client certificate, got none")
    return found


@dataclass(frozen=True)
class Person:
    """A person, or a vendor's pipeline, by the certificate the people authority issued."""

    kind: str
    name: str


def person(certificate: bytes) -> Person:
    """Who a certificate of the people authority names.  Raises NotTrusted."""
    uri = certs.identity(certificate)
    scheme, space, kind, name = [*uri.split(":", 3), "", "", "", ""][:4]
    if (scheme, space) != ("urn", "firmward") or kind not in ("person", "vendor") or not name:
        raise NotTrusted("client certificate", f"expected a person or a vendor, got {uri[:80]!r}")
    return Person(kind, name)


def tls_context(keys: Path, client_authorities: list[bytes]) -> ssl.SSLContext:
    """TLS 1.3 only, with a client certificate from one of these authorities (PEM) or no session.

    TLS 1.3 cannot ask for a certificate later: a listener either demands one or never sees one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(keys / "server.pem", keys / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    for authority in client_authorities:
        trust(context, authority)
    return context


def trust(context: ssl.SSLContext, authority: bytes) -> None:
    """Let a context accept one more client authority, from the next handshake on."""
    x509.load_pem_x509_certificate(authority)
    context.load_verify_locations(cadata=authority.decode())

"""Handing a bundle to a hospital: one request over mutual TLS 1.3, and the gate's answer."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from firmward.terms.errors import Misuse, Refused, Unavailable
from firmward.terms.wire import parse


@dataclass(frozen=True)
class Said:
    """The gate's answer: whether it admits, and every reason if it does not."""

    admitted: bool
    reasons: tuple[str, ...]
    explained: str


def deliver(
    hospital: str, certificate: Path, vendor: str, bundle: bytes, *, renewal: bool = False
) -> Said:
    """Push a bundle to a hospital's people plane.

    certificate  folder with cert.pem, key.pem and authority.pem, as the hospital issued them
    renewal      the bundle holds metadata only
    raises       Misuse for a folder without them, Unavailable, Refused for what is no bundle
    """
    path = f"/v1/{'renewals' if renewal else 'bundles'}/{vendor}"
    try:
        with httpx.Client(verify=_tls(certificate), timeout=120, trust_env=False) as http:
            response = http.post(hospital.rstrip("/") + path, content=bundle)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"hospital {hospital}: {error}") from error
    if response.status_code >= 500:
        raise Unavailable(f"hospital {hospital}: {response.status_code}")
    said = parse(response.content, "hospital's answer")
    if "admitted" in said:
        return Said(said["admitted"], tuple(said["reasons"]), said["explained"])
    if not response.is_success:
        fault = said.get("error", {})
        words = "; ".join(str(fault[name]) for name in ("who", "expected", "got") if name in fault)
        raise Refused(f"hospital {hospital}: {response.status_code}: {words}")
    return Said(True, (), f"renewed until {said['expires']}")


def _tls(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(folder / "authority.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    except OSError as error:
        raise Misuse(f"{folder}: expected cert.pem, key.pem and authority.pem") from error
    return context

"""The people plane from the other side: what the `firmward hospital` commands talk through."""

import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from firmward.terms.errors import Misuse, Refused, Unavailable


class Ports(msgspec.Struct, frozen=True):
    """Where the listeners ended up; written to `ports.json` once all of them accept."""

    host: str
    device: int
    enrolment: int
    people: int


def desk_of(site: Path, name: str) -> "Desk":
    """Somebody's desk at a site that is being served.  Raises Misuse."""
    try:
        ports = msgspec.json.decode((site / "ports.json").read_bytes(), type=Ports)
    except (OSError, msgspec.DecodeError) as error:
        raise Misuse(f"{site}: expected a served site (firmward hospital serve)") from error
    return Desk(f"https://{ports.host}:{ports.people}", site / "people" / name)


class Desk:
    """One person's (or vendor's) connection to a hospital's people plane.

    folder  holds cert.pem, key.pem and authority.pem, as `firmward hospital init` issued them
    """

    def __init__(self, base: str, folder: Path):
        try:
            context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        except OSError as error:
            raise Misuse(f"{folder}: expected cert.pem, key.pem, authority.pem: {error}") from error
        self._http = httpx.Client(base_url=base, verify=context, timeout=60.0)

    def get(self, path: str, **query: str) -> Any:
        """What is at `path`.  Raises Refused, Unavailable."""
        return self._said(self._ask("GET", path, params=query))

    def read(self, path: str, **query: str) -> bytes:
        """The bytes at `path`, as they are.  Raises Refused, Unavailable."""
        response = self._ask("GET", path, params=query)
        if not response.is_success:
            self._said(response)
        return response.content

    def post(self, path: str, body: bytes | dict[str, Any]) -> Any:
        """The answer to `body`, sent as it is or as JSON.  Raises Refused, Unavailable."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._said(self._ask("POST", path, content=data))

    def judge(self, release: str) -> dict[str, Any]:
        """Have a refused release judged again; the gate's answer.  Raises Refused for any other."""
        response = self._ask("POST", f"/v1/releases/{quote(release, safe='')}/judge")
        said: dict[str, Any] = response.json()
        return said if "admitted" in said else self._said(response)

    def push(self, vendor: str, bundle: bytes) -> dict[str, Any]:
        """Hand in a bundle; the gate's answer, admitted or not.  Raises Refused for no bundle."""
        response = self._ask("POST", f"/v1/bundles/{vendor}", content=bundle)
        said: dict[str, Any] = response.json()
        return said if "admitted" in said else self._said(response)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise Unavailable(f"hospital at {self._http.base_url}: {error}") from error

    def _said(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()
        try:
            fault = response.json()["error"]
            words = [fault.get("who", ""), fault.get("expected", ""), fault.get("got", "")]
        except (ValueError, KeyError, TypeError):
            words = [response.text[:200]]
        says = "; ".join(word for word in words if word)
        if response.status_code >= 500:
            raise Unavailable(f"hospital: {says}")
        raise Refused(f"hospital answered {response.status_code}: {says}")

    def close(self) -> None:
        """Hang up."""
        self._http.close()

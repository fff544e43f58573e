"""An HTTP server to deliver to: one that takes PUT and knows conditional requests (RFC 9110).

It must answer 412 to a PUT with `If-None-Match: *` where something is.  One that gives no strong
ETag cannot keep two publishers apart; everything else holds there too.
"""

import ipaddress
import ssl
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

from firmward.terms.errors import Misuse, Refused, Unavailable
from firmward.vendor.publish.targets import There

_TIMEOUT_S: Final = 60.0


class Server:
    """https://HOST/PREFIX; http for this machine only, as a token in clear is everybody's.

    token  sent as a bearer token; "" for none
    tls    what to verify the server by, with a client certificate where it asks for one
    """

    def __init__(self, url: str, token: str = "", tls: ssl.SSLContext | None = None):
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise Misuse(f"{url}: expected https://HOST/PREFIX")
        if parts.scheme != "https" and not _here(parts.hostname):
            raise Misuse(f"{url}: expected https")
        self.name = url.rstrip("/")
        # Compressed bytes would neither be the file's nor as many.
        headers = {"accept-encoding": "identity"}
        self._http = httpx.Client(
            headers=headers | ({"authorization": f"Bearer {token}"} if token else {}),
            verify=tls or (parts.scheme == "https" and ssl.create_default_context()),
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def tag(self, path: str) -> str | None:
        """The file's ETag."""
        response = self._ask("HEAD", path)
        return None if self._absent(path, response) else _tag(response)

    def read(self, path: str, limit: int) -> There | None:
        """The file, or its first bytes."""
        parts, size = [], 0
        try:
            with self._http.stream("GET", self._url(path)) as response:
                if self._absent(path, response):
                    return None
                for part in response.iter_raw():
                    parts.append(part)
                    size += len(part)
                    if size > limit:
                        break
                return There(b"".join(parts)[: limit + 1], _tag(response))
        except httpx.HTTPError as error:
            raise self._silent(path, error) from error

    def create(self, path: str, data: bytes) -> str | None:
        """PUT under `If-None-Match: *`."""
        response = self._ask("PUT", path, data, {"if-none-match": "*"})
        if response.status_code == 412:
            return None
        self._taken(path, response)
        return _tag(response)

    def replace(self, path: str, data: bytes, old: There | None) -> None:
        """PUT under `If-Match` of the old file's ETag, where it has one."""
        strong = old is not None and old.tag.startswith('"')
        condition = {"if-match": old.tag} if old is not None and strong else {}
        response = self._ask("PUT", path, data, condition if old else {"if-none-match": "*"})
        if response.status_code == 412:
            raise Refused(f"{self.name}: {path}: somebody else published just now")
        self._taken(path, response)

    def _ask(
        self, method: str, path: str, data: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        try:
            return self._http.request(
                method, self._url(path), content=data or None, headers=headers
            )
        except httpx.HTTPError as error:
            raise self._silent(path, error) from error

    def _url(self, path: str) -> str:
        # A plus sign in a path is itself; some servers take a bare one for a space.
        return f"{self.name}/{quote(path)}"

    def _absent(self, path: str, response: httpx.Response) -> bool:
        if response.status_code == 404:
            return True
        if response.status_code != 200:
            raise Unavailable(f"{self.name}: {path}: expected 200, got {response.status_code}")
        return False

    def _taken(self, path: str, response: httpx.Response) -> None:
        if response.status_code not in (200, 201, 204):
            raise Unavailable(f"{self.name}: PUT {path}: got {response.status_code}")

    def _silent(self, path: str, error: httpx.HTTPError) -> Unavailable:
        return Unavailable(f"{self.name}: {path}: {str(error) or type(error).__name__}")


def _tag(response: httpx.Response) -> str:
    return str(response.headers.get("etag", ""))


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

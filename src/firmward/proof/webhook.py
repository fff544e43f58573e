"""Signed webhooks after the Standard Webhooks specification (standardwebhooks.com, 1.0).

The signature says who sent the request and that nobody changed or kept it; what the body says is
proved by its own envelope.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from firmward.terms.errors import Malformed, NotTrusted

PREFIX: Final = "whsec_"
TOLERANCE: Final = timedelta(minutes=5)
_SHORTEST: Final = 24
_LONGEST: Final = 64


def secret(text: str, who: str) -> bytes:
    """The key in a `whsec_` text.  Raises Malformed."""
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except (NotBase64, ValueError) as error:
        raise Malformed(who, "a whsec_ secret in base64", "something else") from error
    if not text.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise Malformed(who, f"a whsec_ secret of {_SHORTEST} to {_LONGEST} bytes", "another")
    return key


def headers(key: bytes, message: str, body: bytes, now: datetime) -> dict[str, str]:
    """What a sender puts beside the body; the same `message` id for every attempt."""
    at = str(int(now.timestamp()))
    return {
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{_mac(key, message, at, body)}",
        "content-type": "application/json",
    }


def verify(key: bytes, said: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The message id of a request that the holder of the key sent just now.

    said    header names in lower case
    raises  NotTrusted for another key, an altered body, or a request older than five minutes
    """
    message, at = said.get("webhook-id", ""), said.get("webhook-timestamp", "")
    if not message or not at.isascii() or not at.isdigit() or len(at) > 12:
        raise NotTrusted("webhook", "expected webhook-id and webhook-timestamp")
    if abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
        raise NotTrusted("webhook", "expected a request of the last five minutes")
    expected = _mac(key, message, at, body)
    given = [each.partition(",") for each in said.get("webhook-signature", "").split()[:8]]
    matching = [hmac.compare_digest(mac, expected) for scheme, _, mac in given if scheme == "v1"]
    if not any(matching):
        raise NotTrusted("webhook", "expected the signature of the shared secret")
    return message


def _mac(key: bytes, message: str, at: str, body: bytes) -> str:
    return b64encode(hmac.new(key, f"{message}.{at}.".encode() + body, sha256).digest()).decode()

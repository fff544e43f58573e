"""Telling vendors: each report goes out as a signed webhook until the vendor has taken it.

The request carries the same id on every attempt; a kill after the vendor's answer and before our
row sends it once more, and the vendor knows it for the same.
"""

import ipaddress
import ssl
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx
from msgspec import Meta
from sqlalchemy import Connection

from firmward.hospital.records import ledger, outbox, vendors
from firmward.hospital.records.outbox import Report, Webhook
from firmward.hospital.records.site import Site
from firmward.hospital.respond import tickets
from firmward.proof import webhook
from firmward.terms.errors import FirmwardError, Malformed
from firmward.terms.stage import Stage
from firmward.terms.wire import Wire

PATIENCE: Final = timedelta(days=7)
_FIRST_S: Final = 5.0
_LONGEST_S: Final = 3600.0
_TIMEOUT_S: Final = 10.0


class Address(Wire, frozen=True, kw_only=True):
    """Where a vendor takes reports, as `firmward hospital vendor webhook` sends it.

    secret     `whsec_` text that the vendor got with the reporter file
    authority  PEM of who vouches for the vendor's server; "" for the public ones
    """

    url: Annotated[str, Meta(max_length=500)]
    secret: Annotated[str, Meta(max_length=120)]
    authority: Annotated[str, Meta(max_length=20_000)] = ""


def subscribe(site: Site, vendor: str, address: Address, actor: str, now: datetime) -> None:
    """Send a vendor's reports there from now on, with all that still wait.

    raises  UnknownVendor; Malformed for no https address, no secret, or no certificate
    """
    _address(address.url)
    webhook.secret(address.secret, f"secret of {vendor}")
    _tls(address.authority)
    sealed = site.seal(address.secret.encode(), _what(vendor))
    with site.store.writing() as connection:
        vendors.anchors(connection, vendor)
        hook = Webhook(vendor, address.url, address.authority, sealed)
        outbox.set_webhook(connection, hook, now.timestamp())
        ledger.record(
            connection,
            "vendor.webhook",
            Stage.RESPOND,
            now,
            actor,
            (f"vendor:{vendor}",),
            f"reports to {vendor} go to {address.url}",
        )


def send_next(site: Site, now: datetime) -> str:
    """Send the report that is due; what became of it, "" when none is due."""
    with site.store.reading() as connection:
        found = outbox.due(connection, now.timestamp())
    if found is None:
        return ""
    report, hook = found
    try:
        fault = _posted(site, report, hook, now)
    except FirmwardError as error:
        # A secret that cannot be unsealed, say.  The other vendors' reports must still go out.
        fault = str(error)
    with site.store.writing() as connection:
        if not fault:
            outbox.change(
                connection, report.ticket, state="delivered", delivered_at=now.timestamp()
            )
            says = f"{report.vendor} has taken the report of ticket {report.ticket}"
            _note(connection, report, "incident.delivered", says, now)
        elif now.timestamp() - report.filed_at > PATIENCE.total_seconds():
            outbox.change(connection, report.ticket, state="given-up")
            says = f"{report.vendor} did not take the report of ticket {report.ticket}: {fault}"
            _note(connection, report, "incident.given-up", says, now)
            cause, subject = f"untold:{report.ticket}", f"tell {report.vendor} of {report.ticket}"
            about = (f"vendor:{report.vendor}",)
            tickets.file(connection, tickets.BIOMED, cause, subject, (says,), about, now)
        else:
            wait = min(_LONGEST_S, _FIRST_S * 2 ** min(report.attempts, 20))
            later = now.timestamp() + wait
            attempts = report.attempts + 1
            outbox.change(connection, report.ticket, attempts=attempts, next_at=later)
            says = f"{report.vendor} did not take ticket {report.ticket}: {fault}"
    return says


def _posted(site: Site, report: Report, hook: Webhook, now: datetime) -> str:
    """Send one request; "" once the vendor has taken it, or what went wrong."""
    secret = site.unseal(hook.sealed_secret, _what(report.vendor)).decode()
    key = webhook.secret(secret, f"secret of {report.vendor}")
    message = f"{site.settings.site}-{report.ticket}"
    headers = webhook.headers(key, message, report.body, now)
    try:
        with (
            # No proxy and no redirect: what we were told is where it goes.
            httpx.Client(verify=_tls(hook.authority), timeout=_TIMEOUT_S, trust_env=False) as http,
            http.stream("POST", hook.url, content=report.body, headers=headers) as response,
        ):
            return "" if response.is_success else f"it answered {response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return str(error)[:200] or type(error).__name__


def _note(connection: Connection, report: Report, kind: str, says: str, now: datetime) -> None:
    about = (f"ticket:{report.ticket}", f"vendor:{report.vendor}")
    ledger.record(
        connection,
        kind,
        Stage.RESPOND,
        now,
        "firmward",
        about,
        says[:300],
        attempts=report.attempts + 1,
    )


def _address(url: str) -> None:
    """Refuse what is no https address: a report in clear tells everybody of an open hole."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError as error:
        raise Malformed("webhook", "https://...", str(error)[:80]) from error
    here = parts.scheme == "http" and _loopback(parts.hostname or "")
    if not named or not (parts.scheme == "https" or here):
        raise Malformed("webhook", "https://HOST/...", repr(url[:80]))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise Malformed("webhook", "a PEM certificate", str(error)[:80]) from error


def _what(vendor: str) -> str:
    return f"webhook secret of {vendor}"

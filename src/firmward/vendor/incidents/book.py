"""The vendor's book of incidents: every report as it was signed, kept for ever.

HOME/hospitals/NAME.json   whose reports are believed: verdict key and webhook secret
HOME/incidents/NAME.json   one sealed report each, never rewritten

If written to, its thief can hide or invent what must be answered; each report proves itself again
whenever it is read.
"""

from base64 import b64decode
from pathlib import Path
from typing import Final

from firmward.proof import keys
from firmward.proof.envelope import LIMIT, unseal
from firmward.terms.errors import Malformed, Misuse, NotTrusted, Unavailable
from firmward.terms.incident import INCIDENT, Incident, Reporter
from firmward.terms.statement import STATEMENT_PAYLOAD, Statement
from firmward.terms.wire import convert, decode, encode, parse
from firmward.vendor import durable

HOSPITALS: Final = "hospitals"
INCIDENTS: Final = "incidents"


class Book:
    """The incidents in a vendor's home."""

    def __init__(self, home: Path):
        self._hospitals, self._incidents = home / HOSPITALS, home / INCIDENTS

    def trust(self, reporter: Reporter) -> Path:
        """Believe a hospital from now on.  Raises Misuse for one that is known already."""
        keys.public_key(reporter.verdict_key, f"key of {reporter.hospital}")
        path = self._hospitals / f"{reporter.hospital}.json"
        if not durable.create(path, encode(reporter), 0o600):
            raise Misuse(f"{path}: expected a hospital not known yet; remove it to change a key")
        return path

    def reporter(self, hospital: str) -> Reporter:
        """Who a hospital is.  Raises NotTrusted for an unknown one."""
        found = {path.stem: path for path in self._hospitals.glob("*.json")}
        if hospital not in found:
            raise NotTrusted("incident", f"expected a known hospital, got {hospital[:64]!r}")
        return decode(_read(found[hospital]), Reporter, f"hospital {hospital}")

    def receive(self, data: bytes, vendor: str = "") -> tuple[Incident, bool]:
        """Keep a sealed report; the incident, and whether it is new.

        vendor  refuse what is addressed to another one
        raises  Malformed; NotTrusted for a report that no known hospital signed.  Then nothing is
                kept.
        """
        incident = self._opened(data)
        if vendor and incident.vendor != vendor:
            raise NotTrusted(incident.name, f"expected a report to {vendor}, not {incident.vendor}")
        path = self._incidents / f"{incident.name}.json"
        if durable.create(path, data, 0o600):
            return incident, True
        if _read(path) != data and self._opened(_read(path)) != incident:
            raise NotTrusted(incident.name, "expected what was reported before under this number")
        return incident, False

    def all(self) -> tuple[Incident, ...]:
        """Every incident, by name, each verified again.  Raises NotTrusted, Malformed."""
        return tuple(self._opened(_read(path)) for path in sorted(self._incidents.glob("*.json")))

    def _opened(self, data: bytes) -> Incident:
        """The incident in an envelope, signed by the hospital that it names."""
        hospital = _named(data)
        key = keys.public_key(self.reporter(hospital).verdict_key, f"key of {hospital}")
        payload = unseal(data, STATEMENT_PAYLOAD, [key], "incident")
        incident = _incident(payload)
        if incident.hospital != hospital:
            raise NotTrusted("incident", "expected the hospital whose key signed it")
        return incident


def _named(data: bytes) -> str:
    """Whose key to try: read before anything is verified, so good for nothing else."""
    try:
        payload = b64decode(parse(data, "incident", limit=LIMIT, longest=LIMIT)["payload"])
        return str(parse(payload, "incident", limit=LIMIT)["predicate"]["hospital"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("incident", "a DSSE envelope with an incident", str(error)[:80]) from error


def _incident(payload: bytes) -> Incident:
    statement = convert(parse(payload, "incident", limit=LIMIT), Statement, "incident")
    if statement.predicate_type != INCIDENT:
        raise NotTrusted("incident", f"expected {INCIDENT}, got {statement.predicate_type}")
    return convert(statement.predicate, Incident, "incident")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error

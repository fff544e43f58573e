"""Verdicts read back from a site's store: as cases, as pages, and as the year that was."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from securesystemslib.signer import Key
from sqlalchemy import Connection

from firmward.hospital.gate.adoption import Stands
from firmward.hospital.gate.diamond import Diamond, Edge, Way, diamond
from firmward.hospital.gate.exceptions.request import Request
from firmward.hospital.gate.impact import Past
from firmward.hospital.gate.judge import reopen
from firmward.hospital.gate.replay import Case
from firmward.hospital.records import cases, devices, exceptions, verdicts, watched
from firmward.hospital.records.devices import Device
from firmward.hospital.records.verdicts import Verdict
from firmward.proof import keys
from firmward.terms.errors import Unavailable
from firmward.terms.wire import decode

_ROUND: Final = re.compile(r"#[0-9]+\Z")
_SECTIONS: Final = 512


def case_of(connection: Connection, found: Verdict, verifier: str, key: Key) -> Case:
    """Everything that a verdict was reached from.

    verifier, key  who the gate is, and its public key
    raises         Unavailable for what is not kept any more, NotTrusted for what was changed
    """
    held = verdicts.every_part(connection, found.parts.values())
    return Case(
        release=found.release,
        device_class=found.device_class,
        at=reopen(found.rulings).at,
        verifier=verifier,
        evidence={name: held[digest].decode() for name, digest in found.parts.items()},
        digests=dict(found.parts),
        policy=verdicts.policy(connection, found.policy).decode(),
        exceptions=applied(connection, found),
        judgement=found.rulings.decode(),
        envelope=found.envelope.decode(),
        key=keys.public_document(key),
    )


def applied(connection: Connection, found: Verdict) -> tuple[Request, ...]:
    """The requests behind the exceptions of a verdict, oldest first.  Raises Unavailable."""
    filed = [exceptions.find(connection, name) for name in found.exceptions]
    if None in filed:
        raise Unavailable(
            f"verdict {found.number}: expected each exception that it names, got less"
        )
    known = sorted((each for each in filed if each is not None), key=lambda each: each.number)
    return tuple(decode(each.body, Request, each.request) for each in known)


def diamond_of(connection: Connection, found: Verdict) -> Diamond:
    """A verdict by its corners, and what became of it."""
    return diamond(reopen(found.rulings), edge_of(connection, found), found.number)


def edge_of(connection: Connection, found: Verdict) -> Edge:
    """Where a verdict led: to delivery, or to a refusal or revocation with its tickets."""
    if found.admitted:
        return Edge("delivery")
    # A ticket is for a cause, which may be the same for many releases.
    causes = set(watched.revoked_by(connection, (found.release, found.device_class)))
    numbers = (
        each.ticket
        for each in cases.tickets(connection)
        if found.release in each.cause.split(":") or _ROUND.sub("", each.cause) in causes
    )
    way: Way = "revoked" if verdicts.admitted_before(connection, found) else "refused"
    return Edge(way, tuple(numbers))


def newest(connection: Connection, release: str, device_class: str = "") -> list[Verdict]:
    """The newest verdict on a release for each class, or for one, by class."""
    numbers = verdicts.newest_numbers(connection, release)
    wanted = [numbers[name] for name in sorted(numbers) if device_class in ("", name)]
    return [verdicts.find(connection, number) for number in wanted]


def standing(connection: Connection) -> Iterator[Stands]:
    """Every release that may be delivered, for each class, by the verdict it stands on."""
    classes: dict[str, list[Device]] = {}
    for device in devices.every(connection):
        classes.setdefault(device.device_class, []).append(device)
    for each in verdicts.standings(connection):
        if each.state != "eligible":
            continue
        judgement = reopen(verdicts.find(connection, each.verdict).rulings)
        alike = classes.get(each.device_class, [])
        yield Stands(
            release=each.release,
            device_class=each.device_class,
            vendor=judgement.vendor,
            warnings=judgement.warnings,
            running=frozenset(one.device for one in alike if one.release == each.release),
            reached=frozenset(one.device for one in alike),
        )


def pasts(connection: Connection, numbers: Iterable[int]) -> Iterator[Past]:
    """Verdicts as they were reached, to be reached again under another policy."""
    held: dict[str, bytes] = {}
    for number in numbers:
        found = verdicts.find(connection, number)
        lacking = [digest for digest in found.parts.values() if digest not in held]
        if len(held) > _SECTIONS:
            held, lacking = {}, list(found.parts.values())
        # Most of a document is the same from one class and one day to the next.
        held |= verdicts.every_part(connection, lacking)
        pieces = {name: held[digest] for name, digest in found.parts.items()}
        yield Past(number, reopen(found.rulings), pieces, applied(connection, found))


def listed(found: Verdict) -> dict[str, object]:
    """A verdict in a line of a list."""
    counted = reopen(found.rulings)
    return {
        "verdict": found.number,
        "release": found.release,
        "class": found.device_class,
        "moment": found.moment,
        "admitted": found.admitted,
        "against": [each.rule for each in counted.blocking],
        "warns": [each.rule for each in counted.warnings],
        "policy": found.policy,
        "at": datetime.fromtimestamp(found.at, UTC).isoformat(),
    }

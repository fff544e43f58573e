"""What each verdict is filed under, so that what changes later finds it: in the same transaction.

A release is watched under the keys by which advisories find its components, and under its CVEs;
a (release, class) also at the next moment at which time alone can change its answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from firmward.advisories.aliases import table
from firmward.advisories.identity import Component, identify
from firmward.advisories.index import Index
from firmward.advisories.keys import id_key
from firmward.advisories.records import Record
from firmward.hospital.gate.again import dangers, gist, next_look, vulnerabilities
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.evidence import Surveyed
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.gate.policy import Policy
from firmward.hospital.gate.remembered import remembered
from firmward.hospital.gate.risk.matrix import LIKELY, NOTICED
from firmward.hospital.records import exceptions as requests
from firmward.hospital.records import exposures, watched
from firmward.hospital.records.verdicts import Standing
from firmward.hospital.records.watched import Mark
from firmward.terms.wire import encode, parse

_ID: Final = id_key("")


def enrol(connection: Connection, surveyed: Surveyed, parameters: Mapping[str, Any]) -> None:
    """Watch a release that came in, under everything that its SBOM names."""
    release = surveyed.verified.release
    watched.remember(connection, release, encode(remembered(surveyed)))
    keys = component_keys(surveyed.readings.components())
    new = watched.watch(connection, release, keys)
    watched.mark(connection, marks(surveyed.advisories, new, parameters))


def follow(
    connection: Connection,
    policy: Policy,
    advisories: Index | None,
    evidence: Evidence,
    judgement: Judgement,
    standing: Standing,
    now: datetime,
) -> None:
    """Watch what a verdict that was just kept rests on, and what runs in spite of it."""
    release, name = judgement.release, judgement.device_class
    names = {id_key(each.id) for each in vulnerabilities(evidence)}
    new = watched.watch(connection, release, names)
    watched.mark(connection, marks(advisories, new, policy.parameters))
    pair = release, name
    if standing.state == "refused":
        return
    ends = [next_look(evidence, judgement, policy, now), *_ends(connection, judgement, now)]
    if standing.deadline > now.timestamp():
        ends.append(datetime.fromtimestamp(standing.deadline, now.tzinfo))
    watched.look_at(connection, pair, min(ends).timestamp(), gist(judgement.rulings))
    endanger(connection, pair, evidence, standing.state == "revoked", now)
    seen = evidence.sources.get("advisories", "").removeprefix("sha256:")
    if seen and seen != (watched.noted(connection, "advisories") or seen):
        # Judged with one index while another took its place.
        watched.ask_again(connection, {pair: ("advisories",)}, now.timestamp())
    if standing.state == "revoked" and not watched.revoked_by(connection, pair):
        watched.ask_again(connection, {pair: (f"{judgement.moment}:{release}",)}, now.timestamp())


def endanger(
    connection: Connection, pair: watched.Pair, evidence: Evidence, revoked: bool, now: datetime
) -> None:
    """Open and close windows for the devices that run the release."""
    found = dangers(evidence) + ([f"revoked:{pair[0]}"] if revoked else [])
    if exposures.endanger(connection, *pair, found):
        for device in exposures.running(connection, *pair):
            exposures.follow(connection, device, now.timestamp())


def _ends(connection: Connection, judgement: Judgement, now: datetime) -> list[datetime]:
    """When the exceptions that a judgement leans on run out."""
    found = []
    for name in judgement.exceptions:
        filed = requests.find(connection, name)
        if filed is not None:
            ends = datetime.fromisoformat(parse(filed.body, name)["expires"])
            found.append(ends)
    return [at for at in found if at > now]


def component_keys(components: Iterable[Component]) -> set[str]:
    """Everything under which an advisory about one of these is found."""
    known = table()
    return {key for component in components for key in identify(component, known).keys}


def marks(
    advisories: Index | None, keys: Sequence[str], parameters: Mapping[str, Any]
) -> dict[str, Mark]:
    """What the advisories say under each of these keys."""
    if advisories is None or not keys:
        return dict.fromkeys(keys, Mark())
    records = advisories.by_key(keys)
    catalogue, limits = advisories.catalogue(), epss_limits(parameters)
    digests: dict[tuple[str, str], bytes] = {}
    found = {}
    for key in keys:
        name = key.removeprefix(_ID) if key.startswith(_ID) else ""
        found[key] = Mark(
            records=_digest(records.get(key, ()), digests),
            exploited=name in catalogue,
            likely=_likely(advisories, name, limits) if name.startswith("CVE-") else -1,
        )
    return found


def _digest(records: Sequence[Record], known: dict[tuple[str, str], bytes]) -> str:
    for record in records:
        if (record.source, record.id) not in known:
            body = msgspec.msgpack.encode(record)
            known[record.source, record.id] = blake2b(body, digest_size=16).digest()
    parts = sorted(known[record.source, record.id] for record in records)
    return blake2b(b"".join(parts), digest_size=16).hexdigest() if parts else ""


def _likely(advisories: Index, cve: str, limits: Sequence[float]) -> int:
    said = advisories.likelihood(cve)
    return -1 if said is None else sum(said.epss >= limit for limit in limits)


def epss_limits(parameters: Mapping[str, Any]) -> list[float]:
    """Every EPSS at which a rule or the matrix answers otherwise."""
    limit, zones = parameters.get("epss_limit", 0.0), parameters.get("exposure", {})
    found = {LIKELY, NOTICED} | {limit / share for share in zones.values() if share}
    return sorted(found)

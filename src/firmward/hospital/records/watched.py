"""What every standing verdict depends on, filed so that a change finds the verdicts it concerns.

key  -> releases           advisories: under which keys their records and CVEs are found
time -> (release, class)   when the passing of time alone can turn the answer
again                      what has been found and waits to be judged again
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from firmward.hospital.records import tables as settings
from firmward.hospital.records import verdict_tables as tables
from firmward.terms.wire import encode

_MANY = 500
_MOST_CAUSES = 32


@dataclass(frozen=True)
class Mark:
    """What the advisories say under one key.

    records    digest of every record that is filed there
    exploited  the key names a CVE in the catalogue of the exploited
    likely     which of the policy's limits its EPSS reaches: how many of them
    """

    records: str = ""
    exploited: bool = False
    likely: int = -1


@dataclass(frozen=True)
class Due:
    """A release to be judged again for a class, and because of what."""

    release: str
    device_class: str
    causes: tuple[str, ...]


Pair = tuple[str, str]
"""Release, device class."""


def watch(connection: Connection, release: str, keys: Iterable[str]) -> list[str]:
    """From now on a change under these keys concerns the release; gives those without a mark."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    row = upsert(tables.watched_key).on_conflict_do_nothing()
    connection.execute(row, [{"key": key, "release": release} for key in wanted])
    known: set[str] = set()
    at = tables.watched_mark.c
    for some in _chunks(wanted):
        known |= set(connection.execute(select(at.key).where(at.key.in_(some))).scalars())
    return [key for key in wanted if key not in known]


def releases_under(connection: Connection, key: str) -> list[str]:
    """The releases that a change under this key concerns."""
    at = tables.watched_key.c
    return list(connection.execute(select(at.release).where(at.key == key)).scalars())


def marks(connection: Connection) -> dict[str, Mark]:
    """Every watched key with what was last seen there."""
    at = tables.watched_mark.c
    rows = connection.execute(select(at.key, at.records, at.exploited, at.likely))
    return {key: Mark(records, exploited, likely) for key, records, exploited, likely in rows}


def mark(connection: Connection, seen: Mapping[str, Mark]) -> None:
    """Note what is seen under these keys now."""
    if not seen:
        return
    row = upsert(tables.watched_mark)
    row = row.on_conflict_do_update(
        index_elements=["key"],
        set_={name: row.excluded[name] for name in ("records", "exploited", "likely")},
    )
    connection.execute(row, [{"key": key, **vars(one)} for key, one in seen.items()])


def remember(connection: Connection, release: str, body: bytes) -> None:
    """Keep what the bundle of a release said, in the place of what was kept of it before."""
    row = upsert(tables.watched_release).values(release=release, body=body)
    connection.execute(row.on_conflict_do_update(index_elements=["release"], set_={"body": body}))


def remembered(connection: Connection, release: str) -> bytes:
    """What the bundle of a release said; b"" where that was not kept."""
    at = tables.watched_release.c
    return connection.execute(select(at.body).where(at.release == release)).scalar() or b""


def look_at(connection: Connection, pair: Pair, at: float, gist: bytes) -> None:
    """Ask again at this time, whatever else happens until then; gist is every rule's word."""
    row = upsert(tables.watched_time).values(
        release=pair[0], device_class=pair[1], at=at, gist=gist
    )
    changed = {"at": at, "gist": gist}
    connection.execute(
        row.on_conflict_do_update(index_elements=["release", "device_class"], set_=changed)
    )


@dataclass(frozen=True)
class Last:
    """How a pair stands and what its last verdict was reached from, for judging it again."""

    release: str
    device_class: str
    state: str
    verdict: int
    since: float
    deadline: float
    parts: bytes
    policy: str
    gist: bytes


def lasts(connection: Connection, releases: Iterable[str]) -> dict[Pair, Last]:
    """Every pair of these releases that has a verdict."""
    standing, verdict, time = tables.standing.c, tables.verdict.c, tables.watched_time.c
    query = (
        select(
            *(standing.release, standing.device_class, standing.state, standing.verdict),
            *(standing.since, standing.deadline, verdict.parts, verdict.policy, time.gist),
        )
        .join(tables.verdict, verdict.number == standing.verdict)
        .outerjoin(
            tables.watched_time,
            (time.release == standing.release) & (time.device_class == standing.device_class),
        )
    )
    found: dict[Pair, Last] = {}
    for some in _chunks(sorted(set(releases))):
        for row in connection.execute(query.where(standing.release.in_(some))):
            found[row[0], row[1]] = Last(*row[:8], row[8] or b"")
    return found


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _MANY):
        yield names[start : start + _MANY]


def ripe(connection: Connection, now: float) -> list[Pair]:
    """Every pair whose time has come and that is not waiting already."""
    at, waiting = tables.watched_time.c, tables.again.c
    query = (
        select(at.release, at.device_class)
        .outerjoin(
            tables.again,
            (waiting.release == at.release) & (waiting.device_class == at.device_class),
        )
        .where(at.at <= now, waiting.release.is_(None))
        .order_by(at.at)
    )
    return [(release, name) for release, name in connection.execute(query)]


def ask_again(connection: Connection, found: Mapping[Pair, Iterable[str]], at: float) -> None:
    """Put pairs on the list; one that waits already waits for these causes as well."""
    if not found:
        return
    held = {(due.release, due.device_class): due.causes for due in waiting(connection)}
    rows = [
        {
            "release": release,
            "device_class": name,
            "causes": encode(_joined(held.get((release, name), ()), causes)),
            "at": at,
        }
        for (release, name), causes in found.items()
    ]
    row = upsert(tables.again)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["release", "device_class"], set_={"causes": row.excluded.causes}
        ),
        rows,
    )


def _joined(held: Iterable[str], new: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*held, *new)))[:_MOST_CAUSES]


def waiting(connection: Connection, by: float = 1e12, limit: int = -1) -> list[Due]:
    """What is to be judged again by a time, the oldest first, releases together."""
    at = tables.again.c
    query = select(at.release, at.device_class, at.causes).where(at.at <= by)
    rows = connection.execute(query.order_by(at.at, at.release).limit(limit))
    return [Due(release, name, tuple(json.loads(causes))) for release, name, causes in rows]


def count(connection: Connection) -> int:
    """How much waits."""
    return connection.execute(select(func.count()).select_from(tables.again)).scalar() or 0


def waits(connection: Connection, pair: Pair) -> bool:
    """Whether a pair is on the list."""
    at = tables.again.c
    query = select(at.at).where(at.release == pair[0], at.device_class == pair[1])
    return connection.execute(query).first() is not None


def done(connection: Connection, pair: Pair) -> None:
    """It has been judged again."""
    at = tables.again.c
    connection.execute(
        delete(tables.again).where(at.release == pair[0], at.device_class == pair[1])
    )


def revoked_by(connection: Connection, pair: Pair) -> list[str]:
    """What took a release's standing for a class from it."""
    at = tables.revocation.c
    query = select(at.cause).where(at.release == pair[0], at.device_class == pair[1])
    return list(connection.execute(query.order_by(at.cause)).scalars())


def revoke(connection: Connection, pair: Pair, causes: Iterable[str]) -> None:
    """Note what took it."""
    rows = [{"release": pair[0], "device_class": pair[1], "cause": cause} for cause in causes]
    if rows:
        connection.execute(upsert(tables.revocation).on_conflict_do_nothing(), rows)


def restore(connection: Connection, pair: Pair) -> None:
    """It has its standing back."""
    at = tables.revocation.c
    connection.execute(
        delete(tables.revocation).where(at.release == pair[0], at.device_class == pair[1])
    )


def noted(connection: Connection, name: str) -> str:
    """A setting of the triggers' own: how far they have looked."""
    at = settings.setting.c
    value = connection.execute(select(at.value).where(at.name == f"standing.{name}")).scalar()
    return "" if value is None else value.decode()


def note(connection: Connection, name: str, value: str) -> None:
    """Note how far the triggers have looked."""
    at = settings.setting
    connection.execute(delete(at).where(at.c.name == f"standing.{name}"))
    connection.execute(insert(at).values(name=f"standing.{name}", value=value.encode()))

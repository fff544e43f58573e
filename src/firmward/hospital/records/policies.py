"""What policy a site has judged by: the highest version of each pack and overlay so far.

A row only moves upward, with an event in the same transaction.  Whoever restores an older store
takes these back too; the ledger notices that (`records.ledger`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from firmward.hospital.records import ledger, tables
from firmward.terms.stage import Stage


@dataclass(frozen=True)
class Used:
    """A pack or overlay that a site judges by.

    name     pack:<id>, overlay:<id>, or keys:policy for whose signatures count
    sha256   digest of its manifest
    changes  what it sets, in words; the keys' ids; empty for a pack
    """

    name: str
    version: str
    sha256: str
    changes: tuple[str, ...] = ()


def remembered(connection: Connection) -> dict[str, Used]:
    """Name -> what the site used of it last."""
    at = tables.policy_version.c
    rows = connection.execute(select(at.name, at.version, at.sha256))
    return {name: Used(name, version, sha256) for name, version, sha256 in rows}


def remember(connection: Connection, used: Sequence[Used], site: str, now: datetime) -> list[str]:
    """Keep what the site judges by from now on; gives the names of what changed.

    The caller MUST have refused what is older than remembered.
    """
    before = remembered(connection)
    changed = []
    for one in used:
        last = before.get(one.name)
        if last is not None and (last.version, last.sha256) == (one.version, one.sha256):
            continue
        _keep(connection, one, now)
        _tell(connection, one, last, site, now)
        changed.append(one.name)
    return changed


def _keep(connection: Connection, one: Used, now: datetime) -> None:
    values = {"version": one.version, "sha256": one.sha256, "at": now.timestamp()}
    row = insert(tables.policy_version).values(name=one.name, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def _tell(connection: Connection, one: Used, last: Used | None, site: str, now: datetime) -> None:
    ledger.record(
        connection,
        "policy.changed" if last else "policy.adopted",
        Stage.GATE,
        now,
        "firmward",
        (f"policy:{one.name}", f"site:{site}"),
        _says(one, last),
        name=one.name,
        version=one.version,
        sha256=one.sha256,
        before=last.version if last else "",
        sets=one.changes,
    )


def _says(one: Used, last: Used | None) -> str:
    if one.name.startswith("keys:"):
        other = "other" if last else "these"
        return f"policy counts once {one.version} of {other} keys sign it: {', '.join(one.changes)}"
    sets = f", setting {'; '.join(one.changes)}" if one.changes else ""
    instead = f" instead of {last.version}" if last else ""
    return f"the gate judges by {one.name.replace(':', ' ', 1)} {one.version}{instead}{sets}"

"""What has changed since the triggers last looked, and whom it concerns: found through the index.

Each trigger only puts (release, class) pairs on the list; `standing` judges them again.  How far
each has looked is a row of the same transaction, so that a server killed in between looks again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from firmward.advisories.index import Index
from firmward.hospital import watching
from firmward.hospital.gate import again
from firmward.hospital.gate import policy as policies
from firmward.hospital.gate.policy import Policy
from firmward.hospital.gate.remembered import listing, reopened, told
from firmward.hospital.records import exposures, ledger, releases, vendors, verdicts, watched
from firmward.hospital.records.watched import Mark, Pair
from firmward.terms.event import Event
from firmward.terms.names import split_release

Found = dict[Pair, list[str]]
_EVENTS: Final = 2000


def standing_pairs(connection: Connection, release: str = "") -> list[verdicts.Standing]:
    """Those that are judged again: what was never eligible has to come in anew."""
    return [each for each in verdicts.standings(connection, release) if each.state != "refused"]


def look(connection: Connection, policy: Policy, advisories: Index | None, now: datetime) -> None:
    """Everything that may have changed, put on the list."""
    if advisories is not None:
        of_advisories(connection, advisories, policy, now)
    of_policy(connection, policy, now)
    of_events(connection, now)
    ripe = watched.ripe(connection, now.timestamp())
    watched.ask_again(connection, dict.fromkeys(ripe, ("time",)), now.timestamp())


def of_advisories(connection: Connection, advisories: Index, policy: Policy, now: datetime) -> int:
    """What the advisories say otherwise than when they were last looked at; how many keys."""
    digest = advisories.digest()
    if watched.noted(connection, "advisories") == digest:
        return 0
    before = watched.marks(connection)
    seen = watching.marks(advisories, list(before), policy.parameters)
    changed = {key: mark for key, mark in seen.items() if mark != before[key]}
    found: Found = {}
    for key, mark in sorted(changed.items()):
        causes = tuple(_said(key, before[key], mark))
        for release in watched.releases_under(connection, key):
            for standing in standing_pairs(connection, release):
                found.setdefault((release, standing.device_class), []).extend(causes)
    watched.mark(connection, changed)
    watched.note(connection, "advisories", digest)
    watched.ask_again(connection, found, now.timestamp())
    return len(changed)


def _said(key: str, old: Mark, new: Mark) -> Iterable[str]:
    name = key.removeprefix("id:")
    if old.exploited != new.exploited:
        yield f"kev:{name}"
    if old.likely != new.likely:
        yield f"epss:{name}"
    if old.records != new.records:
        yield f"vuln:{name}" if key.startswith("id:") else f"advisory:{name}"


def of_policy(connection: Connection, policy: Policy, now: datetime) -> None:
    """Packs or overlays that were adopted: every pair for which a rule asks otherwise."""
    before = watched.noted(connection, "policy")
    if before == policy.sha256:
        return
    # Kept though nothing was judged by it yet: the next one is compared with it.
    verdicts.keep_policy(connection, policy.sha256, policy.encoded)
    watched.note(connection, "policy", policy.sha256)
    if not before:
        return
    old = policies.reopen(verdicts.policy(connection, before))
    cause = f"policy:{policy.sha256[:16]}"
    concerned: dict[int, bool] = {}
    found: Found = {}
    for standing in standing_pairs(connection):
        tier = int(standing.device_class.rpartition("-")[2])
        if tier not in concerned:
            concerned[tier] = again.concerns(old, policy, tier)
        if concerned[tier]:
            found[standing.release, standing.device_class] = [cause]
    watched.ask_again(connection, found, now.timestamp())


def of_events(connection: Connection, now: datetime) -> None:
    """What stands on the ledger since the last look: declarations, vendors, exceptions, devices."""
    start = int(watched.noted(connection, "events") or 0)
    found: Found = {}
    events = ledger.events_from(connection, start, _EVENTS)
    for _, event in events:
        if event.kind.startswith("device.") and event.kind not in ("device.expected",):
            exposures.follow(connection, event.subjects[0], event.at.timestamp())
        elif event.kind in _ABOUT:
            for pair, cause in _ABOUT[event.kind](connection, event):
                found.setdefault(pair, []).append(cause)
    if events:
        watched.note(connection, "events", str(events[-1][0] + 1))
    watched.ask_again(connection, found, now.timestamp())


def _declared(connection: Connection, event: Event) -> Iterable[tuple[Pair, str]]:
    """About the site, a product, or a class."""
    about = event.subjects[0]
    recall = any(path == "regulatory.open_recalls" for path in _paths(event))
    cause = f"{'recall' if recall else 'declaration'}:{about}"
    for each in standing_pairs(connection):
        product = split_release(each.release)[0]
        if about in ("site", product, each.device_class):
            yield (each.release, each.device_class), cause


def _paths(event: Event) -> tuple[str, ...]:
    paths = event.detail.get("paths", ())
    return tuple(map(str, paths)) if isinstance(paths, tuple) else ()


def _excepted(connection: Connection, event: Event) -> Iterable[tuple[Pair, str]]:
    cause = next((s for s in event.subjects if s.startswith("exception:")), "exception:")
    for release in event.subjects:
        for each in standing_pairs(connection, release):
            yield (each.release, each.device_class), cause


def _renewed(connection: Connection, event: Event) -> Iterable[tuple[Pair, str]]:
    """Those that lack their standing, and those of which the vendor says otherwise now."""
    vendor = next((s for s in event.subjects if s.startswith("vendor:")), "").partition(":")[2]
    said = told(vendors.kept(connection, vendor)["targets"])
    for release in releases.every(connection):
        if release.vendor != vendor or release.state != "admitted":
            continue
        kept = reopened(watched.remembered(connection, release.release))
        other = kept and kept.listing != listing(said, release.release, kept.fallback)
        for each in standing_pairs(connection, release.release):
            if other or each.state == "revoked":
                yield (each.release, each.device_class), f"metadata:{vendor}"


_ABOUT: Final[dict[str, Callable[[Connection, Event], Iterable[tuple[Pair, str]]]]] = {
    "declaration.made": _declared,
    "exception.granted": _excepted,
    "exception.voided": _excepted,
    "vendor.renewed": _renewed,
    "release.recorded": _renewed,
}


def shown(connection: Connection) -> dict[str, object]:
    """How far the triggers have looked, and how much waits."""
    names = ("advisories", "policy", "events")
    looked = {name: watched.noted(connection, name) for name in names}
    return {**looked, "waiting": watched.count(connection)}

"""Beginning a roll-out: an admitted release that devices here may take, and none is under way."""

import os
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.fleet import rollout as planner
from firmward.hospital.records import devices, ledger, releases, rollouts, verdicts
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.terms.stage import Stage
from firmward.terms.wire import encode

# A member is at most 90 + 1 + 230 characters, so 150 of them fit an entry of 65,535 bytes.
_MEMBERS = 150


def begin(connection: Connection, site: Site, now: datetime) -> list[str]:
    """Draw a roll-out for each product that is due one; gives their names.

    At most one runs per product, so that a device is never in two and a cohort compares one change.
    """
    busy = {row.product for row in rollouts.every(connection, "running")}
    rolled = {row.release for row in rollouts.every(connection)}
    due: dict[str, Release] = {}
    for release in releases.every(connection):
        if release.state != "admitted" or release.release in rolled:
            continue
        if not release.image_claim.fallback_of:
            due[release.product] = release  # by counter: the newest wins
    return [
        name
        for product, release in due.items()
        if product not in busy and (name := _draw(connection, site, release, now))
    ]


def _draw(connection: Connection, site: Site, release: Release, now: datetime) -> str:
    claim, settings = release.image_claim, site.settings
    eligible = {
        standing.device_class
        for standing in verdicts.standings(connection, release.release)
        if standing.state == "eligible"
    }
    members = [
        planner.Member(device.device, f"{device.product}|{device.ward_kind}|{device.release}")
        for device in devices.every(connection, release.product)
        if device.status == "active"
        and device.release in claim.predecessors
        and device.hardware_id in claim.hardware_ids
        and device.device_class in eligible
    ]
    if not members:
        return ""
    seed = os.urandom(32).hex()
    name = f"rollout:{release.release}"
    terms = planner.Terms(
        shares=settings.shares,
        alpha=settings.alpha,
        looks_s=settings.looks_s,
        settle_s=settings.settle_s,
        failed_share=settings.failed_share,
    )
    plan = planner.draw(name, release.release, release.fallback, members, seed, terms)
    body = encode(planner.Progress(plan=plan))
    row = rollouts.Row(
        name, release.release, release.product, "running", body, b"", now.timestamp()
    )
    rollouts.add(connection, row)
    ledger.record(
        connection,
        "rollout.drawn",
        Stage.ROLLOUT,
        now,
        "firmward",
        (release.release, name),
        f"{release.release} goes to {len(members)} devices in {len(plan.waves)} waves",
        seed=seed,
        alpha=terms.alpha,
        shares=terms.shares,
    )
    for start in range(0, len(plan.members), _MEMBERS):
        some = plan.members[start : start + _MEMBERS]
        ledger.record(
            connection,
            "rollout.members",
            Stage.ROLLOUT,
            now,
            "firmward",
            (release.release, name),
            f"devices {start + 1} to {start + len(some)} of {len(plan.members)}",
            members=tuple(f"{member.device}={member.stratum}" for member in some),
        )
    return name

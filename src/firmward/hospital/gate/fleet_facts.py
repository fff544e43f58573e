"""What the records say of each class of devices that a release could go to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from firmward.hospital.gate.here import ClassFacts, Said, Use
from firmward.hospital.gate.known import Known
from firmward.hospital.gate.listed import Compatible
from firmward.hospital.gate.readings import Origin
from firmward.hospital.records import declarations, devices, releases
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.terms.names import split_release
from firmward.terms.onboarding import Product


@dataclass(frozen=True)
class _Beside:
    """What runs beside a product: see ClassFacts."""

    peers: tuple[Compatible, ...]
    needed_by: tuple[Compatible, ...]


def classes(
    connection: Connection,
    site: Site,
    product: Product,
    without: str,
    now: datetime,
    use: Use | None = None,
) -> list[ClassFacts]:
    """Every class of a product's devices here, at least one; what comes in first meets no device.

    without  devices that run this release already are left out: they have nothing to take it from
    """
    every = [d for d in devices.every(connection) if d.status != "retired"]
    grouped: dict[tuple[str, int], list[Device]] = {}
    for device in every:
        if device.product == product.product:
            grouped.setdefault((device.hardware_id, device.tier), []).append(device)
    said = _said(connection)
    beside = _beside(connection, every, product.product)
    found = [
        _facts(site, product, members, without, now, said, beside, use)
        for _, members in sorted(grouped.items())
    ]
    return found or [_facts(site, product, [], without, now, said, beside, use)]


def narrow(device: Device, in_use: bool | None, now: datetime) -> dict[str, Known[Any] | UnsetType]:
    """What differs from its class's document in one for a single device.

    in_use  None where nothing recent is known of it: a rule that asks then has no answer
    """
    ours = Origin("measured", "", "", now)
    return {
        "device.releases": ours((device.release,) if device.release else ()),
        "device.security_version": ours(device.floor),
        "device.in_clinical_use": UNSET if in_use is None else ours(in_use),
    }


def _facts(
    site: Site,
    product: Product,
    members: Sequence[Device],
    without: str,
    now: datetime,
    said: Sequence[Said],
    beside: _Beside,
    use: Use | None,
) -> ClassFacts:
    running = {d.release for d in members if d.release} - {without}
    facts = ClassFacts(
        site=site.settings.site,
        product=product.product,
        model=product.model,
        # Without devices it is not known how grave the use will be.
        tier=members[0].tier if members else 1,
        jurisdictions=site.settings.jurisdictions,
        hardware_ids=tuple(sorted({d.hardware_id for d in members})),
        releases=tuple(sorted(running)),
        highest_counter=max((d.floor for d in members), default=0),
        observed_at=now,
        peers=beside.peers,
        needed_by=beside.needed_by,
        use=use or Use(),
    )
    near = ["site", facts.product, facts.name]
    mine = [each for each in said if each.about in near]
    return msgspec.structs.replace(
        facts, said=tuple(sorted(mine, key=lambda each: near.index(each.about)))
    )


def _said(connection: Connection) -> list[Said]:
    return [msgspec.json.decode(body, type=Said) for _, body in declarations.newest(connection)]


def _beside(connection: Connection, every: Iterable[Device], product: str) -> _Beside:
    """Every other product in use here with each version of it that runs, and what those need."""
    running = {device.release for device in every if device.product != product and device.release}
    peers = {split_release(release)[:2] for release in running}
    return _Beside(
        peers=tuple(Compatible(name=name, since=at, until="") for name, at in sorted(peers)),
        needed_by=tuple(_needs(connection, sorted(running), product)),
    )


def _needs(connection: Connection, running: Iterable[str], product: str) -> Iterator[Compatible]:
    """What releases that run here ask of this product.  One that was never judged asks nothing."""
    for name in running:
        release = releases.find(connection, name)
        if release is None:
            continue
        claim = release.image_claim
        for need in (*claim.requires, *(r for part in claim.components for r in part.requires)):
            if need.name == product:
                yield Compatible(name=name, since=need.since, until=need.until)

"""The closed loop on real parts: source to devices and back, with no step by hand."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.pipeline.campaign import FROZEN, FROZEN_BACK, monitor_frozen
from typer.main import get_command
from typer.testing import CliRunner

from firmward.hospital.cli import app
from firmward.hospital.fleet import orders
from firmward.hospital.records import devices, releases
from firmward.hospital.records.site import open_site
from firmward.hospital.web.access import ACCESS
from firmward.lab import demo
from firmward.lab.acts.releases import (
    PUMP_1,
    PUMP_2,
    PUMP_3,
    PUMP_EXPLOITED,
    Made,
    pump_exploited,
    pump_patch,
)
from firmward.lab.fleet import wait_until
from firmward.lab.scenario import Stage
from firmward.proof.repository import Lives
from firmward.terms.errors import Refused
from firmward.terms.image import image_path
from firmward.terms.stage import Stage as Arrow
from firmward.vendor.request import Request


@dataclass
class Loop:
    """A stage on which everything was played, and what was said meanwhile.

    vendor_stages  the stages that the vendor's pipeline went through, in order
    said           release -> the gate's answer
    """

    stage: Stage
    vendor_stages: list[str] = field(default_factory=list)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)

    def push(self, vendor, made: Made) -> None:
        """The vendor's pipeline hands in a bundle: the last thing that anybody does."""
        self.made[made.bundle.release] = made
        self.said[made.bundle.release] = self.stage.push(vendor, made.bundle.data)

    def kinds(self, about: str) -> list[str]:
        """The kinds of a subject's events, oldest first."""
        return [event["kind"] for event in self.stage.events(about)]


def pump_good(loop: Loop) -> Made:
    """A plain feature release, its pipeline watched."""
    acme = loop.stage.acme
    commit = acme.commit("pump: show the line pressure more often")

    def watch(stage: Arrow, says: str) -> None:
        if stage.value not in loop.vendor_stages:
            loop.vendor_stages.append(stage.value)

    return Made(acme.release(Request(commit, "1.1.0", 3, (PUMP_1,)), watch, Lives()))


@pytest.fixture(scope="module")
def loop(tmp_path_factory) -> Iterator[Loop]:
    """A good release, a refused one, one that misbehaves, and one that falls between waves."""
    said: list[str] = []
    stage = demo.set_up(tmp_path_factory.mktemp("loop"), said.append, per_ward=1, poll_s=0.2)
    played = Loop(stage)
    stage.fleet.start()
    try:
        wait_until("reports", lambda: all(d["release"] for d in stage.devices().values()), 30)
        played.push(stage.acme, pump_good(played))
        played.push(stage.borealis, monitor_frozen(stage.borealis))
        played.push(stage.acme, pump_exploited(stage.acme))
        patch = pump_patch(stage.acme)
        stage.await_rollout(FROZEN, "stopped", 60)
        stage.await_rollout(PUMP_2, "done", 60)
        played.push(stage.acme, patch)
        fall_between_waves(stage)
        yield played
    finally:
        demo.close(stage)


def fall_between_waves(stage: Stage) -> None:
    """While the first wave is under way, the hospital learns that a component is exploited."""
    wait_until("its first wave", lambda: stage.rollout(PUMP_3).get("wave", 0) == 1, 30)
    stage.server.kill()
    learn_of_an_exploit(stage.folder / "advisories")
    stage.server.start()
    stage.await_rollout(PUMP_3, "stopped", 60)


def learn_of_an_exploit(advisories: Path) -> None:
    """A vulnerability of tinyframe that nobody knew when the release was made, exploited today."""
    record = (advisories / "osv" / "LAB-2026-0001.json").read_text()
    record = record.replace("LAB-2026-0001", "LAB-2026-0009").replace("1.4.0", "9.0.0")
    record = record.replace("CVE-2026-99001", "CVE-2026-99009")
    (advisories / "osv" / "LAB-2026-0009.json").write_text(record)
    catalogue = json.loads((advisories / "kev.json").read_text())
    [known] = catalogue["vulnerabilities"]
    catalogue["vulnerabilities"].append({**known, "cveID": "CVE-2026-99009"})
    catalogue["count"] = 2
    (advisories / "kev.json").write_text(json.dumps(catalogue))


def in_order(expected: list[str], found: list[str]) -> bool:
    """Whether the expected kinds first come in this order."""
    first = [found.index(kind) if kind in found else -1 for kind in expected]
    return -1 not in first and all(a < b for a, b in pairwise(first))


def test_source_becomes_a_bundle_through_every_stage_of_the_vendor(loop):
    """build, scan, sbom, attest, sign, publish, each reported as it happened."""
    expected = ["build", "scan", "sbom", "attest", "sign", "publish"]

    assert expected == [stage for stage in loop.vendor_stages if stage in expected]


def test_an_admitted_release_reaches_every_device_in_waves(loop):
    """Gate, draw, wave, orders, proof of each device, comparison, end: each an event."""
    assert loop.said[PUMP_2]["admitted"]
    expected = [
        "gate.admitted",
        "rollout.drawn",
        "rollout.members",
        "rollout.wave",
        "order.issued",
        "device.kept",
        "rollout.settled",
        "decide.release",
        "rollout.done",
    ]

    assert in_order(expected, loop.kinds(PUMP_2)), loop.kinds(PUMP_2)
    kept = {e["actor"] for e in loop.stage.events(PUMP_2) if e["kind"] == "device.kept"}
    assert kept == {bed.device for bed in loop.stage.pumps}


def test_an_admitted_release_needs_no_step_by_hand(loop):
    """After the push, nobody but the hospital and its devices did anything about it."""
    actors = {event["actor"] for event in loop.stage.events(PUMP_2)}

    assert actors == {"firmward"} | {bed.device for bed in loop.stage.pumps}


def test_a_misbehaving_release_comes_back_to_the_vendor_as_a_ticket(loop):
    """Stopped, withdrawn, rolled back to the pre-signed fallback, and both sides are told."""
    assert loop.said[FROZEN]["admitted"]
    expected = ["rollout.wave", "rollout.stopped", "release.withdrawn", "ticket.filed"]

    assert in_order(expected, loop.kinds(FROZEN)), loop.kinds(FROZEN)
    wave = loop.stage.rollout(FROZEN)["waves"][0]
    wait_until(
        "the fallback on its devices",
        lambda: all(loop.stage.devices()[d]["release"] == FROZEN_BACK for d in wave),
        30,
    )
    assert in_order(["gate.admitted", "order.issued", "device.kept"], loop.kinds(FROZEN_BACK))
    assert len(loop.stage.tickets("borealis", FROZEN)) == 1
    actors = {event["actor"] for event in loop.stage.events(FROZEN)}
    assert actors == {"firmward"} | set(wave)


def test_the_gate_is_asked_again_at_each_wave(loop):
    """An advisory between two waves stops the second, and takes the first back."""
    rollout = loop.stage.rollout(PUMP_3)
    first, second = rollout["waves"]

    assert rollout["reason"] == f"the gate no longer admits {PUMP_3}"
    [stopped] = [e for e in loop.stage.events(PUMP_3) if e["kind"] == "rollout.stopped"]
    assert any(reason.startswith("VUL-001") for reason in stopped["detail"]["reasons"])
    ordered = [e for e in loop.stage.events(PUMP_3) if e["kind"] == "order.issued"]
    assert {e["subjects"][0] for e in ordered} <= set(first)
    wait_until(
        "nobody on the patch",
        lambda: PUMP_3 not in {d["release"] for d in loop.stage.devices().values()},
        30,
    )
    assert {loop.stage.devices()[device]["release"] for device in second} == {PUMP_2}


def test_every_stage_of_the_hospital_and_its_devices_is_on_the_ledger(loop):
    """The names are those of terms.stage, which docs and KPIs use too."""
    start, stages = 0, set()
    while page := loop.stage.server.desk("ada").get("/v1/events", **{"from": str(start)}):
        stages |= {event["stage"] for event in page}
        start += len(page)

    assert {"intake", "gate", "rollout", "order", "device", "decide", "respond"} <= stages
    assert stages <= {arrow.value for arrow in Arrow}


def test_a_refused_release_stays_refused_when_it_is_handed_in_again(loop):
    """By its vendor or by the hospital's own people."""
    made = loop.made[PUMP_EXPLOITED]
    assert not loop.said[PUMP_EXPLOITED]["admitted"]
    for name in ("acme", "bea"):
        with pytest.raises(Refused, match=r"exactly one new release|New timestamp version"):
            loop.stage.server.desk(name).push("acme", made.bundle.data)

    assert nothing_moved(loop)


def nothing_moved(loop: Loop) -> bool:
    """The release is refused, and neither ordered nor rolled out."""
    rows = loop.stage.server.desk("bea").get("/v1/releases")
    [state] = [row["state"] for row in rows if row["release"] == PUMP_EXPLOITED]
    kinds = set(loop.kinds(PUMP_EXPLOITED))
    return state == "refused" and kinds == {"gate.refused", "ticket.filed"}


def leaves(command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a group, with the words that lead to it."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, below in command.commands.items():
        yield from leaves(below, (*words, name))


def test_no_command_admits_a_refused_release(loop, tmp_path):
    """Every command of the tree, with the release or its bundle wherever something can be said."""
    bundle = tmp_path / "refused.tar"
    bundle.write_bytes(loop.made[PUMP_EXPLOITED].bundle.data)
    runner, tried = CliRunner(), set()
    for words, command in leaves(get_command(app)):
        named = [p for p in command.params if p.param_type_name == "argument"]
        # These two make or serve a site; none of the others can do without one that is served.
        if words in (("init",), ("serve",)):
            continue
        for value in (PUMP_EXPLOITED, f"rollout:{PUMP_EXPLOITED}", str(bundle)):
            given = [str(loop.stage.server.home) if p.name == "site" else value for p in named]
            runner.invoke(app, [*words, *given])
        tried.add(" ".join(words))

    assert {"push", "releases", "rollout stop", "vendor add"} <= tried
    # An exception is approved by its signers; the gate alone makes anything of it.
    told = tried - {"exception approve"}
    assert not any(word in name for name in told for word in ("admit", "approve", "waive"))
    assert nothing_moved(loop)


def test_no_row_of_the_access_table_is_about_admitting(loop):
    """The one route by which a release comes in is the one that asks the gate."""
    writes = {"bundle", "vendor-add", "vendor-renew", "devices-expect", "rollout-stop"}
    writes |= {"quarantine", "review", "est-enrol", "register", "report", "vitals"}
    writes |= {"vendor-webhook", "declare", "advisories-update", "control-measured"}
    writes |= {f"exception-{step}" for step in ("request", "approve", "revoke", "review")}
    writes |= {"judge-again"}  # which asks the gate as a bundle does
    reads = {"est-cacerts", "check-in", "director", "image", "blob", "status", "releases"}
    reads |= {"devices", "rollouts", "tickets", "events", "incident", "reporter"}
    reads |= {"advisories", "exposures", "verdicts", "verdict", "verdict-page", "verdict-case"}
    reads |= {"adoption", "exceptions", "exception", "controls"}

    assert set(ACCESS) == writes | reads


def test_the_director_orders_no_refused_release_even_when_asked_in_process(loop):
    """Whoever can call the hospital's own function still meets the row's state."""
    stage = loop.stage
    site = open_site(stage.server.home)
    try:
        with site.store.reading() as connection:
            release = releases.find(connection, PUMP_EXPLOITED)
            device = devices.get(connection, stage.pumps[0].device)
            assert (release.sealed_key, release.ciphertext_sha256) == (b"", "")
            with pytest.raises(Refused, match="expected admitted, is refused"):
                orders.issue(connection, site, device, release, "install", datetime.now(UTC))
    finally:
        site.store.close()


def secrets_of(home: Path) -> dict[str, bytes]:
    """Every private key of the site: its encoded file, and where it has one the bare number."""
    found = {}
    for path in (home / "keys").rglob("*.key"):
        data = path.read_bytes()
        found[path.name] = data
        if data.startswith(b"-----"):
            key = load_pem_private_key(data, None)
            numbers = getattr(key, "private_numbers", None)
            found[f"bare {path.name}"] = (
                numbers().private_value.to_bytes(32) if numbers else key.private_bytes_raw()
            )
    return found


def test_neither_images_nor_keys_lie_in_clear_in_store_blobs_or_ledger(loop):
    """Whoever copies the data folders, and not the keys, can read no image."""
    home = loop.stage.server.home
    parts = [home / "store.sqlite", home / "store.sqlite-wal"]
    parts += [path for folder in ("blobs", "ledger") for path in (home / folder).rglob("*")]
    stolen = {path: path.read_bytes() for path in parts if path.is_file()}
    needles = secrets_of(home)
    for vendor, release in ((loop.stage.acme, PUMP_2), (loop.stage.acme, PUMP_EXPLOITED)):
        image = vendor.home.repository.read(image_path(release))
        needles[release] = image[0x400:0x440]

    assert len(stolen) > 20
    clear = [
        (path.name, name)
        for path, data in stolen.items()
        for name, needle in needles.items()
        if needle in data
    ]
    assert [] == clear


def test_content_keys_are_unwrapped_by_the_device_they_were_sealed_to_alone(loop):
    """In the store a content key is sealed for the server, and in orders for one device each."""
    path = f"file:{loop.stage.server.home}/store.sqlite?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as store:
        sealed = [row for (row,) in store.execute("select sealed_key from release") if row]
        customs = [row for (row,) in store.execute("select custom from device_order")]

    assert len(set(sealed)) == len(sealed) > 4
    wrapped = [json.loads(custom)["wrappedKey"] for custom in customs]
    assert len(set(wrapped)) == len(wrapped) >= len(loop.stage.fleet.beds)

"""Act c: attacks.  Each is refused, and nothing moves on the device.

The thieves are generous to themselves: they hold the hospital's server key and its order keys.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from firmward.device import identity
from firmward.lab.acts import releases
from firmward.lab.acts.releases import PUMP_1, PUMP_3
from firmward.lab.fleet import Bed, thief_of, wait_until
from firmward.lab.impostor import Pose, impostor, invented, stolen
from firmward.lab.scenario import Stage
from firmward.lab.tape import Tape, announced, record, signed_by_thief
from firmward.proof.repository import Lives, State, publish
from firmward.terms import checkin
from firmward.terms.errors import Refused
from firmward.terms.image import image_path
from firmward.terms.report import Attack

ACT = "c"


def play(stage: Stage) -> None:
    """A patch is on its way; a pump of its first wave is the victim."""
    pose = stolen(stage.server.home)
    stage.fleet.hold(stage.pumps)
    with ThreadPoolExecutor(4) as pool:
        early = dict(
            zip(
                [bed.device for bed in stage.pumps],
                pool.map(lambda bed: record(bed.home), stage.pumps),
                strict=True,
            )
        )
    stage.push(stage.acme, stage.kept["releases"].get(releases.pump_patch).bundle.data)
    victim, other = _first_wave(stage)
    stage.kept["victim"] = victim
    _at_rest(stage, victim)
    tape, recorded = record(victim.home), time.monotonic()
    _on_the_wire(stage, victim, tape, pose)
    _few_signatures(stage, victim, tape, pose)
    _wrong_server(stage, victim, tape)
    _replay(stage, victim, early[victim.device], pose)
    _stolen_certificate(stage, {victim.device, other.device})
    stage.kept["attack"] = (victim, other, tape, recorded)


def play_on(stage: Stage) -> None:
    """What needs a while to pass, or the hospital's own order keys."""
    victim, other, tape, recorded = stage.kept["attack"]
    pose = stolen(stage.server.home)
    _frozen(stage, victim, tape, pose, recorded)
    _other_device(stage, victim, other, pose)
    _downgrade(stage, victim, pose)


def _first_wave(stage: Stage) -> tuple[Bed, Bed]:
    """Two devices of the patch's first wave, which have their orders and have not looked yet."""
    wait_until("the patch's first wave", lambda: stage.rollout(PUMP_3).get("wave", 0) == 1, 15)
    wave = stage.rollout(PUMP_3)["waves"][0]
    return stage.fleet.bed(wave[0]), stage.fleet.bed(wave[1])


def _refuses(stage: Stage, victim: Bed, what: str, attack: Attack, tape: Tape, pose: Pose) -> None:
    """The victim finds an impostor where its hospital was, refuses, and nothing has moved."""
    with stage.check(ACT, what, f"{attack}, nothing moved") as seen:
        before = victim.state
        with impostor(tape, pose) as base:
            victim.redirect(base)
            seen.text = _outcome(victim, before)
        victim.redirect()
        victim.told()
        seen.about, seen.kind = victim.device, "device.refused"


def _outcome(victim: Bed, before: tuple[str, str, int]) -> str:
    step = victim.turn()
    moved = "nothing moved" if victim.state == before else "SOMETHING MOVED"
    return f"{step.attack or step.did}, {moved}"


def _at_rest(stage: Stage, victim: Bed) -> None:
    """Somebody changes the encrypted image on the hospital's own disk."""
    path = stage.server.home / "blobs" / "sha256" / record(victim.home).order.ciphertext_sha256
    good = path.read_bytes()
    with stage.check(ACT, "image tampered at rest", "tampered-image, nothing moved") as seen:
        before = victim.state
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        try:
            seen.text = _outcome(victim, before)
        finally:
            path.write_bytes(good)
        seen.about, seen.kind = victim.device, "device.refused"


def _on_the_wire(stage: Stage, victim: Bed, tape: Tape, pose: Pose) -> None:
    body = bytearray(tape.answers[tape.blob])
    body[len(body) // 2] ^= 1
    bad = tape.but({tape.blob: bytes(body)})
    _refuses(stage, victim, "image tampered on the wire", Attack.TAMPERED_IMAGE, bad, pose)


def _few_signatures(stage: Stage, victim: Bed, tape: Tape, pose: Pose) -> None:
    """One of two holders of the vendor's targets key signed: at intake, then at the device."""
    few = stage.kept["releases"].get(releases.pump_few).bundle
    with stage.check(ACT, "vendor metadata with too few signatures: intake", "refused") as seen:
        try:
            stage.push(stage.acme, few.data)
            seen.text = "taken in"
        except Refused as error:
            stage.say(f"     {error}")
            seen.text = "refused"
        seen.about, seen.kind = "vendor:acme", "intake.refused"
    keys = stage.acme.home.keys
    signers = {
        "targets": keys.targets[:1],
        "snapshot": (keys.snapshot,),
        "timestamp": (keys.timestamp,),
    }
    state = State(versions=dict.fromkeys(signers, 500))
    listing = stage.acme.home.repository.listing()
    _, files = publish(state, listing, signers, datetime.now(UTC), Lives())
    changed = {checkin.IMAGE + name: data for name, data in files.items()}
    changed[checkin.CHECK_IN] = announced(tape, tape.version + 7)
    what = "vendor metadata with too few signatures: device"
    _refuses(stage, victim, what, Attack.TOO_FEW_SIGNATURES, tape.but(changed), pose)


def _wrong_server(stage: Stage, victim: Bed, tape: Tape) -> None:
    pose = invented(stage.server.home, stage.folder / "impostor")
    _refuses(stage, victim, "a server with the wrong certificate", Attack.WRONG_SERVER, tape, pose)


def _replay(stage: Stage, victim: Bed, early: Tape, pose: Pose) -> None:
    """The order from before this one, signed by the hospital and not expired."""
    old = early.but({checkin.CHECK_IN: announced(early, early.version + 9)})
    _refuses(stage, victim, "an old order replayed", Attack.REPLAYED_ORDER, old, pose)


def _stolen_certificate(stage: Stage, busy: set[str]) -> None:
    """A pump is quarantined; whoever copied its disk asks in its name."""
    wave = set(stage.rollout(PUMP_3)["waves"][0])
    lost = next(bed for bed in reversed(stage.pumps) if bed.device not in busy | wave)
    with stage.check(ACT, "a quarantined device's stolen certificate", "nothing given") as seen:
        copy = thief_of(lost, stage.folder)
        about = {"finding": "the pump is missing from its ward"}
        stage.server.desk("sam").post(f"/v1/devices/{lost.device}/quarantine", about)
        seen.text = _given(copy)
        seen.about, seen.kind = lost.device, "access.refused"
    with stage.check(ACT, "found again, reviewed by two people", "reinstated") as seen:
        found = {"finding": "found in the store room, seal unbroken"}
        for name in ("sam", "bea"):
            said = stage.server.desk(name).post(f"/v1/devices/{lost.device}/review", found)
        seen.text = "reinstated" if said["reinstated"] else "not reinstated"
        seen.about, seen.kind = lost.device, "device.reinstated"


def _given(home: Path) -> str:
    """What the server gives to whoever holds this home's certificate."""
    link, given = identity.connect(home), []
    for what, ask in (("orders", link.director), ("vendor metadata", link.image)):
        try:
            ask("timestamp.json", 1 << 20)
            given.append(what)
        except Refused:
            continue
    link.close()
    return ", ".join(given) or "nothing given"


def _frozen(stage: Stage, victim: Bed, tape: Tape, pose: Pose, recorded: float) -> None:
    """The hospital's genuine answers of a while ago, the newest the device has seen."""
    wait = recorded + stage.kept["order_life_s"] + 1 - time.monotonic()
    if wait > 0:
        stage.say(f"     waiting {wait:.0f} s until what the thief recorded has expired")
        time.sleep(wait)
    _refuses(stage, victim, "metadata frozen past its expiry", Attack.FROZEN, tape, pose)


def _other_device(stage: Stage, victim: Bed, other: Bed, pose: Pose) -> None:
    tape = record(victim.home)
    order = msgspec.structs.replace(tape.order, ecu_identifier=other.device, order="1" * 32)
    bad = signed_by_thief(stage.server.home, tape, order, (tape.sha256, tape.length))
    _refuses(stage, victim, "an order for another device", Attack.WRONG_DEVICE, bad, pose)


def _downgrade(stage: Stage, victim: Bed, pose: Pose) -> None:
    """The factory's release, which vendor and hospital both signed once, ordered by a thief."""
    tape = record(victim.home)
    entry = stage.acme.home.repository.listing()[image_path(PUMP_1)]
    order = msgspec.structs.replace(
        tape.order, version="1.0.0", release_counter=1, order="2" * 32, purpose="install"
    )
    image = entry.hashes["sha256"], entry.length
    bad = signed_by_thief(stage.server.home, tape, order, image)
    _refuses(stage, victim, "a downgrade", Attack.DOWNGRADE, bad, pose)

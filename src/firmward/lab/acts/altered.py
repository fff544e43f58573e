"""Act e: a device's firmware is altered in its flash; it is quarantined at once, and reviewed."""

from firmward.device.slots import BOOT_AREA, SLOT_SIZE, McubootFlash
from firmward.lab.acts.releases import PUMP_3
from firmward.lab.fleet import Bed, wait_until
from firmward.lab.scenario import Stage

ACT = "e"
PUMP_BACK = "pump-200@1.1.0+10"


def play(stage: Stage) -> None:
    """One bit in the running slot, flipped by whoever had the case open."""
    bed = next(b for b in stage.pumps if b is not stage.kept["victim"])
    with stage.check(ACT, "altered firmware is quarantined", "quarantined") as seen:
        _flip(stage, bed)
        wait_until("the quarantine", lambda: _known(stage, bed, "status") == "quarantined", 15)
        seen.text = _known(stage, bed, "status")
        seen.about, seen.kind = bed.device, "device.quarantined"
    finding = {"finding": "seal broken by a visitor; board inspected, firmware to be replaced"}
    with stage.check(ACT, "one reviewer is not enough", "quarantined") as seen:
        stage.server.desk("sam").post(f"/v1/devices/{bed.device}/review", finding)
        seen.text = _known(stage, bed, "status")
        seen.about, seen.kind = bed.device, "case.reviewed"
    with stage.check(ACT, "two reviewers reinstate it", f"active on {PUMP_BACK}") as seen:
        stage.server.desk("bea").post(f"/v1/devices/{bed.device}/review", finding)
        wait_until("its fallback", lambda: _known(stage, bed, "release") == PUMP_BACK, 20)
        seen.text = f"{_known(stage, bed, 'status')} on {_known(stage, bed, 'release')}"
        seen.about, seen.kind = bed.device, "device.kept"


def _known(stage: Stage, bed: Bed, what: str) -> str:
    return str(stage.devices()[bed.device][what])


def _flip(stage: Stage, bed: Bed) -> None:
    """Change one bit of the image that runs, behind the agent's back."""
    verified = _known(stage, bed, "image_sha256")
    with bed.lock:
        flash = McubootFlash(bed.board.flash_path)
        slot = next(n for n in (0, 1) if flash.measure(n) == verified)
        at = BOOT_AREA + slot * SLOT_SIZE + 0x400
        with bed.board.flash_path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))
    stage.say(f"     {bed.device}: one bit of {PUMP_3} in slot {slot} is flipped")

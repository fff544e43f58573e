"""Act f: power is cut during download, flash write and trial boot; each device comes back."""

from collections.abc import Callable

from firmward.lab.acts.releases import PUMP_3
from firmward.lab.fleet import Bed
from firmward.lab.scenario import Stage

ACT = "f"

CUTS: dict[str, Callable[[str], bool]] = {
    "during download": lambda point: point.startswith("download: a chunk"),
    "during flash write": lambda point: "write 0x" in point and point.endswith("half"),
    "during trial boot": lambda point: point == "trial: restarted",
}


def prepare(stage: Stage) -> None:
    """Choose a pump for each cut; the power goes when its agent gets there.  Then all go on."""
    free = [bed for bed in stage.pumps if bed is not stage.kept["victim"]]
    stage.kept["cut"] = dict(zip(CUTS, free, strict=False))
    for when, bed in stage.kept["cut"].items():
        bed.cut_at = CUTS[when]
    stage.fleet.let_go(stage.pumps)


def play(stage: Stage) -> None:
    """The patch's roll-out has gone on meanwhile, over three power cuts."""
    with stage.check(ACT, "the attacked pump takes the true patch", "kept") as seen:
        stage.await_rollout(PUMP_3, "done", 40)
        victim: Bed = stage.kept["victim"]
        seen.text = "kept" if victim.running == PUMP_3 else victim.running
        seen.about, seen.kind = victim.device, "device.kept"
    for when, bed in stage.kept["cut"].items():
        with stage.check(ACT, f"power cut {when}", f"1 cut, runs {PUMP_3}") as seen:
            bed_runs = stage.devices()[bed.device]["release"]
            seen.text = f"{len(bed.cuts)} cut, runs {bed_runs}"
            stage.say(f"     {bed.device}: cut at {', '.join(bed.cuts) or 'no point'}")
            seen.about, seen.kind = bed.device, "device.kept"

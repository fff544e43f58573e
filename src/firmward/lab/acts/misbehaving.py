"""Act d: a release passes every gate and misbehaves; its first wave gives it away."""

from firmward.lab.acts import releases
from firmward.lab.acts.releases import MONITOR_1, MONITOR_BACK, MONITOR_WORSE
from firmward.lab.fleet import wait_until
from firmward.lab.scenario import Stage

ACT = "d"


def play(stage: Stage) -> None:
    """Slower readings, more sensor errors: nothing a scanner sees."""
    made = stage.kept["releases"].get(releases.monitor_worse)
    with stage.check(ACT, "a release with nothing to find passes the gate", "admitted") as seen:
        said = stage.push(stage.borealis, made.bundle.data)
        seen.text = "admitted" if said["admitted"] else "; ".join(said["reasons"])
        seen.about, seen.kind = MONITOR_WORSE, "gate.admitted"
    with stage.check(ACT, "caught by comparing its first wave", "stopped in wave 1") as seen:
        stage.await_rollout(MONITOR_WORSE, "stopped", 40)
        seen.text = f"stopped in wave {stage.rollout(MONITOR_WORSE)['wave']}"
        for event in stage.events(MONITOR_WORSE):
            if event["kind"] == "decide.release":
                stage.say(f"     {event['says']}: {'; '.join(event['detail']['because'])}")
        seen.about, seen.kind = MONITOR_WORSE, "rollout.stopped"
    wave = stage.rollout(MONITOR_WORSE)["waves"][0]
    with stage.check(ACT, "its devices return to the fallback", "all back, no other") as seen:
        seen.text = _back(stage, set(wave))
        seen.about, seen.kind = MONITOR_BACK, "device.kept"
    with stage.check(ACT, "the vendor learns of it", "1 ticket") as seen:
        seen.text = f"{len(stage.tickets('borealis', MONITOR_WORSE))} ticket"
        seen.about, seen.kind = MONITOR_WORSE, "ticket.filed"


def _back(stage: Stage, wave: set[str]) -> str:
    monitors = [bed.device for bed in stage.monitors]

    def returned() -> bool:
        known = stage.devices()
        return all(known[device]["release"] == MONITOR_BACK for device in wave)

    wait_until("the first wave on its fallback", returned, 20)
    known = stage.devices()
    still = all(known[d]["release"] == MONITOR_1 for d in monitors if d not in wave)
    return "all back, no other" if still else "others moved too"

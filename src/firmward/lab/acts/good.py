"""Act a: a good release is built, admitted, rolled out in waves, and kept."""

from firmward.lab.acts import releases
from firmward.lab.acts.releases import PUMP_2
from firmward.lab.fleet import Bed, wait_until
from firmward.lab.scenario import Stage

ACT = "a"


def play(stage: Stage) -> None:
    """The ordinary day; one pump is in therapy, and waits."""
    made = stage.kept["releases"].get(releases.pump_good)
    patient = stage.pumps[0]
    with stage.check(ACT, "a clean release at the gate", "admitted") as seen:
        patient.board.in_use = True
        said = stage.push(stage.acme, made.bundle.data)
        seen.text = "admitted" if said["admitted"] else "; ".join(said["reasons"])
        seen.about, seen.kind = PUMP_2, "gate.admitted"
    with stage.check(ACT, "a pump in therapy is left alone", "it waits, then kept") as seen:
        seen.text = _therapy(stage, patient)
        seen.about, seen.kind = patient.device, "device.kept"
    with stage.check(ACT, "two waves, every pump", "12 of 12 kept") as seen:
        stage.await_rollout(PUMP_2, "done", 40)
        running = [d["release"] for d in stage.devices().values() if d["vendor"] == "acme"]
        seen.text = f"{running.count(PUMP_2)} of {len(running)} kept"
        seen.about, seen.kind = PUMP_2, "rollout.done"


def _therapy(stage: Stage, patient: Bed) -> str:
    """The roll-out reaches the pump, it waits, the therapy ends, it updates.

    The hospital makes no order while it knows of the therapy; one that was made just before its
    beginning is deferred by the device itself.
    """
    waited: list[str] = []

    def waits() -> bool:
        why = "" if waited else _why_it_waits(stage, patient)
        if why:
            waited.append(why)
            stage.say(f"     {patient.device}: {why}; the therapy ends now")
            patient.board.in_use = False
        return patient.running == PUMP_2

    wait_until(f"{patient.device} on {PUMP_2}", waits, 40)
    known = lambda: stage.devices()[patient.device]["release"] == PUMP_2  # noqa: E731
    wait_until(f"the hospital's word that {patient.device} is on {PUMP_2}", known, 10)
    return f"{'it waits' if waited else 'it did not wait'}, then kept"


def _why_it_waits(stage: Stage, patient: Bed) -> str:
    last = patient.last
    if last is not None and last.did == "deferred":
        return f"deferred by the device, {last.detail}"
    said = stage.events(patient.device)
    return next((str(each["says"]) for each in said if each["kind"] == "order.held"), "")

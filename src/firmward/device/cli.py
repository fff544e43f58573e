"""`firmward device`: join a hospital, run the agent, say how the device is."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from firmward.device import identity
from firmward.device.agent import Agent, Step
from firmward.device.state import TwoCopies, load_memory
from firmward.device.tty import Tty
from firmward.terms.errors import Misuse

app = typer.Typer(no_args_is_help=True, help="Verify and install on one device.")

Home = Annotated[Path, typer.Argument(help="The device's home folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="For machines: one JSON document per line.")]


@app.command()
def enrol(
    home: Home,
    door: Annotated[
        Path, typer.Option("--hospital", help="The hospital's front door file.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Make this device a member of a hospital; may be repeated until it succeeds."""
    front = identity.read_front_door(_bytes(door))
    identity.enrol(home, front, _now())
    device = identity.nameplate(home).device
    _say(as_json, {"device": device, "hospital": front.base}, f"{device}: enrolled at {front.base}")


@app.command()
def run(
    home: Home,
    line: Annotated[
        Path, typer.Option("--tty", help="The controller's serial line.", show_default=False)
    ],
    once: Annotated[bool, typer.Option("--once", help="One step, then stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check in, verify, install, report, for ever; safe to kill at any moment."""
    port, link = Tty(line), identity.connect(home)
    try:
        agent = Agent(home, port, link, now=_now)
        while True:
            step = agent.step()
            _say(as_json, _step(step), f"{step.did}: {step.detail}".rstrip(": "))
            if once:
                return
            time.sleep(step.poll_ms / 1000)
    finally:
        link.close()
        port.close()


@app.command()
def status(home: Home, as_json: AsJson = False) -> None:
    """What the device runs, takes at least, is doing, and still owes the hospital."""
    plate = identity.nameplate(home)
    memory = load_memory(TwoCopies(home / "state", "memory"))
    running = memory.running.release if memory.running else "nothing yet"
    doing = f"{memory.plan.release}: {memory.plan.phase}" if memory.plan else "nothing"
    said = {
        "device": plate.device,
        "hardware": plate.hardware_id,
        "running": running,
        "floor": memory.floor,
        "doing": doing,
        "owed": len(memory.outbox),
    }
    _say(as_json, said, "\n".join(f"{name:9} {value}" for name, value in said.items()))


def _step(step: Step) -> dict[str, Any]:
    return {"did": step.did, "detail": step.detail, "attack": step.attack.value}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path}: expected a readable file, got {error.strerror}") from error


def _now() -> datetime:
    return datetime.now(UTC)


def _say(as_json: bool, body: dict[str, Any], text: str) -> None:
    print(json.dumps(body, ensure_ascii=False) if as_json else text, flush=True)


if __name__ == "__main__":
    app()

"""Act g: an auditor with nothing but the ledger's folder and the public key."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from firmward.lab.acts.releases import MONITOR_WORSE
from firmward.lab.scenario import Stage

ACT = "g"


def play(stage: Stage) -> None:
    """A process of its own, in a folder of its own."""
    room = stage.folder / "auditor"
    _copy_published(stage, room)
    victim = stage.kept["victim"].device
    with stage.check(ACT, "every entry verifies", "verified") as seen:
        said = _audit(room, "verify", "--json")
        stage.kept["audited"] = json.loads(said)
        seen.text = "verified"
        stage.say(f"     {said.strip()[:200]}")
    for what, subject in (("the story of one device", victim), ("of one release", MONITOR_WORSE)):
        with stage.check(ACT, what, "told") as seen:
            story = _audit(room, "story", subject)
            stage.kept.setdefault("stories", {})[subject] = story
            for line in story.splitlines()[:12]:
                stage.say(f"     {line[:160]}")
            seen.text = "told" if len(story.splitlines()) > 4 else story[:200] or "nothing"
    with stage.check(ACT, "a changed entry is noticed", "noticed") as seen:
        _tamper(room)
        seen.text = "noticed" if _fails(room) else "verified"


def _copy_published(stage: Stage, room: Path) -> None:
    """What anybody may fetch: tiles, checkpoint, public key.

    The fleet pauses for it: a plain copy of a folder that is being written is no snapshot.
    """
    room.mkdir()
    stage.fleet.hold(stage.fleet.beds)
    time.sleep(0.5)
    source = stage.server.home / "ledger"
    for name in ("vkey", "checkpoint"):
        shutil.copy(source / name, room / name)
    shutil.copytree(source / "tile", room / "tile")
    stage.fleet.let_go(stage.fleet.beds)


def _command(room: Path, *words: str) -> list[str]:
    verb, *rest = words
    command = [sys.executable, "-m", "firmward", "audit", verb, str(room)]
    return [*command, *rest, "--vkey", str(room / "vkey")]


def _audit(room: Path, *words: str) -> str:
    command = _command(room, *words)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"auditor: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _tamper(room: Path) -> None:
    """Change one letter of one entry, as somebody with the folder could."""
    bundle = min((room / "tile" / "entries").rglob("*"), key=lambda p: (p.is_dir(), str(p)))
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(bytes(data))


def _fails(room: Path) -> bool:
    command = _command(room, "verify")
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode != 0

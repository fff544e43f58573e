"""A device under test in a few lines of Python, sound or with one defect."""

import sys
from pathlib import Path

from firmward.vendor.blackbox.device import Device
from firmward.vendor.process import plain_environment

SCRIPT = """
import json, os, sys, time
def say(**members):
    print(json.dumps(members), flush=True)
memory = 1000
say(event="boot", settles={settles}, memory=memory)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("reset"):
        memory = 1000
        say(event="boot", settles={settles}, memory=memory)
        continue
    data, ms = bytes.fromhex(asked["send"]), 1
{defect}
    say(recv=data[:8].hex(), event="idle", ms=ms, memory=memory)
"""
CORPUS = (b"GET 1\n", b"SET 12 on\n")


def script(folder: Path, defect: str = "pass", *, settles: bool = True) -> Path:
    """The device's program; the defect sees `data` and may change `ms` and `memory`."""
    path = folder / "device.py"
    body = "\n".join(f"    {line}" for line in defect.splitlines())
    path.write_text(SCRIPT.format(settles=settles, defect=body))
    return path


def device(folder: Path, defect: str = "pass", *, settles: bool = True, deadline_ms: int = 200):
    """That program, to be started by `with`."""
    command = [sys.executable, "-I", str(script(folder, defect, settles=settles))]
    return Device(command, folder, plain_environment(folder), deadline_ms)

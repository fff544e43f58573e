"""SoftHSM tokens for tests: real PKCS#11, with its store in a folder that can be taken away."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmward.vendor import project
from firmward.vendor.project import Project

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN_ENV = "FIRMWARD_TEST_PIN"
PIN = "2468"

PROJECT = """
vendor = "acme"
product = "pump-200"
model = "Pump 200"
device_class = "PUMP200"
hardware_ids = ["PUMP-200-B"]
safety_class = "C"
risk = "high"
integrity = "{integrity}"
development = {development}
[build]
command = ["true"]
binary = "app.bin"
[image]
format = "{format}"
header_size = 0x200
slot_size = 0x38000
load_address = 0x20010000
[scan]
sources = ["."]
[keys]
{keys}
"""


def software(*, integrity: str = "public-key-signature", keys: str = "", **more: str) -> Project:
    """A project whose keys are files."""
    settings = {"development": "true", "format": "mcuboot"} | more
    return project.read(PROJECT.format(integrity=integrity, keys=keys, **settings).encode())


@dataclass
class Tokens:
    """Initialised tokens, each used by one test."""

    folder: Path
    free: list[str] = field(default_factory=list)

    def take(self) -> str:
        """The label of a token that nobody has used."""
        return self.free.pop()

    def keys(self, token: str, more: str = "") -> str:
        """The [keys] section for a token."""
        said = (
            f'backend = "pkcs11"\nmodule = "{MODULE}"\ntoken = "{token}"\npin_env = "{PIN_ENV}"\n'
        )
        return said + more

    def project(self, token: str, more: str = "", **settings: str) -> Project:
        """A project whose keys are in a token."""
        return software(keys=self.keys(token, more), **({"development": "false"} | settings))

    def unplug(self, token: str) -> None:
        """Take the token away while it is in use."""
        [store] = [
            path.parent
            for path in self.folder.glob("tokens/*/token.object")
            if token.encode() in path.read_bytes()
        ]
        shutil.rmtree(store)


def new_tokens(folder: Path, count: int) -> Tokens:
    """Tokens in a folder of their own; the PKCS#11 library reads where once, when it is loaded."""
    if shutil.which("softhsm2-util") is None:
        pytest.fail("softhsm2-util is absent: apt-get install softhsm2")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    os.environ[PIN_ENV] = PIN
    made = Tokens(folder)
    for number in range(count):
        label = f"token-{number}"
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        subprocess.run(
            [*command, "--so-pin", "1357", "--pin", PIN], check=True, capture_output=True
        )
        made.free.append(label)
    return made

"""Trees whose build command is a Python script of a few lines, for tests of the build."""

from datetime import UTC, datetime

from tests.vendors import FIRMWARE

from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.command import build
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

LEAVE = "for n in ('elf', 'bin'): open(f'{sys.argv[3]}/app.{n}', 'w').write(str(made))\n"


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def built(tree, shelf, version="1.0.0", counter=1) -> Artifact:
    """The pump as built from HEAD."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        return build(checkout, (version, counter), shelf, now)


def by_script(tree, script: str, rules: str = "") -> None:
    """Let a Python script of the tree's be its build command, with further lines of [build]."""
    text = (FIRMWARE / "pump/firmward.toml").read_text()
    start, end = text.index("command = ["), text.index("]", text.index("command = [")) + 1
    command = 'command = ["{python}", "build_here.py", "{version}", "{counter}", "{out}"]\n'
    text = text[:start] + command + rules + text[end:]
    tree.commit({"pump/firmward.toml": text, "pump/build_here.py": script})


def leaving(expression: str) -> str:
    """A script that builds one value into the ELF and the binary."""
    return f"import os, sys, time, uuid\nmade = {expression}\n{LEAVE}"

"""Build: from a checkout to bytes, by the tree's own command.

The command sees the checkout, an empty home and the time of the commit; it never sees a key, a
token or the repository.  No sandbox holds it yet, and the provenance says so.
"""

import hashlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from firmward.terms.errors import Refused, Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.process import plain_environment, run
from firmward.vendor.source import Checkout

Clock = Callable[[], datetime]


class BuildFailed(Refused):
    """A tree that does not build, or does not leave what it promised."""

    def __init__(self, product: str, reason: str, log: str):
        self.product, self.log = product, log
        super().__init__(f"{product}: the build failed: {reason}\n{log[-2000:]}".rstrip())


@dataclass(frozen=True)
class Artifact:
    """What a build made.

    binary     what goes into the image
    map        the linker map, b"" where the project names none
    toolchain  distribution -> version
    cached     whether these bytes were built before from the same tree, command and tools
    """

    elf: bytes
    binary: bytes
    map: bytes
    log: str
    command: tuple[str, ...]
    toolchain: dict[str, str]
    started: datetime
    finished: datetime
    cached: bool = False

    def digests(self) -> dict[str, str]:
        """Name -> SHA-256 of every file."""
        files = {"app.elf": self.elf, "app.bin": self.binary, "app.map": self.map}
        return {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if data}


def build(tree: Checkout, release: tuple[str, int], shelf: Shelf, clock: Clock) -> Artifact:
    """The artifact for (version, counter).

    raises  BuildFailed; Unavailable when the command or a tool is absent or takes too long
    """
    rules = tree.project.build
    toolchain = {name: _version(name) for name in rules.toolchain}
    tools = tuple(f"{name}={number}" for name, number in sorted(toolchain.items()))
    number, counter = release
    folder = str(tree.folder.relative_to(tree.root))
    parts = ("build-1", tree.source.tree, folder, *rules.command, number, str(counter), *tools)
    fresh: list[bool] = []

    def make() -> dict[str, Any]:
        fresh.append(True)
        return _build(tree, number, counter, shelf, clock)

    made = shelf.kept(parts, make)
    return Artifact(
        elf=made["elf"],
        binary=made["binary"],
        map=made["map"],
        log=made["log"],
        command=rules.command,
        toolchain=toolchain,
        started=datetime.fromtimestamp(made["started"], UTC),
        finished=datetime.fromtimestamp(made["finished"], UTC),
        cached=not fresh,
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise Unavailable(f"{distribution}: the project's toolchain, not installed") from error


def _build(tree: Checkout, number: str, counter: int, shelf: Shelf, clock: Clock) -> dict[str, Any]:
    rules, product = tree.project.build, tree.project.product
    with tempfile.TemporaryDirectory(prefix="firmward-build-") as name:
        out, home = Path(name) / "out", Path(name) / "home"
        out.mkdir()
        home.mkdir()
        words = {"python": sys.executable, "version": number, "counter": counter, "out": out}
        command = [_filled(word, words) for word in rules.command]
        environment = plain_environment(home) | {
            "SOURCE_DATE_EPOCH": str(tree.source.committed),
            "FIRMWARD_CACHE": str(shelf.folder),
            "TMPDIR": str(home),
        }
        started = clock()
        done = run(command, tree.folder, environment, rules.timeout_s)
        log = done.out.decode(errors="replace") + done.err
        if done.code != 0:
            raise BuildFailed(product, f"the command ended with {done.code}", log)
        files = {"elf": rules.elf, "binary": rules.binary, "map": rules.map}
        return {
            **{kind: _made(out, path, product, log) for kind, path in files.items()},
            "log": log[-100_000:],
            "started": started.timestamp(),
            "finished": clock().timestamp(),
        }


def _filled(word: str, words: dict[str, Any]) -> str:
    for name, value in words.items():
        word = word.replace(f"{{{name}}}", str(value))
    return word


def _made(out: Path, path: str, product: str, log: str) -> bytes:
    if not path:
        return b""
    file = (out / path).resolve()
    # A link that leads out of the folder would sign whatever it points at.
    if not file.is_relative_to(out.resolve()) or not file.is_file() or not file.stat().st_size:
        raise BuildFailed(product, f"expected it to leave {path}, got nothing", log)
    return file.read_bytes()

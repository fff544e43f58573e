"""Build: from a checkout to sealed bytes, by the tree's own command.

The command sees a checkout of its own (what it writes into it no scanner reads), an empty home, an
empty compiler cache and the time of the commit; it never sees a key, a token or the repository.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import msgspec

from firmward.terms.errors import Misuse, Unavailable
from firmward.vendor.build.artifact import INNER_ROOT, Artifact, BuildFailed
from firmward.vendor.build.sandbox import Place, Sandbox, find
from firmward.vendor.build.store import Altered, Sealed, Store, check, reread
from firmward.vendor.cache import Shelf
from firmward.vendor.process import plain_environment, run
from firmward.vendor.project import BuildRules, Project
from firmward.vendor.source.checkout import Checkout, checked_out

Clock = Callable[[], datetime]

_LOG_LIMIT: Final = 100_000
# How a shell says that there is no such command, or that it may not be run (POSIX sh, 2.8.2).
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
# What the store calls each file, however the project calls it.
NAMES: Final = {
    "elf": "app.elf",
    "binary": "app.bin",
    "map": "app.map",
    "rootfs": "rootfs",
    "compile_commands": "compile_commands.json",
}
_COMPONENT: Final = "component/"
"""Before a component's name: what kind of file it is, and what the store calls it."""


@dataclass(frozen=True)
class Made:
    """What one run of the command left: kind of file -> where it is sealed."""

    files: dict[str, Sealed]
    log: str
    started: datetime
    finished: datetime


def build(tree: Checkout, release: tuple[str, int], shelf: Shelf, clock: Clock) -> Artifact:
    """The artifact for (version, counter).

    raises  BuildFailed; Altered when a file of an earlier build was written to since;
            Unavailable when the command, a tool or a required sandbox is absent, or takes too long
    """
    rules, store = tree.project.build, Store(shelf.folder)
    sandbox = find(rules.sandbox, rules.tools)
    toolchain = {name: _version(name) for name in rules.toolchain}
    fresh: list[Made] = []

    def make() -> dict[str, Any]:
        fresh.append(run_once(tree, release, sandbox, store, clock))
        return _written(fresh[0])

    made = _found(shelf.kept(_parts(tree, release, toolchain, sandbox), make), store)
    if made is None:  # on the shelf, but a file of it is gone from the store
        make()
        made = fresh[0]
    return _artifact(made, rules, toolchain, sandbox, cached=not fresh)


def run_once(
    tree: Checkout,
    release: tuple[str, int],
    sandbox: Sandbox,
    store: Store,
    clock: Clock,
    inner: Path = INNER_ROOT.parent,
) -> Made:
    """Run the command in a place of its own and seal what it leaves; nothing is looked up.

    inner  where the place lies inside the sandbox
    """
    rules, product = tree.project.build, tree.project.product
    with _place(tree, inner) as place:
        seen = sandbox.root(place)
        words = {"python": sys.executable, "version": release[0], "counter": release[1]}
        command = [_filled(word, words | {"out": seen["out"]}) for word in rules.command]
        environment = plain_environment(seen["home"]) | {
            "SOURCE_DATE_EPOCH": str(tree.source.committed),
            "FIRMWARD_CACHE": str(seen["cache"]),
            "TMPDIR": str(seen["tmp"]),
        }
        held = sandbox.command(command, place, rules.timeout_s * (os.cpu_count() or 1))
        started = clock()
        done = run(held, place.source / place.cwd, environment, rules.timeout_s)
        log = done.out.decode(errors="replace") + done.err
        _judge(done.code, product, command[0], log)
        return Made(
            files={
                **dict(_sealed(place, seen, rules, product, log, store)),
                **dict(_sealed_components(place, tree.project, log, store)),
            },
            log=log[-_LOG_LIMIT:],
            started=started,
            finished=clock(),
        )


@contextmanager
def _place(tree: Checkout, inner: Path) -> Iterator[Place]:
    """Fresh folders, with a checkout that has the commit's time on every file; gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="firmward-build-") as name,
        checked_out(tree.source) as own,
    ):
        for kind in ("out", "home", "cache", "tmp"):
            (Path(name) / kind).mkdir()
        stamp = tree.source.committed
        for top, folders, files in os.walk(own.root):
            for entry in (*folders, *files):
                os.utime(Path(top) / entry, (stamp, stamp), follow_symlinks=False)
        yield Place(
            source=own.root,
            cwd=str(own.folder.relative_to(own.root)),
            out=Path(name) / "out",
            home=Path(name) / "home",
            cache=Path(name) / "cache",
            inner=inner,
        )


def _filled(word: str, words: dict[str, Any]) -> str:
    for name, value in words.items():
        word = word.replace(f"{{{name}}}", str(value))
    return word


def _judge(code: int, product: str, command: str, log: str) -> None:
    """A tree that does not build is at fault; a machine that cannot run its command is not."""
    if code in (_NOT_EXECUTABLE, _NOT_FOUND):
        raise Unavailable(f"{product}: {command}: cannot be started: {log[-300:].strip()}")
    if code and log.startswith("bwrap: "):
        raise Unavailable(f"{product}: the sandbox cannot be made: {log[:300].strip()}")
    if code:
        raise BuildFailed(product, f"the command ended with {code}", log)


def _sealed(
    place: Place, seen: dict[str, Path], rules: BuildRules, product: str, log: str, store: Store
) -> Iterator[tuple[str, Sealed]]:
    """Kind of file -> what the command left of it."""
    for kind, path in (("elf", rules.elf), ("binary", rules.binary), ("map", rules.map)):
        if path:
            yield kind, store.seal_tree(NAMES[kind], _left((place.out,), path, product, log))
    if rules.rootfs:
        left = _left((place.out,), rules.rootfs, product, log)
        yield "rootfs", store.seal_tree(NAMES["rootfs"], left)
    if rules.compile_commands:
        left = _left((place.out, place.source), rules.compile_commands, product, log)
        text = left.read_bytes().replace(str(seen["src"]).encode(), str(INNER_ROOT).encode())
        yield "compile_commands", store.seal(NAMES["compile_commands"], text)


def _sealed_components(
    place: Place, project: Project, log: str, store: Store
) -> Iterator[tuple[str, Sealed]]:
    """The same for what is released beside the image: built, or a file of the tree."""
    for each in project.components:
        left = _left((place.out, place.source), each.file, project.product, log)
        if not left.is_file():
            raise BuildFailed(project.product, f"component {each.name}: a folder, not a file", log)
        yield _COMPONENT + each.name, store.seal_tree(_COMPONENT + each.name, left)


def _left(folders: tuple[Path, ...], path: str, product: str, log: str) -> Path:
    """Where the file is, in the first of the folders that has it."""
    for folder in folders:
        file = (folder / path).resolve()
        # A link that leads out of the folder would sign whatever it points at.
        inside = file.is_relative_to(folder.resolve())
        if inside and (file.is_dir() or (file.is_file() and file.stat().st_size)):
            return file
    raise BuildFailed(product, f"expected it to leave {path}, got nothing", log)


def _parts(
    tree: Checkout, release: tuple[str, int], toolchain: dict[str, str], sandbox: Sandbox
) -> tuple[str, ...]:
    """Everything that the output depends on."""
    source, rules = tree.source, tree.project.build
    number, counter = release
    # A project without components keeps what was built before there were any.
    beside = [f"component={each.name}:{each.file}" for each in tree.project.components]
    return (
        *("build-2", source.tree, str(source.committed)),
        *(str(tree.folder.relative_to(tree.root)), number, str(counter), sandbox.says),
        *(f"{name}={number}" for name, number in sorted(toolchain.items())),
        msgspec.json.encode(rules).decode(),
        *beside,
    )


def _written(made: Made) -> dict[str, Any]:
    return {
        "files": {kind: sealed.sha256 for kind, sealed in made.files.items()},
        "log": made.log,
        "started": made.started.timestamp(),
        "finished": made.finished.timestamp(),
    }


def _found(kept: dict[str, Any], store: Store) -> Made | None:
    """A result of the shelf with its files, or None when one is gone."""
    digests = kept["files"].items()
    files = {kind: store.find(NAMES.get(kind, kind), digest) for kind, digest in digests}
    whole = {kind: sealed for kind, sealed in files.items() if sealed is not None}
    if len(whole) < len(files):
        return None
    started, finished = (datetime.fromtimestamp(kept[at], UTC) for at in ("started", "finished"))
    return Made(whole, kept["log"], started, finished)


def _artifact(
    made: Made, rules: BuildRules, toolchain: dict[str, str], sandbox: Sandbox, *, cached: bool
) -> Artifact:
    def whole(kind: str) -> bytes:
        return reread(made.files[kind]) if kind in made.files else b""

    rootfs = made.files.get("rootfs")
    if rootfs:
        check(rootfs)
    return Artifact(
        elf=whole("elf"),
        binary=whole("binary"),
        map=whole("map"),
        compile_commands=whole("compile_commands"),
        log=made.log,
        command=rules.command,
        toolchain=toolchain,
        started=made.started,
        finished=made.finished,
        cached=cached,
        sandbox=sandbox.says,
        rootfs=rootfs,
        components={
            kind.removeprefix(_COMPONENT): sealed
            for kind, sealed in made.files.items()
            if kind.startswith(_COMPONENT)
        },
        sealed={sealed.name: sealed for sealed in made.files.values()},
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise Unavailable(f"{distribution}: the project's toolchain, not installed") from error


def to_sign(artifact: Artifact) -> bytes:
    """The binary as it is in the store at this moment, which is what gets signed.

    raises  Altered when that is no longer what was built, scanned and stated in the evidence
    """
    sealed = artifact.sealed.get(NAMES["binary"])
    if sealed is None:
        raise Misuse(f"{artifact.command[0]}: expected a sealed binary, got one only in memory")
    data = reread(sealed)
    if data != artifact.binary:
        raise Altered(sealed.path, artifact.digests()[NAMES["binary"]], sealed.sha256)
    return data

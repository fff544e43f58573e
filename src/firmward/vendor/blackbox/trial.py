"""The black-box test of a build: the project's device, corpus and limits; kept by content."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from firmward.terms.errors import Malformed, Unavailable
from firmward.vendor.blackbox.campaign import Campaign, Limits, Result, Watch
from firmward.vendor.blackbox.device import Device
from firmward.vendor.blackbox.result import corpus_digest, predicate, sarif
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.process import plain_environment
from firmward.vendor.project import FILE, BlackboxRules
from firmward.vendor.scan.sarif import Run
from firmward.vendor.source.checkout import Checkout

# What everybody tries who finds an interface without a manual.
_NO_CORPUS: Final = (b"\n", b"help\n", b"0\n", b"A 1\n")
_ENTRY_LIMIT: Final = 64 * 1024
_ENTRIES: Final = 1000


@dataclass(frozen=True)
class Tested:
    """The evidence of a black-box test.

    predicate  in-toto test-result v0.1
    run        its findings as a SARIF run
    """

    predicate: dict[str, Any]
    run: Run
    cached: bool

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return bool(self.predicate["result"] == "PASSED")


def _silent(_: Result) -> None:
    """Nobody is watching."""


def trial(
    tree: Checkout,
    artifact: Artifact,
    shelf: Shelf,
    *,
    image: bytes = b"",
    limits: Limits | None = None,
    watch: Watch = _silent,
) -> Tested:
    """What fuzzing this artifact on the project's device gave, now or when it was last done.

    image   for a command that wants the packed image
    limits  instead of the project's seconds

    raises  Unavailable when there is no command, when its device cannot be started, or when it
            took no input: no device, no evidence
    """
    rules = tree.project.blackbox
    if not rules.command:
        raise Unavailable(f"{FILE}: [blackbox] names no command: there is nothing to test on")
    corpus = read_corpus(tree.root, rules)
    asked = limits or Limits(rules.seconds, rules.inputs)
    parts = (
        *("blackbox-1", version("firmward"), *sorted(artifact.digests().values())),
        *(msgspec.json.encode(rules).decode(), corpus_digest(corpus), str(asked)),
    )
    fresh: list[bool] = []

    def make() -> dict[str, Any]:
        fresh.append(True)
        result = _fuzzed(tree, corpus, _files(artifact, image), asked, watch, shelf.folder)
        settings = {"command": list(rules.command), "deadline_ms": rules.deadline_ms}
        return {
            "predicate": predicate(result, corpus, rules.seed, settings),
            "run": sarif(result, "app.bin"),
        }

    kept = shelf.kept(parts, make)
    return Tested(kept["predicate"], kept["run"], cached=not fresh)


def read_corpus(root: Path, rules: BlackboxRules) -> tuple[bytes, ...]:
    """The inputs to start from, a file each, in the order of their names.

    raises  Malformed when the project names a folder without any, or with an unreadable one
    """
    if not rules.corpus:
        return _NO_CORPUS
    folder = root / rules.corpus
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    entries = tuple(path.read_bytes() for path in files[: _ENTRIES + 1])
    if not entries or len(entries) > _ENTRIES or max(map(len, entries)) > _ENTRY_LIMIT:
        expected = f"1 to {_ENTRIES} files of at most {_ENTRY_LIMIT} bytes"
        raise Malformed(f"{FILE}: blackbox.corpus {rules.corpus!r}", expected, str(len(entries)))
    return entries


def _files(artifact: Artifact, image: bytes) -> dict[str, bytes]:
    """Word of the command -> content of the file that it stands for."""
    files = {"binary": artifact.binary, "elf": artifact.elf, "image": image}
    return {word: data for word, data in files.items() if data}


def _fuzzed(
    tree: Checkout,
    corpus: tuple[bytes, ...],
    files: Mapping[str, bytes],
    limits: Limits,
    watch: Watch,
    cache: Path,
) -> Result:
    rules = tree.project.blackbox
    with tempfile.TemporaryDirectory(prefix="firmward-blackbox-") as name:
        folder = Path(name)
        words = {"python": sys.executable}
        for word, data in files.items():
            (folder / word).write_bytes(data)
            words[word] = str(folder / word)
        command = [_filled(word, words) for word in rules.command]
        # The command is the vendor's own and may keep things, such as a simulator it compiled.
        kept = {"TMPDIR": name, "FIRMWARD_CACHE": str(cache)}
        environment = plain_environment(folder) | kept
        with Device(command, tree.folder, environment, rules.deadline_ms) as device:
            result = Campaign(device, corpus, rules.seed, watch).run(limits)
    if not result.inputs:
        raise Unavailable(f"{command[0]}: took no input within {limits.seconds:g} s")
    return result


def _filled(word: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(f"{{{name}}}", value)
    for name in ("image", "binary", "elf"):
        if f"{{{name}}}" in word:
            raise Unavailable(f"{FILE}: blackbox.command asks for {{{name}}}, and there is none")
    return word

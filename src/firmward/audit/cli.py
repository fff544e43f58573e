"""`firmward audit`: verify a ledger folder, tell a story from it, prove an entry of it."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from firmward.audit import prove as proofs
from firmward.audit.folder import NOTE_LIMIT
from firmward.audit.story import story as tell
from firmward.audit.verify import Log, Numbered
from firmward.audit.verify import verify as verify_folder
from firmward.proof.note import Checkpoint
from firmward.terms.errors import FirmwardError, Misuse, Refused
from firmward.terms.wire import plain

app = typer.Typer(
    no_args_is_help=True,
    help="Verify a ledger with its public folder and its verifier key, and nothing else.",
)

Folder = Annotated[Path, typer.Argument(help="The ledger's public folder.", show_default=False)]
Key = Annotated[
    Path, typer.Option("--vkey", help="File with the log's verifier key line.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines: one JSON document.")]
Since = Annotated[
    Path | None,
    typer.Option(
        "--since",
        help="File with the checkpoint kept from the last visit; renewed when all is well.",
    ),
]

REFUSED, UNJUDGED, MISUSED = 1, 3, 2


@app.command()
def verify(folder: Folder, vkey: Key, since: Since = None, as_json: AsJson = False) -> None:
    """Recompute every entry, tile and the root; exit 0 only if all is as signed."""
    with _answering(as_json):
        log, seen = _open(folder, vkey, since)
        if since is not None:
            _keep(since, log.note)
        body = _checkpoint(log.checkpoint) | {"continues": seen}
        said = f"{log.checkpoint.origin}: {len(log)} entries, root {log.checkpoint.root.hex()}"
        _say(as_json, {"verified": True, **body}, [f"{said}: verified{_history(since, seen)}"])


@app.command()
def story(
    folder: Folder,
    subject: Annotated[str, typer.Argument(help="A device id, release id, roll-out or ticket.")],
    vkey: Key,
    as_json: AsJson = False,
) -> None:
    """Tell one device's or one release's story from the verified ledger."""
    with _answering(as_json):
        lines = tell(_open(folder, vkey)[0], subject)
        if not lines:
            raise Misuse(f"{subject}: expected a subject of this ledger, got one it never names")
        _say(as_json, [plain(line) for line in lines], [line.text() for line in lines])


@app.command()
def prove(
    folder: Folder,
    number: Annotated[int, typer.Argument(help="The entry's number, counted from 0.")],
    vkey: Key,
) -> None:
    """Write the proof that an entry is on the ledger, as JSON that stands alone."""
    with _answering(True):
        log, _ = _open(folder, vkey)
        print(proofs.inclusion(log, number).decode())


@app.command()
def consistency(
    folder: Folder,
    earlier: Annotated[Path, typer.Argument(help="File with an earlier signed checkpoint.")],
    vkey: Key,
) -> None:
    """Write the proof that the ledger continues an earlier checkpoint, as JSON."""
    with _answering(True):
        log, _ = _open(folder, vkey, earlier)
        print(proofs.consistency(log, _bytes(earlier), _line(vkey)).decode())


@app.command()
def check(
    proof: Annotated[Path, typer.Argument(help="File with a proof, or - for standard input.")],
    vkey: Key,
    as_json: AsJson = False,
) -> None:
    """Check a proof that somebody handed you; needs no ledger folder."""
    with _answering(as_json):
        proven = proofs.check(_bytes(proof), _line(vkey))
        if isinstance(proven, Numbered):
            event: dict[str, Any] = plain(proven.event)
            said = f"entry {proven.number} is on the ledger: {proven.event.says}"
            _say(as_json, {"proven": True, "index": proven.number, "event": event}, [said])
            return
        earlier, later = map(_checkpoint, proven)
        said = f"the ledger of {later['size']} entries continues that of {earlier['size']}"
        _say(as_json, {"proven": True, "earlier": earlier, "later": later}, [said])


@app.command()
def export(folder: Folder, vkey: Key) -> None:
    """Write every event of the verified ledger as JSON lines, numbered."""
    with _answering(True):
        log, _ = _open(folder, vkey)
        for number, event in log:
            print(json.dumps({"number": number, "event": plain(event)}, ensure_ascii=False))


def _open(folder: Path, vkey: Path, since: Path | None = None) -> tuple[Log, bool]:
    """The verified log, and whether it was held against an earlier checkpoint."""
    kept = _bytes(since) if since is not None and since.exists() else None
    return verify_folder(folder, _line(vkey), since=kept), kept is not None


def _line(vkey: Path) -> str:
    return _bytes(vkey).decode("utf-8", "replace").strip()


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(16 * NOTE_LIMIT)
        with path.open("rb") as file:
            return file.read(16 * NOTE_LIMIT)
    except OSError as error:
        raise Misuse(f"{path}: expected a readable file, got {error.strerror}") from error


def _keep(path: Path, note: bytes) -> None:
    """Replace the kept checkpoint; a crash here leaves the old one, which is as good."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(note)
        file.flush()
        os.fsync(handle)
    Path(name).replace(path)


def _history(since: Path | None, seen: bool) -> str:
    if since is None:
        return ""
    return ", continues the last checkpoint" if seen else "; first visit, nothing to compare with"


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    origin, size, root = checkpoint
    return {"origin": origin, "size": size, "root": root.hex()}


def _say(as_json: bool, body: Any, lines: list[str]) -> None:
    for line in [json.dumps(body, ensure_ascii=False)] if as_json else lines:
        print(line)


@contextmanager
def _answering(as_json: bool) -> Iterator[None]:
    """Turn an error into one line and an exit code: 1 refused, 2 misuse, 3 could not be judged."""
    try:
        yield
    except FirmwardError as error:
        misuse = MISUSED if isinstance(error, Misuse) else UNJUDGED
        code = REFUSED if isinstance(error, Refused) else misuse
        fault = {"error": {"kind": type(error).__name__, "says": str(error)}}
        print(json.dumps(fault) if as_json else f"audit: {error}", file=sys.stderr)
        raise typer.Exit(code) from error


if __name__ == "__main__":
    app()

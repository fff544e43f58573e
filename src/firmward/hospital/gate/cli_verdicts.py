"""`firmward policy replay | impact`: verdicts that were reached, reached again.

Neither writes to a site: what an auditor finds out moves nothing.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from firmward.hospital.gate import impact as impacts
from firmward.hospital.gate import kept, replay
from firmward.hospital.gate.engines.direct import DEFAULT
from firmward.hospital.gate.engines.worker import choose
from firmward.hospital.gate.packs.adopted import Laying, lying, together
from firmward.hospital.gate.packs.folder import named, newest
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.policy import Policy
from firmward.hospital.records import verdicts
from firmward.hospital.records.read_only import reading_only
from firmward.hospital.records.site import load_settings
from firmward.terms.errors import Misuse
from firmward.terms.legible import legible

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
EngineName = Annotated[str, typer.Option(help="The rule engine: cel-cpp or cel-rust.")]
_STEP = 25


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others of `firmward policy`."""
    app.command("replay")(replay_case)
    app.command("impact")(impact)


def replay_case(
    case: Annotated[Path, typer.Argument(help="A verdict's case file.")],
    engine: EngineName = DEFAULT,
    key: Annotated[
        Path | None, typer.Option(help="The gate's public/verdict.key.json, as you know it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Reach a verdict again from its case file; exits 1 unless every byte is as it was signed."""
    pinned = None if key is None else replay.pinned_key(_bytes(key))
    found = replay.replay(replay.read_case(_bytes(case)), choose(engine), pinned)
    if json_:
        _print(
            {
                "same": found.same,
                "bytes": found.size,
                "differences": found.differences,
                "keyid": found.keyid,
                "pinned": found.pinned,
            }
        )
    elif found.same:
        typer.echo(f"the same, {found.size} bytes")
    else:
        typer.echo(legible(found.differences[0]))
        more = len(found.differences) - 1
        if more:
            typer.echo(f"and {more} more that differ; --json has them all")
    if not found.pinned:
        says = f"signed by {found.keyid}, a key out of the case itself: compare it, or give --key"
        typer.echo(says, err=True)
    if not found.same:
        raise typer.Exit(1)


def impact(
    site: Annotated[
        Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")
    ],
    packs: Annotated[
        Path | None, typer.Option("--packs", help="Packs as they are to become; else the site's.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="overlay.yaml as it is to become, beside the site's others.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far back: 365d, 12h.")] = "365d",
    binding: Annotated[
        bool, typer.Option("--binding", help="As if what only warns were binding already.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="What does not change as well.")] = False,
    engine: EngineName = DEFAULT,
    json_: Json = False,
) -> None:
    """Say what a changed policy would have made of the verdicts that a site has reached."""
    now = datetime.now(UTC)
    policy = impacts.timeless(_drafted(site, packs, overlay, now), binding=binding)
    begin = (now - _span(since)).timestamp()
    with reading_only(site / "store.sqlite") as connection:
        numbers = verdicts.numbers_since(connection, begin)
        past = kept.pasts(connection, _counted(numbers))
        report = impacts.impact(impacts.again(policy, past, choose(engine)))
    if json_:
        _print(report)
    else:
        typer.echo(legible(impacts.told(report, every=every)), nl=False)


def _drafted(site: Path, packs: Path | None, overlay: Path | None, now: datetime) -> Policy:
    """The policy that a site would have with these packs and this overlay, signed or not."""
    settings = load_settings(site)
    adopted, overlays = lying(site, settings, now)
    if packs is not None:
        adopted = [load(newest(packs, name)) for name in named(packs)]
    if overlay is not None:
        overlays = _laid(overlays, _bytes(overlay), str(overlay))
    return together(adopted, overlays, settings.site)


def _laid(overlays: Laying, data: bytes, who: str) -> list[Any]:
    """The overlays with another one in the place of the one of its scope."""
    read = read_yaml(data, Overlay, who)
    source = read.source(sha256(data).hexdigest())
    others = [(one, at) for one, at in overlays if (one.scope, one.site) != (read.scope, read.site)]
    return [*others, (read, source)]


def _span(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) < 6 and unit in ("d", "h")):
        raise Misuse(f"since: expected a number of days or hours such as 365d, got {text[:40]!r}")
    return timedelta(**{"days" if unit == "d" else "hours": int(number)})


def _counted(numbers: list[int]) -> Iterator[int]:
    """The numbers, with how far it is told on the terminal."""
    for done, number in enumerate(numbers):
        if done % _STEP == 0 and sys.stderr.isatty():
            typer.echo(f"\r{done} of {len(numbers)} judged again", err=True, nl=False)
        yield number
    if sys.stderr.isatty():
        typer.echo("\r\x1b[K", err=True, nl=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error


def _print(value: object) -> None:
    typer.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))

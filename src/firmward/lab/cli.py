"""firmward lab: the simulated world.  Devices here are emulated boards running real firmware."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from firmward.lab import demo as play_house
from firmward.lab import device_under_test
from firmward.lab.footprint import Footprint
from firmward.lab.report import ACTS, UNKNOWN, write_report
from firmward.lab.scenario import Check
from firmward.lab.story import collect

WIDE = 136
"""From this many columns on, expected and seen stand beside the check, not below it."""
INDENT = 5

app = typer.Typer(
    help="The simulated world: the demo, and boards to test on.", no_args_is_help=True
)
console = Console(highlight=False)


@app.callback()
def lab() -> None:
    """Emulated devices, real firmware, a real server: everything here can be broken safely."""


app.command("device-under-test")(device_under_test.run)


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the server up afterwards.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything the play writes.", show_default=False)
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path(
        "firmward-demo.html"
    ),
) -> None:
    """Play the whole loop in seven acts, and exit 1 if anything differs from what was expected."""
    begun = time.monotonic()
    told: list[tuple[float, str]] = []

    def say(line: str) -> None:
        told.append((time.time(), line))
        console.print(f"[dim]{time.monotonic() - begun:5.1f}[/dim] ", end="")
        console.print(line, markup=False, soft_wrap=True)

    with Footprint() as footprint:
        played = play_house.play(play_house.folder_for(out), say, play_house.ACTS)
        story = collect(played, told, footprint.memory_mib(), datetime.now(UTC))
    stage = played.stage
    write_report(report, story)
    for shown in results(stage.checks, console.width):
        console.print(shown)
    for trouble in (*story.failures, *story.lost):
        console.print(f"nobody staged this: {trouble}", markup=False)
    if keep:
        _tell_what_to_try(stage.server.home)
        play_house.leave_up(stage)
    else:
        play_house.close(stage)
    console.print(
        f"{len(story.checks) - story.wrong} of {len(story.checks)} as expected, "
        f"{story.seconds:.0f} s, peak {story.memory_mib:.0f} MiB; report: {report.resolve()}",
        soft_wrap=True,
    )
    if not (played.ok and story.ok):
        raise typer.Exit(1)


def results(checks: Sequence[Check], width: int) -> list[RenderableType]:
    """The play's table for a terminal of this width: act, expected, seen, time, ledger entry."""
    ordered = sorted(checks, key=lambda check: check.act)
    acts = [(act, list(found)) for act, found in groupby(ordered, lambda check: check.act)]
    return [_wide(acts)] if width >= WIDE else _narrow(acts, width)


Acts = Sequence[tuple[str, Sequence[Check]]]


def _wide(acts: Acts) -> Table:
    table = Table("act", "check", "expected", "seen", "time", "ledger entry", box=box.SIMPLE_HEAD)
    for act, checks in acts:
        table.add_row(Text(act, style="bold"), _title(act, checks))
        for check in checks:
            words = Text(check.what), Text(check.expected), Text(check.seen, style=_style(check))
            table.add_row(_mark(check), *words, _time(check), _entry(check))
        table.add_section()
    return table


def _narrow(acts: Acts, width: int) -> list[RenderableType]:
    """Two lines for each check: what, time and entry; below, what was expected and seen."""
    room = width - INDENT - 8 - 8
    head = f"{'act':<{INDENT}}{'check, expected and seen':<{room}}{'time':>8}{'ledger':>8}"
    shown: list[RenderableType] = [Text(f"\n{head}", style="dim")]
    for act, checks in acts:
        title = Text(f"\n{act:<{INDENT}}", style="bold").append_text(_title(act, checks))
        shown.append(title)
        for check in checks:
            line = _mark(check).append(" " * (INDENT - len(_mark(check))))
            line.append(f"{check.what:<{room}}{_time(check):>8}{_entry(check):>8}", style="default")
            below = Text("expected ", style="dim").append(check.expected, style="not dim")
            below.append("  seen ").append(check.seen, style=f"not dim {_style(check)}")
            shown += [line, Padding(below, (0, 0, 0, INDENT))]
    return shown


def _title(act: str, checks: Sequence[Check]) -> Text:
    right = sum(check.ok for check in checks)
    title, _ = ACTS.get(act, UNKNOWN)
    return Text(f"{title} ({right} of {len(checks)})", style="bold")


def _style(check: Check) -> str:
    return "green" if check.ok else "bold red"


def _mark(check: Check) -> Text:
    return Text("ok" if check.ok else "FAIL", style=_style(check))


def _time(check: Check) -> str:
    return f"{check.seconds:.1f} s"


def _entry(check: Check) -> str:
    return f"#{check.entry}" if check.entry >= 0 else "-"


def _tell_what_to_try(home: Path) -> None:
    console.print("\nthe server is up and the fleet lives; Ctrl-C ends both. Try, elsewhere:")
    for line in (
        f"export FIRMWARD_SITE={home}",
        "firmward hospital status --site $FIRMWARD_SITE",
        "firmward hospital device list --site $FIRMWARD_SITE",
        "firmward hospital tickets --site $FIRMWARD_SITE",
        "firmward hospital events --site $FIRMWARD_SITE --about monitor-7@1.2.0+5",
        f"firmward audit verify {home}/ledger --vkey {home}/ledger/vkey",
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)

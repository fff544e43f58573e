"""firmward lab: the simulated world.  Devices here are emulated boards running real firmware."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from firmward.lab import demo as play_house
from firmward.lab.report import memory_mib, write_report
from firmward.lab.scenario import Check

app = typer.Typer(help="The simulated world: the demo.", no_args_is_help=True)
console = Console(highlight=False)


@app.callback()
def lab() -> None:
    """Emulated devices, real firmware, a real server: everything here can be broken safely."""


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

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begun:5.1f}[/dim] ", end="")
        console.print(line, markup=False, soft_wrap=True)

    folder = play_house.folder_for(out)
    played = play_house.play(folder, say, play_house.ACTS)
    stage = played.stage
    checks = sorted(stage.checks, key=lambda check: check.act)
    write_report(report, played, datetime.now(UTC))
    console.print(_table(checks))
    for failure in stage.fleet.failures:
        console.print(f"device failure nobody staged: {failure}", markup=False)
    wrong = sum(not check.ok for check in checks)
    if keep:
        _tell_what_to_try(stage.server.home)
        play_house.leave_up(stage)
    else:
        play_house.close(stage)
    peak = memory_mib()
    console.print(
        f"{len(checks) - wrong} of {len(checks)} as expected, {played.seconds:.0f} s, "
        f"peak {peak:.0f} MiB; report: {report.resolve()}",
        soft_wrap=True,
    )
    if not played.ok:
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table("act", "what", "expected", "seen", "time", "ledger entry", title="Firmward demo")
    for check in checks:
        colour = "green" if check.ok else "bold red"
        entry = str(check.entry) if check.entry >= 0 else ""
        seen = f"[{colour}]{check.seen if check.ok else check.seen.replace('[', '(')}[/]"
        table.add_row(check.act, check.what, check.expected, seen, f"{check.seconds:.1f} s", entry)
    return table


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

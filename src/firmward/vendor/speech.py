"""How the vendor's commands speak: to a person on standard error, to a program in JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from firmward.terms.errors import FirmwardError, Misuse, Refused
from firmward.terms.stage import Stage

SAYS: Final = Console(stderr=True, highlight=False)


@contextmanager
def answering(as_json: bool) -> Iterator[None]:
    """Errors in words (or JSON): exit 1 for refused, 2 for misuse, 3 for could not be judged."""
    try:
        yield
    except FirmwardError as error:
        code = 1 if isinstance(error, Refused) else 2 if isinstance(error, Misuse) else 3
        if as_json:
            typer.echo(json.dumps({"error": {"kind": type(error).__name__, "says": str(error)}}))
        else:
            SAYS.print(f"[bold red]{type(error).__name__}[/]: ", end="")
            SAYS.print(str(error), markup=False)
        raise typer.Exit(code) from error


@contextmanager
def watched(quiet: bool) -> Iterator[Callable[[Stage, str], None]]:
    """A line per stage that has ended, and a clock for the one that runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=SAYS, transient=True, disable=quiet) as bar:
        task = bar.add_task("at work")

        def ended(stage: Stage, says: str) -> None:
            if not quiet:
                bar.console.print(f"[green]{stage.value:8}[/] ", end="")
                bar.console.print(says, markup=False)
            bar.reset(task)

        yield ended


def answer(as_json: bool, says: str, **members: Any) -> None:
    """Say it in words, or give the members as one JSON object."""
    if as_json:
        typer.echo(json.dumps(members, default=str))
    else:
        SAYS.print(says, markup=False)

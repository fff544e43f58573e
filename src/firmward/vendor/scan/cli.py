"""`firmward vendor scanners`: what is installed, and how the rest gets there."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import default_folder
from firmward.vendor.scan.tools.environments import (
    SCANNERS,
    Tool,
    download,
    install_all,
    installed,
    locked_version,
)
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(
    help="The scanners that live outside Firmward, each locked in an environment of its own.",
    no_args_is_help=True,
)

Names = Annotated[list[str] | None, typer.Argument(help="Which; all if none is named.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command(name="list")
def list_command(as_json: Json = False) -> None:
    """Each scanner with its version and licence, and whether a scan would find it here."""
    with answering(as_json):
        here = {name: _found(name) for name in SCANNERS}
        for name, tool in () if as_json else here.items():
            state = "installed" if tool else "not installed"
            licence = SCANNERS[name].licence
            SAYS.print(f"{name:11} {locked_version(name):10} {licence:31} {state}", markup=False)
        missing = [name for name, tool in here.items() if tool is None]
        answer(
            as_json,
            f"{len(here) - len(missing)} of {len(here)} installed",
            scanners=[
                {"name": name, "version": locked_version(name), "path": tool.path if tool else None}
                for name, tool in here.items()
            ],
        )


@app.command(name="install")
def install_command(
    names: Names = None,
    wheels: Annotated[
        Path | None, typer.Option(help="A folder with their files; no network is asked.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--download", help="Only fetch the files, into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Install scanners by their locks, each file by its digest; what is there stays as it is."""
    chosen = tuple(names or SCANNERS)

    def told(name: str, says: str) -> None:
        if not as_json:
            SAYS.print(f"{name:11} {says}", markup=False)

    with answering(as_json):
        if to is not None:
            for name in chosen:
                told(name, f"{locked_version(name)}: fetching")
                download(name, to)
            answer(as_json, f"{len(chosen)} scanners' files are in {to}", folder=to)
            return
        tools = install_all(chosen, default_folder(), wheels, told)
        answer(
            as_json,
            f"{len(tools)} scanners in {default_folder() / 'tools'}",
            scanners=[{"name": each.name, "version": each.version} for each in tools],
        )


def _found(name: str) -> Tool | None:
    with contextlib.suppress(Unavailable):
        return installed(name, default_folder())
    return None

"""firmward hospital advisories: what is known of vulnerabilities here, and reading it anew."""

import json
from pathlib import Path
from typing import Annotated

import typer

from firmward.hospital.desk import desk_of

app = typer.Typer(help="The site's own advisories.", no_args_is_help=True)

Site = Annotated[Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")]
As = Annotated[str, typer.Option("--as", help="Whose certificate to use: people/<name>.")]


@app.command()
def show(site: Site, as_: As = "bea") -> None:
    """How recent the advisories are, and how much waits to be judged by them."""
    typer.echo(json.dumps(desk_of(site, as_).get("/v1/advisories"), indent=2))


@app.command()
def update(site: Site, as_: As = "sam") -> None:
    """Read the folder of advisories now, and judge again what that concerns.

    The server does so by itself once a file in it changes. Exits 1 where the folder is refused.
    """
    typer.echo(json.dumps(desk_of(site, as_).post("/v1/advisories", b""), indent=2))

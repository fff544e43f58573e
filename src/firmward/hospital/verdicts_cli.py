"""firmward hospital verdict, adoption: what the gate said, and what it is about to say."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from firmward.hospital.desk import Desk, desk_of
from firmward.hospital.records.durable import write_durably
from firmward.terms.errors import Misuse

Site = Annotated[Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")]
As = Annotated[str, typer.Option("--as", help="Whose certificate to use: people/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others of `firmward hospital`."""
    app.command("verdict")(verdict)
    app.command("adoption")(adoption)


def verdict(
    site: Site,
    release: Annotated[str, typer.Argument(help="The release, such as pump-200@1.1.0+3.")],
    class_: Annotated[
        str, typer.Option("--class", help="One device class: product/HARDWARE-ID/tier-n.")
    ] = "",
    number: Annotated[int, typer.Option(help="Another verdict than the newest.")] = 0,
    page: Annotated[Path | None, typer.Option(help="Write it as an HTML file.")] = None,
    case: Annotated[
        Path | None, typer.Option(help="Write its case file, for `firmward policy replay`.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every rule in full.")] = False,
    as_: As = "ada",
    json_: Json = False,
) -> None:
    """Show the newest verdict on a release for each device class, as figure 3 draws it."""
    query = {"all": "1"} if every else {}
    with closing(desk_of(site, as_)) as desk:
        numbers = _numbers(desk, release, class_, number)
        files = {"page": page, "case": case}
        _write(desk, release, numbers, {part: path for part, path in files.items() if path})
        found = [desk.get(f"/v1/verdicts/{one}", **query) for one in numbers]
    if json_:
        print(json.dumps([_bare(one) for one in found]))
        return
    for one in found:
        print(one["explained"])


def _numbers(desk: Desk, release: str, class_: str, number: int) -> list[int]:
    # A release's id holds @ and +, and what a person types may hold anything.
    path = f"/v1/releases/{quote(release, safe='')}/verdicts"
    query = {"class": class_} if class_ else {}
    query |= {"before": str(number + 1)} if number else {"newest": "1"}
    listed = [row["verdict"] for row in desk.get(path, **query)]
    if not number:
        return listed
    if number not in listed:
        raise Misuse(f"{release}: expected one of its verdicts, got {number}")
    return [number]


def _write(desk: Desk, release: str, numbers: list[int], files: dict[str, Path]) -> None:
    if files and len(numbers) != 1:
        raise Misuse(f"{release}: expected --class for a file, got {len(numbers)} verdicts")
    for part, path in files.items():
        write_durably(path, desk.read(f"/v1/verdicts/{numbers[0]}/{part}"))


def _bare(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "explained"}


def adoption(site: Site, as_: As = "ada", json_: Json = False) -> None:
    """Say what would be refused today, were every rule that warns binding already."""
    with closing(desk_of(site, as_)) as desk:
        said = desk.get("/v1/adoption")
    if json_:
        print(json.dumps(_bare(said)))
    else:
        print(said["explained"], end="")

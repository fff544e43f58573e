"""`firmward vendor keys`: which keys there are, where each is held, and a new one for an old."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from firmward.vendor import project
from firmward.vendor.keys import book as books
from firmward.vendor.keys import opening, rotate
from firmward.vendor.keys.book import Book, Held
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(no_args_is_help=True, help="The vendor's signing keys.")

Folders = Annotated[list[Path], typer.Argument(help="Folders with a firmward.toml.", exists=True)]
HomeOption = Annotated[Path, typer.Option(help="The vendor's keys and repository.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def create(folders: Folders, home: HomeOption, as_json: Json = False) -> None:
    """Make the vendor's keys where [keys] says; later, the MAC keys of new device classes."""
    with answering(as_json):
        declared = [
            project.read((folder / project.FILE).read_bytes(), str(folder)) for folder in folders
        ]
        if (home / books.FILE).exists():
            opening.agreed(declared)
            made = opening.add_macs(home, declared)
        else:
            opening.create(home, declared, datetime.now(UTC))
            made = [held.name for held in books.read(home).keys]
        book = books.read(home)
        answer(as_json, f"made {', '.join(made) or 'nothing'}", made=made, keys=_rows(book))
        if not as_json:
            SAYS.print(_table(book))


@app.command()
def show(home: HomeOption, as_json: Json = False) -> None:
    """Every key: role, algorithm, where it is held, and the id that metadata names it by."""
    with answering(as_json):
        rotate.settle(home)
        book = books.read(home)
        held = "software keys: whoever copies them is you" if book.development else book.token
        answer(as_json, f"{book.vendor}: {held}", keys=_rows(book), development=book.development)
        if not as_json:
            SAYS.print(_table(book))


@app.command(name="rotate")
def rotate_command(
    name: Annotated[str, typer.Argument(help="A key of root, targets, snapshot or timestamp.")],
    home: HomeOption,
    as_json: Json = False,
) -> None:
    """Make a new key in place of one, and publish the root file that says so."""
    with answering(as_json):
        version = rotate.rotate(home, name, datetime.now(UTC))
        answer(
            as_json,
            f"{name} is replaced since {version}.root.json; hand out the metadata (vendor renew),"
            " then destroy the old key where it is held",
            root=version,
            keys=_rows(books.read(home)),
        )


def _rows(book: Book) -> list[dict[str, Any]]:
    return [
        {
            "name": held.name,
            "role": held.role,
            "algorithm": held.algorithm,
            "where": _where(held),
            "signatures": f"{book.threshold(held.role)} of {len(book.of(held.role))}",
            "keyid": held.keyid,
        }
        for held in book.keys
    ]


def _where(held: Held) -> str:
    return f"{held.where} {held.token}".strip()


def _table(book: Book) -> Table:
    rows = _rows(book)
    table = Table("key", "algorithm", "where", "needed", "key id")
    for row in rows:
        # A key id is a digest: its beginning tells keys apart.
        short = row["keyid"][:16]
        table.add_row(row["name"], row["algorithm"], row["where"], row["signatures"], short)
    return table

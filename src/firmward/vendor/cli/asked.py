"""What several of the vendor's commands ask for, and how they open it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmward.vendor import advisories, onboard
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.command import build
from firmward.vendor.cache import Shelf, default_folder
from firmward.vendor.incidents.book import Book
from firmward.vendor.request import Request, Workshop, workshop
from firmward.vendor.source import signers
from firmward.vendor.source.checkout import Checkout
from firmward.vendor.source.commit import Source, take

Folder = Annotated[Path, typer.Argument(help="The folder with firmward.toml.", exists=True)]
HomeOption = Annotated[Path, typer.Option(help="The vendor's keys and repository.")]
Snapshot = Annotated[
    Path,
    typer.Option(
        "--advisories", help="An index (`advisories update`), or a folder: osv/, kev.json."
    ),
]
Commit = Annotated[str, typer.Option(help="What to make it from, by any name git knows.")]
Version = Annotated[str, typer.Option(help="X.Y.Z")]
Counter = Annotated[int, typer.Option(help="Release counter, above every one published.")]
Predecessors = Annotated[list[str] | None, typer.Option(help="Release id, repeatable.")]
Fallback = Annotated[str, typer.Option(help="Release id to go back to.")]
KindOption = Annotated[str, typer.Option(help="Instead of the project file's kind.")]
Verify = Annotated[bool, typer.Option("--verify", help="Build twice and compare.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Out = Annotated[Path, typer.Option(help="Where to write.")]
SignersOption = Annotated[
    Path | None, typer.Option("--home", help="Verify the commit by the signers in it.")
]


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


def shelf() -> Shelf:
    """The account's cache."""
    return Shelf(default_folder())


def taken(folder: Path, commit: str, home: Path | None) -> Source:
    """The source of a stage that runs alone: verified if the caller says by whose signers."""
    return take(folder, commit, signers.load(home) if home else None)


def built(tree: Checkout, version: str, counter: int) -> Artifact:
    """What the tree builds to, kept or built now."""
    return build(tree, (version, counter), shelf(), now)


def opened(home: Path, snapshot: Path) -> Workshop:
    """A home with everything that a release is made with."""
    found = onboard.open_home(home)
    return workshop(
        found.keys,
        found.signers,
        found.repository,
        advisories.load(snapshot),
        incidents=Book(home).all,
    )


def request(
    commit: str,
    version: str,
    counter: int,
    predecessor: list[str] | None = None,
    fallback: str = "",
    kind: str = "",
    *,
    verify: bool = False,
) -> Request:
    """What is to be released."""
    return Request(
        commit=commit,
        version=version,
        counter=counter,
        predecessors=tuple(predecessor or ()),
        fallback_to=fallback,
        kind=kind,
        verify=verify,
    )

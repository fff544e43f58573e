"""`firmward vendor init`: from a tree without a project file to a home with keys."""

from pathlib import Path
from typing import Annotated, Final

import typer

from firmward.vendor import drafting, onboard, project
from firmward.vendor.cli.asked import Folder, HomeOption, Json, now
from firmward.vendor.source import signers
from firmward.vendor.speech import answer, answering

_WARNING: Final = " (software keys: whoever copies them is you)"


def init(
    folder: Folder,
    home: HomeOption,
    enterprise: Annotated[int, typer.Option(help="Your IANA private enterprise number.")],
    vendor: Annotated[str, typer.Option(help="Name for a new firmward.toml.")] = "vendor",
    allow_me: Annotated[
        bool, typer.Option("--allow-me", help="Let the SSH key your git signs with sign commits.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make keys, an empty repository and the file that hospitals pin; or a firmward.toml first.

    In a home that is there already, the project's product is added to those of its vendor.
    """
    with answering(as_json):
        file = folder / project.FILE
        if not file.exists():
            path = drafting.write(folder, vendor)
            answer(as_json, f"wrote {path}: fill in what is marked, then init again", wrote=path)
            return
        declared = project.read(file.read_bytes(), str(file))
        if (home / onboard.ONBOARDING).exists():
            made = onboard.add(home, declared, enterprise)
        else:
            made = onboard.start(home, [declared], enterprise, now())
        answer(
            as_json,
            f"{declared.vendor}: keys in {made.keys.place}"
            f"{_WARNING if made.keys.book.development else ''}, repository in"
            f" {made.repository.folder}; give hospitals {home / onboard.ONBOARDING};"
            f" {_signers(home, allow=allow_me)}",
            vendor=declared.vendor,
            keys=made.keys.place,
            repository=made.repository.folder,
            onboarding=home / onboard.ONBOARDING,
        )


def _signers(home: Path, *, allow: bool) -> str:
    """Who may sign commits so far, and who could be let."""
    file = home / signers.FOLDER / signers.SSH
    mine = signers.own()
    if mine is not None and allow:
        signers.allow(home, mine.email, mine.key)
        return f"{mine.email} may sign commits ({file})"
    offer = f"; with --allow-me also {mine.email}, whose key your git signs with" if mine else ""
    return f"who may sign commits is in {file}{offer}"

"""`firmward vendor release`: every stage, or what they gave the last time."""

from pathlib import Path
from typing import Annotated, Any

import typer

from firmward.vendor import durable, onboard, project, repeated
from firmward.vendor.cli.asked import (
    Commit,
    Counter,
    Fallback,
    Folder,
    HomeOption,
    Json,
    KindOption,
    Out,
    Predecessors,
    Snapshot,
    Verify,
    Version,
    opened,
    request,
)
from firmward.vendor.publish.cli import delivered
from firmward.vendor.source.commit import take
from firmward.vendor.speech import answer, answering, watched


def release(
    folder: Folder,
    home: HomeOption,
    snapshot: Snapshot,
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    predecessor: Predecessors = None,
    fallback: Fallback = "",
    kind: KindOption = "",
    again: Verify = False,
    report: Annotated[Path | None, typer.Option(help="Write the page for readers.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings for a code host.")] = None,
    as_json: Json = False,
) -> None:
    """Run every stage and publish; write the bundle for hospitals without a line to you.

    With nothing changed since the last run, every stage comes from the cache; a release that was
    published from the very same is handed out again as it is.
    """
    with answering(as_json), watched(as_json) as progress:
        shop = opened(home, snapshot)
        wanted = request(commit, version, counter, predecessor, fallback, kind, verify=again)
        made = repeated.recall(take(folder, commit, shop.signers), wanted, shop)
        said: dict[str, Any] = {}
        if made is None or report or sarif:
            # Loaded only now: the stages bring compilers' and scanners' libraries with them.
            from firmward.vendor.cli.making import Wanted, make

            made, said = make(folder, wanted, shop, Wanted(report, sarif, as_json), progress)
        durable.replace(out, made.data)
        rules = project.read((folder / project.FILE).read_bytes()).publish
        if rules.to:
            delivered(onboard.open_home(home), rules, quiet=as_json)
        answer(
            as_json,
            f"{made.release} is published{' already' if made.repeated else ''}; bundle in {out};"
            f" way back: {made.fallback}",
            release=made.release,
            fallback=made.fallback,
            sha256=made.sha256,
            commit=made.commit,
            bundle=out,
            repeated=made.repeated,
            **said,
        )

"""`firmward vendor blackbox`: fuzz the built image, and see how it goes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from firmward.terms.errors import Refused
from firmward.vendor.blackbox.campaign import Limits, Result, Watch
from firmward.vendor.blackbox.trial import Tested, trial
from firmward.vendor.build.command import build
from firmward.vendor.cache import Shelf, default_folder
from firmward.vendor.scan.sarif import findings, merge
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(help="Test the built image from outside.")


class DeviceFailed(Refused):
    """A device that did what none may do."""

    def __init__(self, product: str, failed: list[str]):
        self.product, self.failed = product, failed
        super().__init__(f"{product}: the black-box test failed: {', '.join(failed)}")


@app.command()
def blackbox(
    folder: Annotated[Path, typer.Argument(help="The folder with firmward.toml.", exists=True)],
    commit: Annotated[str, typer.Option(help="What to build and test.")] = "HEAD",
    seconds: Annotated[float, typer.Option(help="Instead of the project's.")] = 0.0,
    inputs: Annotated[int, typer.Option(help="Stop after so many, to repeat a run.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the findings go, as SARIF.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The test result as JSON.")] = False,
) -> None:
    """Boot the built image on the project's device and fuzz its interface; exit 1 if it fails."""
    with answering(as_json), checked_out(take(folder, commit)) as tree:
        shelf = Shelf(default_folder())
        artifact = build(tree, ("0.0.0", 1), shelf, lambda: datetime.now(UTC))
        limits = Limits(seconds or tree.project.blackbox.seconds, inputs)
        with _watched(as_json, limits) as watch:
            tested = trial(tree, artifact, shelf, limits=limits, watch=watch)
        if out is not None:
            out.write_text(json.dumps(merge([tested.run])))
        _told(tested, as_json)
        if tested.predicate["failedTests"]:
            raise DeviceFailed(tree.project.product, tested.predicate["failedTests"])


def _told(tested: Tested, as_json: bool) -> None:
    if not as_json:
        for finding in findings(merge([tested.run])):
            SAYS.print(f"{finding.level:8} {finding}", markup=False)
    how: dict[str, Any] = tested.predicate["annotations"]
    answer(
        as_json,
        f"{tested.predicate['result']}: {how['inputs']} inputs in {how['seconds']:.1f} s,"
        f" {how['inputsPerSecond']} a second{', as kept' if tested.cached else ''}",
        cached=tested.cached,
        **tested.predicate,
    )


@contextmanager
def _watched(quiet: bool, limits: Limits) -> Iterator[Watch]:
    """A line that lives while the device is fed."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=SAYS, transient=True, disable=quiet) as bar:
        task = bar.add_task("starting the device")

        def show(result: Result) -> None:
            rate = round(result.inputs / result.seconds) if result.seconds else 0
            reached = f", {result.coverage} blocks reached" if result.coverage else ""
            bar.update(
                task,
                description=f"{result.inputs} inputs of {limits.seconds:g} s, {rate} a second"
                f"{reached}, {result.novel} new, {len(result.findings)} findings",
            )

        yield show

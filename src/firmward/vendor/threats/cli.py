"""`firmward vendor threats`: the model as a picture, as a list, and as a start."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.errors import Misuse
from firmward.vendor.speech import SAYS, answer, answering
from firmward.vendor.threats.assess import Assessment, Facts, assess
from firmward.vendor.threats.library import library
from firmward.vendor.threats.page import page
from firmward.vendor.threats.review import load

app = typer.Typer(
    help="The threat model: check it, draw it, start one. `release` also looks for drift.",
    no_args_is_help=True,
)

ModelFile = Annotated[Path, typer.Argument(help="The model, such as threats.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _assessed(file: Path) -> Assessment:
    """What can be said without a build: no scan, statement or test holds yet."""
    model, _ = load(file.parent, file.name)
    tree = {path.relative_to(file.parent).as_posix() for path in file.parent.rglob("*")}
    facts = Facts(files=frozenset(tree))
    return assess(model, library(), facts, datetime.now(UTC).date())


@app.command()
def check(file: ModelFile, as_json: Json = False) -> None:
    """Every threat of the library that nobody answers; evidence of a build is not looked at."""
    with answering(as_json):
        assessment = _assessed(file)
        unanswered = [each for each in assessment.open if not each.failed and not each.held]
        for each in () if as_json else unanswered:
            where = f"{each.threat.id} on {each.element}"
            SAYS.print(f"{each.band:12} {where}: {each.threat.title}", markup=False)
        for stale in () if as_json else assessment.stale:
            SAYS.print(f"fits nothing: {stale}", markup=False)
        answer(
            as_json,
            f"{len(assessment.judged)} threats apply; {len(unanswered)} without an answer",
            applies=len(assessment.judged),
            unanswered=[f"{each.threat.id}:{each.element}" for each in unanswered],
            stale=list(assessment.stale),
        )
        if unanswered:
            raise typer.Exit(1)


@app.command()
def draw(
    file: ModelFile,
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("threats.html"),
    as_json: Json = False,
) -> None:
    """Write the page: data flows with trust boundaries, risk matrix, threats and answers."""
    with answering(as_json):
        model, _ = load(file.parent, file.name)
        out.write_text(page(model, _assessed(file), ()))
        answer(as_json, f"wrote {out}", page=out)


@app.command(name="library")
def library_command(as_json: Json = False) -> None:
    """List the threats that every model is held against, with their controls."""
    shelf = library()
    for threat in () if as_json else shelf.threats:
        SAYS.print(f"{threat.id} ({threat.stride}, {threat.element}): {threat.title}", markup=False)
        for control in threat.controls:
            shown = ", ".join(control.shown_by)
            SAYS.print(f"    {control.id}: {control.says} [{shown}]", markup=False)
    answer(
        as_json,
        f"{shelf.name} {shelf.version}: {len(shelf.threats)} threats",
        threats=[threat.id for threat in shelf.threats],
    )


@app.command()
def init(
    file: ModelFile,
    system: Annotated[str, typer.Option(help="The product's name.")],
    version: Annotated[str, typer.Option(help="The version under review, X.Y.Z.")],
    as_json: Json = False,
) -> None:
    """Write a small model to start from: one part, one interface, no answers."""
    with answering(as_json):
        today = datetime.now(UTC).date().isoformat()
        try:
            with file.open("x") as out:
                out.write(_START.format(system=system, version=version, today=today))
        except FileExistsError as error:
            raise Misuse(f"{file}: expected none yet; it stays as it is") from error
        answer(as_json, f"wrote {file}: describe the product, then check", model=file)


_START = """\
# The product as its attackers meet it. `firmward vendor threats check` lists what has no answer.
system: {system}
covers: ["{version}"]      # versions that this review speaks of
reviewed: {today}
reviewer: FILL IN          # who answers for it
zones:
  - {{id: device, name: Inside the device, trusted: true}}
  - {{id: ward, name: Ward}}
assets:                    # 1 negligible to 5 catastrophic harm to the patient
  - {{id: therapy, name: Therapy settings, integrity: 5, availability: 4}}
parts:
  - {{id: controller, name: Controller, zone: device, implements: [], assets: [therapy]}}
interfaces:                # kind: uart usb can bluetooth wifi ethernet http mqtt debug-port ...
  - {{id: service-port, name: Service port, kind: uart, part: controller, exposure: physical}}
outside:
  - {{id: engineer, name: Biomedical engineer, zone: ward}}
flows:
  - {{id: service, name: Service commands, source: engineer, target: controller,
     interface: service-port, assets: [therapy]}}
answers: []                # - {{threat: ..., where: [...], status: mitigated, mitigations: [...]}}
"""

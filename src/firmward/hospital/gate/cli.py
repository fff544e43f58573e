"""`firmward policy`: for the people who write packs and for those who have to read them."""

from pathlib import Path
from textwrap import fill
from typing import Annotated, Final

import typer

from firmward.hospital.gate import lint, packs
from firmward.hospital.gate.judge import Pack
from firmward.hospital.gate.rules import Rule

app = typer.Typer(no_args_is_help=True, help="Policy packs: check, test and explain them.")

CHECKOUT: Final = Path(__file__).resolve().parents[4] / "packs"
"""Where packs lie in a checkout; elsewhere they are named with --packs."""

PackName = Annotated[str, typer.Option("--pack", help="The pack's id; its newest version is used.")]
PacksFolder = Annotated[Path, typer.Option("--packs", help="The folder of packs.")]


@app.command("lint")
def lint_pack(pack: PackName = "hospital-baseline", folder: PacksFolder = CHECKOUT) -> None:
    """Say what is wrong with a pack as it is written."""
    problems = lint.lint(packs.newest(folder, pack))
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{pack}: nothing to object to")


@app.command("test")
def try_pack(pack: PackName = "hospital-baseline", folder: PacksFolder = CHECKOUT) -> None:
    """Run the tests a pack brings along."""
    where = packs.newest(folder, pack)
    results = lint.run_tests(packs.load(where), packs.examples(where))
    failed = [(name, problem) for name, problem in results if problem]
    for name, problem in failed:
        typer.echo(f"{name}: {problem}")
    typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("explain")
def explain_rule(
    rule: Annotated[str, typer.Argument(help="A rule's id, such as SIG-001.")],
    pack: PackName = "hospital-baseline",
    folder: PacksFolder = CHECKOUT,
) -> None:
    """Say what a rule asks for, on whose authority, and how it can be met."""
    loaded = packs.load(packs.newest(folder, pack))
    asked = loaded.rule(rule.upper())
    if asked is None:
        known = ", ".join(each.rule.id for each in loaded.rules)
        typer.echo(f"{rule}: expected a rule of {loaded.name} ({known})", err=True)
        raise typer.Exit(2)
    typer.echo("\n".join(_told(loaded, asked.rule)))


def _told(pack: Pack, rule: Rule) -> list[str]:
    waivable = "can be waived" if rule.waivable else "cannot be waived"
    lines = [
        f"{rule.id}  {rule.title}",
        f"{pack.name}, {rule.severity}, {waivable}, basis: {rule.basis}",
        "",
        "Passes when",
        _block(" ".join(rule.condition.split())),
        "reading",
        _block(f"{', '.join(rule.evidence)} (each {rule.trust} at least)"),
        "",
    ]
    for name in rule.sources:
        clause = pack.clauses[name]
        lines += [f"{clause.cite} (clause number: {clause.confidence} confidence)"]
        lines += [_block(clause.says)]
    lines += ["", "To pass it", _block(rule.remedy)]
    return [*lines, "Note", _block(rule.note)] if rule.note else lines


def _block(text: str) -> str:
    return fill(text, 96, initial_indent="  ", subsequent_indent="  ", break_long_words=False)

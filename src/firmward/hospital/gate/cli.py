"""`firmward policy`: for the people who write policy, adopt it, and have to meet it.

What a site judges by is signed with its policy keys; no command here goes around that.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from firmward.hospital.gate import cli_verdicts
from firmward.hospital.gate.engines.direct import DEFAULT, direct
from firmward.hospital.gate.packs import adopt as adopting
from firmward.hospital.gate.packs import adopted
from firmward.hospital.gate.packs import coverage as covering
from firmward.hospital.gate.packs import diff as differing
from firmward.hospital.gate.packs import lint as linting
from firmward.hospital.gate.packs.combine import combine
from firmward.hospital.gate.packs.examples import GOLDEN, Examples, load_examples
from firmward.hospital.gate.packs.folder import MANIFEST, manifest_of, named, newest
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.gate.packs.proving import alone, prove, told
from firmward.hospital.gate.packs.read import Pack, load
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.packs.told import as_json, explained, shelf
from firmward.hospital.gate.policy import Policy
from firmward.hospital.records.durable import write_durably
from firmward.hospital.records.site import load_settings
from firmward.terms.errors import Misuse

app = typer.Typer(
    no_args_is_help=True, help="Policy: packs, overlays and rules; check, explain and adopt them."
)
cli_verdicts.add_to(app)

CHECKOUT: Final = Path(__file__).resolve().parents[4] / "packs"
"""Where packs lie in a checkout; elsewhere they are named with --packs."""

PackNames = Annotated[
    list[str] | None, typer.Option("--pack", help="A pack's id; without it, every pack.")
]
PacksFolder = Annotated[Path, typer.Option("--packs", help="The folder of packs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
SiteHome = Annotated[
    Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")
]
Keys = Annotated[
    Path | None,
    typer.Option("--keys", help="Folder with policy keys; a site's keys/offline without it."),
]


@app.command("lint")
def lint_packs(names: PackNames = None, packs: PacksFolder = CHECKOUT, json_: Json = False) -> None:
    """Say what is wrong with packs as they are written.  Exits 1 where something is."""
    found = _read(packs, names)
    asked = {pack.name for pack, _ in found}
    # Judged together with all others, because parameters and rules are shared between packs.
    every = [*found, *_others(packs, _ids(found))]
    wrong = [one for one in linting.lint(every) if one.pack in asked]
    if json_:
        _print(wrong)
    else:
        for one in wrong:
            typer.echo(str(one))
    if wrong:
        raise typer.Exit(1)
    if not json_:
        for pack, _ in found:
            typer.echo(f"{pack.name}: nothing to object to")


@app.command("test")
def try_packs(
    names: PackNames = None,
    packs: PacksFolder = CHECKOUT,
    json_: Json = False,
    engine: Annotated[str, typer.Option(help="The rule engine: cel-cpp or cel-rust.")] = DEFAULT,
    accept: Annotated[
        bool, typer.Option("--accept", help="Write what the rules say now to tests/golden.json.")
    ] = False,
) -> None:
    """Run the tests that packs bring along.  Exits 1 where one fails."""
    found = _read(packs, names)
    asked = direct(engine)
    parameters = _parameters(packs)
    if accept:
        for pack, examples in found:
            said = told(alone(pack, parameters), examples, asked)
            _accept(newest(packs, pack.id), said)
        found = _read(packs, names)
    outcomes = [
        (pack.name, one)
        for pack, examples in found
        for one in prove(pack, examples, asked, parameters)
    ]
    failed = [(name, one) for name, one in outcomes if one.problem]
    if json_:
        _print([{"pack": n, "case": one.case, "problem": one.problem} for n, one in outcomes])
    else:
        for name, one in failed:
            typer.echo(f"{name} {one.case}: {one.problem}")
        typer.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("coverage")
def coverage_of_packs(
    names: PackNames = None, packs: PacksFolder = CHECKOUT, json_: Json = False
) -> None:
    """Say which evidence of which rule no failing test varies."""
    found = [(pack, covering.coverage(pack, one)) for pack, one in _read(packs, names)]
    if json_:
        _print({pack.name: covered for pack, covered in found})
        return
    for pack, covered in found:
        for one in covered:
            if one.unvaried:
                typer.echo(f"{pack.name} {one.rule}: no test varies {', '.join(one.unvaried)}")
    every = [one for _, covered in found for one in covered]
    varied = sum(len(one.varied) for one in every)
    reads = sum(len(one.reads) for one in every)
    typer.echo(f"{varied} of {reads} paths varied, {covering.share(every):.0%}")


@app.command("explain")
def explain_rule(
    rule: Annotated[str, typer.Argument(help="A rule's id, such as SIG-001.")],
    names: PackNames = None,
    packs: PacksFolder = CHECKOUT,
    site: Annotated[
        Path | None, typer.Option("--site", help="Explain it as this site asks it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Say what a rule asks for, on whose authority, and how it can be met."""
    if site is None:
        found = _read(packs, names)
        # One pack may read another's parameters.
        policy = combine(pack for pack, _ in _standing([*found, *_others(packs, _ids(found))]))
    else:
        policy, found = _of_site(site)
    held = shelf(policy, found)
    asked = policy.rule(rule.upper())
    if asked is None:
        known = ", ".join(each.rule.id for each in policy.rules)
        raise Misuse(f"{rule}: expected a rule of {policy.name} ({known})")
    if json_:
        _print(as_json(held, asked))
    else:
        typer.echo(explained(held, asked))


@app.command("diff")
def diff_packs(
    before: Annotated[Path, typer.Argument(help="A pack's folder, or a folder of packs.")],
    after: Annotated[Path, typer.Argument(help="The same, as it is to become.")],
    json_: Json = False,
) -> None:
    """Say what a new version changes: patch is words, minor warns first, major moves verdicts."""
    found = differing.diff(_side(before), _side(after))
    weight = differing.weight(found)
    if json_:
        _print({"weight": weight or "none", "differences": found})
        return
    for one in found:
        typer.echo(str(one))
    typer.echo(f"{len(found)} differences, {weight or 'none'}")


@app.command("sign")
def sign_folder(
    folder: Annotated[Path, typer.Argument(help="A pack's or overlay's folder, <id>/<version>.")],
    keys: Annotated[Path, typer.Option("--keys", help="Folder with a policy key or two.")],
) -> None:
    """Sign a folder where it lies, beside the signatures it has: for keys that lie apart."""
    typer.echo(f"{adopting.sign(folder, keys)}: signed")


@app.command("adopt")
def adopt_policy(
    site: SiteHome,
    names: PackNames = None,
    packs: PacksFolder = CHECKOUT,
    overlay: Annotated[
        Path | None, typer.Option(help="An overlay.yaml to adopt instead of packs.")
    ] = None,
    keys: Keys = None,
) -> None:
    """Lay packs, or an overlay, into a site's policy, signed; the server takes it up at start."""
    if overlay is not None:
        read = read_yaml(_bytes(overlay), Overlay, str(overlay))
        done = [adopting.write_overlay(site, read, keys)]
    else:
        ids = names or adopting.standing(packs)
        done = adopting.adopt(site, packs, ids, datetime.now(UTC), keys)
    for name in done:
        typer.echo(f"{name}: adopted by {load_settings(site).site}")


def _read(packs: Path, names: Iterable[str] | None) -> list[tuple[Pack, Examples]]:
    """Packs with their tests: those named, or every one in the folder."""
    ids = named(packs) if names is None else names
    paths = [newest(packs, name) for name in ids]
    return [(load(path), load_examples(path)) for path in paths]


def _ids(found: Iterable[tuple[Pack, Examples]]) -> set[str]:
    return {pack.id for pack, _ in found}


def _others(packs: Path, ids: set[str]) -> list[tuple[Pack, Examples]]:
    return _read(packs, [name for name in named(packs) if name not in ids]) if ids else []


def _standing(found: list[tuple[Pack, Examples]]) -> list[tuple[Pack, Examples]]:
    """The packs that no other supersedes."""
    gone = {name for pack, _ in found for name in pack.supersedes}
    return [(pack, one) for pack, one in found if pack.id not in gone]


def _parameters(packs: Path) -> dict[str, Any]:
    found = [load(newest(packs, name)) for name in named(packs)]
    return {name: value for pack in found for name, value in pack.parameters.items()}


def _of_site(site: Path) -> tuple[Policy, list[tuple[Pack, Examples]]]:
    """What a site judges by today, and the tests of its packs."""
    settings, now = load_settings(site), datetime.now(UTC)
    policy = adopted.load(site, settings, now, {}).policy
    packs, _ = adopted.lying(site, settings, now)
    folder = site / settings.policy / adopted.PACKS
    return policy, [(p, load_examples(folder / p.id / p.version)) for p in packs]


def _side(path: Path) -> differing.Side:
    if (path / "pack.yaml").is_file():
        return differing.side([load(path)])
    return differing.side(load(newest(path, name)) for name in named(path))


def _accept(path: Path, said: object) -> None:
    text = json.dumps(msgspec.to_builtins(said), indent=1, sort_keys=True, ensure_ascii=False)
    write_durably(path / GOLDEN, text.encode() + b"\n")
    write_durably(path / MANIFEST, manifest_of(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error


def _print(value: object) -> None:
    typer.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))

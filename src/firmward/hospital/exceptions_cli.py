"""firmward hospital exception: asking for an exception, reading it, signing it, ending it.

The text that is signed is made here from the request itself and shown first; that the server shows
the same is checked, so that nobody signs what they have not seen.
"""

import json
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from firmward.hospital.desk import Desk, desk_of
from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Claim, Role
from firmward.hospital.gate.exceptions.request import Request, request_sha256, request_text, utc
from firmward.proof import certs, keys
from firmward.terms.errors import Misuse, NotTrusted
from firmward.terms.wire import convert, plain

app = typer.Typer(
    help="Let an exact failure stand for a time: ask, approve, revoke, review.",
    no_args_is_help=True,
)

Site = Annotated[Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")]
As = Annotated[str, typer.Option("--as", help="Whose certificate to use: people/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Which = Annotated[str, typer.Argument(help="The request, such as EX-7 or BG-8.")]
Many = list[str]


@app.command("request")
def request_(
    site: Site,
    release: Annotated[str, typer.Option(help="The refused release.")],
    rule: Annotated[Many, typer.Option(help="A rule to waive; again for more.")],
    device: Annotated[Many, typer.Option(help="product/HARDWARE-ID/tier-n; again for more.")],
    rationale: Annotated[str, typer.Option(help="Why it is safer than doing without.")],
    residual_risk: Annotated[str, typer.Option(help="A (acceptable) or C (conditional).")],
    control: Annotated[Many, typer.Option(help="id=owner of a measured control; again for more.")],
    offender: Annotated[
        Many | None,
        typer.Option(help="RULE=name, exactly as the verdict names it; again for more."),
    ] = None,
    expires: Annotated[str, typer.Option(help="RFC 3339; else --days.")] = "",
    days: Annotated[float, typer.Option(help="How many days from now.")] = 0,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="72 hours at most.")] = False,
    retain_years: Annotated[int, typer.Option(help="How long the record is kept.")] = 6,
    as_: As = "bea",
    json_: Json = False,
) -> None:
    """Ask for an exception from rules, for exact offenders of one release.

    Without --offender the server fills in what the rules found, where it can tell.
    """
    with _desk(site, as_) as desk:
        body = {
            "kind": "break-glass" if break_glass else "exception",
            "release": release,
            "rules": _rules(rule, offender or []),
            "devices": device,
            "rationale": rationale,
            "residualRisk": residual_risk,
            "retainYears": retain_years,
            "controls": _controls(control, desk.get("/v1/controls")),
            "expires": expires or utc(datetime.now(UTC) + timedelta(days=days)),
        }
        said = desk.post("/v1/exceptions", body)
    _print(said, json_, f"{said['text']}\n{said['waits']}")


@app.command()
def show(site: Site, request: Which, as_: As = "bea", json_: Json = False) -> None:
    """The text, its approvals, and what each of EXC-001 to EXC-007 says now."""
    with _desk(site, as_) as desk:
        said = desk.get(f"/v1/exceptions/{request}")
    review = f"review: {said['review']}, due {said['reviewDue']}\n" if said["review"] else ""
    _print(said, json_, said["explained"] + review)


@app.command("list")
def list_(site: Site, release: str = "", as_: As = "bea", json_: Json = False) -> None:
    """Every request and where it stands; `--release` for one release."""
    with _desk(site, as_) as desk:
        said = desk.get("/v1/exceptions", **({"release": release} if release else {}))
    lines = [
        f"{r['id']:8}{r['state']:10}{r['severity']:9} {r['release']}  {', '.join(r['rules'])}  "
        f"until {r['expires']}{_review(r)}  {r['waits']}"
        for r in said
    ]
    _print(said, json_, "\n".join(lines) or "none")


@app.command()
def approve(
    site: Site,
    request: Which,
    as_: As,
    meaning: Annotated[str, typer.Option(help="What your signature means, in your words.")] = "",
    role: Annotated[str, typer.Option(help="In which of your roles, if you have more.")] = "",
    json_: Json = False,
) -> None:
    """Read the exact text, say what your signature means, and sign it with your own key."""
    with _desk(site, as_) as desk:
        said = desk.get(f"/v1/exceptions/{request}")
        read = _shown(said, request)
        typer.echo(request_text(read), err=json_)
        claim = Claim(
            request=request,
            person=_own_name(site / "people" / as_),
            role=cast(Role, role or _only_role(said["roles"], as_)),
            meaning=meaning or typer.prompt("What does your signature mean?", err=json_),
            signed_at=datetime.now(UTC).replace(microsecond=0),
        )
        signer = keys.signer_from_pem(_bytes(site / "people" / as_ / "key.pem"))
        sealed = approval.seal(read, convert(plain(claim), Claim, as_), signer)
        answered = desk.post(f"/v1/exceptions/{request}/approvals", sealed)
    waits = answered["waits"] or f"{request} is {answered['state']}"
    _print(answered, json_, f"signed by {as_} as {claim.role}; {waits}")


@app.command()
def revoke(site: Site, request: Which, reason: str, as_: As = "sam", json_: Json = False) -> None:
    """End an exception at once and for good."""
    with _desk(site, as_) as desk:
        said = desk.post(f"/v1/exceptions/{request}/revocation", {"finding": reason})
    _print(said, json_, f"{request} is void")


@app.command()
def review(site: Site, request: Which, finding: str, as_: As = "rita", json_: Json = False) -> None:
    """Review a break-glass afterwards, as somebody who had no part in it."""
    with _desk(site, as_) as desk:
        said = desk.post(f"/v1/exceptions/{request}/review", {"finding": finding})
    _print(said, json_, f"{request} is reviewed")


@app.command()
def measured(
    site: Site,
    control: str,
    evidence: Annotated[Path, typer.Option(help="A text file that shows it.")],
    days: Annotated[float, typer.Option(help="For how long it counts.")] = 30,
    lost: Annotated[bool, typer.Option("--lost", help="It is not in place any more.")] = False,
    as_: As = "sam",
    json_: Json = False,
) -> None:
    """Keep how a compensating control was found; a lost one ends what leans on it at once."""
    body = {
        "verified": not lost,
        "evidence": _bytes(evidence).decode(errors="replace"),
        "validUntil": utc(datetime.now(UTC) + timedelta(days=days)),
    }
    with _desk(site, as_) as desk:
        said = desk.post(f"/v1/controls/{control}", body)
    _print(said, json_, "\n".join([f"{control}: sha256 {said['evidence']}", *said["ended"]]))


def _desk(site: Path, name: str) -> AbstractContextManager[Desk]:
    return closing(desk_of(site, name))


def _shown(said: dict[str, Any], request: str) -> Request:
    """The request that the hospital shows, once its text is known to be the one that it names."""
    read = convert(said["request"], Request, f"the hospital about {request}")
    same = said["text"] == request_text(read) and said["sha256"] == request_sha256(read)
    if read.id != request or not same:
        raise NotTrusted("hospital", f"expected the text of {request}, it shows another one")
    return read


def _rules(rules: list[str], offenders: list[str]) -> list[dict[str, Any]]:
    named: dict[str, list[str]] = {rule: [] for rule in rules}
    for each in offenders:
        rule, equals, name = each.partition("=")
        if not equals or rule not in named:
            raise Misuse(f"--offender {each[:80]}: expected RULE=name, of a rule given by --rule")
        named[rule].append(name)
    return [{"rule": rule, "offenders": names} for rule, names in named.items()]


def _controls(wanted: list[str], known: list[dict[str, Any]]) -> list[dict[str, str]]:
    newest = {each["control"]: each["evidence_sha256"] for each in known}
    controls = []
    for each in wanted:
        name, equals, owner = each.partition("=")
        if not equals or name not in newest:
            raise Misuse(f"--control {each[:80]}: expected id=owner, of a control measured here")
        controls.append({"id": name, "owner": owner, "evidenceSha256": newest[name]})
    return controls


def _only_role(roles: list[str], name: str) -> str:
    if len(roles) != 1:
        raise Misuse(f"{name}: expected --role, one of {', '.join(roles) or 'none'}")
    return roles[0]


def _own_name(folder: Path) -> str:
    """The name in the person's own certificate: the one that the hospital reads."""
    read = x509.load_pem_x509_certificate(_bytes(folder / "cert.pem"))
    return certs.identity(read.public_bytes(Encoding.DER)).rpartition(":")[2]


def _review(row: dict[str, Any]) -> str:
    return f"  review {row['review']}, due {row['reviewDue']}" if row["review"] else ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error


def _print(said: Any, as_json: bool, words: str) -> None:
    typer.echo(json.dumps(said, indent=2) if as_json else words)

"""firmward hospital: founding and serving a site, and working at its desk.

Every command but `init` and `serve` goes through the running server's people plane with the
caller's own certificate, so that roles hold and the ledger knows who it was.  There is no command
that admits a release.

What only `init`, `serve` and `person` need is imported in them: a server is made of much, and a
command at the desk should answer at once.
"""

import json
import os
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from firmward.hospital import advisories_cli, verdicts_cli
from firmward.hospital.desk import Ports
from firmward.hospital.desk import desk_of as _desk
from firmward.hospital.exceptions_cli import app as exceptions
from firmward.hospital.forms import read_form
from firmward.hospital.gate.cli import CHECKOUT
from firmward.hospital.gate.cli import app as policy
from firmward.terms.errors import Misuse

app = typer.Typer(help="Govern what runs on a hospital's devices.", no_args_is_help=True)
vendor_app = typer.Typer(help="Vendors and their pinned anchors.", no_args_is_help=True)
device_app = typer.Typer(help="The device inventory.", no_args_is_help=True)
ticket_app = typer.Typer(help="Reports to vendors.", no_args_is_help=True)
rollout_app = typer.Typer(help="Staged roll-outs.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Isolation and return.", no_args_is_help=True)
app.add_typer(vendor_app, name="vendor")
app.add_typer(device_app, name="device")
app.add_typer(rollout_app, name="rollout")
app.add_typer(ticket_app, name="ticket")
app.add_typer(quarantine_app, name="quarantine")
console = Console()

Home = Annotated[Path, typer.Argument(help="The site's folder.")]
Site = Annotated[Path, typer.Option("--site", help="The site's folder.", envvar="FIRMWARD_SITE")]
As = Annotated[str, typer.Option("--as", help="Whose certificate to use: people/<name>.")]
Out = Annotated[Path, typer.Option(help="Where to write.")]
Webhook = Annotated[str, typer.Option(help="https address where the vendor takes reports.")]
Secret = Annotated[
    Path | None, typer.Option("--secret-file", help="The secret that vendor and site share.")
]
Vouching = Annotated[Path | None, typer.Option("--authority", help="PEM: who vouches for it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def init(
    home: Home,
    site: Annotated[str, typer.Option(help="The site's name: lower case, digits, hyphens.")],
    packs: Annotated[Path, typer.Option(help="The folder of policy packs.")] = CHECKOUT,
    pack: Annotated[
        list[str] | None, typer.Option(help="A pack to adopt, by id; without it, every pack.")
    ] = None,
    advisories: Annotated[
        Path | None, typer.Option(help="Folder with osv/*.json and kev.json.")
    ] = None,
    development: Annotated[
        bool,
        typer.Option(
            "--allow-development-keys",
            help="Let releases in that software keys signed. Not where there are patients.",
        ),
    ] = False,
) -> None:
    """Found a site: settings, keys, authorities, policy, and a certificate for each first person.

    The private keys are files: software keys, unsafe where the machine is not. Move keys/offline/
    to a safe place once this is done.
    """
    from firmward.hospital.found import FIRST_PEOPLE, found
    from firmward.hospital.gate.packs import adopt
    from firmward.hospital.records.site import Settings

    now = datetime.now(UTC)
    settings = Settings(
        site=site,
        advisories=str(advisories.resolve()) if advisories else "",
        people=FIRST_PEOPLE,
    )
    found(home, settings, now)
    adopted = adopt.adopt(home, packs, pack or adopt.standing(packs), now)
    if development:
        adopted.append(adopt.allow_development_keys(home, now))
    people = ", ".join(f"{name} ({'/'.join(roles)})" for name, roles in FIRST_PEOPLE.items())
    console.print(f"site {site} is in {home}; people: {people}")
    console.print(f"judges by {', '.join(adopted)}", highlight=False)
    console.print(f"next: firmward hospital serve {home}")


@app.command()
def serve(home: Home) -> None:
    """Serve a site's three listeners until Ctrl-C."""
    from firmward.hospital.web.serve import serve as serve_site

    def announce(ports: Ports) -> None:
        where = (
            ("devices", ports.device),
            ("enrolment", ports.enrolment),
            ("people", ports.people),
        )
        for name, port in where:
            print(f"{name:10} https://{ports.host}:{port}", flush=True)

    serve_site(home, announce)


@app.command()
def person(site: Site, name: str, kind: str = "person") -> None:
    """Issue a certificate to a person (roles come from hospital.toml) or a vendor's pipeline."""
    from firmward.hospital.records.site import issue_person

    folder = issue_person(site, kind, name, datetime.now(UTC))
    console.print(f"{kind} {name}: certificate and key are in {folder}")


@app.command()
def status(site: Site, as_: As = "bea", json_: Json = False) -> None:
    """The site in a few numbers."""
    _show(_desk(site, as_).get("/v1/status"), json_)


@app.command()
def releases(site: Site, as_: As = "bea", json_: Json = False) -> None:
    """Every release and what became of it."""
    _show(_desk(site, as_).get("/v1/releases"), json_)


@app.command()
def push(site: Site, vendor: str, bundle: Path, as_: As = "bea", json_: Json = False) -> None:
    """Hand in a vendor's bundle; the gate answers with every reason.  Exits 1 if it is refused."""
    _answered(_desk(site, as_).push(vendor, _bytes(bundle)), json_)


def _answered(said: dict[str, Any], json_: bool) -> None:
    """Print the gate's answer; exits 1 for a refusal."""
    if json_:
        print(json.dumps(said))
    else:
        console.print(said["explained"], markup=False, highlight=False)
    if not said["admitted"]:
        raise typer.Exit(1)


@app.command()
def judge(site: Site, release: str, as_: As = "bea", json_: Json = False) -> None:
    """Judge a refused release again: after an exception, a declaration or another policy.

    Exits 1 if it is refused again.
    """
    _answered(_desk(site, as_).judge(release), json_)


@app.command()
def declare(site: Site, form: Path, as_: As = "bea", json_: Json = False) -> None:
    """Say what nothing can measure: of the site, a product or a device class.

    FORM is TOML: about = "site", a product or a class such as "pump-200/PUMP-200-B/tier-1";
    role = "biomed" | "sec" | "clin" | "risk"; until = a day; then sections as the evidence
    document names them, such as [device] or [deploy].  See docs/evidence.md.
    """
    _show(_desk(site, as_).post("/v1/declarations", read_form(_bytes(form), str(form))), json_)


@app.command()
def exposures(
    site: Site,
    device: Annotated[str, typer.Option(help="Of one device.")] = "",
    still: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    as_: As = "bea",
    json_: Json = False,
) -> None:
    """From when to when each device ran a release with something known against it."""
    asked = {**({"device": device} if device else {}), **({"open": "1"} if still else {})}
    _show(_desk(site, as_).get("/v1/exposures", **asked), json_)


@app.command()
def tickets(site: Site, as_: As = "bea", to: str = "", json_: Json = False) -> None:
    """Tickets the system filed; `--to` one recipient."""
    _show(_desk(site, as_).get("/v1/tickets", **({"to": to} if to else {})), json_)


@app.command()
def events(site: Site, about: str = "", as_: As = "ada", json_: Json = False) -> None:
    """The ledger's events, about one device, release or roll-out."""
    _show(_desk(site, as_).get("/v1/events", **({"about": about} if about else {})), json_)


@vendor_app.command("add")
def vendor_add(
    site: Site,
    onboarding: Path,
    as_: As = "sam",
    webhook: Webhook = "",
    secret: Secret = None,
    authority: Vouching = None,
) -> None:
    """Pin a vendor's anchors from its onboarding file.  Compare the file by voice first."""
    said = _desk(site, as_).post("/v1/vendors", _bytes(onboarding))
    console.print(f"vendor {said['vendor']} is pinned")
    if webhook:
        vendor_webhook(site, said["vendor"], webhook, secret, authority, as_)


@vendor_app.command("webhook")
def vendor_webhook(
    site: Site,
    vendor: str,
    url: str,
    secret: Secret = None,
    authority: Vouching = None,
    as_: As = "sam",
) -> None:
    """Send a vendor the reports of refusals, rollbacks and quarantines from now on."""
    if secret is None:
        raise Misuse("webhook: expected --secret-file; `reporter` makes one")
    body = {"url": url, "secret": _bytes(secret).decode(errors="replace").strip()}
    if authority is not None:
        body["authority"] = _bytes(authority).decode(errors="replace")
    said = _desk(site, as_).post(f"/v1/vendors/{vendor}/webhook", body)
    console.print(f"reports to {said['vendor']} go to {said['url']}")


@app.command()
def reporter(site: Site, out: Out, as_: As = "sam", secret: Secret = None) -> None:
    """Write the file by which a vendor believes this site's reports.

    The secret is this vendor's alone: give each another --secret-file, which is made if it is not
    there.  Without one the vendor takes reports as files.
    """
    from firmward.hospital.records.durable import write_secret

    said = _desk(site, as_).get("/v1/reporter")
    if secret is not None:
        if not secret.exists():
            write_secret(secret, b"whsec_" + b64encode(os.urandom(32)))
        said["secret"] = _bytes(secret).decode(errors="replace").strip()
    write_secret(out, json.dumps(said).encode())
    console.print(f"{out}: what {said['hospital']} signs with; read its key to the vendor by voice")


@ticket_app.command("export")
def ticket_export(site: Site, ticket: int, out: Out, as_: As = "bea") -> None:
    """Write a ticket's signed report as a file, for a vendor without a webhook."""
    said = _desk(site, as_).get(f"/v1/tickets/{ticket}/incident")
    out.write_text(json.dumps(said))
    console.print(f"ticket {ticket}: signed report in {out}")


@device_app.command("import")
def device_import(site: Site, inventory: Path, as_: As = "bea") -> None:
    """Pre-authorise devices from a CSV.

    Columns: device, vendor, product, hardware_id, ward, ward_kind, priority, tier.
    """
    said = _desk(site, as_).post("/v1/devices", _bytes(inventory))
    console.print(f"{said['expected']} devices may enrol")


@device_app.command("list")
def device_list(site: Site, as_: As = "bea", json_: Json = False) -> None:
    """Every device, what it runs and how it stands."""
    _show(_desk(site, as_).get("/v1/devices"), json_)


@rollout_app.command("list")
def rollout_list(site: Site, as_: As = "bea", json_: Json = False) -> None:
    """Every roll-out with its waves and progress."""
    _show(_desk(site, as_).get("/v1/rollouts"), json_)


@rollout_app.command("stop")
def rollout_stop(site: Site, rollout: str, reason: str, as_: As = "bea") -> None:
    """Stop a roll-out and take its release back from whoever has it."""
    _desk(site, as_).post(f"/v1/rollouts/{rollout}/stop", {"finding": reason})
    console.print(f"{rollout} is stopped; its devices are ordered back")


@quarantine_app.command("add")
def quarantine_add(site: Site, device: str, cause: str, as_: As = "sam") -> None:
    """Isolate a device from updates; what it does for its patient goes on."""
    _desk(site, as_).post(f"/v1/devices/{device}/quarantine", {"finding": cause})
    console.print(f"{device} is quarantined")


@quarantine_app.command("release")
def quarantine_release(site: Site, device: str, finding: str, as_: As = "sam") -> None:
    """Give your word that a device may return; two people of two roles reinstate it."""
    said = _desk(site, as_).post(f"/v1/devices/{device}/review", {"finding": finding})
    waits = "is reinstated" if said["reinstated"] else "waits for a second reviewer"
    console.print(f"{device} {waits}")


verdicts_cli.add_to(app)
app.add_typer(exceptions, name="exception")
app.add_typer(advisories_cli.app, name="advisories")
app.add_typer(policy, name="gate", help="The policy pack: lint, test, explain.")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error


def _show(said: Any, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        print(json.dumps(said, indent=2))
        return
    rows = said if isinstance(said, list) else [said]
    if not rows:
        console.print("none")
        return
    table = Table(*rows[0].keys(), row_styles=["", "dim"])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

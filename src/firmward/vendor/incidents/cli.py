"""`firmward vendor incidents`: what hospitals reported, and who is believed."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.incident import Reporter
from firmward.terms.times import minute
from firmward.terms.wire import decode, plain
from firmward.vendor.incidents.book import Book
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(
    help="Reports from hospitals; the next release must answer each (see `incidents` in"
    " firmward.toml).",
    no_args_is_help=True,
)

HomeOption = Annotated[Path, typer.Option(help="The vendor's keys and repository.", exists=True)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="What the hospital gave you: its reporter file.")],
    home: HomeOption,
    as_json: Json = False,
) -> None:
    """Believe a hospital's reports from now on; compare its key by voice first."""
    with answering(as_json):
        reporter = decode(file.read_bytes(), Reporter, str(file))
        path = Book(home).trust(reporter)
        answer(as_json, f"{reporter.hospital} is believed: {path}", hospital=reporter.hospital)


@app.command()
def receive(
    files: Annotated[list[Path], typer.Argument(help="Sealed reports.")],
    home: HomeOption,
    as_json: Json = False,
) -> None:
    """Verify reports that came as files, and keep them."""
    with answering(as_json):
        kept = [Book(home).receive(file.read_bytes()) for file in files]
        said = [f"{each.name}: {each.subject}{'' if new else ' (known)'}" for each, new in kept]
        answer(as_json, "\n".join(said), incidents=[each.name for each, _ in kept])


@app.command(name="list")
def list_command(home: HomeOption, as_json: Json = False) -> None:
    """Every report, each verified again."""
    with answering(as_json):
        found = Book(home).all()
        for each in () if as_json else found:
            SAYS.print(f"{each.name}  {minute(each.filed)}  {each.subject}", markup=False)
            for reason in each.reasons:
                SAYS.print(f"    {reason}", markup=False)
        answer(as_json, f"{len(found)} reports", incidents=[plain(each) for each in found])


@app.command()
def listen(
    home: HomeOption,
    vendor: Annotated[str, typer.Option(help="Your name, as hospitals know it.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8480,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
) -> None:
    """Take reports as signed webhooks until stopped; give a certificate, or stand behind TLS."""
    import uvicorn

    from firmward.vendor.incidents.listen import receiver

    def told(line: str) -> None:
        SAYS.print(f"{minute(datetime.now(UTC))}  {line}", markup=False)

    with answering(False), socket.create_server((host, port)) as taken:
        at = taken.getsockname()[1]
        scheme = "https" if certificate else "http"
        SAYS.print(f"listening on {scheme}://{host}:{at}/incidents/HOSPITAL", markup=False)
        config = uvicorn.Config(
            receiver(Book(home), vendor, told),
            log_level="warning",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        uvicorn.Server(config).run([taken])

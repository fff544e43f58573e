"""What keeps a release alive and brings it to hospitals: `firmward vendor renew` and `push`."""

from pathlib import Path
from typing import Annotated

import typer

from firmward.vendor import durable, onboard
from firmward.vendor.bundle import pack
from firmward.vendor.cli.asked import HomeOption, Json, Out, now
from firmward.vendor.deliver import deliver
from firmward.vendor.speech import answer, answering


def renew(home: HomeOption, out: Out, as_json: Json = False) -> None:
    """Sign the metadata anew before it expires, without a release; write the bundle.

    Devices take nothing under expired metadata: run this daily, and push it to each hospital.
    """
    with answering(as_json):
        found = onboard.open_home(home)
        metadata = found.repository.publish({}, now())
        durable.replace(out, pack(metadata, {}))
        answer(as_json, f"renewed metadata in {out}", bundle=out)


def push(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as release or renew wrote it.")],
    hospital: Annotated[str, typer.Option(help="Its people plane: https://host:port.")],
    certificate: Annotated[
        Path, typer.Option("--pass", help="Folder with cert.pem, key.pem and authority.pem.")
    ],
    vendor: Annotated[str, typer.Option(help="Your name, as the hospital pinned it.")],
    renewal: Annotated[bool, typer.Option("--renewal", help="It holds metadata only.")] = False,
    as_json: Json = False,
) -> None:
    """Hand a bundle to a hospital, and print what its gate says, with every reason."""
    with answering(as_json):
        said = deliver(hospital, certificate, vendor, bundle.read_bytes(), renewal=renewal)
        answer(as_json, said.explained, admitted=said.admitted, reasons=list(said.reasons))
        if not said.admitted:
            raise typer.Exit(1)

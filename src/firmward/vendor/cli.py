"""`firmward vendor`: what a vendor's engineer and CI type."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.wire import plain
from firmward.vendor import advisories, onboard, pipeline, project, sbom
from firmward.vendor.build import Artifact, build
from firmward.vendor.bundle import pack
from firmward.vendor.cache import Shelf, default_folder
from firmward.vendor.deliver import deliver
from firmward.vendor.request import Request, refuse_findings, workshop
from firmward.vendor.scan.together import Findings, Scanning
from firmward.vendor.source import Checkout, checked_out, take
from firmward.vendor.speech import SAYS, answer, answering, watched

app = typer.Typer(
    help="Make releases: from a commit to a signed bundle with its evidence.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="The folder with firmward.toml.", exists=True)]
HomeOption = Annotated[Path, typer.Option(help="The vendor's keys and repository.")]
Commit = Annotated[str, typer.Option(help="What to make it from, by any name git knows.")]
Version = Annotated[str, typer.Option(help="X.Y.Z")]
Counter = Annotated[int, typer.Option(help="Release counter, above every one published.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Out = Annotated[Path, typer.Option(help="Where to write.")]


@app.command()
def init(
    folder: Folder,
    home: HomeOption,
    enterprise: Annotated[int, typer.Option(help="Your IANA private enterprise number.")],
    vendor: Annotated[str, typer.Option(help="Name for a new firmward.toml.")] = "vendor",
    as_json: Json = False,
) -> None:
    """Make keys, an empty repository and the file that hospitals pin; or a firmward.toml first."""
    with answering(as_json):
        file = folder / project.FILE
        if not file.exists():
            path = onboard.write_template(folder, vendor)
            answer(as_json, f"wrote {path}: fill in what is marked, then init again", wrote=path)
            return
        declared = project.read(file.read_bytes(), str(file))
        made = onboard.start(home, [declared], enterprise, datetime.now(UTC))
        answer(
            as_json,
            f"{declared.vendor}: keys in {made.keys.folder} (software keys: whoever copies them is"
            f" you), repository in {made.repository.folder}; give hospitals"
            f" {home / onboard.ONBOARDING}",
            vendor=declared.vendor,
            keys=made.keys.folder,
            repository=made.repository.folder,
            onboarding=home / onboard.ONBOARDING,
        )


@app.command(name="build")
def build_command(
    folder: Folder,
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    as_json: Json = False,
) -> None:
    """Build a commit and leave the ELF, the binary and the log in a folder."""
    with answering(as_json), checked_out(take(folder, commit)) as tree:
        artifact = _built(tree, version, counter)
        out.mkdir(parents=True, exist_ok=True)
        files = {"app.elf": artifact.elf, "app.bin": artifact.binary, "app.map": artifact.map}
        for name, data in files.items():
            if data:
                (out / name).write_bytes(data)
        (out / "build.log").write_text(artifact.log)
        answer(
            as_json,
            f"built {tree.source.commit[:12]}: {len(artifact.binary)} bytes in {out}",
            commit=tree.source.commit,
            digests=artifact.digests(),
            cached=artifact.cached,
        )


@app.command(name="scan")
def scan_command(folder: Folder, out: Out, commit: Commit = "HEAD", as_json: Json = False) -> None:
    """Scan a commit and its binary; write one SARIF log; exit 1 for errors found."""
    with answering(as_json), checked_out(take(folder, commit)) as tree:
        findings = _scanned(tree)
        out.write_text(json.dumps(findings.log))
        if not as_json:
            for finding in findings.all:
                SAYS.print(f"{finding.level:8} {finding}", markup=False)
        answer(
            as_json,
            f"{len(findings.all)} findings in {out}",
            findings=[vars(finding) for finding in findings.all],
            missing=findings.missing,
        )
        refuse_findings(f"{tree.project.product} {tree.source.commit[:12]}", findings, ())


def _built(tree: Checkout, version: str, counter: int) -> Artifact:
    return build(tree, (version, counter), _shelf(), lambda: datetime.now(UTC))


def _scanned(tree: Checkout) -> Findings:
    scanning = Scanning(tree, _shelf())
    try:
        return scanning.finish(_built(tree, "0.0.0", 1), datetime.now(UTC).date())
    finally:
        scanning.close()


def _shelf() -> Shelf:
    return Shelf(default_folder())


@app.command(name="sbom")
def sbom_command(
    folder: Folder,
    version: Version,
    out: Out,
    commit: Commit = "HEAD",
    as_json: Json = False,
) -> None:
    """Write the CycloneDX document of a commit, about its binary as built now."""
    with answering(as_json), checked_out(take(folder, commit)) as tree:
        artifact = _built(tree, version, 1)
        parts = sbom.collect(tree)
        about = (version, artifact.digests()["app.bin"])
        now = datetime.now(UTC)
        document = sbom.document(tree, parts, about, artifact.toolchain, now)
        out.write_text(json.dumps(document, indent=2))
        answer(
            as_json,
            f"{len(parts)} components in {out}",
            components=[plain(part.component) for part in parts],
        )


@app.command(name="release")
def release_command(
    folder: Folder,
    home: HomeOption,
    snapshot: Annotated[Path, typer.Option("--advisories", help="Folder: osv/*.json, kev.json.")],
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    predecessor: Annotated[list[str] | None, typer.Option(help="Release id, repeatable.")] = None,
    fallback: Annotated[str, typer.Option(help="Release id to go back to.")] = "",
    kind: Annotated[str, typer.Option(help="Instead of the project file's kind.")] = "",
    as_json: Json = False,
) -> None:
    """Run every stage and publish; write the bundle for hospitals without a line to you."""
    with answering(as_json), watched(as_json) as progress:
        opened = onboard.open_home(home)
        shop = workshop(opened.keys, opened.repository, advisories.load(snapshot))
        request = Request(
            commit=commit,
            version=version,
            counter=counter,
            predecessors=tuple(predecessor or ()),
            fallback_to=fallback,
            kind=kind,
        )
        bundle = pipeline.release(folder, request, shop, progress)
        _write_whole(out, bundle.data)
        answer(
            as_json,
            f"{bundle.release} is published; bundle in {out}; way back: {bundle.fallback}",
            release=bundle.release,
            fallback=bundle.fallback,
            sha256=bundle.sha256,
            commit=bundle.commit,
            bundle=out,
        )


@app.command()
def renew(home: HomeOption, out: Out, as_json: Json = False) -> None:
    """Sign the metadata anew before it expires, without a release; write the bundle.

    Devices take nothing under expired metadata: run this daily, and push it to each hospital.
    """
    with answering(as_json):
        opened = onboard.open_home(home)
        metadata = opened.repository.publish({}, datetime.now(UTC))
        _write_whole(out, pack(metadata, {}))
        answer(as_json, f"renewed metadata in {out}", bundle=out)


@app.command()
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


def _write_whole(path: Path, data: bytes) -> None:
    """A bundle file is there whole or not at all: half of one is carried to a hospital in vain."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)

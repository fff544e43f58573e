"""`firmward vendor publish` and `revoke`: what readers can fetch, and what they no longer can."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.errors import Misuse
from firmward.vendor import bundle, durable, onboard, project
from firmward.vendor.publish.folder import Folder
from firmward.vendor.publish.targets import Delivered, Place, Step, deliver
from firmward.vendor.speech import SAYS, answer, answering

app = typer.Typer(no_args_is_help=True)

HomeOption = Annotated[Path, typer.Option(help="The vendor's keys and repository.", exists=True)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def publish(
    home: HomeOption,
    folder: Annotated[Path, typer.Argument(help="The folder with firmward.toml.")] = Path(),
    to: Annotated[
        str, typer.Option(help="A folder, s3://BUCKET/PREFIX or https://...; else publish.to.")
    ] = "",
    certificate: Annotated[
        Path | None, typer.Option("--pass", help="Folder with cert.pem, key.pem, authority.pem.")
    ] = None,
    staged: Annotated[
        Path | None, typer.Option("--from", help="First publish what `sign --out` left here.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --from: where to write the bundle for hospitals.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Deliver the repository to where hospitals fetch it; again after an interruption goes on.

    Nothing that is published there is overwritten; timestamp.json comes when all else is there.
    """
    with answering(as_json):
        rules = _rules(folder, needed=not to and staged is None)
        opened = onboard.open_home(home)
        if staged is not None:
            release = _from_staged(opened, staged, out)
            if not (to or rules.to):
                answer(as_json, f"{release} is published in {home}", release=release)
                return

        done = delivered(opened, rules, to, certificate, quiet=as_json)
        answer(
            as_json,
            f"{done.place}: {done.sent} files sent ({done.size} bytes), {done.skipped} were there",
            place=done.place,
            sent=done.sent,
            skipped=done.skipped,
            bytes=done.size,
        )


def delivered(
    opened: onboard.Home,
    rules: project.PublishRules,
    to: str = "",
    certificate: Path | None = None,
    *,
    quiet: bool = False,
) -> Delivered:
    """The repository at `to`, or where the project file says, a line for each file sent."""

    def told(step: Step) -> None:
        if not quiet and step.sent:
            SAYS.print(f"{step.number} of {step.of}  {step.path}  {step.size} bytes")

    with place(to or rules.to, rules.token_env, certificate) as target:
        return deliver(opened.repository, target, told)


def _from_staged(opened: onboard.Home, folder: Path, out: Path | None) -> str:
    """Put a staged release into the repository; its release id."""
    from firmward.vendor import staged

    found, files = staged.read(folder, opened.keys)
    metadata = opened.repository.publish(files, datetime.now(UTC))
    if out is not None:
        durable.replace(out, bundle.pack(metadata, {path: f.data for path, f in files.items()}))
    return found.release


@app.command()
def revoke(
    release: Annotated[str, typer.Argument(help="Release id.")],
    home: HomeOption,
    reason: Annotated[str, typer.Option(help="Why; it is kept in revoked.json.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the renewal bundle for hospitals.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a release out of the repository for good; then publish, and push the renewal.

    Its fallback stays, so that devices can go back to it; revoke that as well if it is unfit.
    """
    with answering(as_json):
        repository = onboard.open_home(home).repository
        metadata = repository.revoke(release, reason, datetime.now(UTC))
        if out is not None:
            durable.replace(out, bundle.pack(metadata, {}))
        answer(
            as_json, f"{release} is revoked{f'; bundle in {out}' if out else ''}", revoked=release
        )


@contextmanager
def place(to: str, token_env: str = "", certificate: Path | None = None) -> Iterator[Place]:
    """Where `to` names; what only S3 or HTTP needs is imported for them.  Raises Misuse."""
    if not to:
        raise Misuse(f"publish: expected --to, or publish.to in {project.FILE}")
    if to.startswith("s3://"):
        from firmward.vendor.publish.s3 import Bucket

        yield Bucket(to)
    elif to.startswith(("https://", "http://")):
        from firmward.vendor.publish.web import Server

        server = Server(to, _token(token_env), _tls(certificate))
        try:
            yield server
        finally:
            server.close()
    elif "://" in to:
        raise Misuse(f"{to}: expected a folder, s3:// or https://")
    else:
        yield Folder(Path(to))


def _rules(folder: Path, *, needed: bool) -> project.PublishRules:
    file = folder / project.FILE
    if not file.exists() and not needed:
        return project.PublishRules()
    try:
        return project.read(file.read_bytes(), str(file)).publish
    except OSError as error:
        raise Misuse(f"{file}: expected a project file, or --to: {error.strerror}") from error


def _token(name: str) -> str:
    if name and not os.environ.get(name):
        raise Misuse(f"{name}: expected the token that publish.token_env names, got none")
    return os.environ[name] if name else ""


def _tls(folder: Path | None) -> ssl.SSLContext | None:
    if folder is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    except OSError as error:
        raise Misuse(f"{folder}: expected cert.pem, key.pem and authority.pem") from error
    return context

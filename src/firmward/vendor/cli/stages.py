"""The stages of `firmward vendor release`, each by itself: build, scan, sbom, attest, sign."""

import json
from pathlib import Path
from typing import Annotated

import typer

from firmward.terms.wire import plain
from firmward.vendor import judge, pipeline, staged
from firmward.vendor.build.reproduce import verified
from firmward.vendor.cli.asked import (
    Commit,
    Counter,
    Fallback,
    Folder,
    HomeOption,
    Json,
    KindOption,
    Out,
    Predecessors,
    SignersOption,
    Snapshot,
    Verify,
    Version,
    built,
    now,
    opened,
    request,
    shelf,
    taken,
)
from firmward.vendor.draft import draft
from firmward.vendor.evidence import predicates
from firmward.vendor.request import ReleaseRefused
from firmward.vendor.sbom import cyclonedx, spdx
from firmward.vendor.sbom.inventory import collect
from firmward.vendor.scan.correlate import correlate, lines_of
from firmward.vendor.scan.together import Scanning
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.speech import SAYS, answer, answering, watched


def build(
    folder: Folder,
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    home: SignersOption = None,
    again: Verify = False,
    as_json: Json = False,
) -> None:
    """Build a commit and leave the ELF, the binary and the log in a folder."""
    with answering(as_json), checked_out(taken(folder, commit, home)) as tree:
        artifact = built(tree, version, counter)
        if again:
            artifact = verified(tree, (version, counter), artifact, shelf(), now)
        out.mkdir(parents=True, exist_ok=True)
        files = {"app.elf": artifact.elf, "app.bin": artifact.binary, "app.map": artifact.map}
        for name, data in files.items():
            if data:
                (out / name).write_bytes(data)
        (out / "build.log").write_text(artifact.log)
        answer(
            as_json,
            f"built {tree.source.commit[:12]}: {len(artifact.binary)} bytes in {out}"
            f" (sandbox: {artifact.sandbox}{', the same twice' if again else ''})",
            commit=tree.source.commit,
            digests=artifact.digests(),
            cached=artifact.cached,
            sandbox=artifact.sandbox,
            **artifact.annotations(),
        )


def scan(
    folder: Folder,
    out: Out,
    commit: Commit = "HEAD",
    home: SignersOption = None,
    as_json: Json = False,
) -> None:
    """Scan a commit and its binary; write one SARIF log; exit 1 for errors found."""
    with answering(as_json), checked_out(taken(folder, commit, home)) as tree:
        scanning = Scanning(tree, shelf())
        try:
            found = scanning.finish(built(tree, "0.0.0", 1))
        finally:
            scanning.close()
        rules, safety = tree.project.scan.suppress, tree.project.safety_class
        whole = correlate(found.log, lines_of(tree.root), rules, safety, now().date())
        out.write_text(json.dumps(whole.log))
        standing = [issue for issue in whole.issues if not issue.answered]
        for issue in () if as_json else standing:
            SAYS.print(f"{issue.level:8} {issue}", markup=False)
        answer(
            as_json,
            f"{len(standing)} issues in {out}",
            issues=[vars(issue) | {"rank": issue.rank} for issue in standing],
            missing=found.missing,
        )
        judge.complete("scan", found.missing)
        errors = [str(issue) for issue in standing if issue.level == "error"]
        if errors:
            raise ReleaseRefused(f"{tree.project.product} {tree.source.commit[:12]}", errors)


def sbom(
    folder: Folder,
    version: Version,
    out: Out,
    commit: Commit = "HEAD",
    home: SignersOption = None,
    as_spdx: Annotated[bool, typer.Option("--spdx", help="SPDX 2.3 instead.")] = False,
    as_json: Json = False,
) -> None:
    """Write the CycloneDX (or SPDX) document of a commit, about its binary as built now."""
    with answering(as_json), checked_out(taken(folder, commit, home)) as tree:
        artifact = built(tree, version, 1)
        inventory = collect(tree, artifact, shelf(), now().date())
        about = (version, artifact.digests()["app.bin"])
        form = spdx.document if as_spdx else cyclonedx.document
        document = form(tree.project, inventory, about, artifact.toolchain, now())
        out.write_text(json.dumps(document, indent=2))
        unknown = len(inventory.unknown)
        answer(
            as_json,
            f"{len(inventory.parts)} components in {out}, {unknown} of them not wholly known",
            components=[plain(part.component) for part in inventory.parts],
            unknown=[part.name for part in inventory.unknown],
        )


def attest(
    folder: Folder,
    home: HomeOption,
    snapshot: Snapshot,
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    predecessor: Predecessors = None,
    fallback: Fallback = "",
    kind: KindOption = "",
    again: Verify = False,
    as_json: Json = False,
) -> None:
    """Examine a release and write each predicate, unsigned, with what stands against it."""
    with answering(as_json), watched(as_json) as told:
        shop = opened(home, snapshot)
        wanted = request(commit, version, counter, predecessor, fallback, kind, verify=again)
        made = draft(take(folder, commit, shop.signers), folder, wanted, shop, told)
        image, _ = pipeline.images(made, shop)
        stated = predicates(made, image, shop)
        out.mkdir(parents=True, exist_ok=True)
        for name, body in stated.items():
            (out / f"{name}.json").write_text(json.dumps(body, indent=2, default=str))
        answer(
            as_json,
            f"{len(stated)} predicates in {out}",
            predicates=sorted(stated),
            issues=len(made.examined.open),
        )
        judge.refuse(made.name, made.examined)


def sign(
    folder: Folder,
    home: HomeOption,
    snapshot: Snapshot,
    version: Version,
    counter: Counter,
    out: Out,
    commit: Commit = "HEAD",
    predecessor: Predecessors = None,
    fallback: Fallback = "",
    kind: KindOption = "",
    again: Verify = False,
    as_json: Json = False,
) -> None:
    """Make and sign a release without publishing it; `publish --from` takes the folder."""
    with answering(as_json), watched(as_json) as told:
        shop = opened(home, snapshot)
        wanted = request(commit, version, counter, predecessor, fallback, kind, verify=again)
        made = draft(take(folder, commit, shop.signers), folder, wanted, shop, told)
        judge.refuse(made.name, made.examined)
        done = staged.write(Path(out), pipeline.signed(made, shop, told), shop.keys)
        answer(
            as_json,
            f"{done.release} is signed in {out}; firmward vendor publish --from {out} publishes it",
            release=done.release,
            fallback=done.fallback,
            sha256=done.sha256,
            files=sorted(done.files),
        )

"""What the provenance says of a source: who signed it, and the digests of all that went in."""

from collections.abc import Sequence
from typing import Any

from firmward.terms.errors import Misuse
from firmward.vendor.source.commit import Source
from firmward.vendor.source.manifests.pin import Pin


def signature(source: Source) -> dict[str, str]:
    """Who signed the commit; `kind` is "none" for a project in development that need not.

    raises  Misuse for a source whose signature nobody looked at
    """
    if source.signer is not None:
        return {
            "kind": source.signer.kind,
            "principal": source.signer.principal,
            "fingerprint": source.signer.fingerprint,
        }
    if source.project.source.signed:
        raise Misuse(f"commit {source.commit[:12]}: expected its signature verified, got none")
    return {"kind": "none"}


def resolved(source: Source, pins: Sequence[Pin] = ()) -> list[dict[str, Any]]:
    """The commit first, then its submodules, then what a digest fixes: SLSA's ResourceDescriptors.

    pins  as `pins.fixed` gives them

    Source: in-toto attestation framework, ResourceDescriptor v1.
    """
    origin = source.remote or f"file:///{source.repository.name}"
    return [
        {
            "uri": f"git+{origin}@{source.commit}",
            "digest": {"gitCommit": source.commit, "gitTree": source.tree},
            "annotations": {"signature": signature(source)},
        },
        *(
            {
                "uri": f"git+{each.url}@{each.commit}",
                "name": each.path,
                "digest": {"gitCommit": each.commit, "gitTree": each.tree},
                "annotations": {"kind": "git-submodule"},
            }
            for each in source.submodules
        ),
        *(_dependency(each) for each in pins if each.digest),
    ]


def _dependency(pin: Pin) -> dict[str, Any]:
    algorithm, _, value = pin.digest.partition(":")
    return {
        "name": pin.name,
        "digest": {algorithm: value},
        "annotations": {"kind": pin.kind, "declared": pin.declared},
    }

"""What a manifest says of one part, turned into a `Found` with its origin."""

from typing import Any

from firmward.vendor.sbom import purls
from firmward.vendor.sbom.parts import Evidence, Found, Origin, Resolution
from firmward.vendor.sbom.reading import line_of

# How far one kind of statement can be believed by itself; `merge` raises it where several agree.
_CONFIDENCE: dict[Evidence, float] = {
    "linked": 0.95,
    "file-hash": 0.99,
    "package-db": 0.95,
    "lock": 0.9,
    "submodule": 0.9,
    "macro": 0.9,
    "declared": 0.7,
    "version-string": 0.6,
}


def stated(
    collector: str,
    path: str,
    evidence: Evidence,
    name: str,
    version: str = "",
    *,
    line: int = 0,
    says: str = "",
    text: str = "",
    **known: Any,
) -> Found:
    """One part as one line of one file says.

    text   the whole file: the line is then that of the first `says` or name in it
    known  further fields of `Found`
    """
    origin = Origin(
        collector=collector,
        path=path,
        line=line or line_of(text, says or name) or (line_of(text, name) if text else 0),
        evidence=evidence,
        says=says or f"{name} {version}".strip(),
        version=version,
    )
    fields = {"confidence": _CONFIDENCE[evidence], "known_unknown": not name} | known
    return Found(
        name=name or f"unknown part of {path}",
        version=version,
        evidence=evidence,
        origins=(origin,),
        **fields,
    )


def from_git(
    collector: str,
    path: str,
    evidence: Evidence,
    name: str,
    url: str,
    revision: str,
    **known: Any,
) -> Found:
    """A part fetched from a git repository at a tag, commit or branch ("" for its default)."""
    version, pinned = purls.resolution(revision)
    commit = revision if purls.COMMIT.match(revision) else ""
    resolution: Resolution = "pinned" if pinned else "branch"
    fields = {"says": f"{url} {revision}".strip()} | known
    return stated(
        collector,
        path,
        evidence,
        name or purls.repository_name(url),
        version,
        revision=commit,
        purl=purls.of_repository(url, revision if pinned else ""),
        resolution=resolution,
        **fields,
    )


def required(version: str) -> tuple[str, Resolution]:
    """(the one version, "pinned") for a requirement that names one, ("", "range") for a range."""
    if purls.exact(version):
        return version.strip().lstrip("=").strip(), "pinned"
    return "", "range"

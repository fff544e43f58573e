"""Components files: what the vendor's people say of the third-party parts in the tree.

They are the only source of suppliers' names and of support dates; versions are checked against the
headers, since a declaration that nobody updated would be matched under the old version.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from packageurl import PackageURL

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.parts import Care, Found, Origin, SbomRefused
from firmward.vendor.sbom.tree import Tree

NAME: Final = "declaration"
_HEADERS: Final = (".h", ".hpp", ".hh")


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[component]] of a components file; `path` is relative to the source root.

    digest  `folder_digest` of the folder as upstream published it, "" where not stated
    cpe     CPE 2.3 name that advisories use for it, "" where not known
    soup    not made under the vendor's own process (IEC 62304 3.29)
    requirements_stated   5.3.3 and 5.3.4;  anomalies_evaluated   7.1.3
    replacement_plan      what is to be done when its support ends is decided
    """

    name: str
    version: str
    supplier: str
    purl: str
    licence: str
    path: str
    support_level: Literal["maintained", "not_maintained", "abandoned"]
    end_of_support: date
    digest: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    cpe: str = ""
    soup: bool = True
    requirements_stated: bool = False
    anomalies_evaluated: bool = False
    replacement_plan: bool = False


def collect(tree: Tree, listed_in: tuple[str, ...]) -> Iterator[Found]:
    """Every declared component as the tree bears it out.  Raises SbomRefused, Malformed."""
    for path in listed_in:
        for declared in _declared(tree, path):
            yield _found(tree, declared, path)


def _declared(tree: Tree, path: str) -> list[Declared]:
    try:
        listed = tomllib.loads(tree.text(path)).get("component", [])
        return msgspec.convert(listed, list[Declared])
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise Malformed(path, "[[component]] tables", str(error)[:200]) from error


def _found(tree: Tree, declared: Declared, listed_in: str) -> Found:
    _refuse_other_purl(declared)
    files = _files(tree, declared)
    said = [_stated(declared, listed_in)]
    macro = _macro(tree, declared, [path for path in files if path.endswith(_HEADERS)])
    if macro:
        said.insert(0, macro)
    if declared.digest:
        said.insert(0, _unmodified(declared, files))
    return Found(
        name=declared.name,
        version=declared.version,
        supplier=declared.supplier,
        purl=declared.purl,
        cpes=(declared.cpe,) if declared.cpe else (),
        licence=declared.licence,
        folder=declared.path.strip("/"),
        files=files,
        evidence=said[0].evidence,
        origins=tuple(said),
        confidence=0.95 if len(said) > 1 else 0.8,
        scope="ships",
        support_level=declared.support_level,
        end_of_support=declared.end_of_support,
        cared=_cared(declared),
    )


def _cared(declared: Declared) -> tuple[Care, ...]:
    said: dict[Care, bool] = {
        "own": not declared.soup,
        "requirements-stated": declared.requirements_stated,
        "anomalies-evaluated": declared.anomalies_evaluated,
        "replacement-planned": declared.replacement_plan,
    }
    return tuple(name for name, holds in said.items() if holds)


def _stated(declared: Declared, path: str) -> Origin:
    return Origin(
        collector=NAME,
        path=path,
        evidence="declared",
        says="declaration",
        version=declared.version,
    )


def _refuse_other_purl(declared: Declared) -> None:
    """Advisories are found by the purl and judged by the version: the two must be of one thing."""
    try:
        purl = PackageURL.from_string(declared.purl)
    except ValueError as error:
        raise SbomRefused(declared.name, "a package URL", declared.purl[:80]) from error
    if purl.version != declared.version:
        raise SbomRefused(
            declared.name, f"a purl of version {declared.version}", declared.purl[:80]
        )


def _files(tree: Tree, declared: Declared) -> dict[str, str]:
    """Path -> SHA-256 of everything in its folder."""
    inside = PurePosixPath(declared.path)
    if inside.is_absolute() or ".." in inside.parts:
        raise SbomRefused(declared.name, f"the folder {declared.path}", "none")
    paths = tree.under(str(inside))
    if not paths:
        got = "files without content of their own" if tree.has(str(inside)) else "none"
        raise SbomRefused(declared.name, f"the folder {declared.path}", got)
    return {path: tree.sha256(path) for path in paths}


def folder_digest(files: dict[str, str], folder: str) -> str:
    """One digest for a folder: SHA-256 of its sorted `sha256sum` lines with paths inside it."""
    within = len(folder.strip("/")) + 1
    lines = sorted(f"{sha256}  {path[within:]}\n" for path, sha256 in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _unmodified(declared: Declared, files: dict[str, str]) -> Origin:
    """The folder is byte for byte what was declared, so the version is not only a word."""
    got = folder_digest(files, declared.path)
    if got != declared.digest:
        raise SbomRefused(declared.name, f"files of digest {declared.digest}", got)
    return Origin(
        collector=NAME,
        path=declared.path,
        evidence="file-hash",
        says=f"sha256:{got}",
        version=declared.version,
    )


def _macro(tree: Tree, declared: Declared, headers: list[str]) -> Origin | None:
    """The macro that confirms the version.  Raises SbomRefused for one that contradicts it."""
    prefix = re.sub(r"[^A-Z0-9]", "_", declared.name.upper())
    pattern = re.compile(rf'#\s*define\s+({re.escape(prefix)}_VERSION\w*)\s+"([^"\n]+)"')
    for header in headers:
        text = tree.text(header)
        for found in pattern.finditer(text):
            macro, version = found.groups()
            if version != declared.version:
                got = f"{version} in {macro} of {PurePosixPath(header).name}"
                raise SbomRefused(declared.name, f"version {declared.version}", got)
            return Origin(
                collector=NAME,
                path=header,
                line=text.count("\n", 0, found.start()) + 1,
                evidence="macro",
                says=macro,
                version=version,
            )
    return None

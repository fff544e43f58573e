"""The evidence document: all that is known about one release, for one device class, at one moment.

Every value is in an envelope that says how it is known.  A document is made from its leaves
(`of_leaves`), read by path (`leaves`), and asked by rules as bare values (`values`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firmward.hospital.gate import sections
from firmward.hospital.gate.known import At, Digest, Known, Maybe, Section, Text
from firmward.hospital.gate.listed import Vulnerability
from firmward.terms.errors import Malformed
from firmward.terms.names import ReleaseId, Sha256, ShortText
from firmward.terms.wire import MIB, Wire, convert, decode, encode

LIMIT: Final = 16 * MIB


class Gap(Wire, frozen=True, kw_only=True):
    """Evidence that was sought and did not count: its name, the sections it feeds, and why."""

    evidence: Annotated[str, Meta(max_length=64)]
    sections: tuple[str, ...]
    reason: ShortText


class Evidence(Section, frozen=True, kw_only=True):
    """All that is known about one release, for one device class of one hospital, at one moment."""

    evidence_schema: Annotated[str, Meta(pattern=r"^firmward\.evidence/v1\Z")] = (
        "firmward.evidence/v1"
    )
    subject: ReleaseId
    image_sha256: Sha256
    vendor: Text
    site: Text
    device_class: Text = ""
    moment: At = "intake"
    at: datetime
    release: sections.Release = sections.Release()
    signature: sections.Signature = sections.Signature()
    provenance: sections.Provenance = sections.Provenance()
    sbom: sections.Sbom = sections.Sbom()
    vulns: Maybe[Annotated[tuple[Vulnerability, ...], Meta(max_length=4096)]] = UNSET
    scan: sections.Scan = sections.Scan()
    lifecycle: sections.Lifecycle = sections.Lifecycle()
    testing: sections.Testing = sections.Testing()
    risk: sections.Risk = sections.Risk()
    regulatory: sections.Regulatory = sections.Regulatory()
    fallback: sections.Fallback = sections.Fallback()
    device: sections.Device = sections.Device()
    docs: sections.Docs = sections.Docs()
    deploy: sections.Deploy = sections.Deploy()
    postmarket: sections.Postmarket = sections.Postmarket()
    privacy: sections.Privacy = sections.Privacy()
    net: sections.Net = sections.Net()
    sources: dict[str, Digest] = {}
    gaps: tuple[Gap, ...] = ()


SECTIONS: Final = tuple(
    name
    for name, kind in Evidence.__annotations__.items()
    if isinstance(kind, type) and issubclass(kind, Section)
)
_Vulns = Known[Annotated[tuple[Vulnerability, ...], Meta(max_length=4096)]]
PATHS: Final = frozenset(
    f"{section}.{field}"
    for section in SECTIONS
    for field in Evidence.__annotations__[section].__struct_fields__
) | {"vulns"}
"""Every path a rule may name, beside `now` and `moment`."""


@cache
def kind_of(path: str) -> Any:
    """The type of the value at a path.  Raises KeyError for what is no path of the document."""
    section, _, field = path.partition(".")
    holder = Evidence.__annotations__[section] if field else Evidence
    envelope = holder.__annotations__[field or section]
    return get_args(get_args(envelope)[0])[0]


def typed(path: str, value: object, who: str) -> Any:
    """A bare value as the document's own type at that path.  Raises Malformed."""
    return convert(value, kind_of(path), f"{who} {path}")


def leaves(evidence: Evidence) -> dict[str, Known[Any]]:
    """Path -> value with its origin, for everything that is known."""
    found: dict[str, Known[Any]] = {}
    for section in SECTIONS:
        found |= leaves_of(section, getattr(evidence, section))
    if not isinstance(evidence.vulns, UnsetType):
        found["vulns"] = evidence.vulns
    return found


def leaves_of(name: str, part: Any) -> dict[str, Known[Any]]:
    """Path -> value, for everything that is known in one piece."""
    if name == "vulns":
        return {"vulns": part}
    fields: tuple[str, ...] = () if name == "head" else part.__struct_fields__
    found: dict[str, Known[Any]] = {}
    for field in fields:
        if (known := getattr(part, field)) is not UNSET:
            found[f"{name}.{field}"] = known
    return found


def with_leaves(evidence: Evidence, new: Mapping[str, Known[Any] | UnsetType]) -> Evidence:
    """The document with other values at some paths; UNSET takes a value out."""
    changed: dict[str, Any] = {}
    for path, known in new.items():
        section, _, field = path.partition(".")
        if field:
            changed.setdefault(section, {})[field] = known
        else:
            changed[section] = known
    parts = {
        name: msgspec.structs.replace(getattr(evidence, name), **value)
        if isinstance(value, dict)
        else value
        for name, value in changed.items()
    }
    return msgspec.structs.replace(evidence, **parts)


def values(evidence: Evidence, at: datetime | None = None) -> dict[str, Any]:
    """The bare values by section, as an engine is given them: JSON values, and records.

    at  values whose time is over by then are left out, as are those that are not known
    """
    return values_of(leaves(evidence), at)


def values_of(found: Mapping[str, Known[Any]], at: datetime | None = None) -> dict[str, Any]:
    """The bare values of these leaves by section, every section there."""
    bare: dict[str, Any] = {section: {} for section in SECTIONS}
    for path, known in found.items():
        if at is not None and known.stale(at):
            continue
        section, _, field = path.partition(".")
        if field:
            bare[section][field] = _listed(known.value)
        else:
            bare[section] = _listed(known.value)
    return bare


def _listed(value: Any) -> Any:
    # JSON has lists and no tuples.
    return list(value) if type(value) is tuple else value


def parts(evidence: Evidence, only: Collection[str] = (*SECTIONS, "vulns")) -> dict[str, bytes]:
    """The document in pieces by section, which documents about other classes share; and "head".

    only  the sections wanted; the head comes with any of them
    """
    found = {name: encode(part) for name in only if (part := getattr(evidence, name)) is not UNSET}
    bare = {name: Evidence.__annotations__[name]() for name in SECTIONS}
    return {**found, "head": encode(msgspec.structs.replace(evidence, **bare, vulns=UNSET))}


def joined(pieces: Mapping[str, bytes]) -> Evidence:
    """The document of these pieces.  Raises Malformed."""
    return assembled({name: piece(name, data) for name, data in pieces.items()})


def piece(name: str, data: bytes) -> Any:
    """One piece, read.  Raises Malformed."""
    return decode(data, _kind(name), f"evidence {name}", limit=LIMIT)


def own_piece(name: str, data: bytes) -> Any:
    """One piece that was written here: the caller MUST have checked its bytes by their digest.

    Every outside value in it was parsed strictly before it was written.  Raises Malformed.
    """
    try:
        return msgspec.json.decode(data, type=_kind(name))
    except msgspec.DecodeError as error:
        raise Malformed(f"evidence {name}", "a piece", str(error)[:200]) from error


def _kind(name: str) -> Any:
    kinds: dict[str, Any] = {"head": Evidence, "vulns": _Vulns}
    return kinds.get(name) or Evidence.__annotations__[name]


def assembled(read: Mapping[str, Any]) -> Evidence:
    """The document of pieces that are read; several documents may share one."""
    head: Evidence = read["head"]
    return msgspec.structs.replace(head, **{n: part for n, part in read.items() if n != "head"})


def digest(names: Mapping[str, str]) -> str:
    """The digest of a document, from the digests of its pieces."""
    return sha256(encode(dict(sorted(names.items())))).hexdigest()


def digests(pieces: Mapping[str, bytes]) -> dict[str, str]:
    """Piece -> its SHA-256."""
    return {name: sha256(data).hexdigest() for name, data in pieces.items()}

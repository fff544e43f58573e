"""The library of threats to medical devices, by STRIDE, as data (library.yaml)."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms.errors import Misuse
from firmward.vendor.threats.model import Exposure, Grade, Id, Kind, Says, read_yaml

FILE: Final = "library.yaml"

Stride = Literal[
    "spoofing",
    "tampering",
    "repudiation",
    "information-disclosure",
    "denial-of-service",
    "elevation-of-privilege",
]
Element = Literal["interface", "flow", "part", "product"]
Attacker = Literal["outsider", "insider", "thief", "supplier", "other-device", "patient"]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object of the library."""


class When(_Section, frozen=True, kw_only=True):
    """What an element must be like for the threat to apply; empty members ask nothing.

    crosses  a flow between two zones
    """

    kinds: tuple[Kind, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    authenticated: bool | None = None
    encrypted: bool | None = None
    crosses: bool | None = None


class Control(_Section, frozen=True, kw_only=True):
    """A mitigation: what it is, by how much it lowers likelihood or impact, what may show it."""

    id: Id
    says: Says
    likelihood: Annotated[int, Meta(ge=0, le=4)] = 0
    impact: Annotated[int, Meta(ge=0, le=4)] = 0
    shown_by: Annotated[tuple[str, ...], Meta(min_length=1)]


class Threat(_Section, frozen=True, kw_only=True):
    """One threat.

    vector      from where it comes, "" for the exposure of the element itself
    sources     who would do it
    likelihood  1 rare to 5 expected, with no control in place
    impact      patient harm, 1 negligible to 5 catastrophic (ISO/TR 24971, example scale)
    quality     which quality of the asset is lost: the asset's own grade takes the impact's place
    """

    id: Id
    title: Says
    stride: Stride
    element: Element
    when: When = When()
    vector: Exposure | Literal[""] = ""
    sources: Annotated[tuple[Attacker, ...], Meta(min_length=1)]
    likelihood: Grade
    impact: Grade
    quality: Literal["confidentiality", "integrity", "availability"]
    harm: Says
    weaknesses: tuple[int, ...] = ()
    controls: Annotated[tuple[Control, ...], Meta(min_length=1)]


class Library(_Section, frozen=True, kw_only=True):
    """All threats, under a version of their own."""

    name: str
    version: str
    threats: Annotated[tuple[Threat, ...], Meta(min_length=1)]

    def threat(self, name: str) -> Threat | None:
        """The threat of this id, or None."""
        return next((each for each in self.threats if each.id == name), None)


@cache
def library() -> Library:
    """The library that ships with this version.  Raises Misuse when it is broken."""
    read = read_yaml(_data(), Library, FILE)
    names = [threat.id for threat in read.threats]
    if len(set(names)) != len(names):
        raise Misuse(f"{FILE}: expected each threat once")
    return read


def digest() -> str:
    """SHA-256 of the library's bytes."""
    return hashlib.sha256(_data()).hexdigest()


def _data() -> bytes:
    return files("firmward.vendor.threats").joinpath(FILE).read_bytes()

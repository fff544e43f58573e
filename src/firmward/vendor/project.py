"""`firmward.toml`: what a vendor says of a product and of how its firmware is made.

It is read from the commit that is released, never from the working copy, so whoever may sign the
commit is who made these claims.
"""

import tomllib
from datetime import date
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms.errors import Malformed
from firmward.terms.image import IntegrityMethod
from firmward.terms.names import HardwareId, Label

FILE: Final = "firmward.toml"
LIMIT: Final = 256 * 1024

Kind = Literal["security_patch", "feature", "recall_fix", "uncontrolled_risk_fix"]
Inside = Annotated[str, Meta(pattern=r"^(?!/)[A-Za-z0-9._/+-]{1,200}\Z")]
Seconds = Annotated[float, Meta(gt=0, le=24 * 3600)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file; a misspelt setting is an error, not a default."""


class SourceRules(_Section, frozen=True, kw_only=True):
    """Where the source is.

    root     the tree that goes into the firmware, relative to this file's folder
    remotes  if any are named, the repository's origin must be one of them
    """

    root: Annotated[str, Meta(max_length=200)] = "."
    remotes: tuple[str, ...] = ()


class BuildRules(_Section, frozen=True, kw_only=True):
    """How it is built: a command run in this file's folder, without a shell.

    command    {python}, {version}, {counter} and {out} are filled in
    elf, binary, map   what it leaves in {out}; no map where none is named
    toolchain  Python distributions whose versions go into the provenance
    """

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    elf: Inside
    binary: Inside
    map: Inside | Literal[""] = ""
    toolchain: tuple[str, ...] = ()
    timeout_s: Seconds = 300.0


class ImageRules(_Section, frozen=True, kw_only=True):
    """How the binary becomes an MCUboot image (imgtool sign); sizes and addresses in bytes."""

    header_size: Annotated[int, Meta(ge=32, le=65536)]
    slot_size: Annotated[int, Meta(ge=1024, le=2**31)]
    load_address: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    align: Literal[1, 2, 4, 8, 16, 32] = 8


class Suppression(_Section, frozen=True, kw_only=True):
    """A finding that somebody answers for: why it stands, who says so, and until when."""

    rule: Annotated[str, Meta(min_length=1)]
    path: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=10)]
    owner: Annotated[str, Meta(min_length=3)]
    until: date


class ScanRules(_Section, frozen=True, kw_only=True):
    """What is scanned, relative to the source root, and with what.

    cppcheck  the command, if it is not the one that was installed with Firmward
    """

    sources: Annotated[tuple[Inside, ...], Meta(min_length=1)]
    includes: tuple[Inside, ...] = ()
    defines: tuple[str, ...] = ()
    cppcheck: str = ""
    timeout_s: Seconds = 120.0
    suppress: tuple[Suppression, ...] = ()


class SbomRules(_Section, frozen=True, kw_only=True):
    """Files that declare components, and the folders every part of which must be declared."""

    components: tuple[Inside, ...] = ()
    vendored: tuple[Inside, ...] = ()


class Project(_Section, frozen=True, kw_only=True):
    """The whole file.  `declaration` holds the form answers, by section of the evidence model."""

    vendor: Label
    product: Label
    model: Annotated[str, Meta(min_length=1, max_length=64)]
    device_class: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,32}\Z")]
    hardware_ids: Annotated[tuple[HardwareId, ...], Meta(min_length=1, max_length=32)]
    safety_class: Literal["A", "B", "C"]
    risk: Literal["low", "medium", "high"]
    integrity: IntegrityMethod
    kind: Kind = "feature"
    source: SourceRules = SourceRules()
    build: BuildRules
    image: ImageRules
    scan: ScanRules
    sbom: SbomRules = SbomRules()
    declaration: dict[str, dict[str, Any]] = {}


def read(data: bytes, who: str = FILE) -> Project:
    """The project in these bytes.  Raises Malformed."""
    if len(data) > LIMIT:
        raise Malformed(who, f"at most {LIMIT} bytes", f"{len(data)} bytes")
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), Project)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(who, "TOML", str(error)[:200]) from error
    except msgspec.ValidationError as error:
        raise Malformed(who, "a project file", str(error)[:300]) from error

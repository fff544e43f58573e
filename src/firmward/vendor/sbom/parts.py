"""A part of a firmware as one collector or all of them together know it.

Collectors only say what they saw and where; `merge` decides what it amounts to.  What nobody can
tell stays empty here and is declared as unknown in the documents, never guessed.
"""

from datetime import date
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from firmward.advisories.identity import Component
from firmward.terms.errors import Refused

# How much a version rests on, strongest first.  Bytes beat a tool's record of them, a record beats
# what a person wrote by hand, and a text in a binary may be about something else altogether.
Evidence = Literal[
    "linked",
    "file-hash",
    "package-db",
    "lock",
    "submodule",
    "macro",
    "declared",
    "version-string",
]
STRENGTH: Final[tuple[Evidence, ...]] = get_args(Evidence)

Kind = Literal["library", "application", "operating-system", "firmware", "file", "data"]
Linked = Literal["yes", "no", "unknown"]
Resolution = Literal["pinned", "range", "branch"]
Scope = Literal["ships", "build", "unknown"]
SupportLevel = Literal["maintained", "not_maintained", "abandoned", ""]
Care = Literal["own", "requirements-stated", "anomalies-evaluated", "replacement-planned"]
Confidence = Annotated[float, Meta(ge=0, le=1)]


class SbomRefused(Refused):
    """A tree whose components are not what they are said to be."""

    def __init__(self, component: str, expected: str, got: str):
        self.component, self.expected, self.got = component, expected, got
        super().__init__(f"component {component}: expected {expected}, got {got}")


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who says so: a collector, the file it read, the line there (0: the whole file), the words.

    path      relative to the source root, or "rootfs:..." inside the image's root file system
    version   what exactly this origin says of the version, "" for nothing
    evidence  what the statement rests on
    """

    collector: str
    path: str
    evidence: Evidence
    line: int = 0
    says: str = ""
    version: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part.

    name, supplier, licence   "" for a supplier or licence that nobody knows; licence is SPDX
    version         upstream's version, else the commit; "" is a declared unknown
    revision        full commit id where it is pinned to one
    purl            "" where no package URL can be told
    other_purls     further names of the same thing, such as that of its git repository
    cpes            CPE 2.3 candidates, for matching
    folder          where its files lie, relative to the source root; "" without a folder
    paths           files that are it, or that it was recognised by; rootfs files as "rootfs:..."
    files           path -> SHA-256 of each of its files, where they were read
    hashes          algorithm ("sha256", "sha512", "h1") -> digest of its archive, as a lock says
    origins         everyone who says so, strongest first
    evidence        what the version rests on
    confidence      0..1 that it is this part in this version
    linked          whether it is in the image: "no" only where the link map or package list is
                    complete enough to tell
    scope           "build" for tools and tests that do not ship
    depends_on      names or purls of other parts, as the lock or database says
    known_unknown   something is there that nobody could name or give a version
    resolution      "range" and "branch" let the next build take something else
    source_package, source_version  a distribution's source package, which its advisories name
    support_level, end_of_support   "" and None where not known
    cared           what the vendor says it does about it; "own": made under its own process
    """

    name: str
    evidence: Evidence
    origins: tuple[Origin, ...]
    version: str = ""
    revision: str = ""
    supplier: str = ""
    purl: str = ""
    other_purls: tuple[str, ...] = ()
    cpes: tuple[str, ...] = ()
    licence: str = ""
    kind: Kind = "library"
    folder: str = ""
    paths: tuple[str, ...] = ()
    files: dict[str, str] = {}
    hashes: dict[str, str] = {}
    confidence: Confidence = 1.0
    linked: Linked = "unknown"
    scope: Scope = "unknown"
    depends_on: tuple[str, ...] = ()
    known_unknown: bool = False
    resolution: Resolution = "pinned"
    source_package: str = ""
    source_version: str = ""
    support_level: SupportLevel = ""
    end_of_support: date | None = None
    cared: tuple[Care, ...] = ()

    @property
    def origin(self) -> Origin:
        """The strongest statement about it."""
        return self.origins[0]

    @property
    def component(self) -> Component:
        """The part as advisories are matched with it."""
        return Component(
            name=self.name,
            version=self.version,
            purl=self.purl,
            supplier=self.supplier,
            cpe=self.cpes[0] if self.cpes else "",
            source=f"{self.source_package}@{self.source_version}".strip("@"),
            sha256=next(iter(self.files.values()), "") if self.kind == "file" else "",
        )

    @property
    def unknowns(self) -> tuple[str, ...]:
        """The fields that nobody could tell, which a document declares as unknown."""
        told = {
            "version": self.version,
            "supplier": self.supplier,
            "purl": self.purl,
            "licence": self.licence,
            "support": self.support_level,
        }
        return tuple(name for name, value in told.items() if not value)


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Every part, by name, and who was asked.

    collectors  name -> how many parts it gave; one that gave none was still asked
    """

    parts: tuple[Found, ...]
    collectors: dict[str, int] = {}

    @property
    def shipped(self) -> tuple[Found, ...]:
        """The parts that are in the image, or that nobody could tell are not."""
        return tuple(part for part in self.parts if part.scope != "build")

    @property
    def unknown(self) -> tuple[Found, ...]:
        """The parts that are there and could not be named or given a version."""
        return tuple(part for part in self.parts if part.known_unknown or not part.version)

    @property
    def unpinned(self) -> tuple[Found, ...]:
        """The parts of which the next build may take another version."""
        return tuple(part for part in self.parts if part.resolution != "pinned")

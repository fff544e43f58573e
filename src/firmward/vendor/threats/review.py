"""A release held against its threat model: read, judge, look for drift; one result for everybody.

The bytes of the model come from the checkout, so they are the commit's.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import lief

from firmward.terms.errors import Unavailable
from firmward.vendor.scan.sarif import Finding, Run
from firmward.vendor.threats.assess import Assessment, Facts, assess
from firmward.vendor.threats.drift import drift, interfaces, scanned
from firmward.vendor.threats.library import library
from firmward.vendor.threats.model import LIMIT, Model, read
from firmward.vendor.threats.page import page, predicate


@dataclass(frozen=True)
class Review:
    """A model, how it was judged, and where release and model differ.  `path` is in the tree."""

    path: str
    digest: str
    model: Model
    assessment: Assessment
    drifted: tuple[Finding, ...]

    @property
    def run(self) -> Run:
        """Everything wrong, as SARIF."""
        return scanned(self.assessment, self.drifted, self.path)

    @property
    def predicate(self) -> dict[str, Any]:
        """The statement for the gate."""
        return predicate(self.model, self.digest, self.assessment, self.drifted)

    @property
    def page(self) -> str:
        """The page for readers."""
        return page(self.model, self.assessment, self.drifted)


@dataclass(frozen=True)
class Built:
    """What of a release can betray an interface or a component."""

    version: str
    components: tuple[str, ...]
    elf: bytes
    binary: bytes


def load(root: Path, path: str) -> tuple[Model, str]:
    """The model at a path of a tree, and its SHA-256.  Raises Unavailable, Malformed."""
    try:
        with (root / path).open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise Unavailable(f"threat model {path}: {error.strerror}") from error
    return read(data, path), hashlib.sha256(data).hexdigest()


def review(root: Path, path: str, built: Built, facts: Facts, today: date) -> Review:
    """The model at `path` held against what was built and what is known of it."""
    model, digest = load(root, path)
    found = interfaces(_symbols(built.elf), built.binary)
    return Review(
        path=path,
        digest=digest,
        model=model,
        assessment=assess(model, library(), facts, today),
        drifted=tuple(drift(model, built.components, found, built.version, today)),
    )


def _symbols(elf: bytes) -> Iterable[str]:
    if not elf:
        return ()
    parsed = lief.ELF.parse(list(elf))
    if parsed is None:
        raise Unavailable("threat model: expected an ELF file to look for interfaces in")
    return {str(symbol.name) for symbol in parsed.symbols}

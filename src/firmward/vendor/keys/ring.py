"""Every signer of one vendor behind one face, wherever its private half is held."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer

from firmward.proof import certs
from firmward.proof.keys import public_key
from firmward.proof.repository import ROLES, RoleKeys
from firmward.terms.errors import Refused
from firmward.vendor.keys.book import FOLDER, Book
from firmward.vendor.keys.places import MacKey
from firmward.vendor.project import Project


@dataclass(frozen=True)
class VendorKeys:
    """Every signer of one vendor; `home` is where its book is.

    evidence  each of them signs every statement
    macs      device class -> key, for classes whose integrity method is symmetric-mac
    """

    home: Path
    book: Book
    root: tuple[Signer, ...]
    targets: tuple[Signer, ...]
    snapshot: Signer
    timestamp: Signer
    evidence: tuple[Signer, ...]
    firmware: Signer
    device_authority: certs.Authority
    macs: Mapping[str, MacKey]

    @property
    def folder(self) -> Path:
        """Where software keys are, absolute."""
        return (self.home / FOLDER).resolve()

    @property
    def place(self) -> str:
        """Where the private halves are, in words."""
        if self.book.backend == "software":
            return str(self.folder)
        return f"token {self.book.token} of {self.book.module}"

    @property
    def firmware_file(self) -> Path | None:
        """The private key file that imgtool signs with; None when the key is in a token."""
        held = self.book.find("firmware")
        return self.folder / f"{held.label}.pem" if held.where == "unsafe-software" else None

    @property
    def founders(self) -> tuple[Signer, ...]:
        """As many root signers as sign a root, holder by holder."""
        return self.root[: self.book.threshold("root")]

    def roles(self) -> dict[str, RoleKeys]:
        """What the TUF root file says: role -> keys and threshold."""
        return roles(self.book)

    def described(self) -> dict[str, Any]:
        """What a provenance says of the keys behind a release: kinds and places, no names."""
        kinds = {
            role: [f"{held.where}:{held.algorithm}" for held in self.book.of(role)]
            for role in ("targets", "evidence", "firmware")
        }
        return {"development": self.book.development, **kinds}


def roles(book: Book) -> dict[str, RoleKeys]:
    """The keys and thresholds of the TUF roles that a book names."""
    return {
        role: RoleKeys(
            tuple(public_key(dict(held.public), f"key {held.name}") for held in book.of(role)),
            book.threshold(role),
        )
        for role in ROLES
    }


def permit(project: Project, keys: VendorKeys) -> None:
    """Refuse to release a project with keys that its own file does not allow.

    raises  Refused: software keys without development = true, another back end, or no pair of
            kinds where the file asks for one
    """
    book, rules = keys.book, project.keys
    if project.vendor != book.vendor:
        raise Refused(f"keys: expected those of {project.vendor}, got those of {book.vendor}")
    if book.development and not project.development:
        raise Refused(
            f"{project.product}: software keys only where the project file says development = true"
        )
    if (rules.backend, rules.hybrid) != (book.backend, book.hybrid):
        expected = f"{rules.backend}{' hybrid' if rules.hybrid else ''}"
        got = f"{book.backend}{' hybrid' if book.hybrid else ''}"
        raise Refused(f"{project.product}: expected {expected} keys, got {got}")

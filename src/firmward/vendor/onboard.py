"""A vendor's start: keys, an empty repository, and the file a hospital is given to pin.

HOME/keys.json               which keys, and where each is held: see keys/book.py
HOME/unsafe-software-keys/   those that are software keys
HOME/repository/             see publish/repository.py
HOME/signers/                who may sign commits: see source/signers.py
HOME/vendor.json             terms.onboarding, for hospitals, to be compared by voice
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from firmward.proof import keys as proof_keys
from firmward.terms.errors import Misuse
from firmward.terms.onboarding import Onboarding, Product, read_onboarding
from firmward.terms.wire import encode
from firmward.vendor import durable
from firmward.vendor.keys import book, opening, rotate
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.project import Project
from firmward.vendor.publish.repository import ImageRepository
from firmward.vendor.source import signers
from firmward.vendor.source.signers import Signers

ONBOARDING: Final = "vendor.json"


@dataclass(frozen=True)
class Home:
    """A vendor's keys and repository, opened, and who may sign its commits."""

    folder: Path
    keys: VendorKeys
    repository: ImageRepository
    signers: Signers


def open_home(folder: Path) -> Home:
    """The home in a folder.  Raises Unavailable where there is none."""
    rotate.settle(folder)
    keys = opening.load(folder)
    return Home(folder, keys, ImageRepository(folder / "repository", keys), signers.load(folder))


def start(folder: Path, projects: Sequence[Project], enterprise: int, now: datetime) -> Home:
    """Make the home of the vendor of these projects, and its onboarding file.

    enterprise  the vendor's IANA private enterprise number
    raises      Misuse for no project, several vendors, software keys without development = true,
                or a home that has a repository already; Unavailable without its token
    """
    made = (folder / book.FILE).exists()
    keys = opening.load(folder) if made else opening.create(folder, projects, now)
    signers.found(folder)
    home = Home(folder, keys, ImageRepository(folder / "repository", keys), signers.load(folder))
    root = home.repository.found(now)
    said = onboarding(keys, root, projects, enterprise)
    durable.replace(folder / ONBOARDING, encode(said))
    return home


def add(folder: Path, project: Project, enterprise: int) -> Home:
    """Let the vendor of this home make one product more: the onboarding file names it too.

    raises  Misuse for another vendor's, one that is there already, or one that wants other keys
    """
    home, path = open_home(folder), folder / ONBOARDING
    said = read_onboarding(path.read_bytes(), str(path))
    if (said.vendor, said.enterprise) != (project.vendor, enterprise):
        raise Misuse(f"{path}: expected {said.vendor} {said.enterprise}, got {project.vendor}")
    if project.product in {each.product for each in said.products}:
        raise Misuse(f"{path}: expected a product that is not there yet, got {project.product}")
    opening.agreed([project])
    rules, held = project.keys, home.keys.book
    if (rules.backend, rules.token, rules.hybrid) != (held.backend, held.token, held.hybrid):
        raise Misuse(f"{path}: expected the [keys] of its other products, got others")
    opening.add_macs(folder, [project])
    products = (*said.products, _product(project))
    durable.replace(path, encode(msgspec.structs.replace(said, products=products)))
    return open_home(folder)


def onboarding(
    keys: VendorKeys, root: bytes, projects: Sequence[Project], enterprise: int
) -> Onboarding:
    """What a hospital pins of this vendor."""
    return Onboarding(
        vendor=projects[0].vendor,
        enterprise=enterprise,
        root=b64encode(root).decode(),
        evidence_keys=tuple(proof_keys.public_document(e.public_key) for e in keys.evidence),
        firmware_key=proof_keys.public_pem(keys.firmware).decode(),
        device_authority=keys.device_authority.pem.decode(),
        products=tuple(_product(project) for project in projects),
    )


def _product(project: Project) -> Product:
    return Product(
        product=project.product,
        model=project.model,
        hardware_ids=project.hardware_ids,
        device_class=project.device_class,
    )

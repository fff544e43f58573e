"""The lab's two vendors at work: a real git repository each, real builds, real keys."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from firmward.lab.toolchain import firmware_tree
from firmward.proof.repository import Lives
from firmward.terms.image import image_path
from firmward.vendor import advisories, onboard, pipeline
from firmward.vendor.bundle import Bundle
from firmward.vendor.onboard import Home
from firmward.vendor.project import read
from firmward.vendor.request import Progress, Request, workshop
from firmward.vendor.source import signers

ENTERPRISE = 32473
"""The enterprise number that RFC 5612 keeps for examples."""

DEVELOPER = "lab@firmward.example"


@dataclass(frozen=True)
class Change:
    """An edit of one source file: exactly one occurrence of `old` becomes `new`."""

    path: str
    old: str
    new: str


@dataclass
class VendorWorld:
    """One vendor: its source repository, its keys and what it published.

    app        the folder of its product in the firmware tree
    developer  the SSH key that signs its commits
    """

    name: str
    app: str
    product: str
    hardware_id: str
    device_class: str
    tree: Path
    home: Home
    developer: Path
    advisories: Path
    made: list[Bundle] = field(default_factory=list)

    @property
    def onboarding(self) -> bytes:
        """The file a hospital pins."""
        return (self.home.folder / onboard.ONBOARDING).read_bytes()

    @property
    def root(self) -> bytes:
        """The first root of its image repository."""
        return self.home.repository.roots()["1.root.json"]

    def image(self, release: str) -> bytes:
        """A published image, as the factory flashes it."""
        return self.home.repository.read(image_path(release))

    def commit(self, message: str, changes: Sequence[Change] = ()) -> str:
        """Commit an edit of the source, and give the commit."""
        for change in changes:
            path = self.tree / change.path
            text = path.read_text()
            if text.count(change.old) != 1:
                raise ValueError(f"{change.path}: expected {change.old!r} once")
            path.write_text(text.replace(change.old, change.new))
        git(self.tree, "add", "--all")
        sign = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={self.developer}")
        git(self.tree, *sign, "commit", "--gpg-sign", "--allow-empty", "-q", "-m", message)
        return git(self.tree, "rev-parse", "HEAD").strip()

    def checkout(self, commit: str) -> None:
        """Go back to an earlier state of the source, as a branch would."""
        git(self.tree, "checkout", "-q", "--detach", commit)

    def release(
        self, request: Request, progress: Progress | None = None, lives: Lives | None = None
    ) -> Bundle:
        """Run the vendor's whole pipeline."""
        shop = workshop(
            self.home.keys,
            self.home.signers,
            self.home.repository,
            advisories.load(self.advisories),
            lives=lives or Lives(),
        )
        watch = progress or (lambda stage, says: None)
        bundle = pipeline.release(self.tree / self.app, request, shop, watch)
        self.made.append(bundle)
        return bundle


def new_vendor(folder: Path, app: str, advisory_folder: Path) -> VendorWorld:
    """A vendor with its own copy of the firmware tree, its keys, and an empty repository."""
    tree = folder / "source"
    shutil.copytree(firmware_tree(), tree, ignore=shutil.ignore_patterns("__pycache__"))
    git(tree, "init", "-q", "-b", "main")
    project = read((tree / app / "firmward.toml").read_bytes())
    developer = new_developer(folder / "home", folder / "developer")
    home = onboard.start(folder / "home", [project], ENTERPRISE, datetime.now(UTC))
    world = VendorWorld(
        name=project.vendor,
        app=app,
        product=project.product,
        hardware_id=project.hardware_ids[0],
        device_class=project.device_class,
        tree=tree,
        home=home,
        developer=developer,
        advisories=advisory_folder,
    )
    world.commit("firmware: import")
    return world


def new_developer(home: Path, key: Path) -> Path:
    """An SSH key whose holder the vendor with this home lets sign commits."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    signers.allow(home, DEVELOPER, key.with_suffix(".pub").read_text())
    return key


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, apart from the user's own settings, and give what it printed."""
    identity = ("-c", "user.name=Lab", "-c", f"user.email={DEVELOPER}")
    done = subprocess.run(
        ["git", *identity, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=_environment(),
    )
    return done.stdout


def _environment() -> Mapping[str, str]:
    return {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

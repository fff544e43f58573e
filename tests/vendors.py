"""A vendor's surroundings for tests: its firmware in git, and advisories in upstream formats."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.known import kev, osv

from firmward.advisories.index import Index
from firmward.advisories.load import from_files
from firmward.proof import roles
from firmward.vendor import onboard, project
from firmward.vendor.cache import Shelf
from firmward.vendor.onboard import Home
from firmward.vendor.request import Workshop, workshop
from firmward.vendor.source import signers
from firmward.vendor.source.signers import Signers

DEVELOPER = "dev@example"
FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"


@dataclass
class Tree:
    """A git repository with the firmware in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def signers(self) -> Signers:
        """The one who may sign its commits, in a folder beside it."""
        return signers.load(self.folder.parent / "developers")

    def signed_by(self, key: Path, email: str = DEVELOPER) -> None:
        """From now on commits are this developer's, signed with this SSH key."""
        settings = {"user.name": "dev", "user.email": email, "gpg.format": "ssh"}
        for name, value in (settings | {"user.signingKey": key, "commit.gpgSign": "true"}).items():
            self.git("config", name, str(value))

    def git(self, *words: str) -> str:
        """Run git here."""
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def forge(self, kind: str, body: bytes) -> str:
        """Write an object that git itself would not make, and give its id."""
        command = ["git", "-C", self.folder, "hash-object", "--literally", "-w", "--stdin"]
        done = subprocess.run([*command, "-t", kind], input=body, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def raw(self, name: str) -> bytes:
        """A tree's bytes."""
        command = ["git", "-C", self.folder, "cat-file", "tree", name]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def commit(self, changes: dict[str, str | None] | None = None, says: str = "change") -> str:
        """Write (or with None, remove) files, commit all, and give the commit's id."""
        for name, text in (changes or {}).items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", says)
        return self.git("rev-parse", "HEAD")

    def read(self, name: str) -> str:
        """A file of the working copy."""
        return (self.folder / name).read_text()

    def edit(self, name: str, old: str, new: str) -> str:
        """Replace a text that is there in a file, and commit."""
        text = self.read(name)
        assert old in text, f"{old!r} is not in {name}"
        return self.commit({name: text.replace(old, new)})


def firmware_tree(folder: Path, *, blackbox: bool = False) -> Tree:
    """The checkout's firmware as a repository of its own, committed.

    blackbox  whether releases of it are fuzzed, which takes seconds each
    """
    ignored = shutil.ignore_patterns("__pycache__", ".zig-cache", "zig-out")
    shutil.copytree(FIRMWARE, folder, ignore=ignored)
    for file in () if blackbox else folder.glob("*/firmward.toml"):
        file.write_text(re.sub(r"\[blackbox\]\n(?:.+\n)+", "", file.read_text()))
    return signed_tree(folder)


_SMALL = """\
vendor = "acme"
product = "small-1"
model = "Small"
device_class = "SMALL"
hardware_ids = ["SMALL-A"]
safety_class = "A"
risk = "low"
integrity = "public-key-signature"
[source]
signed = true
[build]
command = ["cp", "main.c", "{out}/app.bin"]
binary = "app.bin"
[scan]
sources = ["."]
"""


def small_tree(folder: Path, files: dict[str, str] | None = None) -> Tree:
    """The smallest source that is one: a project file, a line of C, and these files."""
    folder.mkdir(parents=True)
    for name, text in ({"firmward.toml": _SMALL, "main.c": "int x;\n"} | (files or {})).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return signed_tree(folder)


def signed_tree(folder: Path) -> Tree:
    """A folder's files as a repository, committed and signed by the developer."""
    tree = Tree(folder)
    tree.git("init", "--quiet", "--initial-branch", "main")
    key = new_key(folder.parent / "developers" / f"{folder.name}-key")
    signers.allow(key.parent, DEVELOPER, key.with_suffix(".pub").read_text())
    tree.signed_by(key)
    tree.commit(says="first")
    return tree


def new_key(path: Path, kind: str = "ed25519") -> Path:
    """A new SSH key pair; the public half is in PATH.pub."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def quiet_advisories() -> Index:
    """Advisories that know both vendored components and find nothing in them."""
    return from_files([osv("tinyframe"), osv("ringlog", fixed="0.5.0")], kev())


def refreshed(home: Home, now: datetime | None = None) -> roles.Trusted:
    """The vendor's repository as a hospital verifies it, from nothing but its first root."""
    metadata = home.folder / "repository" / "metadata"

    def fetch(name: str, limit: int) -> bytes | None:
        path = metadata / name
        return path.read_bytes()[: limit + 1] if path.exists() else None

    root = (metadata / "1.root.json").read_bytes()
    return roles.refresh({"root": root}, fetch, now or datetime.now(UTC), "vendor")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, to see that nothing moved."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@dataclass
class Vendor:
    """A vendor at work: its source, its home, and what it makes releases with."""

    tree: Tree
    home: Home
    shop: Workshop

    @property
    def project(self) -> Path:
        """The pump's folder."""
        return self.tree.folder / "pump"

    @property
    def published(self) -> dict[str, bytes]:
        """Everything in the repository's folder."""
        return contents(self.home.folder / "repository")


def new_vendor(tree: Tree, folder: Path, shelf: Shelf) -> Vendor:
    """The pump's vendor with its home in a folder."""
    declared = project.read((tree.folder / "pump" / project.FILE).read_bytes())
    home = onboard.start(folder, [declared], 32473, datetime.now(UTC))
    shop = workshop(home.keys, tree.signers, home.repository, quiet_advisories(), shelf=shelf)
    return Vendor(tree, home, shop)

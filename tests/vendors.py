"""A vendor's surroundings for tests: its firmware in git, and advisories in upstream formats."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firmward.proof import roles
from firmward.terms.advisories import Advisories, read
from firmward.vendor import onboard, project
from firmward.vendor.cache import Shelf
from firmward.vendor.onboard import Home
from firmward.vendor.request import Workshop, workshop

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"


@dataclass
class Tree:
    """A git repository with the firmware in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

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
        author = ("-c", "user.name=dev", "-c", "user.email=dev@example")
        self.git(*author, "commit", "--quiet", "--allow-empty", "--message", says)
        return self.git("rev-parse", "HEAD")

    def read(self, name: str) -> str:
        """A file of the working copy."""
        return (self.folder / name).read_text()

    def edit(self, name: str, old: str, new: str) -> str:
        """Replace a text that is there in a file, and commit."""
        text = self.read(name)
        assert old in text, f"{old!r} is not in {name}"
        return self.commit({name: text.replace(old, new)})


def firmware_tree(folder: Path) -> Tree:
    """The checkout's firmware as a repository of its own, committed."""
    ignored = shutil.ignore_patterns("__pycache__", ".zig-cache", "zig-out")
    shutil.copytree(FIRMWARE, folder, ignore=ignored)
    tree = Tree(folder)
    tree.git("init", "--quiet")
    tree.commit(says="first")
    return tree


def osv(
    package: str = "tinyframe",
    *,
    fixed: str | None = "1.4.0",
    introduced: str = "0",
    modified: datetime | None = None,
    **members: object,
) -> bytes:
    """An OSV record about one package."""
    end = [{"fixed": fixed}] if fixed else []
    affected = {
        "package": {"ecosystem": "generic", "name": package, "purl": f"pkg:generic/{package}"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": introduced}, *end]}],
    }
    record = {
        "id": f"TEST-{package}-1",
        "modified": _stamp(modified or datetime.now(UTC) - timedelta(hours=2)),
        "affected": [affected],
    }
    return json.dumps(record | members).encode()


def kev(*cves: str, released: datetime | None = None) -> bytes:
    """A KEV catalogue with these CVEs in it."""
    listed = [
        {
            "cveID": cve,
            "vendorProject": "test",
            "product": "test",
            "vulnerabilityName": cve,
            "dateAdded": "2026-11-01",
            "shortDescription": "for tests",
            "requiredAction": "update",
            "dueDate": "2026-11-22",
        }
        for cve in cves
    ]
    catalogue = {
        "title": "for tests",
        "catalogVersion": "2026.11.21",
        "dateReleased": _stamp(released or datetime.now(UTC) - timedelta(hours=1)),
        "count": len(listed),
        "vulnerabilities": listed,
    }
    return json.dumps(catalogue).encode()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def quiet_advisories() -> Advisories:
    """Advisories that know both vendored components and find nothing in them."""
    return read([osv("tinyframe"), osv("ringlog", fixed="0.5.0")], kev())


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
    return Vendor(tree, home, workshop(home.keys, home.repository, quiet_advisories(), shelf=shelf))

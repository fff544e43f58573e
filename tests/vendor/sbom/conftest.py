"""Small source trees, written file by file, as the collectors see them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from firmward.vendor.sbom.tree import Tree

Planted = Callable[..., Tree]


def written(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A folder with these files in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def planted(tmp_path) -> Planted:
    """A tree with these files; keywords are those of Tree."""

    def plant(files: dict[str, str | bytes], **known) -> Tree:
        return Tree(written(tmp_path / "source", files), **known)

    return plant


def image(folder, files):
    """A root file system's folder in which programs can be run."""
    root = written(folder / "rootfs", files)
    for path in root.rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"\x7fELF"):
            path.chmod(0o755)
    return root

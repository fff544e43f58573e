"""The checkout as the shape tests see it: folders, and every Python file parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: where it is, what it says, and its syntax tree."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def where(self) -> str:
        """The path as a person would write it."""
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[str]:
        """Every imported module by its full dotted name, wherever in the file it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def read(folder: str) -> list[Source]:
    """Parse every Python file under a folder of the checkout."""
    sources = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text()
        dotted = path.relative_to(ROOT / "src" if folder == "src" else ROOT).with_suffix("")
        name = ".".join(dotted.parts).removesuffix(".__init__")
        sources.append(Source(path, name, text, ast.parse(text, str(path))))
    return sources


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def product() -> list[Source]:
    """The files that ship."""
    return read("src")


@pytest.fixture(scope="session")
def tests() -> list[Source]:
    """The files that test them."""
    return read("tests")


@pytest.fixture(scope="session")
def everything(product: list[Source], tests: list[Source]) -> list[Source]:
    """Every Python file that people read here."""
    return [*product, *tests, *read("bench"), *read("firmware")]

"""Small source trees in git, scanned by the real scanners in their own environments."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.vendors import DEVELOPER, Tree

from firmward.vendor.scan.sarif import Finding, Run, findings, merge
from firmward.vendor.source.checkout import Checkout, checked_out
from firmward.vendor.source.commit import take

PROJECT = """\
vendor = "acme"
product = "small-1"
model = "Small"
device_class = "SMALL"
hardware_ids = ["SMALL-A"]
safety_class = "A"
risk = "low"
integrity = "public-key-signature"

[build]
command = ["true"]
binary = "app.bin"
{build}

[scan]
{scan}
"""


@dataclass
class Bench:
    """A folder in which a test writes trees."""

    folder: Path
    stack: ExitStack
    trees: list[Tree] = field(default_factory=list)

    def __call__(
        self, files: dict[str, str], scan: str = 'sources = ["."]', build: str = ""
    ) -> Checkout:
        """These files committed with a project file, laid out."""
        tree = Tree(self.folder / str(len(self.trees)))
        self.trees.append(tree)
        tree.folder.mkdir()
        tree.git("init", "--quiet")
        tree.git("config", "user.name", "dev")
        tree.git("config", "user.email", DEVELOPER)
        tree.commit({**files, "firmward.toml": PROJECT.format(scan=scan, build=build)})
        return self.stack.enter_context(checked_out(take(tree.folder, "HEAD")))


@pytest.fixture
def laid_out(tmp_path) -> Iterator[Bench]:
    """Call it with files to get their checkout."""
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def found(run: Run) -> tuple[Finding, ...]:
    """The findings of one run."""
    return findings(merge([run]))


def notes(run: Run) -> str:
    """What a run says of itself."""
    return " ".join(
        each["message"]["text"]
        for ended in run.get("invocations", [])
        for each in ended["toolExecutionNotifications"]
    )

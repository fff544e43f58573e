"""Python by ruff's S rules (flake8-bandit's): build scripts, host tools, and firmware in Python.

Every finding is a warning: most such files run on a desk and not in a device.  `# noqa` and the
tree's own ruff settings are not heard.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from firmward.vendor.scan.chosen import ends_in
from firmward.vendor.scan.file_scanner import FileScanner
from firmward.vendor.scan.sarif import Finding

_FLAGS: Final = (
    *("check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero", "--quiet"),
    # Asserts are how tests are written, and what a build script starts is named by its author.
    *("--select=S", "--ignore=S101,S404,S603,S607", "--output-format=json"),
)


def _findings(answer: list[dict[str, Any]], root: Path) -> Iterator[Finding]:
    for each in answer:
        # A file that is no Python has an error instead of a code.
        rule = each.get("code") or "not-parsed"
        path = each["filename"].removeprefix(f"{root.resolve()}/")
        yield Finding(path, each["location"]["row"], rule, "warning", each["message"])


scan: Final = FileScanner(
    "ruff", "ruff", "Python files", ends_in(".py", ".pyi"), _FLAGS, _findings
).scan

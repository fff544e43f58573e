"""Dockerfiles by hadolint: the containers that firmware is built in, or that a gateway runs.

Every finding is at most a warning, as such a file is never in a device's image itself.  Comments
that tell it to be silent and settings files of the tree are not heard.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from firmward.vendor.scan.chosen import container_file
from firmward.vendor.scan.file_scanner import MILDLY, FileScanner
from firmward.vendor.scan.sarif import Finding

# An empty settings file of the machine's keeps the tree's from being looked for.
_FLAGS: Final = (
    *("--no-fail", "--no-color", "--disable-ignore-pragma", "--format=json"),
    "--config=/dev/null",
)


def _findings(answer: list[dict[str, Any]], root: Path) -> Iterator[Finding]:
    for each in answer:
        level = MILDLY.get(each["level"], "warning")
        yield Finding(each["file"], each["line"], each["code"], level, each["message"])


scan: Final = FileScanner(
    "hadolint", "hadolint", "Dockerfiles", container_file, _FLAGS, _findings
).scan

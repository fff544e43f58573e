"""Shell scripts by ShellCheck: of the build, and of a device that runs Linux.

Every finding is at most a warning: it says how a script misbehaves, and seldom who could use that.
Directives in comments are heard, as it has no switch against them; settings files are not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from firmward.vendor.scan.chosen import shell_script
from firmward.vendor.scan.file_scanner import MILDLY, FileScanner
from firmward.vendor.scan.sarif import Finding

_FLAGS: Final = ("--norc", "--format=json1", "--severity=info", "--color=never")


def _findings(answer: dict[str, Any], root: Path) -> Iterator[Finding]:
    for each in answer["comments"]:
        level = MILDLY.get(each["level"], "warning")
        yield Finding(each["file"], each["line"], f"SC{each['code']}", level, each["message"])


scan: Final = FileScanner(
    "shellcheck", "ShellCheck", "shell scripts", shell_script, _FLAGS, _findings, accepted=(0, 1)
).scan

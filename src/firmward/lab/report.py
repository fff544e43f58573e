"""The demo's report: one HTML file with its own styles and charts; nothing is fetched."""

import resource
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, select_autoescape

if TYPE_CHECKING:
    from firmward.lab.demo import Played


def memory_mib() -> float:
    """Peak resident memory of this process and its largest child so far, added, in MiB."""
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (mine + children) / 1024


def write_report(path: Path, played: "Played", now: datetime) -> None:
    """Write the report of a play."""
    pages = Environment(
        loader=PackageLoader("firmward.lab"), autoescape=select_autoescape(default=True)
    )
    page = pages.get_template("report.html")
    path.write_text(page.render(played=played, now=now), encoding="utf-8")

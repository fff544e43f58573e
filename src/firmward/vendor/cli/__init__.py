"""`firmward vendor`: what a vendor's engineer and CI type.

Only the command that is asked for is imported: a release that was made before is handed out again
without loading compilers, parsers and scanners.
"""

from importlib import import_module
from typing import Final

import typer

COMMANDS: Final = {
    "init": "firmward.vendor.cli.start",
    "release": "firmward.vendor.cli.release",
    "build": "firmward.vendor.cli.stages",
    "scan": "firmward.vendor.cli.stages",
    "sbom": "firmward.vendor.cli.stages",
    "blackbox": "firmward.vendor.blackbox.cli",
    "attest": "firmward.vendor.cli.stages",
    "sign": "firmward.vendor.cli.stages",
    "publish": "firmward.vendor.publish.cli",
    "revoke": "firmward.vendor.publish.cli",
    "renew": "firmward.vendor.cli.upkeep",
    "push": "firmward.vendor.cli.upkeep",
}
GROUPS: Final = {
    "threats": ("firmward.vendor.threats.cli", "The threat model: check it, draw it, start one."),
    "advisories": ("firmward.vendor.advisories_cli", "What is known of vulnerabilities."),
    "scanners": ("firmward.vendor.scan.cli", "The scanners that live outside Firmward."),
    "incidents": ("firmward.vendor.incidents.cli", "Reports from hospitals, to be answered."),
    "keys": ("firmward.vendor.keys.cli", "The vendor's signing keys."),
}


def build(only: str = "") -> typer.Typer:
    """The commands, whole or with one loaded and the others by name alone."""
    app = typer.Typer(
        help="Make releases: from a commit to a signed bundle with its evidence.",
        no_args_is_help=True,
    )
    wanted = only if only in {*COMMANDS, *GROUPS} else ""
    for name, module in COMMANDS.items():
        loaded = wanted in ("", name)
        app.command(name)(getattr(import_module(module), name) if loaded else _unloaded)
    for name, (module, says) in GROUPS.items():
        group = import_module(module).app if wanted in ("", name) else typer.Typer()
        app.add_typer(group, name=name, help=says)
    return app


def _unloaded() -> None:
    """A command that was not asked for."""

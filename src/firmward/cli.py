"""The `firmward` command: one group per party, and the lab.

An error is one line that says who, what was expected and what came; exit 1 is a refusal, 2 a
mistake in the asking, 3 a part that could not be reached.

Only the group that is asked for is imported: an auditor's machine loads no compiler, and a
device's no database.
"""

import sys
from importlib import import_module

import typer

from firmward import __version__
from firmward.terms.errors import FirmwardError, Misuse, Unavailable

GROUPS = {
    "vendor": ("firmward.vendor.cli", "Prove origin: build, scan, attest, sign, publish."),
    "hospital": ("firmward.hospital.cli", "Govern: gate, orders, roll-outs, quarantine."),
    "device": ("firmward.device.cli", "Verify and install on one device."),
    "audit": ("firmward.audit.cli", "Verify a ledger with its folder and public key alone."),
    "policy": ("firmward.hospital.gate.cli", "The gate's rules as data."),
    "lab": ("firmward.lab.cli", "The simulated world: the demo."),
}


def build(only: str = "", within: str = "") -> typer.Typer:
    """The command line, whole or with one group loaded and the others by name alone.

    within  the command of that group that is asked for, for a group that loads them one by one
    """
    app = typer.Typer(
        help="Secure firmware delivery for medical devices: vendor, hospital, device, auditor.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.command()(version)
    app.callback()(lambda: None)
    for name, (module, says) in GROUPS.items():
        app.add_typer(_group(module, name, only, within), name=name, help=says)
    return app


def _group(module: str, name: str, only: str, within: str) -> typer.Typer:
    if only not in ("", name):
        return typer.Typer()
    loaded = import_module(module)
    if hasattr(loaded, "build"):
        made: typer.Typer = loaded.build(within)
        return made
    app: typer.Typer = loaded.app
    return app


def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Run the command line, and turn the three families of errors into one line and a code."""
    asked, within = (*sys.argv[1:3], "version", "")[:2] if len(sys.argv) > 1 else ("version", "")
    try:
        build(asked, within)()
    except FirmwardError as error:
        kind = type(error).__name__
        print(f"firmward: {kind}: {error}", file=sys.stderr)
        code = 3 if isinstance(error, Unavailable) else 2 if isinstance(error, Misuse) else 1
        sys.exit(code)

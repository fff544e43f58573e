"""Every scanner by its name in the project file, and when it can start.

A source scanner starts with the checkout.  One that reads C as it is compiled waits for the build
where only the build leaves the compilation database.  A binary scanner needs the build's bytes.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from firmward.vendor.build.artifact import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.project import ScanRules
from firmward.vendor.scan import clang_tidy, cppcheck, hadolint, ruff, semgrep, shellcheck
from firmward.vendor.scan.binary import rules as binary_rules
from firmward.vendor.scan.binary import scan as binary
from firmward.vendor.scan.crypto import rules as crypto_rules
from firmward.vendor.scan.crypto import scan as crypto
from firmward.vendor.scan.sarif import Run
from firmward.vendor.scan.secrets import rules as secrets_rules
from firmward.vendor.scan.secrets import scan as secrets
from firmward.vendor.source import pins
from firmward.vendor.source.checkout import Checkout

SourceScan = Callable[[Checkout, Shelf], Run]
CompiledScan = Callable[[Checkout, Shelf, bytes], Run]
BinaryScan = Callable[[Artifact], Run]

SOURCE: Final[dict[str, SourceScan]] = {
    "semgrep": semgrep.scan,
    "ruff": ruff.scan,
    "shellcheck": shellcheck.scan,
    "hadolint": hadolint.scan,
    "secrets": secrets.scan_source,
    "pins": pins.scan,
    "crypto": crypto.scan_source,
}
COMPILED: Final[dict[str, CompiledScan]] = {
    "clang-tidy": clang_tidy.scan,
    "cppcheck": cppcheck.scan,
}
BINARY: Final[dict[str, tuple[BinaryScan, str]]] = {
    "secrets": (secrets.scan_binary, secrets_rules.VERSION),
    "binary": (binary.scan_binary, binary_rules.VERSION),
    "crypto": (crypto.scan_binary, crypto_rules.VERSION),
}

# Secure-coding standard -> the scanner that checks it.
_CHECKED_BY: Final = {"misra-c-2012": "cppcheck", "cert-c": "clang-tidy"}


def scan_binary(name: str, artifact: Artifact, shelf: Shelf) -> Run:
    """What a scanner says of the build's bytes, once for the same bytes."""
    scan, number = BINARY[name]
    digests = (f"{file}={digest}" for file, digest in sorted(artifact.digests().items()))
    parts = ("scan-binary-1", name, number, version("lief"), *digests)
    return shelf.kept(parts, lambda: scan(artifact))


def unchecked(rules: ScanRules) -> dict[str, str]:
    """Standard -> why nobody checks it, for each that the project asks for in vain."""
    return {
        profile: f"{_CHECKED_BY[profile]} checks it, and is not among scan.scanners"
        for profile in rules.profiles
        if _CHECKED_BY[profile] not in rules.scanners
    }

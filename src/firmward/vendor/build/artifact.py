"""What a build made: bytes, their digests, and how much the building can be believed."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from firmward.terms.errors import Refused
from firmward.vendor.build.store import Sealed

INNER_ROOT: Final = Path("/firmward/src")
"""Where the checkout lies as the build sees it; paths in `compile_commands` begin so."""


class BuildFailed(Refused):
    """A tree that does not build, or does not leave what it promised."""

    def __init__(self, product: str, reason: str, log: str):
        self.product, self.log = product, log
        super().__init__(f"{product}: the build failed: {reason}\n{log[-2000:]}".rstrip())


@dataclass(frozen=True)
class Reproducibility:
    """What a second build in another place gave.

    reproducible      the same bytes, at least where the tree lies at the same path
    path_independent  the same bytes at another path too
    differs           each file and section that differed, with the first offset; when the same
                      path gave the same bytes, what the other path changed
    """

    reproducible: bool
    path_independent: bool
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Artifact:
    """What a build made.

    elf, map   b"" where the project names none
    binary     what goes into the image
    toolchain  distribution -> version
    cached     whether these bytes were built before from the same tree, command and tools
    sandbox    what held the build, such as "bubblewrap 0.8.0"; "none: <why>" for a plain build
    compile_commands  the compilation database, its paths below INNER_ROOT; b"" for none
    rootfs     the root file system, a tar where the build left a folder; None for none
    components  name -> what is released beside the image
    sealed     name -> where the bytes lie in the store, which is what gets signed
    verified   None until a second build was compared with this one
    """

    elf: bytes
    binary: bytes
    map: bytes
    log: str
    command: tuple[str, ...]
    toolchain: dict[str, str]
    started: datetime
    finished: datetime
    cached: bool = False
    sandbox: str = "none: not recorded"
    compile_commands: bytes = b""
    rootfs: Sealed | None = None
    components: dict[str, Sealed] = field(default_factory=dict)
    sealed: dict[str, Sealed] = field(default_factory=dict)
    verified: Reproducibility | None = None

    def digests(self) -> dict[str, str]:
        """Name -> SHA-256 of every file that was built."""
        files = {"app.elf": self.elf, "app.bin": self.binary, "app.map": self.map}
        found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if data}
        found |= {self.rootfs.name: self.rootfs.sha256} if self.rootfs else {}
        return found | {each.name: each.sha256 for each in self.components.values()}

    def annotations(self) -> dict[str, Any]:
        """What a second build said, for the provenance; {} if there was none."""
        if self.verified is None:
            return {}
        return {
            "reproducible": self.verified.reproducible,
            "pathIndependent": self.verified.path_independent,
            "differs": list(self.verified.differs),
        }

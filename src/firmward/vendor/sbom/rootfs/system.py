"""Which distribution a root file system is, from its `os-release`.

Source: freedesktop.org, os-release(5).
"""

import re
import shlex
from dataclasses import dataclass
from typing import Final

from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.rootfs.files import Rootfs

NAME: Final = "rootfs-os"
PLACES: Final = ("etc/os-release", "usr/lib/os-release")
_LINE: Final = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$")


@dataclass(frozen=True)
class System:
    """A distribution.

    name     its id, such as debian; "" where nothing says
    version  such as 12, or 3.18.4
    supplier its name for people
    """

    name: str = ""
    version: str = ""
    supplier: str = ""
    cpe: str = ""
    path: str = ""

    @property
    def distro(self) -> str:
        """The package URL qualifier: debian-12."""
        return f"{self.name}-{self.version}" if self.name and self.version else self.name


def system_of(rootfs: Rootfs) -> System:
    """The distribution; a System with an empty name where the image has no os-release."""
    for path in PLACES:
        if rootfs.has(path):
            said = dict(_settings(rootfs.text(path)))
            return System(
                name=said.get("ID", "").lower(),
                version=said.get("VERSION_ID", ""),
                supplier=said.get("NAME", ""),
                cpe=said.get("CPE_NAME", ""),
                path=path,
            )
    return System()


def _settings(text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match:
            try:
                found.append((match[1], "".join(shlex.split(match[2]))))
            except ValueError:
                continue
    return found


def collect(system: System) -> list[Found]:
    """The operating system as a part of its own."""
    if not system.path:
        return []
    name = system.name or "linux distribution"
    return [
        stated(
            *(NAME, f"rootfs:{system.path}", "package-db", name, system.version),
            says=f"{system.supplier} {system.version}".strip(),
            supplier=system.supplier,
            purl=purls.make("generic", system.name, system.version),
            cpes=(system.cpe,) if system.cpe.startswith("cpe:2.3:") else (),
            kind="operating-system",
            linked="yes",
            scope="ships",
            known_unknown=not system.version,
        )
    ]

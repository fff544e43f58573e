"""A root file system: its distribution, its packages, and the programs that no package owns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.rootfs import databases, rpm, system
from firmward.vendor.sbom.rootfs.databases import Installed
from firmward.vendor.sbom.rootfs.files import Rootfs, open_rootfs

NAME: Final = "rootfs"
_CODE: Final = (".so", ".ko", ".ko.gz", ".ko.xz", ".ko.zst")
_MOST_UNOWNED: Final = 20_000


def collect(path: Path) -> Iterator[Found]:
    """Every part of the image's root file system.  Raises Malformed, Unavailable."""
    rootfs = open_rootfs(path, _wanted)
    distribution = system.system_of(rootfs)
    installed = Installed()
    databases.read(rootfs, distribution, installed)
    rpm.read(rootfs, distribution, installed)
    yield from system.collect(distribution)
    yield from installed.parts
    yield from _unowned(rootfs, installed)


def _wanted(path: str) -> bool:
    return databases.wanted(path) or rpm.wanted(path) or path in system.PLACES


def _unowned(rootfs: Rootfs, installed: Installed) -> Iterator[Found]:
    """Files that run and that no package brought: somebody put them there, and nobody says what."""
    owned = {_merged(path) for path in installed.owned}
    found = 0
    for path, entry in sorted(rootfs.entries.items()):
        code = entry.runs or path.endswith(_CODE) or ".so." in path
        if entry.sort != "file" or not code or _merged(path) in owned:
            continue
        # A package's own scripts lie beside its database.
        if path.startswith(("var/lib/dpkg/", "lib/apk/", "usr/lib/opkg/", "var/lib/opkg/")):
            continue
        found += 1
        if found > _MOST_UNOWNED:
            raise Malformed("root file system", f"at most {_MOST_UNOWNED} unowned files", "more")
        yield stated(
            *(NAME, f"rootfs:{path}", "file-hash", path.rpartition("/")[2]),
            says="a file that runs and that no package owns",
            paths=(f"rootfs:{path}",),
            kind="file",
            linked="yes",
            scope="ships",
            known_unknown=True,
            confidence=1.0,
        )


def _merged(path: str) -> str:
    """A path whether or not /bin, /sbin and /lib are links into /usr."""
    return path.removeprefix("usr/")

"""dpkg, opkg and apk: text databases of what is installed in a root file system.

Source: deb-control(5), deb-src-control(5); wiki.alpinelinux.org, Apk spec, installed database v2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.rootfs.files import Rootfs
from firmward.vendor.sbom.rootfs.system import System

DPKG: Final = "var/lib/dpkg/status"
# Images without a package manager keep one stanza for each package here.
DPKG_PARTS: Final = "var/lib/dpkg/status.d/"
OPKG: Final = ("usr/lib/opkg/status", "var/lib/opkg/status", "opt/lib/opkg/status")
APK: Final = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9+._-]{0,200}$")


def wanted(path: str) -> bool:
    """Whether a file is one of these databases, or a list of a package's files."""
    listed = path.endswith(".list") and ("/dpkg/info/" in path or "/opkg/info/" in path)
    return path in (DPKG, *OPKG, *APK) or path.startswith(DPKG_PARTS) or listed


@dataclass
class Installed:
    """What the databases of one image say: the packages, and the files that some package owns."""

    parts: list[Found] = field(default_factory=list)
    owned: set[str] = field(default_factory=set)
    databases: list[str] = field(default_factory=list)


def read(rootfs: Rootfs, system: System, into: Installed) -> None:
    """Add what dpkg, opkg and apk installed.  Raises Malformed."""
    status = [DPKG, *(path for path in rootfs.entries if path.startswith(DPKG_PARTS))]
    for path in status:
        if rootfs.has(path) and not path.endswith(".md5sums"):
            into.databases.append(path)
            into.parts += _stanzas(rootfs, path, "deb", system)
    for path in OPKG:
        if rootfs.has(path):
            into.databases.append(path)
            into.parts += _stanzas(rootfs, path, "opkg", system)
    for path in APK:
        if rootfs.has(path):
            into.databases.append(path)
            into.parts += _apk(rootfs, path, system, into.owned)
    for path in rootfs.entries:
        if path.endswith(".list") and wanted(path) and rootfs.has(path):
            into.owned.update(line.strip().lstrip("/") for line in rootfs.text(path).splitlines())


def _stanzas(rootfs: Rootfs, path: str, kind: str, system: System) -> Iterator[Found]:
    for line, fields in _paragraphs(rootfs.text(path), path):
        status = fields.get("status", "install ok installed").split()
        # What was removed leaves a stanza with its settings behind.
        if status[-1:] == ["installed"]:
            yield _package(path, line, fields, kind, system)


def _paragraphs(text: str, path: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, field -> value) of each paragraph; continuation lines are dropped."""
    fields: dict[str, str] = {}
    start = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if not line.strip():
            if fields:
                yield start, fields
            fields, start = {}, 0
        elif not line[0].isspace():
            name, colon, value = line.partition(":")
            if not colon or name.lower() in fields:
                raise Malformed(f"rootfs:{path}", "fields, each once", f"line {number}")
            fields[name.lower()] = value.strip()
            start = start or number


def _package(path: str, line: int, fields: dict[str, str], kind: str, system: System) -> Found:
    name, version = fields.get("package", ""), fields.get("version", "")
    if not _NAME.match(name) or not version:
        raise Malformed(f"rootfs:{path}", "a package and its version", f"line {line}")
    source, _, rest = fields.get("source", name).partition(" ")
    source_version = rest.strip(" ()") or version
    owner = {"deb": "debian", "opkg": "openwrt"}[kind]
    qualifiers = {
        "arch": fields.get("architecture", ""),
        "distro": system.distro,
        "upstream": "" if source == name else f"{source}@{source_version}",
    }
    return _installed(
        *(path, line, name, version),
        supplier=system.supplier or fields.get("maintainer", "").partition("<")[0].strip(),
        licence=fields.get("license", ""),
        purl=purls.make(kind, name, version, system.name or owner, qualifiers),
        depends_on=tuple(_first_names(fields.get("depends", ""))),
        source_package=source.rpartition("/")[2],
        source_version=source_version,
    )


def _first_names(depends: str) -> Iterator[str]:
    """The first alternative of each dependency, without version and architecture."""
    for each in depends.split(","):
        name = re.split(r"[\s(|:]", each.strip(), maxsplit=1)[0]
        if name:
            yield name


def _installed(path: str, line: int, name: str, version: str, **known: Any) -> Found:
    return stated(
        *("rootfs", f"rootfs:{path}", "package-db", name, version),
        line=line,
        linked="yes",
        scope="ships",
        **known,
    )


def _apk(rootfs: Rootfs, path: str, system: System, owned: set[str]) -> Iterator[Found]:
    fields: dict[str, str] = {}
    start, folder = 0, ""
    for number, line in enumerate([*rootfs.text(path).splitlines(), ""], 1):
        if not line:
            if fields:
                yield _apk_package(path, start, fields, system)
            fields, start, folder = {}, 0, ""
            continue
        if line[1:2] != ":":
            raise Malformed(f"rootfs:{path}", "fields of one letter", f"line {number}")
        start = start or number
        if line[0] == "F":
            folder = line[2:].strip("/")
        elif line[0] == "R":
            owned.add(f"{folder}/{line[2:]}".lstrip("/"))
        elif line[0] in fields and line[0] in "PVAo":
            raise Malformed(f"rootfs:{path}", "fields, each once", f"line {number}")
        else:
            fields.setdefault(line[0], line[2:].strip())


def _apk_package(path: str, line: int, fields: dict[str, str], system: System) -> Found:
    name, version = fields.get("P", ""), fields.get("V", "")
    if not _NAME.match(name) or not version:
        raise Malformed(f"rootfs:{path}", "a package and its version", f"line {line}")
    origin = fields.get("o", name)
    qualifiers = {
        "arch": fields.get("A", ""),
        "distro": system.distro,
        "upstream": "" if origin == name else origin,
    }
    needs = [re.split(r"[=<>~]", each)[0] for each in fields.get("D", "").split()]
    return _installed(
        *(path, line, name, version),
        supplier=system.supplier or fields.get("m", "").partition("<")[0].strip(),
        licence=fields.get("L", ""),
        purl=purls.make("apk", name, version, system.name or "alpine", qualifiers),
        depends_on=tuple(each for each in needs if each and not each.startswith("!")),
        source_package=origin,
        source_version=version,
    )

"""A root file system as it will lie on every device: its programs, its rights, its accounts."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.scan import elf_file
from firmward.vendor.scan.binary import hardening, leftovers
from firmward.vendor.scan.binary.rootfs_entries import Entry, entries
from firmward.vendor.scan.binary.rules import found
from firmward.vendor.scan.sarif import Finding

_HOST_KEY: Final = re.compile(
    r"(?:^|/)(?:ssh_host_\w+_key|dropbear_\w+_host_key|uhttpd\.key|stunnel\.pem|server\.key)$"
)
_SERVER: Final = re.compile(
    r"(?:^|/)s?bin/(?:in\.)?(?:u?telnetd|rlogind|rshd|rexecd|tftpd|ftpd|vsftpd)$"
)
_STARTED: Final = re.compile(rb"(?m)^[^#\n]*\b(u?telnetd|rlogind|rshd|ftpd)\b")
_STARTS: Final = re.compile(
    r"^etc/(?:inittab|inetd\.conf|rc\.local|(?:init|xinetd|rc)\.d/.*|rcS?|systemd/system/.*)$"
)


def walk(path: Path) -> Iterator[Finding]:
    """Everything found in a folder, tar or squashfs image that is a device's root.

    raises  Unavailable where it cannot be read whole
    """
    for entry in entries(path):
        yield from judge(entry)


def judge(entry: Entry) -> Iterator[Finding]:
    """What one entry tells."""
    if stat.S_ISDIR(entry.mode):
        # The sticky bit is what makes /tmp safe to share.
        if entry.mode & stat.S_IWOTH and not entry.mode & stat.S_ISVTX:
            yield found(entry.name, "world-writable", "a folder")
        return
    if _SERVER.search(entry.name):
        yield found(entry.name, "plain-login", "its server is installed", "warning")
    if entry.regular:
        yield from _rights(entry)
        yield from _content(entry.name, entry.data)


def _rights(entry: Entry) -> Iterator[Finding]:
    if entry.mode & (stat.S_ISUID | stat.S_ISGID) and entry.mode & 0o111:
        yield found(entry.name, "setuid", "setuid" if entry.mode & stat.S_ISUID else "setgid")
    if entry.mode & stat.S_IWOTH:
        yield found(entry.name, "world-writable", f"mode {stat.S_IMODE(entry.mode):o}")


def _content(name: str, data: bytes) -> Iterator[Finding]:
    if _HOST_KEY.search(name) and data:
        yield found(name, "shared-host-key", f"{len(data)} bytes")
    if data[:4] == elf_file.MAGIC:
        yield from program(name, data)
    elif name in ("etc/passwd", "etc/shadow"):
        yield from _accounts(name, data)
    elif _STARTS.match(name) and (match := _STARTED.search(data)):
        yield found(name, "plain-login", f"{match[1].decode()} is started")


def program(name: str, data: bytes) -> Iterator[Finding]:
    """One program of the file system; one that cannot be read is told, not passed over."""
    try:
        elf = elf_file.read(data, name)
    except Unavailable as error:
        yield found(name, "not-judged", str(error))
        return
    if elf.kind != 1:
        yield from hardening.judge(elf, name)
    yield from leftovers.in_elf(elf, name)


def _accounts(name: str, data: bytes) -> Iterator[Finding]:
    """passwd(5), shadow(5): the second field is the hash, empty for none, * or ! for no login."""
    for line in data.decode(errors="replace").splitlines():
        user, *fields = line.split(":")
        if not fields or line.startswith("#"):
            continue
        if fields[0] == "":
            yield found(name, "empty-password", f"account {user}")
        elif len(fields[0]) >= 13 and fields[0][0] not in "*!":
            yield found(name, "password-hash", f"account {user}")
        if name == "etc/passwd" and fields[1:2] == ["0"] and user != "root":
            yield found(name, "second-root", f"account {user}")

"""The binary scanner's run over what a build made."""

from collections.abc import Iterator

from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.scan import elf_file
from firmward.vendor.scan.binary import bare_metal, hardening, leftovers, raw, rootfs
from firmward.vendor.scan.binary.rules import RULES, TOOL, VERSION
from firmward.vendor.scan.elf_file import Elf
from firmward.vendor.scan.sarif import Finding, Run
from firmward.vendor.scan.sarif import run as sarif_run

ELF_NAME = "app.elf"
IMAGE_NAME = "app.bin"


def scan_binary(artifact: Artifact) -> Run:
    """The run over the artifact's ELF file, its image and its root file system.

    raises  Unavailable where there is nothing to judge, or an ELF file that cannot be read
    """
    if not artifact.elf and not artifact.binary:
        raise Unavailable(f"{TOOL}: expected an ELF file or an image, got neither")
    findings: list[Finding] = []
    elf = elf_file.read(artifact.elf, ELF_NAME) if artifact.elf else None
    if elf is not None:
        findings += in_elf(elf, ELF_NAME)
    findings += in_image(artifact.binary, elf)
    if artifact.rootfs is not None:
        findings += rootfs.walk(artifact.rootfs.path)
    return sarif_run(TOOL, VERSION, RULES, findings) | {"automationDetails": {"id": "binary"}}


def in_elf(elf: Elf, path: str) -> Iterator[Finding]:
    """Everything that an ELF file tells."""
    if elf.kind != 1:
        yield from hardening.judge(elf, path)
    yield from leftovers.in_elf(elf, path)
    yield from leftovers.semihosting(elf, path)
    if not elf.hosted and elf.kind == 2:
        yield from bare_metal.protection(elf, path)


def in_image(data: bytes, elf: Elf | None) -> Iterator[Finding]:
    """Everything that the image tells, and what only its ELF file could where there is none."""
    if data[:4] == elf_file.MAGIC and elf is None:
        yield from in_elf(elf_file.read(data, IMAGE_NAME), IMAGE_NAME)
    yield from leftovers.in_bytes(
        data or (elf.data if elf else b""), IMAGE_NAME if data else ELF_NAME
    )
    if data:
        yield from raw.judge(data, IMAGE_NAME)
        if elf is None and bare_metal.vectors(data) is not None:
            yield from bare_metal.raw_protection(data, IMAGE_NAME)

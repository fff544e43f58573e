"""Firmware from source to signed image, for tests and for the lab's factory.

A vendor has build and sign stages of its own; this calls the same build command and imgtool.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from firmward.lab import memory
from firmward.terms.errors import Misuse, Unavailable
from firmward.vendor.packing import imgtool_sign

_TIMEOUT_S = 300  # a cold compiler cache on a slow machine; a warm build takes under 1.5


@dataclass(frozen=True)
class Built:
    """One firmware as the compiler left it."""

    elf: bytes
    binary: bytes


def firmware_tree() -> Path:
    """The firmware folder of this checkout."""
    tree = Path(__file__).resolve().parents[3] / "firmware"
    if not (tree / "build.py").is_file():
        raise Unavailable(f"toolchain: expected the firmware sources in {tree}, found none")
    return tree


def checkout_folder(name: str) -> Path:
    """A folder of this checkout, which the installed package does not carry."""
    folder = Path(__file__).resolve().parents[3] / name
    if not folder.is_dir():
        raise Unavailable(f"lab: expected {folder} of the checkout, found none")
    return folder


def compile_firmware(
    tree: Path,
    app: str,
    defines: Mapping[str, object] | None = None,
    *,
    version: str = "1.0.0",
    counter: int = 1,
) -> Built:
    """Run the tree's own build command for "pump", "monitor" or "boot"."""
    with tempfile.TemporaryDirectory(prefix="firmward-build-") as out:
        command = [sys.executable, str(tree / "build.py"), app, "--out", out]
        command += ["--version", version, "--counter", str(counter)]
        for name, value in (defines or {}).items():
            command += ["--define", f"{name}={value}"]
        _run(command, f"build of {app}")
        stem = Path(out) / ("boot" if app == "boot" else "app")
        return Built(stem.with_suffix(".elf").read_bytes(), stem.with_suffix(".bin").read_bytes())


def pack(
    binary: bytes,
    key_pem: bytes | None,
    *,
    version: str,
    counter: int,
    load_addr: int = memory.LOAD_ADDR,
) -> bytes:
    """An MCUboot image of `binary` for RAM loading, by imgtool; unsigned if there is no key."""
    with tempfile.TemporaryDirectory(prefix="firmward-sign-") as folder:
        source, signed, key = (Path(folder) / name for name in ("app.bin", "app.img", "key.pem"))
        source.write_bytes(binary)
        options = [] if key_pem is None else ["-k", str(key)]
        if key_pem is not None:
            key.touch(mode=0o600)
            key.write_bytes(key_pem)
        options += ["--align", str(memory.UNIT), "-v", f"{version}+{counter}", "-s", str(counter)]
        options += ["-H", hex(memory.HEADER_SIZE), "--pad-header", "-S", hex(memory.SLOT_SIZE)]
        options += ["--load-addr", hex(load_addr)]
        return imgtool_sign(f"image {version}+{counter}", options, source, signed)


def new_key() -> tuple[bytes, bytes]:
    """A P-256 key pair, private and public PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{what}: expected an end within {_TIMEOUT_S} s, got none") from error
    if done.returncode != 0:
        raise Misuse(f"{what}: expected success, got {done.stderr.strip() or done.stdout.strip()}")

"""Builds one firmware of this tree: `python build.py pump --version 1.1.0 --counter 3 --out DIR`.

Writes DIR/app.elf and DIR/app.bin (boot: boot.elf, boot.bin).  The same tree, arguments and ziglang
give the same bytes anywhere: no time, path or host name goes in.  Needs only the ziglang wheel.
"""

import argparse
import importlib.util
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TREE = Path(__file__).resolve().parent
# part -> product and hardware it runs on
APPS = {"pump": ("pump-200", "PUMP-200-B"), "monitor": ("monitor-7", "MON-7-A")}
BOOT_SHARED = ("flash.c", "line.c", "memory.c", "startup.c")

# The stack protector goes through -Xclang: zig's own switch wants a libc that a board has not.
COMPILE = """
    -target thumb-freestanding-eabi -mcpu=cortex_m3 -std=c11 -Os -g
    -ffreestanding -fno-builtin -nostdlib -ffunction-sections -fdata-sections
    -fno-unwind-tables -fno-asynchronous-unwind-tables
    -Xclang -stack-protector -Xclang 2 -Wall -Wextra -Werror
"""
LINK = """
    -Wl,--gc-sections -Wl,--entry=reset_handler -Wl,--build-id=none
    -Wl,-z,noexecstack -Wl,-z,max-page-size=16
"""


def sources(part: str) -> list[str]:
    """The part's C files, relative to the tree, in a fixed order: the linker lays them out so."""
    board = [f"board/{name}" for name in BOOT_SHARED]
    if part != "boot":
        board = [str(p.relative_to(TREE)) for p in sorted((TREE / "board").glob("*.c"))]
    return board + [str(p.relative_to(TREE)) for p in sorted((TREE / part).rglob("*.c"))]


def include_folders(part: str) -> list[str]:
    """The folders whose headers the part may include."""
    vendor = sorted(p for p in (TREE / part).glob("vendor/*") if p.is_dir())
    return ["board", part, *(str(p.relative_to(TREE)) for p in vendor)]


def identity(part: str, version: str, counter: int) -> list[str]:
    """What an application says of itself in its version block."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,5})", version)
    if not found:
        raise SystemExit(f"build: expected a version X.Y.Z, got {version!r}")
    major, minor, revision = (int(n) for n in found.groups())
    numbers = {"MAJOR": major, "MINOR": minor, "REVISION": revision, "COUNTER": counter}
    if major > 255 or minor > 255 or revision > 65535 or not 1 <= counter < 2**32:
        raise SystemExit(f"build: version {version} or counter {counter} does not fit an image")
    product, hardware = APPS[part]
    return [
        f'-DFW_PRODUCT="{product}"',
        f'-DFW_HARDWARE="{hardware}"',
        *(f"-DFW_{name}={number}" for name, number in numbers.items()),
    ]


def environment() -> dict[str, str]:
    """The compiler's environment: its caches in one folder of ours, its clock stopped."""
    home = os.environ.get("HOME") or str(TREE)
    cache = Path(os.environ.get("FIRMWARD_CACHE") or Path(home) / ".cache" / "firmward") / "zig"
    cache.mkdir(parents=True, exist_ok=True)
    stopped = {"SOURCE_DATE_EPOCH": "0", "LC_ALL": "C"}
    return {
        **os.environ,
        **stopped,
        "ZIG_GLOBAL_CACHE_DIR": str(cache),
        "ZIG_LOCAL_CACHE_DIR": str(cache),
    }


def ziglang_folder() -> Path:
    """Where the ziglang wheel lies; debug information must not tell."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise SystemExit("build: expected the ziglang wheel in this Python, found none")
    return Path(spec.origin).parent


def compile_elf(part: str, defines: list[str], elf: Path) -> None:
    """Compile and link the part."""
    script = "boot" if part == "boot" else "app"
    command = [sys.executable, "-m", "ziglang", "cc", *COMPILE.split(), *LINK.split()]
    command += [f"-ffile-prefix-map={TREE}=.", f"-ffile-prefix-map={ziglang_folder()}=ziglang"]
    command += [f"-I{folder}" for folder in include_folders(part)]
    command += [*defines, "-T", f"board/{script}.ld", *sources(part), "-o", str(elf)]
    done = subprocess.run(
        command, cwd=TREE, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"build: {part} does not compile\n{done.stderr}")


def segments(elf: bytes) -> Iterator[tuple[int, bytes]]:
    """Load address and bytes of each loadable segment (ELF32 little-endian)."""
    (table,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    for index in range(count):
        kind, offset, _, load, filled, *_ = struct.unpack_from("<8I", elf, table + index * size)
        if kind == 1 and filled:
            yield load, elf[offset : offset + filled]


def flatten(elf: bytes) -> bytes:
    """The bytes as they lie in memory, from the lowest load address on."""
    parts = sorted(segments(elf))
    base = parts[0][0]
    flat = bytearray()
    for load, data in parts:
        flat.extend(b"\xff" * (load - base - len(flat)))
        flat.extend(data)
    return bytes(flat)


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=[*APPS, "boot"])
    parser.add_argument("--version", default="0.0.0", help="X.Y.Z, for an application")
    parser.add_argument("--counter", type=int, default=1, help="release counter")
    parser.add_argument("--define", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    name = "boot" if asked.part == "boot" else "app"
    defines = [f"-D{define}" for define in asked.define]
    if asked.part != "boot":
        defines += identity(asked.part, asked.version, asked.counter)
    elf = asked.out.resolve() / f"{name}.elf"
    compile_elf(asked.part, defines, elf)
    (asked.out / f"{name}.bin").write_bytes(flatten(elf.read_bytes()))


if __name__ == "__main__":
    main()

"""What a source tree says of itself: how it is built, in which languages, and whose code is in it.

Looking starts nothing and follows no link.  What it gives goes into a file that a person reads and
fills in, so a wrong guess costs a line; but a name from the tree never reaches a shell unquoted.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.vendor.project import Scanner
from firmward.vendor.source import git, gitmodules
from firmward.vendor.source.refused import SourceRefused

_FILES: Final = 100_000
_SMALL: Final = 1024 * 1024
_SKIPPED: Final = {
    ".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", "build", "out",
    ".pio", "managed_components", "target", ".cache", ".tox",
}  # fmt: skip
_THEIRS: Final = {
    "vendor", "third_party", "third-party", "thirdparty", "3rdparty", "external", "externals",
    "extern", "deps", "contrib",
}  # fmt: skip
_C: Final = (".c", ".cc", ".cpp", ".cxx", ".c++")
_HEADERS: Final = (".h", ".hpp", ".hh", ".hxx")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LISTED: Final = re.compile(r"[A-Za-z0-9._/+-]{1,200}\Z")
_TARGET: Final = re.compile(
    r"\b(arm-none-eabi|aarch64-none-elf|riscv(?:32|64)-unknown-elf|xtensa-\w+-elf|avr-gcc"
    r"|(?:arm|aarch64|mips|mipsel|riscv64|powerpc)-(?:\w+-)?linux-(?:gnu|musl|uclibc)\w*)"
)


@dataclass(frozen=True)
class Build:
    """A way to build that the tree has files for.

    system  its name
    sign    the file that says so
    command, elf, binary, map, rootfs   for [build]; a word in capitals is to be filled in
    """

    system: str
    sign: str
    command: tuple[str, ...]
    binary: str
    elf: str = ""
    map: str = ""
    rootfs: str = ""


@dataclass(frozen=True)
class Seen:
    """What was seen.  Paths are relative to the folder that was looked at."""

    name: str
    builds: tuple[Build, ...]
    languages: dict[str, int]
    sources: tuple[str, ...]
    includes: tuple[str, ...]
    vendored: tuple[str, ...]
    submodules: tuple[str, ...]
    scanners: tuple[Scanner, ...]
    target: str
    threats: str
    compile_commands: str
    components: tuple[str, ...]
    vex: tuple[str, ...]
    corpus: str
    remote: str


def look(folder: Path) -> Seen:
    """What the tree in a folder says of itself."""
    files = _listed(folder)
    languages = _languages(files)
    theirs = tuple(sorted({part for path in files if (part := _theirs(path))}))
    own = [path for path in files if not _theirs(path)]
    builds = tuple(_builds(folder, own))
    compiled = _first(files, r"(?:.*/)?compile_commands\.json")
    return Seen(
        name=folder.resolve().name,
        builds=builds,
        languages=languages,
        sources=_tops(own, _C) or _tops(own, (".py", ".rs")) or (".",),
        includes=tuple(sorted(_folders(own, "include")))[:20],
        vendored=theirs,
        submodules=_submodules(folder),
        scanners=_scanners(languages, bool(compiled) or any(_compiles(each) for each in builds)),
        target=_target(folder, own),
        threats=_first(own, r"(?:.*/)?(?:threat[-_]?model[^/]*|threats)\.ya?ml"),
        compile_commands=compiled,
        components=tuple(path for path in own if path.endswith("components.toml"))[:20],
        vex=tuple(path for path in own if re.search(r"(?:\.vex|openvex[^/]*)\.json\Z", path))[:20],
        corpus=next(iter(sorted(_folders(own, "corpus"))), ""),
        remote=_remote(folder),
    )


def _listed(folder: Path) -> list[str]:
    """The files of a tree, no link among them; of an endless one the first ones."""
    found: list[str] = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - _SKIPPED)
        at = Path(here).relative_to(folder)
        found += [
            (at / name).as_posix() for name in sorted(names) if not (Path(here) / name).is_symlink()
        ]
        if len(found) > _FILES:
            break
    # What the project file cannot name is left for a person to name.
    return [path for path in found if _LISTED.match(path)]


def _languages(files: Iterable[str]) -> dict[str, int]:
    kinds = {
        "C and C++": (*_C, *_HEADERS), "assembly": (".s", ".S"), "Python": (".py",),
        "shell": (".sh", ".bash"), "Rust": (".rs",), "Go": (".go",), "JavaScript": (".js", ".ts"),
    }  # fmt: skip
    found = {name: sum(path.endswith(ends) for path in files) for name, ends in kinds.items()}
    found["Dockerfile"] = sum(_is_dockerfile(path) for path in files)
    return {name: count for name, count in found.items() if count}


def _is_dockerfile(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name.startswith(("Dockerfile", "Containerfile")) or name.endswith(".dockerfile")


def _scanners(languages: dict[str, int], compiled: bool) -> tuple[Scanner, ...]:
    native = "C and C++" in languages
    wanted: list[tuple[Scanner, bool]] = [
        ("cppcheck", native),
        ("clang-tidy", native and compiled),
        ("semgrep", native or "Python" in languages),
        ("ruff", "Python" in languages),
        ("shellcheck", "shell" in languages),
        ("hadolint", "Dockerfile" in languages),
        ("secrets", True),
        ("pins", True),
        ("binary", True),
        ("crypto", True),
    ]
    return tuple(name for name, wants in wanted if wants)


def _theirs(path: str) -> str:
    """The folder of other people's code that a file lies in, "" for none."""
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts[:4], 1):
        if part.lower() in _THEIRS:
            return "/".join(parts[:depth])
    return ""


def _tops(files: Iterable[str], ends: tuple[str, ...]) -> tuple[str, ...]:
    """The folders, or files at the top, that hold sources."""
    return tuple(sorted({path.split("/")[0] for path in files if path.endswith(ends)}))


def _folders(files: Iterable[str], name: str) -> set[str]:
    parts = (path.split("/")[:-1] for path in files)
    return {"/".join(each[: each.index(name) + 1]) for each in parts if name in each}


def _first(files: Iterable[str], pattern: str) -> str:
    matching = (path for path in files if re.fullmatch(pattern, path, re.IGNORECASE))
    return min(matching, key=lambda path: (path.count("/"), path), default="")


def _submodules(folder: Path) -> tuple[str, ...]:
    try:
        declared = gitmodules.read(_text(folder, gitmodules.FILE).encode())
    except SourceRefused:
        return ()
    return tuple(each.path for each in declared if _LISTED.match(each.path))


def _remote(folder: Path) -> str:
    try:
        with git.borrowed(git.find(folder)) as opened:
            url = opened.settings.get("remote.origin.url", "")
    except SourceRefused:
        return ""
    return re.sub(r"(?<=://)[^/@]*@", "", url)


def _target(folder: Path, files: Sequence[str]) -> str:
    telling = [
        path
        for path in files
        if re.search(r"(?:^|/)(?:Makefile|CMakeLists\.txt)\Z|\.(?:mk|cmake)\Z|\.defconfig\Z", path)
    ]
    for path in telling[:200]:
        if found := _TARGET.search(_text(folder, path)):
            return {"avr-gcc": "avr"}.get(found[1], found[1])
    return ""


def _text(folder: Path, path: str) -> str:
    """A file's text, as far as it is looked at; "" where there is none."""
    try:
        with (folder / path).open("rb") as file:
            return file.read(_SMALL).decode(errors="replace")
    except OSError:
        return ""


def _compiles(build: Build) -> bool:
    return build.system in ("Zephyr", "ESP-IDF", "CMake", "CMake presets", "Meson")


def _shell(line: str) -> tuple[str, ...]:
    return ("sh", "-c", line)


def _builds(folder: Path, files: Sequence[str]) -> Iterable[Build]:
    """Every build system that the tree has files for, the most telling first."""
    top = {path for path in files if "/" not in path}
    lists = _text(folder, "CMakeLists.txt")
    west = _first(files, r"(?:.*/)?west\.ya?ml") or _first(files, r"(?:.*/)?prj\.conf")
    if "find_package(Zephyr" in lists or west:
        yield Build(
            "Zephyr", west or "CMakeLists.txt",
            ("west", "build", "-b", "BOARD", "-d", "{out}/zephyr", "."),
            "zephyr/zephyr/zephyr.bin", "zephyr/zephyr/zephyr.elf", "zephyr/zephyr/zephyr.map",
        )  # fmt: skip
    if "platformio.ini" in top:
        name = _named(_text(folder, "platformio.ini"), r"(?m)^\[env:([^\]]+)\]", "ENVIRONMENT")
        line = f"PLATFORMIO_BUILD_DIR={{out}} pio run -e {name}"
        yield Build(
            "PlatformIO", "platformio.ini", _shell(line), f"{name}/firmware.bin",
            f"{name}/firmware.elf",
        )  # fmt: skip
    if "IDF_PATH" in lists or "sdkconfig.defaults" in top or "sdkconfig" in top:
        name = _named(lists, r"project\(\s*([^\s)]+)", "PROJECT")
        yield Build(
            "ESP-IDF", "CMakeLists.txt", ("idf.py", "-B", "{out}", "build"),
            f"{name}.bin", f"{name}.elf", f"{name}.map",
        )  # fmt: skip
    yield from _linux(folder, files)
    if "CMakePresets.json" in top:
        name = _preset(_text(folder, "CMakePresets.json"))
        line = f"cmake --preset {name} -B {{out}} && cmake --build {{out}}"
        yield Build("CMake presets", "CMakePresets.json", _shell(line), "app.bin", "app.elf")
    if "CMakeLists.txt" in top:
        line = "cmake -S . -B {out} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON && cmake --build {out}"
        yield Build("CMake", "CMakeLists.txt", _shell(line), "app.bin", "app.elf")
    if "meson.build" in top:
        line = "meson setup {out} && meson compile -C {out}"
        yield Build("Meson", "meson.build", _shell(line), "app.bin", "app.elf")
    if "Cargo.toml" in top:
        name = _named(_text(folder, "Cargo.toml"), r'(?m)^name\s*=\s*"([^"]+)"', "CRATE")
        yield Build(
            "Cargo", "Cargo.toml",
            ("cargo", "build", "--release", "--locked", "--target-dir", "{out}"),
            f"release/{name}", f"release/{name}",
        )  # fmt: skip
    if made := top & {"Makefile", "makefile", "GNUmakefile"}:
        words = ("make", "VERSION={version}", "COUNTER={counter}", "OUT={out}")
        yield Build("make", min(made), words, "app.bin", "app.elf")
    if script := _first(top, r"(?:build|make)\.(?:sh|py)"):
        start = "{python}" if script.endswith(".py") else "sh"
        yield Build("a script", script, (start, script, "{out}"), "app.bin", "app.elf")


def _linux(folder: Path, files: Sequence[str]) -> Iterable[Build]:
    """Whole systems: Buildroot and Yocto, whose image is a root file system."""
    config = _first(files, r"(?:.*/)?configs/[^/]+_defconfig")
    if _first(files, r"external\.desc") or (config and "BR2_" in _text(folder, config)):
        name = config.rsplit("/", 1)[-1]
        chosen = name if _PLAIN.match(name) else "BOARD_defconfig"
        line = f"make -C BUILDROOT BR2_EXTERNAL=$PWD O={{out}} {chosen} all"
        yield Build(
            "Buildroot", config or "external.desc", _shell(line), "images/rootfs.squashfs",
            rootfs="images/rootfs.tar",
        )  # fmt: skip
    layer = _first(files, r"(?:.*/)?conf/(?:layer|bblayers)\.conf(?:\.sample)?")
    if layer:
        line = ". ./oe-init-build-env {out} && bitbake IMAGE"
        yield Build(
            "Yocto", layer, _shell(line), "tmp/deploy/images/MACHINE/IMAGE.squashfs",
            rootfs="tmp/deploy/images/MACHINE/IMAGE.tar",
        )  # fmt: skip


def _named(text: str, pattern: str, otherwise: str) -> str:
    """A name that a file gives, if it is one that a shell and a path take as it is."""
    found = re.search(pattern, text)
    return found[1] if found and _PLAIN.match(found[1]) else otherwise


def _preset(text: str) -> str:
    try:
        listed = json.loads(text).get("configurePresets", [])
        names = [str(each.get("name")) for each in listed if not each.get("hidden")]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return "PRESET"
    return next((name for name in names if _PLAIN.match(name)), "PRESET")

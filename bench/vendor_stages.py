"""All stages on a 100 kLOC C tree, beside the slowest single scanner on the same cores.

Tree: the library of Debian's Mbed TLS 2.28.3 (96 C files, 106,000 lines), with its compilation
database, built and scanned by all ten scanners, from an empty cache.
Peer: each external scanner's own command, as somebody would run it who has only that scanner: on
all these cores (`cppcheck -j`, LLVM's `run-clang-tidy -j`, `semgrep -j`), with the checks that
Firmward asks for and everything else as it comes.  For clang-tidy that means the analyser's full
depth, where Firmward's own default is a quick one; --depth full makes both the same.
Also printed, and not judged: our own run of each scanner alone, which is the harder peer.  Those
runs share one machine's cores already, so together they can at best take the sum of their CPU
seconds over the cores, however well they are ordered.
Prints one line with the ratio; exits 1 above 1.25.
    python bench/vendor_stages.py [--depth quick|full]
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from pathlib import Path

from firmward.vendor.cache import default_folder
from firmward.vendor.scan.clang_checks import asked
from firmward.vendor.scan.outside import cores
from firmward.vendor.scan.tools.environments import SILENT, installed

URL = "http://deb.debian.org/debian/pool/main/m/mbedtls/mbedtls_2.28.3.orig.tar.gz"
SHA256 = "3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d"
KEPT = Path(".cache/bench")
MOST = 1.25
EXTERNAL = ("cppcheck", "clang-tidy", "semgrep")
ALL = (*EXTERNAL, "ruff", "shellcheck", "hadolint", "secrets", "pins", "crypto", "binary")
RULES = Path(__file__).resolve().parents[1] / "src/firmward/vendor/scan/rules"

PROJECT = """\
vendor = "bench"
product = "mbed-1"
model = "Library"
device_class = "LIB"
hardware_ids = ["LIB-A"]
safety_class = "A"
risk = "low"
integrity = "public-key-signature"

[build]
command = ["{{python}}", "build.py", "{{out}}"]
binary = "libmbedtls.a"
compile_commands = "compile_commands.json"

[scan]
scanners = {scanners}
sources = ["library", "include"]
depth = "{depth}"
timeout_s = 3600
"""
BUILD = """\
import os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
out = Path(sys.argv[1])
def compile(file):
    made = out / (file.stem + ".o")
    subprocess.run(["cc", "-Os", "-Iinclude", "-Ilibrary", "-c", file, "-o", made], check=True)
    return made
with ThreadPoolExecutor(os.cpu_count()) as pool:
    made = list(pool.map(compile, sorted(Path("library").glob("*.c"))))
subprocess.run(["ar", "rcD", out / "libmbedtls.a", *made], check=True)
"""


def fetched() -> Path:
    """The source package as it was when the digest was written down."""
    path = KEPT / URL.rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(URL, timeout=300) as answer:
            path.write_bytes(answer.read())
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != SHA256:
        raise SystemExit(f"{path}: expected SHA-256 {SHA256}, got {got}")
    return path


def laid_out(folder: Path) -> Path:
    """The library's tree with a build of ours, uncommitted."""
    with tarfile.open(fetched()) as archive:
        archive.extractall(folder, filter="data")
    [top] = folder.iterdir()
    tree = folder / "tree"
    tree.mkdir()
    for name in ("library", "include", "LICENSE"):
        (top / name).rename(tree / name)
    entries = [
        {"directory": str(tree), "file": f"library/{path.name}", "arguments": compiler(path.name)}
        for path in sorted((tree / "library").glob("*.c"))
    ]
    (tree / "compile_commands.json").write_text(json.dumps(entries))
    (tree / "build.py").write_text(BUILD)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    return tree


def compiler(name: str) -> list[str]:
    """How one file is compiled."""
    return ["cc", "-Os", "-Iinclude", "-Ilibrary", "-c", f"library/{name}"]


def ours(tree: Path, scanners: tuple[str, ...], depth: str) -> tuple[float, float]:
    """Wall and CPU seconds of `firmward vendor scan`, which builds too, from an empty cache."""
    text = PROJECT.format(scanners=json.dumps(scanners), depth=depth)
    (tree / "firmward.toml").write_text(text)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example")
    subprocess.run(["git", "add", "--all"], cwd=tree, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "-m", "bench"], cwd=tree, check=True)
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as name:
        cache = Path(name)
        (cache / "tools").symlink_to(default_folder() / "tools")
        command = (sys.executable, "-m", "firmward", "vendor", "scan", str(tree))
        log = cache / "log.sarif"
        out = ("--out", str(log), "--json")
        took = timed((*command, *out), tree, {"FIRMWARD_CACHE": str(cache)}, (0, 1))
        # 1 is for errors found, and also what a command that crashes ends with.
        if not log.exists():
            raise SystemExit("firmward vendor scan left no log")
        return took


def theirs(name: str, tree: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a scanner's own command on all cores."""
    jobs = str(cores())
    if name == "cppcheck":
        words = ("--project=compile_commands.json", "--enable=warning,portability", "--quiet")
        own = Path(sys.executable).parent / "cppcheck"
        return timed((str(own), *words, "-j", jobs), tree, {}, (0,))
    tool = installed(name, default_folder())
    if name == "semgrep":
        words = ("--metrics=off", "--disable-version-check", "--quiet", "--config", str(RULES))
        return timed((*tool.command, "scan", *words, "-j", jobs, "library"), tree, SILENT, (0, 1))
    binary = Path(tool.command[0])
    words = ("-p", ".", "-quiet", "-j", jobs, f"-checks={asked(())}", "-config={}")
    runner = (sys.executable, str(binary.parent / "run-clang-tidy.py"))
    named = ("-clang-tidy-binary", str(binary))
    return timed((*runner, *named, *words), tree, {}, (0, 1))


def timed(
    command: tuple[str, ...], folder: Path, also: dict[str, str], accepted: tuple[int, ...]
) -> tuple[float, float]:
    """Wall and CPU seconds of a command that ends well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env={**os.environ, **also}, capture_output=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in accepted:
        raise SystemExit(f"{command[0]}: ended with {done.returncode}: {done.stderr[-500:]!r}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main() -> int:
    """Measure each alone and all together, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", choices=("quick", "full"), default="quick")
    depth = parser.parse_args().depth
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as name:
        tree = laid_out(Path(name))
        alone = {}
        for scanner in EXTERNAL:
            wall, cpu = alone[scanner] = theirs(scanner, tree)
            print(f"  {scanner:10} its own command   {wall:6.1f} s, {cpu:6.1f} s of CPU")
        for scanner in EXTERNAL:
            wall, cpu = ours(tree, (scanner,), depth)
            print(f"  {scanner:10} our run, alone    {wall:6.1f} s, {cpu:6.1f} s of CPU")
        wall, cpu = ours(tree, ALL, depth)
        print(f"  {'all':10} stages together   {wall:6.1f} s, {cpu:6.1f} s of CPU")
    slowest = max(alone, key=lambda scanner: alone[scanner][0])
    ratio = wall / alone[slowest][0]
    print(
        f"vendor_stages: {wall:.1f} s for all stages (depth {depth}), {alone[slowest][0]:.1f} s for"
        f" {slowest} by its own command, on {cores()} cores: ratio {ratio:.2f}, at most {MOST}"
    )
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())

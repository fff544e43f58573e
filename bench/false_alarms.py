"""What the scanners find of what was planted, and how often they cry wolf over real source.

Planted: every defect of tests/planted for secrets, outdated cryptography and soft binaries.  False
alarms: errors and warnings over three Debian source packages, each judged by hand once, in
bench/false_alarms.toml; one that nobody has judged counts as false.  Notes stop nothing and are
only counted.  The packages come from Debian's pool into .cache/bench, and must have the digest
that is written here.

    .venv/bin/python bench/false_alarms.py
"""

import hashlib
import sys
import tarfile
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.planted import compiled, secrets, soft_targets, weak_crypto  # noqa: E402
from tests.planted.trees import checkout  # noqa: E402

from firmward.vendor.cache import Shelf  # noqa: E402
from firmward.vendor.scan import elf_file, sarif  # noqa: E402
from firmward.vendor.scan.binary import rootfs  # noqa: E402
from firmward.vendor.scan.binary import scan as binary_scan  # noqa: E402
from firmward.vendor.scan.crypto import in_binary  # noqa: E402
from firmward.vendor.scan.crypto import rules as crypto_rules  # noqa: E402
from firmward.vendor.scan.crypto import scan as crypto_scan  # noqa: E402
from firmward.vendor.scan.files import SourceFile  # noqa: E402
from firmward.vendor.scan.secrets import scan as secret_scan  # noqa: E402
from firmward.vendor.source import pins  # noqa: E402

POOL = "http://deb.debian.org/debian/pool/main/"
MOST_PER_KLOC = 0.1
Place = tuple[str, str, str, int]
C_SUFFIXES = (".c", ".h", ".cc", ".cpp", ".hpp")


@dataclass(frozen=True)
class Package:
    """A Debian source package of what firmware is made of."""

    name: str
    path: str
    sha256: str


# Chosen after the rules were written and not looked at before: a rate over source that rules were
# tried on says little.
PACKAGES = (
    Package(
        "avahi 0.8",
        "a/avahi/avahi_0.8.orig.tar.gz",
        "060309d7a333d38d951bc27598c677af1796934dbd98e1024e7ad8de798fedda",
    ),
    Package(
        "chrony 4.3",
        "c/chrony/chrony_4.3.orig.tar.gz",
        "9d0da889a865f089a5a21610ffb6713e3c9438ce303a63b49c2fb6eaff5b8804",
    ),
    Package(
        "libssh2 1.10.0",
        "libs/libssh2/libssh2_1.10.0.orig.tar.gz",
        "2d64e90f3ded394b91d3a2e774ca203a4179f69aebee03003e5a6fa621e41d51",
    ),
)
SCANNERS = (secret_scan.scan_source, crypto_scan.scan_source, pins.scan)


def fetched(package: Package) -> Path:
    """The archive, as it was when this was written."""
    path = ROOT / ".cache" / "bench" / package.path.rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        answer = httpx.get(POOL + package.path, timeout=120, follow_redirects=True)
        path.write_bytes(answer.raise_for_status().content)
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != package.sha256:
        path.unlink()
        raise SystemExit(f"{package.name}: expected {package.sha256}, got {got}")
    return path


def lines_of_c(folder: Path) -> int:
    """Lines of C and C++."""
    paths = (path for path in folder.rglob("*") if path.suffix in C_SUFFIXES and path.is_file())
    return sum(path.read_bytes().count(b"\n") for path in paths)


def scanned(package: Package, folder: Path) -> tuple[list[sarif.Finding], float]:
    """What all scanners find in a package, and how long they took."""
    with tarfile.open(fetched(package)) as archive:
        archive.extractall(folder / "source", filter="data")
    # One folder holds everything; paths begin below it.
    [top] = (folder / "source").iterdir()
    tree = checkout(top, {}, "")
    started = time.perf_counter()
    runs = [scan(tree, Shelf(folder / "shelf")) for scan in SCANNERS]
    took_s = time.perf_counter() - started
    print(f"  {package.name:18} {lines_of_c(top) / 1000:6.1f} kLOC of C in {took_s:4.1f} s")
    return list(sarif.findings(sarif.merge(runs))), took_s


def judged() -> dict[Place, str]:
    """Each alarm -> the verdict of whoever looked."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    return {
        (row["package"], row["rule"], row["path"], row["line"]): row["verdict"]
        for row in table["alarm"]
    }


def false_alarms() -> bool:
    """Print the table of alarms by rule; whether they are few enough."""
    verdicts, used = judged(), set[Place]()
    alarms, wrong = Counter[str](), Counter[str]()
    notes = lines = 0
    print("real source:")
    for package in PACKAGES:
        with tempfile.TemporaryDirectory(prefix="firmward-bench-") as name:
            found, _ = scanned(package, Path(name))
            lines += lines_of_c(Path(name) / "source")
        for each in found:
            if each.level not in ("error", "warning"):
                notes += 1
                continue
            key = (package.name, each.rule, each.path, each.line)
            used.add(key)
            alarms[each.rule] += 1
            if verdicts.get(key) != "true":
                wrong[each.rule] += 1
                told = "false" if key in verdicts else "nobody judged"
                print(f"    {told}: {package.name}: {each}"[:150])
    print(f"  {'rule':22}{'alarms':>8}{'false':>7}{'false per kLOC':>16}")
    for rule, number in sorted(alarms.items()):
        print(f"  {rule:22}{number:8}{wrong[rule]:7}{wrong[rule] / (lines / 1000):16.4f}")
    for key in sorted(verdicts.keys() - used):
        print(f"  no longer found: {', '.join(map(str, key))}")
    rate = wrong.total() / (lines / 1000)
    print(
        f"false alarms: {rate:.4f} per kLOC over {lines / 1000:.0f} kLOC ({wrong.total()} of "
        f"{alarms.total()} alarms; {notes} notes besides; limit {MOST_PER_KLOC})"
    )
    return rate <= MOST_PER_KLOC


def rules_in(findings: Iterable[sarif.Finding]) -> set[str]:
    """The rules of some findings."""
    return {each.rule for each in findings}


def told(run: sarif.Run) -> tuple[sarif.Finding, ...]:
    """The findings of one run."""
    return sarif.findings(sarif.merge([run]))


def in_source(name: str, content: str) -> SourceFile:
    """A planted file."""
    return SourceFile(name, content.encode())


def planted_secrets(folder: Path) -> Iterator[tuple[str, list[bool], list[bool]]]:
    """(kind, found, alarms over look-alikes)."""
    yield (
        "secrets in source",
        [
            rule in rules_in(secret_scan.in_file(in_source(file, content)))
            for file, content, rule in secrets.in_source().values()
        ],
        [bool(secret_scan.in_file(in_source(*row))) for row in secrets.look_alikes().values()],
    )
    program = compiled.build(folder)
    wanted = Counter(rule for _, rule in compiled.in_program().values())
    got = Counter(each.rule for each in told(secret_scan.scan_binary(program)))
    hits = [number < got[rule] for rule, many in wanted.items() for number in range(many)]
    yield "secrets in a program", hits, []
    messages = [each.message for each in told(crypto_scan.scan_binary(program))]
    weak = compiled.weak_in_program().values()
    found = [any(f": {name}," in message for message in messages) for _, name in weak]
    yield "weak crypto in a program", found, []


def alarms_of(file: SourceFile) -> list[sarif.Finding]:
    """What the cryptography scanner tells of one file."""
    return [*crypto_rules.findings(crypto_scan.in_file(file)), *crypto_scan.random_in(file)]


def planted_crypto() -> Iterator[tuple[str, list[bool], list[bool]]]:
    """(kind, found, alarms over look-alikes)."""
    yield (
        "weak crypto in source",
        [
            rule in rules_in(alarms_of(in_source(file, content)))
            for file, content, _, rule in weak_crypto.in_source().values()
        ],
        [bool(alarms_of(in_source(*row))) for row in weak_crypto.look_alikes().values()],
    )
    found = [
        any(
            name in each.message for each in crypto_rules.findings(in_binary.signs(data, "app.bin"))
        )
        for data, name in weak_crypto.in_binary().values()
    ]
    noise = bool(list(in_binary.signs(secrets.key_bytes(1 << 20), "app.bin")))
    yield "weak crypto in images", found, [noise]


def planted_softness(folder: Path) -> Iterator[tuple[str, list[bool], list[bool]]]:
    """(kind, found, alarms over look-alikes)."""
    found = [
        rule in rules_in(binary_scan.in_elf(elf_file.read(data, "elf"), "elf"))
        for data, rule in soft_targets.elf_files().values()
    ]
    hard = [
        any(
            each.level in ("error", "warning")
            for each in binary_scan.in_elf(elf_file.read(soft_targets.elf(plan), "elf"), "elf")
        )
        for plan in (soft_targets.HOSTED, soft_targets.BARE, soft_targets.RISCV)
    ]
    yield "hardening of ELF files", found, hard
    images = soft_targets.images().values()
    found = [rule in rules_in(binary_scan.in_image(data, None)) for data, rule in images]
    yield "hardening of images", found, []
    planted = soft_targets.root_file_system(folder / "root")
    got = {(each.path, each.rule) for each in rootfs.walk(folder / "root")}
    yield "root file systems", [place in got for place in planted.values()], []


def planted() -> bool:
    """Print what is found of what was planted; whether it is all of it, and nothing else."""
    print("planted:")
    whole = True
    with tempfile.TemporaryDirectory(prefix="firmward-bench-") as name:
        parts: tuple[Callable[[], Iterator[tuple[str, list[bool], list[bool]]]], ...] = (
            lambda: planted_secrets(Path(name)),
            planted_crypto,
            lambda: planted_softness(Path(name)),
        )
        for part in parts:
            for kind, found, alarms in part():
                line = f"  {kind:26} {sum(found):3} of {len(found):3} found"
                print(line + (f", {sum(alarms)} of {len(alarms)} look-alikes" if alarms else ""))
                whole = whole and all(found) and not any(alarms)
    return whole


def main() -> int:
    """Measure both, print, judge."""
    complete = planted()
    quiet = false_alarms()
    return 0 if complete and quiet else 1


if __name__ == "__main__":
    sys.exit(main())

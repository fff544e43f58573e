"""Pins: every dependency that a build fetches, and whether a digest fixes what it gets.

What a branch, a range or a bare tag names is decided by somebody else on the day of the build: the
commit that was reviewed and signed does not say what is built.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from os import readlink, walk
from pathlib import Path
from typing import Final

import msgspec

from firmward.vendor.cache import Shelf
from firmward.vendor.scan import sarif
from firmward.vendor.scan.sarif import Finding, Level, Rule, Run
from firmward.vendor.source.checkout import Checkout
from firmward.vendor.source.manifests import (
    automation,
    boards,
    checkouts,
    downloads,
    native,
    pin,
    pypi,
    registries,
)
from firmward.vendor.source.manifests.pin import Manifest, Pin

TOOL: Final = "firmward-pins"
_REVISION: Final = "1"
_LIMIT: Final = 4 * 1024 * 1024
_LOCK_LIMIT: Final = 32 * 1024 * 1024
_FILES: Final = 500_000

RULES: Final = (
    Rule(pin.BRANCH, "error", "A branch: what is fetched changes without a commit here.", 829),
    Rule(pin.RANGE, "error", "A range of versions: the day of the build chooses.", 1357),
    Rule(pin.NONE, "error", "No version: whatever is newest is fetched.", 1357),
    Rule(pin.LOCK, "error", "Nothing in a lock file fixes this dependency.", 1357),
    Rule(pin.CHECKSUM, "error", "A download that is compared with no digest.", 494),
    Rule(pin.UNREADABLE, "error", "A manifest that cannot be read, so what it fetches is unknown."),
    Rule(pin.TAG, "warning", "A tag or version without digest: it can be moved or replaced.", 1357),
    Rule(
        pin.LOCKED_BRANCH, "warning", "A branch that a lock holds still until its next update.", 829
    ),
    Rule(pin.OUTSIDE, "warning", "A link to an absolute path: what is there is in no commit.", 59),
)
_LEVELS: Final[dict[str, Level]] = {rule.id: rule.level for rule in RULES}

Reader = Callable[[Manifest], Iterable[Pin]]
_READERS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), reader)
    for pattern, reader in (
        (r"(?:.*/)?\.gitmodules", checkouts.submodules),
        (r"(?:.*/)?west\.ya?ml", checkouts.west),
        (
            r"(?:.*/)?(?:default|[^/]*manifest[^/]*)\.xml|(?:.*/)?manifests?/[^/]+\.xml",
            checkouts.repo,
        ),
        (r".*\.lib", checkouts.mbed),
        (r".*\.wrap", checkouts.meson),
        (r".*\.(?:bb|bbappend)", checkouts.bitbake),
        (r".*\.mk", checkouts.buildroot),
        (r"(?:.*/)?platformio[^/]*\.ini", boards.platformio),
        (r"(?:.*/)?library\.properties", boards.arduino),
        (r"(?:.*/)?idf_component\.yml", boards.esp_idf),
        (r"(?:.*/)?(?:CMakeLists\.txt|[^/]+\.cmake)", native.cmake),
        (r"(?:.*/)?conanfile\.txt", native.conan_text),
        (r"(?:.*/)?conanfile\.py", native.conan_python),
        (r"(?:.*/)?vcpkg\.json", native.vcpkg),
        (r"(?:.*/)?[^/]*requirements[^/]*\.txt|(?:.*/)?requirements/[^/]+\.txt", pypi.requirements),
        (r"(?:.*/)?pyproject\.toml", pypi.pyproject),
        (r"(?:.*/)?(?:uv|poetry|pdm)\.lock|(?:.*/)?pylock[^/]*\.toml", pypi.locked),
        (r"(?:.*/)?Pipfile", pypi.pipfile),
        (r"(?:.*/)?Pipfile\.lock", pypi.pipfile_lock),
        (r"(?:.*/)?package\.json", registries.npm),
        (r"(?:.*/)?(?:package-lock|npm-shrinkwrap)\.json", registries.npm_lock),
        (r"(?:.*/)?yarn\.lock", registries.yarn_lock),
        (r"(?:.*/)?pnpm-lock\.yaml", registries.pnpm_lock),
        (r"(?:.*/)?Cargo\.toml", registries.cargo),
        (r"(?:.*/)?Cargo\.lock", registries.cargo_lock),
        (r"(?:.*/)?go\.mod", registries.golang),
        (r"(?:.*/)?(?:Dockerfile|Containerfile)(?:\.[^/]+)?|.*\.dockerfile", automation.dockerfile),
        # GitHub and GitLab run those at the top alone; a third party's below are never run here.
        (r"\.github/workflows/[^/]+\.ya?ml|(?:.*/)?action\.ya?ml", automation.actions),
        (r"\.gitlab-ci[^/]*\.yml|\.gitlab/[^/]+\.yml", automation.gitlab),
        (
            r".*\.(?:sh|bash|mk|mak|ps1)|(?:.*/)?(?:GNUmakefile|Makefile|Dockerfile|Containerfile)"
            r"(?:\.[^/]+)?|\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci[^/]*\.yml|(?:.*/)?bootstrap"
            r"|(?:.*/)?configure\.ac",
            downloads.scripts,
        ),
    )
)
_WITH_LOCKS: Final = re.compile(r"(?:.*/)?(?:.*\.lock|.*-lock\.\w+|npm-shrinkwrap\.json|pylock.*)")


def collect(tree: Checkout, shelf: Shelf) -> tuple[Pin, ...]:
    """Every pin of a checkout, by path and line."""
    excluded = tree.project.scan.exclude
    parts = ("pins", _REVISION, version("firmward"), tree.source.tree, *excluded)

    def made() -> dict[str, object]:
        return {"pins": [vars(each) for each in collected(tree.root, excluded)]}

    return msgspec.convert(shelf.kept(parts, made)["pins"], tuple[Pin, ...])


def scan(tree: Checkout, shelf: Shelf) -> Run:
    """The run of the pins scanner: what is fetched and not fixed."""
    theirs = (*tree.project.sbom.vendored, *(each.path for each in tree.source.submodules))
    found = [_finding(each, theirs) for each in collect(tree, shelf) if each.rule]
    return sarif.run(TOOL, version("firmward"), RULES, found)


def _finding(each: Pin, theirs: Sequence[str]) -> Finding:
    """A finding; only a note in somebody else's folder, whose manifests are seldom the build's."""
    level = _LEVELS[each.rule]
    if any(each.path.startswith(f"{folder.strip('/')}/") for folder in theirs):
        level = "note"
    says = next(rule.says for rule in RULES if rule.id == each.rule)
    return Finding(
        each.path, each.line, each.rule, level, f"{each.kind} {each.name}: {each.declared}: {says}"
    )


def collected(root: Path, excluded: Sequence[str] = ()) -> tuple[Pin, ...]:
    """Every pin below a folder.

    root      a folder of files; no link in it is followed
    excluded  glob patterns of paths that are left out
    """
    files, links = _listed(root)
    paths = frozenset(path for path in files if not _left_out(path, excluded))

    def text_of(path: str) -> str | None:
        limit = _LOCK_LIMIT if _WITH_LOCKS.fullmatch(path) else _LIMIT
        return _text(root / path, limit) if path in paths else None

    found: set[Pin] = set()
    for path in paths:
        readers = [reader for pattern, reader in _READERS if pattern.fullmatch(path)]
        if readers:
            text = text_of(path)
            if text is None:
                found.add(Pin(path, 0, "manifest", path, "too large", rule=pin.UNREADABLE))
            else:
                found.update(read(Manifest(path, text, paths, text_of), readers))
    for path, target in links.items():
        if target.startswith("/") and not _left_out(path, excluded):
            found.add(Pin(path, 0, "link", path, target, rule=pin.OUTSIDE))
    return tuple(sorted(found))


def _left_out(path: str, excluded: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in excluded)


def _listed(root: Path) -> tuple[list[str], dict[str, str]]:
    """Files and links, relative; beyond the limit an error and not half an answer."""
    files: list[str] = []
    links: dict[str, str] = {}
    for folder, inside, names in walk(root):
        here = Path(folder).relative_to(root)
        for name in (*inside, *names):
            full, path = Path(folder) / name, (here / name).as_posix()
            if full.is_symlink():
                links[path] = readlink(full)
            elif name in names:
                files.append(path)
        if len(files) > _FILES:
            raise ValueError(f"more than {_FILES} files")
    return files, links


def _text(path: Path, limit: int) -> str | None:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    return None if len(data) > limit else data.decode("utf-8", errors="replace")


def read(manifest: Manifest, readers: Sequence[Reader]) -> Iterator[Pin]:
    """One manifest's pins; one that cannot be read is a finding and never silence."""
    for reader in readers:
        try:
            yield from list(reader(manifest))
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            # Unreadable is a ValueError.  The others mean a member that is a list where the format
            # has a table: as good as no manifest.
            says = str(error)[:200] or type(error).__name__
            yield Pin(manifest.path, 0, "manifest", manifest.path, says, rule=pin.UNREADABLE)


def fixed(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """The pins that a digest fixes, each once whatever line says so: what provenance names."""
    once = {replace(each, path="", line=0, rule=""): each for each in pins if each.digest}
    return tuple(sorted(once.values()))

"""Python: pinned requirements, and the locks of uv, Poetry and Pipenv.

Source: pip.pypa.io, requirements file format; PEP 503 for names; PEP 508; docs.astral.sh/uv;
python-poetry.org; pipenv.pypa.io.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import from_git, required, stated
from firmward.vendor.sbom.parts import Evidence, Found
from firmward.vendor.sbom.reading import line_of, read_json, read_toml, rows, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "python"
_REQUIREMENTS: Final = re.compile(
    r"(?:^|/)(?:[\w.-]*requirements[\w.-]*\.txt"
    r"|requirements/(?:base|main|prod|production|dev|test|tests|docs|lint|ci|local)\.txt)$"
)
_FOR_DEVELOPMENT: Final = re.compile(
    r"(?:^|[/._-])(?:dev|development|test|tests|docs?|lint|ci|maintainer|build)"
    r"(?:[._-]requirements[^/]*)?\.txt$"
)
_LINE: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*"
    r"(?:@\s*(?P<url>\S+)|(?P<wanted>\(?\s*[=<>!~][^;#]*)?)\s*(?:;.*)?$"
)
_HASH: Final = re.compile(r"\s--hash[= ](\w+):([0-9a-f]+)")
_INCLUDE: Final = re.compile(r"^(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)$")
_EDITABLE: Final = re.compile(r"^(?:-e|--editable)[\s=]+(\S+)$")
_LONGEST: Final = 16 * 1024
_EGG: Final = re.compile(r"[#&]egg=([\w.-]+)")


def collect(tree: Tree) -> Iterator[Found]:
    """Every package of every requirements file and lock."""
    for path in tree.paths:
        if _REQUIREMENTS.search(path):
            yield from _requirements(tree, path)
    for path in tree.named("uv.lock"):
        yield from _toml_lock(tree, path, "uv")
    for path in tree.named("poetry.lock"):
        yield from _toml_lock(tree, path, "poetry")
    for path in tree.named("Pipfile.lock"):
        yield from _pipfile(tree, path)


def _package(path: str, evidence: Evidence, name: str, version: str, **known: Any) -> Found:
    purl = purls.make("pypi", name, version)
    return stated(NAME, path, evidence, name, version, purl=purl, **known)


def _requirements(tree: Tree, path: str) -> Iterator[Found]:
    for number, line in _logical(tree.text(path)):
        if include := _INCLUDE.match(line):
            _refuse_outside(tree, path, include[1])
        elif editable := _EDITABLE.match(line):
            yield from _elsewhere(path, number, "", editable[1])
        elif line.startswith("-"):
            continue
        elif re.match(r"^(?:git\+|https?:|\.{0,2}/)", line):
            yield from _elsewhere(path, number, "", line.split()[0])
        else:
            yield from _requirement(path, number, line)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, line without comment) with continued lines joined."""
    first, gathered = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        first = first or number
        gathered = f"{gathered} {line.removesuffix(chr(92)).strip()}".strip()
        if not line.endswith("\\"):
            if gathered:
                yield first, gathered
            first, gathered = 0, ""
    if gathered:
        yield first, gathered


def _refuse_outside(tree: Tree, path: str, inner: str) -> None:
    """An included file is read by itself when it has a requirements file's name."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner))
    remote = "://" in inner
    if remote or joined.startswith(("..", "/")) or not tree.has(joined):
        raise Malformed(path, "included files inside the tree", f"{inner[:80]!r}")
    if not _REQUIREMENTS.search(joined):
        raise Malformed(path, "included files named *requirements*.txt", f"{inner[:80]!r}")


def _requirement(path: str, number: int, line: str) -> Iterator[Found]:
    if len(line) > _LONGEST:
        raise Malformed(path, f"lines of at most {_LONGEST} characters", f"line {number}")
    hashes = dict(_HASH.findall(line))
    bare = re.sub(r"\s--[\w-]+(?:[= ]\S+)?", "", line).strip()
    match = _LINE.match(bare)
    if not match:
        raise Malformed(path, "requirements", f"line {number}: {line[:60]!r}")
    if match["url"]:
        yield from _elsewhere(path, number, match["name"], match["url"])
        return
    wanted = (match["wanted"] or "").strip(" ()")
    single = wanted if wanted.startswith("==") and "," not in wanted else ">"
    version, resolution = required(single.removeprefix("==").removeprefix("="))
    # A pin in a requirements file binds the installer, which is what a lock does.
    evidence: Evidence = "lock" if resolution == "pinned" else "declared"
    yield _package(
        *(path, evidence, match["name"], version),
        line=number,
        says=bare,
        hashes=hashes,
        resolution=resolution,
        scope="build" if _FOR_DEVELOPMENT.search(path) else "unknown",
    )


def _elsewhere(path: str, number: int, name: str, url: str) -> Iterator[Found]:
    """A requirement by address: a git repository, an archive, or the product's own folder."""
    egg = _EGG.search(url)
    name = name or (egg[1] if egg else "")
    address = url.partition("#")[0]
    if address.startswith("git+"):
        place, _, revision = address.rpartition("@") if "@" in address[12:] else (address, "", "")
        yield from_git(NAME, path, "declared", name, place, revision, line=number, says=url)
    elif "://" in address:
        file = address.rpartition("/")[2]
        version, _ = purls.resolution(
            re.sub(r"\.(?:tar\.\w+|zip|whl)$", "", file).partition("-py")[0]
        )
        found = name or file.partition("-")[0]
        known = {"line": number, "says": url, "resolution": "range"}
        yield _package(path, "declared", found, version, **known)


def _toml_lock(tree: Tree, path: str, tool: str) -> Iterator[Found]:
    text = tree.text(path)
    lock = read_toml(tree.read(path), path)
    if "package" not in lock and "version" not in lock and "metadata" not in lock:
        raise Malformed(path, f"a lock of {tool}", "no packages")
    for each in rows(lock.get("package"), path, "package"):
        name = word(each.get("name"), path, "name")
        version = word(each.get("version"), path, f"version of {name}")
        source = each.get("source")
        # The product itself, which uv lists too.
        if isinstance(source, dict) and {"virtual", "editable", "workspace"} & source.keys():
            continue
        if not name or not version:
            raise Malformed(path, "packages with name and version", f"{name[:60]!r}")
        yield _package(
            *(path, "lock", name, version),
            line=line_of(text, f'name = "{name}"'),
            hashes=_first_digest(each, path),
            depends_on=_needs(each.get("dependencies"), path),
            scope="build" if _only_for_development(each) else "unknown",
        )


def _only_for_development(each: dict[str, Any]) -> bool:
    groups = each.get("groups")
    return each.get("category") == "dev" or (isinstance(groups, list) and "main" not in groups)


def _needs(value: Any, path: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(value)
    return tuple(word(each.get("name"), path, "name") for each in rows(value, path, "dependencies"))


def _first_digest(each: dict[str, Any], path: str) -> dict[str, str]:
    """The source archive's digest where there is one: wheels differ per platform."""
    listed = [each["sdist"]] if isinstance(each.get("sdist"), dict) else []
    listed += [file for file in each.get("files") or [] if isinstance(file, dict)]
    for file in listed:
        algorithm, _, value = word(file.get("hash"), path, "hash").partition(":")
        if value and not word(file.get("file"), path, "file").endswith(".whl"):
            return {algorithm: value}
    return {}


def _pipfile(tree: Tree, path: str) -> Iterator[Found]:
    text = tree.text(path)
    lock = table(read_json(tree.read(path), path), path, "the lock")
    if "default" not in lock and "develop" not in lock:
        raise Malformed(path, "a lock of Pipenv", "neither default nor develop")
    for section, scope in (("default", "unknown"), ("develop", "build")):
        for name, value in table(lock.get(section), path, section).items():
            each = table(value, path, name)
            line = line_of(text, f'"{name}"')
            if "git" in each:
                url, revision = (word(each.get(what), path, what) for what in ("git", "ref"))
                yield from_git(NAME, path, "lock", name, url, revision, line=line, scope=scope)
            elif "path" not in each:
                version, resolution = required(word(each.get("version"), path, "version"))
                known = {"line": line, "scope": scope, "resolution": resolution}
                yield _package(path, "lock", name, version, **known)

"""Python's manifests: requirements files, pyproject.toml with a lock beside it, Pipfile."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from firmward.vendor.source.manifests.pin import (
    LOCK,
    NONE,
    RANGE,
    TAG,
    Judged,
    Manifest,
    Pin,
    Unreadable,
    download,
    hexadecimal,
    locked_branch,
    revision,
    version,
)

_LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)\Z", re.DOTALL)


def requirements(manifest: Manifest) -> Iterator[Pin]:
    """A requirements file: == and --hash for each line."""
    for line, written in _logical(manifest.text):
        text = re.sub(r"\A(?:-e|--editable)[ =]", "", written).strip()
        if not text or text.startswith(("-", ".", "/", "file:")):
            continue
        name, judged = _requirement(text)
        if judged is not None:
            yield manifest.pin(line, "pip", name, judged)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) with continued lines as one and comments gone."""
    start, kept = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        content = re.sub(r"(?:^|\s)#.*", "", raw)
        if content.endswith("\\"):
            kept += content[:-1] + " "
            continue
        yield start, (kept + content).strip()
        start, kept = 0, ""
    if kept:
        yield start, kept.strip()


def _requirement(text: str) -> tuple[str, Judged | None]:
    hashes = re.findall(r"--hash[= ]([a-z0-9]+:[0-9a-f]+)", text)
    plain = re.split(r"\s--|\s*;", text)[0].strip()
    if plain.startswith("git+") or re.match(r"\S+\s*@\s*git\+", plain):
        return _from_git(plain)
    found = _NAME.match(plain)
    if "://" in plain:
        address = plain[plain.find("@") + 1 :].strip() if re.match(r"\S+\s*@\s", plain) else plain
        if address.startswith("file:"):
            return plain, None
        digest = hexadecimal(address.partition("#")[2]) or (hashes[0] if hashes else "")
        name = found[1] if found and address != plain else address.partition("#")[0]
        return name.rstrip("/").rsplit("/", 1)[-1], download(address, digest)
    if found is None:
        raise Unreadable(f"no requirement: {plain[:60]}")
    return found[1], _pinned(found[2].strip(), hashes)


def _from_git(plain: str) -> tuple[str, Judged]:
    address = plain[plain.find("git+") :]
    path, _, fragment = address.partition("#")
    # After the host, for user@host is no revision.
    _, _, wanted = path.partition("://")[2].partition("/")[2].partition("@")
    egg = re.search(r"egg=([A-Za-z0-9._-]+)", fragment)
    name = plain.partition("@")[0].strip() if not plain.startswith("git+") else ""
    short = path.rsplit("/", 1)[-1].partition("@")[0].removesuffix(".git")
    return name or (egg[1] if egg else short), revision(wanted)


def _pinned(wanted: str, hashes: list[str]) -> Judged:
    exact = re.fullmatch(r"\(?\s*={2,3}\s*([^,*\s)]+)\s*\)?", wanted)
    if exact:
        return wanted, hashes[0] if hashes else "", "" if hashes else TAG
    # Hashes fix the file even where the version is a range.
    if hashes:
        return wanted, hashes[0], ""
    return wanted or "no version", "", RANGE if wanted else NONE


def pyproject(manifest: Manifest) -> Iterator[Pin]:
    """pyproject.toml: fixed by a lock here or above; without one each dependency is judged."""
    said = toml(manifest.text)
    wanted = list(_declared(said))
    if not wanted:
        return
    lock = manifest.above(_LOCKS)
    if lock:
        locked = lock_of(manifest.read(lock) or "", lock)
        for name, spec in wanted:
            line = manifest.line_of(name)
            if _normal(name) in locked and isinstance(spec, dict) and "git" in spec:
                judged = locked_branch(_git_table(spec), locked[_normal(name)])
                yield manifest.pin(line, "python", name, judged)
            elif _normal(name) not in locked:
                yield manifest.pin(line, "python", name, (f"{spec}: not in {lock}", "", LOCK))
        return
    for name, spec in wanted:
        yield manifest.pin(manifest.line_of(name), "python", name, _unlocked(spec))


def _declared(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, requirement) of everything that the project needs; local paths left out."""
    project, tool = said.get("project", {}), said.get("tool", {})
    listed = list(project.get("dependencies", []))
    for group in project.get("optional-dependencies", {}).values():
        listed += group
    for group in said.get("dependency-groups", {}).values():
        listed += [each for each in group if isinstance(each, str)]
    sources = tool.get("uv", {}).get("sources", {})
    for text in listed:
        found = _NAME.match(str(text).split(";")[0])
        source = sources.get(found[1], {}) if found else {}
        if found and not {"path", "workspace"} & set(source):
            yield found[1], source if "git" in source else found[2].strip()
    poetry = tool.get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        for name, spec in table.items():
            if name != "python" and not (isinstance(spec, dict) and "path" in spec):
                yield name, spec


def _git_table(spec: Mapping[str, Any]) -> Judged:
    return revision(str(spec.get("rev") or spec.get("tag") or spec.get("branch") or ""))


def _unlocked(spec: Any) -> Judged:
    if isinstance(spec, dict):
        return _git_table(spec) if "git" in spec else version(str(spec.get("version", "")))
    text = str(spec)
    if "git+" in text:
        return _from_git(text)[1]
    declared, digest, rule = version(text.removeprefix("=="))
    return f"{text or declared}, without a lock", digest, LOCK if rule != TAG else TAG


def lock_of(text: str, path: str) -> dict[str, str]:
    """Name -> digest, of a lock in TOML; "" for a package of the tree itself."""
    said = toml(text)
    found: dict[str, str] = {}
    for each in said.get("package", said.get("packages", [])):
        if not isinstance(each, dict) or "name" not in each:
            raise Unreadable(f"{path} is no lock")
        name = _normal(str(each["name"]))
        found[name] = found.get(name) or _locked(each)
    return found


def _locked(each: Mapping[str, Any]) -> str:
    source = each.get("source") or {}
    commit = str(source.get("resolved_reference") or source.get("git", "").rpartition("#")[2])
    if digest := revision(commit)[1]:
        return digest
    files = [each.get("sdist") or {}, *(each.get("wheels") or []), *(each.get("files") or [])]
    return next((found for file in files if (found := _file(file))), "")


def _file(file: Mapping[str, Any]) -> str:
    hashes = file.get("hashes") or {}
    return hexadecimal(str(file.get("hash") or (f"sha256:{hashes.get('sha256', '')}")))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def toml(text: str) -> dict[str, Any]:
    """A TOML document.  Raises Unreadable."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Unreadable(f"not TOML: {error}") from error


def locked(manifest: Manifest) -> Iterator[Pin]:
    """uv.lock, poetry.lock, pdm.lock, pylock.toml: each package with the hash of a file of it."""
    said = toml(manifest.text)
    for each in said.get("package", said.get("packages", [])):
        source = each.get("source") or {}
        if {"virtual", "editable", "directory", "path"} & set(source) or "directory" in each:
            continue
        digest, name = _locked(each), str(each.get("name", "?"))
        declared = str(each.get("version", ""))
        line = manifest.line_of(f'name = "{name}"')
        yield manifest.pin(line, "python", name, (declared, digest, "" if digest else TAG))


def pipfile(manifest: Manifest) -> Iterator[Pin]:
    """Pipfile: fixed by Pipfile.lock beside it."""
    said = toml(manifest.text)
    if f"{manifest.folder}Pipfile.lock" in manifest.paths:
        return
    for section in ("packages", "dev-packages"):
        for name, spec in said.get(section, {}).items():
            if not (isinstance(spec, dict) and "path" in spec):
                judged = _unlocked(spec)
                yield manifest.pin(manifest.line_of(name), "pipenv", name, judged)


def pipfile_lock(manifest: Manifest) -> Iterator[Pin]:
    """Pipfile.lock: each package with hashes, or a git commit."""
    try:
        said = json.loads(manifest.text)
        listed = [*said.get("default", {}).items(), *said.get("develop", {}).items()]
        for name, each in listed:
            hashes = each.get("hashes") or [""]
            digest = hexadecimal(str(hashes[0])) or revision(str(each.get("ref", "")))[1]
            declared = str(each.get("version") or each.get("ref", ""))
            judged = (declared, digest, "" if digest or "path" in each else TAG)
            yield manifest.pin(manifest.line_of(f'"{name}"'), "pipenv", name, judged)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise Unreadable(f"no lock: {error}") from error

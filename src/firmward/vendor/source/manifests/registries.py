"""Manifests of language registries: npm, Cargo, Go; each with the lock that must be beside it."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from firmward.vendor.source.manifests import marked
from firmward.vendor.source.manifests.pin import (
    LOCK,
    TAG,
    Judged,
    Manifest,
    Pin,
    Unreadable,
    hexadecimal,
    locked_branch,
    revision,
    subresource,
)
from firmward.vendor.source.manifests.pypi import toml

_NPM_LOCKS: Final = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
)  # fmt: skip
_NPM_TABLES: Final = ("dependencies", "devDependencies", "optionalDependencies")
_LOCAL: Final = ("file:", "link:", "workspace:", "portal:", ".", "/")
_GIT: Final = re.compile(
    r"(?:git(?:\+\w+)?:|github:|gitlab:|bitbucket:|git@|https?://[^#]+\.git(?:#|\Z)"
    r"|[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:#|\Z))"
)


def npm(manifest: Manifest) -> Iterator[Pin]:
    """package.json: fixed by a lock here or above."""
    said = marked.json_object(manifest.text)
    lock = manifest.above(_NPM_LOCKS)
    text = (manifest.read(lock) or "") if lock else ""
    for table in _NPM_TABLES:
        listed = said.get(table) or {}
        if not isinstance(listed, dict):
            raise Unreadable(f"{table} is no object")
        for name, spec in listed.items():
            wanted = str(spec)
            if wanted.startswith(_LOCAL):
                continue
            line = manifest.line_of(f'"{name}"')
            if _GIT.match(wanted):
                judged = revision(wanted.partition("#")[2].removeprefix("semver:"))
                yield manifest.pin(line, "npm", name, locked_branch(judged, _commit(text, name)))
            elif not lock:
                yield manifest.pin(line, "npm", name, (f"{wanted}, without a lock", "", LOCK))
            elif name not in text:
                yield manifest.pin(line, "npm", name, (f"{wanted}: not in {lock}", "", LOCK))


def _commit(lock: str, name: str) -> str:
    """The commit that a lock of any kind has for a git dependency, soon after its name."""
    place = lock.find(name)
    found = re.search(r"[#/=]([0-9a-f]{40})\b", lock[place : place + 600]) if place >= 0 else None
    return f"gitCommit:{found[1]}" if found else ""


def npm_lock(manifest: Manifest) -> Iterator[Pin]:
    """package-lock.json: each package with its integrity, or a git commit."""
    said = marked.json_object(manifest.text)
    listed = said.get("packages")
    if listed is None:
        listed = dict(_nested(said.get("dependencies") or {}, 0))
    if not isinstance(listed, dict):
        raise Unreadable("packages is no object")
    for path, each in listed.items():
        if not isinstance(each, dict):
            raise Unreadable(f"{path!r} is no package")
        address = str(each.get("resolved") or "")
        # The project itself, a workspace, or what another package brings in its own archive.
        if "node_modules/" not in path and not address:
            continue
        if each.get("link") or each.get("inBundle") or each.get("bundled"):
            continue
        name = path.rpartition("node_modules/")[2]
        digest = subresource(str(each.get("integrity") or ""))
        digest = digest or revision(address.rpartition("#")[2])[1]
        judged = (str(each.get("version", "")), digest, "" if digest else TAG)
        yield manifest.pin(manifest.line_of(f'"{path}"'), "npm", name, judged)


def _nested(table: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    """The packages of the first lock format, which nests them."""
    for name, each in table.items():
        yield f"node_modules/{name}", {"resolved": "?", **each} if isinstance(each, dict) else each
        if isinstance(each, dict) and depth < 50:
            yield from _nested(each.get("dependencies") or {}, depth + 1)


def yarn_lock(manifest: Manifest) -> Iterator[Pin]:
    """yarn.lock, old and new: blocks that start with a name and hold a checksum."""
    for line, block in _blocks(manifest.text):
        head = block.splitlines()[0].strip().strip('":')
        name = head.split(",")[0].rpartition("@")[0].strip('" ') or head
        found = re.search(r'integrity\s+"?(\S+?)"?\s*$', block, re.MULTILINE)
        summed = re.search(r"checksum:\s+(?:[0-9a-z]+/)?([0-9a-f]{40,128})", block)
        commit = re.search(r"[#=]([0-9a-f]{40})\b", block)
        local = re.search(r"(?:resolution|resolved).*@(?:workspace|link|portal|file|patch):", block)
        number = re.search(r'^\s+version:?\s+"?([^"\s]+)', block, re.MULTILINE)
        if number is None or local or name.startswith("__metadata"):
            continue
        digest = subresource(found[1]) if found else ""
        digest = digest or (hexadecimal(summed[1]) if summed else "")
        digest = digest or (hexadecimal(commit[1], "sha1") if commit else "")
        yield manifest.pin(line, "npm", name, (number[1], digest, "" if digest else TAG))


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    start, kept = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), "#end"], 1):
        if line[:1].strip() and kept:
            yield start, "\n".join(kept)
            kept = []
        if line[:1] == "#":
            continue
        if line[:1].strip():
            start = number
        if line.strip():
            kept.append(line)


_PNPM: Final = re.compile(
    r"^  '?/?(@?[^@'\s(]+)@([^:'(\s]+)[^:\n]*:\n    resolution: \{(.*)\}$", re.M
)


def pnpm_lock(manifest: Manifest) -> Iterator[Pin]:
    """pnpm-lock.yaml: each package with its integrity, or a git commit."""
    for found in _PNPM.finditer(manifest.text):
        integrity = re.search(r"integrity: ([^,}\s]+)", found[3])
        commit = re.search(r"(?:commit: |/)([0-9a-f]{40})", found[3])
        digest = subresource(integrity[1]) if integrity else ""
        digest = digest or (f"gitCommit:{commit[1]}" if commit else "")
        line = manifest.text.count("\n", 0, found.start()) + 1
        rule = "" if digest or "directory:" in found[3] else TAG
        yield manifest.pin(line, "npm", found[1], (found[2], digest, rule))


def cargo(manifest: Manifest) -> Iterator[Pin]:
    """Cargo.toml: fixed by Cargo.lock here or above."""
    lock = manifest.above(["Cargo.lock"])
    locked = _cargo_locked(manifest.read(lock) or "") if lock else {}
    for name, spec in _crates(toml(manifest.text)):
        facts = spec if isinstance(spec, dict) else {"version": spec}
        if "path" in facts or facts.get("workspace"):
            continue
        real, line = str(facts.get("package", name)), manifest.line_of(name)
        if "git" in facts:
            wanted = facts.get("rev") or facts.get("tag") or facts.get("branch") or ""
            judged = locked_branch(revision(str(wanted)), locked.get(real, ""))
            yield manifest.pin(line, "cargo", name, judged)
        elif real not in locked:
            says = f"{facts.get('version', '*')}: not in {lock or 'a Cargo.lock'}"
            yield manifest.pin(line, "cargo", name, (says, "", LOCK))


def _crates(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    tables = [said, *said.get("target", {}).values(), said.get("workspace", {})]
    for table in tables:
        for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
            yield from (table.get(kind) or {}).items()


def _cargo_locked(text: str) -> dict[str, str]:
    return {str(each.get("name", "")): _crate(each) for each in toml(text).get("package", [])}


def _crate(each: Mapping[str, Any]) -> str:
    commit = revision(str(each.get("source", "")).rpartition("#")[2])[1]
    return commit or hexadecimal(str(each.get("checksum", "")))


def cargo_lock(manifest: Manifest) -> Iterator[Pin]:
    """Cargo.lock: each crate with its checksum, or a git commit."""
    for each in toml(manifest.text).get("package", []):
        # Without a source it is a crate of the tree itself.
        if "source" in each:
            name, digest = str(each.get("name", "?")), _crate(each)
            line = manifest.line_of(f'name = "{name}"')
            judged = (str(each.get("version", "")), digest, "" if digest else TAG)
            yield manifest.pin(line, "cargo", name, judged)


_REQUIRED: Final = re.compile(r"\s*(?:require\s+)?([\w.~/-]+\.[\w.~/-]+)\s+(v\S+)")


def golang(manifest: Manifest) -> Iterator[Pin]:
    """go.mod: every required module has its hash in go.sum."""
    beside = f"{manifest.folder}go.sum"
    sums = _sums(manifest.read(beside) or "") if beside in manifest.paths else {}
    local = set(
        re.findall(r"^\s*(?:replace\s+)?([\w.~/-]+)[^=\n]*=>\s*\.{0,2}/", manifest.text, re.M)
    )
    block = ""
    for number, raw in enumerate(manifest.text.splitlines(), 1):
        text = raw.split("//")[0].rstrip()
        if opened := re.match(r"(\w+)\s*\($", text.strip()):
            block = opened[1]
        elif text.strip() == ")":
            block = ""
        elif block == "require" or text.startswith("require "):
            found = _REQUIRED.match(text)
            if found and found[1] not in local:
                yield manifest.pin(number, "go", found[1], _summed(found[1], found[2], sums))


def _summed(name: str, wanted: str, sums: Mapping[tuple[str, str], str]) -> Judged:
    digest = sums.get((name, wanted)) or sums.get((name, f"{wanted}/go.mod"), "")
    return (wanted, digest, "") if digest else (f"{wanted}: not in go.sum", "", LOCK)


def _sums(text: str) -> dict[tuple[str, str], str]:
    found = {}
    for name, number, digest in re.findall(r"^(\S+) (\S+) h1:(\S+)$", text, re.MULTILINE):
        try:
            found[name, number] = f"dirHash:{b64decode(digest, validate=True).hex()}"
        except (NotBase64, ValueError) as error:
            raise Unreadable(f"go.sum: {name} {number} has no hash") from error
    return found

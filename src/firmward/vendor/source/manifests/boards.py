"""Manifests of embedded frameworks: PlatformIO, Arduino libraries, ESP-IDF components."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.vendor.source.manifests import marked
from firmward.vendor.source.manifests.pin import (
    LOCK,
    Judged,
    Manifest,
    Pin,
    download,
    hexadecimal,
    locked_branch,
    revision,
    version,
)

_FETCHED: Final = ("lib_deps", "platform", "platform_packages")
_LOCAL: Final = ("file://", "symlink://", ".", "/")


def platformio(manifest: Manifest) -> Iterator[Pin]:
    """PlatformIO: platforms, packages and libraries, by version or by address."""
    for line, _, key, value in marked.ini(manifest.text):
        if key not in _FETCHED:
            continue
        # Addresses may hold commas; names and versions do not.
        words = [value] if "://" in value else value.split(", ")
        for word in (each.strip().strip(",") for each in words):
            # ${common.lib_deps} stands in this file too, and is judged there.
            if word and not re.fullmatch(r"\$\{[^}]+\}", word):
                name, judged = _platformio(word)
                if judged is not None:
                    yield manifest.pin(line, "platformio", name, judged)


def _platformio(word: str) -> tuple[str, Judged | None]:
    named = re.match(r"([A-Za-z0-9_.-]+)\s*[=@]\s*(?=\S+://|symlink:|file:)", word)
    name, address = (named[1], word[named.end() :]) if named else ("", word)
    if address.startswith(_LOCAL):
        return address, None
    if "://" in address or address.startswith("git@"):
        where, _, wanted = address.partition("#")
        short = name or where.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        if re.search(r"\.(?:zip|tar|tgz|tar\.\w+)\Z", where) and not wanted:
            return short, download(address, "")
        return short, revision(wanted)
    name, _, wanted = address.partition("@")
    return name.strip(), version(wanted)


def arduino(manifest: Manifest) -> Iterator[Pin]:
    """An Arduino library's `depends`: names with at best a version, never a digest."""
    for line, _, key, value in marked.ini(re.sub(r"(?m)^\[", "#[", manifest.text)):
        if key != "depends":
            continue
        for word in re.split(r",\s*(?![^(]*\))", value):
            found = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", word)
            if found:
                wanted = re.sub(r"^=\s*", "", found[2] or "")
                yield manifest.pin(line, "arduino", found[1], version(wanted))


def esp_idf(manifest: Manifest) -> Iterator[Pin]:
    """ESP-IDF components: fixed by the hashes of dependencies.lock."""
    lock = manifest.above(["dependencies.lock"])
    locked = _locked(manifest.read(lock) or "") if lock else {}
    root = marked.compose(manifest.text)
    for name, facts in marked.items(marked.member(root, "dependencies")):
        said = dict(marked.items(facts))
        if name == "idf" or "path" in said or "override_path" in said:
            continue
        wanted = marked.scalar(facts) or marked.scalar(said.get("version"))
        judged = revision(wanted) if "git" in said else version(wanted)
        full = name if "/" in name or "git" in said else f"espressif/{name}"
        digest = locked.get(full) or locked.get(name, "")
        line = marked.line(said.get("version", facts))
        if "git" in said:
            judged = locked_branch(judged, digest)
        elif digest:
            judged = (judged[0], digest, "")
        elif not lock:
            judged = (f"{judged[0]}, without dependencies.lock", "", LOCK)
        yield manifest.pin(line, "esp-idf", name, judged)


def _locked(text: str) -> dict[str, str]:
    """Component -> digest, of a dependencies.lock."""
    found = {}
    for name, facts in marked.items(marked.member(marked.compose(text), "dependencies")):
        digest = hexadecimal(marked.scalar(marked.member(facts, "component_hash")), "sha256")
        commit = revision(marked.scalar(marked.member(facts, "version")))[1]
        found[name] = digest or commit
    return {name: digest for name, digest in found.items() if digest}

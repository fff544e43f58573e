"""What CI and containers fetch: base images, actions, included pipelines."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from firmward.vendor.source.manifests import marked
from firmward.vendor.source.manifests.pin import (
    BRANCH,
    NONE,
    TAG,
    Judged,
    Manifest,
    Pin,
    download,
    revision,
    unresolved,
)

_FLOATING: Final = ("latest", "stable", "edge", "nightly", "main", "master", "dev", "testing")


def image(reference: str) -> Judged:
    """What a container image reference fixes."""
    name, _, digest = reference.partition("@")
    if re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return reference, digest, ""
    last = name.rsplit("/", 1)[-1]
    _, _, tag = last.partition(":")
    if not tag or tag in _FLOATING or unresolved(reference):
        return reference, "", NONE
    return reference, "", TAG


_FROM: Final = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*\Z", re.IGNORECASE)
_COPY: Final = re.compile(r"(?:COPY|ADD)\s.*--from=(\S+)", re.IGNORECASE)
_ADD: Final = re.compile(r"ADD\s+(.*)", re.IGNORECASE)
_ARG: Final = re.compile(r"ARG\s+(\w+)=(\S*)", re.IGNORECASE)


def dockerfile(manifest: Manifest) -> Iterator[Pin]:
    """A Dockerfile: images by digest, added files by checksum."""
    known: dict[str, str] = {}
    stages = {"scratch"}
    for line, text in instructions(manifest.text):
        if found := _ARG.match(text):
            known[found[1]] = found[2].strip("\"'")
        elif found := _FROM.match(text):
            name = _resolved(found[1], known)
            if name.lower() not in stages:
                yield manifest.pin(line, "image", name.partition("@")[0], image(name))
            if found[2]:
                stages.add(found[2].lower())
        elif found := _COPY.match(text):
            name = _resolved(found[1], known)
            if name.lower() not in stages and not name.isdigit():
                yield manifest.pin(line, "image", name.partition("@")[0], image(name))
        elif (found := _ADD.match(text)) and "--checksum=" not in text:
            for address in re.findall(r"(?:https?|ftp)://\S+", found[1]):
                yield manifest.pin(line, "image", address, download(address, ""))


def instructions(text: str) -> Iterator[tuple[int, str]]:
    """(line, instruction) of a Dockerfile, continued lines as one."""
    start, kept = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        content = raw.strip()
        if content.startswith("#"):
            continue
        start = start or number
        if content.endswith("\\"):
            kept += content[:-1] + " "
            continue
        yield start, kept + content
        start, kept = 0, ""
    if kept:
        yield start, kept


def _resolved(word: str, known: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        return known[name] if name in known else found[2] or found[0]

    return re.sub(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))", value, word.strip("\"'"))


def actions(manifest: Manifest) -> Iterator[Pin]:
    """GitHub workflows and composite actions: actions by commit, images by digest."""
    for node in marked.walk(marked.compose(manifest.text)):
        for key, value in marked.items(node):
            word = marked.scalar(value)
            if key == "uses" and word and not word.startswith("./"):
                name, _, wanted = word.partition("@")
                if word.startswith("docker://"):
                    judged = image(word.removeprefix("docker://"))
                else:
                    judged = revision(wanted)
                yield manifest.pin(marked.line(value), "github-action", name, judged)
            elif key in ("container", "image"):
                named = word or marked.scalar(marked.member(value, "image"))
                # ${{ }} is filled in from a matrix or a secret, where nothing can be told.
                if named and (key == "container" or not named.startswith("Dockerfile")):
                    name = named.removeprefix("docker://")
                    yield manifest.pin(marked.line(value), "image", name, image(name))


def gitlab(manifest: Manifest) -> Iterator[Pin]:
    """GitLab CI: images by digest, included pipelines by commit."""
    root = marked.compose(manifest.text)
    known = {name: marked.scalar(value) for name, value in _variables(root)}
    for node in marked.walk(root):
        for key, value in marked.items(node):
            if key == "image":
                yield from _image(manifest, value, known)
            elif key == "services":
                for each in marked.each(value):
                    yield from _image(manifest, each, known)
    said = marked.member(root, "include")
    for each in marked.each(said) or ([said] if said else []):
        yield from _included(manifest, each)


def _variables(root: marked.Node | None) -> Iterator[tuple[str, marked.Node]]:
    for name, value in marked.items(marked.member(root, "variables")):
        yield name, marked.member(value, "value") or value


def _image(manifest: Manifest, node: marked.Node, known: Mapping[str, str]) -> Iterator[Pin]:
    word = marked.scalar(node) or marked.scalar(marked.member(node, "name"))
    named = _resolved(word, known)
    # What this very pipeline made is not fetched from anybody.
    if word and not named.startswith(("$CI_REGISTRY_IMAGE", "${CI_REGISTRY_IMAGE}")):
        yield manifest.pin(marked.line(node), "image", named.partition("@")[0], image(named))


def _included(manifest: Manifest, node: marked.Node) -> Iterator[Pin]:
    facts = {name: marked.scalar(value) for name, value in marked.items(node)}
    line = marked.line(node)
    word = marked.scalar(node) or facts.get("remote", "")
    if "://" in word:
        digest = facts.get("integrity", "").replace("sha256-", "sha256:")
        yield manifest.pin(line, "gitlab-ci", word, download(word, digest))
    elif "project" in facts:
        ref = facts.get("ref", "")
        judged = revision(ref) if ref else ("no ref", "", BRANCH)
        yield manifest.pin(line, "gitlab-ci", facts["project"], judged)
    elif "component" in facts:
        name, _, wanted = facts["component"].partition("@")
        judged = (wanted, "", NONE) if wanted.startswith("~") else revision(wanted)
        yield manifest.pin(line, "gitlab-ci", name, judged)

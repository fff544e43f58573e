"""Manifests that check out git repositories: submodules, west, Google's repo, Mbed, Meson wraps."""

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from firmward.vendor.source import gitmodules
from firmward.vendor.source.manifests import marked
from firmward.vendor.source.manifests.pin import (
    BRANCH,
    Manifest,
    Pin,
    Unreadable,
    download,
    hexadecimal,
    revision,
)
from firmward.vendor.source.refused import SourceRefused


def submodules(manifest: Manifest) -> Iterator[Pin]:
    """A submodule's commit is in the tree; `branch =` says that `--remote` will move it."""
    try:
        declared = gitmodules.read(manifest.text.encode(), manifest.path)
    except SourceRefused as error:
        raise Unreadable(str(error)) from error
    for each in declared:
        if each.branch:
            says = f"branch = {each.branch}"
            yield manifest.pin(each.branch_line, "git-submodule", each.name, (says, "", BRANCH))


def west(manifest: Manifest) -> Iterator[Pin]:
    """Zephyr's west: every project by a commit, its own imports too."""
    root = marked.compose(manifest.text)
    said = marked.member(root, "manifest")
    if said is None:
        raise Unreadable("no manifest in it")
    default = marked.scalar(marked.member(said, "defaults", "revision"))
    for project in marked.each(marked.member(said, "projects")):
        facts = dict(marked.items(project))
        name = marked.scalar(facts.get("name"))
        # Without any revision west takes a branch called master.
        wanted = marked.scalar(facts.get("revision")) or default
        place = facts.get("revision", project)
        judged = revision(wanted)
        if "import" in facts and judged[2]:
            judged = (f"{judged[0]} (and what it imports)", judged[1], judged[2])
        yield manifest.pin(marked.line(place), "west", name, judged)
    for path in _imported(manifest, marked.member(said, "self", "import")):
        text = manifest.read(path)
        if text is None:
            raise Unreadable(f"imports {path}, which is not in the tree")
        if path != manifest.path:
            yield from west(Manifest(path, text, manifest.paths, manifest.read))


def _imported(manifest: Manifest, node: marked.Node | None) -> list[str]:
    """The files of this tree that a manifest takes in."""
    said = [node, *marked.each(node), marked.member(node, "file")]
    words = [word for each in said if (word := marked.scalar(each))]
    found: list[str] = []
    for word in words:
        name = manifest.folder + word.removeprefix("./").rstrip("/")
        inside = [path for path in manifest.paths if path.startswith(f"{name}/")]
        found += [name] if word.endswith((".yml", ".yaml")) else sorted(inside)
    return found


def repo(manifest: Manifest) -> Iterator[Pin]:
    """Google's repo: every project by a commit, its own or the default one."""
    elements = list(_elements(manifest.text))
    if not elements or elements[0][1] != "manifest":
        return
    remotes = {
        a.get("name", ""): a.get("revision", "") for _, tag, a in elements if tag == "remote"
    }
    defaults = [a for _, tag, a in elements if tag == "default"]
    default = defaults[0] if defaults else {}
    for line, tag, facts in elements:
        if tag in ("project", "extend-project", "superproject"):
            remote = facts.get("remote") or default.get("remote", "")
            wanted = facts.get("revision") or remotes.get(remote) or default.get("revision", "")
            if tag == "extend-project" and "revision" not in facts:
                continue
            yield manifest.pin(line, "repo", facts.get("name", "?"), revision(wanted))


def _elements(text: str) -> Iterator[tuple[int, str, dict[str, str]]]:
    """(line, tag, attributes) of each element.  Entities are refused: they serve to explode."""
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise Unreadable("a document type of its own")
    found: list[tuple[int, str, dict[str, str]]] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append((parser.CurrentLineNumber, tag, attributes))

    parser.StartElementHandler = start
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Unreadable(f"not XML: {error}") from error
    yield from found


_LIB: Final = re.compile(r"\s*((?:https?|ssh)://\S+?|git@\S+?)(?:/?#(\S*))?\s*\Z")


def mbed(manifest: Manifest) -> Iterator[Pin]:
    """Mbed's NAME.lib: one line, an address and a commit."""
    found = _LIB.match(manifest.text)
    if found:
        yield manifest.pin(1, "mbed", manifest.name.removesuffix(".lib"), revision(found[2] or ""))


def meson(manifest: Manifest) -> Iterator[Pin]:
    """Meson's NAME.wrap: a git revision, or a file with its hash."""
    facts: dict[str, tuple[int, str]] = {}
    section = ""
    for line, section, key, value in marked.ini(manifest.text):
        facts.setdefault(f"{section}.{key}", (line, value))
    name = manifest.name.removesuffix(".wrap")
    nothing = (1, "")
    if "wrap-git.url" in facts:
        line, wanted = facts.get("wrap-git.revision", nothing)
        yield manifest.pin(line, "meson", name, revision("" if wanted == "head" else wanted))
    for what in ("source", "patch"):
        line, address = facts.get(f"wrap-file.{what}_url", nothing)
        if address:
            digest = hexadecimal(facts.get(f"wrap-file.{what}_hash", nothing)[1])
            yield manifest.pin(line, "meson", name, download(address, digest))


_ASSIGNED: Final = re.compile(
    r'^\s*([A-Za-z0-9_:\[\].-]+)\s*(?:\?|\+|:|\.)?=\s*"((?:[^"\\]|\\.)*)"',
    re.MULTILINE | re.DOTALL,
)


def bitbake(manifest: Manifest) -> Iterator[Pin]:
    """A Yocto recipe: a commit for git, a checksum for files; AUTOREV is whatever is there."""
    name = re.split(r"[_.]", manifest.name)[0]
    values = [
        (manifest.text.count("\n", 0, found.start(1)) + 1, found[1], found[2])
        for found in _ASSIGNED.finditer(re.sub(r"(?m)^#.*", "", manifest.text))
    ]
    summed = any("sha256sum" in key or "sha512sum" in key for _, key, _ in values)
    summed |= "sha256sum=" in manifest.text
    # Checksums may stand in a file that the recipe takes in.
    elsewhere = bool(re.search(r"(?m)^\s*(?:require|include)\s", manifest.text))
    for line, key, value in values:
        if key.startswith("SRCREV"):
            judged = (value, "", BRANCH) if "AUTOREV" in value else revision(value)
            yield manifest.pin(line, "bitbake", name, judged)
        for address in re.findall(
            r"(?:https?|ftp)://[^\s;\\\"]+", value if "SRC_URI" in key else ""
        ):
            if not summed and not elsewhere:
                yield manifest.pin(line, "bitbake", name, download(address, ""))


_PACKAGE: Final = re.compile(r"\$\(eval \$\((?:host-)?[a-z0-9]+-package\)\)")


def buildroot(manifest: Manifest) -> Iterator[Pin]:
    """A Buildroot package: a revision for git, a NAME.hash for files."""
    if not _PACKAGE.search(manifest.text):
        return
    found = {
        key: (manifest.text.count("\n", 0, where.start()) + 1, value.strip())
        for where in re.finditer(r"(?m)^([A-Z0-9_]+)\s*:?=\s*(.*)$", manifest.text)
        for key, value in [where.groups()]
    }
    name = manifest.name.removesuffix(".mk")
    prefix = name.upper().replace("-", "_")
    method = found.get(f"{prefix}_SITE_METHOD", (0, ""))[1]
    line, wanted = found.get(f"{prefix}_VERSION", (0, ""))
    site_line, site = found.get(f"{prefix}_SITE", (0, ""))
    if method in ("local", "file") or not site or site.startswith(("$(TOPDIR)", "/", ".")):
        return
    if method == "git" or site.startswith("git:"):
        yield manifest.pin(line, "buildroot", name, revision(wanted))
    elif f"{manifest.folder}{name}.hash" not in manifest.paths:
        yield manifest.pin(site_line, "buildroot", name, download(site, ""))

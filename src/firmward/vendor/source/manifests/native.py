"""Manifests of C and C++: CMake's FetchContent and ExternalProject, CPM, Conan, vcpkg."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from firmward.vendor.source.manifests import marked
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
    revision,
)

_TOKEN: Final = re.compile(
    r"#\[(?P<a>=*)\[.*?\](?P=a)\]|#[^\n]*"
    r"|\[(?P<b>=*)\[(?P<bracket>.*?)\](?P=b)\]"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<open>\()|(?P<close>\))"
    r'|(?P<word>(?:[^\s()#"\\]|\\.)+)|\s+',
    re.DOTALL,
)
_FETCHING: Final = ("fetchcontent_declare", "externalproject_add", "cpmaddpackage", "file", "set")


def cmake(manifest: Manifest) -> Iterator[Pin]:
    """CMake: what is fetched while it configures or builds."""
    known: dict[str, str] = {}
    for line, command, written in _commands(manifest.text):
        if command == "set" and len(written) > 1:
            known[written[0]] = written[1]
        words = [_resolved(word, known) for word in written]
        if command == "file" and words[:1] == ["DOWNLOAD"] and len(words) > 1:
            yield manifest.pin(line, "cmake", words[1], download(words[1], _hash(_settings(words))))
        elif command == "cpmaddpackage" and len(words) == 1:
            yield manifest.pin(line, "cmake", words[0], _short(words[0]))
        elif command in _FETCHING[:3] and words:
            judged = _fetched(_settings(words))
            named = _settings(words).get("NAME", words[0])
            if judged is not None:
                yield manifest.pin(line, "cmake", named, judged)


def _commands(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """(line, lower-case name, words) of the commands that fetch, or that set what those use."""
    name, words, depth, line, place = "", list[str](), 0, 1, 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise Unreadable(f"line {text.count(chr(10), 0, place) + 1} is no CMake")
        if token["open"]:
            depth += 1
            words = [] if depth == 1 else words
        elif token["close"]:
            depth -= 1
            if depth == 0 and name in _FETCHING:
                yield line, name, words
        elif (word := token["quoted"] or token["bracket"] or token["word"]) is not None:
            if depth:
                words.append(word)
            else:
                name, line = word.lower(), text.count("\n", 0, place) + 1
        place = token.end()
    if depth:
        raise Unreadable(f"line {line}: a command without its end")


def _resolved(word: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda each: known.get(each[1], each[0]), word)


def _settings(words: Sequence[str]) -> dict[str, str]:
    """KEYWORD -> the word after it."""
    return {
        word: words[number + 1]
        for number, word in enumerate(words[:-1])
        if re.fullmatch(r"[A-Z][A-Z0-9_]+", word)
    }


def _hash(facts: dict[str, str]) -> str:
    said = facts.get("URL_HASH") or facts.get("EXPECTED_HASH", "")
    # MD5 alone fixes nothing against somebody who chose both files.
    digest = hexadecimal(said.lower())
    return "" if digest.startswith("md5:") else digest


def _fetched(facts: dict[str, str]) -> Judged | None:
    if "GIT_REPOSITORY" in facts or {"GITHUB_REPOSITORY", "GITLAB_REPOSITORY"} & facts.keys():
        return revision(facts.get("GIT_TAG") or facts.get("VERSION", ""))
    if "SVN_REPOSITORY" in facts or "HG_REPOSITORY" in facts or "CVS_REPOSITORY" in facts:
        wanted = facts.get("HG_TAG") or facts.get("SVN_REVISION", "")
        return wanted or "no revision", "", TAG if re.search(r"\d", wanted) else NONE
    address = facts.get("URL", "")
    if "://" in address and not address.startswith("file:"):
        return download(address, _hash(facts))
    return None


def _short(word: str) -> Judged:
    """CPM's one-word form: gh:owner/name@version or #tag."""
    found = re.match(r"(?:https?://)?[^@#]+(?:#(?P<tag>.+)|@(?P<version>.+))?\Z", word)
    return revision((found["tag"] or found["version"] or "") if found else "")


_REFERENCE: Final = re.compile(
    r"(?P<name>[a-z0-9_+.-]+)/(?P<version>\[[^\]]*\]|[^@#%\s]+)(?:@[^#%\s]*)?"
    r"(?:#(?P<revision>[0-9a-f]{32,64}))?"
)
_NEEDS: Final = ("requires", "build_requires", "tool_requires", "test_requires", "python_requires")


def conan_text(manifest: Manifest) -> Iterator[Pin]:
    """conanfile.txt: references, fixed by recipe revisions or a conan.lock."""
    said = [
        (line, value)
        for line, section, _, value in marked.ini(_without_hash_comments(manifest.text), bare=True)
        if section in _NEEDS
    ]
    yield from _conan(manifest, said)


def _without_hash_comments(text: str) -> str:
    """A reference holds a # of its own; only one that starts a line is a comment."""
    return re.sub(r"(?m)^\s*#.*$", "", text).replace(" #", " ;")


def conan_python(manifest: Manifest) -> Iterator[Pin]:
    """conanfile.py, read as a syntax tree and never run."""
    try:
        tree = ast.parse(manifest.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"not Python: {error}") from error
    said: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _NEEDS:
                said += _strings(node.args[:1])
        elif isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            said += _strings([node.value]) if set(names) & set(_NEEDS) else []
    yield from _conan(manifest, said)


def _strings(nodes: Sequence[ast.expr]) -> list[tuple[int, str]]:
    """The texts in these expressions; one that is put together says so."""
    found: list[tuple[int, str]] = []
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, ast.JoinedStr):
            found.append((each.lineno, "computed/${}"))
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.append((each.lineno, each.value))
        else:
            waiting += ast.iter_child_nodes(each)
    return [(line, text) for line, text in found if "/" in text]


def _conan(manifest: Manifest, said: Sequence[tuple[int, str]]) -> Iterator[Pin]:
    lock = manifest.above(["conan.lock"])
    locked = _conan_locked(manifest.read(lock) or "", lock) if lock else {}
    for line, text in said:
        found = _REFERENCE.match(text)
        if found is None:
            yield manifest.pin(line, "conan", text, (text, "", NONE))
            continue
        name, wanted = found["name"], found["version"]
        digest = f"conanRevision:{found['revision']}" if found["revision"] else locked.get(name, "")
        if digest:
            judged: Judged = (text, digest, "")
        elif name in locked:
            judged = (f"{text}: {lock} has no revision", "", TAG)
        elif lock:
            judged = (f"{text}: not in {lock}", "", LOCK)
        else:
            judged = (text, "", RANGE if wanted.startswith("[") else _loose(wanted))
        yield manifest.pin(line, "conan", name, judged)


def _loose(wanted: str) -> str:
    return NONE if "$" in wanted else TAG


def _conan_locked(text: str, path: str) -> dict[str, str]:
    """Name -> digest of its recipe, "" for one that is locked without a revision."""
    try:
        said: Any = json.loads(text)
        nodes = said.get("graph_lock", {}).get("nodes", {}).values()
        references = [node.get("ref", "") for node in nodes]
        for key in ("requires", "build_requires", "python_requires"):
            references += said.get(key) or []
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise Unreadable(f"{path} is no lock: {error}") from error
    found = [each for word in references if (each := _REFERENCE.match(str(word)))]
    return {
        each["name"]: f"conanRevision:{each['revision']}" if each["revision"] else ""
        for each in found
    }


def vcpkg(manifest: Manifest) -> Iterator[Pin]:
    """vcpkg.json: a baseline commit fixes every port; a registry needs one of its own."""
    said = marked.json_object(manifest.text)
    beside = manifest.read(f"{manifest.folder}vcpkg-configuration.json")
    settings = said.get("vcpkg-configuration") or (marked.json_object(beside) if beside else {})
    registry = settings.get("default-registry") or {}
    baseline = str(said.get("builtin-baseline") or registry.get("baseline") or "")
    if said.get("dependencies"):
        line = manifest.line_of('"builtin-baseline"') or manifest.line_of('"dependencies"')
        judged = revision(baseline)
        yield manifest.pin(
            line, "vcpkg", "baseline", judged if baseline else ("no baseline", "", NONE)
        )
    for each in settings.get("registries") or []:
        if each.get("kind") == "git":
            name = str(each.get("repository", "registry"))
            yield manifest.pin(
                manifest.line_of(name), "vcpkg", name, revision(str(each.get("baseline") or ""))
            )

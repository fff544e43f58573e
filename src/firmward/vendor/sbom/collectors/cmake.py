"""CMake: what FetchContent, ExternalProject and CPM fetch, and what find_package asks the host for.

The scripts are read, never run: plain `set` and `project` values are filled in, and a dependency
whose version is computed is a declared unknown.

Source: cmake.org, cmake-language(7), FetchContent, ExternalProject; CPM.cmake's README.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import from_git, required, stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import MIB, Tree

NAME: Final = "cmake"
_FETCHES: Final = {"fetchcontent_declare", "externalproject_add"}
_CPM: Final = {"cpmaddpackage", "cpmfindpackage", "cpmdeclarepackage"}
_NAMING: Final = _FETCHES | _CPM | {"find_package"}
_READ: Final = _NAMING | {"set", "project"}
# Most scripts fetch nothing: only those with one of these words are taken apart.
_TELLING: Final = re.compile(
    r"fetchcontent_declare|externalproject_add|cpm\w+package|find_package", re.IGNORECASE
)
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n;]+)
    |(?P<block>\#?\[(?P<marks>=*)\[)
    |(?P<comment>\#[^\n]*)
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |(?P<open>\()|(?P<close>\))
    |(?P<plain>(?:[^\s()#"\\;]|\\.)(?:[^\s()"\\;]|\\.)*)""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE: Final = re.compile(r"\$\{([\w.+/-]+)\}")
_KEYWORD: Final = re.compile(r"^[A-Z][A-Z0-9_]+$")
# Tools of the build machine: they make the firmware and are not in it.
_TOOLS: Final = frozenset(
    """
    ament_cmake awk bash bison ccache clang-format clang-tidy cppcheck cxxtest dot doxygen dtc flex
    gcov gdb gettext git gnuarmemb gperf gtest host-tools hosttools java latex lcov llvm make
    openocd patch perl perllibs pkgconfig pkg-config python python2 python3 pythoninterp pythonlibs
    qemu ruby sphinx subversion swig targettools threads tclsh unixcommands valgrind zephyr-sdk
    """.split()  # noqa: SIM905  forty quoted words are no easier to read
)


@dataclass(frozen=True)
class _Command:
    """`start` is where in the text its name stands."""

    name: str
    words: tuple[str, ...]
    start: int


def collect(tree: Tree) -> Iterator[Found]:
    """Every dependency that the tree's CMake scripts name."""
    for path in [*tree.named("CMakeLists.txt"), *tree.ending(".cmake")]:
        text = tree.text(path, 8 * MIB)
        if _TELLING.search(text):
            yield from _script(path, text)


def _script(path: str, text: str) -> Iterator[Found]:
    variables: dict[str, str] = {}
    for command in _commands(path, text):
        words = tuple(_filled(word, variables) for word in command.words)
        if command.name == "set" and len(words) == 2:
            variables[words[0]] = words[1]
        elif command.name == "project" and "VERSION" in words[:-1]:
            variables["PROJECT_VERSION"] = words[words.index("VERSION") + 1]
        elif words and command.name in _NAMING and not _for_the_build(command.name, words[0]):
            yield _named(path, text.count("\n", 0, command.start) + 1, command.name, words)


def _for_the_build(command: str, name: str) -> bool:
    return command == "find_package" and name.lower() in _TOOLS


def _named(path: str, line: int, command: str, words: tuple[str, ...]) -> Found:
    if command in _FETCHES:
        return _fetched(path, line, words[0], _options(words[1:]))
    if command in _CPM:
        return _cpm(path, line, words)
    return _asked_for(path, line, words)


def _commands(path: str, text: str) -> Iterator[_Command]:
    """Every command we read, with its words; parentheses inside it only group."""
    depth, name, start = 0, "", 0
    words: list[str] = []
    for kind, word, at in _tokens(path, text):
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth == 0 and name in _READ:
                yield _Command(name, tuple(words), start)
        elif depth > 0:
            words.append(word)
        else:
            name, words, start = word.lower(), [], at
        if depth < 0:
            raise _unclosed(path, text, at)
    if depth != 0:
        raise _unclosed(path, text, len(text))


def _tokens(path: str, text: str) -> Iterator[tuple[str, str, int]]:
    """("open" | "close" | "word", the word, where it stands); comments left out."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise _unclosed(path, text, at)
        start, at = at, match.end()
        if match["block"]:
            end = text.find(f"]{match['marks']}]", at)
            if end < 0:
                raise _unclosed(path, text, start)
            if not match["block"].startswith("#"):
                yield "word", text[at:end], start
            at = end + len(match["marks"]) + 2
        elif match["open"] or match["close"]:
            yield "open" if match["open"] else "close", "", start
        elif match["plain"] or match["quoted"] is not None:
            yield "word", match["plain"] or match["quoted"], start


def _unclosed(path: str, text: str, at: int) -> Malformed:
    line = text.count("\n", 0, at) + 1
    return Malformed(path, "CMake with its quotes, brackets and parentheses closed", f"line {line}")


def _filled(word: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), word)


def _options(words: tuple[str, ...]) -> dict[str, str]:
    """KEYWORD -> the word after it."""
    return {name: value for name, value in pairwise(words) if _KEYWORD.match(name)}


def _fetched(path: str, line: int, name: str, options: dict[str, str]) -> Found:
    repository, tag = options.get("GIT_REPOSITORY", ""), options.get("GIT_TAG", "")
    if repository:
        found = from_git(NAME, path, "declared", name, repository, tag, line=line)
        # A tag that nobody filled in may be anything, and its text is no version.
        return found if "${" not in repository + tag else _unfilled(path, line, name, tag)
    url = options.get("URL", "")
    digest = options.get("URL_HASH", "")
    algorithm, _, value = digest.partition("=")
    if not url and "URL_MD5" in options:
        algorithm, value = "MD5", options["URL_MD5"]
    if not url or "${" in url:
        return _unfilled(path, line, name, url)
    version, _ = purls.resolution(
        url.rpartition("/")[2].removesuffix(".tar.gz").removesuffix(".zip")
    )
    version = re.sub(r"\.(?:tar|tgz|t[bx]z|zip|7z)(?:\..*)?$", "", version)
    return stated(
        *(NAME, path, "declared", name, version),
        line=line,
        says=url,
        purl=purls.make("generic", name.lower(), version, "", {"download_url": url}),
        hashes={algorithm.lower(): value.lower()} if value else {},
        resolution="pinned" if value else "range",
    )


def _unfilled(path: str, line: int, name: str, said: str) -> Found:
    return stated(
        *(NAME, path, "declared", name),
        line=line,
        says=said or f"{name} without a place to fetch it from",
        known_unknown=True,
        resolution="range",
    )


_SHORT: Final = re.compile(
    r"^(?P<host>gh|gl|bb):(?P<path>[\w./-]+?)(?:#(?P<tag>[^@\s]+)|@(?P<version>[^#\s]+))*$"
)
_HOSTS: Final = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}


def _cpm(path: str, line: int, words: tuple[str, ...]) -> Found:
    if match := _SHORT.match(words[0]):
        url = f"https://{_HOSTS[match['host']]}/{match['path']}"
        revision = match["tag"] or f"v{match['version']}" if match["version"] else match["tag"]
        return from_git(NAME, path, "declared", "", url, revision or "", line=line)
    options = _options(words)
    name = options.get("NAME", words[0])
    version = options.get("VERSION", "")
    tag = options.get("GIT_TAG") or (f"v{version}" if version else "")
    places = {
        "GITHUB_REPOSITORY": "https://github.com/",
        "GITLAB_REPOSITORY": "https://gitlab.com/",
        "BITBUCKET_REPOSITORY": "https://bitbucket.org/",
        "GIT_REPOSITORY": "",
    }
    for option, host in places.items():
        if option in options:
            filled = {"GIT_REPOSITORY": host + options[option], "GIT_TAG": tag}
            return _fetched(path, line, name, filled)
    return _fetched(path, line, name, options)


def _asked_for(path: str, line: int, words: tuple[str, ...]) -> Found:
    name = words[0]
    asked = words[1] if len(words) > 1 and words[1][:1].isdigit() else ""
    # Without EXACT any later version will do.
    version, resolution = required(asked) if "EXACT" in words else ("", "range")
    return stated(
        *(NAME, path, "declared", name, version),
        line=line,
        says=f"find_package({' '.join(words[:4])})",
        purl=purls.make("generic", name.lower(), version) if "${" not in name else "",
        known_unknown="${" in name,
        resolution=resolution,
        confidence=0.3,
    )

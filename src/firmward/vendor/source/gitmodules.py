"""`.gitmodules` as git writes it: where a submodule lies, and where it was cloned from."""

import posixpath
import re
from dataclasses import dataclass
from typing import Final

from firmward.vendor.source.refused import SourceRefused

FILE: Final = ".gitmodules"
_SECTION: Final = re.compile(r'\[submodule "(?P<name>[^"\\]+)"\]\s*(?:[#;].*)?\Z')
_SETTING: Final = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]*)\s*=\s*(?P<value>.*?)\s*\Z")
_URL: Final = re.compile(
    r"(?:https?|ssh|git)://[A-Za-z0-9\[][^\s]*\Z"  # with a host
    r"|(?!-)[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*:(?!/?\.\.)[^\s:]+\Z"  # user@host:path
)
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True)
class Declared:
    """One submodule as declared; lines count from 1."""

    name: str
    line: int
    path: str = ""
    url: str = ""
    branch: str = ""
    branch_line: int = 0


def read(data: bytes, who: str = FILE) -> tuple[Declared, ...]:
    """Every submodule that is declared.  Raises SourceRefused for anything git does not write."""
    found: list[Declared] = []
    settings: dict[str, str] = {}
    for number, line in enumerate(_lines(data, who), 1):
        text = line.strip()
        if section := _SECTION.match(text):
            settings = {}
            found.append(Declared(section["name"], number))
        elif setting := _SETTING.match(text):
            if not found:
                raise SourceRefused(who, 'a [submodule "name"] first', f"line {number}")
            key = setting["key"].lower()
            # One reader takes the first of two, another the last.
            if key in settings:
                raise SourceRefused(who, "each key once", f"line {number}: {key}")
            settings[key] = _plain(setting["value"])
            found[-1] = _with(found[-1], settings, number)
        elif text and not text.startswith(("#", ";")):
            raise SourceRefused(who, "submodules as git writes them", f"line {number}: {text[:60]}")
    return tuple(found)


def _lines(data: bytes, who: str) -> list[str]:
    try:
        return data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise SourceRefused(who, "UTF-8", str(error)) from error


def _plain(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _with(declared: Declared, settings: dict[str, str], line: int) -> Declared:
    branch = settings.get("branch", "")
    return Declared(
        declared.name,
        declared.line,
        settings.get("path", ""),
        settings.get("url", ""),
        branch,
        declared.branch_line or (line if branch else 0),
    )


def whole(declared: Declared) -> Declared:
    """A submodule whose name, path and URL lead where they say, without credentials.

    A name is a folder below .git/modules and a path one below the tree: `..` in either has written
    hooks before (CVE-2018-11235).  A relative URL names no repository by itself, and `ext::` or
    `file://` ones run commands or read this machine.

    raises  SourceRefused
    """
    who = f"submodule {declared.name!r}"
    for what in (declared.name, declared.path):
        if not what or what.startswith(("/", "-")) or posixpath.normpath(what) != what.rstrip("/"):
            raise SourceRefused(who, "a name and a path inside the repository", repr(what))
        if ".." in what.split("/") or "\\" in what:
            raise SourceRefused(who, "a name and a path inside the repository", repr(what))
    url = _CREDENTIALS.sub("", declared.url)
    if not _URL.match(url) or ".." in re.split(r"[/:]", url):
        raise SourceRefused(who, "the full URL of a repository on a host", repr(url))
    return Declared(declared.name, declared.line, declared.path.rstrip("/"), url)

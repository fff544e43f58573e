"""The table of well-known parts (`known.toml`): what they are called, and how they tell a version.

The table only says how to recognise something; versions always come from the tree or the image.
"""

import hashlib
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from firmward.binaries.names import bare
from firmward.vendor.sbom import purls

_TABLE: Final = "known.toml"


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a source tree says the version of a part; the fields are told at the table's top."""

    file: str
    macro: str = ""
    take: str = ""
    numbers: tuple[str, ...] = ()
    halves: str = ""
    pattern: str = ""
    needs: str = ""
    beside: str = ""

    @property
    def says(self) -> str:
        """The macro or the first of them, for people."""
        return self.macro or self.halves or (self.numbers[0] if self.numbers else self.file)

    def version(self, text: str) -> tuple[str, int]:
        """(the version in a file's text, where in it that stands); ("", 0) where it has none."""
        if self.needs not in text:
            return "", 0
        if self.macro:
            found = re.search(rf'#\s*define\s+{self.macro}\s+"([^"\n]+)"', text)
            taken = re.search(self.take or r"(.+)", found[1]) if found else None
            return (taken[1].strip(), found.start()) if found and taken else ("", 0)
        if self.pattern:
            found = re.search(self.pattern, text)
            return (".".join(found.groups()), found.start()) if found else ("", 0)
        if self.halves:
            found = re.search(rf"#\s*define\s+{self.halves}\s+0x([0-9a-fA-F]{{8}})\b", text)
            pair = (int(found[1][:4], 16), int(found[1][4:], 16)) if found else ()
            return (".".join(map(str, pair)), found.start()) if found else ("", 0)
        return self._joined(text)

    def _joined(self, text: str) -> tuple[str, int]:
        numbers, start = [], 0
        for name in self.numbers:
            found = re.search(
                rf'#\s*define\s+{name}\s+[("]*\s*(0x[0-9a-fA-F]+|\d+)[uUlL]*\s*[)"]*', text
            )
            if not found:
                return "", 0
            numbers.append(str(int(found[1], 16 if found[1].startswith("0x") else 10)))
            start = start or found.start()
        return ".".join(numbers), start


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One well-known part; the fields are told at the table's top."""

    name: str
    aliases: tuple[str, ...] = ()
    supplier: str = ""
    licence: str = ""
    cpes: tuple[str, ...] = ()
    repository: str = ""
    archives: tuple[str, ...] = ()
    where: str = ""
    version_in_path: str = ""
    marks: tuple[Mark, ...] = ()

    def purl(self, version: str) -> str:
        """Its generic package URL."""
        return purls.make("generic", self.name, version)

    def cpe_names(self, version: str) -> tuple[str, ...]:
        """CPE 2.3 names of a version, "*" where it is not known."""
        number = re.sub(r"([^\w.-])", r"\\\1", version) or "*"
        return tuple(f"cpe:2.3:{each}:{number}:*:*:*:*:*:*:*" for each in self.cpes)


@cache
def table() -> tuple[Known, ...]:
    """Every known part."""
    listed = tomllib.loads(_text())["component"]
    return tuple(msgspec.convert(each, Known) for each in listed)


def digest() -> str:
    """SHA-256 of the table, on which every result depends."""
    return hashlib.sha256(_text().encode()).hexdigest()


@cache
def _text() -> str:
    return (files("firmward.vendor.sbom") / _TABLE).read_text("utf-8")


@cache
def _by_name() -> dict[str, Known]:
    return {bare(name): known for known in table() for name in (known.name, *known.aliases)}


@cache
def _by_repository() -> dict[str, Known]:
    urls = ((purls.of_repository(known.repository), known) for known in table())
    return {purls.key(url): known for url, known in urls if url}


# Package types whose names mean the upstream C or C++ project; npm's `lua` is not Lua.
_TYPES: Final = ("generic", "github", "bitbucket", "conan", "platformio")


def recognised(name: str, purl: str = "") -> Known | None:
    """The known part of this package URL's repository, or of this name, if there is one."""
    if purl:
        kind = purl.removeprefix("pkg:").partition("/")[0]
        found = _by_repository().get(purls.key(purl))
        if found or kind not in _TYPES:
            return found
    return _by_name().get(bare(name))

"""PlatformIO: `platformio.ini` names platforms, frameworks and libraries per environment.

Source: docs.platformio.org, projectconf, lib_deps and platform.
"""

import re
from collections.abc import Iterator
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import from_git, required, stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import line_of, read_ini
from firmward.vendor.sbom.tree import Tree

NAME: Final = "platformio"
_OPTIONS: Final = ("lib_deps", "platform", "platform_packages")
_REFERENCE: Final = re.compile(r"\$\{([^.}\s]+)\.([^}\s]+)\}")
_GIT: Final = re.compile(r"^(?:git\+|git@|ssh:|https?:.*\.git(?:#|$)|https?://github\.com/)")
_DEEPEST: Final = 8


def collect(tree: Tree) -> Iterator[Found]:
    """Every library and platform, each once however many environments use it."""
    for path in tree.named("platformio.ini"):
        text = tree.text(path)
        for option, spec in dict.fromkeys(_specs(tree, path)):
            yield _found(path, text, option, spec)


def _specs(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """(option, one of its values) of every section, in their order."""
    sections = read_ini(tree.read(path), path)
    for name, options in sections.items():
        for option in _OPTIONS:
            for spec in _words(sections, name, options.get(option, ""), path):
                yield option, spec


def _words(
    sections: dict[str, dict[str, str]], own: str, value: str, path: str, depth: int = 0
) -> list[str]:
    """The values of an option, references to other sections resolved."""
    if depth > _DEEPEST:
        raise Malformed(path, f"references at most {_DEEPEST} deep", value[:60])

    def resolved(match: re.Match[str]) -> str:
        section, option = match.groups()
        section = own if section == "this" else section
        inner = sections.get(section, {}).get(option)
        if inner is None:
            return "" if section in ("sysenv", "platformio") else match.group()
        return "\n".join(_words(sections, section, inner, path, depth + 1))

    whole = _REFERENCE.sub(resolved, value)
    listed = [word for line in whole.splitlines() for word in re.split(r",\s+", line)]
    return [word.strip() for word in listed if word.strip()]


def _found(path: str, text: str, option: str, spec: str) -> Found:
    named, _, address = spec.partition("=") if re.match(r"^[\w-]+\s*=\s*\w+:", spec) else ("",) * 3
    if _GIT.match(address or spec):
        url, _, revision = (address or spec).partition("#")
        return from_git(
            *(NAME, path, "declared", named.strip(), url, revision),
            line=line_of(text, spec),
            says=spec,
        )
    if re.match(r"^(?:\w+://|file:|symlink:|\.{0,2}/)", spec):
        name = re.split(r"[/=]", spec.rstrip("/"))[-1]
        return stated(NAME, path, "declared", name, text=text, says=spec, known_unknown=True)
    owned, _, wanted = spec.partition("@")
    owner, _, name = owned.strip().rpartition("/")
    version, resolution = required(wanted)
    return stated(
        *(NAME, path, "declared", name, version),
        text=text,
        says=spec,
        supplier=owner,
        purl=purls.make("platformio", name, version, owner),
        resolution=resolution,
        kind="application" if option != "lib_deps" else "library",
    )

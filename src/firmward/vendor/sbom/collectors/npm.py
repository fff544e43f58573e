"""npm, yarn and pnpm locks: the web interface of a device has parts too.

Source: docs.npmjs.com, package-lock.json (lockfileVersion 1 to 3); yarnpkg.com, lexicon "lockfile";
pnpm.io, pnpm-lock.yaml 5, 6 and 9.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import line_of, read_json, read_yaml, table, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "npm"
_DEEPEST: Final = 32


def collect(tree: Tree) -> Iterator[Found]:
    """Every package of every lock."""
    for path in tree.named("package-lock.json", "npm-shrinkwrap.json"):
        yield from _npm(tree, path)
    for path in tree.named("yarn.lock"):
        yield from _yarn(tree, path)
    for path in tree.named("pnpm-lock.yaml"):
        yield from _pnpm(tree, path)


def _package(path: str, name: str, version: str, **known: Any) -> Found:
    namespace, _, last = name.rpartition("/")
    if not last or not version:
        raise Malformed(path, "packages with name and version", f"{name[:60]!r} {version[:40]!r}")
    purl = purls.make("npm", last.lower(), version, namespace.lower())
    return stated(NAME, path, "lock", name, version, purl=purl, **known)


def _digests(integrity: str) -> dict[str, str]:
    """Algorithm -> hex of a Subresource Integrity text."""
    found = {}
    for each in integrity.split():
        algorithm, _, value = each.partition("-")
        try:
            found[algorithm] = base64.b64decode(value, validate=True).hex()
        except binascii.Error:
            continue
    return found


def _npm(tree: Tree, path: str) -> Iterator[Found]:
    text = tree.text(path)
    lock = table(read_json(tree.read(path), path), path, "the lock")
    if "packages" in lock:
        for place, each in table(lock["packages"], path, "packages").items():
            yield from _placed(path, text, place, table(each, path, "a package"))
    elif "dependencies" in lock:
        yield from _nested(path, text, lock["dependencies"], 0)
    elif "lockfileVersion" not in lock:
        raise Malformed(path, "an npm lock", "neither packages nor dependencies")


def _placed(path: str, text: str, place: str, each: dict[str, Any]) -> Iterator[Found]:
    # "" is the product itself; a link stands for a folder that is listed by itself.
    if "node_modules/" not in place or each.get("link"):
        return
    name = word(each.get("name"), path, "name") or place.rpartition("node_modules/")[2]
    licence = each.get("license")
    yield _package(
        path,
        name,
        word(each.get("version"), path, f"version of {name}"),
        line=line_of(text, f'"{place}"'),
        hashes=_digests(word(each.get("integrity"), path, "integrity")),
        licence=licence if isinstance(licence, str) else "",
        depends_on=tuple(table(each.get("dependencies"), path, "dependencies")),
        scope="build" if each.get("dev") or each.get("devOptional") else "unknown",
    )


def _nested(path: str, text: str, listed: Any, depth: int) -> Iterator[Found]:
    """Generation 1: packages inside the packages that brought them."""
    if depth > _DEEPEST:
        raise Malformed(path, f"dependencies at most {_DEEPEST} deep", "deeper")
    for name, value in table(listed, path, "dependencies").items():
        each = table(value, path, name)
        yield _package(
            path,
            name,
            word(each.get("version"), path, f"version of {name}"),
            line=line_of(text, f'"{name}"'),
            hashes=_digests(word(each.get("integrity"), path, "integrity")),
            depends_on=tuple(table(each.get("requires"), path, "requires")),
            scope="build" if each.get("dev") else "unknown",
        )
        yield from _nested(path, text, each.get("dependencies"), depth + 1)


_YARN_KEY: Final = re.compile(r'^"?((?:@[^@/"]+/)?[^@/"\s]+)@')
_YARN_FIELD: Final = re.compile(r'^  (version|integrity) "?([^"\n]+)"?$')


def _yarn(tree: Tree, path: str) -> Iterator[Found]:
    text = tree.text(path)
    if "__metadata:" in text:
        yield from _berry(tree, path, text)
        return
    if "yarn lockfile v1" not in text:
        raise Malformed(path, "a yarn lock", text[:40])
    entry: dict[str, str] = {}
    line = 0
    for number, raw in enumerate([*text.splitlines(), "end:"], 1):
        if raw and not raw[0].isspace() and not raw.startswith("#"):
            if line:
                yield _yarn_package(path, line, entry)
            match = _YARN_KEY.match(raw)
            if not match and raw != "end:":
                raise Malformed(path, "package keys", f"line {number}: {raw[:60]!r}")
            entry, line = {"name": match[1] if match else ""}, number
        elif field := _YARN_FIELD.match(raw):
            entry.setdefault(field[1], field[2])


def _yarn_package(path: str, line: int, entry: dict[str, str]) -> Found:
    digests = _digests(entry.get("integrity", ""))
    return _package(path, entry["name"], entry.get("version", ""), line=line, hashes=digests)


def _berry(tree: Tree, path: str, text: str) -> Iterator[Found]:
    for key, value in table(read_yaml(tree.read(path), path), path, "the lock").items():
        match = _YARN_KEY.match(key)
        each = table(value, path, key)
        resolved = word(each.get("resolution"), path, "resolution")
        # A workspace is the product's own code.
        if key == "__metadata" or "@workspace:" in resolved:
            continue
        if not match:
            raise Malformed(path, "package keys", key[:60])
        version = word(each.get("version"), path, "version")
        yield _package(path, match[1], version, line=line_of(text, key))


_PNPM_KEY: Final = re.compile(r"^/?((?:@[^@/]+/)?[^@/]+)[@/]([^@/()_]+)")


def _pnpm(tree: Tree, path: str) -> Iterator[Found]:
    text = tree.text(path)
    lock = table(read_yaml(tree.read(path), path), path, "the lock")
    if "lockfileVersion" not in lock:
        raise Malformed(path, "a pnpm lock", "no lockfileVersion")
    for key, value in table(lock.get("packages"), path, "packages").items():
        each = table(value, path, key)
        match = _PNPM_KEY.match(key)
        name = word(each.get("name"), path, "name") or (match[1] if match else "")
        version = word(each.get("version"), path, "version") or (match[2] if match else "")
        integrity = table(each.get("resolution"), path, "resolution").get("integrity")
        yield _package(
            path,
            name,
            version,
            line=line_of(text, f"{key}:") or line_of(text, key),
            hashes=_digests(word(integrity, path, "integrity")),
            depends_on=tuple(table(each.get("dependencies"), path, "dependencies")),
            scope="build" if each.get("dev") == "true" else "unknown",
        )

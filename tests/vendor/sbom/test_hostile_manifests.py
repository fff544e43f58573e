"""A manifest that cannot be read for certain stops the release: half of it would be no SBOM."""

import json
import os

import pytest

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors import (
    cargo,
    cmake,
    conan,
    espidf,
    golang,
    npm,
    platformio,
    python,
    submodules,
    vcpkg,
    west,
)
from firmward.vendor.sbom.tree import Tree

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmanifest: {projects: [*c]}\n"
DEEP = "manifest: " + "[" * 200 + "]" * 200
LINKED = '[submodule "x"]\n\tpath = ../../etc\n\turl = https://a.example/b\n'
TWICE = '{"lockfileVersion": 3, "packages": {}, "packages": {"node_modules/evil": {}}}'
CYCLE = "[env:a]\nlib_deps = ${env:b.lib_deps}\n[env:b]\nlib_deps = ${env:a.lib_deps}\n"

HOSTILE = {
    "an alias bomb": (west, "west.yml", LAUGHS, "alias"),
    "nesting without end": (west, "west.yml", DEEP, "nesting"),
    "a key twice in YAML": (west, "west.yml", "manifest: {}\nmanifest: {}\n", "twice"),
    "YAML that is no manifest": (west, "west.yml", "- 1\n", "table"),
    "an unknown remote": (west, "west.yml", "manifest: {projects: [{name: x}]}", "a remote"),
    "an import from outside": (west, "west.yml", "manifest: {self: {import: ../x.yml}}", "inside"),
    "a submodule outside the tree": (submodules, ".gitmodules", LINKED, "inside the tree"),
    "a section git never writes": (submodules, ".gitmodules", "path = x\n", "submodule sections"),
    "a member twice in JSON": (npm, "package-lock.json", TWICE, "twice"),
    "a lock that is something else": (npm, "package-lock.json", "{}", "an npm lock"),
    "JSON nested without end": (npm, "package-lock.json", "[" * 100_000, "JSON"),
    "a package without version": (
        *(npm, "package-lock.json", '{"packages": {"node_modules/a": {}}}'),
        "name and version",
    ),
    "a yarn lock of no kind": (npm, "yarn.lock", "lodash:\n", "a yarn lock"),
    "a yarn key of no kind": (npm, "yarn.lock", "# yarn lockfile v1\nlodash\n", "package keys"),
    "a pnpm lock of no kind": (npm, "pnpm-lock.yaml", "packages: {}\n", "a pnpm lock"),
    "a requirement of no kind": (python, "requirements.txt", "a b c\n", "requirements"),
    "an include from outside": (python, "requirements.txt", "-r ../../x.txt\n", "inside the tree"),
    "an include of a page": (python, "requirements.txt", "-r https://a.example/r.txt", "inside"),
    "an include nobody reads": (python, "requirements.txt", "-r setup.py\n", "inside|named"),
    "a line without end": (python, "requirements.txt", "a" * 20_000, "characters"),
    "TOML cut short": (python, "poetry.lock", "[[package]\n", "TOML"),
    "a TOML key twice": (cargo, "Cargo.lock", "version = 3\nversion = 4\n", "TOML"),
    "a crate without version": (cargo, "Cargo.lock", '[[package]]\nname = "a"\n', "version"),
    "a recipe that is no Python": (conan, "conanfile.py", "class :\n", "Python"),
    "a recipe nested without end": (conan, "conanfile.py", "x = " + "(" * 5000, "Python"),
    "a reference of no kind": (conan, "conanfile.txt", "[requires]\nzlib\n", "name/version"),
    "a conan lock of no kind": (conan, "conan.lock", "{}", "a Conan lock"),
    "CMake left open": (cmake, "CMakeLists.txt", "find_package(a\n", "closed"),
    "a CMake quote left open": (cmake, "CMakeLists.txt", 'find_package("a)\n', "closed"),
    "CMake brackets without end": (cmake, "x.cmake", "find_package(" + "[[ " * 300_000, "closed"),
    "a Go block left open": (golang, "go.mod", "require (\n", "closed blocks"),
    "a Go module without version": (golang, "go.mod", "require a.example/b\n", "its version"),
    "INI without sections": (platformio, "platformio.ini", "a = 1\n", "INI"),
    "an INI option twice": (platformio, "platformio.ini", "[a]\nb = 1\nb = 2\n", "INI"),
    "references in a circle": (platformio, "platformio.ini", CYCLE, "deep"),
    "ports that are no list": (vcpkg, "vcpkg.json", '{"dependencies": 1}', "a list"),
    "dependencies that are no table": (espidf, "idf_component.yml", "dependencies: [1]", "table"),
    "a control character": (
        *(vcpkg, "vcpkg.json", json.dumps({"dependencies": ["a\x1b[2J"]})),
        "one line",
    ),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_manifest_that_is_not_what_it_claims_is_refused(planted, attack):
    """By the collector that reads it, in words that name the file."""
    collector, name, text, message = HOSTILE[attack]

    with pytest.raises(Malformed, match=message) as refusal:
        list(collector.collect(planted({name: text})))
    assert name in str(refusal.value)


def test_a_manifest_past_the_limit_is_refused(planted):
    """Nobody writes a lock of 40 MiB."""
    with pytest.raises(Malformed, match="at most"):
        list(npm.collect(planted({"package-lock.json": b" " * (33 << 20)})))


def test_a_link_out_of_the_tree_is_no_manifest(planted, tmp_path):
    """Whoever may commit a link could otherwise have any file of the build host read."""
    secret = tmp_path / "requirements.txt"
    secret.write_text("secret==1.0\n")
    tree = planted({"main.c": ""})
    os.symlink(secret, tmp_path / "source" / "requirements.txt")
    os.symlink(tmp_path, tmp_path / "source" / "loop")

    assert ("main.c",) == tree.paths
    assert [] == list(python.collect(tree))
    with pytest.raises(Malformed, match="a link"):
        tree.read("requirements.txt")
    with pytest.raises(Malformed, match="a link"):
        tree.read("../requirements.txt")


def test_what_the_project_excludes_is_not_read(planted, tmp_path):
    """A library's own broken test data stops nobody's release, once somebody has said so."""
    planted({"vendor/lib/tests/package-lock.json": "{}"})
    tree = Tree(tmp_path / "source", excluded=("vendor/*/tests/*",))

    assert [] == list(npm.collect(tree))

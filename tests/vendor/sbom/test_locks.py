"""Each lock file gives the packages that it pins, with their digests."""

import base64
import hashlib
import json

import pytest

from firmward.vendor.sbom.collectors import cargo, golang, npm, python

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = hashlib.sha256(b"archive").hexdigest()
INTEGRITY = "sha256-" + base64.b64encode(bytes.fromhex(DIGEST)).decode()


def told(found):
    """(name, version, purl, resolution) of each part."""
    return [(each.name, each.version, each.purl, each.resolution) for each in found]


def package(**more):
    """An entry of an npm lock."""
    return {"version": "4.17.21", "integrity": INTEGRITY, **more}


def test_npm_locks_of_all_generations(planted):
    """The product itself and linked folders are left out; a scope stays part of the name."""
    packages = {
        "": {"name": "panel", "version": "1.0.0"},
        "node_modules/lodash": package(license="MIT"),
        "node_modules/@scope/ui": package(dev=True),
        "node_modules/ui/node_modules/lodash": package(version="3.0.0"),
        "local": {"version": "1.0.0"},
        "node_modules/local": {"link": True, "resolved": "local"},
    }
    third = json.dumps({"lockfileVersion": 3, "packages": packages})
    first = json.dumps(
        {
            "lockfileVersion": 1,
            "dependencies": {"a": package(dependencies={"b": package(version="1.0.0")})},
        }
    )
    found = list(npm.collect(planted({"x/package-lock.json": third, "y/package-lock.json": first})))

    assert [
        ("lodash", "4.17.21", "pkg:npm/lodash@4.17.21", "pinned"),
        ("@scope/ui", "4.17.21", "pkg:npm/%40scope/ui@4.17.21", "pinned"),
        ("lodash", "3.0.0", "pkg:npm/lodash@3.0.0", "pinned"),
        ("a", "4.17.21", "pkg:npm/a@4.17.21", "pinned"),
        ("b", "1.0.0", "pkg:npm/b@1.0.0", "pinned"),
    ] == told(found)
    assert {"sha256": DIGEST} == found[0].hashes
    assert "build" == found[1].scope


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("requirements.txt", "unknown"),
        ("web/prod-requirements.txt", "unknown"),
        ("requirements/base.txt", "unknown"),
        ("ci.requirements.txt", "build"),
        ("requirements-dev.txt", "build"),
        ("requirements/test.txt", "build"),
    ],
)
def test_requirements_of_development_do_not_ship(planted, path, scope):
    """Told by the file's name alone; in doubt it may ship."""
    [part] = python.collect(planted({path: "pylint==2.4.4\n", "requirements/debian.txt": "git\tx"}))

    assert scope == part.scope


YARN = f"""# yarn lockfile v1


"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.23.0"
  resolved "https://registry.example/core.tgz"
  integrity {INTEGRITY}

lodash@^4.17.0:
  version "4.17.21"
"""
BERRY = """
__metadata:
  version: 8
"lodash@npm:^4.17.0":
  version: 4.17.21
  resolution: "lodash@npm:4.17.21"
"panel@workspace:.":
  version: 0.0.0-use.local
  resolution: "panel@workspace:."
"""
PNPM = """
lockfileVersion: '9.0'
packages:
  '@babel/core@7.23.0':
    resolution: {integrity: %s}
  lodash@4.17.21:
    resolution: {integrity: %s}
"""
OLD_PNPM = "lockfileVersion: 5.4\npackages:\n  /lodash/4.17.21:\n    dev: true\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("yarn.lock", YARN, ["pkg:npm/%40babel/core@7.23.0", "pkg:npm/lodash@4.17.21"]),
        ("yarn.lock", BERRY, ["pkg:npm/lodash@4.17.21"]),
        (
            "pnpm-lock.yaml",
            PNPM % (INTEGRITY, INTEGRITY),
            ["pkg:npm/%40babel/core@7.23.0", "pkg:npm/lodash@4.17.21"],
        ),
        ("pnpm-lock.yaml", OLD_PNPM, ["pkg:npm/lodash@4.17.21"]),
    ],
)
def test_yarn_and_pnpm_locks(planted, name, text, expected):
    """Both generations of each."""
    assert expected == [each.purl for each in npm.collect(planted({name: text}))]


REQUIREMENTS = f"""
# comment
-r more-requirements.txt
Flask_Login==0.6.3 \\
    --hash=sha256:{DIGEST}
requests[socks]>=2.31 ; python_version > "3.8"
pinned === 1.0  # exactly
starred==1.*
own @ git+https://github.com/a/own@v2.0
-e .
"""


def test_requirements_are_pinned_or_a_range(planted):
    """Names are spelt as PyPI does, so that an advisory finds them."""
    files = {"requirements.txt": REQUIREMENTS, "more-requirements.txt": "attrs==23.1.0\n"}
    found = list(python.collect(planted(files)))

    assert [
        ("attrs", "23.1.0", "pkg:pypi/attrs@23.1.0", "pinned"),
        ("Flask_Login", "0.6.3", "pkg:pypi/flask-login@0.6.3", "pinned"),
        ("requests", "", "pkg:pypi/requests", "range"),
        ("pinned", "1.0", "pkg:pypi/pinned@1.0", "pinned"),
        ("starred", "", "pkg:pypi/starred", "range"),
        ("own", "2.0", "pkg:github/a/own@v2.0", "pinned"),
    ] == told(found)
    assert {"sha256": DIGEST} == found[1].hashes
    assert 4 == found[1].origin.line


UV = f"""
version = 1
[[package]]
name = "panel"
version = "0.1.0"
source = {{ virtual = "." }}
[[package]]
name = "httpx"
version = "0.28.1"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [{{ name = "anyio" }}]
sdist = {{ url = "https://x.example/h.tar.gz", hash = "sha256:{DIGEST}" }}
"""
POETRY = f"""
[[package]]
name = "rich"
version = "13.7.0"
groups = ["dev"]
files = [
  {{file = "rich.whl", hash = "sha256:ff"}},
  {{file = "rich.tar.gz", hash = "sha256:{DIGEST}"}},
]
[package.dependencies]
markdown-it-py = ">=2.2.0"
[metadata]
lock-version = "2.1"
"""
PIPFILE = {
    "default": {
        "idna": {"version": "==3.6"},
        "own": {"git": "https://github.com/a/own.git", "ref": COMMIT},
    },
    "develop": {"pytest": {"version": "==8.0.0"}},
}


def test_locks_of_uv_poetry_and_pipenv(planted):
    """With digests, dependencies, and what is for development only."""
    files = {"uv.lock": UV, "poetry.lock": POETRY, "Pipfile.lock": json.dumps(PIPFILE)}
    found = {each.name: each for each in python.collect(planted(files))}

    assert {"httpx", "rich", "idna", "own", "pytest"} == set(found)
    assert (("anyio",), {"sha256": DIGEST}) == (found["httpx"].depends_on, found["httpx"].hashes)
    assert ("build", {"sha256": DIGEST}) == (found["rich"].scope, found["rich"].hashes)
    assert ("3.6", "unknown") == (found["idna"].version, found["idna"].scope)
    assert COMMIT == found["own"].revision
    assert "build" == found["pytest"].scope


CARGO = f"""
version = 4
[[package]]
name = "pump"
version = "0.1.0"
[[package]]
name = "heapless"
version = "0.8.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "{DIGEST}"
dependencies = ["hash32 0.3.1", "stable_deref_trait"]
"""


def test_cargo_packages_from_elsewhere(planted):
    """The product's own crate has no source, and is no third party's part."""
    [part] = cargo.collect(planted({"Cargo.lock": CARGO}))

    assert "pkg:cargo/heapless@0.8.0" == part.purl
    assert ({"sha256": DIGEST}, ("hash32", "stable_deref_trait")) == (part.hashes, part.depends_on)


GO_MOD = """module example.com/panel
go 1.21
require (
\tgithub.com/gorilla/mux v1.8.1
\tgolang.org/x/net v0.20.0 // indirect
)
require example.com/local v0.0.0
replace golang.org/x/net => github.com/fork/net v0.21.0
replace example.com/local => ./local
"""
GO_SUM = "github.com/gorilla/mux v1.8.1 h1:abc=\ngithub.com/gorilla/mux v1.8.1/go.mod h1:def=\n"


def test_go_modules_after_their_replacement(planted):
    """A module that a folder replaces is the tree's own."""
    found = list(golang.collect(planted({"go.mod": GO_MOD, "go.sum": GO_SUM})))

    assert [
        "pkg:golang/github.com/gorilla/mux@v1.8.1",
        "pkg:golang/github.com/fork/net@v0.21.0",
    ] == [each.purl for each in found]
    assert ({"h1": "abc="}, 4) == (found[0].hashes, found[0].origin.line)

"""Each collector gives the parts that a manifest names, and where it names them."""

import hashlib
import json

import pytest

from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors import (
    cmake,
    conan,
    espidf,
    platformio,
    submodules,
    vcpkg,
    west,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = hashlib.sha256(b"archive").hexdigest()


def told(found):
    """(name, version, purl, resolution) of each part."""
    return [(each.name, each.version, each.purl, each.resolution) for each in found]


def test_a_submodule_is_the_commit_that_the_tree_fixes(planted):
    """Its URL says what it is; the commit, and no branch in the file, says which one."""
    text = (
        '[submodule "tls"]\n\tpath = vendor/tls\n\turl = https://github.com/Mbed-TLS/mbedtls.git\n'
    )
    fixed = {"vendor/tls": ("https://github.com/Mbed-TLS/mbedtls.git", COMMIT)}
    tree = planted({".gitmodules": text, "main.c": ""}, submodules=fixed)

    [part] = submodules.collect(tree)
    assert ("mbedtls", COMMIT, "vendor/tls") == (part.name, part.revision, part.folder)
    assert f"pkg:github/mbed-tls/mbedtls@{COMMIT}" == part.purl
    assert (".gitmodules", 2) == (part.origin.path, part.origin.line)
    [loose] = submodules.collect(planted({".gitmodules": text}))
    assert "branch" == loose.resolution


WEST = f"""
manifest:
  remotes:
    - name: upstream
      url-base: https://github.com/zephyrproject-rtos
  defaults:
    remote: upstream
    revision: main
  projects:
    - name: zephyr
      revision: v3.6.0
      import: true
    - name: hal_nordic
      revision: {COMMIT}
    - name: tinycrypt
      url: https://gitlab.com/own/crypt.git
      revision: v1.10
    - name: drifting
  self:
    import: more.yml
"""
MORE = """
manifest:
  projects:
    - name: extra
      url: https://github.com/some/extra
      revision: 1.0.0
"""


def test_west_projects_come_with_remote_revision_and_imports(planted):
    """Versions stay texts (1.10 is not 1.1), branches are called so, imports are declared."""
    found = {
        each.name: each for each in west.collect(planted({"west.yml": WEST, "more.yml": MORE}))
    }

    assert ("3.6.0", "pkg:github/zephyrproject-rtos/zephyr@v3.6.0") == (
        found["zephyr"].version,
        found["zephyr"].purl,
    )
    assert COMMIT == found["hal_nordic"].revision
    assert "1.10" == found["tinycrypt"].version
    assert "branch" == found["drifting"].resolution
    assert "1.0.0" == found["extra"].version
    assert found["projects imported by zephyr"].known_unknown
    assert WEST.splitlines().index("    - name: hal_nordic") + 1 == found["hal_nordic"].origin.line


PLATFORMIO = """
[common]
deps =
  bblanchon/ArduinoJson@7.0.4
  knolleary/PubSubClient @ ^2.8

[env:board]
platform = espressif32@6.5.0
lib_deps =
  ${common.deps}
  https://github.com/me-no-dev/AsyncTCP.git#v1.1.1
  file://local/thing
[env:other]
platform = espressif32@6.5.0
"""


def test_platformio_libraries_are_listed_once_with_references_filled_in(planted):
    """Two environments that use one library do not make it two."""
    found = list(platformio.collect(planted({"platformio.ini": PLATFORMIO})))

    assert [
        ("ArduinoJson", "7.0.4", "pkg:platformio/bblanchon/ArduinoJson@7.0.4", "pinned"),
        ("PubSubClient", "", "pkg:platformio/knolleary/PubSubClient", "range"),
        ("AsyncTCP", "1.1.1", "pkg:github/me-no-dev/asynctcp@v1.1.1", "pinned"),
        ("thing", "", "", "pinned"),
        ("espressif32", "6.5.0", "pkg:platformio/espressif32@6.5.0", "pinned"),
    ] == sorted(told(found), key=lambda each: "espressif" in each[0])


RECIPE = """
raise SystemExit("a recipe is read, never run")
class Pump:
    requires = "zlib/1.3.1", ("openssl/3.0.13@vendor/stable", "private")
    tool_requires = ["cmake/3.28.1"]
    def requirements(self):
        self.requires("libcurl/[>=8.0 <9]")
        self.requires(f"mbedtls/{self.tls}")
"""


def test_a_conan_recipe_is_read_and_never_run(planted):
    """What it computes is declared as unknown; tools of the build are marked so."""
    found = {each.name: each for each in conan.collect(planted({"conanfile.py": RECIPE}))}

    assert ("1.3.1", "pkg:conan/zlib@1.3.1") == (found["zlib"].version, found["zlib"].purl)
    assert "channel=stable" in found["openssl"].purl
    assert "build" == found["cmake"].scope
    assert ("", "range") == (found["libcurl"].version, found["libcurl"].resolution)
    assert found["mbedtls"].known_unknown
    assert 8 == found["mbedtls"].origin.line


def test_conan_text_files_and_locks_of_both_generations(planted):
    """The lock of the first generation also says what depends on what."""
    second = json.dumps(
        {"version": "0.5", "requires": ["zlib/1.3.1#abc%1.0"], "build_requires": []}
    )
    nodes = {
        "0": {"ref": "pump/1.0", "requires": ["1"]},
        "1": {"ref": "curl/8.4.0#f1", "requires": ["2"]},
        "2": {"ref": "zlib/1.3.1#f2"},
    }
    first = json.dumps({"graph_lock": {"nodes": nodes}, "version": "0.4"})
    text = "[requires]\nzlib/1.3.1 # comment\n[tool_requires]\nninja/1.11.1\n[options]\nzlib:x=1\n"
    files = {"a/conan.lock": second, "b/conan.lock": first, "conanfile.txt": text}

    found = list(conan.collect(planted(files)))
    assert ["zlib", "ninja", "zlib", "pump", "curl", "zlib"] == [each.name for each in found]
    assert ("zlib",) == next(each for each in found if each.name == "curl").depends_on
    assert {"declared", "lock"} == {each.evidence for each in found}


CMAKE = f"""
cmake_minimum_required(VERSION 3.20)
project(pump VERSION 1.2.3)
set(LWIP_TAG "STABLE-2_2_0_RELEASE")
# FetchContent_Declare(commented GIT_REPOSITORY https://github.com/a/b GIT_TAG v1)
#[[ FetchContent_Declare(blocked GIT_TAG v1) ]]
FetchContent_Declare(lwip
  GIT_REPOSITORY https://git.savannah.gnu.org/git/lwip.git GIT_TAG ${{LWIP_TAG}})
FetchContent_Declare(drift GIT_REPOSITORY https://github.com/a/drift GIT_TAG main)
FetchContent_Declare(zlib URL https://zlib.net/zlib-1.3.1.tar.gz URL_HASH SHA256={DIGEST})
ExternalProject_Add(what GIT_REPOSITORY https://github.com/a/what GIT_TAG ${{NOBODY_SET_IT}})
CPMAddPackage("gh:nlohmann/json@3.11.3")
CPMAddPackage(NAME fmt GITHUB_REPOSITORY fmtlib/fmt GIT_TAG 10.2.1)
find_package(MbedTLS 3.6 EXACT REQUIRED)
find_package(Python3 COMPONENTS Interpreter)
"""


def test_cmake_dependencies_are_found_and_comments_are_not(planted):
    """Nor are tools of the build; a variable that nobody set makes the version unknown."""
    found = {each.name: each for each in cmake.collect(planted({"CMakeLists.txt": CMAKE}))}

    assert {"lwip", "drift", "zlib", "what", "json", "fmt", "MbedTLS"} == set(found)
    assert ("2.2.0", "pinned") == (found["lwip"].version, found["lwip"].resolution)
    assert ("", "branch") == (found["drift"].version, found["drift"].resolution)
    assert ("1.3.1", {"sha256": DIGEST}) == (found["zlib"].version, found["zlib"].hashes)
    assert found["what"].known_unknown
    assert "pkg:github/nlohmann/json@v3.11.3" == found["json"].purl
    assert "10.2.1" == found["fmt"].version
    assert ("3.6", "pinned") == (found["MbedTLS"].version, found["MbedTLS"].resolution)
    assert 7 == found["lwip"].origin.line


IDF = 'dependencies:\n  idf: ">=5.0"\n  led_strip: "^2.5.0"\n  mine:\n    path: ../mine\n'
IDF_LOCK = f"""
dependencies:
  espressif/led_strip:
    component_hash: {DIGEST}
    source:
      registry_url: https://components.espressif.com/
      type: service
    version: 2.5.3
  idf:
    source:
      type: idf
    version: 5.1.2
version: 2.0.0
"""


def test_espressif_components_asked_for_and_taken(planted):
    """The manifest asks for ranges; the lock says what came."""
    tree = planted({"main/idf_component.yml": IDF, "dependencies.lock": IDF_LOCK})
    found = list(espidf.collect(tree))

    assert [("esp-idf", ""), ("led_strip", ""), ("led_strip", "2.5.3"), ("esp-idf", "5.1.2")] == [
        (each.name, each.version) for each in found
    ]
    assert "pkg:github/espressif/esp-idf@v5.1.2" == found[3].purl


def test_vcpkg_ports_with_overrides_and_a_baseline(planted):
    """An override pins a version; a baseline alone pins one that this tree does not tell."""
    manifest = {
        "builtin-baseline": COMMIT,
        "dependencies": [
            "zlib",
            {"name": "fmt", "version>=": "10.1.0"},
            {"name": "t", "host": True},
        ],
        "overrides": [{"name": "zlib", "version": "1.3.1"}],
        "features": {"tls": {"dependencies": ["mbedtls"]}},
    }
    found = list(vcpkg.collect(planted({"vcpkg.json": json.dumps(manifest)})))

    assert ["zlib", "fmt", "t", "mbedtls"] == [each.name for each in found]
    assert ("1.3.1", "lock") == (found[0].version, found[0].evidence)
    assert ("", "pinned") == (found[1].version, found[1].resolution)
    assert "build" == found[2].scope


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("v3.6.0", ("3.6.0", True)),
        ("mbedtls-3.6.0", ("3.6.0", True)),
        ("VER-2-13-3", ("2.13.3", True)),
        ("curl-8_4_0", ("8.4.0", True)),
        ("refs/tags/V10.4.3", ("10.4.3", True)),
        (COMMIT, ("", True)),
        ("deadbeef", ("", False)),
        ("main", ("", False)),
        ("release/5.0", ("", False)),
        ("v3.6-branch", ("", False)),
        ("", ("", False)),
        ("1" + "a_" * 5000 + "!", ("", False)),
    ],
)
def test_what_a_git_revision_pins(revision, expected):
    """A tag names a version, a commit pins without one, and a branch does neither."""
    assert expected == purls.resolution(revision)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:secret@github.com/Mbed-TLS/mbedtls.git", "pkg:github/mbed-tls/mbedtls@v1"),
        ("git@github.com:a/b.git", "pkg:github/a/b@v1"),
        (
            "ssh://git@git.example:22/a/b",
            "pkg:generic/a/b@v1?vcs_url=git%2Bhttps://git.example/a/b%40v1",
        ),
        ("../sibling.git", ""),
        ("https://host.example/../../etc", ""),
    ],
)
def test_a_repository_has_one_package_url_however_it_is_spelt(url, expected):
    """And credentials never get into an SBOM."""
    assert expected == purls.of_repository(url, "v1")

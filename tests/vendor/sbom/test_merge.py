"""Statements about one thing become one part; those that contradict each other stop the release."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from firmward.vendor.project import SbomRules
from firmward.vendor.sbom.declared import folder_digest
from firmward.vendor.sbom.inventory import Image, gather
from firmward.vendor.sbom.joining import same
from firmward.vendor.sbom.parts import SbomRefused

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RULES = SbomRules(components=("parts.toml",), vendored=("vendor",))
ZLIB = '#define ZLIB_VERSION "1.3.1"\n'
TLS = '#define MBEDTLS_VERSION_STRING "3.6.0"\n'


def declared(name="zlib", version="1.3.1", path="vendor/zlib", **more):
    """A [[component]] table."""
    fields = {
        "name": name,
        "version": version,
        "supplier": "As we call them",
        "purl": f"pkg:generic/{name}@{version}",
        "licence": "Zlib",
        "path": path,
        "support_level": "maintained",
    } | more
    lines = "".join(f'{key} = "{value}"\n' for key, value in fields.items())
    return f"[[component]]\n{lines}end_of_support = 2029-12-31\n"


def parts_of(planted, files, rules=RULES, **known):
    """The inventory's parts by name."""
    tree = planted({"parts.toml": "", **files}, **known)
    return {part.name: part for part in gather(tree, rules, Image()).parts}


def test_a_declaration_a_header_and_a_digest_make_one_part(planted):
    """People give the names, bytes give the version, and agreement leaves less doubt."""
    digest = folder_digest({"vendor/zlib/zlib.h": sha256(ZLIB)}, "vendor/zlib")
    files = {"vendor/zlib/zlib.h": ZLIB, "parts.toml": declared(digest=digest)}
    [part] = parts_of(planted, files).values()

    assert ("zlib", "1.3.1", "As we call them") == (part.name, part.version, part.supplier)
    assert ["file-hash", "macro", "macro", "declared"] == [each.evidence for each in part.origins]
    assert "cpe:2.3:a:zlib:zlib:1.3.1:*:*:*:*:*:*:*" in part.cpes
    assert part.confidence > 0.95
    assert ("maintained", 2029) == (part.support_level, part.end_of_support.year)
    assert {"vendor/zlib/zlib.h": sha256(ZLIB)} == part.files


def sha256(text):
    """Hex digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_changed_since_they_were_declared_are_refused(planted):
    """A patched or poisoned library is not what upstream published."""
    digest = folder_digest({"vendor/zlib/zlib.h": sha256(ZLIB)}, "vendor/zlib")
    files = {"vendor/zlib/zlib.h": ZLIB + "\n", "parts.toml": declared(digest=digest)}

    with pytest.raises(SbomRefused, match="zlib: expected files of digest"):
        parts_of(planted, files)


def test_a_known_header_that_contradicts_the_declaration_is_refused(planted):
    """Whatever the declared name and the macro are called: MBEDTLS_VERSION_STRING is known."""
    files = {
        "vendor/tls/include/mbedtls/build_info.h": TLS,
        "parts.toml": declared("Mbed TLS", "3.5.2", "vendor/tls", purl="pkg:generic/mbedtls@3.5.2"),
    }
    with pytest.raises(SbomRefused, match=r"expected version 3\.5\.2, got 3\.6\.0 in MBEDTLS_VER"):
        parts_of(planted, files)


def test_a_submodule_takes_its_version_from_its_header(planted):
    """Advisories know versions; the commit stays as the revision and in the second name."""
    files = {"vendor/mbedtls/include/mbedtls/build_info.h": TLS}
    fixed = {"vendor/mbedtls": ("https://github.com/Mbed-TLS/mbedtls.git", COMMIT)}
    [part] = parts_of(planted, files, submodules=fixed).values()

    assert ("3.6.0", COMMIT) == (part.version, part.revision)
    assert "pkg:generic/mbedtls@3.6.0" == part.purl
    assert (f"pkg:github/mbed-tls/mbedtls@{COMMIT}",) == part.other_purls
    assert {"submodule", "macro"} == {origin.evidence for origin in part.origins}


def test_a_submodule_without_a_header_has_its_commit_for_a_version(planted):
    """Which is true, and which no range of versions will match."""
    fixed = {"vendor/own": ("https://github.com/a/own", COMMIT)}
    [part] = parts_of(planted, {"vendor/own/x.c": ""}, submodules=fixed).values()

    assert (COMMIT, f"pkg:github/a/own@{COMMIT}") == (part.version, part.purl)


def test_a_vendored_folder_must_be_declared_or_recognised(planted):
    """A known header is recognition enough; a folder of unknown sources is not."""
    assert {"zlib"} == set(parts_of(planted, {"vendor/zlib/zlib.h": ZLIB}))
    with pytest.raises(SbomRefused, match="secret: expected a declaration of vendor/secret"):
        parts_of(planted, {"vendor/secret/x.c": ""})


def test_what_cmake_fetches_and_what_lies_in_the_tree_are_one(planted):
    """And another version of it that is fetched besides is a second part."""
    fetch = "FetchContent_Declare({} GIT_REPOSITORY https://github.com/madler/zlib GIT_TAG {})\n"
    files = {"vendor/zlib/zlib.h": ZLIB, "CMakeLists.txt": fetch.format("zlib", "v1.3.1")}
    [one] = parts_of(planted, files).values()
    other = gather(
        planted({"CMakeLists.txt": fetch.format("zlib", "v1.2.11")}), RULES, Image()
    ).parts

    assert {"declared", "macro"} == {origin.evidence for origin in one.origins}
    assert ["1.2.11", "1.3.1"] == [part.version for part in other]


def test_a_range_belongs_to_the_lock_beside_it(planted):
    """conanfile.txt asks, conan.lock answers: one part, pinned."""
    files = {
        "conanfile.txt": "[requires]\nfmt/[>=9 <11]\n",
        "conan.lock": '{"requires": ["fmt/10.2.1#abc%1.0"]}',
    }
    [part] = parts_of(planted, files).values()

    assert ("10.2.1", "pinned", "lock") == (part.version, part.resolution, part.evidence)
    assert {"conanfile.txt", "conan.lock"} == {origin.path for origin in part.origins}


def test_a_lock_that_contradicts_its_manifest_is_refused(planted):
    """One of the two is not what was built."""
    files = {
        "conanfile.txt": "[requires]\nfmt/10.2.1\n",
        "conan.lock": '{"requires": ["fmt/9.1.0#abc%1.0"]}',
    }
    with pytest.raises(SbomRefused, match=r"fmt: expected version 10\.2\.1, got 9\.1\.0"):
        parts_of(planted, files)


def test_two_versions_in_one_lock_stay_two_parts(planted):
    """Package managers of the web do that, and only one of them may be vulnerable."""
    lock = (
        '{"packages": {"node_modules/a": {"version": "1.0.0"},'
        ' "node_modules/b/node_modules/a": {"version": "2.0.0"}}}'
    )
    tree = planted({"parts.toml": "", "package-lock.json": lock})

    assert ["1.0.0", "2.0.0"] == [part.version for part in gather(tree, RULES, Image()).parts]


def test_a_script_package_is_not_the_library_of_that_name(planted):
    """npm's zlib is not zlib."""
    files = {
        "vendor/zlib/zlib.h": ZLIB,
        "web/package-lock.json": '{"packages": {"node_modules/zlib": {"version": "1.0.5"}}}',
    }
    tree = planted({"parts.toml": "", **files})
    found = gather(tree, RULES, Image()).parts

    assert ["pkg:npm/zlib@1.0.5", "pkg:generic/zlib@1.3.1"] == [part.purl for part in found]
    assert () == found[0].cpes


def test_an_older_copy_inside_a_part_is_a_part_of_its_own(planted):
    """The copy that a library brings along is not what its own header says."""
    files = {
        "vendor/zlib/zlib.h": ZLIB,
        "vendor/zlib/contrib/old/zlib.h": ZLIB.replace("1.3.1", "1.2.3"),
    }
    tree = planted({"parts.toml": "", **files})
    found = gather(tree, RULES, Image()).parts

    assert [("1.3.1", "vendor/zlib"), ("1.2.3", "vendor/zlib/contrib/old")] == [
        (part.version, part.folder) for part in found
    ]


def test_every_collector_is_asked_and_says_how_much_it_gave(planted):
    """Nothing found is an answer; nobody asked is none."""
    inventory = gather(planted({"parts.toml": "", "main.c": ""}), RULES, Image())

    assert () == inventory.parts
    assert {"declaration", "submodules", "vendored", "west", "conan", "npm"} <= set(
        inventory.collectors
    )
    assert {0} == set(inventory.collectors.values())


@given(some.lists(some.integers(0, 99), min_size=1, max_size=4), some.integers(0, 2))
def test_versions_are_the_same_with_zeros_after_them(numbers, zeros):
    """1.2 and v1.2.0 name one release, 1.2 and 1.20 do not."""
    text = ".".join(map(str, numbers))

    assert same(text, f"v{text}{'.0' * zeros}")
    assert not same(f"{text}.1", f"{text}.10")

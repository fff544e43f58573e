"""The SBOM says what the tree bears out, and nothing incomplete is released."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from firmward.terms.errors import Malformed
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.build.store import Store
from firmward.vendor.sbom import cyclonedx
from firmward.vendor.sbom.inventory import collect
from firmward.vendor.sbom.parts import SbomRefused
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

NOW = datetime(2026, 11, 21, 12, 0, 0, 123, tzinfo=UTC)
SHA = "ab" * 32
OTHER = """
[[component]]
name = "otherlib"
version = "2.0.0"
supplier = "Other (fictional)"
purl = "pkg:generic/otherlib@2.0.0"
licence = "MIT"
path = "pump/vendor/otherlib"
support_level = "not_maintained"
end_of_support = 2027-01-31
"""


TODAY = date(2026, 11, 21)
ARTIFACT = Artifact(
    elf=b"",
    binary=b"code",
    map=b"",
    log="",
    command=(),
    toolchain={"ziglang": "0.17.1"},
    started=NOW,
    finished=NOW,
)


@pytest.fixture
def collected(tree, shelf):
    """The inventory of HEAD, for a build that left nothing but a binary."""

    def collect_head(artifact=ARTIFACT):
        with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
            return collect(checkout, artifact, shelf, TODAY)

    return collect_head


@pytest.fixture
def document(tree, collected):
    """The SBOM of HEAD."""

    def document_of_head():
        project = take(tree.folder / "pump", "HEAD").project
        return cyclonedx.document(project, collected(), ("1.0.0", SHA), ARTIFACT.toolchain, NOW)

    return document_of_head


def test_the_document_names_image_parts_suppliers_and_support(document):
    """What a hospital's rules read is there, and the same input gives the same document."""
    made = document()
    [part] = made["components"]
    said = {(each["name"], each["value"]) for each in part["properties"]}

    assert ("CycloneDX", "1.6") == (made["bomFormat"], made["specVersion"])
    assert "2026-11-21T12:00:00+00:00" == made["metadata"]["timestamp"]
    assert [{"alg": "SHA-256", "content": SHA}] == made["metadata"]["component"]["hashes"]
    assert ("tinyframe", "1.4.2") == (part["name"], part["version"])
    assert ("firmward:support_level", "maintained") in said
    assert ("firmward:end_of_support", "2029-12-31T00:00:00Z") in said
    assert ("firmward:version_from", "TINYFRAME_VERSION") in said
    assert any(name == "firmward:file" and "tinyframe.c" in value for name, value in said)
    assert "ziglang" == made["metadata"]["tools"]["components"][0]["name"]
    assert () == cyclonedx.gaps(made)
    assert made == document()


def test_the_document_is_valid_by_the_official_schema(document):
    """CycloneDX 1.6 in strict form."""
    text = json.dumps(document())

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    spoiled = text.replace('"library"', '"thing"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spoiled) is not None


def test_a_vendored_folder_that_nobody_declared_is_refused(tree, collected):
    """It would be in the image and in no bill of materials."""
    tree.commit({"pump/vendor/otherlib/otherlib.h": "#pragma once\n"})

    with pytest.raises(SbomRefused, match="otherlib: expected a declaration"):
        collected()


def test_a_declared_version_that_the_header_contradicts_is_refused(tree, collected):
    """A component updated without its declaration would be matched under its old version."""
    tree.edit("pump/vendor/tinyframe/tinyframe.h", '"1.4.2"', '"1.3.0"')

    with pytest.raises(SbomRefused, match=r"expected version 1\.4\.2, got 1\.3\.0"):
        collected()


def test_two_components_are_listed_by_name_whatever_their_order(tree, collected):
    """And one without a version macro is known by its declaration alone."""
    declared = OTHER + tree.read("pump/components.toml")
    header = "#pragma once\n"
    tree.commit({"pump/components.toml": declared, "pump/vendor/otherlib/otherlib.h": header})

    parts = collected().parts
    assert ["otherlib", "tinyframe"] == [part.name for part in parts]
    assert ["declaration", "TINYFRAME_VERSION"] == [part.origin.says for part in parts]


@pytest.mark.parametrize("purl", ["", "tinyframe", "pkg:generic/tinyframe@1.3.0", "pkg:x"])
def test_a_purl_of_something_else_is_refused(tree, collected, purl):
    """Found under one version and judged by another, an affected component would look clean."""
    tree.edit("pump/components.toml", "pkg:generic/tinyframe@1.4.2", purl)

    with pytest.raises(SbomRefused, match="tinyframe: expected a p"):
        collected()


@pytest.mark.parametrize("path", ["pump/vendor/absent", "../../etc", "/etc"])
def test_a_component_whose_folder_is_absent_or_elsewhere_is_refused(tree, collected, path):
    """A declaration without files says nothing of the image."""
    text = tree.read("pump/components.toml")
    tree.commit({"pump/components.toml": text + OTHER.replace("pump/vendor/otherlib", path)})

    with pytest.raises(SbomRefused, match=f"the folder {path}"):
        collected()


@pytest.mark.parametrize(
    "text", ["[[component]]\nname = 'x'\n", "[[component", "[[component]]\nname = 1\n"]
)
def test_a_components_file_with_gaps_is_refused(tree, collected, text):
    """Unknown suppliers and versions are not left out quietly."""
    tree.commit({"pump/components.toml": text})

    with pytest.raises(Malformed, match="component"):
        collected()


@pytest.mark.parametrize(
    ("spoil", "gap"),
    [
        (lambda bom: bom["metadata"].pop("timestamp"), "timestamp"),
        (lambda bom: bom["metadata"].pop("authors"), "authors"),
        (lambda bom: bom["components"][0].pop("version"), "tinyframe: version"),
        (lambda bom: bom["components"][0].pop("supplier"), "tinyframe: supplier"),
        (lambda bom: bom["components"][0].pop("purl"), "tinyframe: purl"),
        (lambda bom: bom.pop("dependencies"), "tinyframe: dependency"),
    ],
)
def test_each_missing_ntia_element_is_named(document, spoil, gap):
    """The seven data fields of the minimum elements."""
    bom = document()
    spoil(bom)

    assert (gap,) == cyclonedx.gaps(bom)


def test_an_unchanged_tree_and_image_are_not_read_again(tree, shelf):
    """A second run takes what the first one found, whatever became of the files."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        first = collect(checkout, ARTIFACT, shelf, TODAY)
        shutil.rmtree(checkout.root / "pump")

        assert first == collect(checkout, ARTIFACT, shelf, TODAY)
        with pytest.raises(Malformed, match="components"):
            collect(checkout, replace(ARTIFACT, map=b"another"), shelf, TODAY)


def test_the_packages_of_a_root_file_system_come_from_the_sealed_image(tree, shelf, tmp_path):
    """Beside what the source tree says, and never mixed up with it."""
    (tmp_path / "rootfs/var/lib/dpkg").mkdir(parents=True)
    status = "Package: tinyframe\nStatus: install ok installed\nVersion: 1.0-1\n"
    (tmp_path / "rootfs/var/lib/dpkg/status").write_text(status)
    sealed = Store(tmp_path / "store").seal_tree("rootfs", tmp_path / "rootfs")
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        found = collect(checkout, replace(ARTIFACT, rootfs=sealed), shelf, TODAY)

    assert [("1.0-1", "yes"), ("1.4.2", "unknown")] == [
        (part.version, part.linked) for part in found.parts
    ]
    assert {"rootfs": 1, "declaration": 1}.items() <= found.collectors.items()


def test_a_real_submodule_is_a_part_by_its_commit(tree, collected, tmp_path):
    """As git itself records it in the commit that is released."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "zlib.h").write_text('#define ZLIB_VERSION "1.3.1"\n')
    identity = ("-c", "user.name=up", "-c", "user.email=up@example")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "1.3.1")):
        subprocess.run(["git", "-C", library, *words], check=True)
    add = ("submodule", "--quiet", "add", str(library), "pump/vendor/zlib")
    tree.git("-c", "protocol.file.allow=always", *add)
    declared = tree.read(".gitmodules").replace(str(library), "https://github.com/madler/zlib.git")
    tree.commit({".gitmodules": declared})

    found = {part.name: part for part in collected().parts}
    head = tree.git("-C", "pump/vendor/zlib", "rev-parse", "HEAD")
    assert ("1.3.1", head, "pump/vendor/zlib") == (
        found["zlib"].version,
        found["zlib"].revision,
        found["zlib"].folder,
    )
    assert (f"pkg:github/madler/zlib@{head}",) == found["zlib"].other_purls
    assert {"pump/vendor/zlib/zlib.h"} == set(found["zlib"].files)

"""The SBOM says what the tree bears out, and nothing incomplete is released."""

import json
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from firmward.terms.errors import Malformed
from firmward.vendor import sbom
from firmward.vendor.source import checked_out, take

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


def collected(tree):
    """The components of HEAD."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        return sbom.collect(checkout)


def document(tree):
    """The SBOM of HEAD."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        parts = sbom.collect(checkout)
        return sbom.document(checkout, parts, ("1.0.0", SHA), {"ziglang": "0.17.1"}, NOW)


def test_the_document_names_image_parts_suppliers_and_support(tree):
    """What a hospital's rules read is there, and the same input gives the same document."""
    made = document(tree)
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
    assert () == sbom.gaps(made)
    assert made == document(tree)


def test_the_document_is_valid_by_the_official_schema(tree):
    """CycloneDX 1.6 in strict form."""
    text = json.dumps(document(tree))

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    spoiled = text.replace('"library"', '"thing"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spoiled) is not None


def test_a_vendored_folder_that_nobody_declared_is_refused(tree):
    """It would be in the image and in no bill of materials."""
    tree.commit({"pump/vendor/otherlib/otherlib.h": "#pragma once\n"})

    with pytest.raises(sbom.SbomRefused, match="otherlib: expected a declaration"):
        collected(tree)


def test_a_declared_version_that_the_header_contradicts_is_refused(tree):
    """A component updated without its declaration would be matched under its old version."""
    tree.edit("pump/vendor/tinyframe/tinyframe.h", '"1.4.2"', '"1.3.0"')

    with pytest.raises(sbom.SbomRefused, match=r"expected version 1\.4\.2, got 1\.3\.0"):
        collected(tree)


def test_two_components_are_listed_by_name_whatever_their_order(tree):
    """And one without a version macro is known by its declaration alone."""
    declared = OTHER + tree.read("pump/components.toml")
    header = "#pragma once\n"
    tree.commit({"pump/components.toml": declared, "pump/vendor/otherlib/otherlib.h": header})

    parts = collected(tree)
    assert ["otherlib", "tinyframe"] == [part.declared.name for part in parts]
    assert ["", "TINYFRAME_VERSION"] == [part.macro for part in parts]


@pytest.mark.parametrize("purl", ["", "tinyframe", "pkg:generic/tinyframe@1.3.0", "pkg:x"])
def test_a_purl_of_something_else_is_refused(tree, purl):
    """Found under one version and judged by another, an affected component would look clean."""
    tree.edit("pump/components.toml", "pkg:generic/tinyframe@1.4.2", purl)

    with pytest.raises(sbom.SbomRefused, match="tinyframe: expected a p"):
        collected(tree)


@pytest.mark.parametrize("path", ["pump/vendor/absent", "../../etc", "/etc"])
def test_a_component_whose_folder_is_absent_or_elsewhere_is_refused(tree, path):
    """A declaration without files says nothing of the image."""
    text = tree.read("pump/components.toml")
    tree.commit({"pump/components.toml": text + OTHER.replace("pump/vendor/otherlib", path)})

    with pytest.raises(sbom.SbomRefused, match=f"the folder {path}"):
        collected(tree)


@pytest.mark.parametrize(
    "text", ["[[component]]\nname = 'x'\n", "[[component", "[[component]]\nname = 1\n"]
)
def test_a_components_file_with_gaps_is_refused(tree, text):
    """Unknown suppliers and versions are not left out quietly."""
    tree.commit({"pump/components.toml": text})

    with pytest.raises(Malformed, match="component"):
        collected(tree)


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
def test_each_missing_ntia_element_is_named(tree, spoil, gap):
    """The seven data fields of the minimum elements."""
    bom = document(tree)
    spoil(bom)

    assert (gap,) == sbom.gaps(bom)

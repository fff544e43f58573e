"""A whole release, checked by tools that we did not write and by the standards' own schemas."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from securesystemslib.dsse import Envelope
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from tests.vendors import firmware_tree, new_vendor, refreshed

from firmward.proof.keys import public_pem
from firmward.terms.image import evidence_path, image_path
from firmward.terms.statement import STATEMENT
from firmward.vendor import pipeline
from firmward.vendor.evidence import TYPES
from firmward.vendor.request import Request

FIRST = "pump-200@1.0.0+1"


@pytest.fixture(scope="module")
def vendor(tmp_path_factory, shelf):
    """The pump's vendor with a release that was built twice and fuzzed."""
    folder = tmp_path_factory.mktemp("outside")
    made = new_vendor(firmware_tree(folder / "source", blackbox=True), folder / "home", shelf)
    pipeline.release(made.project, Request("HEAD", "1.0.0", 1, verify=True), made.shop)
    return made


@pytest.fixture(scope="module")
def predicates(vendor) -> dict[str, dict]:
    """Every statement's predicate, its envelope verified by securesystemslib."""
    repository, keys = vendor.home.repository, vendor.home.keys
    public = [signer.public_key for signer in keys.evidence]
    image = repository.listing()[image_path(FIRST)].hashes["sha256"]
    found = {}
    for name, kind in TYPES.items():
        envelope = Envelope.from_dict(json.loads(repository.read(evidence_path(FIRST, name))))
        assert envelope.verify(public, len(public))
        said = json.loads(envelope.payload)
        assert (STATEMENT, kind) == (said["_type"], said["predicateType"])
        assert image == said["subject"][0]["digest"]["sha256"]
        found[name] = said["predicate"]
    return found


def test_every_stage_left_a_statement_about_the_image(predicates):
    """Ten of them, each of a type that others know or that our docs define."""
    assert set(TYPES) == set(predicates)


def test_python_tuf_reads_the_repository_from_its_first_root(vendor):
    """As any TUF client would."""
    trusted = refreshed(vendor.home)
    assert image_path(FIRST) in trusted.targets


@pytest.mark.parametrize("name", ["sbom", "cbom"])
def test_the_cyclonedx_documents_hold_to_their_schema(predicates, name):
    """CycloneDX 1.6, strictly."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(predicates[name])) is None


def test_the_spdx_document_passes_the_projects_own_validator(predicates, tmp_path):
    """SPDX 2.3, read back and validated whole."""
    logging.getLogger("spdx_tools").setLevel(logging.ERROR)
    path = tmp_path / "sbom.spdx.json"
    path.write_text(json.dumps(predicates["spdx"]))
    document = parse_file(str(path))
    assert validate_full_spdx_document(document) == []
    assert "tinyframe" in {package.name for package in document.packages}


def test_the_findings_hold_to_the_sarif_schema(predicates, vectors):
    """OASIS SARIF 2.1.0, every scanner's run."""
    jsonschema.validate(predicates["scan"]["sarif"], vectors("sarif-schema-2.1.0"))


def test_imgtool_verifies_the_image(vendor, tmp_path):
    """MCUboot's own tool, with the public key alone."""
    image, key = tmp_path / "image.bin", tmp_path / "firmware.pem"
    image.write_bytes(vendor.home.repository.read(image_path(FIRST)))
    key.write_bytes(public_pem(vendor.home.keys.firmware))
    command = [sys.executable, "-m", "imgtool.main", "verify", "--key", key, image]
    assert 0 == subprocess.run(command, capture_output=True).returncode


def test_the_provenance_says_how_the_build_was_held_and_that_it_repeats(predicates):
    """Who signed the commit, what held the build, and that a second one gave the same."""
    build = predicates["provenance"]["buildDefinition"]
    assert build["internalParameters"]["sandbox"].startswith("bubblewrap")
    made = predicates["provenance"]["runDetails"]["byproducts"]
    assert all(each["annotations"]["reproducible"] for each in made)
    assert Path(build["externalParameters"]["project"]) == Path("pump")


def test_the_threat_model_and_the_black_box_gave_their_word(predicates):
    """Nothing open, nothing crashed; and how hard it was tried."""
    assert predicates["threats"]["open"] == []
    assert predicates["threats"]["drift"] == []
    tested = predicates["blackbox"]
    assert "PASSED" == tested["result"]
    assert tested["annotations"]["inputs"] > 50

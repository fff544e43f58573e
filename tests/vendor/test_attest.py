"""What a vendor states about its image, and what it must not."""

from datetime import UTC, datetime

from tests.vendors import kev, osv

from firmward.advisories.load import from_files
from firmward.advisories.match import Component, match
from firmward.vendor import attest

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def stated(version: str) -> dict:
    """The vulnerabilities predicate for tinyframe at a version."""
    known = from_files([osv()], kev())
    part = Component(name="tinyframe", version=version, purl="pkg:generic/tinyframe")
    return attest.vulnerabilities(match([part], known, NOW), known)


def test_a_version_out_of_range_gets_no_vex_word_that_could_outlive_its_advisory():
    """A widened advisory at the hospital would otherwise meet a signed `not_affected`."""
    said = stated("1.4.2")

    assert said["result"] == []
    assert [set(entry) for entry in said["outOfRange"]] == [{"id", "component", "reason"}]


def test_an_affected_version_is_stated_without_a_justification():
    """Only a person can justify; the pipeline only matches."""
    [entry] = stated("1.0.0")["result"]

    assert (entry["status"], entry["justification"]) == ("affected", "")

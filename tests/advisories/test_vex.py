"""VEX: who may say what of a match, about exactly what, and until when."""

import json

import pytest
from tests.known import (
    CVE,
    NOW,
    REASON,
    before,
    cpe,
    known,
    openvex,
    part,
    record,
    said_at,
)

from firmward.advisories.match import Match, match
from firmward.advisories.vex_formats import read
from firmward.terms.errors import Malformed

CURL = part("7.9.0", "pkg:generic/curl")
AFFECTED = record(cpe("haxx", "curl", before("8.0.0")))
CLEAN = record(cpe("haxx", "curl", before("7.0.0")))
SHA256 = "ab" * 32


def cyclonedx(state: str = "not_affected", **analysis: object) -> bytes:
    """A CycloneDX 1.6 document with one analysis."""
    if state == "not_affected":
        analysis.setdefault("justification", "code_not_reachable")
    part = {
        "type": "library",
        "bom-ref": "c1",
        "name": "curl",
        "purl": "pkg:generic/curl@7.9.0",
        "hashes": [{"alg": "SHA-256", "content": SHA256}],
    }
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
            "metadata": {"timestamp": said_at(), "supplier": {"name": "acme"}},
            "components": [part],
            "vulnerabilities": [
                {"id": CVE, "analysis": {"state": state, **analysis}, "affects": [{"ref": "c1"}]}
            ],
        }
    ).encode()


def csaf(status: str = "known_not_affected", label: str = REASON) -> bytes:
    """A CSAF 2.0 VEX document about curl as part of the pump."""
    names = [
        {"product_id": "P", "name": "pump",
         "product_identification_helper": {"purl": "pkg:generic/acme/pump-200"}},
        {"product_id": "C", "name": "curl",
         "product_identification_helper": {"purl": "pkg:generic/curl@7.9.0"}},
    ]  # fmt: skip
    relation = {
        "category": "default_component_of",
        "product_reference": "C",
        "relates_to_product_reference": "P",
        "full_product_name": {"product_id": "CP", "name": "curl in pump"},
    }
    return json.dumps(
        {
            "document": {
                "category": "csaf_vex",
                "csaf_version": "2.0",
                "publisher": {"category": "vendor", "name": "acme", "namespace": "https://a.x"},
                "tracking": {"id": "ACME-1", "current_release_date": said_at()},
            },
            "product_tree": {"full_product_names": names, "relationships": [relation]},
            "vulnerabilities": [
                {
                    "cve": CVE,
                    "product_status": {status: ["CP"]},
                    "flags": [{"label": label, "product_ids": ["CP"]}] if label else [],
                }
            ],
        }
    ).encode()


def judged(*documents: bytes, records=AFFECTED, exploited=(), product=(), component=CURL) -> Match:
    """The match with the statements of these documents applied."""
    said = [each for at, data in enumerate(documents) for each in read(data, f"vex {at}")]
    index = known(records, exploited=exploited)
    [found] = match([component], index, NOW, vex=said, product=product)
    return found


@pytest.mark.parametrize(
    "document", [openvex(), cyclonedx(), csaf()], ids=["openvex", "cdx", "csaf"]
)
def test_a_justified_statement_explains_a_match_in_every_format(document):
    """And the match stays in the list, with who said it and what its version says."""
    found = judged(document, product=("pkg:generic/acme/pump-200",))

    assert ("not_affected", "not_affected", REASON) == (
        found.status,
        found.vex.status,
        found.vex.justification,
    )
    assert found.reason.startswith("acme says not_affected")
    assert "7.9.0 is in < 8.0.0" in found.reason


@pytest.mark.parametrize(
    "document",
    [
        openvex(justification=""),
        openvex(justification="trust_me"),
        openvex(justification="", impact_statement="we looked and it is fine"),
        openvex(author=""),
        cyclonedx(justification=""),
        csaf(label=""),
    ],
)
def test_a_statement_without_a_listed_justification_or_author_does_not_count(document):
    """Prose cannot be checked, and nobody answers for what nobody signs."""
    found = judged(document, product=("pkg:generic/acme/pump-200",))

    assert ("affected", True) == (found.status, "does not count" in found.reason)
    assert found.vex.void


@pytest.mark.parametrize(
    "product",
    [
        "pkg:generic/curl",
        "pkg:generic/curl@7.9.1",
        "pkg:generic/libcurl@7.9.0",
        "pkg:pypi/curl@7.9.0",
        "cpe:2.3:a:haxx:curl:7.9.0:*:*:*:*:*:*:*",
        {
            "@id": "pkg:generic/curl@7.9.0",
            "hashes": {},
            "subcomponents": [{"@id": "pkg:generic/z"}],
        },
        {"@id": "pkg:generic/acme/pump-200", "subcomponents": [{"@id": "pkg:generic/curl@7.9.0"}]},
    ],
)
def test_a_statement_about_anything_else_touches_nothing(product):
    """Another version, another package, every version at once, or the part of another firmware."""
    found = judged(openvex(product=product), product=("pkg:generic/borealis/monitor-7",))

    assert ("affected", None) == (found.status, found.vex)


def test_a_statement_about_another_vulnerability_touches_nothing():
    """Names are compared whole."""
    assert judged(openvex(cve="CVE-2026-00011")).vex is None


@pytest.mark.parametrize(
    "product",
    [
        {"@id": "x", "identifiers": {"purl": "pkg:generic/curl@7.9.0"}},
        {"@id": "x", "hashes": {"sha-256": SHA256}},
        {"@id": "pkg:generic/acme/pump-200", "subcomponents": [{"@id": "pkg:generic/curl@7.9.0"}]},
    ],
)
def test_a_product_is_named_by_purl_by_digest_or_as_part_of_the_firmware(product):
    """All of OpenVEX's ways."""
    ours = part("7.9.0", "pkg:generic/curl", sha256=SHA256)

    found = judged(openvex(product=product), component=ours, product=("pkg:generic/acme/pump-200",))
    assert "not_affected" == found.status


def test_what_became_known_after_a_statement_puts_it_in_question():
    """A record that changed, or somebody exploiting it, reopens what was answered before."""
    old = record(*AFFECTED.entries, modified="2026-01-01T00:00:00Z")
    assert "not_affected" == judged(openvex(at=-5.0), records=old).status

    changed = judged(openvex(at=-5.0))
    attacked = judged(openvex(at=-5.0), records=old, exploited=(CVE,))
    for found in (changed, attacked):
        assert ("unknown", True) == (found.status, "looked at again" in found.reason)
        assert found.vex.outdated


def test_a_repaired_component_is_said_to_be_fixed_without_a_reason():
    """A backported patch is what a version comparison cannot see."""
    found = judged(openvex("fixed"))

    assert ("not_affected", "fixed") == (found.status, found.vex.status)


def test_an_author_may_make_a_match_worse_but_not_vague():
    """Affected stays affected while somebody investigates; clean does not stay clean."""
    assert "affected" == judged(openvex("affected"), records=CLEAN).status
    assert "unknown" == judged(openvex("under_investigation"), records=CLEAN).status
    assert "affected" == judged(openvex("under_investigation")).status


def test_of_one_author_the_latest_counts_in_whatever_order_they_come():
    """People change their minds, for the better too."""
    first, second = openvex("affected", at=0.1), openvex("not_affected", at=0.2)

    assert "not_affected" == judged(first, second).status
    assert "not_affected" == judged(second, first).status
    assert "affected" == judged(openvex("not_affected", at=0.1), openvex("affected", at=0.2)).status


def test_of_several_authors_the_gravest_counts():
    """One who found a way in is not outvoted, however late the others write."""
    found = judged(openvex(author="a", at=0.3), openvex("affected", author="b", at=0.1))

    assert ("affected", "b") == (found.status, found.vex.author)


def test_a_void_statement_cannot_push_out_one_that_counts():
    """An unjustified word beside a justified one is ignored."""
    found = judged(openvex(author="a"), openvex(author="b", justification="trust_me"))

    assert ("not_affected", "a") == (found.status, found.vex.author)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("resolved", "fixed"),
        ("resolved_with_pedigree", "fixed"),
        ("exploitable", "affected"),
        ("in_triage", "under_investigation"),
        ("false_positive", "not_affected"),
    ],
)
def test_cyclonedx_states_are_openvex_words(state, expected):
    """One word per idea from here on."""
    [said] = read(cyclonedx(state), "vex")

    assert expected == said.status


def test_a_cyclonedx_component_without_analysis_says_nothing():
    """A list of vulnerabilities is not yet an answer to them."""
    document = json.loads(cyclonedx())
    del document["vulnerabilities"][0]["analysis"]

    assert read(json.dumps(document).encode(), "vex") == ()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": 1}]}',
        openvex().replace(b'"not_affected"', b'"harmless"'),
        openvex().replace(b"+00:00", b""),
        cyclonedx("shrug"),
        csaf().replace(b'"2026-', b'"soon-'),
        openvex().replace(b'"author"', b'"author": "x", "author"'),
    ],
)
def test_a_document_that_is_none_is_refused(document):
    """Half a statement is somebody's guess."""
    with pytest.raises(Malformed):
        read(document, "vex")

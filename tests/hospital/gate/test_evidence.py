"""What is known about a release, from whom, and what becomes of evidence that does not count."""

import pytest
from tests.spoiled_releases import against, edited, failing

from firmward.hospital.gate.document import Evidence, leaves
from firmward.lab.paper_vendor import pack, sealed_evidence
from firmward.terms.wire import decode, encode


@pytest.fixture
def passing(judged, good_bundle) -> set[str]:
    """The rules that the good release passes."""
    return {ruling.rule for ruling in judged(good_bundle).rulings if ruling.word == "pass"}


@pytest.fixture
def needing(policy, passing):
    """Those of them that read one of these paths, or any of a whole section."""

    def needing(*names: str) -> set[str]:
        read = {asked.rule.id: asked.rule.evidence for asked in policy.rules}
        return {
            rule
            for rule in passing
            if any(path in names or path.partition(".")[0] in names for path in read[rule])
        }

    return needing


SBOM = ("sbom", "vulns", "device.installed_affected", "risk.delta_vs_installed")


def test_without_evidence_nothing_that_needs_it_passes(judged, needing, vendor, good, now):
    """A vendor that shows nothing is told what is missing, rule by rule."""
    judgement = judged(pack(vendor, good, now, evidence={}).bundle)
    words = against(judgement)

    stated = needing("provenance", "lifecycle", "risk", "testing", "docs", "postmarket", *SBOM)
    assert stated <= set(words)
    assert "fail" == words["SBM-001"]
    assert set(good.evidence) == {gap.evidence for gap in judgement.gaps}
    assert any("sbom.dsse.json is not in the bundle" in reason for reason in judgement.reasons)


def test_an_sbom_about_another_image_is_no_sbom(judged, needing, vendor, good, now):
    """A clean SBOM of one image cannot vouch for another."""
    sealed = sealed_evidence(vendor, good)
    sealed["sbom"] = sealed_evidence(vendor, good, about=good.fallback_image)["sbom"]
    judgement = judged(pack(vendor, good, now, evidence=sealed).bundle)

    assert set(against(judgement)) == needing(*SBOM)
    assert any("about another image" in reason for reason in judgement.reasons)


def test_an_unreadable_predicate_is_a_gap_and_stops_nothing_else(
    judged, needing, vendor, good, now
):
    """Wrong types in one piece of evidence leave the others readable."""
    spoiled = edited(good, "sbom", "components", value=[{"name": 7}])
    judgement = judged(pack(vendor, spoiled, now).bundle)

    assert set(against(judgement)) == needing(*SBOM)
    assert ["sbom"] == [gap.evidence for gap in judgement.gaps]


def test_a_hidden_part_of_a_component_is_matched_too(
    judged, vendor, good, now, known_vulnerabilities
):
    """A vulnerable part inside another component is found, whatever type it is filed under."""
    part = {
        "type": "file",
        "name": "tinyframe",
        "version": "1.3.0",
        "purl": "pkg:generic/tinyframe@1.3.0",
    }
    harmless = {"type": "file", "name": "tinyframe.c"}
    spoiled = edited(good, "sbom", "components", 0, "components", value=[part, harmless])
    judgement = judged(pack(vendor, spoiled, now).bundle)

    words = against(judgement)
    assert {"SBM-002", "SBM-004", "VUL-002", "VUL-012", "RSK-007"} <= set(words)
    [worse] = [ruling for ruling in judgement.blocking if ruling.rule == "VUL-012"]
    assert ("CVE-2020-1",) == worse.offenders
    assert "the new risk is higher" in judgement.weighed


def vex(status: str, **more) -> list[dict]:
    """A vendor's answer about the one vulnerability."""
    component = "pkg:generic/tinyframe@1.4.2"
    return [{"id": "CVE-2026-7", "component": component, "status": status, **more}]


UNSCORED = {"VUL-004", "VUL-005", "VUL-006", "VUL-007", "VUL-009"}
"""What an exploited vulnerability that affects the release meets besides: nobody scored it."""


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        ([], {"VUL-001", "VUL-002"} | UNSCORED),
        (vex("affected", risk_state="controlled"), {"VUL-001"} | UNSCORED),
        (vex("under_investigation"), {"VUL-001", "VUL-002", "VUL-003", "VUL-005", "VUL-007"}),
        (vex("fixed"), {"VUL-001", "VUL-005"}),
        (vex("not_affected"), {"VUL-003", "VUL-005"}),
        (vex("not_affected", justification="vulnerable_code_not_in_execute_path"), {"VUL-005"}),
        (
            vex("not_affected", justification="x") + vex("affected"),
            {"VUL-001", "VUL-002"} | UNSCORED,
        ),
    ],
)
def test_an_exploited_vulnerability_is_found_by_the_hospital_itself(
    judged, vendor, good, now, known_vulnerabilities, said, rules
):
    """The vendor may explain a match, signed and justified; it cannot make it disappear."""
    known = known_vulnerabilities("CVE-2026-7", exploited=("CVE-2026-7",))
    spoiled = edited(good, "vulnerabilities", "result", value=said)
    judgement = judged(pack(vendor, spoiled, now).bundle, known=known)

    assert failing(*rules) == against(judgement)
    if "VUL-001" in rules:
        [kev] = [ruling for ruling in judgement.blocking if ruling.rule == "VUL-001"]
        assert ("CVE-2026-7 in pkg:generic/tinyframe@1.4.2",) == kev.offenders


def test_a_vulnerability_only_the_vendor_names_counts(judged, vendor, good, now):
    """What the vendor admits is a reason even where the hospital's advisories are silent."""
    spoiled = edited(good, "vulnerabilities", "result", value=vex("affected", kev=True))

    words = against(judged(pack(vendor, spoiled, now).bundle))

    assert {"VUL-001", "VUL-002", "VUL-012", "RSK-007"} | UNSCORED == set(words)


def test_without_advisories_of_its_own_the_hospital_admits_nothing(judged, needing, good_bundle):
    """Matching against nothing would find everything clean."""
    words = against(judged(good_bundle, known=None))

    unknown = ("vulns", "scan.db_date", "device.installed_affected", "risk.delta_vs_installed")
    assert needing(*unknown) == set(words)
    assert {"indeterminate"} == set(words.values())


def test_who_is_believed_is_written_beside_each_value(
    assembled, vendor, good, now, known_vulnerabilities
):
    """Measured values have no signer; a list that leans on the vendor names the vendor's key."""
    known = known_vulnerabilities("CVE-2026-7")
    said = edited(good, "vulnerabilities", "result", value=vex("fixed"))
    ours = leaves(assembled(pack(vendor, good, now).bundle))
    theirs = leaves(assembled(pack(vendor, said, now).bundle, known=known))
    signer = vendor.evidence.public_key.keyid

    assert ("measured", "") == (ours["vulns"].trust, ours["vulns"].signer)
    assert ("attested", signer) == (theirs["vulns"].trust, theirs["vulns"].signer)
    assert ("declared", signer) == (
        ours["lifecycle.safety_class"].trust,
        ours["lifecycle.safety_class"].signer,
    )
    assert "measured" == ours["signature.verified"].trust
    assert all(leaf.source_digest for path, leaf in ours.items() if path != "scan.db_date")


def test_the_document_round_trips_to_the_same_bytes(assembled, good_bundle):
    """What was judged can be parsed again and is the same."""
    data = encode(assembled(good_bundle))

    assert data == encode(decode(data, Evidence, "evidence"))

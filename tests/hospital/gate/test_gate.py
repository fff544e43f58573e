"""From a bundle to an answer: the good release comes in, each bad one meets the rules it breaks."""

from dataclasses import replace

import msgspec
import pytest
from tests.spoiled_releases import against, edited, failing

from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.evidence import assemble, survey
from firmward.hospital.gate.intake import anchors, verify
from firmward.hospital.gate.judge import judge
from firmward.lab import paper_vendor
from firmward.lab.paper_vendor import Draft, image, pack
from firmward.proof import keys

STRANGER = keys.new_signer()


UNTOLD = "indeterminate"


def found(tool: str, level: str, **more) -> list[dict]:
    """One SARIF result of a tool, as the value of `runs`."""
    where = {
        "physicalLocation": {"artifactLocation": {"uri": "pump.c"}, "region": {"startLine": 7}}
    }
    result = {"ruleId": "r", "level": level, "locations": [where], **more}
    tools = ("cppcheck", "firmward-secrets", "firmward-binary")
    return [
        {"tool": {"driver": {"name": each}}, "results": [result] if each == tool else []}
        for each in tools
    ]


def test_a_release_that_meets_every_rule_is_admitted(judged, good, good_bundle):
    """Nothing is indeterminate: the shipped rules ask only for what a vendor can show."""
    judgement = judged(good_bundle)

    assert {} == against(judgement)
    assert judgement.admitted
    assert good.release == judgement.release


def reclaimed(draft: Draft, **changes) -> Draft:
    """The draft with some of the claim changed, and signed as if it were meant."""
    return replace(draft, claim=msgspec.structs.replace(draft.claim, **changes))


def scanned(draft: Draft, tool: str, **more) -> Draft:
    """The draft with one error found in its source."""
    return edited(draft, "scan", "sarif", "runs", value=found(tool, "error", **more))


def suppressed(draft: Draft, **how) -> Draft:
    """The draft with an error that somebody suppressed."""
    return scanned(draft, "cppcheck", suppressions=[{"kind": "external", **how}])


SIGNED = {
    "unsigned": (
        lambda vendor, good: replace(good, image=image(None, "1.1.0", 3)),
        failing("CRY-001", "CRY-002", "CRY-003", "SIG-001", "SIG-002"),
    ),
    "signed by a stranger": (
        lambda vendor, good: replace(good, image=image(STRANGER, "1.1.0", 3)),
        failing("SIG-001", "SIG-002"),
    ),
    "version in the image is another": (
        lambda vendor, good: replace(good, image=image(vendor.firmware, "1.1.1", 3)),
        failing("SIG-003", "LIF-006", "RSK-001", "RSK-004", "VUL-010", "DOC-004"),
    ),
    "counter in the image is another": (
        lambda vendor, good: replace(good, image=image(vendor.firmware, "1.1.0", 7)),
        failing("SIG-003", "PMR-001"),
    ),
    "the way back is signed by a stranger": (
        lambda vendor, good: replace(good, fallback_image=image(STRANGER, "1.0.0", 4)),
        failing("PMR-001"),
    ),
    "the way back is not above": (
        lambda vendor, good: replace(good, fallback_image=image(vendor.firmware, "1.0.0", 3)),
        failing("PMR-001"),
    ),
    "for another board": (
        lambda vendor, good: reclaimed(good, hardware_ids=("MON-7-A",)),
        failing("DEV-001", "PMR-001"),
    ),
    "after a release nobody runs": (
        lambda vendor, good: reclaimed(good, predecessors=("pump-200@1.0.5+2",)),
        failing("DEV-001"),
    ),
}
STATED = {
    "another safety class is declared": (
        lambda good: edited(good, "declaration", "lifecycle", "safety_class", value="B"),
        failing("LIF-001"),
    ),
    "another version was tested": (
        lambda good: edited(good, "declaration", "lifecycle", "tested_version", value="1.0.9"),
        failing("LIF-006"),
    ),
    "the declaration is silent": (
        lambda good: edited(good, "declaration", "lifecycle", value={"safety_class": "C"}),
        dict.fromkeys((f"LIF-{number:03}" for number in range(1, 13) if number != 11), UNTOLD),
    ),
    "default credentials": (
        lambda good: edited(good, "declaration", "privacy", "default_credentials", value=True),
        failing("PRV-002"),
    ),
    "a component without a package URL": (
        lambda good: edited(good, "sbom", "components", 0, "purl", value=""),
        failing("SBM-002"),
    ),
    "support ends soon": (
        lambda good: edited(
            good, "sbom", "components", 0, "properties", 1, "value", value="2026-12-24"
        ),
        failing("SBM-004"),
    ),
    "no source in the provenance": (
        lambda good: edited(
            good, "provenance", "buildDefinition", "resolvedDependencies", value=[]
        ),
        failing("SIG-006"),
    ),
}
SCANNED = {
    "a credential in the source": (
        lambda good: scanned(good, "firmward-secrets"),
        failing("PRV-002", "LIF-008"),
    ),
    "an error in the source": (lambda good: scanned(good, "cppcheck"), failing("LIF-008")),
    "an error somebody answers for": (
        lambda good: suppressed(good, justification="checked by hand"),
        {},
    ),
    "an error nobody accepted": (
        lambda good: suppressed(good, justification="checked", status="rejected"),
        failing("LIF-008"),
    ),
    "an error suppressed in silence": (suppressed, failing("LIF-008")),
    "scanners that did not finish": (
        lambda good: edited(
            good, "scan", "sarif", "runs", value=[{"tool": {"driver": {"name": "cppcheck"}}}]
        ),
        failing("LIF-008", "PRV-002", "VUL-008"),
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), SIGNED.values(), ids=SIGNED)
def test_a_spoiled_image_or_claim_meets_every_rule_it_breaks_and_no_other(
    judged, vendor, good, now, spoil, expected
):
    """All reasons are given, each by the rule that owns it."""
    assert expected == against(judged(pack(vendor, spoil(vendor, good), now).bundle))


@pytest.mark.parametrize(
    ("spoil", "expected"), [*STATED.values(), *SCANNED.values()], ids=[*STATED, *SCANNED]
)
def test_spoiled_evidence_meets_every_rule_it_breaks_and_no_other(
    judged, vendor, good, now, spoil, expected
):
    """What a statement says is read for what it says, properly signed or not."""
    assert expected == against(judged(pack(vendor, spoil(good), now).bundle))


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"highest_counter": 4}, failing("SIG-004")),
        (
            {"releases": ("pump-200@1.0.0+1", "pump-200@0.9.0+1")},
            failing("DEV-001") | {"RSK-007": UNTOLD, "VUL-012": UNTOLD},
        ),
        ({"hardware_ids": ("PUMP-200-B", "PUMP-100-A")}, failing("DEV-001")),
        ({"releases": (), "hardware_ids": (), "highest_counter": 0}, {}),
        ({"releases": ("pump-200@1.1.0+3",), "highest_counter": 3}, {}),
        ({"jurisdictions": ()}, {}),
    ],
)
def test_the_same_release_is_judged_by_what_is_installed_here(
    judged, good_bundle, site, changes, rules
):
    """Lineage, boards and counters are the hospital's own, and decide."""
    here = msgspec.structs.replace(site, **changes)

    assert rules == against(judged(good_bundle, here=here))


def test_the_second_vendor_meets_the_same_rules(site, policy, engine, advisories, now):
    """Nothing in the gate or the pack is about one vendor."""
    borealis = paper_vendor.new_vendor(
        now,
        label="borealis",
        product="monitor-7",
        hardware="MON-7-A",
        model="MONITOR-7",
        device_class="MON7",
        enterprise=32474,
    )
    draft = paper_vendor.draft(borealis, now, predecessors=("monitor-7@1.0.0+1",))
    bundle = open_bundle(pack(borealis, draft, now).bundle)
    here = msgspec.structs.replace(
        site,
        product="monitor-7",
        model="MONITOR-7",
        hardware_ids=("MON-7-A",),
        releases=("monitor-7@1.0.0+1",),
        tier=3,
    )
    surveyed = survey(verify(bundle, anchors(borealis.onboarding), {}, now), advisories, now)
    evidence = assemble(surveyed, here, policy.parameters, now)

    assert {} == against(judge(policy, evidence, engine, now))

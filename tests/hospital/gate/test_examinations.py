"""The vendor's threat model and black-box test at the gate: what is open, unknown or untested."""

from dataclasses import replace
from datetime import date

import pytest
from tests.spoiled_releases import against, edited, failing
from tests.vendors import FIRMWARE
from tests.wards import new_ward

from firmward.hospital import pipeline
from firmward.hospital.gate.document import leaves
from firmward.hospital.records import releases
from firmward.lab import paper_vendor
from firmward.lab.paper_evidence import Predicate
from firmward.lab.paper_vendor import Draft, pack, sealed_evidence
from firmward.vendor.blackbox import campaign, result
from firmward.vendor.threats import page
from firmward.vendor.threats.assess import Facts, assess
from firmward.vendor.threats.drift import drift
from firmward.vendor.threats.library import library
from firmward.vendor.threats.model import read

READERS = {"threats": {"RSK-004", "RSK-010"}, "blackbox": {"VUL-020"}}


def open_threat(band: str, **more) -> dict:
    """A threat that the vendor left open."""
    told = {"threat": "firmware-replacement", "element": "slot", "band": band, "status": "open"}
    return told | {"stride": "tampering", "vector": "network"} | more


def drifted(rule: str) -> list[dict]:
    """One difference between model and release."""
    return [{"rule": rule, "says": "telnet, by symbol telnetd_start"}]


def threats(draft: Draft, *steps, value) -> Draft:
    """The draft with its threat model edited."""
    return edited(draft, "threats", *steps, value=value)


def fuzzed(draft: Draft, *steps, value) -> Draft:
    """The draft with its black-box test edited."""
    return edited(draft, "blackbox", *steps, value=value)


SPOILED = {
    "an unacceptable threat is open": (
        lambda good: threats(good, "open", value=[open_threat("unacceptable")]),
        failing("RSK-010"),
    ),
    "only tolerable threats are open": (
        lambda good: threats(good, "open", value=[open_threat("tolerable")]),
        {},
    ),
    "an interface that the model lacks": (
        lambda good: threats(good, "drift", value=drifted("unmodelled-interface")),
        failing("RSK-010"),
    ),
    "a component that the model lacks": (
        lambda good: threats(good, "drift", value=drifted("unmodelled-component")),
        failing("RSK-010"),
    ),
    "drift of a kind that nobody knows yet": (
        lambda good: threats(good, "drift", value=drifted("not-covered-either")),
        failing("RSK-010"),
    ),
    "a model that has aged": (
        lambda good: threats(good, "drift", value=drifted("not-reviewed")),
        {},
    ),
    "a model of an older version": (
        lambda good: threats(good, "model", "covers", value=["0.9.0", "1.0.0"]),
        failing("RSK-004"),
    ),
    "a model that counts on luck": (
        lambda good: threats(good, "method", value="probability"),
        failing("RSK-004"),
    ),
    "a test that failed": (lambda good: fuzzed(good, "result", value="FAILED"), failing("VUL-020")),
    "a failure under a result that passed": (
        lambda good: fuzzed(good, "failedTests", value=["blackbox-crash"]),
        failing("VUL-020"),
    ),
    "trouble that could not be reproduced": (
        lambda good: fuzzed(good, "result", value="WARNED"),
        {},
    ),
    "a handful of inputs": (
        lambda good: fuzzed(good, "annotations", "inputs", value=4),
        failing("VUL-020"),
    ),
    "a test that watched nothing": (
        lambda good: fuzzed(good, "passedTests", value=[]),
        failing("VUL-020"),
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), SPOILED.values(), ids=SPOILED)
def test_what_the_vendor_left_open_meets_exactly_its_rule(
    judged, vendor, good, now, spoil, expected
):
    """Honestly signed evidence is read for what it admits."""
    assert expected == against(judged(pack(vendor, spoil(good), now).bundle))


UNREADABLE = {
    "threats": [
        lambda good: threats(good, "open", value=[open_threat("harmless")]),
        lambda good: threats(good, "open", value=[{"threat": "firmware-replacement"}]),
        lambda good: threats(good, "model", "covers", value=[]),
        lambda good: threats(good, "drift", value=[{"rule": "not-covered: x", "says": ""}]),
        lambda good: threats(good, "drift", value=drifted("not-reviewed") * 513),
    ],
    "blackbox": [
        lambda good: fuzzed(good, "result", value="SKIPPED"),
        lambda good: fuzzed(good, "annotations", value={}),
        lambda good: fuzzed(good, "annotations", "inputs", value=-1),
    ],
}


@pytest.mark.parametrize(
    ("name", "spoil"), [(name, spoil) for name, each in UNREADABLE.items() for spoil in each]
)
def test_an_examination_that_cannot_be_read_is_missing(judged, vendor, good, now, name, spoil):
    """Never an empty list: an unreadable model has not shown that nothing is open."""
    words = against(judged(pack(vendor, spoil(good), now).bundle))

    assert dict.fromkeys(READERS[name], "indeterminate") == words


MEMBERS = {"threats": ("open", "drift", "method", "model"), "blackbox": ("annotations", "result")}


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name, each in MEMBERS.items() for member in each]
)
def test_a_member_that_is_left_out_is_no_clean_result(judged, vendor, good, now, name, member):
    """Deleting the list of open threats does not close them."""
    predicate = good.evidence[name]
    body = {each: value for each, value in predicate.body.items() if each != member}
    spoiled = replace(good, evidence={**good.evidence, name: Predicate(predicate.kind, body)})
    words = against(judged(pack(vendor, spoiled, now).bundle))

    assert dict.fromkeys(READERS[name], "indeterminate") == words


@pytest.mark.parametrize("name", READERS)
def test_evidence_deleted_or_of_another_image_blocks_whoever_reads_it(
    judged, vendor, good, now, name
):
    """Neither silence nor the clean model of another image lets a release in."""
    sealed = sealed_evidence(vendor, good)
    deleted = {each: data for each, data in sealed.items() if each != name}
    swapped = sealed | {name: sealed_evidence(vendor, good, about=good.fallback_image)[name]}
    for evidence, why in [(deleted, "not in the bundle"), (swapped, "about another image")]:
        judgement = judged(pack(vendor, good, now, evidence=evidence).bundle)

        assert dict.fromkeys(READERS[name], "indeterminate") == against(judgement)
        assert all(why in reason for reason in judgement.reasons)
        assert not judgement.admitted


def test_each_value_names_the_envelope_it_was_read_from(assembled, vendor, good, now):
    """Attested by the vendor's evidence key; an open threat is listed though it is tolerable."""
    spoiled = threats(good, "open", value=[open_threat("tolerable")])
    evidence = assembled(pack(vendor, spoiled, now).bundle)
    sources = {evidence.sources["threats"], evidence.sources["blackbox"]}
    known = {
        path: leaf
        for path, leaf in leaves(evidence).items()
        if path.partition(".")[0] in {"risk", "testing"} and leaf.source_digest in sources
    }

    assert 10 == len(known)
    assert {("attested", vendor.evidence.public_key.keyid)} == {
        (leaf.trust, leaf.signer) for leaf in known.values()
    }
    assert sources == {leaf.source_digest for leaf in known.values()}
    assert "1.1.0" == known["risk.threat_model_version"].value
    assert ["slot"] == [threat.element for threat in known["risk.open_threats"].value]


def test_what_the_vendors_pipeline_writes_is_what_the_gate_reads(judged, vendor, good, now):
    """The pump's real model without its answers' evidence: each open threat is named."""
    model = read((FIRMWARE / "pump" / "threats.yaml").read_bytes())
    today = date(2026, 11, 21)
    found = drift(model, ("tinyframe", "lwip"), {"telnet": "symbol telnetd"}, "1.1.0", today)
    assessed = assess(model, library(), Facts(), today)
    body = page.predicate(model, "a" * 64, assessed, found)
    spoiled = replace(good, evidence={**good.evidence, "threats": replace_body(good, body)})
    judgement = judged(pack(vendor, spoiled, now).bundle)
    [blocking] = judgement.blocking
    grave = {each.threat.id for each in assessed.open if each.band == "unacceptable"}

    assert failing("RSK-010") == against(judgement)
    assert grave
    assert all(any(name in said for said in blocking.offenders) for name in grave)
    assert 2 == len([said for said in blocking.offenders if said.startswith("unmodelled-")])


def replace_body(draft: Draft, body: dict) -> Predicate:
    """The draft's threat model with another body."""
    return Predicate(draft.evidence["threats"].kind, body)


@pytest.mark.parametrize(
    ("coverage", "inputs", "expected"),
    [(397, 900, {}), (None, 900, {}), (None, 0, failing("VUL-020"))],
)
def test_a_campaigns_result_is_read_whether_or_not_the_device_tells_its_coverage(
    judged, vendor, good, now, coverage, inputs, expected
):
    """A device that reports less is not one without a test; one without inputs is."""
    ran = campaign.Result(
        inputs=inputs,
        novel=0,
        seconds=1.5,
        coverage=coverage,
        checked=("crash", "hang", "reset", "deadline"),
        findings=(),
    )
    predicate = good.evidence["blackbox"]
    body = result.predicate(ran, (b"PING\n",), 7, {"deadline_ms": 100})
    spoiled = replace(good, evidence={**good.evidence, "blackbox": Predicate(predicate.kind, body)})

    assert expected == against(judged(pack(vendor, spoiled, now).bundle))


def test_a_release_with_an_open_unacceptable_threat_gives_no_device_a_byte(tmp_path):
    """Refused at intake with its reason; nothing is published and no device is ordered."""
    ward = new_ward(tmp_path, 1)
    draft = paper_vendor.draft(ward.vendor, ward.now)
    spoiled = threats(draft, "open", value=[open_threat("unacceptable")])
    bundle = pack(ward.vendor, spoiled, ward.now).bundle
    judgement = pipeline.take_bundle(ward.hospital, "acme", bundle, "acme", ward.now)
    [blocking] = judgement.judged[0].judgement.blocking

    assert not judgement.admitted
    assert "RSK-010" == blocking.rule
    assert ("firmware-replacement on slot (unacceptable, network)",) == blocking.offenders
    with ward.site.store.reading() as connection:
        assert {"refused"} == {release.state for release in releases.every(connection)}
    assert [] == ward.events("gate.admitted")
    ward.site.close()

"""One answer, with all that it rests on, that can be signed, kept, replayed and read."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from firmward.hospital.gate.judge import Judgement, explain, judge, passed, reopen, summarise
from firmward.lab.paper_vendor import image, pack
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.statement import VSA
from firmward.terms.wire import encode

VERIFIER = "urn:firmward:gate:north"


@pytest.fixture
def refused(judged, vendor, good, now) -> Judgement:
    """The judgement of an unsigned release without an SBOM."""
    spoiled = replace(
        good,
        image=image(None, "1.1.0", 3),
        evidence={name: good.evidence[name] for name in good.evidence if name != "sbom"},
    )
    return judged(pack(vendor, spoiled, now).bundle)


def test_the_same_inputs_give_the_same_bytes(policy, assembled, good_bundle, now):
    """A judgement can be replayed years later and compared."""
    evidence = assembled(good_bundle)

    assert encode(judge(policy, evidence, now)) == encode(judge(policy, evidence, now))


def test_a_kept_judgement_reads_back_as_it_was(refused):
    """Bytes in a store are enough to show every reason again."""
    assert refused == reopen(encode(refused))
    assert explain(refused) == explain(reopen(encode(refused)))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"release":1}', b"[]"])
def test_bytes_that_are_no_judgement_are_malformed(data):
    """A damaged row is an error, never an empty judgement."""
    with pytest.raises(Malformed):
        reopen(data)


def test_every_rule_runs_though_the_first_has_failed(policy, refused):
    """All reasons are shown at once, the gravest first."""
    order = ["critical", "high", "medium", "low"]
    severities = [order.index(ruling.severity) for ruling in refused.blocking]

    assert len(policy.rules) == len(refused.rulings)
    assert severities == sorted(severities)
    assert len(refused.blocking) == len(refused.reasons) > 5


def test_a_judgement_names_all_that_it_rests_on(judged, policy, good, good_bundle):
    """Pack, parameters, evidence and every artefact are there by digest."""
    judgement = judged(good_bundle)

    assert policy.sha256 == judgement.pack_sha256
    assert {"bundle", "image", *good.evidence} == set(judgement.sources)
    assert 1 == judgement.build_level


def test_another_parameter_changes_the_digest_and_the_answer(policy, assembled, good_bundle, now):
    """A hospital that asks for more gets another judgement, not another reading of the same."""
    evidence = assembled(good_bundle)
    stricter = replace(policy, parameters={**policy.parameters, "slsa_min": {"1": 3}})
    before, after = judge(policy, evidence, now), judge(stricter, evidence, now)

    assert (True, False) == (before.admitted, after.admitted)
    assert before.parameters_sha256 != after.parameters_sha256
    assert before.evidence_sha256 == after.evidence_sha256


def test_a_parameter_of_the_wrong_type_blocks(policy, assembled, good_bundle, now):
    """A mistake in the parameters cannot make a rule pass."""
    mistaken = replace(policy, parameters={**policy.parameters, "scan_max_age_days": "7"})
    judgement = judge(mistaken, assembled(good_bundle), now)

    assert [("VUL-008", "indeterminate")] == [(it.rule, it.word) for it in judgement.blocking]


def test_time_alone_can_turn_an_admission(policy, assembled, good_bundle, now):
    """Judged again after the vendor's metadata ran out, a good release is held."""
    evidence = assembled(good_bundle)
    later = judge(policy, evidence, now + timedelta(days=2))

    assert ["SIG-008"] == [ruling.rule for ruling in later.blocking]


def test_a_pack_whose_rules_apply_to_nothing_admits_nothing(policy, assembled, good_bundle, now):
    """Silence is not consent."""
    assert not judge(replace(policy, rules=()), assembled(good_bundle), now).admitted


def test_the_verdict_round_trips_through_its_envelope(judged, policy, good_bundle):
    """Sealed by the gate, opened by whoever holds its key, it admits exactly this release."""
    gate = keys.new_signer()
    judgement = judged(good_bundle)
    sealed = envelope.seal_statement(summarise(judgement, VERIFIER), [gate])
    said = envelope.unseal_statement(
        sealed,
        [gate.public_key],
        "verdict",
        sha256=judgement.image_sha256,
        predicate_type=VSA,
    )
    summary = passed(said, judgement.release, policy.sha256)

    assert ("SLSA_BUILD_LEVEL_1",) == summary.verified_levels
    assert VERIFIER == summary.verifier.id
    assert judgement.at == summary.time_verified
    named = {given.uri: given.digest.sha256 for given in summary.input_attestations}
    assert judgement.evidence_sha256 == named["urn:firmward:evidence"]
    assert judgement.parameters_sha256 == named["urn:firmward:parameters"]


def test_a_verdict_is_good_for_one_release_one_pack_and_one_answer(
    judged, refused, policy, good_bundle
):
    """A verdict of another release, under another pack, or a refusal, admits nothing."""
    good = judged(good_bundle)
    said = summarise(good, VERIFIER)
    renamed = msgspec.structs.replace(said, predicate={**said.predicate, "resourceUri": "x"})
    unknown = msgspec.structs.replace(said, predicate={**said.predicate, "extra": 1})

    for spoiled, release, digest in [
        (said, "pump-200@9.9.9+9", policy.sha256),
        (said, good.release, "0" * 64),
        (renamed, good.release, policy.sha256),
        (summarise(refused, VERIFIER), refused.release, policy.sha256),
    ]:
        with pytest.raises(NotTrusted):
            passed(spoiled, release, digest)
    with pytest.raises(Malformed):
        passed(unknown, good.release, policy.sha256)


def test_a_refusal_states_no_level(refused):
    """SLSA's word for a failed verification is FAILED, in both places."""
    predicate = summarise(refused, VERIFIER).predicate

    assert "FAILED" == predicate["verificationResult"]
    assert ["FAILED"] == list(predicate["verifiedLevels"])


def test_a_person_reads_clause_values_origin_and_remedy(refused, vendor):
    """The text names who asks, what was seen and from where, and what would help."""
    text = explain(refused)

    assert "REFUSED by hospital-baseline@2026.11.0" in text
    assert "FAIL SIG-001 (critical, cannot be waived)" in text
    assert "FDA Cybersecurity Guidance (3 February 2026) App. 1(D)" in text
    assert f"signature.verified = false (measured, sha256:{refused.image_sha256})" in text
    assert "INDETERMINATE SBM-002" in text
    assert "sbom.dsse.json is not in the bundle" in text
    assert "remedy     Attach a CycloneDX SBOM" in text
    assert "SIG-004" not in text


def test_an_admission_reads_as_one(judged, good_bundle, policy):
    """Where nothing blocks there is nothing to explain."""
    text = explain(judged(good_bundle))

    assert "admitted by" in text
    assert f"{len(policy.rules)} pass, 0 fail" in text

"""One answer, with all that it rests on, that can be signed, kept, replayed and read."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests import shipped
from tests.waived import Waived

from firmward.hospital.gate import document
from firmward.hospital.gate import policy as policies
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import NoAnswer
from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.judge import (
    Judgement,
    judge,
    judge_again,
    passed,
    reopen,
    summarise,
)
from firmward.hospital.gate.packs.examples import changed
from firmward.hospital.gate.policy import PackNotInForce
from firmward.hospital.gate.told import explain
from firmward.lab.paper_vendor import image, pack
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.statement import VSA
from firmward.terms.wire import encode

VERIFIER = "urn:firmward:gate:north"


@pytest.fixture(scope="module")
def cpp() -> Direct:
    """The default engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="module")
def passing() -> Evidence:
    """A document that passes every shipped rule."""
    return shipped.whole()


@pytest.fixture
def refused(judged, vendor, good, now) -> Judgement:
    """The judgement of an unsigned release without an SBOM."""
    spoiled = replace(
        good,
        image=image(None, "1.1.0", 3),
        evidence={name: good.evidence[name] for name in good.evidence if name != "sbom"},
    )
    return judged(pack(vendor, spoiled, now).bundle)


def test_the_same_inputs_give_the_same_bytes(policy, assembled, good_bundle, engine, now):
    """A judgement can be replayed years later and compared."""
    evidence = assembled(good_bundle)
    kept, held = encode(evidence), policies.reopen(policy.encoded)
    again = document.joined(document.parts(evidence))
    first = encode(judge(policy, evidence, engine, now))

    assert first == encode(judge(policy, evidence, engine, now))
    assert kept == encode(again)
    assert first == encode(judge(held, again, engine, now))


def test_a_kept_policy_reads_back_as_it_was(policy):
    """Rules, parameters, clauses and packs, under the digest that judgements name."""
    held = policies.reopen(policy.encoded)

    assert policy == held
    assert (policy.sha256, policy.parameters_sha256) == (held.sha256, held.parameters_sha256)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null"])
def test_bytes_that_are_no_policy_are_malformed(data):
    """A damaged row is an error, never an empty policy."""
    with pytest.raises(Malformed):
        policies.reopen(data)


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

    assert [asked.rule.id for asked in policy.rules] == [each.rule for each in refused.rulings]
    assert severities == sorted(severities)
    assert len(refused.blocking) == len(refused.reasons) > 5


def test_a_judgement_names_all_that_it_rests_on(judged, assembled, policy, good, good_bundle):
    """Packs, parameters, evidence and every artefact are there by digest."""
    judgement = judged(good_bundle)
    artefacts = {"bundle", "image", "device-class", "advisories", "fallback-sbom", *good.evidence}

    assert policy.sha256 == judgement.policy_sha256
    assert policy.packs == judgement.packs
    assert artefacts == set(judgement.sources)
    evidence = document.digests(document.parts(assembled(good_bundle)))
    assert document.digest(evidence) == judgement.evidence_sha256
    assert 1 == judgement.build_level


def test_another_parameter_changes_the_digest_and_the_answer(
    policy, assembled, good_bundle, engine, now
):
    """A hospital that asks for more gets another judgement, not another reading of the same."""
    evidence = assembled(good_bundle)
    stricter = replace(policy, parameters={**policy.parameters, "slsa_min": {"1": 3}})
    before, after = judge(policy, evidence, engine, now), judge(stricter, evidence, engine, now)

    assert (True, False) == (before.admitted, after.admitted)
    assert before.parameters_sha256 != after.parameters_sha256
    assert before.policy_sha256 != after.policy_sha256
    assert before.evidence_sha256 == after.evidence_sha256


def test_a_parameter_of_the_wrong_type_blocks(policy, assembled, good_bundle, engine, now):
    """A mistake in the parameters cannot make a rule pass."""
    mistaken = replace(policy, parameters={**policy.parameters, "scan_max_age_days": "7"})
    judgement = judge(mistaken, assembled(good_bundle), engine, now)

    assert [("VUL-008", "indeterminate")] == [(it.rule, it.word) for it in judgement.blocking]


def test_time_alone_can_turn_an_admission(policy, assembled, good_bundle, engine, now):
    """Judged again after the vendor's metadata ran out, a good release is held."""
    evidence = assembled(good_bundle)
    later = judge(policy, evidence, engine, now + timedelta(days=2))

    assert "SIG-008" in [ruling.rule for ruling in later.blocking]


def test_a_policy_whose_rules_apply_to_nothing_admits_nothing(policy, passing, cpp):
    """Silence is not consent."""
    nowhere = tuple(
        msgspec.structs.replace(
            each,
            rule=msgspec.structs.replace(
                each.rule,
                applies_to=msgspec.structs.replace(each.rule.applies_to, when="1 > 2"),
            ),
        )
        for each in policy.rules
    )
    judgement = judge(replace(policy, rules=nowhere), passing, cpp, passing.at)

    assert {"not-applicable"} == {each.word for each in judgement.rulings}
    assert not judgement.admitted
    assert not judge(replace(policy, rules=()), passing, cpp, passing.at).admitted


@pytest.mark.parametrize("part", ["packs", "overlays"])
def test_a_policy_judges_neither_before_its_day_nor_after_its_end(policy, passing, cpp, part):
    """An old pack cannot be kept in use by leaving it there; nor can an overlay."""
    source = policy.packs[0]
    for name, changes in {
        "from": {"effective_from": passing.at + timedelta(seconds=1)},
        "before": {"expires": passing.at},
    }.items():
        spoiled = msgspec.structs.replace(source, **changes)
        held = replace(policy, **{part: (*getattr(policy, part), spoiled)})

        with pytest.raises(PackNotInForce, match=f"to be used {name}"):
            judge(held, passing, cpp, passing.at)
        with pytest.raises(PackNotInForce):
            judge_again(held, passing, cpp, passing.at, (), frozenset())


class Silent:
    """An engine that never answers."""

    name = "silent"

    def ask(self, questions, data):
        """Nothing."""
        raise NoAnswer(self.name, "nothing")

    def check(self, formula, variables):
        """Nothing."""
        raise NoAnswer(self.name, "nothing")


def test_without_an_engines_answer_there_is_no_judgement(policy, passing):
    """Could not judge is not judged."""
    with pytest.raises(NoAnswer):
        judge(policy, passing, Silent(), passing.at)


# ---- exceptions ----


def spoiled(passing: Evidence, *rules: str) -> Evidence:
    """The passing document with an edit that fails each of these rules."""
    for rule in rules:
        passing = changed(passing, next(shipped.failing(rule)))
    return passing


def test_an_exception_lets_in_what_it_covers_and_is_never_a_pass(policy, passing, cpp):
    """The failure, its offenders and its reason stay; the verdict names the exception's text."""
    evidence = spoiled(passing, "SBM-003")
    before = judge(policy, evidence, cpp, passing.at)
    after = judge(policy, evidence, cpp, passing.at, Waived(("SBM-003",)))
    [failed], [said] = before.blocking, [e for e in after.rulings if e.exception]

    assert (False, True) == (before.admitted, after.admitted)
    assert ("excepted", "exc-1") == (said.word, said.exception)
    assert (failed.offenders, failed.seen) == (said.offenders, said.seen)
    assert f"{failed.reason}; excepted by exc-1" == said.reason
    assert {"exc-1": "e" * 64} == after.exceptions
    named = summarise(after, VERIFIER).predicate["inputAttestations"]
    assert {"uri": "urn:firmward:exception:exc-1", "digest": {"sha256": "e" * 64}} in named
    assert "EXCEPTED by exc-1: SBM-003" in explain(after)


def test_an_exception_covers_no_other_rule(policy, passing, cpp):
    """What else fails still stands in the way."""
    evidence = spoiled(passing, "SBM-003", "VUL-011")
    judgement = judge(policy, evidence, cpp, passing.at, Waived(("SBM-003",)))

    assert not judgement.admitted
    assert ["VUL-011"] == [each.rule for each in judgement.blocking]


def test_no_exception_reaches_a_rule_that_cannot_be_waived(policy, passing, cpp):
    """Whatever an exception claims to cover."""
    for asked in policy.rules:
        if asked.rule.waivable:
            continue
        everything = Waived(tuple(each.rule.id for each in policy.rules))
        evidence = shipped.without(
            passing, next(path for path in asked.rule.evidence if path in document.PATHS)
        )
        judgement = judge(policy, evidence, cpp, passing.at, everything)

        assert not judgement.admitted
        assert asked.rule.id in [each.rule for each in judgement.blocking]


def test_an_exception_that_nothing_needs_changes_nothing(policy, passing, cpp):
    """A rule that passes is not excepted, nor one that only warns."""
    everything = Waived(tuple(each.rule.id for each in policy.rules))
    warned = spoiled(passing, "PMR-004")

    for evidence in (passing, warned):
        with_it = judge(policy, evidence, cpp, passing.at, everything)
        assert judge(policy, evidence, cpp, passing.at) == with_it
        assert {} == with_it.exceptions


# ---- the verdict ----


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
    summary = passed(said, judgement.release, judgement.device_class, policy.sha256)

    assert ("SLSA_BUILD_LEVEL_1",) == summary.verified_levels
    assert VERIFIER == summary.verifier.id
    assert judgement.at == summary.time_verified


def test_the_verdict_names_every_input_by_its_digest(judged, policy, good_bundle):
    """Packs, overlays, parameters, evidence, and each artefact that the evidence was read from."""
    judgement = judged(good_bundle)
    laid = msgspec.structs.replace(policy.packs[0], name="st-test@2026.11.1", sha256="d" * 64)
    judgement = msgspec.structs.replace(judgement, overlays=(laid,))
    given = summarise(judgement, VERIFIER).predicate["inputAttestations"]
    named = {each["uri"].removeprefix("urn:firmward:"): each["digest"]["sha256"] for each in given}

    assert {
        "parameters": judgement.parameters_sha256,
        "evidence": judgement.evidence_sha256,
        "overlay:st-test@2026.11.1": "d" * 64,
        **{f"pack:{source.name}": source.sha256 for source in policy.packs},
        **{name: each.removeprefix("sha256:") for name, each in judgement.sources.items()},
    } == named
    assert 12 == len(policy.packs)


def test_a_verdict_is_good_for_one_release_one_class_one_policy_and_one_answer(
    judged, refused, policy, good_bundle
):
    """A verdict of another release or class, under another policy, or a refusal, admits nothing."""
    good = judged(good_bundle)
    said = summarise(good, VERIFIER)
    renamed = msgspec.structs.replace(said, predicate={**said.predicate, "resourceUri": "x"})
    unknown = msgspec.structs.replace(said, predicate={**said.predicate, "extra": 1})
    whom = good.device_class

    assert passed(said, good.release, whom, policy.sha256)
    for spoiled_one, release, digest, device_class in [
        (said, "pump-200@9.9.9+9", policy.sha256, whom),
        (said, good.release, "0" * 64, whom),
        (said, good.release, policy.sha256, "pump-200/PUMP-200-C/tier-1"),
        (said, good.release, policy.sha256, ""),
        (renamed, good.release, policy.sha256, whom),
        (summarise(refused, VERIFIER), refused.release, policy.sha256, whom),
    ]:
        with pytest.raises(NotTrusted):
            passed(spoiled_one, release, device_class, digest)
    with pytest.raises(Malformed):
        passed(unknown, good.release, whom, policy.sha256)


def test_a_refusal_states_no_level(refused):
    """SLSA's word for a failed verification is FAILED, in both places."""
    predicate = summarise(refused, VERIFIER).predicate

    assert "FAILED" == predicate["verificationResult"]
    assert ["FAILED"] == list(predicate["verifiedLevels"])


# ---- for people ----


def test_a_person_reads_clause_values_origin_and_remedy(refused, vendor):
    """The text names who asks, what was seen and from where, and what would help."""
    text = explain(refused)

    assert f"{refused.release} of acme for pump-200/PUMP-200-B/tier-1: REFUSED at " in text
    assert "FAIL SIG-001 (critical, cannot be waived)" in text
    assert "FDA Cybersecurity Guidance (3 February 2026) App. 1(D)" in text
    assert f"signature.verified = false (measured, sha256:{refused.image_sha256})" in text
    assert "INDETERMINATE SBM-002" in text
    assert "sbom.dsse.json is not in the bundle" in text
    assert "  remedy     " in text
    assert "SIG-004" not in text


def test_an_admission_reads_as_one(judged, good_bundle, policy):
    """Where nothing blocks there is nothing to explain."""
    judgement = judged(good_bundle)
    text, words = explain(judgement), judgement.words()

    assert ": admitted at 2026-11-21T12:00:00Z" in text
    assert f"{words['pass']} pass, {words['fail']} fail, 0 indeterminate" in text
    assert ["CRY-006"] == [each.rule for each in judgement.warnings]
    assert sum(words.values()) == len(policy.rules)


def test_a_warning_reads_as_one_with_its_date(policy, passing, cpp):
    """In a line, until when it only warns."""
    text = explain(judge(policy, spoiled(passing, "CRY-006"), cpp, passing.at))

    assert "WARNS until 2030-01-01T00:00:00Z: CRY-006 " in text
    assert ": admitted at " in text

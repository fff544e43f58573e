"""The gate's one answer: every rule asked, every reason kept, and a statement to sign about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence, Gap
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.known import At
from firmward.hospital.gate.policy import Adopted, Policy, Source, question
from firmward.hospital.gate.rulings import Ruling, asked_of, facts, rulings
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.names import ReleaseId, Sha256
from firmward.terms.statement import VSA, Statement, statement
from firmward.terms.wire import Wire, convert, plain

_SEVERITIES: Final = ("critical", "high", "medium", "low")


class Excepting(Protocol):
    """The exceptions that hold at this moment for this release, image and device class."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Id of each exception and the digest of its text."""

    def covering(self, ruling: Ruling) -> str:
        """The id of the exception that covers all of this failure; "" for none."""


@dataclass(frozen=True)
class NoExceptions:
    """Nothing is excepted."""

    digests: Mapping[str, str] = field(default_factory=dict)

    def covering(self, ruling: Ruling) -> str:
        """None."""
        return ""


class Judgement(Wire, frozen=True, kw_only=True):
    """Whether a release may come in for a device class, and every reason.

    The digests are all that it depends on beside `at`: the same packs, overlays, parameters,
    exceptions and evidence give the same judgement years later.

    weighed  what taking the release and what refusing it would leave of risk, in a sentence
    """

    release: ReleaseId
    image_sha256: Sha256
    vendor: str
    site: str
    device_class: str = ""
    moment: At = "intake"
    at: datetime
    admitted: bool
    rulings: tuple[Ruling, ...]
    gaps: tuple[Gap, ...] = ()
    sources: dict[str, str] = {}
    packs: tuple[Source, ...]
    overlays: tuple[Source, ...] = ()
    policy_sha256: Sha256
    parameters_sha256: Sha256
    evidence_sha256: Sha256
    exceptions: dict[str, str] = {}
    build_level: int = 0
    weighed: str = ""

    @property
    def blocking(self) -> tuple[Ruling, ...]:
        """What stands in the way, the gravest first."""
        return _gravest(each for each in self.rulings if each.blocks)

    @property
    def warnings(self) -> tuple[Ruling, ...]:
        """What would stand in the way once its rule binds, the gravest first."""
        return _gravest(each for each in self.rulings if each.warns)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One line for each rule that stands in the way."""
        return tuple(f"{each.rule} {each.title}: {short(each)}" for each in self.blocking)

    def words(self) -> dict[str, int]:
        """How many rules gave each word."""
        counted: dict[str, int] = {}
        for each in self.rulings:
            counted[each.word] = counted.get(each.word, 0) + 1
        return counted


def _gravest(found: Iterable[Ruling]) -> tuple[Ruling, ...]:
    return tuple(sorted(found, key=lambda one: (_SEVERITIES.index(one.severity), one.rule)))


def judge(
    policy: Policy,
    evidence: Evidence,
    engine: Engine,
    now: datetime,
    excepting: Excepting | None = None,
) -> Judgement:
    """Every rule's answer; admitted only if nothing that binds stands in the way.

    raises  PackNotInForce; Unavailable where the engine cannot answer
    """
    policy.in_force(now)
    known = facts(evidence, now)
    answers = engine.ask(policy.questions, asked_of(policy, known))
    found = rulings(policy.rules, answers, known)
    return concluded(policy, evidence, found, now, excepting)


def judge_again(
    policy: Policy,
    evidence: Evidence,
    engine: Engine,
    now: datetime,
    before: Sequence[Ruling],
    changed: frozenset[str],
    excepting: Excepting | None = None,
) -> Judgement:
    """As `judge`, asking only the rules that read what changed; `before` answers the others.

    The caller MUST name every path whose value, envelope or absence differs from when `before` was
    reached, under this very policy.  Rules that read the clock are asked in any case.
    """
    policy.in_force(now)
    known = facts(evidence, now)
    changed |= {"now", *known.stale}
    kept = {each.rule: each for each in before if not each.exception}
    bound = {name: each.binds for name, each in kept.items()}
    asked = [a for a in policy.rules if to_ask(a, bound.get(a.rule.id), changed, now)]
    questions = [question(each.rule) for each in asked]
    answers = engine.ask(questions, asked_of(policy, known))
    fresh = {each.rule: each for each in rulings(asked, answers, known)}
    found = tuple(fresh.get(a.rule.id) or kept[a.rule.id] for a in policy.rules)
    return concluded(policy, evidence, found, now, excepting)


def to_ask(asked: Adopted, bound: bool | None, changed: frozenset[str], now: datetime) -> bool:
    """Whether what was kept of a rule is no answer any more: it read what changed, or binds now.

    bound  whether it did when it was kept; None where nothing was kept
    """
    return bound is None or bound != asked.binds(now) or asked.rule.reads_any(changed)


def concluded(
    policy: Policy,
    evidence: Evidence,
    found: Sequence[Ruling],
    now: datetime,
    excepting: Excepting | None = None,
    pieces: Mapping[str, str] | None = None,
) -> Judgement:
    """The judgement that rulings come to, with the exceptions that hold applied: the only place.

    pieces  the digests of the document's pieces, where they are known already
    """
    holding = excepting or NoExceptions()
    final = tuple(_excepted(each, holding) for each in found)
    level, weighed = evidence.provenance.slsa_build_level, evidence.risk.delta_says
    return Judgement(
        release=evidence.subject,
        image_sha256=evidence.image_sha256,
        vendor=evidence.vendor,
        site=evidence.site,
        device_class=evidence.device_class,
        moment=evidence.moment,
        at=now,
        admitted=_admits(final),
        rulings=final,
        gaps=evidence.gaps,
        sources=evidence.sources,
        packs=policy.packs,
        overlays=policy.overlays,
        policy_sha256=policy.sha256,
        parameters_sha256=policy.parameters_sha256,
        evidence_sha256=document.digest(pieces or document.digests(document.parts(evidence))),
        exceptions={
            each.exception: holding.digests[each.exception] for each in final if each.exception
        },
        build_level=0 if isinstance(level, msgspec.UnsetType) else level.value,
        weighed="" if isinstance(weighed, msgspec.UnsetType) else weighed.value,
    )


def _excepted(ruling: Ruling, holding: Excepting) -> Ruling:
    if not ruling.blocks or not ruling.waivable:
        return ruling
    name = holding.covering(ruling)
    if not name:
        return ruling
    return msgspec.structs.replace(
        ruling, word="excepted", exception=name, reason=f"{ruling.reason}; excepted by {name}"
    )


def _admits(found: Sequence[Ruling]) -> bool:
    """At least one rule passed, and nothing that binds stands in the way."""
    return any(each.word == "pass" for each in found) and not any(each.blocks for each in found)


class _Digest(Wire, frozen=True, kw_only=True):
    sha256: Sha256


class Input(Wire, frozen=True, kw_only=True):
    """Something a verdict was reached from."""

    uri: str
    digest: _Digest


class _Verifier(Wire, frozen=True, kw_only=True):
    id: str
    version: dict[str, str] = {}


class Summary(Wire, frozen=True, kw_only=True):
    """A verification summary (slsa.dev/spec/v1.1/verification_summary)."""

    verifier: _Verifier
    time_verified: datetime
    resource_uri: str
    policy: Input
    input_attestations: tuple[Input, ...]
    verification_result: Literal["PASSED", "FAILED"]
    verified_levels: tuple[str, ...]
    slsa_version: str


def summarise(judgement: Judgement, verifier: str) -> Statement:
    """The judgement as an in-toto statement about the image; the caller seals it.

    verifier  a URI for whoever judged
    """
    level = f"SLSA_BUILD_LEVEL_{judgement.build_level}"
    summary = Summary(
        verifier=_Verifier(id=verifier),
        time_verified=judgement.at,
        resource_uri=_resource(judgement.release, judgement.device_class),
        policy=_input("policy", judgement.policy_sha256),
        input_attestations=tuple(
            _input(name, digest) for name, digest in sorted(_inputs(judgement).items())
        ),
        verification_result="PASSED" if judgement.admitted else "FAILED",
        verified_levels=(level,) if judgement.admitted else ("FAILED",),
        slsa_version="1.1",
    )
    return statement(judgement.release, judgement.image_sha256, VSA, plain(summary))


def _inputs(judgement: Judgement) -> dict[str, str]:
    return {
        "parameters": judgement.parameters_sha256,
        "evidence": judgement.evidence_sha256,
        **{f"pack:{source.name}": source.sha256 for source in judgement.packs},
        **{f"overlay:{source.name}": source.sha256 for source in judgement.overlays},
        **{f"exception:{name}": digest for name, digest in judgement.exceptions.items()},
        **{name: digest.removeprefix("sha256:") for name, digest in judgement.sources.items()},
    }


def _resource(release: str, device_class: str) -> str:
    return f"urn:firmward:release:{release}" + (f"#{device_class}" if device_class else "")


def _input(name: str, digest: str) -> Input:
    return Input(uri=f"urn:firmward:{name}", digest=_Digest(sha256=digest))


def passed(said: Statement, release: str, device_class: str, policy_sha256: str) -> Summary:
    """The summary in a verified statement, known to admit this release under this policy.

    The caller MUST have unsealed the statement with the gate's key and the image's digest.
    raises  Malformed, NotTrusted
    """
    summary = convert(said.predicate, Summary, "verification summary")
    expected = _resource(release, device_class)
    if summary.resource_uri != expected:
        raise NotTrusted("verification summary", f"expected {expected}, got {summary.resource_uri}")
    if summary.policy.digest.sha256 != policy_sha256:
        raise NotTrusted("verification summary", "it was reached under another policy")
    if summary.verification_result != "PASSED":
        raise NotTrusted("verification summary", f"{release} was refused")
    return summary


def reopen(data: bytes) -> Judgement:
    """A judgement kept as bytes.  Raises Malformed."""
    try:
        return msgspec.json.decode(data, type=Judgement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("judgement", "a judgement", str(error)[:200]) from error


def short(answer: Ruling) -> str:
    """What is wrong, in a few words."""
    if answer.offenders:
        return ", ".join(answer.offenders)
    if answer.word == "fail":
        return "; ".join(f"{seen.path} is {seen.value}" for seen in answer.seen)
    return answer.reason

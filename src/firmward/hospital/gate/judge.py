"""The gate's one answer: every rule asked, every reason kept, and a statement to sign about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, get_args

import msgspec

from firmward.hospital.gate.document import Evidence, Gap, moment
from firmward.hospital.gate.rules import Clause, Compiled
from firmward.hospital.gate.rulings import Ruling, Word, facts, ruling
from firmward.terms.errors import Malformed, NotTrusted, Unavailable
from firmward.terms.names import ReleaseId, Sha256
from firmward.terms.statement import VSA, Statement, statement
from firmward.terms.wire import Wire, convert, encode, plain

BLOCKING: Final = ("fail", "indeterminate")
_SEVERITIES: Final = ("critical", "high", "medium", "low")


class PackNotInForce(Unavailable):
    """A pack before its day or past its end decides nothing."""

    def __init__(self, pack: str, expected: str, now: datetime):
        self.pack = pack
        super().__init__(f"pack {pack}: expected to be used {expected}, got {moment(now)}")


@dataclass(frozen=True)
class Pack:
    """Rules and parameters that belong together, as loaded and checked.

    sha256  digest of the manifest, which holds the digest of every file
    """

    id: str
    version: str
    title: str
    effective_from: datetime
    expires: datetime
    rules: tuple[Compiled, ...]
    parameters: Mapping[str, Any]
    clauses: Mapping[str, Clause]
    sha256: str

    @property
    def name(self) -> str:
        """Id and version."""
        return f"{self.id}@{self.version}"

    def rule(self, rule_id: str) -> Compiled | None:
        """The rule of that id, if the pack has it."""
        return next((asked for asked in self.rules if asked.rule.id == rule_id), None)


class Judgement(Wire, frozen=True, kw_only=True):
    """Whether a release may come in, and every reason.

    The four digests are all that it depends on beside `at`: the same pack, parameters and evidence
    give the same judgement years later.
    """

    release: ReleaseId
    image_sha256: Sha256
    vendor: str
    site: str
    at: datetime
    admitted: bool
    rulings: tuple[Ruling, ...]
    gaps: tuple[Gap, ...] = ()
    sources: dict[str, str] = {}
    pack: str
    pack_sha256: Sha256
    parameters_sha256: Sha256
    evidence_sha256: Sha256
    build_level: int = 0

    @property
    def blocking(self) -> tuple[Ruling, ...]:
        """What stands in the way, the gravest first."""
        found = [each for each in self.rulings if each.word in BLOCKING]
        return tuple(sorted(found, key=lambda each: (_SEVERITIES.index(each.severity), each.rule)))

    @property
    def reasons(self) -> tuple[str, ...]:
        """One line for each rule that stands in the way."""
        return tuple(f"{each.rule} {each.title}: {_short(each)}" for each in self.blocking)


def judge(pack: Pack, evidence: Evidence, now: datetime) -> Judgement:
    """Every rule's answer; admitted only if every rule that applies passes, and one at least does.

    raises  PackNotInForce
    """
    if now < pack.effective_from:
        raise PackNotInForce(pack.name, f"from {moment(pack.effective_from)}", now)
    if now >= pack.expires:
        raise PackNotInForce(pack.name, f"before {moment(pack.expires)}", now)
    known = facts(evidence, pack.parameters, now)
    answers = tuple(ruling(asked, known, _cites(pack, asked)) for asked in pack.rules)
    words = {answer.word for answer in answers}
    level = known.leaves.get("provenance.slsa_build_level")
    return Judgement(
        release=evidence.subject,
        image_sha256=evidence.image_sha256,
        vendor=evidence.vendor,
        site=evidence.site,
        at=now,
        admitted="pass" in words and words <= {"pass", "not-applicable"},
        rulings=answers,
        gaps=evidence.gaps,
        sources=evidence.sources,
        pack=pack.name,
        pack_sha256=pack.sha256,
        parameters_sha256=sha256(encode(pack.parameters)).hexdigest(),
        evidence_sha256=sha256(encode(evidence)).hexdigest(),
        build_level=level.value if level is not None else 0,
    )


def _cites(pack: Pack, asked: Compiled) -> tuple[str, ...]:
    return tuple(pack.clauses[clause].cite for clause in asked.rule.sources)


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
    inputs = {
        "parameters": judgement.parameters_sha256,
        "evidence": judgement.evidence_sha256,
        **{name: digest.removeprefix("sha256:") for name, digest in judgement.sources.items()},
    }
    summary = Summary(
        verifier=_Verifier(id=verifier),
        time_verified=judgement.at,
        resource_uri=f"urn:firmward:release:{judgement.release}",
        policy=_input(f"pack:{judgement.pack}", judgement.pack_sha256),
        input_attestations=tuple(_input(name, digest) for name, digest in sorted(inputs.items())),
        verification_result="PASSED" if judgement.admitted else "FAILED",
        verified_levels=(level,) if judgement.admitted else ("FAILED",),
        slsa_version="1.1",
    )
    return statement(judgement.release, judgement.image_sha256, VSA, plain(summary))


def _input(name: str, digest: str) -> Input:
    return Input(uri=f"urn:firmward:{name}", digest=_Digest(sha256=digest))


def passed(said: Statement, release: str, pack_sha256: str) -> Summary:
    """The summary in a verified statement, known to admit this release under this pack.

    The caller MUST have unsealed the statement with the gate's key and the image's digest.
    raises  Malformed, NotTrusted
    """
    summary = convert(said.predicate, Summary, "verification summary")
    if summary.resource_uri != f"urn:firmward:release:{release}":
        raise NotTrusted("verification summary", f"expected {release}, got {summary.resource_uri}")
    if summary.policy.digest.sha256 != pack_sha256:
        raise NotTrusted("verification summary", "it was reached under another pack")
    if summary.verification_result != "PASSED":
        raise NotTrusted("verification summary", f"{release} was refused")
    return summary


def reopen(data: bytes) -> Judgement:
    """A judgement kept as bytes.  Raises Malformed."""
    try:
        return msgspec.json.decode(data, type=Judgement)
    except msgspec.DecodeError as error:
        raise Malformed("judgement", "a judgement", str(error)[:200]) from error


def _short(answer: Ruling) -> str:
    if answer.offenders:
        return ", ".join(answer.offenders)
    if answer.word == "fail":
        return "; ".join(f"{seen.path} is {seen.value}" for seen in answer.seen)
    return answer.reason


def explain(judgement: Judgement) -> str:
    """The judgement for people: what blocks and why, from which clause, and what would help."""
    words = [answer.word for answer in judgement.rulings]
    lines = [
        f"{judgement.release} of {judgement.vendor}: "
        f"{'admitted' if judgement.admitted else 'REFUSED'} by {judgement.pack} "
        f"at {moment(judgement.at)}",
        f"image sha256 {judgement.image_sha256}",
        ", ".join(f"{words.count(word)} {word}" for word in get_args(Word)),
    ]
    for answer in judgement.blocking:
        lines += ["", *_explained(answer)]
    return "\n".join(lines) + "\n"


def _explained(answer: Ruling) -> list[str]:
    waivable = "waivable" if answer.waivable else "cannot be waived"
    lines = [
        f"{answer.word.upper()} {answer.rule} ({answer.severity}, {waivable}): {answer.title}",
        f"  asked by   {'; '.join(answer.sources)} [{answer.basis}]",
        f"  because    {answer.reason}",
    ]
    for seen in answer.seen:
        source = seen.source_digest or "the hospital's own records"
        signer = f", signed by {seen.signer}" if seen.signer else ""
        lines.append(f"  saw        {seen.path} = {seen.value} ({seen.trust}, {source}{signer})")
    if answer.offenders:
        lines.append(f"  offenders  {', '.join(answer.offenders)}")
    return [*lines, f"  remedy     {answer.remedy}"]

"""A verdict reached again from what was kept: the same bytes, or what differs.  Pure.

A case is one file with all that a verdict was reached from and the verdict itself, so that an
auditor needs neither the hospital nor its store, years later.

What vouches for a case is the gate's signature, and the digests that it covers.  Whoever makes up
a case can put a key of their own into it: the key MUST be compared with the hospital's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from securesystemslib.signer import Key

from firmward.hospital.gate import document, policy
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.exceptions.grant import Grant
from firmward.hospital.gate.exceptions.holding import Document, Holding
from firmward.hospital.gate.exceptions.judgement import Valid
from firmward.hospital.gate.exceptions.request import Request, request_sha256
from firmward.hospital.gate.judge import Excepting, Judgement, judge, reopen, summarise
from firmward.hospital.gate.policy import PackNotInForce, Policy
from firmward.hospital.gate.rulings import Ruling
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, Misuse, Refused
from firmward.terms.names import Moment, ReleaseId, Sha256
from firmward.terms.statement import STATEMENT_PAYLOAD
from firmward.terms.wire import MIB, Wire, convert, encode, parse

LIMIT: Final = 128 * MIB
_SHOWN: Final = 120
ENGINES_WORDS: Final = ("whether it applies cannot be told: ", "the condition has no answer: ")
"""What a ruling's reason says before an engine's own words, which no other engine uses."""


class Case(Wire, frozen=True, kw_only=True):
    """A verdict with all that it was reached from.

    evidence    section -> its bytes, as text; digests are of these
    policy      the bytes of the policy, as text
    exceptions  the requests that were applied, in the order in which they were asked for
    judgement   what was said of each rule; the envelope does not cover its words
    """

    case_schema: Literal["firmward.case/v1"] = "firmward.case/v1"
    release: ReleaseId
    device_class: str
    at: Moment
    verifier: str
    evidence: dict[str, str]
    digests: dict[str, Sha256]
    policy: str
    exceptions: tuple[Request, ...] = ()
    judgement: str
    envelope: str
    key: dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """What came of reaching a verdict again.

    differences  the first is nearest to the cause
    size         of the statement, in bytes
    keyid        whose signature it was checked against
    pinned       whether that key was given from outside the case
    """

    judgement: Judgement | None
    differences: tuple[str, ...]
    size: int
    keyid: str
    pinned: bool

    @property
    def same(self) -> bool:
        """Whether every byte came out as it was signed."""
        return not self.differences


def read_case(data: bytes) -> Case:
    """The case in a file.  Raises Malformed."""
    return convert(parse(data, "case", limit=LIMIT, longest=LIMIT), Case, "case")


def replay(case: Case, engine: Engine, pinned: Key | None = None) -> Replayed:
    """Reach the verdict of a case again, and compare it byte for byte.

    pinned  the key of the gate, as the auditor knows it; without it the case's own
    raises  Unavailable where the engine cannot answer
    """
    found, judgement, said = [], None, b""
    key = pinned or keys.public_key(case.key, "case key")
    signed = b""
    try:
        signed = envelope.unseal(case.envelope.encode(), STATEMENT_PAYLOAD, [key], "verdict")
    except Refused as error:
        found.append(f"signature: {error}")
    try:
        judgement, before = again(case, engine), reopen(case.judgement.encode())
        said = encode(summarise(judgement, case.verifier))
        found += [*_inputs(case, judgement, before), *_payload(signed, said)]
        found += _words(before, judgement)
    except (Refused, PackNotInForce, KeyError) as error:
        found.append(f"cannot be judged: {error}")
    return Replayed(judgement, tuple(found), len(said), key.keyid, pinned is not None)


def again(case: Case, engine: Engine) -> Judgement:
    """The judgement that a case comes to.

    raises  Malformed for what is no policy or evidence; PackNotInForce; Unavailable
    """
    held = policy.reopen(case.policy.encode())
    evidence = joined(case.evidence)
    return judge(
        held, evidence, engine, case.at, excepting(case.exceptions, held, evidence, case.at)
    )


def joined(pieces: Mapping[str, str]) -> Evidence:
    """The document of these pieces.  Raises Malformed."""
    if "head" not in pieces:
        raise Malformed("case", "evidence with its head", ", ".join(sorted(pieces))[:_SHOWN])
    return document.joined({name: text.encode() for name, text in pieces.items()})


def excepting(
    applied: tuple[Request, ...], held: Policy, evidence: Evidence, at: datetime
) -> Excepting:
    """The exceptions that were applied, as they held then: what each covers is asked again.

    That each was approved and in force then is what the gate's signature over its digest says.
    """
    grants = tuple(Valid(Grant(request), at) for request in applied)
    return Holding(grants, Document(evidence, held, at))


def _inputs(case: Case, judgement: Judgement, before: Judgement) -> Iterator[str]:
    """What of the inputs is not what the verdict names, closest to the file first."""
    yield from _differs("release", judgement.release, case.release)
    yield from _differs("class", judgement.device_class, case.device_class)
    now = document.digests({name: text.encode() for name, text in case.evidence.items()})
    for name in sorted(now.keys() | case.digests.keys()):
        yield from _differs(f"evidence {name}", case.digests.get(name), now.get(name))
    yield from _differs("evidence", before.evidence_sha256, judgement.evidence_sha256)
    digest = sha256(case.policy.encode()).hexdigest()
    yield from _differs("policy", before.policy_sha256, digest)
    yield from _differs("policy read again", digest, judgement.policy_sha256)
    given = {request.id: request_sha256(request) for request in case.exceptions}
    for name in sorted(given.keys() | before.exceptions.keys()):
        yield from _differs(f"exception {name}", before.exceptions.get(name), given.get(name))


def _differs(what: str, was: str | None, now: str | None) -> Iterator[str]:
    if was != now:
        yield f"{what}: the verdict has {was or 'none'}, the case {now or 'none'}"


def _payload(signed: bytes, said: bytes) -> Iterator[str]:
    """Where two statements part; nothing where they are the same bytes."""
    if not signed or signed == said:
        return
    where = next(parted(msgspec.json.decode(signed), msgspec.json.decode(said)), "")
    # The same values in other bytes would be another signature all the same.
    yield f"statement: {where or f'{len(signed)} bytes were signed, {len(said)} came out'}"


def parted(was: Any, now: Any, at: str = "") -> Iterator[str]:
    """Every place at which two JSON values part, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            yield from parted(was.get(name), now.get(name), f"{at}.{name}".lstrip("."))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from parted(one, other, f"{at}[{place}]")
    elif was != now:
        yield f"{at or 'it'} was {_short(was)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = "absent" if value is None else encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _words(before: Judgement, after: Judgement) -> Iterator[str]:
    """The rules that say something else than was kept."""
    was, now = ({each.rule: each for each in one.rulings} for one in (before, after))
    for rule in sorted(was.keys() | now.keys()):
        old, new = was.get(rule), now.get(rule)
        if old is None or new is None:
            yield f"{rule}: {'not asked then' if old is None else 'not asked now'}"
        elif _bare(old) != _bare(new):
            yield f"{rule}: {next(parted(msgspec.to_builtins(old), msgspec.to_builtins(new)))}"
    rest = (msgspec.structs.replace(one, rulings=()) for one in (before, after))
    yield from parted(*(msgspec.to_builtins(one) for one in rest))


def _bare(ruling: Ruling) -> Ruling:
    """A ruling without an engine's own words for why there is no answer."""
    for own in ENGINES_WORDS:
        told, found, _ = ruling.reason.partition(own)
        if found:
            return msgspec.structs.replace(ruling, reason=told + own)
    return ruling


def pinned_key(data: bytes) -> Key:
    """A gate's public key, as in its site's public/verdict.key.json.  Raises Misuse."""
    try:
        return keys.public_key(data, "verdict key")
    except Malformed as error:
        raise Misuse(f"verdict key: {error}") from error

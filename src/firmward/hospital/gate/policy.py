"""The policy in force: every rule that a hospital asks, from which pack, and from when it binds.

Pure.  What is here was read, checked and verified by `packs`; `judge` asks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from firmward.hospital.gate.engine import Question
from firmward.hospital.gate.known import moment
from firmward.hospital.gate.rules import Clause, Rule
from firmward.terms.errors import Unavailable
from firmward.terms.names import Sha256
from firmward.terms.wire import MIB, Wire, decode, encode


class PackNotInForce(Unavailable):
    """A pack or overlay before its day or past its end decides nothing."""

    def __init__(self, pack: str, expected: str, now: datetime):
        self.pack = pack
        super().__init__(f"pack {pack}: expected to be used {expected}, got {moment(now)}")


class Source(Wire, frozen=True, kw_only=True):
    """A pack or an overlay that a policy is made of; sha256 of its manifest."""

    name: str
    sha256: Sha256
    effective_from: datetime
    expires: datetime


class Adopted(Wire, frozen=True, kw_only=True):
    """A rule as this hospital asks it.

    pack        the pack it is from, id@version
    cites       the clauses behind it, as people cite them
    binds_from  until then it warns and does not block; None where it binds already
    """

    rule: Rule
    pack: str
    cites: tuple[str, ...]
    binds_from: datetime | None = None

    def binds(self, now: datetime) -> bool:
        """Whether a failure stands in the way at this moment."""
        return self.binds_from is None or now >= self.binds_from


class _Kept(Wire, frozen=True, kw_only=True):
    """A policy as it is kept."""

    packs: tuple[Source, ...]
    overlays: tuple[Source, ...]
    rules: tuple[Adopted, ...]
    parameters: dict[str, Any]
    clauses: dict[str, Clause]


@dataclass(frozen=True)
class Policy:
    """Everything a judgement is reached by, beside the evidence.

    rules       by id
    parameters  by name, of all packs, as the overlays left them
    """

    packs: tuple[Source, ...]
    overlays: tuple[Source, ...]
    rules: tuple[Adopted, ...]
    parameters: Mapping[str, Any]
    clauses: Mapping[str, Clause]

    @cached_property
    def encoded(self) -> bytes:
        """All of it as canonical bytes, from which `reopen` makes it again."""
        parameters, clauses = dict(self.parameters), dict(self.clauses)
        kept = _Kept(
            packs=self.packs,
            overlays=self.overlays,
            rules=self.rules,
            parameters=parameters,
            clauses=clauses,
        )
        return encode(kept)

    @cached_property
    def sha256(self) -> str:
        """Digest of all of it."""
        return sha256(self.encoded).hexdigest()

    @cached_property
    def parameters_sha256(self) -> str:
        """Digest of the parameters alone."""
        return sha256(encode(dict(self.parameters))).hexdigest()

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """What an engine is asked for each rule; an engine knows the same tuple again."""
        return tuple(question(asked.rule) for asked in self.rules)

    @property
    def name(self) -> str:
        """Every pack and overlay by name."""
        return ", ".join(source.name for source in (*self.packs, *self.overlays))

    def rule(self, rule_id: str) -> Adopted | None:
        """The rule of that id, if any pack in force has it."""
        return next((asked for asked in self.rules if asked.rule.id == rule_id), None)

    def in_force(self, now: datetime) -> None:
        """Raises PackNotInForce where a part is not yet, or no longer, to be judged by."""
        for source in (*self.packs, *self.overlays):
            if now < source.effective_from:
                raise PackNotInForce(source.name, f"from {moment(source.effective_from)}", now)
            if now >= source.expires:
                raise PackNotInForce(source.name, f"before {moment(source.expires)}", now)


def question(rule: Rule) -> Question:
    """What an engine is asked for a rule."""
    return Question(rule.id, rule.condition, rule.applies_to.when, rule.offenders)


def reopen(data: bytes) -> Policy:
    """A policy that was kept.  Raises Malformed."""
    kept = decode(data, _Kept, "policy", limit=4 * MIB)
    return Policy(kept.packs, kept.overlays, kept.rules, kept.parameters, kept.clauses)

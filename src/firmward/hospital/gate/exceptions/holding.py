"""Grants where the gate judges: what a ruling is about in their words, and which one covers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from msgspec import UnsetType

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.exceptions.judgement import Ask, Valid, apply, named
from firmward.hospital.gate.exceptions.request import SEVERITIES, Band, request_sha256
from firmward.hospital.gate.known import TRUST, Known
from firmward.hospital.gate.policy import Policy
from firmward.hospital.gate.rules import Rule
from firmward.hospital.gate.rulings import Ruling

_CONTEXT: Final = ("now", "moment")


@dataclass(frozen=True)
class Document:
    """A document that was judged, as exceptions look at it."""

    evidence: Evidence
    policy: Policy
    now: datetime

    @cached_property
    def _leaves(self) -> Mapping[str, Known[Any]]:
        return document.leaves(self.evidence)

    def ask(self, ruling: Ruling) -> Ask:
        """The ruling in the words of exceptions; one that was excepted, as it was before."""
        adopted = self.policy.rule(ruling.rule)
        rule = None if adopted is None else adopted.rule
        lacking = () if rule is None else self._lacking(rule)
        word = ruling.word
        if word == "excepted":
            word = "indeterminate" if lacking else "fail"
        return Ask(
            rule=ruling.rule,
            word=word,
            # A rule that the policy has not is no rule that it lets anybody waive.
            waivable=ruling.waivable and rule is not None and rule.waivable,
            offenders=named(word, ruling.offenders, self._values(rule), lacking),
            image_sha256=self.evidence.image_sha256,
            device_class=self.evidence.device_class,
        )

    def band(self, offender: str) -> Band:
        """The worst band of the vulnerabilities that an offender names, "" where it names none."""
        vulns = self.evidence.vulns
        if isinstance(vulns, UnsetType):
            return ""
        words = {offender, *offender.split()}
        found = [each.band for each in vulns.value if each.id in words]
        return min(found, key=SEVERITIES.index, default="")

    def _values(self, rule: Rule | None) -> dict[str, Any]:
        paths = () if rule is None else rule.evidence
        return {path: self._leaves[path].value for path in paths if path in self._leaves}

    def _lacking(self, rule: Rule) -> tuple[str, ...]:
        return tuple(
            path
            for path in rule.evidence
            if path not in _CONTEXT and not self._good(path, rule.trusts.get(path, rule.trust))
        )

    def _good(self, path: str, least: str) -> bool:
        leaf = self._leaves.get(path)
        return leaf is not None and not leaf.stale(self.now) and TRUST[leaf.trust] >= TRUST[least]


@dataclass(frozen=True)
class Holding:
    """The grants that hold for one document at one moment: what `judge` asks."""

    grants: tuple[Valid, ...]
    about: Document

    @cached_property
    def digests(self) -> dict[str, str]:
        """Id of each grant and the digest of its text."""
        requests = (each.grant.request for each in self.grants)
        return {request.id: request_sha256(request) for request in requests}

    def covering(self, ruling: Ruling) -> str:
        """The id of the grant that covers all of this failure; "" for none."""
        return apply(self.about.ask(ruling), self.grants, self.about.now).by

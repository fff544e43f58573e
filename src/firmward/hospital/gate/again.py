"""Judging again: what differs from the last time, and only the rules that read it, each once.

Pure.  `Again` answers as `judge.judge` does of the whole document.  What is saved: rules whose
evidence did not change keep their ruling, and rules that read the same values in the documents of
many releases and classes are put to the engine once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Answer, Engine
from firmward.hospital.gate.judge import Excepting, Judgement, concluded
from firmward.hospital.gate.known import Known, moment
from firmward.hospital.gate.listed import Vulnerability
from firmward.hospital.gate.policy import Adopted, Policy, question
from firmward.hospital.gate.rules import reads
from firmward.hospital.gate.rulings import Facts, Ruling, rulings
from firmward.terms.wire import encode

New = Mapping[str, Known[Any] | UnsetType]
Leaves = Mapping[str, Known[Any]]

# What is newer of itself and says nothing new: the age of advisories and of vendors' metadata.
_TICKING: Final = frozenset(
    {"scan.db_date", "release.manifest_expires", "signature.cert_not_after", "moment", "now"}
)
_SCOPE: Final = ("release.safety_class", "device.tier", "regulatory.jurisdictions")
_EVERY: Final = timedelta(days=1)


def differing(before: Leaves, new: New) -> dict[str, Known[Any] | UnsetType]:
    """Those of the new values that differ in anything but the moment of looking."""
    return {path: leaf for path, leaf in new.items() if not _same(before.get(path, UNSET), leaf)}


def _same(old: Known[Any] | UnsetType, new: Known[Any] | UnsetType) -> bool:
    if isinstance(old, UnsetType) or isinstance(new, UnsetType):
        return old is new
    return (
        old.value == new.value
        and (old.trust, old.source_digest, old.signer) == (new.trust, new.source_digest, new.signer)
        and old.valid_until == new.valid_until
    )


def updated(known: Leaves, new: New) -> dict[str, Known[Any]]:
    """What is known, with these in the place of what was."""
    found: dict[str, Any] = {**known, **new}
    for path, leaf in new.items():
        if leaf is UNSET:
            del found[path]
    return found


def news(changed: Collection[str]) -> bool:
    """Whether anything changed beside what is newer of itself."""
    return bool(frozenset(changed) - _TICKING)


def gist(rulings: Iterable[Ruling]) -> bytes:
    """All of rulings that can matter: every rule's word and whether it binds; what each names.

    Two lines: the first is the same for most releases, and is read once for all of them.
    """
    every = list(rulings)
    words = {each.rule: _word(each) for each in every}
    named = {each.rule: _named(each) for each in every if each.offenders or each.exception}
    return encode(words) + b"\n" + encode(named)


def _word(ruling: Ruling) -> str:
    return ruling.word[0] + ("b" if ruling.binds else "w")


def _named(ruling: Ruling) -> str:
    said = encode([ruling.offenders, ruling.exception])
    return blake2b(said, digest_size=8).hexdigest() if ruling.offenders or ruling.exception else ""


def only(last: bytes, rules: Collection[str]) -> bytes:
    """A gist without the words of any other rule."""
    words, _, named = last.partition(b"\n")
    held = _TEXTS.decode(words)
    return encode({name: held[name] for name in held if name in rules}) + b"\n" + named


_TEXTS: Final = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True)
class Decision:
    """What rules come to, before anything is written.

    fresh      the rulings of the rules that were asked
    otherwise  whether any of them says otherwise than the last time
    """

    fresh: Mapping[str, Ruling]
    admitted: bool
    otherwise: bool


@dataclass(frozen=True)
class _Last:
    """The last words of every rule, read once for all pairs that have the same."""

    words: Mapping[str, str]
    asked: Sequence[Adopted]
    paths: tuple[str, ...]
    passed: bool
    blocked: bool


def _decision(held: _Last, fresh: Mapping[str, Ruling], named: Mapping[str, str]) -> Decision:
    blocked = held.blocked or any(each.blocks for each in fresh.values())
    passed = held.passed or any(each.word == "pass" for each in fresh.values())
    otherwise = not held.words or any(
        (_word(each), _named(each)) != (held.words.get(name), named.get(name, ""))
        for name, each in fresh.items()
    )
    return Decision(fresh, passed and not blocked, otherwise)


@dataclass
class Again:
    """One turn of judging again, at one moment under one policy; what it has asked, it remembers.

    raises  PackNotInForce, when made
    """

    policy: Policy
    engine: Engine
    now: datetime
    _numbers: dict[int, tuple[object, int]] = field(default_factory=dict)
    _values: dict[bytes, int] = field(default_factory=dict)
    _told: dict[tuple[object, ...], Ruling] = field(default_factory=dict)
    _read: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _formula: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _readers: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _answered: dict[tuple[object, ...], Answer] = field(default_factory=dict)
    _lasts: dict[tuple[bytes, frozenset[str]], _Last] = field(default_factory=dict)
    _decided: dict[tuple[object, ...], Mapping[str, Ruling]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policy.in_force(self.now)
        for asked in self.policy.rules:
            rule = asked.rule
            formula = {*rule.evidence, *reads(rule.applies_to.when)} & document.PATHS
            self._formula[rule.id] = tuple(sorted(formula))
            self._read[rule.id] = tuple(sorted(formula | set(_SCOPE)))

    def decide(
        self, leaves: Leaves, about: Evidence, last: bytes, changed: frozenset[str]
    ) -> Decision:
        """What the rules come to, of which those that read nothing new keep their word.

        about  whose document it is: its head is enough
        last   the gist of the rulings so far; b"" asks every rule
        """
        stale = [
            path
            for path, leaf in leaves.items()
            if leaf.valid_until is not UNSET and leaf.stale(self.now)
        ]
        words, _, named = last.partition(b"\n")
        held = self._last(words, frozenset(changed | {"now", *stale}))
        numbers = (leaf and self._number(leaf) for leaf in map(leaves.get, held.paths))
        key = (id(held), self._number(about.gaps), about.moment, *numbers)
        if key not in self._decided:
            self._decided[key] = self._rulings(held.asked, leaves, about)
        return _decision(held, self._decided[key], _TEXTS.decode(named) if named else {})

    def _last(self, last: bytes, changed: frozenset[str]) -> _Last:
        if (last, changed) not in self._lasts:
            gists = _TEXTS.decode(last) if last else {}
            # What was excepted is asked again: the exception may be over.
            kept = {rule: text[1] == "b" for rule, text in gists.items() if text[0] != "e"}
            reading = self._reading(changed)
            asked = [
                a
                for a in self.policy.rules
                if a.rule.id in reading or kept.get(a.rule.id) != a.binds(self.now)
            ]
            names = {a.rule.id for a in asked}
            rest = [gists[a.rule.id] for a in self.policy.rules if a.rule.id not in names]
            paths = {path for name in names for path in self._read[name]}
            self._lasts[last, changed] = _Last(
                gists,
                asked,
                tuple(sorted(paths)),
                passed=any(text[0] == "p" for text in rest),
                blocked=any(text[0] in "fi" and text[1] == "b" for text in rest),
            )
        return self._lasts[last, changed]

    def _reading(self, changed: frozenset[str]) -> frozenset[str]:
        """The rules that read any of these."""
        if changed not in self._readers:
            rules = (a.rule for a in self.policy.rules)
            self._readers[changed] = frozenset(r.id for r in rules if r.reads_any(changed))
        return self._readers[changed]

    def judge(
        self,
        evidence: Evidence,
        before: Sequence[Ruling],
        changed: frozenset[str],
        excepting: Excepting | None,
        pieces: Mapping[str, str] | None = None,
    ) -> Judgement:
        """As `judge.judge_again`."""
        decision = self.decide(document.leaves(evidence), evidence, gist(before), changed)
        return self.concluded(decision, evidence, before, excepting, pieces)

    def concluded(
        self,
        decision: Decision,
        evidence: Evidence,
        before: Sequence[Ruling],
        excepting: Excepting | None,
        pieces: Mapping[str, str] | None = None,
    ) -> Judgement:
        """The judgement that a decision comes to, with the rulings that were kept."""
        kept = {each.rule: each for each in before}
        found = [decision.fresh.get(a.rule.id) or kept[a.rule.id] for a in self.policy.rules]
        return concluded(self.policy, evidence, found, self.now, excepting, pieces)

    def _rulings(
        self, asked: Sequence[Adopted], leaves: Leaves, about: Evidence
    ) -> dict[str, Ruling]:
        gaps = self._number(about.gaps)
        keys = {a.rule.id: self._key(a.rule.id, leaves, gaps, about.moment) for a in asked}
        missing = [a for a in asked if keys[a.rule.id] not in self._told]
        if missing:
            answers = self._answers(missing, leaves, about)
            facts = Facts(leaves, about.gaps, about.moment, self.now)
            for each in rulings(missing, answers, facts):
                self._told[keys[each.rule]] = each
        return {name: self._told[key] for name, key in keys.items()}

    def _answers(self, asked: Sequence[Adopted], leaves: Leaves, about: Evidence) -> list[Answer]:
        """The engine's, of which each is asked for once for all documents with the same values."""
        keys = {a.rule.id: self._asking(a.rule.id, leaves, about.moment) for a in asked}
        missing = [a for a in asked if keys[a.rule.id] not in self._answered]
        if missing:
            wanted = {path for a in missing for path in self._formula[a.rule.id]}
            some = {path: leaves[path] for path in wanted if path in leaves}
            data = document.values_of(some, self.now) | {
                "p": dict(self.policy.parameters),
                "now": moment(self.now),
                "moment": about.moment,
            }
            for each in self.engine.ask([question(a.rule) for a in missing], data):
                self._answered[keys[each.rule]] = each
        return [self._answered[keys[a.rule.id]] for a in asked]

    def _asking(self, rule: str, leaves: Leaves, asked_at: str) -> tuple[object, ...]:
        read = map(leaves.get, self._formula[rule])
        return (rule, asked_at, *(leaf and self._number(leaf) for leaf in read))

    def _key(self, rule: str, leaves: Leaves, gaps: int, asked_at: str) -> tuple[object, ...]:
        read = (leaves.get(path) for path in self._read[rule])
        return (rule, asked_at, gaps, *(leaf and self._number(leaf) for leaf in read))

    def _number(self, value: object) -> int:
        """A number that equal values share; the value is held, so that its id stays its own."""
        known = self._numbers.get(id(value))
        if known is None:
            known = value, self._values.setdefault(encode(value), len(self._values))
            self._numbers[id(value)] = known
        return known[1]


# ---- another policy ----


def unchanged(old: Policy, new: Policy) -> frozenset[str]:
    """The rules that read the same in both, parameters included."""
    moved = {
        f"p.{name}"
        for name in {*old.parameters, *new.parameters}
        if old.parameters.get(name, UNSET) != new.parameters.get(name, UNSET)
    }
    held = {each.rule.id: each for each in old.rules}
    return frozenset(
        each.rule.id
        for each in new.rules
        if held.get(each.rule.id) == each and not (moved and _parameters(each) & (moved | {"p"}))
    )


def _parameters(asked: Adopted) -> set[str]:
    rule = asked.rule
    formulas = (rule.condition, rule.offenders, rule.applies_to.when)
    return {path for text in formulas for path in reads(text) if path.split(".")[0] == "p"}


def concerns(old: Policy, new: Policy, tier: int) -> bool:
    """Whether anything that changed between two policies can matter for a class of this tier."""
    same = unchanged(old, new)
    changed = [a.rule for policy in (old, new) for a in policy.rules if a.rule.id not in same]
    return any(tier in rule.applies_to.tiers for rule in changed)


# ---- when, and how soon ----


def next_look(evidence: Evidence, judgement: Judgement, policy: Policy, now: datetime) -> datetime:
    """When the passing of time alone can change the answer: the next known end, or in a day."""
    found = [now + _EVERY]
    leaves = document.leaves(evidence)
    for leaf in leaves.values():
        if not isinstance(leaf.valid_until, UnsetType):
            found.append(leaf.valid_until)
    for path in ("release.manifest_expires", "signature.cert_not_after"):
        if path in leaves:
            found.append(datetime.fromisoformat(leaves[path].value))
    held = {each.rule.id: each.binds_from for each in policy.rules}
    found += [day for each in judgement.warnings if (day := held.get(each.rule)) is not None]
    found += [source.expires for source in (*policy.packs, *policy.overlays)]
    return min(at for at in found if at > now)


def dangers(evidence: Evidence) -> list[str]:
    """What a device that runs the release is exposed to."""
    found = []
    for each in vulnerabilities(evidence):
        if each.kev and each.status in ("affected", "under_investigation"):
            found.append(f"kev:{each.id}")
        if each.status == "affected":
            found.append(f"vuln:{each.id}")
    return sorted(set(found))


def days_left(evidence: Evidence, judgement: Judgement, days: Mapping[str, int]) -> int:
    """Within how many days to act: by the gravest urgency among what stands against the release.

    Where what stands against it is no vulnerability nobody has said how urgent it is: the least.
    """
    against = {
        word for each in judgement.blocking for name in each.offenders for word in _ids(name)
    }
    urgencies = [days[each.urgency] for each in vulnerabilities(evidence) if each.id in against]
    return min(urgencies, default=min(days.values()))


def vulnerabilities(evidence: Evidence) -> Iterable[Vulnerability]:
    """The release's, none where they are not known."""
    return () if isinstance(evidence.vulns, UnsetType) else evidence.vulns.value


def blamed(causes: Sequence[str], judgement: Judgement) -> list[str]:
    """Those of the causes that the reasons against a release name; all where they name none."""
    named = {word for each in judgement.blocking for name in each.offenders for word in _ids(name)}
    found = [cause for cause in causes if cause.partition(":")[2] in named]
    return found or list(causes)


def _ids(offender: str) -> set[str]:
    return {offender, *offender.replace(",", " ").split()}


def with_news(evidence: Evidence, new: New, sources: Mapping[str, str], now: datetime) -> Evidence:
    """The document with other values, as of now."""
    found = document.with_leaves(evidence, new)
    return msgspec.structs.replace(
        found, moment="standing", at=now, sources={**evidence.sources, **sources}
    )

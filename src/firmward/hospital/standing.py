"""Judged again: what stands is looked at anew whenever something changes that speaks about it.

    triggers -> list -> fresh leaves -> only the rules that read them -> verdict -> what follows

One turn takes a few pairs off the list, so that the clock is not held; the rest is in rows and
comes with the next turn.  What a turn decides, signs, files and orders is one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import msgspec
from msgspec import UnsetType
from sqlalchemy import Connection

from firmward.hospital import judging, triggers, watching
from firmward.hospital.fresh import Fresh, OtherBundle
from firmward.hospital.gate import again, document, judge
from firmward.hospital.gate import policy as policies
from firmward.hospital.gate.again import Again, Leaves
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.gate.policy import Policy
from firmward.hospital.judging import Hospital
from firmward.hospital.matches import Matches
from firmward.hospital.records import exceptions, ledger, releases, verdicts, watched
from firmward.hospital.records.releases import Release
from firmward.hospital.records.verdicts import Standing, State, Verdict
from firmward.hospital.records.watched import Due, Last, Pair
from firmward.hospital.respond import changed as following
from firmward.hospital.respond import tickets
from firmward.hospital.respond.changed import Change
from firmward.terms.errors import FirmwardError, Unavailable
from firmward.terms.stage import Stage
from firmward.terms.wire import encode

TURN: Final = 200
"""Pairs that one turn of the clock judges again at most."""
_LATER_S: Final = 60.0
"""After this, what could not be judged is tried again."""


@dataclass(frozen=True)
class Rejudged:
    """A pair's new answer beside its last one.

    pieces   the digests of the document's pieces, and `fresh` those of them that are new
    telling  whether anything is different that is worth a verdict of its own
    """

    due: Due
    standing: Standing
    evidence: Evidence
    judgement: Judgement
    pieces: Mapping[str, str]
    fresh: Mapping[str, bytes]
    telling: bool


@dataclass(frozen=True)
class Decided:
    """A pair's new answer, before anything is written of it.

    pieces  the last verdict's document; `new` what differs from it
    """

    due: Due
    last: Last
    pieces: Mapping[str, Any]
    leaves: Leaves
    new: again.New
    changed: frozenset[str]
    decision: again.Decision

    @property
    def telling(self) -> bool:
        """Whether anything is different that is worth a verdict of its own."""
        return again.news(self.new) or self.decision.otherwise


@dataclass
class Turn:
    """What one turn looks up and works out only once.

    raises  Unavailable, when made, where nothing can be judged now
    """

    hospital: Hospital
    connection: Connection
    now: datetime
    again: Again = field(init=False)
    fresh: Fresh = field(init=False)
    matches: Matches = field(init=False)
    _lasts: dict[Pair, Last] = field(default_factory=dict)
    _pieces: dict[str, Any] = field(default_factory=dict)
    _leaves: dict[str, Leaves] = field(default_factory=dict)
    _gists: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    _asked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        hospital = self.hospital
        self.again = Again(hospital.policy, hospital.engine, self.now)
        self.fresh = Fresh(self.connection, hospital.advisories, self.now)
        parameters = hospital.policy.parameters
        self.matches = Matches(self.connection, hospital.advisories, parameters, self.fresh)
        self._asked = frozenset(each.release for each in exceptions.every(self.connection))

    def expect(self, waiting: Sequence[Due]) -> None:
        """Fetch at once what judging these needs."""
        releases_ = {due.release for due in waiting}
        lasts = watched.lasts(self.connection, releases_)
        pairs = {(due.release, due.device_class) for due in waiting}
        self._lasts |= {pair: last for pair, last in lasts.items() if pair in pairs}
        names = {
            digest: name
            for pair in pairs & lasts.keys()
            for name, digest in _parts(lasts[pair]).items()
        }
        for digest, data in verdicts.every_part(self.connection, names).items():
            name = names[digest]
            self._pieces[digest] = piece = document.own_piece(name, data)
            self._leaves[digest] = document.leaves_of(name, piece)
        known = (leaves.get("device.releases") for leaves in self._leaves.values())
        running = {release for leaf in known if leaf is not None for release in leaf.value}
        self.matches.expect(releases_ | running)

    def last(self, due: Due) -> Last | None:
        """How the pair stands; None where it was never judged."""
        return self._lasts.get((due.release, due.device_class))

    def decide(self, due: Due, last: Last) -> Decided:
        """The pair's answer.  Raises OtherBundle, Unavailable."""
        parts = _parts(last)
        known: dict[str, Any] = {}
        for digest in parts.values():
            known |= self._leaves[digest]
        head = self._pieces[parts["head"]]
        new = again.differing(known, self.fresh.leaves(head, known))
        here = again.updated(known, new)
        new |= again.differing(known, self.matches.leaves(due.release, here))
        here = again.updated(here, new)
        about = msgspec.structs.replace(head, moment="standing")
        changed = frozenset({*new, *({"moment"} if head.moment != "standing" else ())})
        decision = self.again.decide(here, about, self._gist(last), changed)
        pieces = {name: self._pieces[digest] for name, digest in parts.items()}
        return Decided(due, last, pieces, here, new, changed, decision)

    def judge(self, due: Due, last: Last) -> Rejudged:
        """The pair judged again, with all that is written of it.  Raises as `decide`."""
        return self.complete(self.decide(due, last))

    def complete(self, decided: Decided) -> Rejudged:
        """The whole judgement of a decision, exceptions applied."""
        last = verdicts.find(self.connection, decided.last.verdict)
        before = document.assembled(decided.pieces)
        evidence = again.with_news(before, decided.new, self.matches.sources, self.now)
        sections = {path.partition(".")[0] for path in decided.new}
        fresh = document.parts(evidence, sections)
        pieces = {**last.parts, **document.digests(fresh)}
        if isinstance(evidence.vulns, UnsetType):
            pieces.pop("vulns", None)
        excepting = None
        if evidence.subject in self._asked:
            excepting = judging.excepting(self.hospital, self.connection, evidence, self.now)
        rulings = judge.reopen(last.rulings).rulings
        judgement = self.again.concluded(decided.decision, evidence, rulings, excepting, pieces)
        row = decided.last
        standing = Standing(
            row.release, row.device_class, cast(State, row.state), row.verdict, row.since
        )
        standing = replace(standing, deadline=row.deadline)
        return Rejudged(decided.due, standing, evidence, judgement, pieces, fresh, True)

    def quiet(self, decided: Decided) -> bool:
        """Whether all stays as it is: nothing new, the same words, and no exception to weigh."""
        return not decided.telling and decided.due.release not in self._asked

    def _gist(self, last: Last) -> bytes:
        """Last words that hold under today's policy, unless what they read has changed."""
        if last.policy == self.hospital.policy.sha256 or not last.gist:
            return last.gist
        if (last.policy, last.gist) not in self._gists:
            old = policies.reopen(verdicts.policy(self.connection, last.policy))
            same = again.unchanged(old, self.hospital.policy)
            held = again.only(last.gist, same)
            self._gists[last.policy, last.gist] = held
        return self._gists[last.policy, last.gist]


def _parts(last: Last) -> dict[str, str]:
    return _PARTS.decode(last.parts)


_PARTS: Final = msgspec.json.Decoder(dict[str, str])


# ---- one turn ----


def look(hospital: Hospital, connection: Connection, now: datetime) -> None:
    """Put on the list whatever something has changed for."""
    triggers.look(connection, hospital.policy, hospital.advisories, now)


def step(hospital: Hospital, connection: Connection, now: datetime, most: int = TURN) -> list[str]:
    """Judge what has waited longest, in the caller's transaction; the decisions that changed.

    What cannot be judged now keeps its place on the list, and people are told once.
    """
    waiting = watched.waiting(connection, now.timestamp(), most)
    if not waiting:
        return []
    try:
        turn = Turn(hospital, connection, now)
        turn.expect(waiting)
    except Unavailable as error:
        _cannot(connection, hospital.policy, error, now)
        return []
    verdicts.keep_policy(connection, hospital.policy.sha256, hospital.policy.encoded)
    return [says for due in waiting if (says := _settle(turn, due))]


def _settle(turn: Turn, due: Due) -> str:
    connection, pair = turn.connection, (due.release, due.device_class)
    release, last = releases.find(connection, due.release), turn.last(due)
    watched.done(connection, pair)
    if release is None or last is None or last.state == "refused":
        return ""
    try:
        decided = turn.decide(due, last)
        rejudged = turn.complete(decided)
        rejudged = replace(rejudged, telling=not turn.quiet(decided))
    except OtherBundle as error:
        return _opened(turn, due, release, error)
    except FirmwardError as error:
        watched.ask_again(connection, {pair: due.causes}, turn.now.timestamp() + _LATER_S)
        _cannot(connection, turn.hospital.policy, error, turn.now)
        return ""
    return settle(turn.hospital, connection, release, rejudged, turn.now)


def settle(
    hospital: Hospital, connection: Connection, release: Release, found: Rejudged, now: datetime
) -> str:
    """Keep the answer, and do what follows from it; what changed, in words."""
    judgement, before = found.judgement, found.standing
    number = _keep(hospital, connection, found, now) if found.telling else before.verdict
    state = judging.next_state(before, judgement.admitted)
    held = watched.revoked_by(connection, (release.release, judgement.device_class))
    deadline = 0.0 if judgement.admitted else _deadline(hospital.policy, found, now)
    since = before.since if before.state == state else now.timestamp()
    standing = Standing(before.release, before.device_class, state, number, since, deadline)
    verdicts.stand(connection, standing)
    causes = tuple(again.blamed(found.due.causes, judgement))
    change = Change(release, judgement, causes, deadline)
    says = ""
    if state == "revoked" and not held:
        following.revoke(connection, hospital.site, change, now)
        says = f"{release.release} is revoked for {judgement.device_class}"
    elif state == "eligible" and (held or before.state == "revoked"):
        following.restore(connection, hospital.site, change, now)
        says = f"{release.release} is eligible for {judgement.device_class} again"
    elif state == "revoked" and deadline <= now.timestamp():
        following.overdue(connection, change, now)
    known = (hospital.policy, hospital.advisories)
    watching.follow(connection, *known, found.evidence, judgement, standing, now)
    return says


def _keep(hospital: Hospital, connection: Connection, found: Rejudged, now: datetime) -> int:
    judgement = found.judgement
    verdict = Verdict(
        number=0,
        release=judgement.release,
        device_class=judgement.device_class,
        moment=judgement.moment,
        admitted=judgement.admitted,
        parts=found.pieces,
        policy=judgement.policy_sha256,
        exceptions=judgement.exceptions,
        rulings=encode(judgement),
        envelope=judging.seal(hospital.site, judgement),
        at=now.timestamp(),
    )
    return verdicts.add(connection, verdict, found.fresh)


def _deadline(policy: Policy, found: Rejudged, now: datetime) -> float:
    """When it has to be dealt with: never later than was said before."""
    days = again.days_left(found.evidence, found.judgement, policy.parameters["ssvc_days"])
    until = (now + timedelta(days=days)).timestamp()
    return min(until, found.standing.deadline or until)


def _opened(turn: Turn, due: Due, release: Release, error: OtherBundle) -> str:
    """Judge from the bundle itself, for what rows cannot tell; every class of it."""
    hospital, connection, now = turn.hospital, turn.connection, turn.now
    sealed = hospital.site.blobs.get(release.bundle)
    data = hospital.site.unseal(sealed, f"bundle of {release.vendor}")
    try:
        answer = judging.examine(
            hospital, connection, release.vendor, data, now, again=release, asked_at="standing"
        )
    except FirmwardError as wrong:
        _cannot(connection, hospital.policy, wrong, now)
        pair: Pair = (due.release, due.device_class)
        watched.ask_again(connection, {pair: due.causes}, now.timestamp() + _LATER_S)
        return ""
    judging.remember(connection, answer.surveyed)
    watching.enrol(connection, answer.surveyed, hospital.policy.parameters)
    said = []
    for each in answer.judged:
        before = verdicts.standing(connection, due.release, each.judgement.device_class)
        if before is None or before.state == "refused":
            continue
        pieces = document.parts(each.evidence)
        found = Rejudged(
            due, before, each.evidence, each.judgement, document.digests(pieces), pieces, True
        )
        said.append(settle(hospital, connection, release, found, now))
    return "; ".join(filter(None, said)) or f"{due.release} is judged from its bundle: {error}"


def _cannot(connection: Connection, policy: Policy, error: Exception, now: datetime) -> None:
    """People are told once for each reason under a policy."""
    reason = str(error)
    filed = tickets.file(
        connection,
        tickets.BIOMED,
        f"not-judged-again:{policy.sha256[:16]}:{reason[:120]}",
        "what stands cannot be judged again now",
        (reason, "what was decided last goes on holding until it can"),
        (),
        now,
    )
    if filed:
        says = f"what stands cannot be judged again: {reason}"
        ledger.record(connection, "gate.unavailable", Stage.GATE, now, "firmward", (), says)

"""What it costs to judge again what is deployed, after one entry in the catalogue of the exploited.

500 releases for 20 device classes each are 10,000 pairs of 150 components, every pair with a signed
verdict; the entry is about a component that is in all of them, and about one that is in 1 %.

found    from the new advisories to the list of pairs, through the inverted index
decided  every pair on the list: document, vulnerabilities, rules, the answer
kept     besides: verdict signed and stored, standing, ledger, tickets
peer     a judgement of every rule for every pair, as it would be without index and memory

The machine's slowness is printed beside (see bench/judgement.py); figures are of one run, and the
loop is measured before, between and after.

    python bench/rejudge.py [--releases N] [--classes N]

Exits 1 where finding and deciding all takes more than 2 s of a healthy machine's time.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.judgement import HEALTHY_S, slice_s  # noqa: E402
from tests.standings import CVE, Town, town_of  # noqa: E402
from tests.wards import RELEASE  # noqa: E402

from firmward.advisories.identity import Component  # noqa: E402
from firmward.hospital import judging, mirror, standing, triggers, watching  # noqa: E402
from firmward.hospital.gate import document, judge  # noqa: E402
from firmward.hospital.gate.document import Evidence  # noqa: E402
from firmward.hospital.gate.listed import Part  # noqa: E402
from firmward.hospital.gate.remembered import listing, reopened, told  # noqa: E402
from firmward.hospital.records import components, releases, vendors, verdicts, watched  # noqa: E402
from firmward.hospital.records.devices import class_name  # noqa: E402
from firmward.hospital.records.verdicts import Standing, Verdict  # noqa: E402
from firmward.hospital.records.watched import Due  # noqa: E402
from firmward.terms.wire import encode  # noqa: E402

LIMIT_S, COMPONENTS, DISTINCT = 2.0, 150, 3000
TURNS = 5
RARE, RARE_SHARE = "CVE-2026-99124", 100


def slowness() -> float:
    """How many times slower than a healthy core the machine is just now."""
    return min(slice_s() for _ in range(10)) * 100 / HEALTHY_S


def parts_of(number: int) -> list[Component]:
    """150 components: one that all have, one that few have, the others of a common pool."""
    names = [f"part-{(number * 37 + at) % DISTINCT}" for at in range(COMPONENTS - 2)]
    names += ["tinyframe", "ringlog" if number % RARE_SHARE == 0 else f"own-{number}"]
    return [Component(name=n, version="1.4.2", purl=f"pkg:generic/{n}@1.4.2") for n in names]


def grown(evidence: Evidence, name: str, parts: list[Component], now: datetime) -> Evidence:
    """The paper release's document as that of another release."""
    [like, *_] = evidence.sbom.components.value
    listed = tuple(
        msgspec.structs.replace(like, name=p.name, version=p.version, ids=(p.purl,)) for p in parts
    )
    assert isinstance(like, Part)
    known = msgspec.structs.replace(evidence.sbom.components, value=listed)
    found = document.with_leaves(evidence, {"sbom.components": known})
    return msgspec.structs.replace(found, subject=name, at=now)


def of_class(evidence: Evidence, board: str, tier: int, running: str) -> Evidence:
    """The document for one class, whose devices run the release before."""
    device = evidence.device
    leaves = {
        "device.tier": msgspec.structs.replace(device.tier, value=tier),
        "device.hw_revs": msgspec.structs.replace(device.hw_revs, value=(board,)),
        "device.releases": msgspec.structs.replace(device.releases, value=(running,)),
    }
    found = document.with_leaves(evidence, leaves)
    return msgspec.structs.replace(found, device_class=class_name("pump-200", board, tier))


def deploy(town: Town, count: int, classes: int) -> list[Due]:
    """Rows for every pair, as intake leaves them."""
    hospital, now = town.ward.hospital, town.ward.now
    site, policy = hospital.site, hospital.policy
    with site.store.writing() as connection:
        first = releases.find(connection, RELEASE)
        last = verdicts.find(connection, town.standing_in(connection).verdict)
        evidence = judging.reopened(connection, last)
        kept = reopened(watched.remembered(connection, RELEASE))
        said = told(vendors.kept(connection, "acme")["targets"])
        turn = standing.Turn(hospital, connection, now)
        memory, found, before = turn.again, [], RELEASE
        for number in range(count):
            name = f"pump-200@1.{number // 100 + 2}.{number % 100}+{number + 10}"
            parts = parts_of(number)
            releases.add(connection, replace(first, release=name, counter=number + 10))
            components.keep(connection, name, parts)
            ours = msgspec.structs.replace(kept, listing=listing(said, name, kept.fallback))
            watched.remember(connection, name, encode(ours))
            new = watched.watch(connection, name, watching.component_keys(parts))
            watched.mark(connection, watching.marks(hospital.advisories, new, policy.parameters))
            base = grown(evidence, name, parts, now)
            for at in range(classes):
                board, tier = f"PUMP-200-{chr(65 + at // 4)}", at % 4 + 1
                one = of_class(base, board, tier, before)
                one = document.with_leaves(one, turn.matches.leaves(name, document.leaves(one)))
                judgement = memory.judge(one, (), frozenset(), None)
                stood(connection, one, judgement, now)
                watching.follow(
                    connection,
                    policy,
                    hospital.advisories,
                    one,
                    judgement,
                    verdicts.standing(connection, name, one.device_class),
                    now,
                )
                found.append(Due(name, one.device_class, (f"kev:{CVE}",)))
            before = name
        for due in watched.waiting(connection):
            watched.done(connection, (due.release, due.device_class))
    return found


def stood(connection, evidence: Evidence, judgement: judge.Judgement, now: datetime) -> None:
    """A verdict of the past and the standing by it."""
    pieces = document.parts(evidence)
    verdict = Verdict(
        number=0,
        release=evidence.subject,
        device_class=evidence.device_class,
        moment="intake",
        admitted=True,
        parts=document.digests(pieces),
        policy=judgement.policy_sha256,
        exceptions={},
        rulings=encode(judgement),
        envelope=b"",
        at=now.timestamp(),
    )
    number = verdicts.add(connection, verdict, pieces)
    row = Standing(evidence.subject, evidence.device_class, "eligible", number, now.timestamp())
    verdicts.stand(connection, row)


def timed(what: str, call) -> tuple[float, object]:
    """Seconds of a healthy machine, and what came back."""
    slow = slowness()
    started = time.perf_counter()
    value = call()
    took = time.perf_counter() - started
    slow = (slow + slowness()) / 2
    print(f"  {what:44} {took:8.2f} s, machine x{slow:3.1f}: healthy {took / slow:7.2f} s")
    return took / slow, value


def case(town: Town, what: str, cve: str) -> float:
    """One entry: found, decided, kept; healthy seconds of the first two."""
    hospital, store = town.ward.hospital, town.ward.site.store
    town.ward.wait(1)
    town.list_("CVE-2026-99001", cve)
    hospital.advisories = mirror.read(town.folder)
    print(f"{what}:")
    with store.writing() as connection:
        find = lambda: triggers.of_advisories(  # noqa: E731
            connection, hospital.advisories, hospital.policy, town.ward.now
        )
        found_s, _ = timed("found", find)
        waiting = watched.waiting(connection)
    with store.reading() as connection:
        decided_s, decided = timed("decided", lambda: decide(town, connection, waiting))
        revoked = decided.count(False)
        print(f"    {len(waiting)} pairs on the list, {revoked} lose their standing")
    kept_s, kept = timed(f"kept as well, {standing.TURN} at a turn", lambda: keep(town, TURNS))
    print(f"    {kept} pairs, {1000 * kept_s / max(1, kept):.1f} ms each on a healthy core")
    forget(town)
    print(f"  found and decided: {found_s + decided_s:.2f} s (limit {LIMIT_S:g} s for all)")
    return found_s + decided_s


def decide(town: Town, connection, waiting: list[Due]) -> list[bool]:
    """The answers alone."""
    turn = standing.Turn(town.ward.hospital, connection, town.ward.now)
    turn.expect(waiting)
    return [turn.decide(due, turn.last(due)).decision.admitted for due in waiting]


def keep(town: Town, turns: int) -> int:
    """Turn by turn, as the clock does it; how many pairs."""
    store, hospital = town.ward.site.store, town.ward.hospital
    with store.reading() as connection:
        before = watched.count(connection)
    for _ in range(turns):
        with store.writing() as connection:
            standing.step(hospital, connection, town.ward.now)
    with store.reading() as connection:
        return before - watched.count(connection)


def forget(town: Town) -> None:
    """The rest of the list is not kept: the next case begins with an empty one."""
    with town.ward.site.store.writing() as connection:
        for due in watched.waiting(connection):
            watched.done(connection, (due.release, due.device_class))


def whole(town: Town, waiting: list[Due], sample: int) -> float:
    """A judgement of every rule of some pairs, as seconds for all."""
    hospital, some = town.ward.hospital, waiting[:: max(1, len(waiting) // sample)]
    with town.ward.site.store.reading() as connection:
        documents = [
            judging.reopened(
                connection,
                verdicts.find(
                    connection,
                    verdicts.standing(connection, due.release, due.device_class).verdict,
                ),
            )
            for due in some
        ]
    took, _ = timed(
        f"peer: {len(some)} whole judgements",
        lambda: [
            judge.judge(hospital.policy, each, hospital.engine, town.ward.now) for each in documents
        ],
    )
    return took * len(waiting) / len(some)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=500)
    parser.add_argument("--classes", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        town = town_of(Path(folder), 1)
        town.write(RARE, "ringlog", 0.001)
        town.follow()
        town.ward.tick()
        _, pairs = timed("deployed", lambda: deploy(town, asked.releases, asked.classes))
        few = case(town, "in 1 % of them", RARE)
        every = case(town, "in all of them", CVE)
        peer = whole(town, pairs, 200)
        print(f"peer: {peer:.1f} s for {len(pairs)} pairs, {peer / every:.0f} times as long")
        print(f"found and decided on a healthy core: 1 % {few:.2f} s, all {every:.2f} s")
        town.ward.site.close()
    return int(every > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())

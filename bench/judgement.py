"""What one judgement costs: every rule of every pack, over 150 components and 40 vulnerabilities.

Figure: `judge`, from the evidence document to the judgement with every ruling and every digest,
through the worker process that a hospital asks; beside it, what the engines alone take of that.
Floor: a Python loop that reads every value of the same document as often as the rules' formulas
name it, and decides nothing; less than that no engine can take.
The machine's slowness is printed: what twenty million rounds of a loop would take, against 0.8 s on
a healthy core.  A slice of that loop runs between the calls that are measured, and the best tenth
of each is compared with the best tenth of the other, so that both have met the machine at its best.

    python bench/judgement.py [--rounds N]

Exits 1 where a judgement takes more than 5 ms of a healthy machine's time.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import shipped  # noqa: E402

from firmward.hospital.gate.document import Evidence  # noqa: E402
from firmward.hospital.gate.engine import Question, packed, plain  # noqa: E402
from firmward.hospital.gate.engines.direct import ENGINES, direct  # noqa: E402
from firmward.hospital.gate.engines.worker import Worker  # noqa: E402
from firmward.hospital.gate.judge import judge  # noqa: E402
from firmward.hospital.gate.rulings import asked_of, facts  # noqa: E402
from firmward.terms.wire import convert, encode, parse  # noqa: E402

LIMIT_MS = 5.0
COMPONENTS, VULNERABILITIES = 150, 40
ROUNDS, HEALTHY_S = 20_000_000, 0.8
SLICE = 200
_NAMED = re.compile(r"\b([a-z]+)\.([a-z_]+)\b")


def slice_s() -> float:
    """What a small part of the loop takes just now."""
    started, total = time.perf_counter(), 0
    for number in range(ROUNDS // SLICE):
        total += number
    return time.perf_counter() - started


def document() -> Evidence:
    """The document that passes every rule, grown to the size of a real release's."""
    whole = parse(encode(shipped.whole()), "evidence")
    parts, flaws = whole["sbom"]["components"], whole["vulns"]
    parts["value"] = grown(parts["value"], "name", COMPONENTS)
    flaws["value"] = grown(flaws["value"], "component", VULNERABILITIES)
    return convert(whole, Evidence, "evidence")


def grown(records: list[dict[str, Any]], name: str, count: int) -> list[dict[str, Any]]:
    """As many records, with as many names."""
    chosen = (records[at % len(records)] for at in range(count))
    return [{**record, name: f"{record[name]}-{at}"} for at, record in enumerate(chosen)]


def floor(asked: tuple[Question, ...], data: dict[str, Any]) -> Callable[[], object]:
    """A reading of everything that the conditions name, as often as they name it."""
    named = [
        (section, field)
        for question in asked
        for section, field in _NAMED.findall(f"{question.when} {question.condition}")
    ]
    records = {"c": data["sbom"]["components"], "v": data["vulns"]}

    def read() -> bool:
        known = True
        for section, field in named:
            if section in records:
                for record in records[section]:
                    known &= record.get(field) is not None
            elif isinstance(part := data.get(section), dict):
                known &= part.get(field) is not None
        return known

    return read


@dataclass(frozen=True)
class Figure:
    """Milliseconds of a call, and how many times slower than a healthy core the machine was."""

    best: float
    middle: float
    slowness: float

    @property
    def healthy(self) -> float:
        """What the call would take on a healthy core."""
        return self.best / self.slowness

    def __str__(self) -> str:
        return (
            f"best tenth {self.best:7.2f} ms, median {self.middle:7.2f}, "
            f"machine x{self.slowness:3.1f}: healthy {self.healthy:6.2f}"
        )


def tenth(times: list[float]) -> float:
    """What the best tenth of them takes at most."""
    return sorted(times)[len(times) // 10]


def measured(call: Callable[[], object], rounds: int) -> Figure:
    """What a call takes."""
    times, slices = [], []
    for _ in range(rounds):
        slices.append(slice_s())
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return Figure(tenth(times), median(times), tenth(slices) * SLICE / HEALTHY_S)


def start(engine: str) -> None:
    """From no process to the first answer, and its end."""
    worker = Worker(engine, deadline_s=60)
    worker.ask((Question("R-1", "true"),), {})
    worker.close()


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    policy, evidence = shipped.policy(), document()
    now, asked = evidence.at, policy.questions
    data = asked_of(policy, facts(evidence, now))
    print(f"judgement: {len(asked)} rules, {len(packed(data)) / 1000:.0f} kB")
    figures = {"floor": measured(floor(asked, plain(data)), rounds)}
    for engine in ENGINES:
        here, worker = direct(engine), Worker(engine, deadline_s=60)
        reached = judge(policy, evidence, worker, now)
        assert reached == judge(policy, evidence, here, now)
        print(f"  {engine}: {reached.words()}")
        few = rounds if engine == "cel-cpp" else max(10, rounds // 20)
        for name, asking in {"in process": here, "worker": worker}.items():
            figures[f"{engine}, {name}: answers"] = measured(partial(asking.ask, asked, data), few)
            figures[f"{engine}, {name}: judgement"] = measured(
                partial(judge, policy, evidence, asking, now), few
            )
        figures[f"{engine}, start of the worker"] = measured(partial(start, engine), 3)
        worker.close()
    for name, figure in figures.items():
        print(f"  {name:32} {figure}")
    verdict = figures["cel-cpp, worker: judgement"].healthy
    print(f"judgement: {verdict:.2f} ms on a healthy core (limit {LIMIT_MS:g})")
    return int(verdict > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())

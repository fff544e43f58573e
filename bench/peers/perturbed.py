"""Complete documents with other values: do engines agree where the packs do not look?"""

import copy
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from peers.cases import Subject
from peers.formula import read, walk

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_ASIDE = ("p", "now", "moment")


def documents(subject: Subject, count: int) -> Iterator[dict[str, Any]]:
    """The passing document with a few of the values that the rule reads made others."""
    chance = random.Random(subject.rule)
    words = [
        inner[1]
        for inner in walk(read(subject.condition))
        if inner[0] == "value" and isinstance(inner[1], str)
    ]
    paths = [path for path in subject.evidence if path not in _ASIDE]
    for _ in range(count):
        document = copy.deepcopy(subject.passing)
        for path in chance.sample(paths, chance.randint(1, len(paths))):
            *steps, last = path.split(".")
            where: Any = document
            for step in steps:
                where = where[step]
            where[last] = other(where[last], words, chance)
        yield document


def other(value: Any, words: list[str], chance: random.Random) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + chance.choice((-100, -1, 1, 2, 100)))
    if isinstance(value, float):
        return round(chance.choice((value / 2, value + 0.5, 0.0, 9.5)), 4)
    if isinstance(value, str):
        return _text(value, words, chance)
    if isinstance(value, dict):
        name = chance.choice(sorted(value))
        return value | {name: other(value[name], words, chance)}
    return _list(value, words, chance)


def _text(value: str, words: list[str], chance: random.Random) -> str:
    if _TIME.match(value):
        moved = datetime.fromisoformat(value) + timedelta(days=chance.choice((-900, -10, 10, 900)))
        return moved.strftime("%Y-%m-%dT%H:%M:%SZ")
    return chance.choice(("", "other", *words))


def _list(value: list[Any], words: list[str], chance: random.Random) -> list[Any]:
    if not value or chance.random() < 0.1:
        return []
    at = chance.randrange(len(value))
    if chance.random() < 0.3:
        return [*value[:at], *value[at + 1 :]]
    return [*value[:at], other(value[at], words, chance), *value[at + 1 :]]

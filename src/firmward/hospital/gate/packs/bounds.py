"""How far a parameter may be set, by its schema.

A change that asks for more is always allowed, whatever the schema's other end says.  One that asks
for less ends at the schema's bound; where the schema sets none, it is not allowed at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from firmward.hospital.gate.packs.schema import Bound, misfit, shown
from firmward.terms.wire import encode

_SENSE: Final = {
    "integer": ("lower", "higher", "none"),
    "number": ("lower", "higher", "none"),
    "string": ("lower", "higher", "none"),
    "boolean": ("true", "false", "none"),
    "array": ("fewer", "more", "none"),
}


@dataclass(frozen=True)
class Step:
    """One value of a parameter that a change moves: a whole one, or a part of a map or table.

    default  what the pack sets
    before   what it was, by the pack and the overlays before
    """

    name: str
    bound: Bound
    default: Any
    before: Any
    after: Any

    @property
    def loosens(self) -> bool:
        """Whether it asks for less than before, or for something that cannot be compared."""
        return _looser(self.bound, self.before, self.after)

    @property
    def forbidden(self) -> str:
        """What the pack expects instead; "" for a value that it allows."""
        if not _looser(self.bound, self.default, self.after):
            return ""
        if _table(self.bound):
            # Entries are compared by place; a shorter table has none for the last ones.
            return f"{len(self.default)} entries"
        if not ends(self.bound):
            return f"{shown(self.default)} or tighter, for the pack sets no bound"
        return _past_the_end(self.bound, self.default, self.after)


def steps(name: str, bound: Bound, default: Any, before: Any, after: Any) -> Iterator[Step]:
    """Every value that differs between `before` and `after`."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in after:
            part = bound.member(key) or bound
            yield from steps(f"{name}.{key}", part, default[key], before[key], after[key])
    elif _table(bound) and isinstance(after, list) and len(before) == len(after) == len(default):
        part = bound.item() or bound
        for at, values in enumerate(zip(default, before, after, strict=True)):
            yield from steps(f"{name}.{at}", part, *values)
    elif encode(before) != encode(after):
        yield Step(name, bound, default, before, after)


def merged(before: Any, change: Any) -> Any:
    """A map with some members set anew; any other value is set as a whole."""
    if isinstance(before, dict) and isinstance(change, dict):
        return before | {key: merged(before.get(key), one) for key, one in change.items()}
    return change


def unbounded(bound: Bound, value: Any) -> str:
    """What the schema leaves open about a parameter; "" where nothing."""
    if isinstance(value, dict):
        parts = ((key, bound.member(key), one) for key, one in value.items())
        said = ((key, unbounded(part, one) if part else "no schema") for key, part, one in parts)
        return next((f"{key}: {wrong}" for key, wrong in said if wrong), "")
    if _table(bound):
        item = bound.item()
        return next((wrong for one in value if item and (wrong := unbounded(item, one))), "")
    if isinstance(bound.tighter, UnsetType):
        return "no x-tighter says which way is tighter"
    if bound.tighter not in _SENSE[bound.type]:
        return f"x-tighter {bound.tighter} says nothing of a value of type {bound.type}"
    return "" if ends(bound) else "nothing says how far it may be loosened"


def ends(bound: Bound) -> bool:
    """Whether the schema says where loosening ends."""
    item = bound.item()
    if bound.tighter == "lower":
        return bound.maximum is not UNSET or bound.enum is not UNSET
    if bound.tighter == "higher":
        return bound.minimum is not UNSET or bound.enum is not UNSET
    if bound.tighter == "fewer":
        return item is not None and item.enum is not UNSET
    if bound.tighter == "more":
        return bound.min_items is not UNSET or bool(bound.kept)
    return bound.tighter == "none" or bound.enum is not UNSET


def told(bound: Bound) -> str:
    """The bound for people: which way is tighter, and where loosening ends."""
    words = [] if isinstance(bound.tighter, UnsetType) else [f"tighter: {bound.tighter}"]
    item = bound.item()
    if bound.tighter in ("lower", "none") and not isinstance(bound.maximum, UnsetType):
        words.append(f"at most {shown(bound.maximum)}")
    if bound.tighter in ("higher", "none") and not isinstance(bound.minimum, UnsetType):
        words.append(f"at least {shown(bound.minimum)}")
    if not isinstance(bound.enum, UnsetType):
        words.append(f"one of {shown(list(bound.enum))}")
    if item is not None and not isinstance(item.enum, UnsetType):
        words.append(f"of {shown(list(item.enum))}")
    if bound.kept:
        words.append(f"always with {shown(sorted(map(str, bound.kept)))}")
    if not isinstance(bound.min_items, UnsetType):
        words.append(f"at least {bound.min_items}")
    return ", ".join([*words, *_told_members(bound)])


def _told_members(bound: Bound) -> list[str]:
    """What holds for each member of a map, those alike together."""
    alike: dict[str, list[str]] = {}
    for name in ("", *bound.properties) if bound.type == "object" else ():
        if (part := bound.member(name)) is not None:
            alike.setdefault(told(part), []).append(name or "each")
    return [f"{'/'.join(names)}: ({said})" for said, names in alike.items()]


def _table(bound: Bound) -> bool:
    """Whether a list is read by place, each entry with a direction of its own."""
    item = bound.item()
    directed = item is not None and item.tighter in ("lower", "higher", "true", "false")
    return bound.type == "array" and bound.tighter not in ("fewer", "more") and directed


def _looser(bound: Bound, before: Any, after: Any) -> bool:
    if encode(before) == encode(after):
        return False
    if bound.type == "array":
        return _looser_list(bound, before, after)
    if bound.type == "boolean":
        return encode(after).decode() != bound.tighter
    if bound.tighter not in ("lower", "higher"):
        return True
    if bound.type in ("integer", "number"):
        return bool(after > before) if bound.tighter == "lower" else bool(after < before)
    return _looser_word(bound, before, after)


def _looser_list(bound: Bound, before: list[Any], after: list[Any]) -> bool:
    had, has = {encode(one) for one in before}, {encode(one) for one in after}
    if bound.tighter == "fewer":
        return not has <= had
    return not (bound.tighter == "more" and has >= had)


def _looser_word(bound: Bound, before: str, after: str) -> bool:
    """Words are ordered by their place in `enum`; one that is not there has no place."""
    order = [] if isinstance(bound.enum, UnsetType) else list(bound.enum)
    if before not in order or after not in order:
        return True
    way = 1 if bound.tighter == "lower" else -1
    return way * order.index(after) > way * order.index(before)


def _past_the_end(bound: Bound, default: Any, after: Any) -> str:
    """What of its loosening end a value passes; the tightening end bounds nothing."""
    if bound.tighter == "fewer":
        had = {encode(one) for one in default}
        added = [one for one in after if encode(one) not in had]
        return misfit(msgspec.structs.replace(bound, min_items=UNSET), added)
    if bound.tighter == "lower":
        return misfit(msgspec.structs.replace(bound, minimum=UNSET), after)
    if bound.tighter == "higher":
        return misfit(msgspec.structs.replace(bound, maximum=UNSET), after)
    if bound.tighter == "more":
        return misfit(msgspec.structs.replace(bound, max_items=UNSET), after)
    return misfit(bound, after)

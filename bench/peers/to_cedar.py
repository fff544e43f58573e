"""Rules written in Cedar, as far as Cedar has words for them, in two styles.

`forbid`  everything is permitted, and each rule forbids what violates it, as guardrails do.
`permit`  nothing is permitted but by the rule's condition.

Each rule is an action.  Cedar has no loops: a rule over records becomes two policies, one asked
once, and one that the caller asks for each of them, which it passes as `context.each`.
Whatever is indexed by a value is spelled out key by key, and a list that is indexed is passed as a
record of its places, since Cedar's lists are sets.
"""

import json
from dataclasses import dataclass
from typing import Any

from peers.formula import (
    TRUTH,
    Both,
    Each,
    Formula,
    Is,
    Logic,
    NotExpressible,
    both,
    logic,
    put,
    read,
    sample,
    walk,
)

_HEAD = (
    "// Written by bench/policy_peers.py --write from the packs' rules; change those, not this.\n"
)
_SCOPE = 'principal, action == Action::"{}", resource'
_EACH = "each"
_HOUR_MS = 3_600_000
_DECIMAL = {
    "<": "lessThan",
    "<=": "lessThanOrEqual",
    ">": "greaterThan",
    ">=": "greaterThanOrEqual",
}
TRUE = TRUTH


@dataclass(frozen=True)
class Policy:
    """One rule in Cedar.

    records  actions that the caller asks for each member of a list, and the list's path
    places   paths of lists that are indexed, which Cedar's sets cannot be
    """

    forbid: str
    permit: str
    records: dict[str, str]
    places: frozenset[str] = frozenset()


class _Cedar:
    """One rule on its way into Cedar."""

    def __init__(self, document: Any):
        self.document = document
        self.member: Any = None
        self.places: set[str] = set()

    def of(self, formula: Formula) -> Any:
        """What a formula yields in a passing document."""
        return sample(formula, {**self.document, _EACH: self.member})

    # -- loops and lookups, taken apart

    def loops(self, tree: Logic) -> list[Each]:
        """The loops that the caller has to run: what no operation on sets can say."""
        if isinstance(tree, Both):
            found = [loop for part in tree.parts for loop in self.loops(part)]
            if len(found) > 1 and not tree.every:
                raise NotExpressible("no loops: two of them as alternatives")
            return found
        if not isinstance(tree, Each) or self.on_sets(tree) is not None:
            return []
        if not tree.every:
            raise NotExpressible("no loops: one of many cannot be asked for")
        if tree.members[0] == "list":
            return []
        return [tree]

    def kept(self, tree: Logic, loop: Each | None) -> Logic:
        """The logic about the one member that is asked for, without the caller's other loops."""
        if isinstance(tree, Both):
            parts = [self.kept(part, loop) for part in tree.parts]
            if TRUE in parts and not tree.every:
                return TRUE
            return both(tuple(part for part in parts if part != TRUE), tree.every)
        if tree is loop:
            members = self.of(tree.members)
            self.member = members[0] if members else {}
            return put(loop.of, ("name", loop.name), ("name", _EACH))
        return TRUE if isinstance(tree, Each) and self.loops(tree) else tree

    def on_sets(self, tree: Each) -> tuple[Formula, bool] | None:
        """The set that members are in, or not in, where the loop is one operation on two sets."""
        match tree:
            case Each(_, name, Is(("op", "in", ("name", member), others), inside)):
                if member == name and not isinstance(self.of(others), dict):
                    return others, inside
        return None

    def spelled(self, tree: Logic) -> Logic:
        """The logic with every lookup by a value as one alternative for each key."""
        if isinstance(tree, Both):
            return both(tuple(self.spelled(part) for part in tree.parts), tree.every)
        formula = tree.what if isinstance(tree, Is) else tree.members
        for inner in walk(formula):
            if inner[0] == "at" and inner[2][0] != "value":
                return self.by_key(tree, inner)
        return tree

    def by_key(self, tree: Logic, lookup: Formula) -> Logic:
        _, table, key = lookup
        found = self.of(table)
        if key[:2] == ("call", "string"):
            key = key[2][0]
        if isinstance(found, list):
            self.places.add(_path(table))
        ways = []
        for name in range(len(found)) if isinstance(found, list) else sorted(found):
            is_number = isinstance(found, list) or isinstance(self.of(key), int)
            # What a table lacks is no error here but no alternative: nothing is then proven.
            is_key = Is(("op", "==", key, ("value", int(name) if is_number else name)))
            here = put(tree, lookup, ("at", table, ("value", str(name))))
            ways.append(both((is_key, self.spelled(here)), True))
        return both(tuple(ways), False)

    # -- text

    def text(self, tree: Logic) -> str:
        match tree:
            case Is(("value", bool() as value), holds):
                return json.dumps(value == holds)
            case Both(parts, every):
                return f"({(' && ' if every else ' || ').join(self.text(part) for part in parts)})"
            case Is(what, holds):
                return self.single(what, holds)
            case Each(("list", members), name, of, every):
                return self.text(both(tuple(put(of, ("name", name), m) for m in members), every))
            case Each(members, _, _, every) if (found := self.on_sets(tree)) is not None:
                others, inside = found
                name = "containsAll" if every == inside else "containsAny"
                # all in; not all in; any in; not any in
                return f"{'' if inside else '!'}{self.value(others)}.{name}({self.value(members)})"
        raise NotExpressible("no loops")

    def single(self, what: Formula, holds: bool) -> str:
        no = "" if holds else "!"
        match what:
            case ("call", "has", (("field", record, name),)):
                return f"{no}({self.value(record)} has {name})"
            case ("op", "in", member, members) if isinstance(self.of(members), dict):
                return f"{no}({self.value(members)} has {json.dumps(member[1])})"
            case ("op", "in", member, members):
                return f"{no}{self.value(members)}.contains({self.value(member)})"
            case ("op", sign, ("call", "size", (counted,)), ("value", 0)) if sign in (">", "=="):
                empty = (sign == "==") == holds
                return f"{'' if empty else '!'}{self.value(counted)}.isEmpty()"
            case ("op", sign, left, right) if sign not in ("+", "-", "*"):
                return self.compared(sign, left, right)
            case ("method", "startsWith", text, (("value", start),)):
                return f"{no}({self.value(text)} like {json.dumps(start + '*')})"
        return f"{self.value(what)} == {json.dumps(holds)}"

    def compared(self, sign: str, left: Formula, right: Formula) -> str:
        apart = _apart(left, right)
        if apart is not None:
            first, second, limit = apart
            text = f"{self.value(first)}.durationSince({self.value(second)}).toMilliseconds()"
            return f"{text} {sign} {self.value(limit)}"
        if any(isinstance(self.of(side), float) for side in (left, right)) and sign in _DECIMAL:
            return f"{self.value(left)}.{_DECIMAL[sign]}({self.value(right)})"
        return f"{self.value(left)} {sign} {self.value(right)}"

    def value(self, formula: Formula) -> str:
        match formula:
            case ("value", float() as number):
                return f'decimal("{number}")'
            case ("value", value):
                return json.dumps(value)
            case ("list", parts):
                return f"[{', '.join(self.value(part) for part in parts)}]"
            case ("name", name):
                return f"context.{name}"
            case ("field", inner, name):
                return f"{self.value(inner)}.{name}"
            case ("at", inner, ("value", key)):
                return f"{self.value(inner)}[{json.dumps(key)}]"
            case ("call", "double", (number,)):
                return self.value(number)
            case ("call", "timestamp", (when,)):
                return f"datetime({self.value(when)})"
            case ("call", "duration", (("value", text),)):
                return str(int(text.removesuffix("h")) * _HOUR_MS)
            case ("call", "duration", (("op", "+", ("call", "string", (hours,)), _),)):
                return f"{self.value(hours)} * {_HOUR_MS}"
            case ("op", ("+" | "-" | "*") as sign, left, right):
                if any(isinstance(self.of(part), float) for part in (left, right)):
                    raise NotExpressible("no arithmetic with decimals")
                return f"{self.value(left)} {sign} {self.value(right)}"
        raise NotExpressible(f"no {formula[1]}()" if formula[0] == "call" else f"no {formula[0]}")


def _apart(left: Formula, right: Formula) -> tuple[Formula, Formula, Formula] | None:
    """Two times and the span they are compared by, for `a - b <= span` and `a > b + span`."""
    match left, right:
        case (("op", "-", ("call", "timestamp", _) as a, ("call", "timestamp", _) as b), span):
            return a, b, span
        case (("call", "timestamp", _) as a, ("op", "+", ("call", "timestamp", _) as b, span)):
            return a, b, span
        case (("call", "timestamp", _) as a, ("op", "-", ("call", "timestamp", _) as b, span)):
            return a, b, ("op", "-", ("value", 0), span)
    return None


def _path(formula: Formula) -> str:
    if formula[0] == "name":
        return str(formula[1])
    # All tables below an indexed one are alike.
    return _path(formula[1]) + (f".{formula[2]}" if formula[0] == "field" else ".*")


def policy(rule: str, condition: str, when: str, document: Any) -> Policy:
    """The rule in Cedar.  Raises NotExpressible."""
    writer = _Cedar(document)
    tree = logic(read(condition))
    guard = writer.text(writer.spelled(logic(read(when)))) if when else ""
    loops = writer.loops(tree)
    asked = {rule: None} | {f"{rule}/each-{_path(loop.members)}": loop for loop in loops}
    found = {
        action: writer.text(writer.spelled(writer.kept(tree, loop)))
        for action, loop in asked.items()
    }
    records = {action: _path(loop.members) for action, loop in asked.items() if loop}
    forbid, permit = [], []
    for action, formula in found.items():
        scope = _SCOPE.format(action)
        text = formula[1:-1] if _wrapped(formula) else formula
        whole = f"!({guard}) || ({text})" if guard else text
        head = f"when {{ {guard} }} " if guard else ""
        forbid.append(f"forbid ({scope})\n{head}unless {{ {text} }};\n")
        permit.append(f"permit ({scope})\nwhen {{ {whole} }};\n")
    return Policy("\n".join(forbid), "\n".join(permit), records, frozenset(writer.places))


def _wrapped(text: str) -> bool:
    """Whether one pair of brackets is around it all."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return sign == ")" and place == len(text) - 1 and text.startswith("(")
    return False


@dataclass(frozen=True)
class Written:
    """All rules in Cedar.

    files    by style
    records  by rule, the actions asked for each member of a list, and the list's path
    places   paths of lists that are passed as records of their places
    absent   by rule, what Cedar has no words for
    """

    files: dict[str, str]
    records: dict[str, dict[str, str]]
    places: frozenset[str]
    absent: dict[str, str]


def written(rules: dict[str, tuple[str, str]], document: Any) -> Written:
    """Every rule that can be said, in both styles."""
    files = {"forbid": [_HEAD, "permit (principal, action, resource);\n"], "permit": [_HEAD]}
    records, absent = {}, {}
    places: frozenset[str] = frozenset()
    for rule, (condition, when) in sorted(rules.items()):
        try:
            found = policy(rule, condition, when, document)
        except NotExpressible as error:
            absent[rule] = str(error)
            continue
        files["forbid"].append(found.forbid)
        files["permit"].append(found.permit)
        places |= found.places
        records[rule] = found.records
    return Written({name: "\n".join(file) for name, file in files.items()}, records, places, absent)

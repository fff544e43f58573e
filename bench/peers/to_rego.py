"""Rules written in Rego, in two styles.

`deny`    as most Rego in the wild: a rule says what a violation looks like.
`strict`  a rule denies unless its condition is proven, and negation is `== false`, so that an
          absent value proves nothing.
"""

import json
from typing import Any

from peers.formula import (
    Both,
    Each,
    Formula,
    Is,
    Logic,
    NotExpressible,
    alternatives,
    logic,
    read,
    sample,
)

_HOUR_NS = 3_600_000_000_000
_HEAD = """\
# Written by bench/policy_peers.py --write from the packs' rules, never by hand.
# {says}
package {name}

import rego.v1
"""
RULE = "# rule "
"""Begins a rule's part of the file."""
DENY = "A violation is described, and what is not described is allowed."
STRICT = "Everything is a violation unless the condition is proven."


class _Rego:
    """One rule on its way into Rego.

    document  a passing document, to tell lists from maps
    strict    whether negation asks for false, where an absent value would do otherwise
    """

    def __init__(self, rule: str, document: Any, strict: bool):
        self.rule, self.document, self.strict = rule, document, strict
        self.stem = rule.lower().replace("-", "_")
        self.more: list[str] = []

    def value(self, formula: Formula) -> str:
        match formula:
            case ("value", value):
                return json.dumps(value)
            case ("list", parts):
                return f"[{', '.join(self.value(part) for part in parts)}]"
            case ("name", name):
                return f"input.{name}" if name in self.document else str(name)
            case ("field", inner, name):
                return f"{self.value(inner)}.{name}"
            case ("at", inner, key):
                return f"{self.value(inner)}[{self.value(key)}]"
            case ("call", "duration", (("value", text),)):
                return str(int(text.removesuffix("h")) * _HOUR_NS)
            case ("call", "duration", (("op", "+", ("call", "string", (hours,)), _),)):
                return f"({self.value(hours)} * {_HOUR_NS})"
            case ("op", "+", left, right) if any(_is_text(part) for part in (left, right)):
                return f'concat("", [{self.value(left)}, {self.value(right)}])'
            case ("op", ("+" | "-" | "*") as sign, left, right):
                return f"({self.value(left)} {sign} {self.value(right)})"
            case ("call", name, arguments):
                return self.called(name, [self.value(each) for each in arguments])
            case ("method", "startsWith", text, (start,)):
                return f"startswith({self.value(text)}, {self.value(start)})"
            case ("method", "size", inner, ()):
                return f"count({self.value(inner)})"
        raise NotExpressible(f"{self.rule}: {formula[0]} {formula[1]}")

    def bare(self, formula: Formula) -> str:
        """A value without the brackets around it."""
        text = self.value(formula)
        return text[1:-1] if text.startswith("(") else text

    def called(self, name: str, arguments: list[str]) -> str:
        forms = {
            "size": "count({})",
            "timestamp": "time.parse_rfc3339_ns({})",
            # A number is a number here; CEL tells whole ones apart.
            "double": "{}",
            "string": 'sprintf("%v", [{}])',
            "semver_cmp": "semver.compare({}, {})",
        }
        if name not in forms:
            raise NotExpressible(f"{self.rule}: {name}()")
        return forms[name].format(*arguments)

    def single(self, what: Formula, holds: bool) -> str:
        """One comparison, or one truth value."""
        match what:
            case ("value", bool() as value):
                return json.dumps(value == holds)
            case ("op", "in", member, members):
                inside = self.value(members)
                if isinstance(sample(members, self.document), dict):
                    inside = f"object.keys({inside})"
                text = f"{self.value(member)} in {inside}"
                if self.strict:
                    return text if holds else f"false == ({text})"
                return text if holds else f"not {text}"
            case ("call", "has", (("field", record, name),)):
                text = f'"{name}" in object.keys({self.value(record)})'
                return text if holds else f"false == ({text})"
            case ("op", sign, left, right) if sign not in ("+", "-", "*"):
                # Regorus takes a line that begins with a bracket for the last one's arguments.
                return f"{self.bare(left)} {sign} {self.bare(right)}"
        if self.strict:
            return f"{self.value(what)} == {json.dumps(holds)}"
        return self.value(what) if holds else f"not {self.value(what)}"

    def lines(self, parts: tuple[Logic, ...], names: tuple[str, ...]) -> list[str]:
        """What has to hold together, a line each."""
        found = []
        for part in parts:
            match part:
                case Is(what, holds):
                    found.append(self.single(what, holds))
                case Each(members, name, of, True):
                    inner = "; ".join(self.lines((of,), (*names, name)))
                    found.append(f"every {name} in {self.value(members)} {{ {inner} }}")
                case Each(members, name, of, False):
                    found.append(f"some {name} in {self.value(members)}")
                    found.extend(self.lines((of,), (*names, name)))
                case Both(ways, True):
                    found.extend(self.lines(ways, names))
                case Both(ways, False):
                    found.append(self.either(ways, names))
        return found

    def either(self, parts: tuple[Logic, ...], names: tuple[str, ...]) -> str:
        """A function with a body per alternative, since Rego has no `or`."""
        name = f"{self.stem}_{len(self.more) + 1}"
        self.more.append("")
        head = f"{name}({', '.join(names)})" if names else name
        place = len(self.more) - 1
        bodies = [self.body(head, self.lines((part,), names)) for part in parts]
        self.more[place] = "\n".join(bodies)
        return head

    @staticmethod
    def body(head: str, lines: list[str]) -> str:
        return f"{head} if {{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def _is_text(formula: Formula) -> bool:
    return formula[0] == "value" and isinstance(formula[1], str)


def _spread(parts: tuple[Logic, ...]) -> list[tuple[Logic, ...]]:
    """Alternatives with those inside `some` drawn out, as people write one deny rule for each."""
    ways: list[tuple[Logic, ...]] = [()]
    for part in parts:
        found: list[tuple[Logic, ...]] = [(part,)]
        if isinstance(part, Each) and not part.every:
            found = [
                (Each(part.members, part.name, Both(inner, True), False),)
                for way in alternatives(part.of)
                for inner in _spread(way)
            ]
        ways = [(*way, *more) for way in ways for more in found]
    return ways


def deny(rule: str, condition: str, when: str, document: Any) -> str:
    """The rule as a description of its violations."""
    writer = _Rego(rule, document, strict=False)
    guard = alternatives(logic(read(when))) if when else [()]
    found = []
    for way in alternatives(logic(read(condition), holds=False)):
        for asked in guard:
            for spread in _spread(way):
                lines = writer.lines((*asked, *spread), ())
                found.append(writer.body(f'deny contains "{rule}"', lines))
    return "\n".join([*found, *writer.more])


def strict(rule: str, condition: str, when: str, document: Any) -> str:
    """The rule as a denial unless its condition is proven."""
    writer = _Rego(rule, document, strict=True)
    passes = f"{writer.stem}_passes"
    found = [f'deny contains "{rule}" if not {passes}\n']
    demand = [logic(read(condition))]
    if when:
        found.append(writer.body(passes, writer.lines((logic(read(when), holds=False),), ())))
        demand.insert(0, logic(read(when)))
    found.append(writer.body(passes, writer.lines(tuple(demand), ())))
    return "\n".join([*found, *writer.more])


def module(style: str, rules: dict[str, tuple[str, str]], document: Any) -> tuple[str, list[str]]:
    """All rules as one file, and those that could not be written."""
    writes, says = (deny, DENY) if style == "deny" else (strict, STRICT)
    found, absent = [_HEAD.format(says=says, name=style)], []
    for rule, (condition, when) in sorted(rules.items()):
        try:
            found.append(f"{RULE}{rule}\n\n{writes(rule, condition, when, document)}")
        except NotExpressible as error:
            absent.append(str(error))
    return "\n".join(found), absent

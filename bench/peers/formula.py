"""The part of CEL that rules use, read into trees that other languages are written from.

Two trees.  A formula is as it stands: tuples whose first member names them.  Its logic is the same
with every `!` moved inward, so that what is left is and, or, all, some and single comparisons.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Formula = tuple[Any, ...]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]]))"
)
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
_MACROS = ("all", "exists", "filter", "map")
_FLIPPED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class NotExpressible(Exception):
    """A language has no words for this formula; says which ones are absent."""


class _Reader:
    """A formula's tokens, and how far they are read."""

    def __init__(self, text: str):
        self.tokens = list(_tokens(text))
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def take(self, sign: str = "") -> tuple[str, str]:
        kind, text = self.tokens[self.at]
        if sign and text != sign:
            raise ValueError(f"expected {sign!r}, got {text!r}")
        self.at += 1
        return kind, text

    def ternary(self) -> Formula:
        condition = self.level(0)
        if self.peek() != "?":
            return condition
        self.take("?")
        then = self.ternary()
        self.take(":")
        return ("if", condition, then, self.ternary())

    def level(self, depth: int) -> Formula:
        if depth == len(_LEVELS):
            return self.unary()
        left = self.level(depth + 1)
        while self.peek() in _LEVELS[depth]:
            _, sign = self.take()
            left = ("op", sign, left, self.level(depth + 1))
        return left

    def unary(self) -> Formula:
        if self.peek() == "!":
            self.take()
            return ("not", self.unary())
        return self.postfix(self.primary())

    def primary(self) -> Formula:
        kind, text = self.take()
        if kind == "number":
            return ("value", float(text) if "." in text else int(text))
        if kind == "text":
            return ("value", text[1:-1])
        if kind == "name":
            if text in ("true", "false"):
                return ("value", text == "true")
            return ("call", text, self.arguments(")")) if self.peek() == "(" else ("name", text)
        if text == "(":
            inner = self.ternary()
            self.take(")")
            return inner
        if text == "[":
            self.at -= 1
            return ("list", self.arguments("]"))
        raise ValueError(f"unexpected {text!r}")

    def postfix(self, left: Formula) -> Formula:
        while self.peek() in (".", "["):
            if self.take()[1] == "[":
                left = ("at", left, self.ternary())
                self.take("]")
                continue
            _, name = self.take()
            if self.peek() != "(":
                left = ("field", left, name)
            elif name in _MACROS:
                self.take("(")
                _, variable = self.take()
                self.take(",")
                left = (name, left, variable, self.ternary())
                self.take(")")
            else:
                left = ("method", name, left, self.arguments(")"))
        return left

    def arguments(self, end: str) -> tuple[Formula, ...]:
        self.take()
        found = []
        while self.peek() != end:
            found.append(self.ternary())
            if self.peek() == ",":
                self.take()
        self.take(end)
        return tuple(found)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"no token at {text[at : at + 20]!r}")
        at = match.end()
        yield str(match.lastgroup), match.group().strip()
    yield "end", ""


def read(text: str) -> Formula:
    """The formula.  Raises ValueError for what rules do not use."""
    reader = _Reader(text)
    found = reader.ternary()
    reader.take("") if reader.peek() == "" else reader.take("the end")
    return found


# ---- logic ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Is:
    """One comparison or truth value, which must hold, or must not."""

    what: Formula
    holds: bool = True


@dataclass(frozen=True)
class Both:
    """All of these (`every`), or at least one."""

    parts: tuple["Logic", ...]
    every: bool


@dataclass(frozen=True)
class Each:
    """For every member of a list (`every`), or for at least one."""

    members: Formula
    name: str
    of: "Logic"
    every: bool


Logic = Is | Both | Each
TRUTH: Logic = Is(("value", True))
_MADE = ("map", "filter")


def logic(formula: Formula, holds: bool = True) -> Logic:
    """The formula with every negation at a comparison; of its opposite if it must not hold."""
    match formula:
        case ("not", inner):
            return logic(inner, not holds)
        case ("op", ("&&" | "||") as sign, left, right):
            return both((logic(left, holds), logic(right, holds)), (sign == "&&") == holds)
        case ("if", condition, then, other):
            yes = both((logic(condition), logic(then, holds)), True)
            no = both((logic(condition, False), logic(other, holds)), True)
            return both((yes, no), False)
        case (("all" | "exists") as kind, members, name, body):
            return _each(members, name, logic(body, holds), (kind == "all") == holds)
        case ("op", "in", ("value", False), ("map", members, name, body)):
            # `!(false in list.map(...))` is `list.all(...)` that no error is left out of.
            return _each(members, name, logic(body, not holds), not holds)
        case ("op", (">" | "<=") as sign, ("call", "size", (counted,)), ("value", 0)) if counted[
            0
        ] in _MADE or counted[:2] == ("op", "+"):
            some = (sign == ">") == holds
            return _each(counted, "any", TRUTH if some else Is(("value", False)), not some)
        case ("op", sign, _, _) if (split := _choice(formula)) is not None:
            condition, then, other = split
            return logic(("if", condition, then, other), holds)
        case ("op", sign, left, right) if sign in _FLIPPED:
            if right == ("value", True) and sign == "==":
                return logic(left, holds)
            return Is(formula if holds else ("op", _FLIPPED[sign], left, right))
    return Is(formula, holds)


def _each(members: Formula, name: str, of: Logic, every: bool) -> Logic:
    """A list that was made of others is those, with its making moved into what is asked of each."""
    if members[0] == "map":
        _, inner, other, body = members
        return _each(inner, other, _again(put(of, ("name", name), body)), every)
    if members[:2] == ("op", "+"):
        return both(tuple(_each(part, name, of, every) for part in members[2:]), every)
    if members[0] == "filter":
        _, inner, other, condition = members
        kept = logic(renamed(condition, other, name), not every)
        return _each(inner, name, both((kept, of), not every), every)
    return Each(members, name, of, every)


def _again(tree: Logic) -> Logic:
    """The logic anew, once something was put into its comparisons."""
    match tree:
        case Is(what, holds):
            return logic(what, holds)
        case Both(parts, every):
            return both(tuple(_again(part) for part in parts), every)
        case Each(members, name, of, every):
            return _each(members, name, _again(of), every)


def both(parts: tuple[Logic, ...], every: bool) -> Logic:
    """The parts joined, flat."""
    flat: list[Logic] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Both) and part.every == every else (part,))
    if any(_constant(part) is not every and _constant(part) is not None for part in flat):
        return Is(("value", not every))
    flat = [part for part in flat if _constant(part) is None]
    if not flat:
        return Is(("value", every))
    return flat[0] if len(flat) == 1 else Both(tuple(flat), every)


def _constant(tree: Logic) -> bool | None:
    match tree:
        case Is(("value", bool() as value), holds):
            return value == holds
        case Both((), every):
            return every
    return None


def _choice(formula: Formula) -> tuple[Formula, Formula, Formula] | None:
    """The first `a ? b : c` inside a comparison, and the comparison with b and with c."""
    for inner in walk(formula):
        if inner[0] == "if":
            _, condition, then, other = inner
            return condition, replaced(formula, inner, then), replaced(formula, inner, other)
    return None


def alternatives(tree: Logic) -> list[tuple[Logic, ...]]:
    """Every way in which it can be true, each a list of what has to hold together."""
    if not isinstance(tree, Both):
        return [(tree,)]
    if not tree.every:
        return [way for part in tree.parts for way in alternatives(part)]
    ways: list[tuple[Logic, ...]] = [()]
    for part in tree.parts:
        ways = [(*way, *more) for way in ways for more in alternatives(part)]
    return ways


def walk(formula: Any) -> Iterator[Formula]:
    """The formula and all inside it."""
    if isinstance(formula, tuple):
        if formula and isinstance(formula[0], str):
            yield formula
        for part in formula:
            yield from walk(part)


def replaced(formula: Any, old: Formula, new: Formula) -> Any:
    """The formula with one part in the place of another."""
    if formula == old:
        return new
    if isinstance(formula, tuple):
        return tuple(replaced(part, old, new) for part in formula)
    return formula


def renamed(formula: Formula, old: str, new: str) -> Formula:
    """The formula with a variable called otherwise."""
    return formula if old == new else replaced(formula, ("name", old), ("name", new))


def put(tree: Logic, old: Formula, new: Formula) -> Logic:
    """The logic with one part in the place of another."""
    match tree:
        case Is(what, holds):
            return Is(replaced(what, old, new), holds)
        case Both(parts, every):
            return Both(tuple(put(part, old, new) for part in parts), every)
        case Each(members, name, of, every):
            return Each(replaced(members, old, new), name, put(of, old, new), every)


def sample(formula: Formula, document: Any) -> Any:
    """What a path leads to in a document, to tell lists from maps; None where it leads nowhere."""
    match formula:
        case ("name", name):
            return document.get(name)
        case ("field", inner, name):
            found = sample(inner, document)
            return found.get(name) if isinstance(found, dict) else None
        case ("at", inner, _):
            found = sample(inner, document)
            members = found.values() if isinstance(found, dict) else found or ()
            return next(iter(members), None)
        case ("call", "double", _):
            return 0.0
    return None

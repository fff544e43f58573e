"""The schema of a pack's parameters: JSON Schema 2020-12, and which way each is tighter.

Only the keywords below are read, and any other is refused: a bound that nobody checks is worse
than none.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firmward.terms.errors import Malformed, Refused
from firmward.terms.wire import convert, encode

Tighter = Literal["lower", "higher", "fewer", "more", "true", "false", "none"]
Kind = Literal["integer", "number", "string", "boolean", "array", "object"]
_SHOWN: Final = 200


class OutOfBounds(Refused):
    """Somebody set a parameter, or a rule, to what its pack does not allow."""

    def __init__(self, who: str, what: str, expected: str, got: str):
        self.who, self.what, self.expected, self.got = who, what, expected, got
        super().__init__(f"{who}: {what}: expected {expected}, got {got}")


class _Keyword(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A part of the schema; a keyword nobody knows is refused."""


class _Const(_Keyword, frozen=True, kw_only=True):
    const: str | int


class _Contains(_Keyword, frozen=True, kw_only=True):
    contains: _Const


class Bound(_Keyword, frozen=True, kw_only=True):
    """The schema of one parameter, or of a part of one.

    tighter     the direction that asks for more; a part without it has the whole's
    enum        the only values; words are ordered as they stand here
    contains    (also by allOf) what a list must keep
    properties  a map's members; additionalProperties for those that are not named
    """

    type: Kind
    tighter: Tighter | UnsetType = msgspec.field(name="x-tighter", default=UNSET)
    title: str = ""
    description: str = ""
    minimum: int | float | UnsetType = UNSET
    maximum: int | float | UnsetType = UNSET
    enum: Annotated[tuple[Any, ...], Meta(min_length=1)] | UnsetType = UNSET
    items: "Bound | UnsetType" = UNSET
    min_items: int | UnsetType = UNSET
    max_items: int | UnsetType = UNSET
    unique_items: bool = False
    contains: _Const | UnsetType = UNSET
    all_of: tuple[_Contains, ...] = ()
    properties: "dict[str, Bound]" = {}
    additional_properties: "Bound | Literal[False]" = False
    required: tuple[str, ...] = ()

    @property
    def kept(self) -> set[str | int]:
        """What a list must contain."""
        named = [one.contains for one in self.all_of]
        named += [] if isinstance(self.contains, UnsetType) else [self.contains]
        return {one.const for one in named}

    def member(self, name: str) -> "Bound | None":
        """The schema of a map's member; it has the map's direction where it sets none itself."""
        found = self.properties.get(name) or self.additional_properties or None
        return None if found is None else self._inherited(found)

    def item(self) -> "Bound | None":
        """The schema of a list's items."""
        if isinstance(self.items, UnsetType):
            return None
        # Of a list with fewer or more entries, no entry is tighter than another.
        return self.items if self.tighter in ("fewer", "more") else self._inherited(self.items)

    def _inherited(self, part: "Bound") -> "Bound":
        if part.tighter is not UNSET:
            return part
        return msgspec.structs.replace(part, tighter=self.tighter)


class _Schema(_Keyword, frozen=True, kw_only=True):
    dialect: Literal["https://json-schema.org/draft/2020-12/schema"] = msgspec.field(name="$schema")
    id: str = msgspec.field(name="$id", default="")
    title: str = ""
    description: str = ""
    type: Literal["object"]
    properties: dict[str, Bound]
    required: tuple[str, ...] = ()
    additional_properties: Literal[False] = False


def read_bounds(plain: Any, who: str) -> dict[str, Bound]:
    """Parameter -> its bound, from a parsed schema.json.  Raises Malformed."""
    return dict(convert(plain, _Schema, who).properties)


def shaped(bound: Bound, value: Any, who: str, name: str) -> Any:
    """The value in the schema's types: a whole number where a number is asked becomes one.

    CEL takes 9 and 9.0 for two types.
    raises  OutOfBounds for a value of another type
    """
    got = _kind(value)
    if bound.type == "number" and got == "integer":
        return float(value)
    if bound.type != got:
        raise OutOfBounds(who, name, f"a value of type {bound.type}", shown(value))
    if isinstance(value, list):
        item = bound.item()
        return [shaped(item, one, who, f"{name}[]") if item else one for one in value]
    if isinstance(value, dict):
        return {key: _member(bound, key, one, who, name) for key, one in value.items()}
    return value


def _member(bound: Bound, key: str, value: Any, who: str, name: str) -> Any:
    part = bound.member(key)
    if part is None:
        known = ", ".join(sorted(bound.properties)) or "none"
        raise OutOfBounds(who, name, f"members {known}", key[:80])
    return shaped(part, value, who, f"{name}.{key}")


def misfit(bound: Bound, value: Any) -> str:
    """What the schema expects that the value is not; "" where it keeps to all of it."""
    if not isinstance(bound.enum, UnsetType) and value not in bound.enum:
        return f"one of {shown(list(bound.enum))}"
    if isinstance(value, list):
        return _misfit_list(bound, value)
    if isinstance(value, dict):
        parts = ((name, bound.member(name), one) for name, one in value.items())
        wrong = (
            (name, misfit(part, one) if part else "no such member") for name, part, one in parts
        )
        return next((f"{name}: {said}" for name, said in wrong if said), "")
    if isinstance(value, bool | str):
        return ""
    if not isinstance(bound.minimum, UnsetType) and value < bound.minimum:
        return f"at least {shown(bound.minimum)}"
    if not isinstance(bound.maximum, UnsetType) and value > bound.maximum:
        return f"at most {shown(bound.maximum)}"
    return ""


def _misfit_list(bound: Bound, value: list[Any]) -> str:
    different = {encode(one) for one in value}
    if not isinstance(bound.min_items, UnsetType) and len(different) < bound.min_items:
        return f"at least {bound.min_items} of them"
    if not isinstance(bound.max_items, UnsetType) and len(value) > bound.max_items:
        return f"at most {bound.max_items} of them"
    if bound.unique_items and len(different) != len(value):
        return "each once"
    if lacking := {one for one in bound.kept if encode(one) not in different}:
        return f"a list with {shown(sorted(map(str, lacking)))}"
    item = bound.item()
    return next((wrong for one in value if item and (wrong := misfit(item, one))), "")


def shown(value: Any) -> str:
    """A value in one short line."""
    text = value if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


_KINDS: Final[Mapping[type, Kind]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _kind(value: Any) -> Kind:
    if type(value) not in _KINDS:
        raise Malformed("parameter", "a plain value", type(value).__name__)
    return _KINDS[type(value)]

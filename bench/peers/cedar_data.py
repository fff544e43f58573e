"""Evidence as Cedar takes it: decimals, sets and records, and a schema in which all is required."""

from collections.abc import Mapping
from typing import Any

_PRIMITIVE = {bool: "Boolean", int: "Long", str: "String"}


def context(value: Any, places: frozenset[str], path: str = "") -> Any:
    """A document as a request's context."""
    if isinstance(value, float):
        return {"__extn": {"fn": "decimal", "arg": f"{value:.4f}"}}
    if isinstance(value, Mapping):
        return {
            key: context(each, places, _below(path, key, places)) for key, each in value.items()
        }
    if isinstance(value, list):
        if path in places:
            return {str(at): context(each, places) for at, each in enumerate(value)}
        return [context(each, places) for each in value]
    return value


def _below(path: str, key: str, places: frozenset[str]) -> str:
    """The path of a member; `*` where every key leads to a table of the same kind."""
    return f"{path}.*" if f"{path}.*" in places else f"{path}.{key}".lstrip(".")


def schema(rules: Mapping[str, Mapping[str, str]], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """A Cedar schema: every rule an action, every field of its pack's evidence required.

    rules   by rule, the actions that are asked for each member of a list, and the list's path
    shapes  by rule, a document with one member, at least, in every list
    """
    actions: dict[str, Any] = {}
    for rule, each in rules.items():
        actions[rule] = _action(shapes[rule])
        for action, path in each.items():
            members = at(shapes[rule], path)
            entry = filled_entry(members)
            actions[action] = _action({**shapes[rule], "each": entry})
    entities: dict[str, Any] = {"Hospital": {}, "Release": {}}
    return {"": {"entityTypes": entities, "actions": actions}}


def filled_entry(members: Any) -> Any:
    """An entry of a list as it stands for all of them."""
    return members[0] if members else ""


def at(document: Any, path: str) -> Any:
    """What is at a path.  Raises KeyError."""
    for step in path.split("."):
        document = document[step]
    return document


def _action(shape: Any) -> dict[str, Any]:
    return {
        "appliesTo": {
            "principalTypes": ["Hospital"],
            "resourceTypes": ["Release"],
            "context": _type(shape),
        }
    }


def _type(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        if "__extn" in value:
            return {"type": "Extension", "name": value["__extn"]["fn"]}
        members = {key: _type(each) for key, each in value.items()}
        return {"type": "Record", "attributes": members}
    if isinstance(value, list):
        return {"type": "Set", "element": _type(value[0] if value else "")}
    return {"type": _PRIMITIVE[type(value)]}


def filled(one: Any, other: Any) -> Any:
    """A document whose empty lists have what the other's have."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        members = {key: filled(value, other.get(key)) for key, value in one.items()}
        return members | {key: value for key, value in other.items() if key not in one}
    return other if one == [] and other else one

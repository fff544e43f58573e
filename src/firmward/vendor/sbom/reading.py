"""Manifests of many tools as plain values: JSON, TOML, YAML and INI, each bounded and unambiguous.

Manifests come from third parties.  What two parsers may read differently (duplicate keys, aliases)
or what grows without end is refused as malformed: a manifest half read would leave parts out of
the SBOM in silence.
"""

import configparser
import json
import tomllib
from collections.abc import Hashable, Iterator
from typing import Any, Final, NoReturn

import yaml

from firmward.terms.errors import Malformed

_DEEPEST: Final = 64
# A pnpm lock of a large product has some 10^5 scalars; ten times that is not a lock any more.
_MOST_EVENTS: Final = 2_000_000


def read_json(data: bytes, path: str) -> Any:
    """The JSON value in a manifest; null is allowed, a member twice is not.  Raises Malformed."""
    try:
        value = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_members, parse_constant=_no_constant
        )
        _refuse_depth(value)
    except (ValueError, RecursionError) as error:
        raise _malformed(path, "JSON", error) from error
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice[:60]!r} twice in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name}")


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise ValueError(f"nesting deeper than {_DEEPEST}")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        return (each for each in value.values() if isinstance(each, dict | list))
    if isinstance(value, list):
        return (each for each in value if isinstance(each, dict | list))
    return iter(())


def read_toml(data: bytes, path: str) -> dict[str, Any]:
    """The TOML table in a manifest.  Raises Malformed."""
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _malformed(path, "TOML", error) from error


_Fast: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Texts(_Fast):  # type: ignore[misc]  # which of the two loaders there is, is known at run time
    """Scalars stay texts: YAML would read the version 1.10 as the number 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(names) != len(node.value) or len(set(names)) != len(names):
            raise yaml.YAMLError("a key twice in one mapping, or one that is no text")
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def read_yaml(data: bytes, path: str) -> Any:
    """The one YAML document in a manifest, all scalars as texts, "" for an empty value.

    raises  Malformed for aliases too: nine lines of them unfold to gigabytes
    """
    try:
        text = data.decode("utf-8-sig")
        _refuse_unfolding(text)
        return yaml.load(text, Loader=_Texts)  # noqa: S506  it makes texts, lists and mappings only
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise _malformed(path, "YAML without aliases and duplicate keys", error) from error


def _refuse_unfolding(text: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Fast)):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"the alias *{event.anchor}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST or count > _MOST_EVENTS:
            raise ValueError("nesting too deep" if depth > _DEEPEST else "too many values")


def read_ini(data: bytes, path: str) -> dict[str, dict[str, str]]:
    """Section -> option -> value, nothing interpolated.  Raises Malformed."""
    parser = configparser.ConfigParser(
        interpolation=None, default_section="\0", inline_comment_prefixes=(" ;", " #")
    )
    try:
        parser.read_string(data.decode("utf-8-sig"))
    except (ValueError, configparser.Error) as error:
        raise _malformed(path, "INI sections", error) from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


def table(value: Any, path: str, what: str) -> dict[str, Any]:
    """`value` as a mapping with texts as keys; {} for null.  Raises Malformed."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Malformed(path, f"{what} as a table", type(value).__name__)
    return value


def rows(value: Any, path: str, what: str) -> list[dict[str, Any]]:
    """`value` as a list of mappings; [] for null.  Raises Malformed."""
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Malformed(path, f"{what} as a list of tables", type(value).__name__)
    return value


def word(value: Any, path: str, what: str, default: str = "") -> str:
    """`value` as a text of reasonable length; a number as it is written.  Raises Malformed."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(path, f"{what} as a text", type(value).__name__)
    text = str(value)
    if len(text) > 4096 or any(ord(each) < 32 for each in text):
        raise Malformed(path, f"{what} as one line", f"{len(text)} characters")
    return text


def line_of(text: str, sought: str) -> int:
    """The first line, from 1, that holds a text; 0 if none does."""
    at = text.find(sought)
    return text.count("\n", 0, at) + 1 if sought and at >= 0 else 0


def _malformed(path: str, expected: str, error: Exception) -> Malformed:
    return Malformed(path, expected, " ".join(str(error)[:200].split()) or type(error).__name__)

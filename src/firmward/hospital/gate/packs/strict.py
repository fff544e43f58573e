"""YAML as plain data: what it can do beyond that (aliases, tags, members twice) is refused."""

import json
from typing import Any, Final, TypeVar

import yaml

from firmward.terms.errors import Malformed
from firmward.terms.wire import KIB, MAX_DEPTH, convert, parse

LIMIT: Final = 512 * KIB

T = TypeVar("T")


class _StrictLoader(yaml.CSafeLoader):
    """YAML in which a member given twice is an error; a SafeLoader makes plain values only."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(str, names))) != len(names):
            raise yaml.YAMLError("a member twice")
        return super().construct_mapping(node, deep)


def _refuse_traps(text: str) -> None:
    """Aliases grow without end, and deep nesting breaks the parser that composes the document."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nesting deeper than {MAX_DEPTH}")


def read_yaml(data: bytes, kind: type[T], who: str) -> T:
    """A YAML document as a `kind`; nothing else passes.  Raises Malformed."""
    if len(data) > LIMIT:
        raise Malformed(who, f"at most {LIMIT} bytes", f"{len(data)} bytes")
    try:
        text = data.decode("utf-8")
        _refuse_traps(text)
        value = yaml.load(text, Loader=_StrictLoader)  # noqa: S506
        # The same limits as on the wire: depth, nulls, control characters, huge numbers.
        plain = parse(json.dumps(value, allow_nan=False).encode(), who)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # The parser draws the place over several lines, and an error is one.
        got = " ".join(str(error).split())[:200] or type(error).__name__
        raise Malformed(who, "strict YAML", got) from error
    return convert(plain, kind, who)

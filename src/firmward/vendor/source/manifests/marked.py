"""YAML with the lines it stands on, JSON, and INI files as PlatformIO, Meson and Conan write them.

YAML is composed, never constructed: no tag of a document makes an object, and an alias that names
an alias a billion times over stays one node.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from firmward.vendor.source.manifests.pin import Unreadable

Node = yaml.Node
_DEEP: Final = 100


def compose(text: str) -> Node | None:
    """The document's root, None for an empty one.  Raises Unreadable."""
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable(f"not YAML: {str(error)[:120]}") from error
    return root


def json_object(text: str) -> dict[str, Any]:
    """The members of a JSON document.  Raises Unreadable for another one."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(said, dict):
        raise Unreadable("not a JSON object")
    return said


def line(node: Node) -> int:
    """The line a node starts on, from 1."""
    return int(node.start_mark.line) + 1


def items(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The members of a mapping; nothing for anything else."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield scalar(key), value


def member(node: Node | None, *names: str) -> Node | None:
    """A member of a mapping of mappings; None where there is none."""
    for name in names:
        node = dict(items(node)).get(name)
    return node


def each(node: Node | None) -> list[Node]:
    """The items of a sequence; nothing for anything else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def scalar(node: Node | None) -> str:
    """The text of a scalar; "" for anything else, and for null."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return ""
    return str(node.value)


def walk(node: Node | None) -> Iterator[Node]:
    """Every mapping below a node, each once.  Raises Unreadable when they lie too deep."""
    seen: set[int] = set()
    waiting = [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        if here is None or id(here) in seen:
            continue
        if depth > _DEEP:
            raise Unreadable("nested too deep")
        seen.add(id(here))
        if isinstance(here, yaml.MappingNode):
            yield here
            waiting += [(value, depth + 1) for _, value in here.value]
        elif isinstance(here, yaml.SequenceNode):
            waiting += [(value, depth + 1) for value in here.value]


_SECTION: Final = re.compile(r"\[([^\]\n]+)\]\s*(?:[;#].*)?\Z")
_SETTING: Final = re.compile(r"([^=:\s][^=:]*?)\s*[=:]\s*(.*)\Z")


def ini(text: str, bare: bool = False) -> Iterator[tuple[int, str, str, str]]:
    """(line, section, key, value) of every value; one on lines of its own comes line by line.

    bare    a line without key belongs to the section itself, as in conanfile.txt
    raises  Unreadable
    """
    section = key = ""
    for number, raw in enumerate(text.splitlines(), 1):
        content = re.sub(r"(?:^|\s)[;#].*", "", raw).rstrip()
        stripped = content.strip()
        if not stripped:
            continue
        if found := _SECTION.match(stripped):
            section, key = found[1].strip(), ""
        elif content[0] in " \t" and key:
            yield number, section, key, stripped
        elif bare and section:
            yield number, section, "", stripped
        elif found := _SETTING.match(stripped):
            key = found[1]
            if found[2]:
                yield number, section, key, found[2].strip()
        else:
            raise Unreadable(f"line {number} is no setting: {stripped[:60]}")

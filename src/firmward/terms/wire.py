"""The one door for bytes from outside: strict JSON in, frozen types out, canonical bytes back.

Two parsers that read the same bytes differently are an attacker's tool, so whatever parsers
disagree about (duplicate keys, nulls, control characters, huge numbers, depth) is refused here.
"""

import json
import math
import re
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from firmward.terms.errors import Malformed

MAX_DEPTH: Final = 32
MAX_STRING: Final = 64 * 1024
KIB: Final = 1024
MIB: Final = 1024 * 1024

# Controls (C0 but newline and tab, DEL, C1) steer terminals; half a surrogate pair is no character.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Wire(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="camel",
):
    """A frozen document that crosses a trust boundary; unknown fields are refused."""


T = TypeVar("T")


class _Ambiguous(ValueError):
    """Valid JSON that two parsers may read differently."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Ambiguous("a member name twice in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _Ambiguous(f"the number {name}")


def _check(value: Any, depth: int, longest: int) -> None:
    if depth > MAX_DEPTH:
        raise _Ambiguous(f"nesting deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        _check_text(value, longest)
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_text(name, longest)
            _check(member, depth + 1, longest)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1, longest)
    elif value is None:
        raise _Ambiguous("null")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise _Ambiguous("an integer beyond 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise _Ambiguous("a number too large for a double")


def _check_text(text: str, longest: int) -> None:
    if len(text) > longest:
        raise _Ambiguous(f"a string over {longest} characters")
    if _NO_TEXT.search(text):
        raise _Ambiguous("a control character in a string")


def printable(text: str) -> str:
    """`text` with every character that `parse` refuses shown as U+FFFD."""
    return _NO_TEXT.sub("\ufffd", text)


def parse(data: bytes, who: str, *, limit: int = MIB, longest: int = MAX_STRING) -> Any:
    """The JSON value in `data`, plain dicts and lists.

    limit    most bytes that are read at all
    longest  most characters of one string
    raises   Malformed for anything over the limits or that parsers could disagree on
    """
    if len(data) > limit:
        raise Malformed(who, f"at most {limit} bytes", f"{len(data)} bytes")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant
        )
        _check(value, 0, longest)
    except (ValueError, RecursionError) as error:
        raise Malformed(who, "strict JSON", str(error)[:200] or type(error).__name__) from error
    return value


def decode(data: bytes, kind: type[T], who: str, *, limit: int = MIB) -> T:
    """`data` as a `kind`; nothing else passes.  Raises Malformed."""
    return convert(parse(data, who, limit=limit), kind, who)


def convert(value: Any, kind: type[T], who: str) -> T:
    """A parsed JSON value as a `kind`.  Raises Malformed."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        # It quotes member names, and a newline in one would write a second line into a log.
        raise Malformed(
            who, getattr(kind, "__name__", "a document"), " ".join(str(error)[:200].split())
        ) from error


def encode(value: Any) -> bytes:
    """Canonical bytes: members sorted, no spaces, so equal values have equal digests."""
    return msgspec.json.encode(value, order="sorted")


def plain(value: Any) -> Any:
    """`value` as JSON-ready dicts and lists, for embedding in somebody else's format."""
    return msgspec.to_builtins(value)

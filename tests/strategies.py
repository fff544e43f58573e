"""Random values of every type that crosses a trust boundary, made from the types themselves."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from firmward.terms.wire import MAX_DEPTH

# What `wire` lets pass: no control characters but newline and tab, no half surrogate pairs.
TEXT = st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n\t")
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)


def texts(most: int | None = None) -> st.SearchStrategy[str]:
    """Text as it may cross the boundary."""
    return st.text(TEXT, max_size=min(most or 40, 40))


def documents(depth: int = 3) -> st.SearchStrategy[Any]:
    """Any JSON value that is not ambiguous."""
    scalars = st.booleans() | INT64 | FINITE | texts()
    assert depth < MAX_DEPTH
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=8,
    )


@cache
def of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Random instances of a wire type, within every limit that it states."""
    return _of(inspect.type_info(kind))


def _of(info: inspect.Type) -> st.SearchStrategy[Any]:
    for shape, make in _MAKERS:
        if isinstance(info, shape):
            return make(info)
    raise NotImplementedError(f"no strategy for {info}")


def _struct(info: inspect.StructType) -> st.SearchStrategy[Any]:
    members = {field.name: _of(field.type) for field in info.fields}
    return st.fixed_dictionaries(members).map(lambda values: info.cls(**values))


def _text(info: inspect.StrType) -> st.SearchStrategy[str]:
    if info.pattern is not None:
        # Hypothesis knows \Z; the pattern is anchored at both ends by itself.
        made = st.from_regex(re.compile(info.pattern, re.ASCII), fullmatch=True)
        most = info.max_length
        return made if most is None else made.map(lambda text: text[:most].rstrip(".-"))
    return texts(info.max_length)


def _integer(info: inspect.IntType) -> st.SearchStrategy[int]:
    low = -(2**63) if info.ge is None else info.ge
    return st.integers(low, 2**63 - 1 if info.le is None else info.le)


def _tuple(info: inspect.VarTupleType) -> st.SearchStrategy[tuple[Any, ...]]:
    items = st.lists(_of(info.item_type), min_size=info.min_length or 0, max_size=3)
    return items.map(tuple)


def _dict(info: inspect.DictType) -> st.SearchStrategy[dict[Any, Any]]:
    return st.dictionaries(_of(info.key_type), _of(info.value_type), max_size=3)


def _enum(info: inspect.EnumType) -> st.SearchStrategy[StrEnum]:
    return st.sampled_from(list(info.cls))


_MAKERS = (
    (inspect.StructType, _struct),
    (inspect.StrType, _text),
    (inspect.BoolType, lambda _: st.booleans()),
    (inspect.IntType, _integer),
    (inspect.FloatType, lambda _: FINITE),
    (inspect.DateTimeType, lambda _: MOMENTS),
    (inspect.LiteralType, lambda info: st.sampled_from(info.values)),
    (inspect.EnumType, _enum),
    (inspect.UnionType, lambda info: st.one_of(*map(_of, info.types))),
    (inspect.VarTupleType, _tuple),
    (inspect.DictType, _dict),
    (inspect.AnyType, lambda _: documents()),
)

"""Ranges of versions: what is inside, what is outside, and what nobody can tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.terms.versions import Span, outside, spans, triple

numbers = st.integers(0, 12)
triples = st.tuples(numbers, numbers, numbers)


def text(version: tuple[int, int, int]) -> str:
    """X.Y.Z"""
    return ".".join(map(str, version))


def events(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """OSV events."""
    return [{kind: version} for kind, version in pairs]


@given(triples)
def test_a_plain_version_is_read_back_as_it_was_written(version):
    """X.Y.Z to numbers loses nothing."""
    assert version == triple(text(version))


@pytest.mark.parametrize(
    "version", ["", "1", "1.2", "1.2.3.4", "1.02.3", "1.1.1za", "1.0.0-rc1", "v1.0.0", "1.0.0\n"]
)
def test_a_version_of_another_form_has_no_order(version):
    """A guess at an unusual version could land on the wrong side of a fix."""
    assert triple(version) is None


@given(st.lists(triples, min_size=2, max_size=8, unique=True), triples)
def test_spans_hold_exactly_what_lies_between_a_start_and_its_end(marks, version):
    """introduced <= v < fixed, whatever order the events come in."""
    marks.sort()
    kinds = ["introduced", "fixed"] * len(marks)
    drawn = spans(events(*reversed(list(zip(kinds, map(text, marks), strict=False)))))

    pairs = [(a, b) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    inside = any(a <= version < b for a, b in pairs)
    inside |= len(marks) % 2 == 1 and version >= marks[-1]

    assert drawn is not None
    assert inside == any(span.holds(version) for span in drawn)


@given(st.lists(triples, min_size=2, max_size=8, unique=True), triples)
def test_what_is_affected_is_never_called_outside(marks, version):
    """No version is inside a span and clean at once."""
    marks.sort()
    kinds = ["introduced", "last_affected"] * len(marks)
    drawn = spans(events(*zip(kinds, map(text, marks), strict=False)))

    assert drawn is not None
    assert not (outside(version, drawn) and any(span.holds(version) for span in drawn))


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("fixed", "1.0.0")],
        [("introduced", "0"), ("introduced", "1.0.0")],
        [("introduced", "0"), ("fixed", "1.0.0"), ("fixed", "2.0.0")],
        [("introduced", "0"), ("limit", "1.0.0")],
        [("introduced", "0"), ("fixed", "1.1.1k")],
        [("introduced", "0"), ("repaired", "1.1.1")],
    ],
)
def test_events_that_draw_no_certain_span_give_none(pairs):
    """Contradictory, cut or unreadable events never turn into a clean answer."""
    assert spans(events(*pairs)) is None


@pytest.mark.parametrize(
    ("version", "clean"),
    [
        ((1, 0, 1), False),  # a branch that upstream no longer lists
        ((1, 1, 1), False),  # inside
        ((1, 1, 5), True),  # repaired in its own branch
        ((2, 0, 0), False),  # between two branches: nobody looked
        ((3, 0, 9), True),
        ((3, 1, 0), True),  # newer than every repair
    ],
)
def test_an_unlisted_branch_is_not_clean(version, clean):
    """Two branches are repaired; only they, and what came after both, are known."""
    listed = [Span((1, 1, 0), (1, 1, 5)), Span((3, 0, 0), (3, 0, 7))]

    assert clean == outside(version, listed)


def test_nothing_is_clean_while_a_span_has_no_end():
    """Newer than the last repair means nothing if a later span is still open."""
    assert not outside((4, 0, 0), [Span((1, 0, 0), (1, 0, 5)), Span((5, 0, 0), None)])

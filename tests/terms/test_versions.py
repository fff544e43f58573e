"""Versions X.Y.Z, read strictly or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.terms.versions import triple

numbers = st.integers(0, 12)
triples = st.tuples(numbers, numbers, numbers)


def text(version: tuple[int, int, int]) -> str:
    """X.Y.Z"""
    return ".".join(map(str, version))


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

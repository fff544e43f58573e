"""Versions X.Y.Z, read strictly or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.terms.versions import precedence, triple

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


# The example of clause 11, and one more of each kind.
IN_ORDER = (
    *("0.9.9", "1.0.0-0", "1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1"),
    *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"),
    *("1.0.0", "1.0.9", "1.0.10", "1.2.0", "1.10.0", "2.0.0"),
)


def test_semantic_versions_come_in_their_order():
    """Semantic Versioning 2.0.0, clause 11; as strings, most of these would not."""
    for at, left in enumerate(IN_ORDER):
        for to, right in enumerate(IN_ORDER):
            assert (at > to) - (at < to) == precedence(left, right)
            assert precedence(left, right) == precedence(left + "+build.7", right + "+0a")


@pytest.mark.parametrize(
    "version",
    [
        *("", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b"),
        *(
            "1.2.3+",
            "1.2.3\n",
            " 1.2.3",
            "1.2.3-é",
            "١.٢.٣",
            "1.2." + "9" * 19,
            "1.2.3-" + "a" * 128,
        ),
    ],
)
def test_what_is_no_semantic_version_comes_nowhere(version):
    """Neither before a good version nor after it nor level with itself."""
    for left, right in ((version, "1.2.3"), ("1.2.3", version), (version, version)):
        with pytest.raises(ValueError, match="no semantic version"):
            precedence(left, right)

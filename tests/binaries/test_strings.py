"""The readable part of some bytes, and the way back to where it lay."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.binaries import signatures
from firmward.binaries.strings import read

RUNS = re.compile(rb"[\t\n\r -~]{4,}")
MIXED = st.lists(
    st.one_of(st.binary(max_size=12), st.text("ab \n", max_size=9).map(str.encode)), max_size=12
).map(b"".join)


@given(MIXED)
def test_every_string_is_there_with_its_neighbours_and_its_place(data):
    """No more of the bytes is needed to find a word in them and say where."""
    found = read(data)
    places = {found.origin(at): at for at in range(len(found.text))}

    for match in RUNS.finditer(data):
        at = places[match.start()]
        start, end = max(0, match.start() - 1), match.end() + 1
        assert data[start:end] == found.text[at - (match.start() - start) :][: len(data[start:end])]
    assert found.printable == sum(len(match[0]) for match in RUNS.finditer(data))


def test_strings_that_lay_apart_are_not_joined():
    """A line ends between them, so that no pattern reads them as one."""
    text = read(b"host:" + bytes(100) + b"secret@example").text

    assert b"host:\0\n\0secret@example" == text


def test_strings_close_together_keep_what_is_between_them():
    """A part's name and its version may stand some padding apart."""
    assert b"name\0\0\0\x001.3.9" == read(b"name\0\0\0\x001.3.9").text


@pytest.mark.parametrize("size", [3_000, 200_000])
def test_a_text_is_held_if_and_only_if_it_stands_there(size):
    """Little text is searched and much is looked up: both say the same."""
    data = random.Random(3).randbytes(size) + b"\0needle in it\0" + bytes(40)
    found = read(data)

    assert found.holds(b"needle in")
    assert found.holds(b"le")
    assert not found.holds(b"needle im")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"lwIP/(?P<v>\d+)", "lwIP/"),
        (r"curl/?[ /](?P<v>\d)", "curl"),
        (r"[mM]bed TLS (?P<v>\d)", "bed TLS "),
        (r"ab+cdef", "cdef"),
        (r"a|bcdef", ""),
        (r"musl\nVersion (?P<v>\d)", "Version "),
        (r"\$dcmtk: [a-z]+ v", "$dcmtk: "),
    ],
)
def test_what_a_pattern_needs_is_read_off_it(pattern, text):
    """A text too many here would hide a part."""
    assert text == signatures.needed(pattern)


def test_no_signature_needs_what_its_own_example_lacks():
    """The short way finds whatever the pattern finds."""
    for each in signatures.table():
        example = each.example[0].replace("\\0", "\0").replace("\\n", "\n")
        fitting = [form for form in each.patterns if re.search(form.encode(), example.encode())]
        assert all(signatures.needed(form) in example for form in fitting)
        assert bool(fitting) == bool(each.patterns)

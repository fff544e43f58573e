"""One strict door: what two parsers could read differently does not come in."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import documents

from firmward.terms import wire
from firmward.terms.errors import Malformed
from firmward.terms.wire import MAX_DEPTH, MAX_STRING, Wire, decode, encode, parse


class Sample(Wire, frozen=True, kw_only=True):
    """A small document."""

    a_number: int = 0
    text: str = ""
    share: float = 0.0


REFUSED = {
    "nothing": (b"", "strict JSON"),
    "no JSON": (b"hello", "strict JSON"),
    "two values": (b"{} {}", "strict JSON"),
    "a comment": (b"{} // hello", "strict JSON"),
    "a trailing comma": (b"[1,]", "strict JSON"),
    "single quotes": (b"{'a':1}", "strict JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "strict JSON"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "strict JSON"),
    "bytes that are no UTF-8": (b'{"a":"\xff"}', "strict JSON"),
    "an overlong encoding": (b'{"a":"\xc0\xaf"}', "strict JSON"),
    "a member twice": (b'{"a":1,"a":2}', "twice"),
    "a member twice, once escaped": (b'{"a":1,"\\u0061":2}', "twice"),
    "a member twice, deep inside": (b'[{"b":[{"a":1,"a":1}]}]', "twice"),
    "null": (b"null", "null"),
    "null inside": (b'{"a":[null]}', "null"),
    "NaN": (b'{"a":NaN}', "NaN"),
    "Infinity": (b"Infinity", "Infinity"),
    "minus Infinity": (b"[-Infinity]", "-Infinity"),
    "a number that overflows to infinity": (b'{"a":1e999}', "too large for a double"),
    "an integer of 64 bits and one": (str(2**63).encode(), "beyond 64 bits"),
    "a negative one": (str(-(2**63) - 1).encode(), "beyond 64 bits"),
    "an integer of 5000 digits": (b"9" * 5000, "strict JSON"),
    "a leading zero": (b"01", "strict JSON"),
    "a plus sign": (b"+1", "strict JSON"),
    "a NUL": (b'{"a":"\\u0000"}', "control character"),
    "a raw newline": (b'{"a":"x\ny"}', "strict JSON"),
    "a carriage return": (b'{"a":"x\\ry"}', "control character"),
    "an escape sequence": (b'{"a":"\\u001b[2J"}', "control character"),
    "DEL": (b'{"a":"\x7f"}', "control character"),
    "a C1 control": ('{"a":"\u009b2J"}'.encode(), "control character"),
    "a control character in a name": (b'{"a\\u0007":1}', "control character"),
    "half a surrogate pair": (b'{"a":"\\ud800"}', "control character"),
    "half a surrogate pair in a name": (b'{"\\udfff":1}', "control character"),
    "nesting": (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "nesting deeper"),
    "nesting without end": (b"[" * 500_000, "strict JSON"),
    "nested objects without end": (b'{"a":' * 150_000, "strict JSON"),
    "a long string": (b'"' + b"x" * (MAX_STRING + 1) + b'"', "a string over"),
    "a long name": (b'{"' + b"x" * (MAX_STRING + 1) + b'":1}', "a string over"),
    "too many bytes": (b" " * (wire.MIB + 1), "at most 1048576 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_parsers_disagree_on_is_malformed(case):
    """Each with its reason, and who sent it."""
    data, said = REFUSED[case]

    with pytest.raises(Malformed, match=f"^sender: .*{said}"):
        parse(data, "sender")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b" {} ", {}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"a\\nb\\tc"', "a\nb\tc"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"1.5e3", 1500.0),
        (b"[" * (MAX_DEPTH) + b"]" * (MAX_DEPTH), None),
        (b'"' + b"x" * MAX_STRING + b'"', "x" * MAX_STRING),
    ],
)
def test_ordinary_json_comes_in_up_to_each_limit(data, value):
    """Strict is not narrow: newlines, tabs, other planes, 64 bits."""
    assert value is None or value == parse(data, "sender")
    parse(data, "sender")


@given(value=documents())
def test_every_unambiguous_value_goes_round(value):
    """What goes out comes in again, the same, whatever it holds."""
    assert value == parse(encode(value), "sender")


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_value_or_malformed(data):
    """Never another error; and what came in can go out again."""
    try:
        value = parse(data, "sender")
    except Malformed:
        return

    assert value == parse(encode(value), "sender")


@given(text=st.text())
def test_harmless_text_comes_in_and_ordinary_text_is_left_alone(text):
    """Words of others can be put on the ledger; what was harmless before stays as it was."""
    cleaned = wire.printable(text)

    assert cleaned == parse(encode(cleaned), "sender")
    assert cleaned == wire.printable(cleaned)
    assert len(text) == len(cleaned)


def test_a_terminal_escape_becomes_a_mark():
    """It is shown that something was there."""
    assert "\ufffd[2J\n\tok" == wire.printable("\x1b[2J\n\tok")


@given(value=documents(), limit=st.integers(0, 40))
def test_nothing_over_its_limit_is_read(value, limit):
    """The size decides before the content does."""
    data = encode(value)
    if len(data) <= limit:
        assert value == parse(data, "sender", limit=limit)
    else:
        with pytest.raises(Malformed, match=f"at most {limit} bytes"):
            parse(data, "sender", limit=limit)


@given(value=documents())
def test_equal_values_have_equal_bytes(value):
    """Whatever the order its members were put in: so digests can be compared."""
    shuffled = json.loads(json.dumps(value), object_pairs_hook=lambda pairs: dict(pairs[::-1]))

    assert encode(value) == encode(shuffled)


@pytest.mark.parametrize(
    "data",
    [
        b'{"aNumber":"1"}',
        b'{"aNumber":1.5}',
        b'{"aNumber":true}',
        b'{"text":1}',
        b'{"share":"1"}',
        b'{"a_number":1}',
        b'{"other":1}',
        b'{"ANumber":1}',
        b"[]",
        b"1",
        b'"Sample"',
    ],
)
def test_a_wrong_type_or_an_unknown_member_is_malformed(data):
    """Nothing is coerced and nothing is overlooked."""
    with pytest.raises(Malformed, match=r"^sender: expected Sample, got "):
        decode(data, Sample, "sender")


def test_a_refusal_is_one_line_whatever_the_sender_wrote():
    """A member name with a newline must not start a second line in a log."""
    forged = json.dumps({"x`\n2026-11-21 admitted by risk": 1}).encode()

    with pytest.raises(Malformed) as caught:
        decode(forged, Sample, "sender")

    assert 1 == len(str(caught.value).splitlines())


def test_a_document_with_defaults_is_short_and_reads_back():
    """Defaults are left out, so a new optional member changes no old digest."""
    assert b"{}" == encode(Sample())
    assert Sample() == decode(b"{}", Sample, "sender")
    assert b'{"aNumber":1,"share":0.5}' == encode(Sample(share=0.5, a_number=1))


def test_a_frozen_document_cannot_be_changed_after_it_was_checked():
    """What was verified is what is used."""
    with pytest.raises(AttributeError):
        Sample().text = "x"


def test_a_type_without_a_name_is_refused_like_any_other():
    """A union has no `__name__`; the refusal must not become a crash."""
    with pytest.raises(Malformed, match="sender: expected"):
        wire.convert({"x": 1}, int | str, "sender")


def test_a_float_that_is_no_number_does_not_come_in_by_any_spelling():
    """Comparisons with it are all false: a threshold would never be passed."""
    for data in (b'{"share":NaN}', b'{"share":1e400}', b'{"share":-1e400}', b'{"share":"nan"}'):
        with pytest.raises(Malformed):
            decode(data, Sample, "sender")
    assert math.isfinite(decode(b'{"share":1e308}', Sample, "sender").share)

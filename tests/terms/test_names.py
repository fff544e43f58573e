"""A name is one plain line, written in one way, and stays where it belongs."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.terms import names
from firmward.terms.errors import Malformed
from firmward.terms.image import evidence_path, image_path
from firmward.terms.names import digest, release_id, serial, split_release, target_path
from firmward.terms.wire import convert

GOOD = {
    "Label": ["acme", "pump-200", "0", "a" * 63],
    "HardwareId": ["PUMP-200-B", "0", "A" * 63],
    "Version": ["0.0.0", "1.10.100", "255.255.65535"],
    "ReleaseId": ["pump-200@1.1.0+3", "a@0.0.0+999999999"],
    "Sha256": ["0123456789abcdef" * 4],
    "DeviceId": ["urn:dev:ops:99999-PUMP200-0001", "urn:dev:ops:0-a-B"],
    "TargetPath": ["a", "pump-200/1.1.0+3/image.bin", "a/b/c/d/e/f/g/h", "a..b"],
}
BAD = {
    "Label": ["", "-a", "A", "a_b", "a.b", "a b", "a" * 64, "\u00e9", "a/b", "\u0661"],
    "HardwareId": ["", "-A", "a", "A B", "A" * 64, "A/B"],
    "Version": [
        "",
        "1",
        "1.0",
        "01.0.0",
        "1.0.0.0",
        "256.0.0",
        "0.256.0",
        "0.0.65536",
        "1.0.-1",
        "v1.0.0",
        "1.0.0-rc1",
        "1.\u0661.0",
        "1\u0660.0.0",
        " 1.0.0",
    ],
    "ReleaseId": [
        "",
        "pump@1.0.0",
        "pump@1.0.0+0",
        "pump@1.0.0+01",
        "@1.0.0+1",
        "Pump@1.0.0+1",
        "pump@1.0.0+1000000000",
        "pump@1.0.0+\u0661",
        "pump@1.0.0+1\u0661",
        "a/b@1.0.0+1",
    ],
    "Sha256": ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "\u0661" * 64],
    "DeviceId": [
        "",
        "urn:dev:ops:1-a",
        "urn:dev:ops:x-a-b",
        "URN:dev:ops:1-a-b",
        "urn:dev:ops:1-a-b-c",
        "urn:dev:ops:\u0661-a-b",
        "urn:dev:ops:1-a-" + "b" * 33,
    ],
    "TargetPath": [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/.",
        "./a",
        ".a",
        "a\\b",
        "a b",
        "a\0",
        "C:a",
        "a/" * 8 + "a",
        "a" * 97,
        "a/-b",
        "\u00e9",
        "a\u2215b",
    ],
}
EVERY = [(name, text) for name, texts in BAD.items() for text in texts]
# Whatever is good is bad with something around it: each of these has got past a `$` somewhere.
EVERY += [
    (name, spoilt)
    for name, texts in GOOD.items()
    for text in texts
    for spoilt in (
        f"{text}\n",
        f"\n{text}",
        f"{text} ",
        f"{text}\n{text}",
        f"{text}\0",
        f"{text}\r",
    )
]


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in GOOD.items() for t in texts])
def test_a_good_name_is_taken(name, text):
    """Shortest, ordinary and longest."""
    assert text == convert(text, getattr(names, name), "sender")


@pytest.mark.parametrize(("name", "text"), EVERY)
def test_a_bad_name_is_malformed(name, text):
    """Newlines, other scripts' digits, leading zeros, steps out of a folder."""
    with pytest.raises(Malformed, match=r"^sender: "):
        convert(text, getattr(names, name), "sender")


@pytest.mark.parametrize(("name", "text"), EVERY)
def test_the_functions_are_as_strict_as_the_types(name, text):
    """A name that does not come in by the door does not come in by a call."""
    calls = {
        "ReleaseId": lambda: split_release(text),
        "Sha256": lambda: digest(text, "sender"),
        "DeviceId": lambda: serial(text),
        "TargetPath": lambda: target_path(text, "sender"),
        "Version": lambda: release_id("pump", text, 1),
        "Label": lambda: release_id(text, "1.0.0", 1),
    }
    if name not in calls:
        return
    with pytest.raises(Malformed):
        calls[name]()


@given(
    product=st.from_regex(get_args(names.Label)[1].pattern, fullmatch=True),
    version=st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535)),
    counter=st.integers(1, 999_999_999),
)
def test_a_release_id_goes_round_and_so_do_its_paths(product, version, counter):
    """Every version that an MCUboot header can hold, and no second spelling of it."""
    text = ".".join(map(str, version))
    release = release_id(product, text, counter)

    assert (product, text, counter) == split_release(release)
    assert release == convert(release, names.ReleaseId, "sender")
    for path in (image_path(release), evidence_path(release, "sbom")):
        assert path == target_path(path, "sender")


@pytest.mark.parametrize("counter", [0, -1, 10**9])
def test_a_counter_out_of_range_makes_no_release(counter):
    """The counter is what a device compares: none, none below one, none too long."""
    with pytest.raises(Malformed, match="release id"):
        release_id("pump", "1.0.0", counter)
    with pytest.raises(Malformed):
        convert(counter, names.Counter, "sender")


@given(text=st.text(max_size=40))
def test_no_target_path_leads_out_of_its_folder(text):
    """Whatever is taken has no empty, hidden or upward step."""
    try:
        target_path(text, "sender")
    except Malformed:
        return

    assert all(part and part[0].isascii() and part[0].isalnum() for part in text.split("/"))


def test_a_serial_is_the_last_part_of_a_device_id():
    """What a person reads on the housing."""
    assert "0001" == serial("urn:dev:ops:99999-PUMP200-0001")


def test_a_refusal_quotes_no_newline():
    """The message stays one line, and short, whatever was sent."""
    for call in (split_release, serial):
        with pytest.raises(Malformed) as caught:
            call("x\nadmitted: pump@1.0.0+1" * 100)
        assert 1 == len(str(caught.value).splitlines())
        assert len(str(caught.value)) < 200

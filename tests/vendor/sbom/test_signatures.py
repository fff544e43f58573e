"""Parts recognised by the texts that they leave in an image."""

import random
import re

import pytest

from firmward.binaries.signatures import table
from firmward.vendor.sbom.collectors.strings import collect

NOISE = random.Random(7).randbytes(5_000)


def raw(text: str) -> bytes:
    """A text of the table as it lies in an image."""
    return text.replace("\\0", "\0").replace("\\n", "\n").encode()


@pytest.mark.parametrize("signature", [s for s in table() if s.patterns], ids=lambda s: s.name)
def test_each_signature_finds_its_own_text_in_a_raw_image_and_nothing_else(signature):
    """Name and version out of the middle of noise, with a package URL to match it by."""
    text, version = signature.example
    found = list(collect(NOISE + b"\0" + raw(text) + b"\0" + NOISE))
    assert [(each.name, each.version) for each in found] == [(signature.name, version)]
    assert found[0].purl == f"pkg:generic/{signature.name}@{version}"
    assert found[0].supplier


def test_the_table_knows_what_firmware_is_made_of():
    """At least 60, among them those that no scanner finds in a raw binary today."""
    names = {each.name for each in table() if each.patterns}
    assert len(names) >= 60
    assert {"lwip", "freertos", "zephyr", "mbedtls"} <= names
    assert len(names) == len([each for each in table() if each.patterns])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"tcp_bind: can only bind in state CLOSED", "lwip"),
        (b"\0Tmr Svc\0", "freertos"),
        (b"ssl->in_msglen", "mbedtls"),
        (b"wolfSSL Entering %s", "wolfssl"),
    ],
)
def test_a_part_without_a_version_is_a_declared_unknown(text, name):
    """Its own messages show that it is there; which version, nobody can tell."""
    [found] = collect(NOISE + text + NOISE)
    assert (found.name, found.version, found.known_unknown) == (name, "", True)
    assert "version" in found.unknowns


def test_two_versions_of_one_part_are_two_parts():
    """An image with a boot loader may hold a library twice."""
    found = list(collect(b"Mbed TLS 2.28.7\0..Mbed TLS 3.5.1\0"))
    assert {each.version for each in found} == {"2.28.7", "3.5.1"}


@pytest.mark.parametrize(
    "text",
    [
        b"needs OpenSSL 1.1 or newer",
        b"see https://zlib.net for inflate",
        b"curl -O",
        b"Linux version",
        b"compatible with lwIP",
        b"nginx",
    ],
)
def test_talk_about_a_part_is_not_the_part(text):
    """A message that names something does not contain it."""
    assert list(collect(NOISE + text + NOISE)) == []


def test_noise_names_nothing():
    """A lot of chance, and no part."""
    assert list(collect(random.Random(11).randbytes(300_000))) == []


def test_every_pattern_ends():
    """No pattern may run away on a long line of what it likes."""
    assert all(not re.search(r"\([^)]*[+*]\)[+*]", p) for each in table() for p in each.patterns)
    assert list(collect(b"ThreadX " + b"A" * 500_000)) == []

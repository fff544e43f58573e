"""Secrets that lie open in the bytes of a program, and what only looks like one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted.secrets import drawn, private_key, tokens

from firmward.binaries import blocks, open_secrets, random_text, strings
from firmward.binaries.left_in import left_in

CODE = bytes(range(128, 256)) * 3


def rules(data: bytes) -> set[str]:
    """What is found in some bytes of machine code with this in their midst."""
    return {hit.rule for hit in open_secrets.of(CODE + b"\0" + data + b"\0" + CODE)}


@pytest.mark.parametrize("name", tokens())
def test_a_token_is_found_and_told_where(name):
    """Whatever the byte before it."""
    token = tokens()[name].encode()
    [hit] = [each for each in open_secrets.of(CODE + token + CODE) if each.rule == "cloud-token"]

    assert len(CODE) <= hit.at < len(CODE) + len(token)
    assert token.decode()[-12:] not in hit.says


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"https://root:Gr4peVine@host/", "url-credential"),
        (b"Authorization: Basic YWRtaW46R3I0cGVWaW5l", "url-credential"),
        (b"\nroot::0:0:root:/root:/bin/sh\n", "default-credential"),
        (b"\nroot:ab1Jd8eQzTu4E:0:0:root:/root:/bin/sh\n", "password-hash"),
        (b"service:service", "default-credential"),
        (b"toor", "default-credential"),
        (b"wifi_password=Gr4peVine", "hardcoded-secret"),
        (b"a=1&wifi_password=Gr4peVine&b=2", "hardcoded-secret"),
        (b"::password=Gr4peVine;", "hardcoded-secret"),
        (b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49", "private-key"),
    ],
)
def test_a_secret_is_found_by_its_form(data, rule):
    """In the strings of a program, far apart from one another."""
    assert {rule} == rules(data)


@pytest.mark.parametrize(
    "data",
    [
        b"http://%s:%d/",
        b"user:password",
        b"Enter password: ",
        b'Passwordjson:"password,omitempty"',
        b"toorak",
        b"root:x:0:0",
        b"key=",
        b"password=%s;",
    ],
)
def test_talk_of_secrets_is_none(data):
    """Formats, prompts and the tags of Go's structs."""
    assert set() == rules(data)


def test_a_key_in_der_is_found_in_code():
    """It is no text, and is looked for in the bytes themselves."""
    assert {"private-key"} == rules(private_key("EC", "DER", "PKCS8"))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"/usr/sbin/telnetd -l", "console-left"),
        (b"Factory Mode", "console-left"),
        (b"SEGGER RTT", "debugger-left"),
        (b"/home/ann/pump/main.c", "build-path"),
        (b"C:\\work\\pump\\main.c", "build-path"),
        (b"\0src/main.c", "build-path"),
    ],
)
def test_what_was_left_in_is_told_at_its_place(data, rule):
    """Consoles, debuggers, and paths of the machine that built it."""
    [hit] = left_in(strings.read(CODE + b"\0" + data + b"\0" + CODE))

    assert rule == hit.rule
    assert len(CODE) <= hit.at < len(CODE) + len(data) + 1


def test_a_string_drawn_at_random_is_told_once_and_words_are_not():
    """Nor is base64 of something to be read, or a name of many words."""
    chance = [drawn(40, seed=seed).encode() for seed in (1, 2)]
    readable = base64.b64encode(b"the pump's own help text, in base64")
    words = b"applyPumpSettingsFromServiceMenuEntry2"
    apart = bytes(200).join([b"\1", *chance, readable, words, b"\1"])

    [hit] = random_text.in_strings(strings.read(apart))
    assert (apart.index(chance[0]), "high-entropy") == (hit.at, hit.rule)
    assert hit.says.startswith("2 in all")


@given(st.binary(max_size=2000))
def test_any_bytes_are_searched_to_their_end(data):
    """What an attacker may hand in is anything."""
    assert all(0 <= hit.at < len(data) for hit in open_secrets.of(data))
    list(left_in(strings.read(data)))
    assert all(0 <= each <= 8 for each in blocks.entropies(data))


def test_entropy_tells_chance_from_code_and_from_nothing():
    """By whole blocks, and by what is left of one."""
    assert [0.0] == list(blocks.entropies(bytes(1024)))
    assert [8.0, 1.0] == list(blocks.entropies(bytes(range(256)) * 4 + b"ab" * 50))
    assert 0 == len(blocks.entropies(b""))

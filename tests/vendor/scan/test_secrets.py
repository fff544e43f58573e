"""Secrets are found wherever a programmer or a compiler leaves them, and are never told on."""

import io
import json
import re
import tarfile
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted import compiled, secrets
from tests.planted.elves import Plan, elf
from tests.planted.trees import checkout

from firmward.binaries import der, open_secrets
from firmward.terms.errors import Unavailable
from firmward.vendor.build.store import Sealed
from firmward.vendor.cache import Shelf
from firmward.vendor.scan import sarif
from firmward.vendor.scan.files import LARGEST, SourceFile, is_test
from firmward.vendor.scan.secrets import in_binary
from firmward.vendor.scan.secrets.scan import in_file, scan_binary, scan_source

PLANTED = secrets.in_source()
LOOK_ALIKES = secrets.look_alikes()
IN_PROGRAM = compiled.in_program()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A program with secrets in it, compiled once."""
    return compiled.build(tmp_path_factory.mktemp("program"))


def found_in(name: str, content: str | bytes) -> list[sarif.Finding]:
    """What is found in one file."""
    return in_file(SourceFile(name, content.encode() if isinstance(content, str) else content))


def told(run: sarif.Run) -> tuple[sarif.Finding, ...]:
    """The findings of one run."""
    return sarif.findings(sarif.merge([run]))


def leaked(content: str, messages: list[str]) -> set[str]:
    """Pieces of the content, long enough to be a secret's, that the messages repeat."""
    pieces = {
        piece for piece in re.findall(r"[A-Za-z0-9+/]{6,}", content) if re.search(r"\d", piece)
    }
    return {piece for piece in pieces for message in messages if piece in message}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_secret_is_found_by_its_rule_and_line_and_not_repeated(name):
    """The report tells where, not what: evidence is handed to others."""
    file, content, rule = PLANTED[name]
    found = found_in(file, f"\n\n{content}\n")

    assert {rule} == {each.rule for each in found}
    assert all(3 <= each.line <= 4 + content.count("\n") for each in found)
    assert set() == leaked(content, [each.message for each in found])


def test_enough_is_planted():
    """The issue asks for twenty of each kind."""
    assert len(PLANTED) >= 60
    assert len(IN_PROGRAM) >= 10
    assert len(LOOK_ALIKES) >= 20


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_only_speaks_of_secrets_is_no_secret(name):
    """Names, prompts, formats, public keys, digests, tables and placeholders."""
    file, content = LOOK_ALIKES[name]

    assert [] == found_in(file, content)


def test_keys_in_a_test_are_counted_and_live_tokens_are_still_told():
    """Test vectors are no alarm each; a token copied into a test is leaked all the same."""
    arrays = "\n".join(content for _, content, rule in PLANTED.values() if rule == "array-key")
    token = secrets.tokens()["GitHub"]

    [note] = found_in("tests/vectors.c", arrays)
    assert ("test-material", "note") == (note.rule, note.level)
    assert int(note.message.split()[-3]) >= 10
    assert "cloud-token" in {each.rule for each in found_in("tests/x.c", f'a = "{token}";')}


@pytest.mark.parametrize("path", ["test/a.c", "src/tests/a.c", "lib/test_aes.c", "a/aes_test.c"])
def test_a_test_is_told_by_its_place(path):
    """So are fixtures and vectors; a name that only begins alike is not one."""
    assert is_test(path)
    assert not is_test("src/testing_ground_truth.c".replace("testing_", "attest_"))
    assert not is_test("src/contest/latest.c")


def test_a_key_in_der_is_found_only_whole():
    """A sequence that only begins as a key does is a coincidence."""
    key = secrets.private_key("RSA", "DER", "PKCS8")
    spoiled = key[:40] + bytes(byte ^ 0x55 for byte in key[40:])

    [found] = der.private_keys(b"\x30\x82" + key + b"tail")
    assert ("RSA", 1024, 2) == (found.family, found.bits, found.at)
    assert [] == list(der.private_keys(key[:-1]))
    assert [] == list(der.private_keys(spoiled))


def test_a_raw_key_file_is_found():
    """A file that is no text is searched as a binary is."""
    key = secrets.private_key("EC", "DER", "TRADITIONAL")

    assert ["private-key"] == [each.rule for each in found_in("keys/device.der", b"\0\0" + key)]


def test_the_tree_is_scanned_once_and_what_is_excluded_is_not(tmp_path):
    """Its result is kept by the tree; a link that leads out of it is not followed."""
    _, content, _ = PLANTED["array"]
    files = {"src/a.c": content, "other/b.c": content, "big.bin": b"\1" * (LARGEST + 1)}
    tree = checkout(tmp_path / "tree", files, 'exclude = ["other"]')
    outside = tmp_path / "outside.c"
    outside.write_text(content)
    (tree.root / "src/link.c").symlink_to(outside)
    shelf = Shelf(tmp_path / "shelf")

    run = scan_source(tree, shelf)
    assert {("src/a.c", "array-key"), ("big.bin", "not-scanned")} == {
        (each.path, each.rule) for each in told(run)
    }
    (tree.root / "src/a.c").write_text("")
    assert run == scan_source(tree, shelf)
    assert run == json.loads(json.dumps(run))
    again = replace(tree, source=replace(tree.source, tree="another"))
    assert {"big.bin"} == {each.path for each in told(scan_source(again, shelf))}


@pytest.mark.parametrize("name", IN_PROGRAM)
def test_a_secret_is_found_in_what_was_compiled(program, name):
    """What the compiler took in is in every device: the image tells it, or the symbols do."""
    code, rule = IN_PROGRAM[name]
    found = [each for each in told(scan_binary(program)) if each.rule == rule]

    expected = sum(other == rule for _, other in IN_PROGRAM.values())
    assert len(found) >= expected
    assert set() == leaked(code, [each.message for each in found])


def test_a_secret_that_is_in_image_and_elf_is_told_once(program):
    """They are one secret at two offsets; the image is what ships."""
    token = [each for each in told(scan_binary(program)) if each.rule == "cloud-token"]

    assert ["app.bin"] == [each.path for each in token]
    alone = told(scan_binary(replace(program, binary=b"")))
    assert ["app.elf"] == [each.path for each in alone if each.rule == "cloud-token"]


def test_secrets_of_a_root_file_system_are_found_wherever_they_lie(tmp_path):
    """On a device nothing is only a test."""
    with tarfile.open(tmp_path / "rootfs.tar", "w") as archive:
        for name in ("etc/wifi.conf", "usr/lib/tests/wifi.conf"):
            data = b"psk=Gr4pe-Vine\n"
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    sealed = Sealed("rootfs.tar", "0" * 64, 0, tmp_path / "rootfs.tar")
    run = scan_binary(replace(compiled.artifact(image=b"\0" * 64), rootfs=sealed))

    expected = {
        ("etc/wifi.conf", "hardcoded-secret"),
        ("usr/lib/tests/wifi.conf", "hardcoded-secret"),
    }
    assert expected == {(each.path, each.rule) for each in told(run)}


def test_tables_and_state_are_no_keys_by_symbol():
    """Objects that are empty, grow or are no key by their names."""
    quiet = (
        ("key_table", 1, secrets.key_bytes(32)),
        ("aes_key", 1, b"\0" * 16),
        ("key_offsets", 1, bytes(range(0, 128, 4))),
        ("public_key", 1, secrets.key_bytes(32)),
        ("handle_key", 2, secrets.key_bytes(16)),
    )
    plan = Plan(machine="arm", hosted=False, symbols=quiet)

    assert [] == in_binary.found(elf(plan), b"")
    loud = replace(plan, symbols=(("aes_key", 1, secrets.key_bytes(16)),))
    assert ["array-key"] == [each.rule for each in in_binary.found(elf(loud), b"")]


def test_an_elf_file_that_cannot_be_read_is_no_evidence():
    """Its symbols were not searched: that is not the same as nothing found."""
    with pytest.raises(Unavailable, match="expected an ELF file"):
        scan_binary(compiled.artifact(b"no ELF at all"))


@given(st.binary(max_size=2000))
def test_no_bytes_make_the_scanner_fail(data):
    """A file that breaks it would go unscanned."""
    in_file(SourceFile("x.c", data))
    list(open_secrets.of(data))


@given(
    st.lists(
        st.sampled_from(
            [
                "key",
                "password",
                " = ",
                "{",
                "}",
                '"',
                "0x1f,",
                "\\x41",
                "\n",
                "[",
                "]",
                "(",
                ")",
                "/*",
                "token:",
                "-----BEGIN ",
                "PRIVATE KEY-----",
                "://",
                "u:p@",
                "$6$",
                "M" * 9,
                ":",
                ",",
                "#define ",
                "strcmp(",
            ]
        ),
        max_size=60,
    )
)
def test_no_broken_code_makes_the_scanner_fail(parts):
    """Half an initialiser, half a PEM, half a string."""
    in_file(SourceFile("x.yaml", "".join(parts).encode()))


@pytest.mark.parametrize(
    "hostile",
    [
        b"token_" * 50_000 + b"uint8_t key" + b"x" * 50_000,
        b'key = "' + b"\\x41" * 50_000,
        b"password[" * 25_000,
        b"key = {" + b"0x41, " * 25_000,
        b"-----BEGIN PRIVATE KEY-----" * 10_000,
        b"\x30\x82\x01\x00\x02\x01\x00\x02" * 10_000,
        b"mqtt://u:" * 10_000,
        b"eyJ" * 50_000,
        b"set_password(" * 10_000,
        b"config PASSWORD\n default\n" * 10_000,
    ],
    ids=range(10),
)
def test_a_hostile_file_is_scanned_in_linear_time(hostile):
    """A contributor's file must not be able to hold up the release."""
    started = time.perf_counter()
    found_in("x.conf", hostile)

    assert time.perf_counter() - started < 3

"""Cryptography is found by symbols, constants, structure and calls; what is outdated is told."""

import hashlib
import json
import struct
import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from tests.planted import compiled, weak_crypto
from tests.planted.elves import elf
from tests.planted.secrets import key_bytes
from tests.planted.soft_targets import BARE
from tests.planted.trees import checkout

from firmward.terms.errors import Unavailable
from firmward.vendor.cache import Shelf
from firmward.vendor.scan import elf_file, sarif
from firmward.vendor.scan.blank import code_only
from firmward.vendor.scan.crypto import constants, derived, in_binary, rules, scan
from firmward.vendor.scan.crypto.catalogue import ALGORITHMS
from firmward.vendor.scan.crypto.cbom import cbom
from firmward.vendor.scan.crypto.naming import named_by
from firmward.vendor.scan.crypto.signs import Sign, confidence, inventory
from firmward.vendor.scan.files import SourceFile

SOURCE = weak_crypto.in_source()
BINARY = weak_crypto.in_binary()
LOOK_ALIKES = weak_crypto.look_alikes()


def told(name: str, content: str, *, vendored: bool = False) -> list[sarif.Finding]:
    """What is told of one source file."""
    file = SourceFile(name, content.encode(), vendored=vendored)
    return [*rules.findings(scan.in_file(file)), *scan.random_in(file)]


def seen(data: bytes) -> dict[str, float]:
    """Algorithm -> confidence for a raw image."""
    return {asset.name: asset.confidence for asset in inventory(in_binary.signs(data, "app.bin"))}


def test_enough_is_planted():
    """The issue asks for twenty of each kind."""
    assert len(SOURCE) >= 30
    assert len(BINARY) >= 15


@pytest.mark.parametrize("name", SOURCE)
def test_outdated_cryptography_in_source_is_found(name):
    """By call, by name in a string, by table and by structure."""
    file, content, algorithm, rule = SOURCE[name]
    found = told(file, f"\n{content}\n")

    assert {rule} == {each.rule for each in found}
    assert any(algorithm in each.message and each.level in ("error", "warning") for each in found)
    assert all(each.line >= 2 for each in found)


@pytest.mark.parametrize("name", BINARY)
def test_outdated_cryptography_in_a_raw_image_is_found(name):
    """By tables in any byte order and width, and by constants that instructions build."""
    data, algorithm = BINARY[name]
    found = {
        asset.name
        for asset in inventory(in_binary.signs(data, "app.bin"))
        if asset.confidence >= 0.7
    }

    assert {algorithm} == found


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_is_not_outdated_or_not_used_is_quiet(name):
    """Sound algorithms, comments, strings, declarations, and words that only look alike."""
    file, content = LOOK_ALIKES[name]

    assert [] == told(file, content)


def test_noise_shows_no_cryptography():
    """A megabyte of random bytes must not look like a table."""
    assert {} == seen(key_bytes(1 << 20, seed=4))


def test_use_decides_how_bad_it_is():
    """A call of our own is an error; in vendored source, or only implemented, it is a warning."""
    call = "  MD5_Update(&c, p, n);"
    own = "void md5_process(ctx_t *c)\n{\n}\n"

    assert ["error"] == [each.level for each in told("a.c", call)]
    assert ["warning"] == [each.level for each in told("a.c", call, vendored=True)]
    assert ["warning"] == [each.level for each in told("a.c", own + "  md5_process(c);")]
    assert ["warning"] == [each.level for each in told("a.c", "  SHA1_Update(&c, p, n);")]


def test_a_symbol_alone_and_a_table_alone_and_both():
    """Signs of different kinds add up, a hundred of one kind do not."""
    sign = Sign("a", "MD5", 0, 0, "symbol", "x", 0.6, "linked")
    table = replace(sign, kind="constants", weight=0.5)

    assert 0.6 == confidence([sign] * 100)
    assert 0.8 == confidence([sign, table])


def test_an_elf_file_tells_by_its_symbols():
    """A stripped table is found by its words, a routine without tables by its name."""
    plan = replace(BARE, symbols=(("mbedtls_arc4_crypt", 2, b"\0"), ("aes_gcm_encrypt", 2, b"\0")))
    read = elf_file.read(elf(plan), "app.elf")
    found = {each.algorithm for each in in_binary.signs(read.data, "app.elf", read)}

    assert {"RC4", "AES", "GCM"} == found


def test_tables_that_are_made_at_start_up_leave_weaker_signs():
    """The round constants and the arithmetic speak for AES, less surely than its S-box."""
    rcon = bytes((1, 2, 4, 8, 16, 32, 64, 128, 0x1B, 0x36))
    made = seen(key_bytes(512) + rcon + key_bytes(512))
    box = seen(key_bytes(512) + bytes(derived.aes_boxes()[0]))

    assert 0.4 <= made["AES"] < 0.7 < box["AES"]
    source = SourceFile("a.c", b"x = (x << 1) ^ (((x >> 7) & 1) * 0x1b);")
    assert {"AES": 0.4} == {each.name: each.confidence for each in inventory(scan.in_file(source))}


def test_sha_512_is_not_taken_for_sha_256():
    """The first halves of its constants are the other's."""
    words = next(each.values for each in constants.words() if each.algorithm == "SHA-512")
    long = struct.pack("<80Q", *(words[n] << 32 | words[n + 1] for n in range(0, 160, 2)))
    short = struct.pack(
        "<64I", *next(e.values for e in constants.words() if e.algorithm == "SHA-256")
    )

    assert {"SHA-512"} == seen(long).keys()
    assert {"SHA-256"} == seen(short).keys()
    assert {"SHA-256", "SHA-512"} == seen(long + short).keys()


def test_computed_constants_are_those_of_the_standards():
    """A second source for what the catalogue computes: the standards' own printed numbers."""
    table = {(each.algorithm, each.says): each.values for each in constants.words()}

    assert weak_crypto.MD5_K == table["MD5", "sine table"]
    assert weak_crypto.BLOWFISH_P == table["Blowfish", "digits of pi"]
    assert (0x428A2F98, 0x71374491) == table["SHA-256", "cube roots"][:2]
    assert (0xC66363A5, 0xF87C7C84) == table["AES", "table T0"][:2]
    assert (0x63, 0x7C, 0x77, 0x7B) == derived.aes_boxes()[0][:4]
    runs = {(each.algorithm, each.says): each.values for each in constants.runs()}
    assert weak_crypto.DES_SP1 == runs["DES", "S-box with P, turned"]
    assert weak_crypto.DES_SPTRANS == runs["DES", "S-box with P, mirrored"]
    ref10 = [value - (value >> 31 << 32) for value in table["Ed25519", "d in 25.5-bit limbs"]]
    assert [-10913610, 13857413, -15372611, 6949391, 114729] == ref10[:5]


@pytest.mark.parametrize("order", ["big", "little"])
def test_a_curve_is_known_by_its_base_point(order):
    """In bytes of either order, as limbs of 32 or 64 bits lie in memory."""
    one = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()

    assert "P-256" in seen(key_bytes(100) + one.x.to_bytes(32, order))


def test_keys_and_certificates_tell_their_size():
    """A short RSA key in the image, by its structure alone."""
    rsa_1024 = seen(key_bytes(64) + compiled.private_key("RSA", "DER", "TRADITIONAL"))

    assert rsa_1024["RSA 1024"] > 0.9
    [finding] = rules.findings(
        in_binary.signs(compiled.private_key("RSA", "DER", "PKCS8"), "app.bin")
    )
    assert ("short-key", "error") == (finding.rule, finding.level)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A program with outdated cryptography in it, compiled once."""
    return compiled.build(tmp_path_factory.mktemp("program"))


@pytest.mark.parametrize("name", compiled.weak_in_program())
def test_outdated_cryptography_is_found_in_what_was_compiled(program, name):
    """With its ELF file, and again in the image alone where no symbol is needed."""
    _, algorithm = compiled.weak_in_program()[name]
    with_elf = sarif.findings(sarif.merge([scan.scan_binary(program)]))
    image = sarif.findings(sarif.merge([scan.scan_binary(replace(program, elf=b""))]))

    assert any(f": {algorithm}," in each.message for each in with_elf)
    by_symbol = "by symbol" in name
    assert by_symbol or any(f": {algorithm}," in each.message for each in image)


def test_nothing_to_judge_is_no_evidence():
    """No file, and a file that is no ELF."""
    for artifact in (compiled.artifact(), compiled.artifact(elf=b"no ELF")):
        with pytest.raises(Unavailable, match="expected an ELF file"):
            scan.scan_binary(artifact)


def tree_of(tmp_path):
    """A checkout that calls, vendors and tests outdated cryptography."""
    call = "int f(void) {\n  return mbedtls_md5(p, n, out);\n}\n"
    files = {
        "src/a.c": call,
        "vendor/lib/b.c": call,
        "tests/c.c": call,
        "src/d.c": "  mbedtls_sha256_starts(&c, 0);\n  AES_set_encrypt_key(k, 128, &key);",
    }
    return checkout(tmp_path / "tree", files)


def test_the_tree_is_scanned_once_and_tests_are_left_out(tmp_path):
    """What only a test uses reaches no device, or the binary shows it."""
    tree, shelf = tree_of(tmp_path), Shelf(tmp_path / "shelf")
    run = scan.scan_source(tree, shelf)
    found = {(each.path, each.level) for each in sarif.findings(sarif.merge([run]))}

    assert {("src/a.c", "error"), ("vendor/lib/b.c", "warning")} == found
    (tree.root / "src/a.c").write_text("")
    assert run == scan.scan_source(tree, shelf)


def test_the_inventory_holds_what_is_sound_too_and_the_cbom_is_valid(tmp_path, program):
    """CycloneDX 1.6 by its own schema, with the place and the confidence of each entry."""
    tree, shelf = tree_of(tmp_path), Shelf(tmp_path / "shelf")
    assets = scan.inventory(tree, shelf, program)
    document = cbom(assets, "pump-200", "1.1.0")

    assert {"AES", "SHA-256", "MD5", "DES", "RC4"} <= {asset.name for asset in assets}
    assert None is JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    md5 = next(each for each in document["components"] if each["name"] == "MD5")
    assert "cryptographic-asset" == md5["type"]
    assert "1.2.840.113549.2.5" == md5["cryptoProperties"]["oid"]
    assert "hash" == md5["cryptoProperties"]["algorithmProperties"]["primitive"]
    places = {(each["location"], each.get("line")) for each in md5["evidence"]["occurrences"]}
    assert {("src/a.c", 2), ("vendor/lib/b.c", 2)} <= places
    assert {"app.elf", "app.bin"} & {location for location, _ in places}
    assert document == cbom(scan.inventory(tree, shelf, program), "pump-200", "1.1.0")
    assert document["serialNumber"] != cbom(assets[1:], "pump-200", "1.1.0")["serialNumber"]


@pytest.mark.parametrize(
    ("identifier", "names"),
    [
        ("mbedtls_md5_starts_ret", ("MD5",)),
        ("EVP_des_ede3_cbc", ("3DES",)),
        ("wc_Des3_SetKey", ("3DES",)),
        ("SHA1Transform", ("SHA-1",)),
        ("AES_ECB_encrypt", ("AES", "ECB")),
        ("tc_aes128_set_encrypt_key", ("AES",)),
        ("br_ghash_ctmul", ("GCM",)),
        ("describe_address", ()),
        ("universal", ()),
        ("arc4random_buf", ()),
        ("rsa_sign", ("RSA",)),
    ],
)
def test_an_identifier_is_read_word_by_word(identifier, names):
    """As libraries write them; a word inside another word says nothing."""
    assert names == named_by(identifier)


def test_every_outdated_algorithm_says_why_and_has_a_rule():
    """What is told must be answerable."""
    known = {rule.id for rule in rules.RULES}

    for algorithm in ALGORITHMS.values():
        assert bool(algorithm.outdated) == bool(algorithm.rule)
        assert algorithm.rule in {"", *known}
    assert all(rule.cwe for rule in rules.RULES)


def test_blanking_keeps_every_line_and_offset():
    """Strings with comment signs, comments with quotes, and neither closed."""
    text = b'a = "/* x"; /* "b" \n */ c = \'//\'; // "d\ne = 1; "open\nf();'
    code = code_only(text, ".c")

    assert len(text) == len(code)
    assert text.count(b"\n") == code.count(b"\n")
    assert b"c = '" in code
    assert b"x" not in code
    assert b"d" not in code
    assert b"f();" in code


@given(st.binary(max_size=2000))
def test_no_bytes_make_the_scanner_fail(data):
    """A file that breaks it would go unscanned."""
    told("x.c", data.decode("latin-1"))
    seen(data)


@pytest.mark.parametrize(
    "hostile",
    [
        b'"' + b"a\\" * 60_000,
        b"/*" * 60_000,
        b"//\\" * 60_000,
        b"MD5_" * 40_000,
        b"0x5a827999," * 20_000,
        b"-----BEGIN CERTIFICATE-----" * 8_000,
        b"j = j + s[i] + k[" * 10_000,
        b"rsa_gen_key(" * 15_000,
        b"key[" * 30_000 + b"rand",
        b"'" * 90_000,
    ],
    ids=range(10),
)
def test_a_hostile_file_is_scanned_in_linear_time(hostile):
    """A contributor's file must not be able to hold up the release."""
    started = time.perf_counter()
    told("x.c", hostile.decode())

    assert time.perf_counter() - started < 3


def test_a_large_image_is_searched_fast():
    """Four megabytes, more than any microcontroller holds, in seconds."""
    data = hashlib.shake_128(b"image").digest(4 << 20)
    started = time.perf_counter()

    assert {} == seen(data)
    assert time.perf_counter() - started < 10

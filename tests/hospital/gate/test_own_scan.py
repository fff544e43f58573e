"""The hospital's own look into an image finds what a vendor left in or left out."""

import random
import re
import shutil
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted.secrets import c_array, private_key

from firmward.hospital.gate import undeclared
from firmward.hospital.gate.own_scan import BLOCK, OwnScan, scan
from firmward.lab.paper_vendor import image
from firmward.lab.toolchain import compile_firmware, firmware_tree

PLANTED = """
#define KEPT __attribute__((used, retain))
KEPT const char planted_stack[] = "lwIP/2.1.3 (http://savannah.nongnu.org/projects/lwip)";
KEPT const char planted_tls[] = "Mbed TLS 2.28.7";
KEPT const char planted_shell[] = "/usr/sbin/telnetd";
KEPT const char planted_login[] = "service:service";
KEPT const unsigned char planted_der[] = {DER};
"""


def around(body: bytes, flags: int = 0) -> bytes:
    """An MCUboot image around a body; further flags make it say more than it is."""
    whole = bytearray(image(None, "1.0.0", 1, body))
    struct.pack_into("<I", whole, 16, struct.unpack_from("<I", whole, 16)[0] | flags)
    return bytes(whole)


def code(size: int = 8192) -> bytes:
    """Bytes with the entropy of machine code, and no text but what chance makes."""
    return bytes(random.Random(5).choices(range(256), [1 + n % 7 * 9 for n in range(256)], k=size))


def seen_in(*texts: bytes, declared=()) -> OwnScan:
    """The scan of an image with these strings in it."""
    return scan(around(code() + b"\0" + b"\0".join(texts) + b"\0" + code()), declared)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> bytes:
    """The pump's firmware, built by its own build command from a tree that hides things."""
    tree = tmp_path_factory.mktemp("tree") / "firmware"
    shutil.copytree(firmware_tree(), tree)
    pump = tree / "pump/pump.c"
    hidden = PLANTED.replace("DER", c_array(private_key("EC", "DER", "PKCS8")))
    pump.write_text(pump.read_text() + hidden)
    return around(compile_firmware(tree, "pump").binary)


@pytest.fixture(scope="module")
def honest() -> bytes:
    """The pump's firmware as it is."""
    return around(compile_firmware(firmware_tree(), "pump").binary)


def test_what_a_vendor_hid_in_its_firmware_is_found(compiled):
    """A key, a way in and two libraries: in no SBOM, and in the bytes all the same."""
    seen = scan(compiled, [("mbedtls", "3.6.0", ["pkg:github/Mbed-TLS/mbedtls@v3.6.0"])])

    assert seen.readable
    assert {("private-key", "error"), ("console-left", "warning")} <= {
        (each.rule, each.severity) for each in seen.findings
    }
    assert "default-credential" in {each.rule for each in seen.findings}
    assert ("lwip 2.1.3: not in the SBOM", "mbedtls 2.28.7: SBOM says 3.6.0") == seen.undeclared
    assert all(compiled[each.at :].startswith(b"\x30") for each in seen.findings
               if each.rule == "private-key")  # fmt: skip


def test_honest_firmware_shows_nothing_that_was_not_declared(honest):
    """No finding that would stop it, and the same answer every time."""
    seen = scan(honest, [("tinyframe", "1.4.2", ["pkg:generic/tinyframe@1.4.2"])])

    assert seen.readable
    assert () == seen.undeclared
    assert [] == [each for each in seen.findings if each.severity == "error"]
    assert seen == scan(honest, [("tinyframe", "1.4.2", ["pkg:generic/tinyframe@1.4.2"])])


@pytest.mark.parametrize(
    ("name", "version", "ids"),
    [
        ("openssl", "1.1.1k", ()),
        ("OpenSSL", "1.1.1k", ()),
        ("libssl", "v1.1.1k", ["pkg:generic/openssl@1.1.1k"]),
        ("TLS stack", "1.1.1k", ["cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*"]),
        ("libssl1.1", "1:1.1.1k-1+deb11u2", ["pkg:deb/debian/libssl1.1@1.1.1k-1?arch=armhf"]),
        ("libssl1.1", "1.1.1k-r0", ["pkg:apk/alpine/libssl1.1@1.1.1k-r0"]),
    ],
)
def test_a_declared_part_is_recognised_by_any_of_its_names(name, version, ids):
    """An SBOM need not call it what we do."""
    banner = b"OpenSSL 1.1.1k  25 Mar 2021"

    seen = seen_in(banner, declared=[(name, version, ids)])
    assert () == seen.undeclared
    [part] = seen.components
    assert ("openssl", "1.1.1k") == (part.name, part.version)
    assert seen_in(banner).undeclared == ("openssl 1.1.1k: not in the SBOM",)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (("openssl", "3.0.13", ()), "SBOM says 3.0.13"),
        (("openssl", "1.1.1", ()), "SBOM says 1.1.1"),
        (("openssl", "", ()), "SBOM says no version"),
        (("openssl", "1.1.1k", ["pkg:npm/openssl@1.1.1k"]), "not in the SBOM"),
        (("libressl", "1.1.1k", ()), "not in the SBOM"),
    ],
)
def test_another_version_or_a_namesake_does_not_declare_a_part(declared, says):
    """A letter of the version counts, and a package of JavaScript is no library of C."""
    seen = seen_in(b"OpenSSL 1.1.1k  25 Mar 2021", declared=[declared])

    assert (f"openssl 1.1.1k: {says}",) == seen.undeclared


def test_a_part_whose_version_does_not_show_must_be_declared_by_name():
    """In whichever version."""
    text = b"tcp_bind: can only bind in state CLOSED"

    assert ("lwip (no version shows): not in the SBOM",) == seen_in(text).undeclared
    assert () == seen_in(text, declared=[("lwip", "2.2.0", ())]).undeclared


@pytest.mark.parametrize(
    ("shown", "said", "verdict"),
    [
        ("3.12", "3.12.4", True),
        ("3.12.4", "3.12", False),
        ("1.2.0", "1.2", True),
        ("8.4p1", "8.4", True),
        ("8.4", "8.5", False),
        ("3.1", "3.12", False),
        ("2021.10", "2021.10-rc1", True),
        ("1.0", "a" * 5000, False),
        ("1.0", "9" * 5000, False),
        ("odd", "odd", True),
    ],
)
def test_versions_are_the_same_only_where_nothing_contradicts(shown, said, verdict):
    """What shows may be cut short; what is declared may not."""
    assert verdict == undeclared.same(shown, said)


@pytest.mark.parametrize(
    ("body", "flags", "reason"),
    [
        (b"\xff" * 65536, 0, "every byte of the image is 0xff"),
        (bytes(65536), 0, "every byte of the image is 0x00"),
        (bytes(65000) + b"\1", 0, "next to nothing"),
        (random.Random(1).randbytes(65536), 0, "100% of the image is encrypted or compressed"),
        (random.Random(1).randbytes(600), 0, "encrypted or compressed"),
        (code(), 0x04, "encrypted, its header says"),
        (code(), 0x400, "compressed, its header says"),
        (b"\x1f\x8b" + zlib.compress(random.Random(2).randbytes(40_000)), 0, "(gzip)"),
        (b"short", 0, "too short"),
    ],
)
def test_an_image_that_cannot_be_read_is_not_scanned(body, flags, reason):
    """Finding nothing in what nobody could read would be the best way to hide."""
    seen = scan(around(body, flags), [])

    assert not seen.readable
    assert reason in seen.reason


def test_an_encrypted_part_is_told_where_it_lies():
    """The rest is read; what is not read is said."""
    seen = scan(around(code(64 * BLOCK) + random.Random(1).randbytes(16 * BLOCK)), [])

    [part] = [each for each in seen.findings if each.rule == "unread-part"]
    assert seen.readable
    assert (32 + 64 * BLOCK, "warning") == (part.at, part.severity)
    assert 0.15 < seen.dark < 0.25


def test_what_is_no_image_is_not_scanned():
    """Neither is an image that ends too soon."""
    for data in (b"", b"\x7fELF" + bytes(100), around(code())[:-1]):
        seen = scan(data, [])
        assert (False, 0.0) == (seen.readable, seen.entropy)
        assert seen.reason.startswith("no MCUboot image")


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from(
                [b"password=", b"key[16]={", b"://a:b@", b"\x30\x82\x01", b"OpenSSL 1.1.1", b"\0",
                 b"-----BEGIN PRIVATE KEY-----\n", b'"', b"AKIA", b"telnetd", b"\x1b[31m"]
            ),
        ),
        max_size=30,
    ).map(b"".join),
    st.booleans(),
)  # fmt: skip
def test_any_bytes_are_scanned_to_an_end(data, bare):
    """No crash, no character that a reader of the result could stumble over, always the same."""
    whole = data if bare else around(data or b"x")
    seen = scan(whole, [("a", "1", ["pkg:", "cpe:2.3:a", "x", ""])])

    assert seen == scan(whole, [("a", "1", ["pkg:", "cpe:2.3:a", "x", ""])])
    assert all(0 <= each.at <= len(whole) for each in seen.findings)
    shown = [*seen.undeclared, seen.reason, *(each.where for each in seen.as_findings())]
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(shown))


def test_a_flood_of_finds_is_cut_off_and_said_so():
    """Who drowns the reader has not passed."""
    flood = b"\0".join(b"wifi_password=Gr4pe%dVine" % n for n in range(2000))
    seen = seen_in(flood)

    assert len(seen.findings) < 1000
    assert ("not-all-told", "error") in {(each.rule, each.severity) for each in seen.findings}


def test_a_flood_of_names_does_not_hold_the_gate_up():
    """It is looked at as far as the bound, and the rest is said not to be."""
    seen = seen_in(b'key = "' * 101_000)

    assert ("not-all-told", "error") in {(each.rule, each.severity) for each in seen.findings}


def test_no_secret_is_repeated_in_the_result():
    """The result is evidence, and is handed to others."""
    secrets = [b"Gr4peVine77", b"AKIA" + b"Q7Z3M9K2X8W1P5L4", b"S3cretHost99"]
    seen = seen_in(
        b"wifi_password=" + secrets[0],
        secrets[1],
        b"mqtt://pump:" + secrets[2] + b"@broker",
        b"OpenSSL 1.1.1k  25 Mar 2021 " + secrets[0],
    )

    assert {"hardcoded-secret", "cloud-token", "url-credential"} <= {
        each.rule for each in seen.findings
    }
    assert not any(secret.decode() in repr(seen) for secret in secrets)


def test_the_result_can_be_put_into_evidence():
    """As the findings of one more scanner, none of them suppressed by anybody."""
    seen = seen_in(b"service:service")

    [found] = seen.as_findings()
    assert (seen.tool, "default-credential", "error") == (found.tool, found.rule, found.level)
    assert re.match(r"image at 0x[0-9a-f]+: ", found.where)
    assert not found.suppressed
    assert () == replace(seen, findings=()).as_findings()

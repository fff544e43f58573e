"""A program for a Cortex-M3, built by a real compiler, with secrets and weak cryptography."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.planted import weak_crypto
from tests.planted.secrets import c_array, drawn, in_c_strings, key_bytes, private_key, tokens

from firmward.vendor.build.artifact import Artifact
from firmward.vendor.scan import elf_file

BARE = (
    *("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-nostdlib", "-Wl,-e,main", "-O1"),
    *("-fno-sanitize=all", "-Wl,--no-gc-sections"),
)


def in_program() -> dict[str, tuple[str, str]]:
    """Name of the defect -> C declaration that holds it, rule."""
    p = "pass" + "word"
    crypt = "$1$" + drawn(8) + "$" + drawn(22)
    return {
        "key by symbol": (
            f"const unsigned char aes_key[16] = {{{c_array(key_bytes(16))}}};",
            "array-key",
        ),
        "key by symbol, 32 bytes": (
            f"const unsigned char hmac_secret[32] = {{{c_array(key_bytes(32, 5))}}};",
            "array-key",
        ),
        "password by symbol": (f'const char admin_{p}[] = "Gr4pe-Vine";', "hardcoded-secret"),
        "password by pointer": ('const char *const wifi_psk = "Gr4pe-Vine-2";', "hardcoded-secret"),
        "PEM": (
            f"const char a[] = {in_c_strings(private_key('EC', 'PEM', 'PKCS8'))};",
            "private-key",
        ),
        "DER": (
            f"const unsigned char b[] = {{{c_array(private_key('RSA', 'DER', 'TRADITIONAL'))}}};",
            "private-key",
        ),
        "token": (f'const char c[] = "{tokens()["AWS"]}";', "cloud-token"),
        "URL": ('const char d[] = "mqtt://pump:Gr4pe-Vine@broker.example";', "url-credential"),
        "setting": (f'const char e[] = "host=x;{p}=Gr4pe-Vine;";', "hardcoded-secret"),
        "known pair": ('const char f[] = "admin:admin";', "default-credential"),
        "known password": ('const char *const g = "letmein";', "default-credential"),
        "hash": (f'const char h[] = "{crypt}";', "password-hash"),
        "JSON": (f'const char i[] = "{{\\"{p}\\": \\"Gr4pe-Vine-3\\"}}";', "hardcoded-secret"),
    }


def weak_in_program() -> dict[str, tuple[str, str]]:
    """Name of the defect -> C code that holds it, algorithm."""
    numbers = weak_crypto.numbers
    return {
        "MD5": (f"const unsigned md5_table[64] = {{{numbers(weak_crypto.MD5_K)}}};", "MD5"),
        "DES": (f"const unsigned char t2[64] = {{{numbers(weak_crypto.DES_S1)}}};", "DES"),
        "RC4 by symbol": (
            "void rc4_setup(unsigned char *s) { for (int i = 0; i < 256; i++) s[i] = i; }",
            "RC4",
        ),
        "SHA-1 in code": (
            "unsigned mix(unsigned a) { return (a ^ 0x5A827999u) * 3 + (a ^ 0x6ED9EBA1u) * 5 +"
            " (a ^ 0x8F1BBCDCu) * 7 + (a ^ 0xCA62C1D6u) * 9; }",
            "SHA-1",
        ),
        "ECB by symbol": ("void AES_ECB_encrypt(unsigned char *b) { b[0] ^= 1; }", "ECB"),
    }


def build(folder: Path) -> Artifact:
    """The program's ELF file and its image."""
    parts = [code for code, _ in (*in_program().values(), *weak_in_program().values())]
    source, out = folder / "program.c", folder / "program.elf"
    source.write_text("\n".join([*parts, "int main(void) { return 0; }"]))
    command = [sys.executable, "-m", "ziglang", "cc", *BARE, str(source), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    data = out.read_bytes()
    return artifact(data, _image(elf_file.read(data, "program")))


def _image(elf: elf_file.Elf) -> bytes:
    """What `objcopy -O binary` leaves: everything loaded, at its distance from the first of it."""
    loaded = [each for each in elf.segments if each.kind == "LOAD" and each.size]
    first = min(each.address for each in loaded)
    image = bytearray(max(each.address + each.size for each in loaded) - first)
    for each in loaded:
        at = each.address - first
        image[at : at + each.size] = elf.data[each.offset : each.offset + each.size]
    return bytes(image)


def artifact(elf: bytes = b"", image: bytes = b"") -> Artifact:
    """These bytes as if a build had made them."""
    now = datetime.now(UTC)
    return Artifact(elf, image, b"", "", (), {}, now, now)

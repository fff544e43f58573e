"""Code that gives itself away by what it does or asks for, whatever it is called."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries.words import words_of
from firmward.vendor.scan.crypto.signs import Sign, protocol_of, seen
from firmward.vendor.scan.crypto.use import use_of
from firmward.vendor.scan.files import SourceFile

# j = j + S[i] + key[i % length]: nothing but RC4's key schedule mixes so.
_RC4_MIX: Final = re.compile(
    rb"(\w{1,24})\s*(?:=\s*\(*\s*(?:\([\w\s]{1,20}\)\s*\(*)?\s*\1\s*\+"
    rb"|\+=)\s*(?:[\w.>-]{1,30}\[\s*\w+\s*\]\s*\+"
    rb"\s*[\w.>-]{1,30}\[[^\];]{0,40}%[^\];]{1,40}\]"
    rb"|[\w.>-]{1,30}\[[^\];]{0,40}%[^\];]{1,40}\]\s*\+"
    rb"\s*[\w.>-]{1,30}\[\s*\w+\s*\])"
)
_MODULO: Final = re.compile(rb"\[[^\];\n]{0,40}%")
_OLD: Final = (b"SSLv3", b"TLSv1", b"SSL3", b"TLS1", b"MINOR_VERSION_", b"PROTO_")
_XTIME: Final = re.compile(
    rb"(?i)(?:<<\s*1|\*\s*2)[^;\n]{0,60}0x0*1?1b\b|0x0*1?1b[^;\n]{0,40}(?:>>\s*7|&\s*0x80)"
)
RC4_WEIGHT: Final = 0.85
_SIZED: Final = tuple(
    (family, re.compile(form))
    for family, form in (
        (
            "RSA",
            rb"(?:rsa_gen\w{0,8}_?key|RSA_generate_key(?:_ex)?|rsa_keygen_bits|MakeRsaKey"
            rb"|rsa_make_key|genrsa)\w{0,10}\s*\(?[^;\n]{0,120}?\b(512|768|1024|1536|2048)\b",
        ),
        ("RSA", rb"\brsa\.generate_private_key\([^)]{0,160}?key_size\s*=\s*(\d{3,4})"),
        ("RSA", rb"\bRSA\.generate\(\s*(\d{3,4})"),
        (
            "RSA",
            # 512 may be the bytes of a key of 4096 bits, unless bits are spoken of.
            rb"#\s*define\s+\w*RSA\w*(?:BITS\w*\s+\(?\s*(512)\b"
            rb"|(?:BITS|SIZE|LEN|MODULUS)\w*\s+\(?\s*(768|1024|1536|2048)\b)",
        ),
        (
            "RSA",
            rb"ssh-keygen\b[^\n]{0,60}-t\s*rsa[^\n]{0,60}-b\s*(\d{3,4})|newkey\s+rsa:(\d{3,4})",
        ),
        (
            "DH",
            rb"(?:DH_generate_parameters(?:_ex)?|dh_paramgen_prime_len|dhm_gen|dhparam)"
            rb"\w{0,10}\s*\(?[^;\n]{0,80}?\b(512|768|1024|1536|2048)\b",
        ),
        (
            "DH",
            rb"#\s*define\s+\w*(?:_|\b)DHM?_\w*(?:BITS\w*\s+\(?\s*(512)\b"
            rb"|(?:BITS|SIZE|LEN)\w*\s+\(?\s*(768|1024|1536)\b)",
        ),
        ("DH", rb"\b(?:DH_get_|get_dh|dh)_?(512|768|1024)(?:_160)?\b"),
    )
)
_PROTOCOL: Final = re.compile(
    rb"\b(?:wolf)?((?:SSLv3|TLSv1(?:_1)?)_(?:client_|server_)?method)\s*\("
    rb"|\bssl\.(PROTOCOL_(?:SSLv3|TLSv1(?:_1)?))\b|\bwolf((?:SSLv3|TLSv1(?:_1)?)_(?:client"
    rb"|server)_method)"
    rb"|set_min_proto_version\s*\([^;]{0,80}?((?:SSL3|TLS1(?:_1)?)_VERSION)\b"
    rb"|conf_min_version\s*\([^;]{0,120}?MBEDTLS_SSL_(MINOR_VERSION_[012])\b"
    rb"|#\s*define\s+MBEDTLS_SSL_PROTO_(SSL3|TLS1|TLS1_1)\s*$"
    rb"|TLSVersion\.(SSLv3|TLSv1(?:_1)?)\b",
    re.MULTILINE,
)
_MINOR: Final = {
    "MINOR_VERSION_0": "SSL 3.0",
    "MINOR_VERSION_1": "TLS 1.0",
    "MINOR_VERSION_2": "TLS 1.1",
}
_DRAWN: Final = re.compile(
    rb"\b(?:l?rand|random|rand_r|[dlm]rand48|Math\.random|random\.(?:randint|random|getrandbits"
    rb"|randrange|choices?|randbytes))\s*\("
)
# What a line assigns to.
_TARGET: Final = re.compile(
    rb"([A-Za-z_]\w{0,63})(?:\s{0,4}\[[^\]\n]{0,40}\]){0,3}\s{0,4}[|^+]?=(?!=)[^;=]*$"
)
_SECRETS: Final = frozenset(
    ("key", "keys", "iv", "nonce", "salt", "token", "secret", "password", "challenge", "psk")
)
_LINE: Final = 200


def signs(file: SourceFile, code: bytes) -> Iterator[Sign]:
    """What gives itself away by what it does, whatever it is called."""
    lower = code.lower()
    for match in _RC4_MIX.finditer(code) if _MODULO.search(code) else ():
        if b"256" in code or b"0xff" in lower or b"uint8_t" in code:
            says = "state, key and index mixed"
            yield seen(file, "RC4", match.start(), "key schedule", says, RC4_WEIGHT, "implemented")
            break
    doubled = _XTIME.search(code) if b"1b" in lower else None
    if doubled:
        yield seen(
            file, "AES", doubled.start(), "field arithmetic", "x times 2", 0.4, "implemented"
        )
    for family, form in _SIZED:
        for found in form.finditer(code) if family.lower().encode() in lower else ():
            bits = int(next(group for group in found.groups() if group))
            says = found[0].split(b"(")[0].strip().decode(errors="replace")[-60:]
            yield seen(file, f"{family} {bits}", found.start(), "key size", says, 0.8, "called")
    if any(mark in code for mark in _OLD):
        yield from _protocols(file, code)


def _protocols(file: SourceFile, code: bytes) -> Iterator[Sign]:
    for found in _PROTOCOL.finditer(code):
        group = next(n for n, text in enumerate(found.groups(), start=1) if text)
        text = found[group].decode()
        # A header that declares a function asks for no protocol.
        method = text.endswith("method")
        if method and use_of(code, found.start(group), found.end(group), text)[0] != "called":
            continue
        name = _MINOR.get(text) or protocol_of(text)
        yield seen(file, name, found.start(), "protocol", text, 0.85, "called")


def weak_random(file: SourceFile, code: bytes) -> Iterator[tuple[int, str]]:
    """(line, what) of keys, salts and tokens that are drawn from a generator anybody can rerun."""
    for match in _DRAWN.finditer(code):
        start = max(code.rfind(b"\n", 0, match.start()) + 1, match.start() - _LINE)
        target = _TARGET.search(code, start, match.start())
        name = target[1].decode() if target is not None else ""
        words = words_of(name)
        if _SECRETS.intersection(words) and not {"pub", "public"}.intersection(words):
            yield file.line(match.start()), f"{name} from a plain generator"

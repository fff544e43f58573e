"""Outdated cryptography planted in source and in binaries, and look-alikes beside it.

The tables stand here as the standards print them, not as Firmward computes them.
"""

import struct

from tests.planted.secrets import c_array, key_bytes

# RFC 1321 3.4, the first four rows.
MD5_K = (
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501,
    0x698098D8, 0x8B44F7AF, 0xFFFF5BB1, 0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821,
    0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453, 0xD8A1E681, 0xE7D3FBC8,
    0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A,
    0xFFFA3942, 0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70,
    0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05, 0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665,
    0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D, 0x85845DD1,
    0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
)  # fmt: skip
SHA1_K = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)
# FIPS 46-3, appendix 1: S1 by rows; PC-1.
DES_S1 = (
    14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7,
    0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
    4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0,
    15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
)  # fmt: skip
DES_PC1 = (
    57,
    49,
    41,
    33,
    25,
    17,
    9,
    1,
    58,
    50,
    42,
    34,
    26,
    18,
    10,
    2,
    59,
    51,
    43,
    35,
    27,
    19,
    11,
    3,
)
# The first words of SP1 in the layouts of Outerbridge (PolarSSL) and of Young (OpenSSL).
DES_SP1 = (0x01010400, 0, 0x00010000, 0x01010404, 0x01010004, 0x00010404, 0x00000004, 0x00010000,
           0x00000400, 0x01010400, 0x01010404, 0x00000400)  # fmt: skip
DES_SPTRANS = (0x02080800, 0x00080000, 0x02000002, 0x02080802, 0x02000000, 0x00080802, 0x00080002,
               0x02000002, 0x00080802, 0x02080800, 0x02080000, 0x00000802)  # fmt: skip
BLOWFISH_P = (
    0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0, 0x082EFA98, 0xEC4E6C89,
    0x452821E6, 0x38D01377, 0xBE5466CF, 0x34E90C6C, 0xC0AC29B7, 0xC97C50DD, 0x3F84D5B5, 0xB5470917,
    0x9216D5D9, 0x8979FB1B,
)  # fmt: skip
# RFC 2409 6.1 and 6.2.
_OAKLEY = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A6"
)
OAKLEY_1 = bytes.fromhex(_OAKLEY + "3A3620FFFFFFFFFFFFFFFF")
OAKLEY_2 = bytes.fromhex(
    _OAKLEY
    + "37ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
)
RC4_SOURCE = """
static uint8_t s[256];
void stir(const uint8_t *in, int n) {
    int i, j = 0;
    for (i = 0; i < 256; i++) s[i] = i;
    for (i = 0; i < 256; i++) {
        j = (j + s[i] + in[i % n]) & 0xff;
        uint8_t t = s[i]; s[i] = s[j]; s[j] = t;
    }
}
"""


def numbers(values) -> str:
    """Values as an initialiser's inside."""
    return ", ".join(f"0x{value:x}" for value in values)


# Name of the defect -> file, content, algorithm, rule.
_CALLS = {
    "MD5 of Mbed TLS": ("a.c", "  mbedtls_md5_starts_ret(&ctx);", "MD5", "weak-hash"),
    "MD5 of OpenSSL": ("b.c", "  EVP_DigestInit_ex(ctx, EVP_md5(), NULL);", "MD5", "weak-hash"),
    "MD5 by type": (
        "c.c",
        "  info = mbedtls_md_info_from_type(MBEDTLS_MD_MD5);",
        "MD5",
        "weak-hash",
    ),
    "MD5 in Python": ("d.py", "import hashlib\nx = hashlib.md5(data)\n", "MD5", "weak-hash"),
    "MD5 by name": ("e.c", '  md = EVP_get_digestbyname("md5");', "MD5", "weak-hash"),
    "MD4": ("f.c", "  MD4_Update(&c, data, n);", "MD4", "weak-hash"),
    "MD2": ("f2.c", "  mbedtls_md2(data, n, out);", "MD2", "weak-hash"),
    "SHA-1": ("g.c", "  SHA1_Final(out, &c);", "SHA-1", "weak-hash"),
    "SHA-1 of wolfSSL": (
        "h.c",
        "  wc_ShaUpdate(&sha, p, n); wc_InitSha1(&sha);",
        "SHA-1",
        "weak-hash",
    ),
    "DES": (
        "i.c",
        "  DES_ecb3_encrypt(a, b, c); des_setkey_enc(&ctx, k);",
        "DES",
        "weak-cipher",
    ),
    "3DES": (
        "j.c",
        "  EVP_EncryptInit_ex(c, EVP_des_ede3_cbc(), 0, k, iv);",
        "3DES",
        "weak-cipher",
    ),
    "3DES in Java": (
        "J.java",
        'Cipher.getInstance("DESede/CBC/PKCS5Padding");',
        "3DES",
        "weak-cipher",
    ),
    "RC4": ("k.c", "  mbedtls_arc4_setup(&c, k, 16);", "RC4", "weak-cipher"),
    "RC4 by suite": ("l.c", '  SSL_CTX_set_cipher_list(ctx, "RC4-SHA");', "RC4", "weak-cipher"),
    "RC4 by structure": ("m.c", RC4_SOURCE, "RC4", "weak-cipher"),
    "RC2": ("n.c", "  RC2_set_key(&k, 5, p, 40);", "RC2", "weak-cipher"),
    "Blowfish": (
        "o.c",
        "  BF_set_key(&k, 16, p); blowfish_init(&c, p);",
        "Blowfish",
        "weak-cipher",
    ),
    "XTEA": ("o2.c", "  mbedtls_xtea_setup(&c, k);", "TEA", "weak-cipher"),
    "ECB of OpenSSL": (
        "p.c",
        "  EVP_EncryptInit(c, EVP_aes_128_ecb(), k, 0);",
        "ECB",
        "weak-mode",
    ),
    "ECB in Python": (
        "q.py",
        "cipher = Cipher(algorithms.AES(k), modes.ECB())\n",
        "ECB",
        "weak-mode",
    ),
    "ECB by constant": ("q2.py", "c = AES.new(k, AES.MODE_ECB)\n", "ECB", "weak-mode"),
    "RSA 1024": ("r.c", "  RSA_generate_key_ex(rsa, 1024, e, NULL);", "RSA 1024", "short-key"),
    "RSA 512 in a macro": ("s.h", "#define RSA_KEY_BITS 512", "RSA 512", "short-key"),
    "RSA 1024 in Python": (
        "t.py",
        "k = rsa.generate_private_key(public_exponent=65537, key_size=1024)\n",
        "RSA 1024",
        "short-key",
    ),
    "RSA 1024 in a script": (
        "t2.sh",
        "openssl genrsa -out k.pem 1024\n",
        "RSA 1024",
        "short-key",
    ),
    "DH 512": ("u.c", "  DH_generate_parameters_ex(dh, 512, 2, NULL);", "DH 512", "short-key"),
    "SSL 3.0": (
        "v.c",
        "  ctx = SSL_CTX_new(SSLv3_client_method());",
        "SSL 3.0",
        "weak-protocol",
    ),
    "TLS 1.0": (
        "w.c",
        "  SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);",
        "TLS 1.0",
        "weak-protocol",
    ),
    "TLS 1.1 of wolfSSL": (
        "x.c",
        "  c = wolfSSL_CTX_new(wolfTLSv1_1_client_method());",
        "TLS 1.1",
        "weak-protocol",
    ),
}
_RANDOM = {
    "rand for a key": (
        "y.c",
        "  for (i = 0; i < 16; i++) key[i] = rand() & 0xff;",
        "",
        "weak-random",
    ),
    "random in Python": (
        "z.py",
        "import random\ntoken = random.randint(0, 1 << 64)\n",
        "",
        "weak-random",
    ),
}
# Name of the defect -> values, algorithm, rule.
_TABLES = {
    "MD5 table": (MD5_K, "MD5", "weak-hash"),
    "SHA-1 constants": (SHA1_K, "SHA-1", "weak-hash"),
    "DES S-box": (DES_S1, "DES", "weak-cipher"),
    "DES PC-1": (DES_PC1, "DES", "weak-cipher"),
    "DES joined box": (DES_SP1, "DES", "weak-cipher"),
    "DES mirrored box": (DES_SPTRANS, "DES", "weak-cipher"),
    "Blowfish boxes": (BLOWFISH_P, "Blowfish", "weak-cipher"),
}


def in_source() -> dict[str, tuple[str, str, str, str]]:
    """Name of the defect -> file, content, algorithm, rule."""
    rows = {
        name: (f"t{n}.c", f"static const uint32_t t[] = {{{numbers(values)}}};", algorithm, rule)
        for n, (name, (values, algorithm, rule)) in enumerate(_TABLES.items())
    }
    return _CALLS | rows | _RANDOM


def in_binary() -> dict[str, tuple[bytes, str]]:
    """Name of the defect -> bytes of an image, algorithm."""
    noise = key_bytes(4096, seed=9)

    def among(table: bytes) -> bytes:
        return noise + table + noise[:1024]

    def words(values, order: str = "<") -> bytes:
        return struct.pack(f"{order}{len(values)}I", *values)

    moved = b"".join(_mov_pair(3, value) for value in SHA1_K)
    return {
        "MD5 table": (among(words(MD5_K)), "MD5"),
        "MD5 table, big-endian": (among(words(MD5_K, ">")), "MD5"),
        "MD5 in x86 instructions": (
            among(b"".join(b"\x81\xc0" + words([k]) + b"\x01\xd8" for k in MD5_K)),
            "MD5",
        ),
        "SHA-1 constants": (among(words(SHA1_K)), "SHA-1"),
        "SHA-1 in Thumb instructions": (among(moved), "SHA-1"),
        "DES S-box in bytes": (among(bytes(DES_S1)), "DES"),
        "DES S-box in words": (among(words(DES_S1)), "DES"),
        "DES PC-1": (among(bytes(DES_PC1)), "DES"),
        "DES PC-1 from 0": (among(bytes(n - 1 for n in DES_PC1)), "DES"),
        "DES joined box": (among(words(DES_SP1)), "DES"),
        "DES mirrored box": (among(words(DES_SPTRANS)), "DES"),
        "DES joined box, big-endian": (among(words(DES_SP1, ">")), "DES"),
        "Blowfish boxes": (among(words(BLOWFISH_P)), "Blowfish"),
        "DH group 1": (among(OAKLEY_1), "DH 768"),
        "DH group 2": (among(OAKLEY_2), "DH 1024"),
        "DH group 2 in words": (
            among(words([int.from_bytes(OAKLEY_2[n : n + 4]) for n in range(0, 128, 4)][::-1])),
            "DH 1024",
        ),
        "RC2 table": (among(bytes.fromhex("d978f9c419ddb5ed28e9fd794aa0d89d")), "RC2"),
        "MD2 table": (among(bytes.fromhex("292e43c9a2d87c013d3654a1ecf00613")), "MD2"),
    }


def _mov_pair(register: int, value: int) -> bytes:
    """movw and movt, Armv7-M A7.7.76 and A7.7.79."""
    out = b""
    for code, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        first = code | half >> 12 | (half >> 11 & 1) << 10
        out += struct.pack("<HH", first, (half >> 8 & 7) << 12 | register << 8 | half & 0xFF)
    return out


def look_alikes() -> dict[str, tuple[str, str]]:
    """Name -> file and content in which nothing is outdated."""
    crc = numbers((0x00000000, 0x77073096, 0xEE0E612C, 0x990951BA))
    return {
        "a CRC": ("a.c", f"static const uint32_t crc[] = {{{crc}}};\nuint32_t v = crc32(p, n);"),
        "SHA-256": ("b.c", "  mbedtls_sha256_starts(&ctx, 0);"),
        "AES in GCM": ("c.c", "  mbedtls_gcm_setkey(&g, MBEDTLS_CIPHER_ID_AES, k, 128);"),
        "a comment": ("d.c", "/* MD5_Init(&c) was here; DES and RC4 too */\n// EVP_md5()\nint x;"),
        "a string": ("e.c", '  puts("call MD5_Init() or rand() for a key");'),
        "destinations": ("f.c", "  des = dst; describe(des); node->des_addr = des;"),
        "a result code": (
            "g.c",
            "  int rc2 = first(), rc4 = second(); if (rc2 || rc4) return rc2;",
        ),
        "arc4random": ("h.c", "  uint32_t v = arc4random();"),
        "an excluded suite": ("i.c", '  SSL_CTX_set_cipher_list(ctx, "HIGH:!RC4:!MD5:!3DES");'),
        "a declaration": ("j.h", "void md5_update(md5_ctx *c, const void *p, size_t n);"),
        "hexadecimal": ("k.h", "  0x74e22ecb, 0xb9a08ecb, 0x4d5md5aa,"),
        "RSA 3072": ("l.c", "  RSA_generate_key_ex(rsa, 3072, e, NULL);"),
        "TLS 1.2": ("m.c", "  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);"),
        "a drive": ("n2.c", "  drive = rand() % 4; active = random(); x.private = rand();"),
        "a safe generator": ("n.c", "  getrandom(key, sizeof key, 0); n = rand() % 6;"),
        "hashing for a cache": ("o.py", "h = hashlib.md5(x, usedforsecurity=False)\n"),
        "a table of keys": ("p.c", f"static const uint8_t blob[] = {{{c_array(key_bytes(64))}}};"),
    }

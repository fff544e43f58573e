"""What identifiers say of algorithms: read word by word, as libraries spell them."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

# Words of identifiers, in lower case, and what they speak of.
_WORDS: Final = {
    "md2": "MD2", "md4": "MD4", "md5": "MD5", "md5sum": "MD5", "sha1": "SHA-1", "sha160": "SHA-1",
    "des": "DES", "des3": "3DES", "tdes": "3DES", "3des": "3DES", "tripledes": "3DES",
    "desede": "3DES", "ede3": "3DES", "rc2": "RC2", "rc4": "RC4", "arc4": "RC4", "arcfour": "RC4",
    "blowfish": "Blowfish", "cast5": "CAST5", "cast128": "CAST5", "xtea": "TEA", "xxtea": "TEA",
    "ecb": "ECB", "ripemd160": "RIPEMD-160", "rmd160": "RIPEMD-160", "ripemd": "RIPEMD-160",
    "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
    "sha3": "SHA-3", "keccak": "SHA-3", "shake128": "SHA-3", "shake256": "SHA-3", "sm3": "SM3",
    "blake2b": "BLAKE2b", "blake2s": "BLAKE2s", "aes": "AES", "aes128": "AES", "aes192": "AES",
    "aes256": "AES", "rijndael": "AES", "aesni": "AES", "aesce": "AES", "camellia": "Camellia",
    "sm4": "SM4", "twofish": "Twofish", "chacha": "ChaCha20", "chacha20": "ChaCha20",
    "salsa20": "Salsa20", "xsalsa20": "Salsa20", "chachapoly": "ChaCha20", "ascon": "Ascon",
    "ascon128": "Ascon", "poly1305": "Poly1305", "siphash": "SipHash", "hmac": "HMAC",
    "cmac": "CMAC", "gcm": "GCM", "ghash": "GCM", "ccm": "CCM", "rsa": "RSA", "rsassa": "RSA",
    "rsaes": "RSA", "dsa": "DSA", "dhm": "DH", "ffdh": "DH", "ffdhe": "DH", "ecdsa": "ECDSA",
    "ecdh": "ECDH", "ecdhe": "ECDH", "secp192r1": "P-192", "p192": "P-192", "secp224r1": "P-224",
    "p224": "P-224", "secp256r1": "P-256", "prime256v1": "P-256", "p256": "P-256",
    "nistp256": "P-256", "nistz256": "P-256", "secp384r1": "P-384", "p384": "P-384",
    "nistp384": "P-384", "secp521r1": "P-521", "p521": "P-521", "secp256k1": "secp256k1",
    "x25519": "X25519", "curve25519": "X25519", "ed25519": "Ed25519", "eddsa": "Ed25519",
    "pbkdf2": "PBKDF2", "hkdf": "HKDF", "scrypt": "scrypt", "bcrypt": "bcrypt", "argon2": "Argon2",
    "argon2id": "Argon2", "kyber": "ML-KEM", "mlkem": "ML-KEM", "dilithium": "ML-DSA",
    "mldsa": "ML-DSA", "lms": "LMS",
}  # fmt: skip
# Words that only two together speak.
_PAIRS: Final = {
    ("md", "5"): "MD5", ("md", "4"): "MD4", ("md", "2"): "MD2", ("sha", "1"): "SHA-1",
    ("sha", "256"): "SHA-256", ("sha", "512"): "SHA-512", ("sha", "init"): "SHA-1",
    ("sha", "update"): "SHA-1", ("sha", "final"): "SHA-1", ("sha", "transform"): "SHA-1",
    ("des", "ede"): "3DES", ("des", "ede3"): "3DES", ("triple", "des"): "3DES",
    ("3", "des"): "3DES", ("rc", "4"): "RC4",
    ("rc", "2"): "RC2", ("bf", "encrypt"): "Blowfish", ("bf", "set"): "Blowfish",
    ("bf", "cbc"): "Blowfish", ("bf", "ecb"): "Blowfish", ("bf", "cfb64"): "Blowfish",
    ("cast", "encrypt"): "CAST5", ("idea", "encrypt"): "IDEA", ("idea", "set"): "IDEA",
    ("idea", "cbc"): "IDEA", ("idea", "ecb"): "IDEA", ("tea", "encrypt"): "TEA",
    ("tea", "decrypt"): "TEA", ("tea", "crypt"): "TEA",
    ("dh", "generate"): "DH", ("dh", "compute"): "DH", ("dh", "new"): "DH", ("dh", "key"): "DH",
    ("dh", "agree"): "DH", ("dh", "size"): "DH", ("dh", "get"): "DH", ("dh", "check"): "DH",
    ("ctr", "drbg"): "CTR-DRBG", ("hmac", "drbg"): "HMAC-DRBG", ("aria", "crypt"): "ARIA",
    ("aria", "setkey"): "ARIA", ("aria", "init"): "ARIA", ("aria", "encrypt"): "ARIA",
    ("crypto", "sign"): "Ed25519", ("crypto", "box"): "X25519", ("crypto", "lock"): "ChaCha20",
    ("ml", "kem"): "ML-KEM", ("ml", "dsa"): "ML-DSA", ("sip", "hash"): "SipHash",
    ("ec", "dsa"): "ECDSA",
}  # fmt: skip
_SPLIT: Final = re.compile(
    r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*[a-z]?\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+"
)
_LIBRARY: Final = re.compile(
    r"^_?(?:mbedtls_|psa_|EVP_|wc_|wolfSSL_|wolfCrypt|br_|tc_|crypto_|sodium_|nettle_|gcry_|uECC_|"
    r"MD[245]_(?:Init|Update|Final|Transform)|SHA\d*_(?:Init|Update|Final)"
    r"|[A-Z0-9]{2,9}_(?:set_key|"
    r"encrypt|decrypt|cbc_encrypt|ecb_encrypt|generate_key\w*|public_encrypt|private_decrypt|sign"
    r"|verify)$|"
    r"(?:md[245]|sha\d+|rmd160|des3?|aes|rijndael|rc[24]|blowfish|cast5|xtea)_(?:init|setup"
    r"|process|done|"
    r"starts?|update|finish|final|compress|ecb_encrypt|ecb_decrypt|transform|setkey\w*))"
)
TRIGGER: Final = re.compile(
    rb"md[-_]?[245]|sha[-_]?(?:1|2|3|5|init|update|final|transform)|shake|keccak|blake2|ripemd"
    rb"|rmd1|sm[34]|aes"
    rb"|rijnd|des(?![ctips])|a?rc[24]|arcfour|blowfish|bf_|cast[15_]|idea_|x?tea_|ecb|camellia"
    rb"|twofish|aria_"
    rb"|chacha|salsa|ascon|poly1305|sip_?hash|[hc]mac|g?hash_|gcm|ccm|rsa|dsa|dhm|dh_|ffdh|ecdh"
    rb"|secp|prime256"
    rb"|p(?:192|224|256|384|521)|25519|pbkdf|hkdf|scrypt|bcrypt|argon2|drbg|kyber|kem|dilithium|lms"
    rb"|crypto_(?:sign|box|lock)"
)


@lru_cache(16384)
def named_by(identifier: str) -> tuple[str, ...]:
    """Names of the algorithms that an identifier speaks of, such as EVP_des_ede3_cbc of 3DES."""
    if "arc4random" in identifier or len(identifier) > 96:
        return ()
    words = [word.lower() for word in _SPLIT.findall(identifier)]
    found = {_WORDS[word] for word in words if word in _WORDS}
    found |= {_PAIRS[pair] for pair in pairwise(words) if pair in _PAIRS}
    if "3DES" in found:
        found.discard("DES")
    if "HMAC-DRBG" in found:
        found.discard("HMAC")
    return tuple(sorted(found))


@lru_cache(16384)
def of_library(identifier: str) -> bool:
    """Whether an identifier is built as those of the well-known libraries are."""
    return _LIBRARY.match(identifier) is not None

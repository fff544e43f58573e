"""What a name says of the value behind it, and what a value says of itself."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

Verdict = Literal["secret", "known", ""]

# Where one of these occurs in a name, the name is looked at; everything else is skipped unread.
_TRIGGERS: Final = (b"pass", b"pw", b"secret", b"token", b"psk", b"key", b"pin", b"cred")

_SPLIT: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PROMISING_TEXT: Final = (
    "password passwords passwd passwort passcode passphrase pass pwd pw secret secrets token "
    "psk passkey credential credentials appkey nwkkey nwkskey appskey apikey authkey privkey "
    "masterkey enckey mackey devkey hmackey userpass pincode userpw rootpw adminpw wifipass"
)
_SECRET: Final = frozenset(_PROMISING_TEXT.split())
_KEY: Final = frozenset(("key", "keys"))
# Words beside a secret one that make it speak of something else: a length, a prompt, a path.
_OTHER_TEXT: Final = (
    "len length size sizes bits bytes max min count num number idx index id ids type types kind "
    "name names label prompt msg message text str fmt format help desc description title hint "
    "error err fail failed invalid path file filename dir folder url uri field param parameter "
    "header attr attribute tag section option opt flag flags mode state status cb callback func "
    "fn handler public pub code codes map mapping board pad press pressed down up event scan "
    "hot usage version ver slot store storage manager mgr policy rule regex pattern required "
    "enabled disabled changed get set has is expired expiry expires lifetime ttl ref refs "
    "separator sep delim delimiter parse parser next prev end begin start kw keyword "
    "lex lexer eof column row primary foreign unique sort order object dict lookup hash hashes "
    "digest fingerprint checksum oid info config env var variable cipher alg algo algorithm "
    "suite provider endpoint algs translation locale lang cache arg args argument cli cmd "
    "command property prop test tests kat vector vectors sample samples demo dummy mock example "
    "examples expected testvec selftest method methods encrypted wrapped mechanism mech scheme "
    "protocol identity ident resp response reply req request bucket address addr selector term "
    "terms mark magic usages derivation operations ops icon color space ascii schedule derive "
    "gen generate color colour unpinned pinned pinning pinout timeout delay ms sec seconds tick "
    "ticks retries retry attempts attempt port cost rounds round iterations interval offset "
    "offsets list total entry entries rate char chars chr sym symbol table generator mangling "
    "nid asn1"
)
_OTHER: Final = frozenset(_OTHER_TEXT.split())
_WELL_KNOWN_TEXT: Final = (
    "password password1 password123 passw0rd pass pass123 admin admin1 admin123 admin1234 "
    "administrator root toor changeme change_me changeit default guest user test letmein "
    "letmein1 qwerty qwerty123 welcome welcome1 secret service service1 support supervisor "
    "operator system manager master monitor 0000 1111 1234 12345 123456 1234567 12345678 "
    "123456789 000000 111111 123123 666666 888888 00000000 11111111 88888888 raspberry ubnt "
    "alpine vizxv xc3511 juantech anko hunter2 iloveyou abc123 tech maintenance biomed"
)
_WELL_KNOWN: Final = frozenset(_WELL_KNOWN_TEXT.split())
_PLACEHOLDER: Final = re.compile(
    r"(?i)^(?:[x*.#?_-]{2,}|x+-x+.*|<.*>|\[.*\]|\{.*\}|\$.*|%[\w({].*|@\w+@|.*\$[{(].*|.*\{\{.*"
    r"|none|null|nil|true|false|undefined|empty|n/?a|todo|tbd|fixme|auto|unknown|not[ _-]?set|unset"
    r"|optional|required|string|str|text|varchar|bytes?|int|file|env|prompt|hidden|masked|redacted"
    r"|.*(?:example|placeholder|redacted|dummy|your[-_ ]|_here\b|insert|replace[-_ ]?me|my-?secret"
    r"|foobar|lorem|some[-_ ]?(?:secret|token|password|key)).*"
    r"|example|sample|foo|bar|baz)$"
)
# What accounts and logins are called: a value of only such words is a name, not a secret.
_TALK_TEXT: Final = (
    "key access client auth login user username api bearer basic oauth id refresh session csrf "
    "xsrf account authorization authentication private public server device shared pin x http"
)
_TALK: Final = _SECRET | frozenset(_TALK_TEXT.split())
_PASSWORDS_TEXT: Final = (
    "password passwords passwd passwort passcode passphrase pwd psk passkey userpass pincode "
    "userpw rootpw adminpw wifipass"
)
_PASSWORDS: Final = frozenset(_PASSWORDS_TEXT.split())
_FORMAT: Final = re.compile(r"%[-+ #0-9.*hlzjt]{0,8}[a-zA-Z]|\{[a-z0-9_.:!]{0,30}\}|\\\(")
_FILE: Final = re.compile(
    r"^(?:[.~]{0,2}/|[A-Za-z]:\\|\\\\).*|.*\.(?:pem|key|crt|cer|der|p12|pfx|jks|json|ya?ml|txt"
    r"|conf|cfg"
    r"|ini|db|bin|dat|html?|php|py|js|c|h|cpp|sh|md|png|svg|xml|so|xsd|rst)$"
)
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*://|^urn:|^www\.")
_SPOKEN: Final = re.compile(r"(?i)pass|secret|token|key|psk|credential|auth|login|pin\b")
# Beyond the digits of hexadecimal, which has no chance to change class.
_LOWER, _UPPER, _DIGIT = re.compile("[g-z]"), re.compile("[G-Z]"), re.compile("[0-9]")
_HEX: Final = re.compile(r"^(?:0x)?(?:[0-9a-fA-F]{2}[ :-]?){8,66}$")
_BASE64: Final = re.compile(r"^[A-Za-z0-9+/_-]{16,}={0,2}$")


def triggers(lower: bytes) -> list[int]:
    """Where names that may promise a secret stand in a text in lower case, in order.

    Eight searches for a text are several times as fast as one for a choice of eight.
    """
    return sorted(at for text in _TRIGGERS for at in _places(lower, text))


def _places(data: bytes, text: bytes) -> Iterator[int]:
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + len(text))


def triggered(name: bytes) -> bool:
    """Whether a name may promise a secret."""
    lower = name.lower()
    return any(text in lower for text in _TRIGGERS)


def words_of(name: str) -> list[str]:
    """The words of an identifier, in lower case, whatever its style."""
    return [word.lower() for word in _SPLIT.findall(name.removeprefix("CONFIG_"))]


@lru_cache(8192)
def names_secret(name: str) -> bool:
    """Whether a string behind this name is a secret, as `wifi_password` or `apiToken`."""
    words = words_of(name)
    if _OTHER.intersection(words):
        return False
    pairs = {a + b for a, b in pairwise(words)}
    return bool(_SECRET.intersection(words) or pairs & _SECRET)


@lru_cache(8192)
def names_key(name: str) -> bool:
    """Whether bytes behind this name are a key, as `aes_key` or `sessionKey`."""
    words = words_of(name)
    if _OTHER.intersection(words):
        return False
    return bool(_KEY.intersection(words)) or names_secret(name)


@lru_cache(8192)
def names_pin(name: str) -> bool:
    """Whether a number behind this name lets somebody in, as `PAIRING_PIN`."""
    words = words_of(name)
    if _OTHER.intersection(words):
        return False
    door = {"pairing", "bt", "ble", "bluetooth", "service", "unlock", "user", "admin", "default"}
    pin = bool({"pin", "pincode"}.intersection(words)) and bool(door.intersection(words))
    return pin or bool({"passkey", "passcode", "password"}.intersection(words))


def is_placeholder(value: str) -> bool:
    """Whether a value stands for a secret that comes from elsewhere."""
    return (
        not value.strip()
        or (len(set(value)) == 1 and not value.isdigit())
        or _PLACEHOLDER.match(value.strip()) is not None
        or _FORMAT.search(value) is not None
    )  # fmt: skip


def is_well_known(value: str) -> bool:
    """Whether it is on every attacker's list."""
    return value.lower() in _WELL_KNOWN


def judged(name: str, value: str) -> Verdict:
    """What a string behind a name is.

    returns  "secret", "known" for a password on every attacker's list, or "" for neither
    """
    if len(value) < 4 or any(not " " <= each <= "~" for each in value):
        return ""
    if is_placeholder(value) or _SCHEME.match(value) or _FILE.match(value):
        return ""
    words = set(words_of(name))
    if names_secret(name):
        return _judged(words, value)
    return "secret" if names_key(name) and is_key_text(value) else ""


def _judged(words: set[str], value: str) -> Verdict:
    """For a name that promises a secret.

    A token, a key or a pass is many things in a parser or a compiler; a password is one thing.
    """
    strong, weak = bool(words & _PASSWORDS), bool(words & {"pass", "pw"})
    if is_well_known(value):
        return "known" if strong or weak else ""
    if _is_speech(value):
        return ""
    digit = any(each.isdigit() for each in value)
    if strong or (weak and digit) or is_key_text(value):
        return "secret"
    least = 6 if {"secret", "secrets"} & words else 8
    return "secret" if len(value) >= least and (digit or least == 6) and " " not in value else ""


def _is_speech(value: str) -> bool:
    """Whether it names or asks for a secret: "Enter password:", "auth.token", "clientSecret"."""
    if " " in value.strip():
        few = len(value.split()) < 3 and any(each.isdigit() for each in value)
        return not few and (_SPOKEN.search(value) is not None or value[-1] in ".:!?>,)\\")
    spoken = _SPOKEN.search(value) is not None
    joined = spoken and re.fullmatch(r"[A-Za-z]+(?:[-_.:/][A-Za-z0-9]+)+", value) is not None
    return joined or _TALK.issuperset(words_of(value)) or value[-1:] in ":="


def is_key_text(value: str) -> bool:
    """Whether a string is the text form of a key: hexadecimal or base64, and no lone word."""
    if is_placeholder(value):
        return False
    if _HEX.match(value):
        return len(set(value.lower())) > 4
    return _BASE64.match(value) is not None and random_looking(value)


def random_looking(text: str) -> bool:
    """Whether letters and digits change places as only chance makes them.

    24 characters of random base64 have about 4.3 bits each by Shannon's count, and change class at
    three of five steps; words joined in camel case do at one of five.
    """
    if not (_LOWER.search(text) and _UPPER.search(text) and _DIGIT.search(text)):
        return False
    if entropy(text.encode()) < min(3.9, math.log2(len(text)) - 0.7):
        return False
    kinds = [_kind(each) for each in text]
    # A hyphen between words is no chance.
    changes = sum(a != b and "-" not in (a, b) for a, b in pairwise(kinds))
    return changes >= 0.36 * len(text)


def _kind(char: str) -> str:
    if char.isdigit():
        return "0"
    return "a" if char.islower() else "A" if char.isupper() else "-"


def entropy(data: bytes) -> float:
    """Shannon's, in bits per byte."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values()) if total else 0.0

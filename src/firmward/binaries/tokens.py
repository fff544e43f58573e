"""What is a secret by its own form, in whatever file or binary it stands."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from firmward.binaries.hits import Hit
from firmward.binaries.words import is_placeholder, is_well_known

Holds = Callable[[bytes], bool]

_GITLAB: Final = (b"glpat-", b"glptt-", b"gldt-", b"glrt-", b"glcbt-", b"glsoat-", b"glft-")
# name of the token -> bytes that every one of its kind holds, how far before them at least and at
# most the token begins, and its form.  Only there is it looked for.  In a binary the byte before a
# string may be any: a form that begins unmistakably asks for no end of a word there.
TOKENS: Final = tuple(
    (
        name,
        holds,
        range(least, most + 1),
        re.compile(form.removeprefix(rb"\b") if len(holds[0]) >= 4 else form),
    )
    for name, holds, (least, most), form in (
        ("AWS access key id", (b"AKIA", b"ASIA"), (0, 0), rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("Google API key", (b"AIza",), (0, 0), rb"\bAIza[0-9A-Za-z_-]{35}"),
        ("Google OAuth secret", (b"GOCSPX-",), (0, 0), rb"\bGOCSPX-[0-9A-Za-z_-]{28}"),
        ("Google OAuth token", (b"ya29.",), (0, 0), rb"\bya29\.[0-9A-Za-z_-]{30,}"),
        (
            "Google service account",
            (b"service_account",),
            (8, 64),
            rb"\"type\"\s*:\s*\"service_account\"(?=[^}]{0,4000}\"private_key\")",
        ),
        (
            "Azure storage key",
            (b"AccountKey=", b"SharedAccessKey="),
            (0, 0),
            rb"\b(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{42,86}={1,2}",
        ),
        (
            "Azure SAS",
            (b"sig=",),
            (1, 1),
            rb"[?&;](?:sv=\d{4}-[^\s\"']*&)?sig=[A-Za-z0-9%+/]{43,}={0,2}",
        ),
        (
            "Azure client secret",
            (b"8Q~",),
            (3, 3),
            rb"\b[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}",
        ),
        (
            "GitHub token",
            (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
            (0, 0),
            rb"\bgh[pousr]_[A-Za-z0-9]{36,}",
        ),
        (
            "GitHub fine-grained token",
            (b"github_pat_",),
            (0, 0),
            rb"\bgithub_pat_[A-Za-z0-9_]{50,}",
        ),
        ("GitLab token", _GITLAB, (0, 0), rb"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft)-[A-Za-z0-9_-]{20,}"),
        ("Slack token", (b"xox",), (0, 0), rb"\bxox[abeprs]-[A-Za-z0-9-]{20,}"),
        (
            "Slack hook",
            (b"hooks.slack.com",),
            (0, 0),
            rb"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
        ),
        (
            "Stripe key",
            (b"k_live_", b"k_test_"),
            (1, 1),
            rb"\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,}",
        ),
        ("Stripe hook secret", (b"whsec_",), (0, 0), rb"\bwhsec_[A-Za-z0-9]{32,}"),
        ("npm token", (b"npm_",), (0, 0), rb"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", (b"pypi-AgE",), (0, 0), rb"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
        ("SendGrid key", (b"SG.",), (0, 0), rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        ("Twilio key", (b"SK",), (0, 0), rb"\bSK[0-9a-f]{32}\b"),
        ("Hugging Face token", (b"hf_",), (0, 0), rb"\bhf_[A-Za-z0-9]{34,}\b"),
        ("DigitalOcean token", (b"_v1_",), (3, 3), rb"\bdo[opr]_v1_[a-f0-9]{64}\b"),
        ("Docker Hub token", (b"dckr_",), (0, 0), rb"\bdckr_[op]at_[A-Za-z0-9_-]{27,}"),
        ("Telegram bot token", (b":AA",), (8, 10), rb"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
        (
            "Firebase server key",
            (b":APA91b",),
            (11, 11),
            rb"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}",
        ),
        (
            "OpenAI key",
            (b"T3BlbkFJ",),
            (23, 192),
            rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}",
        ),
        ("Anthropic key", (b"sk-ant-",), (0, 0), rb"\bsk-ant-[A-Za-z0-9_-]{40,}"),
        ("Mailgun key", (b"key-",), (0, 0), rb"\bkey-[0-9a-f]{32}\b"),
        ("Mailchimp key", (b"-us",), (32, 32), rb"\b[0-9a-f]{32}-us\d{1,2}\b"),
        ("Shopify token", (b"shp",), (0, 0), rb"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
        ("Vault token", (b"hvs.",), (0, 0), rb"\bhvs\.[A-Za-z0-9_-]{24,}"),
        ("age secret key", (b"AGE-SECRET-KEY-1",), (0, 0), rb"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
        ("Grafana token", (b"glsa_", b"glc_"), (0, 0), rb"\bgl(?:sa|c)_[A-Za-z0-9+/_=]{32,}"),
        ("Databricks token", (b"dapi",), (0, 0), rb"\bdapi[a-f0-9]{32}\b"),
        ("New Relic key", (b"NRAK-",), (0, 0), rb"\bNRAK-[A-Z0-9]{27}\b"),
        ("Atlassian token", (b"ATATT3",), (0, 0), rb"\bATATT3[A-Za-z0-9_=-]{50,}"),
        ("Adafruit key", (b"aio_",), (0, 0), rb"\baio_[A-Za-z0-9]{28}\b"),
        ("Square secret", (b"sq0",), (0, 0), rb"\bsq0(?:csp|atp)-[A-Za-z0-9_-]{22,}"),
        ("npm registry token", (b":_authToken=",), (0, 0), rb":_authToken=[A-Za-z0-9_-]{20,}"),
        (
            "JSON Web Token",
            (b"eyJ",),
            (0, 0),
            rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}",
        ),
    )
)
_REPEATED: Final = re.compile(rb"(.)\1{7}", re.DOTALL)
_ALPHABET: Final = re.compile(rb"(?i)example|0123456789abcdef0123|abcdefghijklmnopqrst|placeholder")

_SCHEME: Final = re.compile(rb"\b[a-zA-Z][a-zA-Z0-9+.-]{1,14}\Z")
_URL: Final = re.compile(
    rb"://([A-Za-z0-9._~%!$&*+,;=-]{1,64}):([^\s\"'<>@/\\]{3,128})@[A-Za-z0-9\[]"
)
# Whom manuals let log in.
_ANYBODY: Final = ("user", "username", "login", "name", "usr", "me")
_BASIC: Final = re.compile(rb"asic\s(?<=\b[bB]asic.)\s*([A-Za-z0-9+/]{8,256}={0,2})", re.DOTALL)
_CRYPT: Final = re.compile(
    rb"\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}(?![./A-Za-z0-9])"
    rb"|\$5\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}(?![./A-Za-z0-9])"
    rb"|\$6\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}(?![./A-Za-z0-9])"
    rb"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}(?![./A-Za-z0-9])"
    rb"|\$(?:y|gy|7)\$[./A-Za-z0-9]{1,32}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
    rb"|\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}"
)
# passwd(5), shadow(5) from the user's colon on: DES hashes have no $; an empty field lets everybody
# in.  All of these forms begin with a byte that can be looked for at full speed.
_ACCOUNT: Final = re.compile(
    rb":([./A-Za-z0-9]{13}|):(?:\d{1,5}:\d{0,5}:[^:\n]{0,80}:[^:\n]{0,80}:/"
    rb"|\d{1,6}:\d{1,6}:\d{1,6}:\d{1,6}:)"
)
_USER: Final = re.compile(rb"(?:\A|[\n\"\0])([a-z_][a-z0-9_-]{0,30})\Z")
_LONGEST_USER: Final = 33
_PAIR: Final = re.compile(rb":([!-9;-~]{3,32})(?=[\"'\0\n])")
_WHO: Final = re.compile(
    rb"(?<![A-Za-z0-9_./:-])(root|admin|administrator|user|guest|support|service|operator|pi|ubnt"
    rb"|supervisor|tech|maint|debug|test)\Z"
)


def of_any_kind(data: bytes, *, prose: bool = False, holds: Holds | None = None) -> Iterator[Hit]:
    """Tokens, URLs with passwords, hashes of passwords; except in prose, well-known pairs too.

    holds  says whether a text is in the data, where the caller can tell sooner than a search
    """
    yield from _tokens(data, holds or data.__contains__)
    if b"://" in data:
        yield from _urls(data)
    if b"asic " in data:
        yield from _headers(data)
    if b"$" in data:
        for match in _CRYPT.finditer(data):
            kind = match[0].split(b"$")[1].decode()
            yield Hit(match.start(), "password-hash", f"crypt form ${kind}$")
    if not prose:
        yield from _accounts(data)


def _tokens(data: bytes, held: Holds) -> Iterator[Hit]:
    for name, holds, before, form in TOKENS:
        for match in _of_form(data, filter(held, holds), before, form):
            if not _REPEATED.search(match[0]) and not _ALPHABET.search(match[0]):
                yield Hit(match.start(), "cloud-token", name)


def _of_form(
    data: bytes, holds: Iterable[bytes], before: range, form: re.Pattern[bytes]
) -> Iterator[re.Match[bytes]]:
    """What has the form, found by the bytes that it holds."""
    for held in holds:
        end, at = 0, data.find(held)
        while at >= 0:
            starts = (at - each for each in reversed(before) if at - each >= end)
            match = next(filter(None, (form.match(data, start) for start in starts)), None)
            if match is not None:
                end = match.end()
                yield match
            at = data.find(held, max(at + 1, end))


def _urls(data: bytes) -> Iterator[Hit]:
    for match in _URL.finditer(data):
        start = max(0, match.start() - 16)
        scheme = _SCHEME.search(data[start : match.start()])
        user, password = match[1].decode(), match[2].decode(errors="replace")
        shown = user in _ANYBODY and password in ("password", "pass", "passwd", "pw", "pwd")
        if scheme and not shown and not is_placeholder(password) and not is_placeholder(user):
            says = "a password before the @ of a URL"
            yield Hit(start + scheme.start(), "url-credential", says)


def _headers(data: bytes) -> Iterator[Hit]:
    for match in _BASIC.finditer(data):
        try:
            pair = base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4), validate=True)
        except binascii.Error:
            continue
        user, colon, password = pair.partition(b":")
        # RFC 7617 2 shows Aladdin's.
        shown = user == b"Aladdin"
        if colon and user.isalnum() and len(password) > 2 and password.isascii() and not shown:
            yield Hit(match.start(), "url-credential", "user and password of HTTP Basic")


def _accounts(data: bytes) -> Iterator[Hit]:
    for match in _ACCOUNT.finditer(data):
        start = max(0, match.start() - _LONGEST_USER)
        user = _USER.search(data[start : match.start()])
        if user is None:
            continue
        at, name = start + user.start(1), user[1].decode()
        if match[1]:
            yield Hit(at, "password-hash", f"DES hash of account {name}")
        else:
            yield Hit(at, "default-credential", f"account {name} has no password")
    for match in _PAIR.finditer(data):
        start = max(0, match.start() - _LONGEST_USER)
        user = _WHO.search(data[start : match.start()])
        if user is not None:
            yield from _pair(user[1].decode(), match[1].decode(), start + user.start(1))


def _pair(user: str, password: str, at: int) -> Iterator[Hit]:
    # "user:password" is how manuals write what goes there.
    shown = user in _ANYBODY and password in ("password", "passwd", "pass", "pwd", "pw")
    if not shown and (password == user or is_well_known(password)):
        yield Hit(at, "default-credential", f"user {user} with a known password")

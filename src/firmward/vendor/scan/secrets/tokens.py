"""What is a secret by its own form, in whatever file or binary it stands."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from firmward.vendor.scan.secrets.rules import Hit
from firmward.vendor.scan.secrets.words import is_placeholder, is_well_known

# name of the token -> bytes that every one of its kind holds, and its form.  Most files hold none
# of the former, and are not searched for the latter.  In a binary the byte before a string may be
# any: a form that begins unmistakably asks for no end of a word there.
TOKENS: Final = tuple(
    (name, holds, re.compile(form.removeprefix(rb"\b") if len(holds[0]) >= 4 else form))
    for name, holds, form in (
        ("AWS access key id", (b"AKIA", b"ASIA"), rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("Google API key", (b"AIza",), rb"\bAIza[0-9A-Za-z_-]{35}"),
        ("Google OAuth secret", (b"GOCSPX-",), rb"\bGOCSPX-[0-9A-Za-z_-]{28}"),
        ("Google OAuth token", (b"ya29.",), rb"\bya29\.[0-9A-Za-z_-]{30,}"),
        (
            "Google service account",
            (b"service_account",),
            rb"\"type\"\s*:\s*\"service_account\"(?=[^}]{0,4000}\"private_key\")",
        ),
        (
            "Azure storage key",
            (b"AccountKey=", b"SharedAccessKey="),
            rb"\b(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{42,86}={1,2}",
        ),
        ("Azure SAS", (b"sig=",), rb"[?&;](?:sv=\d{4}-[^\s\"']*&)?sig=[A-Za-z0-9%+/]{43,}={0,2}"),
        ("Azure client secret", (b"8Q~",), rb"\b[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}"),
        ("GitHub token", (b"gh",), rb"\bgh[pousr]_[A-Za-z0-9]{36,}"),
        ("GitHub fine-grained token", (b"github_pat_",), rb"\bgithub_pat_[A-Za-z0-9_]{50,}"),
        ("GitLab token", (b"gl",), rb"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft)-[A-Za-z0-9_-]{20,}"),
        ("Slack token", (b"xox",), rb"\bxox[abeprs]-[A-Za-z0-9-]{20,}"),
        (
            "Slack hook",
            (b"hooks.slack.com",),
            rb"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
        ),
        ("Stripe key", (b"k_live_", b"k_test_"), rb"\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,}"),
        ("Stripe hook secret", (b"whsec_",), rb"\bwhsec_[A-Za-z0-9]{32,}"),
        ("npm token", (b"npm_",), rb"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", (b"pypi-AgE",), rb"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
        ("SendGrid key", (b"SG.",), rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        ("Twilio key", (b"SK",), rb"\bSK[0-9a-f]{32}\b"),
        ("Hugging Face token", (b"hf_",), rb"\bhf_[A-Za-z0-9]{34,}\b"),
        ("DigitalOcean token", (b"_v1_",), rb"\bdo[opr]_v1_[a-f0-9]{64}\b"),
        ("Docker Hub token", (b"dckr_",), rb"\bdckr_[op]at_[A-Za-z0-9_-]{27,}"),
        ("Telegram bot token", (b":AA",), rb"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
        (
            "Firebase server key",
            (b":APA91b",),
            rb"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}",
        ),
        ("OpenAI key", (b"T3BlbkFJ",), rb"\bsk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"),
        ("Anthropic key", (b"sk-ant-",), rb"\bsk-ant-[A-Za-z0-9_-]{40,}"),
        ("Mailgun key", (b"key-",), rb"\bkey-[0-9a-f]{32}\b"),
        ("Mailchimp key", (b"-us",), rb"\b[0-9a-f]{32}-us\d{1,2}\b"),
        ("Shopify token", (b"shp",), rb"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
        ("Vault token", (b"hvs.",), rb"\bhvs\.[A-Za-z0-9_-]{24,}"),
        ("age secret key", (b"AGE-SECRET-KEY-1",), rb"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
        ("Grafana token", (b"glsa_", b"glc_"), rb"\bgl(?:sa|c)_[A-Za-z0-9+/_=]{32,}"),
        ("Databricks token", (b"dapi",), rb"\bdapi[a-f0-9]{32}\b"),
        ("New Relic key", (b"NRAK-",), rb"\bNRAK-[A-Z0-9]{27}\b"),
        ("Atlassian token", (b"ATATT3",), rb"\bATATT3[A-Za-z0-9_=-]{50,}"),
        ("Adafruit key", (b"aio_",), rb"\baio_[A-Za-z0-9]{28}\b"),
        ("Square secret", (b"sq0",), rb"\bsq0(?:csp|atp)-[A-Za-z0-9_-]{22,}"),
        ("npm registry token", (b":_authToken=",), rb":_authToken=[A-Za-z0-9_-]{20,}"),
        (
            "JSON Web Token",
            (b"eyJ",),
            rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}",
        ),
    )
)
_REPEATED: Final = re.compile(rb"(.)\1{7}", re.DOTALL)
_ALPHABET: Final = re.compile(rb"(?i)example|0123456789abcdef0123|abcdefghijklmnopqrst|placeholder")

_URL: Final = re.compile(
    rb"\b[a-zA-Z][a-zA-Z0-9+.-]{1,14}://([A-Za-z0-9._~%!$&*+,;=-]{1,64}):([^\s\"'<>@/\\]{3,128})@"
    rb"[A-Za-z0-9\[]"
)
# Whom manuals let log in.
_ANYBODY: Final = ("user", "username", "login", "name", "usr", "me")
_BASIC: Final = re.compile(rb"(?i)\bbasic\s+([A-Za-z0-9+/]{8,256}={0,2})")
_CRYPT: Final = re.compile(
    rb"\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}(?![./A-Za-z0-9])"
    rb"|\$5\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}(?![./A-Za-z0-9])"
    rb"|\$6\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}(?![./A-Za-z0-9])"
    rb"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}(?![./A-Za-z0-9])"
    rb"|\$(?:y|gy|7)\$[./A-Za-z0-9]{1,32}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
    rb"|\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}"
)
# passwd(5), shadow(5): DES hashes have no $; an empty field lets everybody in.
_ACCOUNT: Final = re.compile(
    rb"(?m)(?:^|[\"\0])([a-z_][a-z0-9_-]{0,30}):([./A-Za-z0-9]{13}"
    rb"|):(?:\d{1,5}:\d{0,5}:[^:\n]{0,80}:"
    rb"[^:\n]{0,80}:/|\d{1,6}:\d{1,6}:\d{1,6}:\d{1,6}:)"
)
# The middle of such a line: begins with a byte that can be looked for at full speed.
_FIELDS: Final = re.compile(rb":[./A-Za-z0-9]{0,13}:\d{1,6}:\d")
_PAIR: Final = re.compile(
    rb"(?<![A-Za-z0-9_./:-])(root|admin|administrator|user|guest|support|service|operator|pi|ubnt"
    rb"|supervisor|tech|maint|debug|test):([!-9;-~]{3,32})(?=[\"'\0\n])"
)


def of_any_kind(data: bytes, *, prose: bool = False) -> Iterator[Hit]:
    """Tokens, URLs with passwords, hashes of passwords; except in prose, well-known pairs too."""
    for name, holds, form in TOKENS:
        if any(each in data for each in holds):
            yield from _tokens(data, name, form)
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


def _tokens(data: bytes, name: str, form: re.Pattern[bytes]) -> Iterator[Hit]:
    for match in form.finditer(data):
        if not _REPEATED.search(match[0]) and not _ALPHABET.search(match[0]):
            yield Hit(match.start(), "cloud-token", name)


def _urls(data: bytes) -> Iterator[Hit]:
    for match in _URL.finditer(data):
        user, password = match[1].decode(), match[2].decode(errors="replace")
        shown = user in _ANYBODY and password in ("password", "pass", "passwd", "pw", "pwd")
        if not shown and not is_placeholder(password) and not is_placeholder(user):
            yield Hit(match.start(), "url-credential", "a password before the @ of a URL")


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
    for match in _ACCOUNT.finditer(data) if _FIELDS.search(data) else ():
        user = match[1].decode()
        if match[2]:
            yield Hit(match.start(1), "password-hash", f"DES hash of account {user}")
        else:
            yield Hit(match.start(1), "default-credential", f"account {user} has no password")
    for match in _PAIR.finditer(data):
        user, password = match[1].decode(), match[2].decode()
        # "user:password" is how manuals write what goes there.
        shown = user in _ANYBODY and password in ("password", "passwd", "pass", "pwd", "pw")
        if not shown and (password == user or is_well_known(password)):
            yield Hit(match.start(1), "default-credential", f"user {user} with a known password")

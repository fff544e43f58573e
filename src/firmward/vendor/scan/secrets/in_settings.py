"""Secrets in files of settings, where values need no quotes."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import words
from firmward.binaries.hits import Hit
from firmward.binaries.named import told
from firmward.vendor.scan.files import SourceFile

_SUFFIXES_TEXT: Final = (
    ".yaml .yml .ini .conf .cfg .cnf .env .properties .toml .dts .dtsi .overlay .sh .bash .ash "
    ".zsh .mk .cmake .config .service .bat .cmd .ps1 .tf .tfvars .prj .defaults .rc .netrc "
    ".npmrc .pypirc .pgpass .htpasswd .local .development .production .dist .in"
)
_SUFFIXES: Final = frozenset(_SUFFIXES_TEXT.split())
_NAMES: Final = re.compile(
    r"(?i)(?:^|/)(?:dockerfile|containerfile|makefile|kconfig|jenkinsfile|profile|passwd|shadow"
    r"|(?:sdk|def|prj)?_?config|.*defconfig|sdkconfig.*|credentials|wpa_supplicant|hostapd)[^/]*$"
)
_VALUE: Final = rb"([^\s\"'#;<>{}()\[\],$][^\s\"'#;,<>()]{3,255})[ \t]*(?=$|[#;\r])"
_ASSIGNED: Final = re.compile(
    rb"(?m)^[ \t]*(?:(?:export|ENV|ARG|set|local|readonly|declare(?:[ \t]-\w+)?|-|env\.)[ \t]+)?"
    rb"([A-Za-z][A-Za-z0-9_.-]{1,80})[ \t]*(?:[?+:]?=|:(?=[ \t]))[ \t]*" + _VALUE
)
# Only some words may stand before a name and a value with nothing but space between them.
_SPACED: Final = re.compile(
    rb"(?m)^[ \t]*(?:ENV|ARG|setenv)[ \t]+([A-Za-z][A-Za-z0-9_.-]{1,80})[ \t]+" + _VALUE
)
_KCONFIG: Final = re.compile(
    rb"(?m)^[ \t]*config[ \t]+(\w{3,80})[ \t]*\n(?:[ \t]+[^\n]*\n"
    rb"|\n){0,12}?[ \t]+default[ \t]+\"([^\"\n]{4,200})\""
)
_ELEMENT: Final = re.compile(rb"<([A-Za-z][\w.:-]{2,60})>\s*([^<>\s]{4,200})\s*</\1>")
_ATTRIBUTES: Final = re.compile(
    rb"<\w+[^<>]{0,200}?\b(?:key|name)=\"([\w.:-]{3,60})\"\s+value=\"([^\"\n]{4,200})\""
)
_COMMAND: Final = re.compile(
    rb"\bsshpass\s+-p\s*['\"]?([^\s'\"$]{4,64})|\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[ =]['\"]?"
    rb"[\w.@-]{1,40}:([^\s'\"$]{3,64})|\bmosquitto_(?:pub|sub)\b[^\n|;]{0,200}?\s-P\s+['\"]?"
    rb"([^\s'\"$]{4,64})|\blogin\s+\S{1,40}\s+password\s+([^\s'\"$]{4,64})\s*$"
    rb"|echo\s+['\"]?\w{2,20}:([^\s'\"$]{4,64})['\"]?"
    rb"\s*\|\s*(?:\S{0,20}/)?chpasswd",
    re.MULTILINE,
)


def is_settings(file: SourceFile) -> bool:
    """Whether a file is one of settings or of commands."""
    return file.suffix in _SUFFIXES or _NAMES.search(file.name) is not None


def assigned(data: bytes) -> Iterator[Hit]:
    """Values without quotes, and defaults of Kconfig symbols."""
    for match in (*_ASSIGNED.finditer(data), *_SPACED.finditer(data)):
        name = match[1].decode().rpartition(".")[2]
        if words.triggered(match[1]) and b"://" not in match[2]:
            yield from told(name, match[2].decode(errors="replace"), match.start(1))
    if b"default" in data and b"config" in data:
        for match in _KCONFIG.finditer(data):
            yield from told(match[1].decode(), match[2].decode(errors="replace"), match.start(2))
    for match in _COMMAND.finditer(data):
        given = next(group for group in match.groups() if group is not None)
        yield from told("password", given.decode(errors="replace"), match.start())


def in_markup(data: bytes) -> Iterator[Hit]:
    """Values of XML elements, and of key/value pairs in attributes."""
    for form in (_ELEMENT, _ATTRIBUTES):
        for match in form.finditer(data):
            name = match[1].decode().rpartition(":")[2]
            yield from told(name, match[2].decode(errors="replace"), match.start())

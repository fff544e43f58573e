"""Downloads in scripts: curl and wget whose result nothing compares with a digest."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.vendor.source.manifests.pin import Manifest, Pin, download

_FETCHES: Final = re.compile(
    r"(?:^|[\s;&|(`@-])(?P<tool>curl|wget|aria2c|Invoke-WebRequest|iwr)\b(?P<rest>[^\n]*)"
)
_ADDRESS: Final = re.compile(r"""(?:https?|ftp)://[^\s"'`|;)>]+|\$\{?\(?[A-Z_]*UR[LI]\w*[})]?""")
_KEPT: Final = re.compile(
    r"\s-[a-zA-Z]*[oOJ]\b|\s--(?:output|remote-name|output-document|OutFile)\b|\s-OutFile\b|>\s*\S"
)
_RUN: Final = re.compile(
    r"\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+)?"
    r"(?:ba|z|da|k)?sh\b|\|\s*(?:sudo\s+)?(?:python3?|perl|ruby|node|tar|bsdtar|unzip|cpio|gunzip"
    r"|xz|zcat|dd|apt-key|gpg\s+--dearmor)\b|(?:bash|sh)\s+(?:-c\s+[\"']?\$|<)\("
)
# It asks or tells something, and keeps nothing.
_NO_FILE: Final = re.compile(
    r"/dev/null|\s--(?:head|upload-file|data\S*|form|request|spider|version|help)\b"
    r"|\s-[a-zA-Z]*[IdTFX]\b|localhost|127\.0\.0\.1|\[::1\]|/health"
)
_COMPARED: Final = re.compile(
    r"\b(?:sha(?:1|224|256|384|512)sum|b2sum|b3sum)\s+[^|;]*(?:-c\b|--check|--status|-\w*c\b)"
    r"|\bsha(?:256|384|512)sum\b.*\|\s*grep|\bshasum\b.*(?:-c|--check)|\bgpgv?\b.*--verify\b"
    r"|\bgpgv\b|\bminisign\b.*-V|\bcosign\s+verify|\bsignify\b.*-V|\bopenssl\s+dgst\b"
    r"|\bsha(?:256|512)\s+-c|Get-FileHash|\bssh-keygen\s+-Y\s+verify"
)
_WINDOW: Final = 12
_QUIET: Final = re.compile(
    r"^\s*(?:#|//|rem\b|::|echo\b|printf\b|@echo\b|@printf\b|:\s|(?:-\s*)?name:)"
)


def scripts(manifest: Manifest) -> Iterator[Pin]:
    """Shell, make, Dockerfile and CI lines that fetch a file, and check it nowhere near."""
    lines = list(_logical(manifest.text))
    for index, (number, text) in enumerate(lines):
        if _QUIET.match(text):
            continue
        for found in _FETCHES.finditer(_without_comment(text)):
            address = _ADDRESS.search(found["rest"])
            if address is None or not _keeps(found["tool"], found["rest"]):
                continue
            near = [
                each for at, each in lines[index : index + _WINDOW] if at <= number + 2 * _WINDOW
            ]
            if not any(_COMPARED.search(each) for each in near if not _QUIET.match(each)):
                judged = download(address[0], "")
                yield manifest.pin(number, "download", address[0].rsplit("/", 1)[-1], judged)
            break


def _keeps(tool: str, rest: str) -> bool:
    """Whether the result is run, unpacked or written somewhere."""
    if _RUN.search(rest):
        return True
    if _NO_FILE.search(rest):
        return False
    return bool(_KEPT.search(rest)) or tool in ("wget", "aria2c")


def _without_comment(text: str) -> str:
    return re.sub(r"(?<=\s)#\s.*", "", text)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) with continued lines as one; make's recipe prefixes gone."""
    start, kept = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        content = raw.rstrip()
        if content.endswith("\\") and len(kept) < 20_000:
            kept += content[:-1] + " "
            continue
        yield start, (kept + content).lstrip("\t @-+")
        start, kept = 0, ""
    if kept:
        yield start, kept.lstrip("\t @-+")

"""A pin: one thing that a build fetches, and what fixes its content."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

BRANCH: Final = "pin-branch"
RANGE: Final = "pin-range"
NONE: Final = "pin-none"
LOCK: Final = "pin-lock"
CHECKSUM: Final = "pin-checksum"
UNREADABLE: Final = "pin-unreadable"
TAG: Final = "pin-tag"
LOCKED_BRANCH: Final = "pin-locked-branch"
OUTSIDE: Final = "pin-outside"

_COMMIT: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z", re.IGNORECASE)
_TAG: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+]*(?:[_-][A-Za-z]+)*[_-]?)??[vVrR]?[_-]?\d+(?:[._-]\d+)*"
    r"(?:[._+-]?(?:rc|alpha|beta|pre|post|dev|stable|lts|final|release|p|a|b)[._-]?\d*)?\Z",
)
_SHORT: Final = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{7,39}\Z")
_EXACT: Final = re.compile(r"[=v\s]*\d[A-Za-z0-9._+!-]*\Z")


@dataclass(frozen=True, order=True)
class Pin:
    """One thing that is fetched.

    path, line  where the tree says so; line 0 for the whole file
    kind        whose format it is, such as west or npm
    declared    what the manifest says: a commit, a tag, a range, an address
    digest      ALGORITHM:HEX of what fixes it, "" where nothing does
    rule        the rule that it breaks, "" for none
    """

    path: str
    line: int
    kind: str
    name: str
    declared: str
    digest: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Manifest:
    """A file by which something is fetched, with the tree around it.

    paths  every file of the tree
    read   the text of another file of the tree, None where there is none or it is too large
    """

    path: str
    text: str
    paths: frozenset[str]
    read: Callable[[str], str | None]

    @property
    def folder(self) -> str:
        """Its folder, "" or ending with a slash."""
        return self.path[: self.path.rfind("/") + 1]

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return self.path[len(self.folder) :]

    def above(self, names: Iterable[str]) -> str:
        """The nearest file of one of these names, here or in a folder above; "" for none."""
        wanted, folder = tuple(names), self.folder
        while True:
            for name in wanted:
                if folder + name in self.paths:
                    return folder + name
            if not folder:
                return ""
            folder = folder[: folder[:-1].rfind("/") + 1]

    def line_of(self, text: str) -> int:
        """The first line with a text in it, 0 for none."""
        place = self.text.find(text)
        return self.text.count("\n", 0, place) + 1 if place >= 0 else 0

    def pin(self, line: int, kind: str, name: str, judged: "Judged") -> Pin:
        """A pin of this manifest."""
        declared, digest, rule = judged
        return Pin(self.path, line, kind, name[:200], declared[:200], digest, rule)


Judged = tuple[str, str, str]
"""declared, digest, rule"""


class Unreadable(ValueError):
    """A manifest that is not what its name says."""


def revision(declared: str) -> Judged:
    """What a git revision fixes: a commit its content, a tag little, a branch nothing."""
    word = declared.strip().strip("\"'")
    if not word:
        return "no revision", "", BRANCH
    if _COMMIT.match(word):
        return word, f"gitCommit:{word.lower()}", ""
    if unresolved(word):
        return word, "", NONE
    plain = word.removeprefix("refs/tags/")[:200]
    if plain != word or _TAG.match(plain) or _SHORT.match(plain):
        return word, "", TAG
    return word, "", BRANCH


def locked_branch(judged: Judged, digest: str) -> Judged:
    """A branch whose commit a lock fixes: what is built is fixed, the next update is not."""
    declared, own, rule = judged
    if not digest:
        return judged
    return declared, own or digest, LOCKED_BRANCH if rule in (BRANCH, NONE) else ""


def version(declared: str) -> Judged:
    """What a version requirement fixes: an exact one lacks a digest, a range leaves a choice."""
    word = declared.strip().strip("\"'")
    if word in ("", "*", "latest", "x", "any"):
        return word or "no version", "", NONE
    if unresolved(word):
        return word, "", NONE
    if _EXACT.match(word) and not re.search(r"(?:^|\.)[xX*](?:\.|$)", word):
        return word, "", TAG
    return word, "", RANGE


def download(address: str, digest: str) -> Judged:
    """A file from an address."""
    return address, digest, "" if digest else CHECKSUM


def unresolved(word: str) -> bool:
    """Whether a word holds a variable, so that somebody else decides what it is."""
    return "$" in word or "{{" in word


def subresource(text: str) -> str:
    """The digest in a web integrity string such as sha512-BASE64; "" for none.  Source: W3C SRI."""
    for word in sorted(text.split(), key=lambda each: each[:6], reverse=True):
        kind, _, value = word.partition("-")
        if kind not in ("sha256", "sha384", "sha512", "sha1"):
            continue
        try:
            return f"{kind}:{b64decode(value, validate=True).hex()}"
        except (NotBase64, ValueError):
            continue
    return ""


def hexadecimal(text: str, kind: str = "") -> str:
    """ALGORITHM:HEX of a checksum by its own prefix, the kind given or its length; "" for none."""
    word = text.strip().strip("\"'")
    known = re.match(
        r"(?:(sha256|sha384|sha512|sha1|md5|blake3)[:=])?([0-9a-f]{32,128})\Z", word.lower()
    )
    if known is None:
        return ""
    by_length = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
    algorithm = known[1] or kind or by_length.get(len(known[2]), "")
    return f"{algorithm}:{known[2]}" if algorithm else ""

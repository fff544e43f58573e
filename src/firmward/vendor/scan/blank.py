"""C-like source with what is no code made blank, so that offsets and lines stay what they were."""

import re
from typing import Final

# Strings come first in the alternation where they start first: a // inside one is no comment.
# Possessive throughout: a quote that never closes must not be tried in every way there is.
_C: Final = re.compile(
    rb"(?P<comment>/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)|//(?:[^\n\\]++|\\.)*+)"
    rb"|(?P<string>\"(?:[^\"\\\n]++|\\.)*+\"|'(?:[^'\\\n]++|\\.)*+')",
    re.DOTALL,
)
_HASH: Final = re.compile(
    rb"(?P<comment>(?:(?<=\s)|^)\#[^\n]*)"
    rb"|(?P<string>\"\"\".*?\"\"\"|'''.*?'''|\"(?:[^\"\\\n]++|\\.)*+\"|'(?:[^'\\\n]++|\\.)*+')",
    re.DOTALL | re.MULTILINE,
)
_HASH_SUFFIXES: Final = (".py", ".sh", ".rb", ".pl", ".cmake", ".yaml", ".yml", ".toml", ".cfg")
_KEPT: Final = re.compile(rb"[^\n]")


def code_only(data: bytes, suffix: str) -> bytes:
    """The same text, comments and what is inside strings blank."""
    return _grammar(suffix).sub(_blank_both, data)


def _grammar(suffix: str) -> re.Pattern[bytes]:
    return _HASH if suffix in _HASH_SUFFIXES else _C


def _blank_both(match: re.Match[bytes]) -> bytes:
    text = match[0]
    return (
        _blank(text) if match["comment"] is not None else text[:1] + _blank(text[1:-1]) + text[:1]
    )


def _blank(text: bytes) -> bytes:
    return _KEPT.sub(b" ", text) if b"\n" in text else b" " * len(text)

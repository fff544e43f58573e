"""What helps developers and attackers alike, as the strings of a program tell it."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries.hits import Hit
from firmward.binaries.strings import Strings

_SOURCE: Final = rb"(?:[\w .@+-]{1,60}[\\/]){0,12}[\w.@+-]{1,60}\.(?:c|cc|cpp|cxx|h|hpp|s|S|rs|go)"
# Forms begin with the byte that can be looked for at full speed, and then look back.
_ABSOLUTE: Final = re.compile(
    rb"/(?<![\w./-]/)(?:home|Users|root|build|builds|tmp|mnt|opt|var|work|workspace|src|usr/src)/"
    + _SOURCE + rb"(?![\w])"
)  # fmt: skip
_DRIVE: Final = re.compile(rb":(?<=[A-Za-z]:)(?<![\w./-][A-Za-z]:)[\\/]" + _SOURCE + rb"(?![\w])")
_RELATIVE: Final = re.compile(
    rb"\0((?:\.{1,2}/)?(?:[\w@+-]{1,40}/){0,8}[\w@+-]{1,40}\.(?:c|cc|cpp|rs))\0"
)
# What each of a kind begins with, in lower case, and the whole of it.
_DEBUGGER_TEXT: Final = (
    "gdbserver|gdbstub|gdb-stub|gdb stub|qsupported:|vcont?|packetsize=|segger rtt|openocd"
    "|jtag enabled|jtag unlock|jtag debug|swd enabled|swd unlock|swd debug|debug port open"
    "|debug port enabled|debug port unlocked"
)
_DEBUGGER: Final = re.compile(
    rb"(?i)(gdbserver|gdb[- ]?stub|qSupported:|vCont\?|PacketSize=[0-9a-f]+|SEGGER RTT|openocd"
    rb"|jtag (?:enabled|unlocked?|debug)|swd (?:enabled|unlocked?|debug)|debug port (?:open"
    rb"|enabled|unlocked))"
)
_CONSOLE_TEXT: Final = (
    "hit any key to stop autoboot|telnetd|utelnetd|dropbear|/bin/|debug |factory|service "
    "|diagnostic |maintenance |engineering |backdoor |uart |serial |peek |poke |memory dump|md."
    "|root shell|init=/bin/sh|busybox"
)
_CONSOLE: Final = re.compile(
    rb"(?i)(hit any key to stop autoboot|u?telnetd|dropbear|/bin/(?:a|ba|da)?sh(?=\0)"
    rb"|(?:debug|factory|service|diagnostic|maintenance|engineering|backdoor) (?:shell|console"
    rb"|menu|mode|access)"
    rb"|(?:uart|serial) (?:console|shell)|peek <?addr|poke <?addr|memory dump|md\.[bwl] |root shell"
    rb"|factory[_-]mode|init=/bin/sh|busybox)"
)
_KINDS: Final = tuple(
    (rule, tuple(each.encode() for each in texts.split("|")), form)
    for rule, texts, form in (
        ("debugger-left", _DEBUGGER_TEXT, _DEBUGGER),
        ("console-left", _CONSOLE_TEXT, _CONSOLE),
    )
)


def left_in(found: Strings) -> Iterator[Hit]:
    """Paths of the build machine, debuggers and consoles: each kind told once, at its first."""
    absolute: dict[str, int] = {}
    for form, before in ((_ABSOLUTE, 0), (_DRIVE, 1)):
        for match in form.finditer(found.text):
            start = match.start() - before
            absolute.setdefault(found.text[start : match.end()].decode(), start)
    if absolute:
        says = f"{len(absolute)} absolute paths, {min(absolute)} among them"
        yield Hit(_first(found, absolute), "build-path", says, "warning")
    relative: dict[str, int] = {}
    for match in _RELATIVE.finditer(found.text):
        relative.setdefault(match[1].decode(), match.start(1))
    if relative:
        says = f"{len(relative)} source files, {min(relative)} among them"
        yield Hit(_first(found, relative), "build-path", says)
    for rule, texts, form in _KINDS:
        told: dict[str, int] = {}
        for text, at in _told(found, texts, form):
            told[text] = min(at, told.get(text, at))
        if told:
            shown = ", ".join(repr(each) for each in sorted(told)[:6])
            yield Hit(_first(found, told), rule, f"strings: {shown}")


def _first(found: Strings, places: dict[str, int]) -> int:
    return found.origin(min(places.values()))


def _told(
    found: Strings, texts: tuple[bytes, ...], form: re.Pattern[bytes]
) -> Iterator[tuple[str, int]]:
    """What has the form, and where in the text: once for each place."""
    for text in texts:
        at = found.lower.find(text)
        while at >= 0:
            match = form.match(found.text, at)
            if match is not None:
                yield match[1].decode().strip(), at
            at = found.lower.find(text, at + 1)

"""ELF files written byte by byte, so that each lacks exactly the protection that a test is about.

A linker gives no file with one flag wrong and all else right.  Sources: System V ABI 4 and 5, and
the GNU extensions to it.
"""

import struct
from dataclasses import dataclass

LOAD, DYNAMIC, INTERP, STACK, RELRO = 1, 2, 3, 0x6474E551, 0x6474E552
R, W, X = 4, 2, 1
MACHINES = {"arm": 40, "x86_64": 62, "riscv": 243}
ADDRESS = 0x10000


@dataclass(frozen=True)
class Plan:
    """An ELF file to be: what it is for, and what of its protections is there.

    symbols   name, kind (1 object, 2 function, 0 neither), content; into .symtab
    imports   names that a library must bring; into .dynsym
    sections  further empty sections
    """

    machine: str = "x86_64"
    kind: int = 3
    hosted: bool = True
    code: bytes = b"\x90" * 64
    code_flags: int = R | X
    strings: bytes = b""
    stack: int | None = R | W
    relro: bool = True
    bind_now: bool = True
    textrel: bool = False
    search: str = ""
    imports: tuple[str, ...] = ("__stack_chk_fail", "__memcpy_chk")
    needed: str = "libc.so.6"
    symbols: tuple[tuple[str, int, bytes], ...] = ()
    marks: tuple[tuple[str, int], ...] = ()
    sections: tuple[str, ...] = ()


class _Strings:
    """A string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        """The offset of a string, put in now."""
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


class _Writer:
    """Content in the order it is put in; every byte lies ADDRESS above its offset."""

    def __init__(self, wide: bool):
        self.wide = wide
        self.data = bytearray(4096)
        self.segments: list[tuple[int, int, int, int]] = []
        self.sections: list[tuple[str, int, int, int, int, int, int]] = []

    def put(self, content: bytes) -> int:
        """Where the content lies from now on."""
        self.data += b"\0" * (-len(self.data) % 16)
        at = len(self.data)
        self.data += content
        return at

    def section(self, name: str, kind: int, flags: int, at: int, size: int, link: int = 0,
                entry: int = 0) -> int:  # fmt: skip
        """A row of the section table; returns its number."""
        self.sections.append((name, kind, flags, at, size, link, entry))
        return len(self.sections)


def elf(plan: Plan) -> bytes:
    """The file's bytes."""
    out = _Writer(plan.machine == "x86_64")
    code = out.put(plan.code)
    out.segments.append((LOAD, plan.code_flags, code, len(plan.code)))
    out.section(".text", 1, 6, code, len(plan.code))
    content = plan.strings + b"".join(part for _, _, part in plan.symbols)
    data = out.put(content or b"\0")
    out.segments.append((LOAD, R | W, data, max(1, len(content))))
    home = out.section(".data", 1, 3, data, max(1, len(content)))
    if plan.hosted:
        _host(out, plan)
    if plan.stack is not None and plan.hosted:
        out.segments.append((STACK, plan.stack, 0, 0))
    if plan.relro and plan.hosted:
        out.segments.append((RELRO, R, data, 1))
    if plan.symbols or plan.marks:
        _symbol_table(out, plan, home, data + len(plan.strings), code)
    for name in plan.sections:
        out.section(name, 1, 0, out.put(b"debug"), 5)
    return _finished(out, plan, code)


def _host(out: _Writer, plan: Plan) -> None:
    interp = out.put(b"/lib64/ld-linux-x86-64.so.2\0")
    out.segments.append((INTERP, R, interp, 28))
    strings = _Strings()
    tags = [(1, strings.add(plan.needed))]
    if plan.search:
        tags.append((29, strings.add(plan.search)))
    names = [strings.add(name) for name in plan.imports]
    table = b"\0" * 24 + b"".join(struct.pack("<IBBHQQ", n, 0x12, 0, 0, 0, 0) for n in names)
    symbols = out.put(table)
    text = out.put(strings.data)
    hashes = out.put(
        struct.pack(f"<III{len(names) + 1}I", 1, len(names) + 1, 0, *[0] * (len(names) + 1))
    )
    tags += [(4, hashes + ADDRESS), (5, text + ADDRESS), (6, symbols + ADDRESS)]
    tags += [(10, len(strings.data)), (11, 24)]
    if plan.bind_now:
        tags += [(24, 0), (0x6FFFFFFB, 1)]
    if plan.textrel:
        tags.append((22, 0))
    dynamic = out.put(b"".join(struct.pack("<QQ", *tag) for tag in [*tags, (0, 0)]))
    size = 16 * (len(tags) + 1)
    out.segments.append((LOAD, R, interp, dynamic + size - interp))
    out.segments.append((DYNAMIC, R | W, dynamic, size))
    number = out.section(".dynstr", 3, 2, text, len(strings.data))
    out.section(".dynsym", 11, 2, symbols, len(table), number, 24)
    out.section(".dynamic", 6, 3, dynamic, size, number, 16)


def _symbol_table(out: _Writer, plan: Plan, home: int, data: int, code: int) -> None:
    strings = _Strings()
    rows = [(0, 0, 0, 0, 0)]
    for name, kind, content in plan.symbols:
        rows.append((strings.add(name), kind | 16, home, data + ADDRESS, len(content)))
        data += len(content)
    rows += [(strings.add(name), 0, 1, code + ADDRESS + at, 0) for name, at in plan.marks]
    if out.wide:
        table = b"".join(struct.pack("<IBBHQQ", n, i, 0, h, v, s) for n, i, h, v, s in rows)
    else:
        table = b"".join(struct.pack("<IIIBBH", n, v, s, i, 0, h) for n, i, h, v, s in rows)
    number = out.section(".strtab", 3, 0, out.put(strings.data), len(strings.data))
    out.section(".symtab", 2, 0, out.put(table), len(table), number, 24 if out.wide else 16)


def _finished(out: _Writer, plan: Plan, code: int) -> bytes:
    names = _Strings()
    starts = [names.add(name) for name, *_ in out.sections]
    own = names.add(".shstrtab")
    text = out.put(names.data)
    rows = [(0,) * 10]
    for start, (_, kind, flags, at, size, link, entry) in zip(starts, out.sections, strict=True):
        rows.append((start, kind, flags, at + ADDRESS if flags else 0, at, size, link, 0, 1, entry))
    rows.append((own, 3, 0, 0, text, len(names.data), 0, 0, 1, 0))
    row = "<IIQQQQIIQQ" if out.wide else "<IIIIIIIIII"
    sections = out.put(b"".join(struct.pack(row, *each) for each in rows))
    segments = b""
    for kind, flags, at, size in out.segments:
        address = at + ADDRESS if size else 0
        if out.wide:
            segments += struct.pack("<IIQQQQQQ", kind, flags, at, address, address, size, size, 16)
        else:
            segments += struct.pack("<8I", kind, at, address, address, size, size, flags, 4)
    ident = b"\x7fELF" + bytes((2 if out.wide else 1, 1, 1)) + b"\0" * 9
    wide = (64, 56, 64) if out.wide else (52, 32, 40)
    kind = plan.kind if plan.hosted else 2
    form = "<HHIQQQIHHHHHH" if out.wide else "<HHIIIIIHHHHHH"
    header = ident + struct.pack(
        form, kind, MACHINES[plan.machine], 1, code + ADDRESS, wide[0], sections,
        0x05000000 if plan.machine == "arm" else 0, wide[0], wide[1], len(out.segments), wide[2],
        len(rows), len(rows) - 1,
    )  # fmt: skip
    out.data[: len(header)] = header
    out.data[len(header) : len(header) + len(segments)] = segments
    return bytes(out.data)

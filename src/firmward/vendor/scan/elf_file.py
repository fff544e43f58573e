"""An ELF file as our own scanners see it, read by LIEF and, where that fails, by pyelftools.

Both readers must agree on what is loaded and how: a file that two readers understand differently
may be understood differently again by the loader, and is then no evidence of anything.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import lief
from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from firmward.terms.errors import Unavailable

MAGIC: Final = b"\x7fELF"
_SEGMENT_NAMES: Final = {
    1: "LOAD",
    2: "DYNAMIC",
    3: "INTERP",
    0x6474E551: "GNU_STACK",
    0x6474E552: "GNU_RELRO",
}
_MACHINES: Final = {
    3: "x86", 8: "mips", 20: "ppc", 21: "ppc64", 40: "arm", 62: "x86_64", 94: "xtensa",
    183: "aarch64", 243: "riscv", 93: "arc", 83: "avr", 105: "msp430",
}  # fmt: skip
_READER_ERRORS: Final = (
    ELFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError,
    AssertionError, UnicodeDecodeError, MemoryError, EOFError,
)  # fmt: skip

SymbolKind = Literal["function", "object", "file", "other"]
_ST_INFO: Final[dict[int, SymbolKind]] = {1: "object", 2: "function", 4: "file"}


@dataclass(frozen=True)
class Segment:
    """A row of the program header table; `kind` is one of _SEGMENT_NAMES, or other."""

    kind: str
    writable: bool
    executable: bool
    offset: int
    address: int
    size: int
    memory: int


@dataclass(frozen=True)
class Section:
    """A row of the section header table; `stored` is false for .bss and its like."""

    name: str
    offset: int
    address: int
    size: int
    stored: bool
    writable: bool
    executable: bool


@dataclass(frozen=True)
class Symbol:
    """A symbol; `section` is 0 for one that another file must bring."""

    name: str
    address: int
    size: int
    kind: SymbolKind
    section: int
    dynamic: bool = False


@dataclass(frozen=True)
class Dynamic:
    """What the dynamic section asks of the loader."""

    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    bind_now: bool = False
    text_relocations: bool = False
    pie: bool = False


@dataclass(frozen=True)
class Elf:
    """One file.  `kind` is its e_type: 1 relocatable, 2 fixed, 3 shared or position independent."""

    data: bytes
    machine: str
    bits: int
    little: bool
    kind: int
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    dynamic: Dynamic = field(default_factory=Dynamic)

    @property
    def hosted(self) -> bool:
        """Whether an operating system loads it."""
        started = any(each.name == "__libc_start_main" for each in self.symbols)
        return self.has("INTERP") or self.has("DYNAMIC") or started

    def has(self, kind: str) -> bool:
        """Whether a segment of this kind is there."""
        return any(each.kind == kind for each in self.segments)

    def code(self) -> Iterator[tuple[int, bytes]]:
        """(address, bytes) of what may be executed."""
        sections = [each for each in self.sections if each.executable and each.stored]
        spans = [(each.address, each.offset, each.size) for each in sections] or [
            (each.address, each.offset, each.size) for each in self.segments if each.executable
        ]
        for address, offset, size in spans:
            yield address, self.data[offset : offset + size]

    def content(self, symbol: Symbol) -> bytes:
        """What the file holds at a symbol; b"" where it holds nothing."""
        if not 0 < symbol.section < len(self.sections):
            return b""
        home = self.sections[symbol.section]
        # The address of a Thumb function is odd; data never lie there.
        at = symbol.address if self.kind == 1 else symbol.address - home.address
        if not home.stored or not 0 <= at <= home.size - symbol.size:
            return b""
        return self.data[home.offset + at : home.offset + at + symbol.size]


def read(data: bytes, who: str) -> Elf:
    """The file in these bytes.

    raises  Unavailable for what is no ELF file, what neither reader can read, and what the two
            understand differently
    """
    if data[:4] != MAGIC:
        raise Unavailable(f"{who}: expected an ELF file, got {data[:4]!r}")
    second = _segments_by_pyelftools(data, who)
    try:
        first = _by_lief(data)
    # Values that LIEF has no name for surface as errors of its bindings.
    except (SystemError, RuntimeError, *_READER_ERRORS):
        first = None
    if first is None:
        return _by_pyelftools(data, who)
    if first.segments != second:
        raise Unavailable(f"{who}: expected one meaning, got two from LIEF and pyelftools")
    return first


def _by_lief(data: bytes) -> Elf | None:
    lief.logging.disable()
    parsed = lief.ELF.parse(io.BytesIO(data))
    if parsed is None:
        return None
    header = parsed.header
    flags, executable, alloc = lief.ELF.Section.FLAGS, lief.ELF.Segment.FLAGS, lief.ELF.Section.TYPE
    segments = tuple(
        Segment(
            _SEGMENT_NAMES.get(int(each.type), "other"),
            each.has(executable.W), each.has(executable.X), each.file_offset,
            each.virtual_address, each.physical_size, each.virtual_size,
        )
        for each in parsed.segments
    )  # fmt: skip
    sections = tuple(
        Section(
            str(each.name), each.file_offset, each.virtual_address, each.size,
            each.type != alloc.NOBITS, each.has(flags.WRITE), each.has(flags.EXECINSTR),
        )
        for each in parsed.sections
    )  # fmt: skip
    little = header.identity_data == lief.ELF.Header.ELF_DATA.LSB
    return Elf(
        data=data,
        machine=_MACHINES.get(int(header.machine_type), str(int(header.machine_type))),
        bits=32 if header.identity_class == lief.ELF.Header.CLASS.ELF32 else 64,
        little=little,
        kind=int(header.file_type),
        entry=header.entrypoint,
        segments=segments,
        sections=sections,
        symbols=tuple(_lief_symbols(parsed)),
        dynamic=_lief_dynamic(parsed),
    )


def _lief_symbols(parsed: lief.ELF.Binary) -> Iterator[Symbol]:
    for dynamic, table in ((False, parsed.symtab_symbols), (True, parsed.dynamic_symbols)):
        for each in table:
            name = str(each.name)
            kind = _ST_INFO.get(int(each.type), "other")
            if name:
                yield Symbol(name, each.value, each.size, kind, each.shndx, dynamic)


def _lief_dynamic(parsed: lief.ELF.Binary) -> Dynamic:
    entries = list(parsed.dynamic_entries)
    values = {int(each.tag) & 0xFFFFFFFF: each.value for each in entries}
    search = [
        path
        for each in entries
        if isinstance(each, lief.ELF.DynamicEntryRunPath | lief.ELF.DynamicEntryRpath)
        for path in each.paths
    ]
    needed = tuple(str(name) for name in parsed.libraries) if values else ()
    return _dynamic(values, needed, tuple(str(path) for path in search))


def _dynamic(values: dict[int, int], needed: tuple[str, ...], search: tuple[str, ...]) -> Dynamic:
    """From tag -> value; the tags are those of the System V ABI and its GNU extensions."""
    textrel, bind_now, flags, flags_1 = 22, 24, 30, 0x6FFFFFFB
    return Dynamic(
        needed=needed,
        search=search,
        bind_now=bind_now in values
        or bool(values.get(flags, 0) & 8)
        or bool(values.get(flags_1, 0) & 1),
        text_relocations=textrel in values or bool(values.get(flags, 0) & 4),
        pie=bool(values.get(flags_1, 0) & 0x08000000),
    )


def _segments_by_pyelftools(data: bytes, who: str) -> tuple[Segment, ...]:
    try:
        return tuple(_pyelftools_segments(ELFFile(io.BytesIO(data))))
    except _READER_ERRORS as error:
        raise Unavailable(f"{who}: an ELF file that cannot be read: {error}") from error


def _pyelftools_segments(file: ELFFile) -> Iterator[Segment]:
    numbers = {f"PT_{name}": name for name in _SEGMENT_NAMES.values()}
    for number in range(file.num_segments()):
        header = file._get_segment_header(number)
        kind = str(header["p_type"])
        flags = header["p_flags"]
        yield Segment(
            numbers.get(kind, "other"), bool(flags & 2), bool(flags & 1), header["p_offset"],
            header["p_vaddr"], header["p_filesz"], header["p_memsz"],
        )  # fmt: skip


def _by_pyelftools(data: bytes, who: str) -> Elf:
    """The whole file by the second reader, for what the first gives up on."""
    try:
        file = ELFFile(io.BytesIO(data))
        sections = tuple(
            Section(
                each.name, each["sh_offset"], each["sh_addr"], each["sh_size"],
                each["sh_type"] != "SHT_NOBITS", bool(each["sh_flags"] & 1),
                bool(each["sh_flags"] & 4),
            )
            for each in file.iter_sections()
        )  # fmt: skip
        number = file.header["e_machine"]
        types = {"ET_REL": 1, "ET_EXEC": 2, "ET_DYN": 3, "ET_CORE": 4}
        return Elf(
            data=data,
            machine=_pyelftools_machine(number),
            bits=file.elfclass,
            little=file.little_endian,
            kind=types.get(file.header["e_type"], 0),
            entry=file.header["e_entry"],
            segments=tuple(_pyelftools_segments(file)),
            sections=sections,
            symbols=tuple(_pyelftools_symbols(file)),
            dynamic=_pyelftools_dynamic(file),
        )
    except _READER_ERRORS as error:
        raise Unavailable(f"{who}: an ELF file that cannot be read: {error}") from error


def _pyelftools_machine(name: str) -> str:
    known = {"EM_386": 3, "EM_MIPS": 8, "EM_ARM": 40, "EM_X86_64": 62, "EM_XTENSA": 94,
             "EM_AARCH64": 183, "EM_RISCV": 243}  # fmt: skip
    return _MACHINES.get(known.get(name, 0), str(name))


def _pyelftools_symbols(file: ELFFile) -> Iterator[Symbol]:
    kinds: dict[str, SymbolKind] = {"STT_OBJECT": "object", "STT_FUNC": "function",
                                    "STT_FILE": "file"}  # fmt: skip
    for table in file.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        dynamic = table["sh_type"] == "SHT_DYNSYM"
        for each in table.iter_symbols():
            index = each["st_shndx"]
            section = index if isinstance(index, int) else 0 if index == "SHN_UNDEF" else 0xFFF1
            kind = kinds.get(each["st_info"]["type"], "other")
            if each.name:
                yield Symbol(each.name, each["st_value"], each["st_size"], kind, section, dynamic)


def _pyelftools_dynamic(file: ELFFile) -> Dynamic:
    values: dict[int, int] = {}
    needed: list[str] = []
    search: list[str] = []
    tags = {"DT_TEXTREL": 22, "DT_BIND_NOW": 24, "DT_FLAGS": 30, "DT_FLAGS_1": 0x6FFFFFFB}
    for section in file.iter_sections():
        for tag in section.iter_tags() if isinstance(section, DynamicSection) else ():
            values[tags.get(tag.entry.d_tag, -1)] = tag.entry.d_val
            if tag.entry.d_tag == "DT_NEEDED":
                needed.append(str(getattr(tag, "needed", "")))
            if tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH"):
                path = getattr(tag, "rpath", "") or getattr(tag, "runpath", "")
                search += str(path).split(":")
    return _dynamic(values, tuple(needed), tuple(search))

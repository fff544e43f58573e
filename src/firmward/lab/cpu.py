"""The board's Cortex-M3, simulated by unicorn: executes the boot stage and the application.

Only what these programs use is there: thread mode, no interrupts, no VTOR; a fault locks the CPU.
"""

from enum import Enum

from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M3
from unicorn.unicorn_const import (
    UC_ARCH_ARM,
    UC_HOOK_BLOCK,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    UC_PROT_EXEC,
    UC_PROT_READ,
)
from unicorn.unicorn_py3.unicorn import Uc, UcError

from firmward.lab import memory
from firmward.lab.soc import Soc

# The core runs at a nominal 1 MHz: 50 000 instructions without a wfi take 50 ms of virtual time.
# Shorter stretches are free, so that a board that works and sleeps costs no bookkeeping.
SLICE = 50_000
SLICE_MS = 50

_WFI = b"\x30\xbf"
_ROM = UC_PROT_READ | UC_PROT_EXEC
_NOWHERE = 0xFFFFFFFF


class Pause(Enum):
    """Why the CPU stopped executing."""

    SLEEPS = "wfi"
    BUSY = "slice used up"
    FAULT = "lock-up"


class Cpu:
    """One CPU with its memory and a boot stage; reused over resets, since making one is dear."""

    def __init__(self, soc: Soc, boot_area: bytes) -> None:
        # The model comes first: anything else fixes the default, a Cortex-M33.
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M3)
        # The default is cleared by the megabyte, 3 ms a board; these programs need a third of this.
        self._uc.ctl_set_tcg_buffer_size(1 << 20)
        # Written once: a later write to it would drop the emulator's page table at every reset,
        # which then doubles each time.
        self._uc.mem_map(0, memory.BOOT_AREA, _ROM)
        self._uc.mem_write(0, boot_area)
        slots = memory.FLASH_SIZE - memory.BOOT_AREA
        self._uc.mem_map_ptr(memory.BOOT_AREA, slots, _ROM, soc.flash.address + memory.BOOT_AREA)
        self._uc.mem_map(memory.RAM, memory.RAM_SIZE)
        self._uc.mmio_map(
            memory.PERIPHERALS, memory.PERIPHERALS_SIZE, soc.load, None, soc.store, None
        )
        soc.bus = self
        # The emulator maps memory of this object's; it must not be freed first.
        self._flash = soc.flash
        self._stack = int.from_bytes(boot_area[:4], "little")
        self._entry = int.from_bytes(boot_area[4:8], "little")
        self._used = False
        self._trace: int | None = None
        self._pristine = self._uc.context_save()

    def reset(self) -> None:
        """A CPU as after power-on: registers and RAM clear."""
        self._uc.context_restore(self._pristine)
        if self._used:
            # Also drops what the emulator translated from the old contents.
            self._uc.mem_write(memory.RAM, bytes(memory.RAM_SIZE))
        self._used = True
        self._uc.reg_write(UC_ARM_REG_SP, self._stack)
        self._pc = self._entry

    def execute(self) -> Pause:
        """Run until the program sleeps, faults or has used up a slice."""
        try:
            self._uc.emu_start(self._pc | 1, _NOWHERE, count=SLICE)
        except UcError:
            return Pause.FAULT
        self._pc = self._uc.reg_read(UC_ARM_REG_PC)
        asleep = bytes(self._uc.mem_read(self._pc - 2, 2)) == _WFI
        return Pause.SLEEPS if asleep else Pause.BUSY

    @property
    def pc(self) -> int:
        """Where it is, or where it faulted."""
        return int(self._uc.reg_read(UC_ARM_REG_PC))

    def trace(self, seen: set[int] | None) -> None:
        """From now on, put the address of every basic block that runs into a set; None: no more."""
        if self._trace is not None:
            self._uc.hook_del(self._trace)
            self._trace = None
        if seen is not None:
            note = seen.add
            self._trace = self._uc.hook_add(UC_HOOK_BLOCK, lambda _cpu, at, _size, _data: note(at))

    def fetch(self, at: int, size: int, /) -> bytes | None:
        """Memory as a peripheral sees it, or None where there is none."""
        try:
            return bytes(self._uc.mem_read(at, size))
        except UcError:
            return None

    def put(self, at: int, data: bytes, /) -> bool:
        """Write to RAM for a peripheral; False anywhere else."""
        if not memory.RAM <= at <= memory.RAM + memory.RAM_SIZE - len(data):
            return False
        self._uc.mem_write(at, data)
        return True

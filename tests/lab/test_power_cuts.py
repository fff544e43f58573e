"""Power fails at every write the board makes: it always comes back on a good image."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmward.lab import memory
from firmward.lab.board import Board, State
from firmward.lab.factory import Factory
from firmward.lab.faults import PowerCut
from firmward.lab.flash import Flash
from firmward.lab.slots import install, slot_bytes
from firmward.proof import mcuboot

COPY_DONE, IMAGE_OK = memory.copy_done_at(1), memory.image_ok_at(1)
POINTS = (
    f"before-program:{COPY_DONE:#07x}",
    f"after-program:{COPY_DONE:#07x}",
    f"before-program:{IMAGE_OK:#07x}",
    f"after-program:{IMAGE_OK:#07x}",
    "before-raise:3",
    "after-raise:3",
)


def update(board: Board) -> None:
    """Boot the trial in slot 1 and ask it to stay."""
    board.reset()
    board.run(1)
    board.write("KEEP")
    board.run(20)


def cut_at(wanted: str) -> Callable[[str], None]:
    """A hook that cuts the power at one point."""

    def cut(point: str) -> None:
        if point == wanted:
            raise PowerCut(point)

    return cut


def kept_counters(board: Board) -> list[int]:
    """Counters of the images whose slots say they were kept."""
    flash = board.flash_path.read_bytes()
    kept = []
    for slot in range(memory.SLOTS):
        at = memory.image_ok_at(slot)
        if flash[at : at + memory.UNIT] == memory.FLAG_SET:
            data = flash[memory.slot_base(slot) : memory.copy_done_at(slot)].rstrip(b"\xff")
            kept.append(mcuboot.parse(data).counter)
    return kept


def comes_back(board: Board) -> str:
    """Start again without faults; the boot line of the good image that came up."""
    board.cut = lambda point: None
    board.reset()
    board.run(1)
    boot, _, self_test = board.read()[-3:]
    assert "trial=0" in boot
    assert self_test == "SELFTEST ok"
    assert board.counter <= max(kept_counters(board))
    return boot


def expected_after(point: str) -> str:
    """What runs after a cut there: the new image once it is kept, the old before."""
    if point == POINTS[0]:
        return "still to be tried"
    return "new" if point in POINTS[3:] else "old"


def test_an_update_writes_at_exactly_these_points(board: Board, pumps: Factory) -> None:
    """The list of cut points is complete and in this order."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    seen: list[str] = []
    board.cut = seen.append
    update(board)

    assert tuple(seen) == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_cut_anywhere_in_an_update_ends_on_a_good_image(
    board: Board, pumps: Factory, point: str
) -> None:
    """Off after the cut, it then boots old or new; the counter is never above a kept image."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    board.cut = cut_at(point)
    with pytest.raises(PowerCut, match=point):
        update(board)
    assert board.state is State.OFF
    board.read()
    if expected_after(point) == "still to be tried":
        board.cut = lambda _: None
        board.reset()
        board.run(1)
        assert "slot=1 trial=1" in board.read()[0]

    boot = comes_back(board)
    if expected_after(point) == "new":
        assert boot.startswith("BOOT slot=1 trial=0 version=1.1.0+3")
        assert board.counter == 3
    else:
        assert boot.startswith("BOOT slot=0 trial=0 version=1.0.0+1")
        assert board.counter == 1


@pytest.mark.parametrize(("first", "second"), [*itertools.product(POINTS, POINTS)])
def test_cut_again_during_the_recovery_ends_on_a_good_image(
    board: Board, pumps: Factory, first: str, second: str
) -> None:
    """Recovery is ordinary operation: a second cut in it changes nothing about that."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    for point in (first, second):
        board.cut = cut_at(point)
        try:
            update(board)
        except PowerCut:
            assert board.state is State.OFF
    board.cut = lambda point: None
    board.reset()  # spends a trial that no cut has spent yet
    board.run(1)
    board.read()

    comes_back(board)


def test_update_can_be_repeated_after_any_cut(board: Board, pumps: Factory) -> None:
    """A board that fell back takes the same release again and keeps it."""
    for point in POINTS[:3]:
        install(board.flash_path, 1, pumps.image("1.1.0", 3))
        board.cut = cut_at(point)
        with pytest.raises(PowerCut):
            update(board)
    board.cut = lambda point: None
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    update(board)

    assert comes_back(board).startswith("BOOT slot=1 trial=0")
    assert board.counter == 3


def test_boot_stage_raises_the_counter_that_a_cut_prevented(board: Board, pumps: Factory) -> None:
    """Kept but not raised: the next boot does it before the image runs."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    board.cut = cut_at("before-raise:3")
    with pytest.raises(PowerCut):
        update(board)
    assert board.counter == 1

    assert "floor=3" in comes_back(board)
    assert board.counter == 3


@given(written=st.integers(0, memory.SLOT_SIZE - 1))
@settings(max_examples=25)
def test_interrupted_installation_never_boots(
    pumps: Factory, tmp_path_factory: pytest.TempPathFactory, written: int
) -> None:
    """Power is lost while the agent writes: without the last byte of the slot there is no image."""
    with pumps.board(tmp_path_factory.mktemp("cut") / "board") as board:
        data = slot_bytes(pumps.image("1.1.0", 3), confirmed=False)
        with board.flash_path.open("r+b") as flash:
            os.pwrite(flash.fileno(), data[:written], memory.slot_base(1))

        assert comes_back(board).endswith("skipped=1:empty")


_UPDATE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from firmward.lab.board import Board

def cut(point):
    if point == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

board = Board(Path(sys.argv[1]), seed=1, cut=cut)
board.reset(); board.run(1); board.write("KEEP"); board.run(20)
"""


@pytest.mark.parametrize("point", POINTS)
def test_death_of_the_process_at_any_write_ends_on_a_good_image(
    board: Board, pumps: Factory, point: str
) -> None:
    """SIGKILL of the simulator is a power cut too: what was programmed before it is on the file."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    died = subprocess.run(
        [sys.executable, "-c", _UPDATE_AND_DIE, str(board.home), point], capture_output=True
    )
    assert died.returncode == -signal.SIGKILL, died.stderr

    with Board(board.home, seed=1) as again:
        again.reset()
        again.run(1)
        first = again.read()[0]
        assert ("trial=1" in first) == (expected_after(point) == "still to be tried")
        boot = comes_back(again)
        assert boot.startswith("BOOT slot=1" if expected_after(point) == "new" else "BOOT slot=0")


def no_cut(_point: str) -> None:
    """Steady power."""


def test_flash_controller_refuses_what_flash_cannot_do(board: Board) -> None:
    """The boot area, unaligned units, ranges outside and bits from 0 to 1: nothing is written."""
    flash = Flash(board.flash_path)
    before = board.flash_path.read_bytes()
    for at in (0, memory.KEY_AREA, memory.BOOT_AREA - 8, COPY_DONE + 4, memory.FLASH_SIZE, -8):
        assert not flash.program(at, b"\0" * 8, no_cut)
    assert not flash.program(memory.slot_base(0), b"\xff" * 8, no_cut)
    for at in (0, memory.BOOT_AREA - memory.PAGE, memory.slot_base(0) + 8, memory.FLASH_SIZE):
        assert not flash.erase(at, no_cut)

    assert board.flash_path.read_bytes() == before


def test_cut_in_an_erase_leaves_half_a_page(board: Board) -> None:
    """The one write that takes long can be cut in its middle."""
    flash = Flash(board.flash_path)
    page = memory.slot_base(0)
    before = flash.read(page, memory.PAGE)
    with pytest.raises(PowerCut):
        flash.erase(page, cut_at(f"during-erase:{page:#07x}"))

    half = memory.PAGE // 2
    assert flash.read(page, memory.PAGE) == b"\xff" * half + before[half:]
    assert flash.erase(page, no_cut)
    assert flash.read(page, memory.PAGE) == b"\xff" * memory.PAGE


def test_counter_never_goes_down(board: Board) -> None:
    """A lower or equal value is not even a write."""
    board.fuses.raise_counter(5, no_cut)
    before = (board.home / "soc.json").read_bytes()
    seen: list[str] = []
    for value in (5, 4, 0, -1):
        board.fuses.raise_counter(value, seen.append)

    assert (seen, board.counter) == ([], 5)
    assert (board.home / "soc.json").read_bytes() == before


def test_lab_files_stay_in_the_board_home(board: Board, tmp_path: Path) -> None:
    """A board is one folder: nothing else is written anywhere."""
    update(board)

    assert [path.name for path in tmp_path.iterdir()] == ["board"]
    assert {"flash.bin", "soc.json", "boots"} == {path.name for path in board.home.iterdir()}

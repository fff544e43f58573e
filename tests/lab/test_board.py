"""The board boots, tries, keeps and gives up images as the boot stage's README says."""

import hashlib
from pathlib import Path

import pytest

from firmward.lab import memory
from firmward.lab.board import Board, State
from firmward.lab.factory import Factory, fields, lines_until
from firmward.lab.slots import install
from firmward.lab.toolchain import new_key
from firmward.proof import mcuboot
from firmward.terms.errors import Misuse, Unavailable


def started(board: Board) -> list[str]:
    """Power-cycle and take what the board says at once."""
    board.reset()
    board.run(1)
    return board.read()


def asked(board: Board, command: str) -> str:
    """The board's answer to a command."""
    board.write(command)
    board.run(20)
    return board.read()[-1]


def test_factory_image_boots_and_says_who_it_is(board: Board, pumps: Factory) -> None:
    """BOOT tells slot, version, counter, digest, floor; HELLO the product; the self-test is ok."""
    boot, hello, self_test = started(board)

    digest = mcuboot.parse(pumps.image()).digest
    assert boot == (
        f"BOOT slot=0 trial=0 version=1.0.0+1 counter=1 sha256={digest} floor=1 skipped=1:empty"
    )
    assert hello == "HELLO product=pump-200 version=1.0.0+1 hw=PUMP-200-B"
    assert self_test == "SELFTEST ok"


def test_monitor_boots_its_own_firmware(monitors: Factory, tmp_path: Path) -> None:
    """The second application runs on the same board design."""
    with monitors.board(tmp_path / "monitor") as board:
        said = started(board)

        assert said[1:] == ["HELLO product=monitor-7 version=1.0.0+1 hw=MON-7-A", "SELFTEST ok"]


def test_board_names_itself_a_simulator(board: Board) -> None:
    """Nobody mistakes it for hardware."""
    assert "simulated" in repr(board)


def test_vitals_come_every_ten_seconds_with_every_field(board: Board) -> None:
    """The line holds the promised fields in order; the cadence is near its interval."""
    started(board)
    board.run(30_500)

    lines = board.read()
    assert [line.split()[0] for line in lines] == ["VITALS"] * 3
    last = fields(lines[-1])
    names = "t_ms seq cpu mem reads errors cadence_ms age_ms resp_ms rssi link inuse boots"
    assert " ".join(last) == names
    assert last["seq"] == "2"
    assert 1000 <= int(last["cadence_ms"]) <= 1005
    assert int(last["reads"]) in (9, 10, 11)
    assert 0 < int(last["cpu"]) < 500
    assert 0 < int(last["mem"]) < 500


def test_surroundings_show_in_the_vitals(board: Board) -> None:
    """Signal, record link and use come from the world around the board."""
    started(board)
    board.world.rssi, board.world.link, board.in_use = -80, False, True
    board.run(10_100)

    seen = fields(board.read()[-1])
    assert -83 <= int(seen["rssi"]) <= -77
    assert ("0", "1") == (seen["link"], seen["inuse"])


def test_slower_cadence_and_more_errors_of_a_worse_release_are_measured(
    pumps: Factory, tmp_path: Path
) -> None:
    """A release that reads rarely and never retries shows it in its own vitals."""
    worse = pumps.image("1.1.0", 2, READ_INTERVAL_MS=2500, SENSOR_RETRY=0)
    errors = {}
    for name, image in (("good", pumps.image()), ("worse", worse)):
        with pumps.board(tmp_path / name, image=image, seed=5) as board:
            started(board)
            board.run(300_500)
            said = [fields(line) for line in board.read()]
            errors[name] = sum(int(each["errors"]) for each in said)
            cadence = {int(each["cadence_ms"]) for each in said}
            assert (min(cadence) >= 2500) == (name == "worse")

    assert errors["worse"] > errors["good"]


def test_answers_ping_and_refuses_what_it_does_not_know(board: Board) -> None:
    """PING is answered; an unknown, an overlong and an empty line get UNKNOWN."""
    started(board)

    assert asked(board, "PING") == "PONG"
    for line in ("PINGPING", "K" * 200, "", "keep"):
        assert asked(board, line) == "UNKNOWN"
    assert asked(board, "PING") == "PONG"


def test_refuses_a_second_command_smuggled_into_a_line(board: Board) -> None:
    """A line with a newline inside would be two commands."""
    started(board)

    with pytest.raises(Misuse, match="one line of ASCII"):
        board.write("PING\nKEEP")


def test_response_time_is_reported(pumps: Factory, tmp_path: Path) -> None:
    """A release that thinks for 300 ms before it answers says so."""
    image = pumps.image("1.1.0", 2, COMMAND_DELAY_MS=300)
    with pumps.board(tmp_path / "slow", image=image) as board:
        started(board)
        board.write("PING")
        board.run(10_100)

        assert 300 <= int(fields(board.read()[-1])["resp_ms"]) <= 320


def test_clinical_use_refuses_a_reset(board: Board) -> None:
    """RESET? is answered BUSY while a therapy runs, READY after."""
    started(board)
    board.in_use = True
    busy = asked(board, "RESET?")
    board.in_use = False

    assert (busy, asked(board, "RESET?")) == ("BUSY", "READY")


def test_trial_kept_survives_the_next_reset_and_raises_the_counter(
    board: Board, pumps: Factory
) -> None:
    """KEEP makes the trial permanent; the old image then lies below the counter."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    assert "BOOT slot=1 trial=1 version=1.1.0+3" in started(board)[0]
    assert board.counter == 1

    assert asked(board, "KEEP") == "KEPT counter=3"
    assert board.counter == 3
    boot = started(board)[0]
    assert boot.startswith("BOOT slot=1 trial=0 version=1.1.0+3 counter=3")
    assert boot.endswith("floor=3 skipped=0:counter")


def test_trial_not_kept_is_reverted_for_good(board: Board, pumps: Factory) -> None:
    """Without KEEP the next reset goes back, and so does every later one; no counter moved."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    started(board)

    for _ in range(3):
        boot = started(board)[0]
        assert boot.startswith("BOOT slot=0 trial=0 version=1.0.0+1")
        assert boot.endswith("floor=1 skipped=1:reverted")
    assert board.counter == 1


def test_keep_asked_twice_changes_nothing_more(board: Board) -> None:
    """KEEP of a kept image answers the same and leaves flash and counter."""
    started(board)
    before = board.flash_path.read_bytes()

    assert asked(board, "KEEP") == "KEPT counter=1"
    assert (board.flash_path.read_bytes(), board.counter) == (before, 1)


def test_hang_during_trial_is_reverted_by_the_watchdog(board: Board, pumps: Factory) -> None:
    """Nobody has to reset a board whose trial hangs."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3, HANG=1))
    assert [line.split()[0] for line in started(board)] == ["BOOT", "HELLO"]
    board.run(4_200)

    said = board.read()
    assert said[0].startswith("BOOT slot=0 trial=0")
    assert said[0].endswith("skipped=1:reverted")
    assert said[-1] == "SELFTEST ok"


def test_failed_self_test_is_named_and_never_kept(board: Board, pumps: Factory) -> None:
    """The image says what failed, refuses KEEP, and the next reset reverts it."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3, SELFTEST_FAIL=1))
    assert started(board)[-1] == "SELFTEST fail=injected"

    assert asked(board, "KEEP") == "KEEP refused=selftest"
    assert board.counter == 1
    assert started(board)[0].startswith("BOOT slot=0 trial=0")


def test_missing_sensor_fails_the_self_test(board: Board) -> None:
    """The self-test looks at real parts of the board."""
    board.world.sensor_present = False

    assert started(board)[-1] == "SELFTEST fail=sensor"


def test_header_that_lies_about_the_version_fails_the_self_test(
    board: Board, pumps: Factory
) -> None:
    """Code of 1.0.0 signed as 1.1.0 knows better than its header."""
    code = pumps.code("1.0.0", 1)
    install(board.flash_path, 1, pumps.sign(code, "1.1.0", 3))

    assert started(board)[-1] == "SELFTEST fail=version"


def test_fallback_is_earlier_code_under_a_later_counter(board: Board, pumps: Factory) -> None:
    """A kept release is rolled back by the same boot, trial and KEEP; HELLO names the fallback."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    started(board)
    asked(board, "KEEP")
    install(board.flash_path, 0, pumps.fallback("1.0.0", built_as=1, counter=4))

    said = started(board)
    assert said[1:] == ["HELLO product=pump-200 version=1.0.0+4 hw=PUMP-200-B", "SELFTEST ok"]
    assert asked(board, "KEEP") == "KEPT counter=4"


def test_downgrade_is_refused(board: Board, pumps: Factory) -> None:
    """A good old image below the hardware counter does not boot, trial or not."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    started(board)
    asked(board, "KEEP")

    for confirmed in (False, True):
        install(board.flash_path, 0, pumps.image("1.0.0", 1), confirmed=confirmed)
        boot = started(board)[0]
        assert boot.startswith("BOOT slot=1")
        assert boot.endswith("skipped=0:counter")
    assert board.counter == 3


def test_of_two_good_slots_the_higher_counter_runs(board: Board, pumps: Factory) -> None:
    """Wherever it lies: the boot stage also reloads slot 0 after judging slot 1."""
    install(board.flash_path, 0, pumps.image("1.1.0", 3), confirmed=True)
    install(board.flash_path, 1, pumps.image("1.0.0", 1), confirmed=True)

    boot, _, self_test = started(board)
    assert boot.startswith("BOOT slot=0 trial=0 version=1.1.0+3")
    assert self_test == "SELFTEST ok"


def test_equal_counters_prefer_what_was_kept(board: Board, pumps: Factory) -> None:
    """A copy of the running release on trial does not displace it."""
    install(board.flash_path, 1, pumps.image())

    assert started(board)[0].startswith("BOOT slot=0 trial=0")


def test_image_signed_by_another_key_never_boots(board: Board, pumps: Factory) -> None:
    """A thief with a key of his own gets no further than the signature."""
    other, _ = new_key()
    stolen = pumps.sign(pumps.code("1.1.0", 3), "1.1.0", 3, key=other)
    for confirmed in (False, True):
        install(board.flash_path, 1, stolen, confirmed=confirmed)

        assert started(board)[0].endswith("floor=1 skipped=1:signature")
    assert board.counter == 1


def test_other_code_runs_after_a_reset_not_what_the_emulator_remembers(
    board: Board, monitors: Factory
) -> None:
    """The CPU is reused over resets; what it translated of the old image must be gone."""
    started(board)
    install(board.flash_path, 1, monitors.image("1.1.0", 3))

    assert "product=monitor-7" in started(board)[1]
    assert "product=pump-200" in started(board)[1]


def test_no_good_slot_stops_the_board(board: Board) -> None:
    """BOOT none tells why of each slot, and nothing follows."""
    with board.flash_path.open("r+b") as flash:
        flash.seek(memory.slot_base(0) + memory.HEADER_SIZE + 200)
        flash.write(b"\0" * 8)
    assert started(board) == ["BOOT none skipped=0:hash,1:empty"]
    board.run(60_000)

    assert board.read() == []


def test_changed_boot_stage_is_not_started(board: Board) -> None:
    """Whoever can write the flash cannot bring a boot stage that skips the checks."""
    with board.flash_path.open("r+b") as flash:
        flash.seek(0x300)
        flash.write(b"\0")
    assert started(board) == []
    assert board.state is State.LOCKED


def test_changed_vendor_key_is_not_believed(board: Board) -> None:
    """The key area is under the fuses too."""
    with board.flash_path.open("r+b") as flash:
        flash.seek(memory.KEY_AREA + 40)
        flash.write(b"\0\0")
    assert started(board) == []


def test_slots_fuses_and_counter_survive_another_owner(board: Board, pumps: Factory) -> None:
    """A new Board on the same home finds the kept image, the counter and the count of boots."""
    install(board.flash_path, 1, pumps.image("1.1.0", 3))
    started(board)
    asked(board, "KEEP")
    before = hashlib.sha256(board.flash_path.read_bytes()).hexdigest()

    with Board(board.home, seed=9) as again:
        assert started(again)[0].startswith("BOOT slot=1 trial=0 version=1.1.0+3")
        assert (again.counter, again.fuses.boots) == (3, 2)
    assert hashlib.sha256(board.flash_path.read_bytes()).hexdigest() == before


def test_same_seed_gives_the_same_life(pumps: Factory, tmp_path: Path) -> None:
    """Two boards of one seed say the same to the letter; another seed differs."""
    lives = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        with pumps.board(tmp_path / name, seed=seed) as board:
            started(board)
            board.run(40_000)
            lives.append(board.read())

    assert lives[0] == lives[1] != lives[2]


def test_time_in_small_steps_is_the_same_time(pumps: Factory, tmp_path: Path) -> None:
    """How a caller cuts time into run() calls changes nothing on the board."""
    lives = []
    for name, step in (("a", 20_000), ("b", 7)):
        with pumps.board(tmp_path / name) as board:
            board.reset()
            for _ in range(0, 21_000, step):
                board.run(min(step, 21_000))
            board.run(1)
            lives.append(board.read()[:4])

    assert lives[0] == lives[1]


def test_without_power_nothing_is_heard_or_said(board: Board) -> None:
    """A board that is off takes no line and sends none; time still passes."""
    started(board)
    board.power_off()
    board.write("PING")
    board.run(30_000)

    assert board.read() == []
    assert board.clock_ms == 30_001


def test_waiting_for_a_line_that_does_not_come_gives_up(board: Board) -> None:
    """lines_until names what it expected."""
    board.reset()

    with pytest.raises(Unavailable, match="expected 'KEPT' within 200 ms"):
        lines_until(board, "KEPT", within_ms=200)


def test_home_without_a_board_is_refused(tmp_path: Path) -> None:
    """An empty folder, and a flash of the wrong size, are no board."""
    with pytest.raises(Unavailable, match="expected the fuses of a board"):
        Board(tmp_path, seed=1)


def test_truncated_flash_is_refused(board: Board) -> None:
    """A flash file of another size is not mapped."""
    board.flash_path.write_bytes(b"\xff" * 100)

    with pytest.raises(Unavailable, match="expected 524288 bytes, got 100"):
        Board(board.home, seed=1)


def test_image_too_large_for_a_slot_is_refused(board: Board) -> None:
    """Installing it would overwrite the other slot."""
    before = board.flash_path.read_bytes()

    with pytest.raises(Misuse, match="expected an image of at most"):
        install(board.flash_path, 0, b"\0" * memory.SLOT_SIZE)
    assert board.flash_path.read_bytes() == before

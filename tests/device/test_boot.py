"""What the controller says becomes facts; what is garbled becomes nothing."""

import os
import pty
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.device.boot import Controller, ControllerDown, TrialFailed, parse_boot
from firmward.device.tty import Tty
from firmward.device.vitals import BATCH, QUEUE, VitalsQueue, parse_vitals
from firmward.terms.errors import Unavailable

BOOT = f"BOOT slot=1 trial=1 version=1.1.0+3 counter=3 sha256={'a' * 64} floor=1 skipped=0:hash"
VITALS = (
    "VITALS t_ms=10002 seq=0 cpu=61 mem=70 reads=9 errors=0 cadence_ms=1003 age_ms=978 "
    "resp_ms=0 rssi=-58 link=1 inuse=0 boots=2"
)


def test_a_boot_line_becomes_facts():
    """Slot, trial, version, digest, floor and what was passed over."""
    boot = parse_boot(BOOT)

    assert (1, True, "1.1.0+3", 3, 1) == (
        boot.slot,
        boot.trial,
        boot.version,
        boot.counter,
        boot.floor,
    )
    assert {0: "hash"} == boot.skipped
    assert not boot.complete


@given(st.text(max_size=200) | st.builds("{}{}".format, st.just(BOOT[:60]), st.text(max_size=40)))
def test_a_garbled_line_is_no_line(text):
    """Whatever noise the wire makes, no facts come of it, and no error."""
    assert parse_boot(text) is None
    assert parse_vitals(text) is None


@given(st.integers(0, len(VITALS) - 1))
def test_a_cut_vitals_line_is_no_reading(end):
    """Half a line is not read as another value, unless its last number was cut."""
    sample = parse_vitals(VITALS[:end])

    assert sample is None


def test_a_vitals_line_becomes_a_reading():
    """Allow-listed members only."""
    sample = parse_vitals(VITALS)

    assert (2, -58, True, False) == (
        sample.boots,
        sample.reading.rssi,
        sample.reading.link,
        sample.reading.in_use,
    )
    assert parse_vitals(VITALS.replace("cpu=61", "cpu=6100")) is None


def test_the_queue_is_bounded_and_drops_the_oldest():
    """An outage longer than the queue loses its beginning, not its end."""
    numbers = iter(range(1, 100))
    queue = VitalsQueue("urn:dev:ops:32473-PUMP200-0001", lambda: next(numbers))
    for t_ms in range(QUEUE + 5):
        queue.add(parse_vitals(VITALS.replace("10002", str(t_ms))), "pump-200@1.0.0+1")
    first = queue.batch()
    again = queue.batch()
    queue.sent()
    second = queue.batch()

    assert first is again
    assert (1, BATCH, 5) == (first.sequence, len(first.readings), first.readings[0].t_ms)
    assert (2, BATCH + 5) == (second.sequence, second.readings[0].t_ms)


def test_a_board_that_has_no_image_is_down(bed):
    """Both slots erased: the agent says so and keeps trying, and nothing is reported as running."""
    with bed.board.flash_path.open("r+b") as flash:
        flash.seek(64 * 1024)
        flash.write(b"\xff" * 2 * 224 * 1024)
    controller = Controller(bed.board, lambda sample, release: None)

    with pytest.raises(TrialFailed, match="expected an image up"):
        controller.start()
    with pytest.raises(ControllerDown):
        controller.bring_up()
    assert controller.boot is None
    assert "offline" == bed.agent().step().did
    assert [] == bed.reports


def test_questions_to_a_real_board_are_answered(bed):
    """PING, RESET? and KEEP against the firmware itself."""
    controller = Controller(bed.board, lambda sample, release: None)
    boot = controller.bring_up()

    assert ("pump-200@1.0.0+1", "PUMP-200-B", "") == (boot.release, boot.hardware_id, boot.fault)
    assert controller.alive()
    assert not controller.in_use()
    bed.board.in_use = True
    assert controller.in_use()
    bed.board.power_off()
    assert not controller.alive()
    assert controller.in_use(), "silence counts as in use"


def test_a_serial_line_carries_whole_lines():
    """Pieces of a line wait for its end; what is written arrives as a line."""
    master, slave = pty.openpty()
    tty.setraw(master)
    port = Tty(os.ttyname(slave))
    try:
        os.write(master, b"HELLO prod")
        port.run(20)
        assert [] == port.read()
        os.write(master, b"uct=x\nPONG\n")
        port.run(20)
        assert ["HELLO product=x", "PONG"] == port.read()
        port.write("PING")
        assert b"PING\n" == os.read(master, 100)
        with pytest.raises(Unavailable, match="reset line"):
            port.reset()
    finally:
        port.close()
        os.close(master)
        os.close(slave)


def test_a_missing_serial_line_is_unavailable(tmp_path):
    """It names the path."""
    with pytest.raises(Unavailable, match="nothing-here"):
        Tty(tmp_path / "nothing-here")

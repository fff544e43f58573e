"""A wave that could be compared with nobody is not begun: it would wait for ever."""

import json

from tests.wards import new_ward

from firmward.lab.paper_device import CALM


def test_a_first_wave_waits_until_one_device_outside_it_has_a_normal(tmp_path):
    """Found by killing the server: the only control's first vitals came after the wave began."""
    ward = new_ward(tmp_path, 5)
    ward.admit()
    ward.tick()
    plan = json.loads(ward.rollout().body)["plan"]
    first = [device for device in ward.fleet if device.device in plan["waves"][0]]
    other = next(device for device in ward.fleet if device not in first)
    for device in first:
        ward.say(device, *[CALM] * 4)

    assert ward.tick() == []
    assert ward.events("order.issued") == []
    ward.say(other, *[CALM] * 4)
    [said] = ward.tick()

    assert "wave 1 of 2" in said
    ward.site.close()


def test_a_roll_out_of_one_wave_needs_nobody_to_compare_with(tmp_path):
    """One device has no others; it waits for its own normal alone."""
    ward = new_ward(tmp_path, 1)
    ward.admit()
    ward.say(ward.fleet[0], *[CALM] * 4)

    [said] = ward.tick()

    assert "wave 1 of 1" in said
    ward.site.close()

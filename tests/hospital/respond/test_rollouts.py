"""Roll-outs as they happen: waves, looks, hard rules, and the way back."""

from msgspec.structs import replace
from tests.wards import FACTORY, FALLBACK, RELEASE, new_ward

from firmward.hospital.respond import remedies
from firmward.lab.paper_device import CALM


def goes_on(moved: list[str]) -> bool:
    """Whether a look found nothing that matters; one in a hundred says so more loudly."""
    return moved[0].startswith("look") and moved[0].endswith(("observe", "audit"))


def test_a_roll_out_reaches_everybody_in_two_waves(ward):
    """Drawn, installed, settled, compared twice, then the rest."""
    first = ward.begin()
    assert len(first) == 3
    for device in first:
        assert ward.obey(device) == RELEASE
    assert "soaks" in ward.tick()[0]
    for _ in range(2):
        ward.wait(11)
        ward.all_say()
        assert goes_on(ward.tick())
    assert "wave 2 of 2" in ward.tick()[0]
    for device in ward.fleet:
        ward.obey(device)
    ward.tick()
    ward.wait(11)
    ward.all_say()
    ward.tick()
    ward.tick()

    assert ward.rollout().state == "done"
    assert {ward.row(device).release for device in ward.fleet} == {RELEASE}
    assert ward.tickets() == []


def test_the_ledger_holds_seed_and_members_of_a_draw(ward):
    """Enough for an auditor to draw the waves again."""
    ward.begin()
    [drawn] = ward.events("rollout.drawn")
    members = [m for event in ward.events("rollout.members") for m in event.detail["members"]]

    assert len(drawn.detail["seed"]) == 64
    assert sorted(m.split("=")[0] for m in members) == sorted(d.device for d in ward.fleet)


def test_a_roll_out_of_many_devices_fits_the_ledger(tmp_path):
    """Long names and a large fleet: no event outgrows an entry, and the wave starts."""
    ward = new_ward(tmp_path, 0, shares=(0.9,))
    ward.join(170, ward="w" * 63, ward_kind="k" * 63)
    ward.all_say(4)
    ward.admit()

    [said] = ward.tick()

    assert "wave 1 of 2" in said
    assert len(ward.wave()) == 153
    members = [m for event in ward.events("rollout.members") for m in event.detail["members"]]
    assert len(members) == 170
    ward.site.close()


def test_a_look_waits_for_a_device_that_says_nothing_and_then_tells_people(ward):
    """Silence is not health; one ticket, however long it lasts."""
    first = ward.begin()
    for device in first:
        ward.obey(device)
    ward.tick()
    ward.wait(11)
    for device in ward.fleet:
        if device is not first[0]:
            ward.say(device)

    assert ward.tick() == []
    assert ward.tickets() == []
    ward.wait(200)
    for _ in range(3):
        assert ward.tick() == []

    [ticket] = ward.tickets()
    assert first[0].device in ticket.reasons[0]
    assert ward.rollout().state == "running"


def test_a_roll_out_waits_until_its_first_devices_have_a_normal(tmp_path):
    """Without readings from before there would be nothing to be worse than."""
    ward = new_ward(tmp_path, 6)
    assert ward.begin() == []
    ward.all_say(4)

    ward.tick()

    assert len(ward.wave()) == 3
    ward.site.close()


def test_a_device_without_a_past_does_not_hold_up_a_later_wave(tmp_path):
    """It has no normal to be compared with; the others are compared."""
    ward = new_ward(tmp_path, 9, looks_s=(10.0,), settle_s=100.0, shares=(0.34, 0.34))
    ward.admit()
    ward.tick()
    late = ward.fleet[int(ward.waves()[1][0][-4:]) - 1]
    others = [device for device in ward.fleet if device is not late]
    for device in others:
        ward.say(device, *[CALM] * 4)
    ward.wait(1)
    for wave in range(2):
        ward.tick()
        if wave == 1:
            # Nobody is ordered of whom it is not known whether a patient is on it.
            ward.say(late)
            ward.tick()
        for device in ward.wave():
            ward.obey(device)
        ward.tick()
        ward.wait(11)
        for device in ward.fleet if late.release != FACTORY else others:
            ward.say(device)
        assert goes_on(ward.tick())
    assert late.release == RELEASE
    ward.site.close()


def test_a_first_device_that_worsens_hard_takes_the_release_back(ward):
    """Who runs it goes to the fallback, who was ordered it is recalled, the others never hear."""
    first = ward.begin()
    runs, waits = first[:2], first[2]
    for device in runs:
        ward.obey(device)
    ward.say(runs[0], *[replace(CALM, age_ms=60_000)] * 3)

    ward.tick()

    assert ward.rollout().state == "stopped"
    assert ward.release(RELEASE).state == "withdrawn"
    for device in runs:
        assert ward.standing(device).purpose == "rollback"
        assert ward.obey(device) == FALLBACK
    # The factory's release was never admitted here, so nothing can be ordered instead.
    assert ward.orders(waits) == []
    assert ward.standing(waits).state == "recalled"
    assert len(ward.tickets()) == 2
    ward.tick()
    assert len(ward.tickets()) == 2


def test_who_never_left_an_admitted_release_is_ordered_to_keep_it(ward):
    """Taking back is aimed at those who run what is taken back."""
    first = ward.begin()
    for device in first:
        ward.obey(device)
    with ward.site.store.writing() as connection:
        reached = [device.device for device in ward.fleet]
        remedies.take_back(connection, ward.site, RELEASE, reached, ("x",), ward.now)
    back = first[0]
    assert {ward.obey(device) for device in first} == {FALLBACK}
    second = ward.admit("1.2.0", 5, (FALLBACK, FACTORY))
    ward.tick()
    with ward.site.store.writing() as connection:
        remedies.take_back(connection, ward.site, second, [back.device], ("y",), ward.now)

    standing = ward.standing(back)
    assert (standing.purpose, standing.release) == ("keep", FALLBACK)


def test_a_release_is_taken_back_once(ward):
    """The second time nothing is ordered, noted or filed."""
    ward.begin()
    for _ in range(2):
        with ward.site.store.writing() as connection:
            reached = [device.device for device in ward.fleet]
            remedies.take_back(connection, ward.site, RELEASE, reached, ("x",), ward.now)

    assert len(ward.events("release.withdrawn")) == 1
    assert [(t.recipient, t.cause) for t in ward.tickets()] == [
        ("acme", f"withdrawn:{RELEASE}"),
        ("biomed-security", f"withdrawn:{RELEASE}"),
    ]


def test_a_device_that_comes_late_with_a_withdrawn_release_is_sent_back(ward):
    """It was away when the release was taken back, and reports it as kept."""
    first = ward.begin()
    late = first[0]
    order = ward.orders(late)[0]
    with ward.site.store.writing() as connection:
        remedies.take_back(connection, ward.site, RELEASE, [], ("x",), ward.now)
    late.release, late.floor = RELEASE, 3
    late.image_sha256 = ward.release(RELEASE).image_sha256

    ward.report(late, outcome="kept", order=order.order)

    assert ward.standing(late).purpose == "rollback"
    assert ward.obey(late) == FALLBACK


def test_too_many_failures_stop_the_roll_out(ward):
    """One of three reverts by itself: over a fifth."""
    first = ward.begin()
    order = ward.orders(first[0])[0]
    ward.report(first[0], outcome="reverted", order=order.order, detail="trial not kept")

    ward.tick()

    assert ward.rollout().state == "stopped"
    assert "1 of 3 devices" in ward.events("rollout.stopped")[0].says


def test_a_gate_that_no_longer_says_yes_stops_the_next_wave(ward):
    """The bundle on disk was altered between the waves: it cannot be judged again."""
    first = ward.begin()
    for device in first:
        ward.obey(device)
    ward.tick()
    for _ in range(2):
        ward.wait(11)
        ward.all_say()
        ward.tick()
    ward.site.blobs.path(ward.release(RELEASE).bundle).write_bytes(b"another")

    ward.tick()

    assert ward.rollout().state == "stopped"
    assert len(ward.wave()) == 0
    assert ward.release(RELEASE).state == "withdrawn"

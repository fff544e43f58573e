"""Remedies: the way back, isolation, four eyes, tickets, and roll-outs that stop by themselves."""

import msgspec
import pytest
from msgspec.structs import replace
from tests.wards import FACTORY, FALLBACK, RELEASE, Ward, der, new_ward

from firmward.hospital import bedside, enrolment, reports
from firmward.hospital.bedside import Withheld
from firmward.hospital.fleet.rollout import Progress
from firmward.hospital.records import cases, ledger
from firmward.hospital.respond import remedies
from firmward.lab.paper_device import CALM
from firmward.proof import certs
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.report import Attack
from firmward.terms.stage import Stage


@pytest.fixture
def ward(tmp_path) -> Ward:
    """Six devices on the factory's release that have been well for a while."""
    ward = new_ward(tmp_path, 6, looks_s=(10.0, 20.0), settle_s=100.0)
    ward.all_say(4)
    ward.wait(5)
    yield ward
    ward.site.close()


def wave(ward: Ward) -> list:
    """The devices that have an order to install."""
    return [d for d in ward.fleet if (s := ward.standing(d)) and s.purpose == "install"]


def begin(ward: Ward) -> list:
    """Admit a release and start its first wave; gives the devices in it."""
    ward.admit()
    ward.tick()
    return wave(ward)


def test_a_roll_out_reaches_everybody_in_two_waves(ward):
    """Drawn, installed, settled, compared twice, then the rest."""
    first = begin(ward)
    assert len(first) == 3
    for device in first:
        assert ward.obey(device) == RELEASE
    assert "soaks" in ward.tick()[0]
    for _ in range(2):
        ward.wait(11)
        ward.all_say()
        assert "observe" in ward.tick()[0]
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
    begin(ward)
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
    assert len(wave(ward)) == 153
    members = [m for event in ward.events("rollout.members") for m in event.detail["members"]]
    assert len(members) == 170
    ward.site.close()


def test_a_look_waits_for_a_device_that_says_nothing_and_then_tells_people(ward):
    """Silence is not health; one ticket, however long it lasts."""
    first = begin(ward)
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
    assert begin(ward) == []
    ward.all_say(4)

    ward.tick()

    assert len(wave(ward)) == 3
    ward.site.close()


def test_a_device_without_a_past_does_not_hold_up_a_later_wave(tmp_path):
    """It has no normal to be compared with; the others are compared."""
    ward = new_ward(tmp_path, 9, looks_s=(10.0,), settle_s=100.0, shares=(0.34, 0.34))
    ward.admit()
    ward.tick()
    late = ward.fleet[int(waves_of(ward)[1][0][-4:]) - 1]
    others = [device for device in ward.fleet if device is not late]
    for device in others:
        ward.say(device, *[CALM] * 4)
    ward.wait(1)
    for _ in range(2):
        ward.tick()
        for device in wave(ward):
            ward.obey(device)
        ward.tick()
        ward.wait(11)
        for device in ward.fleet if late.release != FACTORY else others:
            ward.say(device)
        assert "observe" in ward.tick()[0]
    assert late.release == RELEASE
    ward.site.close()


def waves_of(ward: Ward) -> tuple[tuple[str, ...], ...]:
    """The waves as they were drawn."""
    return msgspec.json.decode(ward.rollout().body, type=Progress).plan.waves


def test_a_first_device_that_worsens_hard_takes_the_release_back(ward):
    """Who runs it goes to the fallback, who was ordered it is recalled, the others never hear."""
    first = begin(ward)
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
    first = begin(ward)
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
    begin(ward)
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
    first = begin(ward)
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
    first = begin(ward)
    order = ward.orders(first[0])[0]
    ward.report(first[0], outcome="reverted", order=order.order, detail="trial not kept")

    ward.tick()

    assert ward.rollout().state == "stopped"
    assert "1 of 3 devices" in ward.events("rollout.stopped")[0].says


def test_a_gate_that_no_longer_says_yes_stops_the_next_wave(ward):
    """The bundle on disk was altered between the waves: it cannot be judged again."""
    first = begin(ward)
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
    assert len(wave(ward)) == 0
    assert ward.release(RELEASE).state == "withdrawn"


def isolate(ward: Ward, device, cause: str = "x") -> None:
    """Quarantine a device."""
    with ward.site.store.writing() as connection:
        remedies.quarantine(connection, ward.row(device), cause, ("why",), ward.now)


def test_quarantine_is_idempotent(ward):
    """One case, one event, one ticket."""
    for _ in range(3):
        isolate(ward, ward.fleet[0])

    assert len(ward.events("device.quarantined")) == 1
    assert len(ward.tickets()) == 1
    assert ward.row(ward.fleet[0]).status == "quarantined"


def test_a_quarantined_device_gets_nothing_and_may_still_speak(ward):
    """No metadata, no image, no identity; reports and vitals are taken."""
    device = begin(ward)[0]
    isolate(ward, device)
    row = ward.row(device)

    for ask in (
        lambda: bedside.director_file(ward.site, row, "timestamp.json"),
        lambda: bedside.director_file(ward.site, row, "1.root.json"),
        lambda: bedside.image_file(ward.site, row, "timestamp.json"),
        lambda: bedside.blob(ward.site, row, ward.release(RELEASE).ciphertext_sha256),
        lambda: ward.enrol(device),
    ):
        with pytest.raises(Withheld, match="quarantined"):
            ask()
    assert bedside.check_in(ward.site, row, ward.now).order_version == 0
    assert ward.report(device) == device.sequence
    assert ward.say(device) == device.batches


def test_altered_flash_quarantines_at_once(ward):
    """The report that says so is taken, and the device is isolated in the same transaction."""
    device = ward.fleet[0]

    ward.report(device, measured_sha256="b" * 64)

    assert ward.row(device).status == "quarantined"
    assert "hash-mismatch" in ward.events("device.quarantined")[0].says


def test_an_image_nobody_admitted_under_a_releases_name_quarantines(ward):
    """The device's own two digests agree; the hospital's does not."""
    device = begin(ward)[0]
    device.release, device.floor, device.image_sha256 = RELEASE, 3, "e" * 64

    ward.report(device, outcome="kept")

    assert ward.row(device).status == "quarantined"


def review(ward: Ward, device, person: str, role: str, finding: str = "clean") -> bool:
    """One reviewer's word."""
    with ward.site.store.writing() as connection:
        row = ward.row(device)
        return remedies.review(connection, ward.site, row, finding, person, role, ward.now)


def test_two_people_of_two_roles_reinstate_a_device(ward):
    """The first word changes nothing but the record; the second lets it return."""
    device = ward.fleet[0]
    isolate(ward, device)

    assert not review(ward, device, "sam", "sec")
    assert ward.row(device).status == "quarantined"
    assert review(ward, device, "rita", "risk")

    assert ward.row(device).status == "active"
    assert len(ward.events("device.reinstated")) == 1


@pytest.mark.parametrize(
    ("person", "role", "finding"),
    [
        ("sam", "sec", "clean"),
        ("sam", "risk", "clean"),
        ("sue", "sec", "clean"),
        ("rita", "clin", "clean"),
        ("rita", "", "clean"),
    ],
    ids=["again", "same-person", "same-role", "no-reviewer", "no-role"],
)
def test_a_second_word_that_is_no_second_pair_of_eyes_is_refused(ward, person, role, finding):
    """The device stays where it is and the refusal leaves no approval."""
    device = ward.fleet[0]
    isolate(ward, device)
    review(ward, device, "sam", "sec")
    before = len(ward.events())

    with pytest.raises(Refused):
        review(ward, device, person, role, finding)

    assert ward.row(device).status == "quarantined"
    assert len(ward.events()) == before


def test_two_words_on_two_findings_are_not_one_approval(ward):
    """What is approved is the case with this finding, word for word."""
    device = ward.fleet[0]
    isolate(ward, device)

    assert not review(ward, device, "sam", "sec", "clean")
    assert not review(ward, device, "rita", "risk", "clean enough")
    assert ward.row(device).status == "quarantined"


def test_an_approval_does_not_outlive_its_case(ward):
    """The same finding in the next case needs two people again."""
    device = ward.fleet[0]
    isolate(ward, device)
    review(ward, device, "sam", "sec")
    review(ward, device, "rita", "risk")
    isolate(ward, device, "again")

    assert not review(ward, device, "rita", "risk")
    assert ward.row(device).status == "quarantined"


def test_a_review_without_a_case_is_refused(ward):
    """There is nothing to put one's name to."""
    with pytest.raises(Refused, match="open case"):
        review(ward, ward.fleet[0], "sam", "sec")


def test_a_device_isolated_while_its_release_was_withdrawn_returns_to_the_fallback(ward):
    """Reinstated, it must not be left on, or ordered, what everybody else was taken off."""
    device = begin(ward)[0]
    ward.obey(device)
    isolate(ward, device)
    with ward.site.store.writing() as connection:
        remedies.take_back(connection, ward.site, RELEASE, [device.device], ("x",), ward.now)
    assert ward.standing(device).purpose == "install"

    review(ward, device, "sam", "sec")
    review(ward, device, "rita", "risk")

    assert ward.obey(device) == FALLBACK


def test_a_report_is_taken_once_and_an_older_one_never(ward):
    """The same bytes again are acknowledged and change nothing; other bytes are a replay."""
    device = ward.fleet[0]
    device.sequence += 1
    sealed = device.sealed(at=ward.now)
    first = reports.take_report(ward.site, ward.row(device), sealed, ward.now)
    before = len(ward.events())

    assert reports.take_report(ward.site, ward.row(device), sealed, ward.now) == first
    with pytest.raises(reports.Replayed):
        reports.take_report(
            ward.site, ward.row(device), device.sealed(floor=0, at=ward.now), ward.now
        )
    device.sequence -= 1
    with pytest.raises(reports.Replayed):
        reports.take_report(ward.site, ward.row(device), device.sealed(at=ward.now), ward.now)
    assert len(ward.events()) == before
    assert ward.row(device).floor == 1


def test_a_report_must_be_signed_by_the_device_it_is_about(ward):
    """Another device's key, and another device's name, are both refused."""
    first, second = ward.fleet[:2]
    second.sequence += 1
    before = len(ward.events())

    with pytest.raises(NotTrusted, match="too few"):
        reports.take_report(ward.site, ward.row(first), second.sealed(), ward.now)
    with pytest.raises(NotTrusted, match="its report is about"):
        reports.take_report(
            ward.site, ward.row(second), second.sealed(device=first.device), ward.now
        )
    assert len(ward.events()) == before


def test_one_ticket_per_attack_and_device_however_often_it_is_tried(ward):
    """And an order that is refused is offered again a few times, then rests."""
    device = begin(ward)[0]
    for _ in range(4):
        order = ward.orders(device)[0]
        ward.report(
            device, outcome="refused", attack=Attack.TAMPERED_IMAGE, order=order.order, detail="x"
        )

    assert [ticket.cause for ticket in ward.tickets()] == [f"attack:{device.device}:tampered-image"]
    assert ward.standing(device).state == "refused"
    assert ward.standing(device).version == 5


def test_a_ticket_is_one_per_cause_and_recipient(ward):
    """The same cause again files nothing, another recipient gets its own."""
    with ward.site.store.writing() as connection:
        numbers = [
            cases.file_ticket(connection, to, cause, "s", ["r"], 0.0)
            for to, cause in (("a", "x"), ("a", "x"), ("b", "x"), ("a", "y"), ("b", "x"))
        ]

    assert [bool(number) for number in numbers] == [True, False, True, True, False]
    assert len({number for number in numbers if number}) == 3


def test_a_factory_speaks_for_its_own_devices_only(ward):
    """A genuine factory identity of another vendor, for a device of this one, is refused."""
    device = ward.fleet[0]
    other = certs.new_authority("mallory factory", device.key, ward.now)
    idevid, _ = device.idevid(other)
    before = ward.row(device).fingerprint

    with pytest.raises(NotTrusted, match="not one of acme's"):
        enrolment.enrol(
            ward.site,
            der(idevid),
            certs.signing_request(device.key, device.device),
            ward.now,
        )

    assert ward.row(device).fingerprint == before


def test_registered_keys_are_pinned(ward):
    """The same pair again is fine; another is somebody else."""
    device = ward.fleet[0]
    enrolment.register(ward.site, ward.row(device), device.registration(), ward.now)
    other = ward.fleet[1].registration()
    before = ward.row(device)

    with pytest.raises(Refused, match="registered keys"):
        enrolment.register(ward.site, before, other, ward.now)

    assert ward.row(device) == before


def test_one_roll_out_that_cannot_move_does_not_hold_up_the_ledger(ward):
    """Its device's row vanished; the turn goes on, and publishes what others did."""
    begin(ward)
    with ward.site.store.writing() as connection:
        connection.exec_driver_sql("delete from device")
        ledger.record(connection, "x", Stage.RELEASE, ward.now, "a", (), "after the accident")

    [said] = ward.tick()

    assert "could not move" in said
    assert ward.site.ledger.publish().size == len(ward.events())

"""Reports, tickets and identities: taken once, from whom they are about."""

import pytest
from tests.wards import der

from firmward.hospital import enrolment, reports
from firmward.hospital.records import cases, ledger
from firmward.proof import certs
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.report import Attack
from firmward.terms.stage import Stage


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


def test_an_order_the_hospital_never_issued_is_overtaken_by_two_versions(ward):
    """A thief with the order key signs one version ahead; the device must not be left with his."""
    device = ward.begin()[0]
    before = ward.standing(device)

    ward.report(device, outcome="refused", attack=Attack.DOWNGRADE, order="f" * 32, detail="x")

    after = ward.standing(device)
    assert after.version == before.version + 2
    assert (after.release, after.state) == (before.release, before.state)
    assert after.order != before.order
    assert ward.obey(device) == before.release


def test_one_ticket_per_attack_and_device_however_often_it_is_tried(ward):
    """And an order that is refused is offered again a few times, then rests."""
    device = ward.begin()[0]
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
    ward.begin()
    with ward.site.store.writing() as connection:
        connection.exec_driver_sql("delete from device")
        ledger.record(connection, "x", Stage.RELEASE, ward.now, "a", (), "after the accident")

    [said] = ward.tick()

    assert "could not move" in said
    assert ward.site.ledger.publish().size == len(ward.events())

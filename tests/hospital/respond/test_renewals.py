"""A vendor's metadata runs out: nothing goes on, nothing is taken back, and it is renewed."""

from datetime import timedelta

import pytest
from tests.wards import RELEASE

from firmward.hospital import pipeline
from firmward.lab import paper_vendor
from firmward.terms.errors import Malformed, NotTrusted


def soaked(ward) -> None:
    """The first wave has installed the release, and all its looks but the clock are done."""
    for device in ward.begin():
        ward.obey(device)
    ward.tick()
    for _ in range(2):
        ward.wait(11)
        ward.all_say()
        ward.tick()


def test_a_wave_waits_under_expired_metadata_and_people_are_told_once(ward):
    """Not judged is not admitted; it is not withdrawn either."""
    soaked(ward)
    reached = {ward.row(device).release for device in ward.fleet}
    ward.now += timedelta(days=2)

    assert ward.tick() == []
    assert ward.tick() == []

    assert ["cannot judge" in ticket.subject for ticket in ward.tickets()] == [True]
    assert ward.release(RELEASE).state == "admitted"
    assert {ward.row(device).release for device in ward.fleet} == reached


def test_the_wave_begins_once_the_vendor_has_renewed(ward):
    """A renewal is enough; nobody pushes the wave by hand."""
    soaked(ward)
    ward.now += timedelta(days=2)
    ward.tick()
    ward.renew()

    [said] = ward.tick()

    assert "wave 2 of 2" in said
    assert ward.events("vendor.renewed")[0].subjects == (f"vendor:{ward.vendor.label}",)


def test_a_renewal_cannot_carry_a_file_past_the_gate(ward):
    """A release handed in as a renewal is refused, and nothing of it is kept."""
    draft = paper_vendor.draft(ward.vendor, ward.now)
    pack = paper_vendor.pack(ward.vendor, draft, ward.now)
    label = ward.vendor.label

    with pytest.raises(Malformed, match="metadata only"):
        pipeline.take_renewal(ward.hospital, label, pack.bundle, label, ward.now)

    assert ward.release(RELEASE) is None
    assert [event.kind for event in ward.events()][-1] == "intake.refused"


def test_an_old_renewal_is_refused(ward):
    """Whoever replays yesterday's metadata brings nothing back."""
    label = ward.vendor.label
    old = paper_vendor.publish(ward.vendor, {}, ward.now)
    ward.vendor = old.vendor
    ward.renew()

    with pytest.raises(NotTrusted):
        pipeline.take_renewal(ward.hospital, label, old.bundle, label, ward.now)

    assert len(ward.events("vendor.renewed")) == 1

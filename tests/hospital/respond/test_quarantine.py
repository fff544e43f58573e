"""Isolation, and the return after two people of two duties agreed."""

import pytest
from tests.wards import FALLBACK, RELEASE, Ward

from firmward.hospital import bedside
from firmward.hospital.bedside import Withheld
from firmward.hospital.respond import remedies
from firmward.terms.errors import Refused


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
    device = ward.begin()[0]
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
    device = ward.begin()[0]
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
    device = ward.begin()[0]
    ward.obey(device)
    isolate(ward, device)
    with ward.site.store.writing() as connection:
        remedies.take_back(connection, ward.site, RELEASE, [device.device], ("x",), ward.now)
    assert ward.standing(device).purpose == "install"

    review(ward, device, "sam", "sec")
    review(ward, device, "rita", "risk")

    assert ward.obey(device) == FALLBACK

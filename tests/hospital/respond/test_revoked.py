"""A vendor takes a release back: the hospital follows with its next metadata."""

from dataclasses import replace

from tests.wards import FACTORY, FALLBACK, RELEASE, Ward

from firmward.terms.image import image_path


def revoke(ward: Ward, *releases: str) -> None:
    """The vendor's next metadata lists these no longer; the hospital takes it in."""
    gone = tuple(image_path(release).removesuffix("image.bin") for release in releases)
    state = ward.vendor.state
    kept = {p: t for p, t in state.targets.items() if not p.startswith(gone)}
    ward.vendor = replace(ward.vendor, state=replace(state, targets=kept))
    ward.renew()


def test_a_revoked_release_is_withdrawn_and_whoever_runs_it_is_ordered_back(ward):
    """Its fallback stays in, so that there is a way."""
    wave = ward.begin()
    ward.obey(wave[0])
    revoke(ward, RELEASE)

    assert ward.release(RELEASE).state == "withdrawn"
    assert ward.release(FALLBACK).state == "admitted"
    assert ward.rollout().state == "stopped"
    assert ward.standing(wave[0]).release == FALLBACK
    assert ward.standing(wave[0]).purpose == "rollback"
    for device in wave[1:]:
        assert ward.orders(device) == []
    assert [event.actor for event in ward.events("vendor.revoked")] == [ward.vendor.label]
    [ticket] = ward.tickets()
    assert ticket.recipient == "biomed-security", "the vendor knows"
    assert ward.tick() == []


def test_a_revoked_release_with_its_fallback_leaves_nothing_to_order(ward):
    """Nobody is sent onto what is revoked too; the order is recalled and people are told."""
    wave = ward.begin()
    ward.obey(wave[0])
    revoke(ward, RELEASE, FALLBACK)

    assert {ward.release(name).state for name in (RELEASE, FALLBACK)} == {"withdrawn"}
    assert [ward.orders(d) for d in ward.fleet if ward.standing(d)] == [[]] * len(wave)
    assert len(ward.tickets()) == 2


def test_a_release_that_comes_in_with_metadata_that_revokes_another_takes_it_back(ward):
    """A vendor revokes and mends in one step."""
    wave = ward.begin()
    for device in wave:
        ward.obey(device)
    gone = image_path(RELEASE).removesuffix("image.bin")
    state = ward.vendor.state
    kept = {p: t for p, t in state.targets.items() if not p.startswith(gone)}
    ward.vendor = replace(ward.vendor, state=replace(state, targets=kept))
    ward.admit("1.2.0", 5, (RELEASE, FALLBACK, FACTORY))

    assert ward.release(RELEASE).state == "withdrawn"
    assert {ward.standing(device).purpose for device in wave} == {"rollback"}
    ward.tick()
    assert ward.rollout().release == "pump-200@1.2.0+5"


def test_a_renewal_that_lists_everything_takes_nothing_back(ward):
    """Nor does the same one twice."""
    ward.begin()
    ward.renew()
    assert ward.release(RELEASE).state == "admitted"
    assert ward.events("vendor.revoked") == []

"""The judgement alone, over every value it can meet: it installs only what fits in all respects."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.device.verify import Install, Nothing, OrderRefused, Standing, judge_order
from firmward.proof.repository import described
from firmward.proof.roles import Trusted
from firmward.terms import wire
from firmward.terms.image import ImageClaim, image_path
from firmward.terms.order import Order
from firmward.terms.report import Attack

DEVICE = "urn:dev:ops:32473-PUMP200-0001"
RUNNING = "pump-200@1.0.0+1"
DIGEST = "d" * 64
ME = Standing(DEVICE, "PUMP-200-B", RUNNING, "a" * 64, 1)
CLAIM = ImageClaim(
    product="pump-200",
    version="1.1.0",
    release_counter=3,
    hardware_ids=("PUMP-200-B", "PUMP-200-C"),
    predecessors=(RUNNING,),
    safety_class="C",
    risk="medium",
    integrity="public-key-signature",
    kind="feature",
)
ORDER = Order(
    order="0" * 32,
    purpose="install",
    ecu_identifier=DEVICE,
    vendor="acme",
    product="pump-200",
    version="1.1.0",
    release_counter=3,
    hardware_ids=("PUMP-200-B", "PUMP-200-C"),
    ciphertext_sha256="c" * 64,
    ciphertext_length=1200,
    wrapped_key="key",
)


def trusted(now, document, release, *, length=1000, digest=DIGEST, ago=-1) -> Trusted:
    """A repository of one target, as verified."""
    path = image_path(release)
    target = described(path, length, digest, wire.plain(document))
    return Trusted({}, {path: target}, {}, now - timedelta(hours=ago))


def judged(now, order=ORDER, claim=CLAIM, me=ME):
    """The judgement over an order and a claim."""
    director = trusted(now, order, order.release)
    return judge_order(director, trusted(now, claim, claim.release), me, now)


def test_what_fits_is_installed(now):
    """Path, digest and length come from the agreement of both repositories."""
    assert Install(ORDER, image_path(ORDER.release), DIGEST, 1000) == judged(now)


def test_no_target_is_no_order(now):
    """An empty director repository wants nothing."""
    director = Trusted({}, {}, {}, now + timedelta(hours=1))

    assert Nothing() == judge_order(director, trusted(now, CLAIM, CLAIM.release), ME, now)


def test_what_already_runs_needs_nothing_whatever_the_purpose(now):
    """The full expected state is the state."""
    me = Standing(DEVICE, "PUMP-200-B", ORDER.release, DIGEST, 3)
    for purpose in ("install", "rollback", "keep"):
        order = msgspec.structs.replace(ORDER, purpose=purpose)

        assert Nothing(ORDER.order) == judged(now, order, me=me)


def test_the_running_release_with_other_bytes_is_refused(now):
    """One release id means one image for ever."""
    me = Standing(DEVICE, "PUMP-200-B", ORDER.release, "e" * 64, 3)

    with pytest.raises(OrderRefused, match="running image: expected e") as refused:
        judged(now, me=me)
    assert Attack.DISAGREEMENT is refused.value.attack


@pytest.mark.parametrize("stale", ["director", "image"])
def test_a_verdict_does_not_outlive_its_metadata(now, stale):
    """Kept metadata is judged at the time of judging."""
    director = trusted(now, ORDER, ORDER.release, ago=stale == "director" or -1)
    image = trusted(now, CLAIM, CLAIM.release, ago=stale == "image" or -1)

    with pytest.raises(OrderRefused) as refused:
        judge_order(director, image, ME, now)
    assert Attack.FROZEN is refused.value.attack


def test_a_rollback_leads_to_a_fallback_of_the_running_line(now):
    """The fallback names what it is the way back from, and what may be running."""
    me = Standing(DEVICE, "PUMP-200-B", "pump-200@1.1.0+3", "a" * 64, 3)
    changes = {"version": "1.0.0", "release_counter": 4}
    claim = msgspec.structs.replace(
        CLAIM, predecessors=(me.running,), fallback_of=me.running, **changes
    )
    order = msgspec.structs.replace(ORDER, purpose="rollback", **changes)

    assert isinstance(judged(now, order, claim, me), Install)


ANY_ORDER = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["install", "rollback", "keep"]),
        "ecu_identifier": st.sampled_from([DEVICE, "urn:dev:ops:32473-PUMP200-0002"]),
        "product": st.sampled_from(["pump-200", "pump-300"]),
        "version": st.sampled_from(["1.0.0", "1.1.0"]),
        "release_counter": st.integers(1, 4),
        "hardware_ids": st.sampled_from([("PUMP-200-B",), ("PUMP-200-C",)]),
    }
)
ANY_CLAIM = st.fixed_dictionaries(
    {
        "product": st.sampled_from(["pump-200", "pump-300"]),
        "version": st.sampled_from(["1.0.0", "1.1.0"]),
        "release_counter": st.integers(1, 4),
        "hardware_ids": st.sampled_from([("PUMP-200-B",), ("PUMP-200-C",)]),
        "predecessors": st.sampled_from([(), (RUNNING,), ("pump-200@0.9.0+1",)]),
        "fallback_of": st.sampled_from(["", "pump-200@1.1.0+3"]),
    }
)


@given(ordered=ANY_ORDER, claimed=ANY_CLAIM, floor=st.integers(0, 4), agree=st.booleans())
def test_only_what_fits_in_every_respect_is_installed(now, ordered, claimed, floor, agree):
    """The invariants of an install, over orders, claims and floors of every kind."""
    order = msgspec.structs.replace(ORDER, **ordered)
    if agree:
        shared = {name: ordered[name] for name in claimed if name in ordered}
        claimed = {**claimed, **shared}
    claim = msgspec.structs.replace(CLAIM, **claimed)
    me = Standing(DEVICE, "PUMP-200-B", RUNNING, "a" * 64, floor)
    verdict = verdict_or_attack(now, order, claim, me)
    if isinstance(verdict, Attack):
        assert Attack.NONE is not verdict
        return

    assert isinstance(verdict, Install)
    assert order.ecu_identifier == DEVICE
    assert order.release == claim.release
    assert order.release_counter >= max(floor, 2)
    assert "PUMP-200-B" in claim.hardware_ids == order.hardware_ids
    assert RUNNING in claim.predecessors
    assert {"install": "", "rollback": "pump-200@1.1.0+3"}[order.purpose] == claim.fallback_of


def verdict_or_attack(now, order, claim, me):
    """The judgement, or the attack it was refused as."""
    try:
        return judged(now, order, claim, me)
    except OrderRefused as refused:
        return refused.attack

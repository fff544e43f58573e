"""An overlay asks for more as it likes, and for less only as far as the packs allow."""

from datetime import timedelta

import msgspec
import pytest
from tests.made_packs import NOW, rule

from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.adopted import load
from firmward.hospital.gate.packs.combine import combine, united
from firmward.hospital.gate.packs.overlay import Overlay, in_order, laid
from firmward.hospital.gate.packs.schema import OutOfBounds
from firmward.hospital.records.site import load_settings
from firmward.terms.errors import Malformed, Refused

DAY = timedelta(days=1)


@pytest.fixture
def under(made):
    """The pack of two rules and one that cannot be waived, before any overlay."""
    rules = [
        *made().rules,
        rule("MAD-003", "sbom.present", ["sbom.present"], waivable=False),
        rule("MAD-004", "sbom.present", ["sbom.present"], severity="critical"),
        rule("MAD-005", "sbom.present", ["sbom.present"], basis="law"),
        rule("MAD-006", "sbom.present", ["sbom.present"], effective_from="2026-12-24T00:00:00Z"),
        rule("MAD-007", "sbom.present", ["sbom.present"], trusts={"sbom.present": "declared"}),
    ]
    return united([made(rules=rules).load()])


def found(under, *overlays):
    """Rules and parameters with overlays on top."""
    for one in overlays:
        under = laid(under, one)
    return under


@pytest.mark.parametrize(
    ("parameter", "value", "result"),
    [
        ("days", 1, 1),
        ("days", 0, 0),
        ("days", -5, -5),
        ("days", 30, 30),
        ("formats", [], []),
        ("formats", ["SPDX", "CycloneDX"], ["SPDX", "CycloneDX"]),
        ("levels", {"1": 4}, {"1": 4, "2": 1}),
        ("levels", {"1": 1}, {"1": 1, "2": 1}),
        ("levels", {"1": 9, "2": 3}, {"1": 9, "2": 3}),
    ],
)
def test_a_parameter_is_set_within_its_bounds_and_tightened_beyond_them(
    under, overlay, parameter, value, result
):
    """A bound ends loosening; a map's members that are not named stay as they were."""
    assert result == found(under, overlay(parameters={parameter: value})).parameters[parameter]


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("days", 31, "days: expected at most 30, got 31"),
        ("days", "7", "days: expected a value of type integer, got 7"),
        ("days", True, "days: expected a value of type integer, got true"),
        ("formats", ["CycloneDX", "csv"], 'formats: expected one of ["CycloneDX","SPDX"]'),
        ("levels", {"1": 0}, "levels.1: expected at least 1, got 0"),
        ("levels", {"1": 2, "2": 0}, "levels.2: expected at least 1, got 0"),
        ("levels", 1, "levels: expected a value of type object, got 1"),
        ("levels", {"3": {}}, "levels.3: expected a value of type integer"),
        ("nothing", 1, "nothing: expected a parameter of a pack in force, got none of them"),
    ],
)
def test_a_parameter_beyond_its_bounds_is_refused_by_name(
    under, overlay, parameter, value, expected
):
    """The overlay, the parameter, what was expected and what came."""
    with pytest.raises(OutOfBounds) as refused:
        found(under, overlay(parameters={parameter: value}))
    assert str(refused.value).startswith(f"overlay st-made@2026.11.0: {expected}")


def test_a_site_may_only_tighten_what_the_hospital_left(under, overlay):
    """Within the pack's bounds, and yet less than the hospital asks."""
    hospital = overlay(parameters={"days": 5})
    site = overlay(scope="site", site="north", parameters={"days": 6})

    with pytest.raises(OutOfBounds, match=r"days: expected 5 or tighter, as the hospital's"):
        found(under, hospital, site)
    stricter = msgspec.structs.replace(site, parameters={"days": 4})
    assert 4 == found(under, hospital, stricter).parameters["days"]


def test_a_site_may_loosen_what_the_hospital_lists_and_no_further_than_the_pack(under, overlay):
    """The hospital passes on its freedom, and no more than it has."""
    hospital = overlay(parameters={"days": 5}, site_may_loosen=("days",))
    site = overlay(scope="site", site="north", parameters={"days": 30})

    assert 30 == found(under, hospital, site).parameters["days"]
    with pytest.raises(OutOfBounds, match="at most 30"):
        found(under, hospital, msgspec.structs.replace(site, parameters={"days": 31}))
    with pytest.raises(OutOfBounds, match="site_may_loosen"):
        found(under, overlay(site_may_loosen=("weeks",)))


def test_a_site_alone_has_the_freedom_of_the_packs(under, overlay):
    """Where no hospital's overlay lies, its own is the first."""
    site = overlay(scope="site", site="north", parameters={"days": 30})

    assert 30 == found(under, site).parameters["days"]


def test_a_rule_is_tightened_in_every_way(under, overlay):
    """More trust, more places, graver, not to be waived."""
    more = {
        "trust": "measured",
        "tiers": [2, 3, 4],
        "jurisdictions": ["EU"],
        "waivable": False,
        "severity": "critical",
    }
    changes = msgspec.convert({"MAD-001": more}, Overlay.__annotations__["tighten"])
    asked = found(under, overlay(tighten=changes)).rules["MAD-001"].rule

    assert ("measured", False, "critical") == (asked.trust, asked.waivable, asked.severity)
    assert (1, 2, 3, 4) == asked.applies_to.tiers
    assert ("US", "EU") == asked.applies_to.jurisdictions
    unchanged = under.rules["MAD-001"].rule
    assert unchanged.condition == asked.condition


def test_more_trust_holds_for_every_path(under, overlay):
    """A path with a level of its own is no way around."""
    changes = msgspec.convert(
        {"MAD-007": {"trust": "measured"}}, Overlay.__annotations__["tighten"]
    )
    asked = found(under, overlay(tighten=changes)).rules["MAD-007"].rule

    assert {"sbom.present": "measured"} == asked.trusts


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trust": "declared"}, "tighten MAD-001 trust: expected attested at least, got declared"),
        ({"severity": "low"}, "tighten MAD-001 severity: expected high at least, got low"),
    ],
)
def test_to_tighten_is_not_to_loosen(under, overlay, changes, expected):
    """Less trust and a lower severity would let more through, or be waived for longer."""
    told = msgspec.convert({"MAD-001": changes}, Overlay.__annotations__["tighten"])
    with pytest.raises(OutOfBounds, match=expected):
        found(under, overlay(tighten=told))


@pytest.mark.parametrize("changes", [{"waivable": True}, {"condition": "true"}, {"tiers": [5]}])
def test_what_tightening_cannot_do_cannot_be_written(changes):
    """No word of an overlay makes a rule waivable, or changes what it asks."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"MAD-001": changes}, Overlay.__annotations__["tighten"])


def test_a_rule_can_warn_until_a_day(under, overlay):
    """It binds from then on, whatever happens to the overlay's author."""
    day = NOW + 365 * DAY
    asked = found(under, overlay(warn={"MAD-001": day})).rules["MAD-001"]

    assert (day, False, True) == (asked.binds_from, asked.binds(NOW), asked.binds(day))


@pytest.mark.parametrize(
    ("rule_id", "days", "expected"),
    [
        ("MAD-001", 366, "expected a day until 2027-11-21T12:00:00Z, 365 days on"),
        ("MAD-003", 1, "expected a rule that can be waived"),
        ("MAD-004", 1, "expected a rule below critical"),
        ("MAD-005", 1, "expected a rule on hospital, guidance, standard, got one on law"),
        ("MAD-006", 366, "expected a day until"),
        ("MAD-999", 1, "expected a rule of a pack in force, got MAD-999"),
    ],
)
def test_a_rule_that_must_bind_cannot_warn(under, overlay, rule_id, days, expected):
    """What cannot be waived, is critical, or rests on law binds at once."""
    with pytest.raises(OutOfBounds, match=expected):
        found(under, overlay(warn={rule_id: NOW + days * DAY}))


def test_a_rule_can_bind_earlier_than_its_pack_says(under, overlay):
    """Which is tightening, and allowed for any rule."""
    asked = found(under, overlay(warn={"MAD-006": NOW})).rules["MAD-006"]

    assert asked.binds(NOW)
    assert not under.rules["MAD-006"].binds(NOW)


def test_a_site_lets_a_rule_warn_only_where_the_hospital_says_so(under, overlay):
    """A rule that the hospital binds is not unbound by one of its sites."""
    site = overlay(scope="site", site="north", warn={"MAD-001": NOW + DAY})

    with pytest.raises(OutOfBounds, match="site_may_loosen"):
        found(under, overlay(), site)
    free = overlay(site_may_loosen=("MAD-001",))
    assert NOW + DAY == found(under, free, site).rules["MAD-001"].binds_from


def test_how_far_ahead_a_rule_may_warn_is_a_parameter(made, overlay):
    """And never more than a year, whatever a pack says."""
    parameters = {**made().parameters, "warn_days_max": 30}
    bounds = {
        **made().bounds,
        "warn_days_max": {"type": "integer", "maximum": 9999, "x-tighter": "lower"},
    }
    under = united([made(parameters=parameters, bounds=bounds).load()])
    with pytest.raises(OutOfBounds, match="30 days on"):
        found(under, overlay(warn={"MAD-001": NOW + 31 * DAY}))
    with pytest.raises(OutOfBounds, match="365 days on"):
        found(
            under,
            overlay(parameters={"warn_days_max": 9999}, warn={"MAD-001": NOW + 366 * DAY}),
        )


def test_overlays_lie_in_their_order_and_those_of_other_sites_do_not(overlay):
    """The hospital's first, then this site's; two of a kind would be decided by chance."""
    ours = overlay(scope="site", site="north", id="north")
    theirs = overlay(scope="site", site="south", id="south")
    assert ["st-made", "north"] == [one.id for one in in_order([theirs, ours, overlay()], "north")]
    with pytest.raises(Malformed, match="one hospital overlay"):
        in_order([overlay(), overlay(id="second")], "north")


def test_a_sites_overlay_is_signed_remembered_and_told(site, overlay):
    """What it sets stands on the ledger, and a part of the policy's digest."""
    before = load(site, load_settings(site), NOW, {}).policy
    adopt.write_overlay(site, overlay(parameters={"days": 3}))
    after = load(site, load_settings(site), NOW, {})

    assert 3 == after.policy.parameters["days"]
    assert before.sha256 != after.policy.sha256
    assert ["st-made@2026.11.0"] == [source.name for source in after.policy.overlays]
    assert ("days = 3",) == after.used[-1].changes


def test_an_overlay_that_is_refused_is_not_written(site, overlay):
    """Nothing of it lies beside the packs."""
    before = set((site / "policy").rglob("*"))
    for changes in (
        {"parameters": {"days": 31}},
        {"warn": {"MAD-001": NOW + 400 * DAY}},
        {"scope": "site"},
        {"site": "north"},
    ):
        with pytest.raises(Refused):
            adopt.write_overlay(site, overlay(**changes))

    assert before == set((site / "policy").rglob("*"))


def test_development_keys_are_allowed_by_an_overlay_of_the_site(home, made):
    """False in the pack, and true only where a site says so under its own keys."""
    parameters = {**made().parameters, "allow_development_keys": False}
    flag = {"type": "boolean", "enum": [False, True], "x-tighter": "false"}
    made(parameters=parameters, bounds={**made().bounds, "allow_development_keys": flag}).write()
    adopt.adopt(home, made().folder, ["made"], NOW)
    adopt.allow_development_keys(home, NOW)

    policy = load(home, load_settings(home), NOW, {}).policy
    assert policy.parameters["allow_development_keys"] is True


def test_packs_that_cannot_be_in_force_together_are_refused(made, another):
    """One rule or parameter in two packs, a clause in two wordings, a parameter of none."""
    one = made().load()
    for changes in (
        {"rules": made().rules},
        {"parameters": {"days": 1}, "bounds": {"days": made().bounds["days"]}},
        {"clauses": {"made-1": {"cite": "Made 1", "says": "Do less.", "confidence": "high"}}},
        {"parameters": {}, "bounds": {}},
    ):
        with pytest.raises(Malformed):
            combine([one, another(**changes).load()])
    with pytest.raises(Malformed):
        combine([])


def test_a_rule_may_read_another_packs_parameter(made, another):
    """Parameters are of all packs in force."""
    reading = another(
        rules=[rule("OTH-001", "p.days < 9 && sbom.present", ["sbom.present"])],
        parameters={},
        bounds={},
    )
    policy = combine([made().load(), reading.load()])

    assert ["MAD-001", "MAD-002", "OTH-001"] == [asked.rule.id for asked in policy.rules]

"""Act b: three releases are refused, with every reason and a ticket each."""

from collections.abc import Callable

from firmward.lab.acts import releases
from firmward.lab.acts.releases import MONITOR_UNSIGNED, PUMP_EXPLOITED, PUMP_STRAY, Made
from firmward.lab.scenario import Stage
from firmward.lab.workshops import VendorWorld

ACT = "b"


def play(stage: Stage) -> None:
    """The gate says no three times, for three different reasons."""
    made: Made = stage.kept["releases"].get(releases.pump_exploited)
    with stage.check(ACT, "the vendor's own gate sees the exploit first", "refused") as seen:
        seen.text = "refused" if "exploited" in made.warned else made.warned or "let through"
    _refusal(
        stage,
        "a known-exploited component",
        PUMP_EXPLOITED,
        stage.acme,
        "VUL-001",
        releases.pump_exploited,
    )
    _refusal(
        stage,
        "an unsigned image",
        MONITOR_UNSIGNED,
        stage.borealis,
        "SIG-001",
        releases.monitor_unsigned,
    )
    _refusal(
        stage, "a release out of lineage", PUMP_STRAY, stage.acme, "DEV-001", releases.pump_stray
    )
    with stage.check(ACT, "a refused release handed in again", "still refused") as seen:
        said = _again(stage, stage.acme, releases.pump_exploited)
        seen.text = said or "still refused"


def _refusal(
    stage: Stage,
    what: str,
    release: str,
    vendor: VendorWorld,
    rule: str,
    make: Callable[[VendorWorld], Made],
) -> None:
    bundle = stage.kept["releases"].get(make).bundle
    with stage.check(ACT, what, f"refused by {rule}, 2 tickets") as seen:
        said = stage.push(vendor, bundle.data)
        stage.kept.setdefault("explained", {})[release] = said["explained"]
        for reason in said["reasons"]:
            stage.say(f"     {release}: {reason}")
        by = rule if any(reason.startswith(rule) for reason in said["reasons"]) else "others"
        word = "admitted" if said["admitted"] else f"refused by {by}"
        to = [t for who in (vendor.name, "biomed-security") for t in stage.tickets(who, release)]
        seen.text = f"{word}, {len(to)} tickets"
        seen.about, seen.kind = release, "gate.refused"


def _again(stage: Stage, vendor: VendorWorld, make: Callable[[VendorWorld], Made]) -> str:
    """What became of the release after a second try; empty while it is refused."""
    bundle = stage.kept["releases"].get(make).bundle
    try:
        stage.push(vendor, bundle.data)
    except Exception as error:  # noqa: BLE001 - how it is turned away is not the point here
        stage.say(f"     {error}")
    found = stage.server.desk("bea").get("/v1/releases")
    state = next(r["state"] for r in found if r["release"] == bundle.release)
    return "" if state == "refused" else str(state)

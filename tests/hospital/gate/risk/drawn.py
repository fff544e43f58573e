"""A quiet vulnerability, every kind of fact drawn at random, and the proposed parameters."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from firmward.hospital.gate.risk.facts import EPSS_BEGAN, EXPOSURES, Exposed, Surroundings

PROPOSED: dict[str, Any] = {
    "harm_matrix": {
        "1": ["A", "A", "A", "A", "C"],
        "2": ["A", "A", "A", "C", "C"],
        "3": ["A", "A", "C", "C", "U"],
        "4": ["A", "C", "C", "U", "U"],
        "5": ["C", "C", "U", "U", "U"],
    },
    "ssvc_days": {"immediate": 2, "out-of-cycle": 14, "scheduled": 60, "defer": 180},
    "exposure": {"isolated": 0.1, "segmented": 0.4, "flat": 0.8, "internet": 1.0},
    "rank_weights": {
        "severity": {"1": 1, "2": 3, "3": 10, "4": 30, "5": 100},
        "control": 0.2,
        "control_limit": 0.8,
    },
}

EASY = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
QUIET = Exposed(
    id="CVE-2026-1",
    kev=False,
    epss=0.02,
    cvss_vector=EASY,
    poc=False,
    reachable=True,
    harm_severity=3,
    safety_class="B",
)
WARD = Surroundings(exposure="segmented", tier=2, safety_class="B")
FLAT = replace(WARD, exposure="flat")


def vector(**metrics: str) -> str:
    """The easy vector with some metrics changed."""
    parts = dict(part.split(":") for part in EASY.split("/"))
    return "/".join(f"{name}:{value}" for name, value in {**parts, **metrics}.items())


CHANCES = st.floats(0, 1)
MAYBE = st.none() | st.booleans()
ZONES = st.none() | st.sampled_from(EXPOSURES)
CLASSES = st.sampled_from(["A", "B", "C", "", "II"])
_V3 = st.builds(
    "CVSS:3.1/AV:{}/AC:{}/PR:{}/UI:{}/S:{}/C:{}/I:{}/A:{}".format,
    *map(st.sampled_from, ["NALP", "LH", "NLH", "NR", "UC", "NLH", "NLH", "NLH"]),
)
_V4 = st.builds(
    "CVSS:4.0/AV:{}/AC:{}/AT:{}/PR:{}/UI:{}/VC:{}/VI:{}/VA:{}/SC:{}/SI:{}/SA:{}".format,
    *map(st.sampled_from, ["NALP", "LH", "NP", "NLH", "NPA", *["HLN"] * 6]),
)
_V2 = st.builds(
    "AV:{}/AC:{}/Au:{}/C:{}/I:{}/A:{}".format,
    *map(st.sampled_from, ["NAL", "LMH", "NSM", "NPC", "NPC", "NPC"]),
)
VECTORS = _V3 | _V4 | _V2

FACTS = st.builds(
    Exposed,
    id=st.just("CVE-2026-1"),
    kev=MAYBE,
    active=st.booleans(),
    epss=st.none() | CHANCES,
    epss_percentile=st.none() | CHANCES,
    epss_history=st.lists(
        st.tuples(st.dates(EPSS_BEGAN, date(2031, 1, 1)), CHANCES),
        max_size=4,
        unique_by=lambda each: each[0],
    ).map(tuple),
    cvss_vector=st.just("") | VECTORS,
    cvss=st.none() | st.floats(0, 10),
    poc=MAYBE,
    reachable=MAYBE,
    automatable=MAYBE,
    controls=st.integers(0, 6),
    harm_severity=st.none() | st.integers(1, 5),
    safety_class=CLASSES,
)
SITES = st.builds(
    Surroundings,
    exposure=ZONES,
    tier=st.none() | st.integers(1, 4),
    safety_class=CLASSES,
)

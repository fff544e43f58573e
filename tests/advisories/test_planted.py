"""Every planted vulnerable component is found, and no look-alike is called affected."""

from functools import cache

import pytest
from tests.known import NOW, kev
from tests.planted.vulnerable import PLANTED, QUIET

from firmward.advisories.index import Index
from firmward.advisories.load import from_files
from firmward.advisories.match import Component, match


@cache
def everything() -> Index:
    """One index of all planted advisories, so that each may mislead about every other."""
    files = {
        kind: [plant.advisory for plant in PLANTED if plant.kind == kind]
        for kind in ("osv", "nvd", "cve5")
    }
    return from_files(
        files["osv"], kev(released=NOW), nvd=files["nvd"], cve5=files["cve5"], now=NOW
    )


def component(purl: str, version: str, cpe: str, supplier: str, name: str) -> Component:
    """A component with its version in the purl, where a purl has it."""
    head, mark, qualifiers = purl.partition("?")
    full = f"{head}@{version}{mark}{qualifiers}" if purl else ""
    called = name or head.rpartition("/")[2]
    return Component(name=called, version=version, purl=full, cpe=cpe, supplier=supplier)


@pytest.mark.parametrize("plant", PLANTED, ids=[plant.route for plant in PLANTED])
def test_a_planted_vulnerability_is_found(plant):
    """By every way that a source may name a component."""
    ours = component(plant.purl, plant.version, plant.cpe, plant.supplier, plant.name)

    found = {each.cve: each for each in match([ours], everything(), NOW)}
    assert "affected" == found[plant.cve].status, found[plant.cve].reason


@pytest.mark.parametrize("quiet", QUIET, ids=[f"{q[0] or q[4]} {q[1]}" for q in QUIET])
def test_a_look_alike_is_not_called_affected(quiet):
    """Repaired, of another registry, of another vendor, or a bare name."""
    found = match([component(*quiet)], everything(), NOW)

    assert [] == [(each.cve, each.reason) for each in found if each.status == "affected"]


def test_at_least_twenty_are_planted_by_different_ways():
    """As many as the issue asks for, each its own."""
    assert len({plant.route for plant in PLANTED}) == len(PLANTED) >= 20

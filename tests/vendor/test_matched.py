"""What the advisories say of a tree's components, as the vendor attests it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.known import CVE, REASON, kev, openvex, osv, part
from tests.vendors import small_tree

from firmward.advisories.load import from_files
from firmward.advisories.match import Match
from firmward.terms.errors import Malformed, Unavailable
from firmward.vendor import attest
from firmward.vendor.advisories import matched
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TINYFRAME = part("1.3.0")
PUMP = {"@id": "pkg:generic/acme/small-1", "subcomponents": [{"@id": TINYFRAME.purl}]}


def known(*exploited: str, age_days: float = 1.0):
    """An index of one vulnerability of tinyframe, this old."""
    at = NOW - timedelta(days=age_days)
    record = osv(aliases=[CVE], modified=at)
    return from_files([record], kev(*exploited, released=at), now=NOW)


def answers(folder, vex: bytes | None, index) -> tuple[Match, ...]:
    """The matches of a tree with this VEX document."""
    tree = small_tree(folder, {"vex.json": vex.decode()} if vex is not None else {})
    if vex is not None:
        rules = tree.read("firmward.toml") + '[advisories]\nvex = ["vex.json"]\n'
        tree.commit({"firmward.toml": rules})
    with checked_out(take(tree.folder, "HEAD")) as checkout:
        return matched(checkout, [TINYFRAME], "1.2.3", index, NOW)


@pytest.mark.parametrize("whole", ["pkg:generic/acme/small-1", "pkg:generic/acme/small-1@1.2.3"])
def test_a_statement_of_the_tree_is_attested_with_its_author_and_reason(tmp_path, whole):
    """The hospital still matches by itself; it learns why the vendor is not worried."""
    index = known()
    found = answers(tmp_path / "t", openvex(product={**PUMP, "@id": whole}), index)
    said = attest.vulnerabilities(found, index)

    [entry] = said["result"]
    assert (CVE, "not_affected", REASON) == (entry["id"], entry["status"], entry["justification"])
    assert "acme" == entry["vex"]["author"]
    assert [] == said["outOfRange"] == said["unmatched"]
    json.dumps(said)


@pytest.mark.parametrize(
    "vex",
    [
        openvex(product={**PUMP, "@id": "pkg:generic/acme/small-1@1.2.2"}),
        openvex(product={**PUMP, "@id": "pkg:generic/acme/other"}),
        openvex(product=PUMP, justification="trust_me"),
    ],
)
def test_a_statement_about_another_release_or_without_a_reason_changes_nothing(tmp_path, vex):
    """What was true of the last release was not looked at for this one."""
    index = known()
    [entry] = attest.vulnerabilities(answers(tmp_path / "t", vex, index), index)["result"]

    assert ("affected", "") == (entry["status"], entry["justification"])


def test_an_outdated_statement_is_attested_as_under_investigation(tmp_path):
    """Somebody exploits it by now: the old word is shown, and does not count."""
    index = known(CVE)
    vex = openvex(product=PUMP, at=-30.0)
    [entry] = attest.vulnerabilities(answers(tmp_path / "t", vex, index), index)["result"]

    assert ("under_investigation", "") == (entry["status"], entry["justification"])
    assert "after the statement" in entry["vex"]["outdated"]


def test_an_old_snapshot_is_no_evidence(tmp_path):
    """Nobody looked lately: not even *not affected* may be said."""
    with pytest.raises(Unavailable, match=r"at most 7 days, got one of 8\.0 days"):
        answers(tmp_path / "t", None, known(age_days=8.0))


def test_a_vex_document_that_is_none_stops_the_release(tmp_path):
    """A typing error is not the same as having nothing to say."""
    with pytest.raises(Malformed, match=r"vex\.json"):
        answers(tmp_path / "t", b"{}", known())

"""A log keeps what it was told, and nobody can make a finding vanish from it."""

import json
from datetime import date

import pytest

from firmward.terms.errors import Unavailable
from firmward.vendor.project import Suppression
from firmward.vendor.scan import sarif

TODAY = date(2026, 11, 21)


def log_with(level: str = "error") -> dict:
    """A log with one result."""
    finding = sarif.Finding("a/b.c", 3, "rule-1", level, "bad")
    return sarif.merge([sarif.run("t", "1", (), [finding])])


def test_a_suppressed_finding_stays_in_the_log_with_its_reason_until_its_day():
    """Who answers for it, why, and until when; after that it counts again."""
    answer = Suppression(
        rule="rule-1", path="a/*.c", reason="checked by hand", owner="lead", until=TODAY
    )
    before = sarif.suppress(log_with(), [answer], TODAY)
    after = sarif.suppress(log_with(), [answer], date(2026, 11, 22))

    assert () == sarif.findings(before)
    assert "checked by hand (lead" in json.dumps(before)
    assert 1 == len(sarif.findings(after))
    other = Suppression(
        rule="rule-2", path="*", reason="checked by hand", owner="lead", until=TODAY
    )
    assert 1 == len(sarif.findings(sarif.suppress(log_with(), [other], TODAY)))


def test_an_unknown_level_is_taken_for_the_worst_and_no_level_for_a_warning():
    """SARIF 3.27.10 for the absent one; the unknown one might be anything."""
    log = log_with()
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert "error" == sarif.findings(log)[0].level

    del log["runs"][0]["results"][0]["level"]
    assert "warning" == sarif.findings(log)[0].level


@pytest.mark.parametrize("log", [{}, {"runs": [1]}, {"runs": [{"results": [{}]}]}, {"runs": None}])
def test_what_is_no_sarif_is_no_evidence(log):
    """A log that cannot be read was not clean."""
    with pytest.raises(Unavailable):
        sarif.findings(log)

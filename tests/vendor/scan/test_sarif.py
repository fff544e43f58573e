"""A log keeps what it was told, and nobody can make a finding vanish from it."""

import pytest

from firmward.terms.errors import Unavailable
from firmward.vendor.scan import sarif


def log_with(level: str = "error") -> dict:
    """A log with one result."""
    finding = sarif.Finding("a/b.c", 3, "rule-1", level, "bad")
    return sarif.merge([sarif.run("t", "1", (), [finding])])


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

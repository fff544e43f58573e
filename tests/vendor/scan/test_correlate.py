"""Findings of several tools become one ranked list of issues that somebody answers for or not."""

import json
from datetime import date

import jsonschema
import pytest

from firmward.vendor.project import Suppression
from firmward.vendor.scan.classes import kind, weakness
from firmward.vendor.scan.correlate import FINGERPRINT, correlate, normalised
from firmward.vendor.scan.sarif import Finding, Rule, findings, merge, run

TODAY = date(2026, 11, 21)
SOURCE = {
    ("main.c", 10): "  strcpy(name, line);   // from the wire",
    ("main.c", 20): "  strcpy(name, line);",
    ("main.c", 30): "  key = rand();",
    ("tests/main.c", 10): "  strcpy(name, line);",
}
COPY = Rule("copy", "warning", "An unbounded copy", 120)
WRITE = Rule("write-past-end", "error", "A write past the end", 787)
RAND = Rule("rand", "warning", "A guessable number", 338)


def line(path: str, number: int) -> str:
    """A line of the made-up tree."""
    return SOURCE.get((path, number), "")


def of(*runs, suppress=(), safety="C", today=TODAY):
    """The issues of these runs."""
    return correlate(merge(runs), line, suppress, safety, today)


def found(rule: Rule, path: str = "main.c", at: int = 10, says: str = "here") -> Finding:
    """A finding of a rule."""
    return Finding(path, at, rule.id, rule.level, says)


def answer(rule: str, path: str = "main.c", until: date = date(2027, 1, 1)) -> Suppression:
    """Somebody who answers for a rule."""
    return Suppression(
        rule=rule, path=path, reason="the line is bounded above", owner="ann@acme", until=until
    )


def test_two_tools_on_one_weakness_are_one_issue_of_the_worse_level():
    """By class and line, though their rules and CWEs differ."""
    both = of(run("a", "1", [COPY], [found(COPY)]), run("b", "2", [WRITE], [found(WRITE)]))
    [issue] = both.issues
    assert (issue.kind, issue.tools, issue.level) == ("memory-write", ("a", "b"), "error")
    prints = {
        result["partialFingerprints"][FINGERPRINT]
        for each in both.log["runs"]
        for result in each["results"]
    }
    assert prints == {issue.fingerprint}


def test_different_weaknesses_of_one_line_stay_apart():
    """A line can be wrong twice."""
    assert len(of(run("a", "1", [COPY, RAND], [found(COPY), found(RAND)])).issues) == 2


def test_a_fingerprint_survives_moving_indenting_and_commenting():
    """A code host must not reopen an issue because a line was added above it."""
    first = of(run("a", "1", [COPY], [found(COPY, at=10)])).issues[0]
    moved = of(run("a", "1", [COPY], [found(COPY, at=20)])).issues[0]
    assert first.fingerprint == moved.fingerprint
    assert normalised(SOURCE["main.c", 10]) == normalised(SOURCE["main.c", 20])


def test_what_harms_more_easily_comes_first():
    """A write past the end before a guessable number, product code before tests."""
    seen = run(
        "a",
        "1",
        [COPY, RAND],
        [found(RAND, at=30), found(COPY, "tests/main.c"), found(COPY)],
    )
    order = [(issue.kind, issue.path) for issue in of(seen).issues]
    assert order == [
        ("memory-write", "main.c"),
        ("randomness", "main.c"),
        ("memory-write", "tests/main.c"),
    ]


def test_harm_is_bounded_by_the_safety_class():
    """The same hole in a class A product cannot injure anybody badly."""
    seen = run("a", "1", [COPY], [found(COPY)])
    assert of(seen, safety="A").issues[0].harm < of(seen, safety="C").issues[0].harm


def test_an_issue_is_answered_only_if_every_finding_of_it_is():
    """Silencing the milder tool must not silence the other."""
    runs = (run("a", "1", [COPY], [found(COPY)]), run("b", "2", [WRITE], [found(WRITE)]))
    half = of(*runs, suppress=[answer("copy")])
    assert half.issues[0].answered == ""
    assert len(findings(half.log)) == 2
    whole = of(*runs, suppress=[answer("memory-write")])
    assert "ann@acme" in whole.issues[0].answered
    assert findings(whole.log) == ()


def test_an_answered_finding_stays_in_the_log_with_its_reason_to_the_end_of_its_day():
    """Who answers for it, why and until when; an answer to something else is none to it."""
    seen = run("a", "1", [COPY], [found(COPY)])
    kept = of(seen, suppress=[answer("copy", "*.c", until=TODAY)])
    [result] = kept.log["runs"][0]["results"]
    [reason] = result["suppressions"]
    assert reason["justification"] == "the line is bounded above (ann@acme, until 2026-11-21)"
    others = [answer("rand"), answer("copy", "tests/*.c")]
    assert of(seen, suppress=others).issues[0].answered == ""
    assert len(findings(of(seen, suppress=others).log)) == 1


def test_an_expired_answer_no_longer_counts_and_is_named():
    """Nobody answers for ever."""
    old = answer("copy", until=date(2026, 11, 20))
    late = of(run("a", "1", [COPY], [found(COPY)]), suppress=[old])
    assert late.issues[0].answered == ""
    assert late.expired == (old,)


def test_findings_without_a_line_are_told_apart_by_what_they_say():
    """Two keys in one binary are two issues."""
    key = Rule("key", "error", "A key", 321)
    seen = run(
        "a", "1", [key], [found(key, "app.bin", 0, "at 1"), found(key, "app.bin", 0, "at 2")]
    )
    assert len(of(seen).issues) == 2


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("clang-analyzer-core.NullDereference", "null-dereference"),
        ("S105", "credential"),
        ("SC2086", "injection"),
        ("nobody-knows-this", "other"),
    ],
)
def test_tools_without_a_cwe_are_classed_by_a_table(rule, expected):
    """Longest beginning first; what no table knows is of no class."""
    assert kind(weakness(rule, {})).name == expected


def test_a_correlated_log_is_still_sarif(vectors):
    """For the code host, by OASIS' own schema."""
    log = of(run("a", "1", [COPY], [found(COPY)]), suppress=[answer("copy")]).log
    jsonschema.validate(json.loads(json.dumps(log)), vectors("sarif-schema-2.1.0"))

"""A release's report: whole, well-formed, capped, and proof against names that act on readers."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from tests.told_releases import COPY, LEAK, NAME, NOW, examined, of, part, told

from firmward.terms.incident import Incident
from firmward.terms.legible import legible
from firmward.vendor.examine import Examined
from firmward.vendor.incidents.answers import answered
from firmward.vendor.report.page import COMPONENTS, ROWS, page
from firmward.vendor.report.spoken import summary, text
from firmward.vendor.report.told import Step, Told
from firmward.vendor.sbom.parts import Inventory
from firmward.vendor.scan.crypto.signs import Sign, inventory
from firmward.vendor.scan.sarif import Finding
from firmward.vendor.source.signed import Signer

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'>"
STEERING = "\x1b[2J\x9b31m\u202ecod.exe\u200b"


class Checked(HTMLParser):
    """Every tag is closed in order; keeps tags, attributes and text."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input", "path", "rect", "circle"})

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, in single spaces."""
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_the_page_is_whole_and_says_what_is_known():
    """Every section, each with its facts, in well-formed HTML."""
    seen = Checked(page(told())).text
    for words in (
        "✗ Not released", "c0ffee", "ann@acme.example", "bubblewrap 0.8.0", "ziglang 0.14.0",
        "yes, at another path too", "development keys", "14.2 s", "40 ms", "memory-write",
        "CWE-120", "alpha, beta", "generated code (bo@acme, until 2027-03-01)", "a test key only",
        "2024-01-01 (over)", "CVE-2020-0001", "since 2021-11-03", "42.0 %", "2.1.0 is below 2.1.3",
        "9.8 critical", "30 hours", "MD5", "outdated", "1200 inputs", "ff0063726173680"[:14],
        "blackbox-crash: failed", "open threats", "mercy-2", "fixed in 1.1.0", "expected fixed_in",
    ):  # fmt: skip
        assert words in seen, words


def test_every_reason_and_every_missing_answer_is_told():
    """A reader who stops at the verdict misses none of them."""
    reasons = tuple(f"reason number {n} against it" for n in range(60))
    missing = {"cppcheck": "not done within 60 s", "blackbox": "board: no such file"}
    seen = Checked(page(told(examined(missing=missing, tested=None), reasons=reasons))).text
    for words in (*reasons, *missing, *missing.values()):
        assert words in seen


@pytest.mark.parametrize(
    ("published", "reasons", "title"),
    [
        (True, (), "✓ Released"),
        (True, ("overruled",), "! Released despite findings"),
        (False, ("bad",), "✗ Not released"),
        (False, (), "must be treated as refused"),
    ],
)
def test_the_verdict_is_what_came_of_it(published, reasons, title):
    """What was overruled does not look like a pass, nor does silence."""
    seen = Checked(page(told(published=published, reasons=reasons))).text
    assert title in seen
    assert ("✓ Released" in seen) == (title == "✓ Released")


def hostile(word: str) -> Told:
    """A release in which every name that a stranger may choose is this word."""
    bad = part(word, word, supplier=word, licence=word, purl=word)
    incident = Incident(hospital="mercy", ticket=1, vendor="acme", release=word, cause=word,
                        subject=word, reasons=(word,), filed=NOW)  # fmt: skip
    found = examined(
        Finding(word, 7, word, "error", word),
        inventory=Inventory(parts=(bad,)),
        matches=(of(bad, word, reason=word, fixed=word), of(bad, "b", "not_affected", reason=word)),
        assets=inventory([Sign(word, "MD5", 1, -1, "call", word, 0.9, "called")]),
        missing={word: word},
        answered=answered([incident], [], "", "1.1.0"),
    )
    found.tested.predicate["annotations"]["findings"][0]["says"] = word
    made = told(found, release=word, reasons=(word,), stages=(Step(word, 1.0, word),), scores=())
    artifact = replace(made.artifact, toolchain={word: word}, command=(word,), sandbox=word)
    source = replace(made.source, remote=word, signer=Signer("ssh", word, word))
    return replace(made, artifact=artifact, source=source)


def test_a_name_that_is_markup_is_only_read():
    """<script> in a path, a message or a component's name would run in the reader's browser."""
    seen = Checked(page(hostile(HOSTILE)))
    plain = Checked(page(hostile("plain")))
    assert "script" not in seen.tags
    assert "img" not in seen.tags
    assert sorted(seen.tags) == sorted(plain.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert seen.text.count("<script>alert('x')</script>") == plain.text.count("plain") - (
        "plain" in HOSTILE
    )


def test_characters_that_steer_are_shown_and_do_nothing():
    """Terminal commands and reversed writing, in the page and in the terminal; half a character."""
    made = hostile(STEERING)
    html, said = page(made), text(made).plain
    for shown in (html, said):
        assert "[U+202E]cod.exe[U+200B]" in shown
        assert not set("\x1b\x9b\u202e\u200b") & set(shown)
    assert legible("half \udc80").encode() == b"half [U+DC80]"


def test_nothing_is_fetched_and_no_script_runs():
    """A report must be the same on an island, and tell nobody that it is read."""
    seen = Checked(page(told()))
    fetched = [(n, v) for n, v in seen.attributes if n in ("src", "srcset", "action", "background")]
    assert (fetched, {"script", "link", "img", "iframe"} & set(seen.tags)) == ([], set())
    links = [value for name, value in seen.attributes if name == "href"]
    assert all(link.startswith(("#", "https://cwe.mitre.org/")) for link in links)
    anchors = {value for name, value in seen.attributes if name == "id"}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


def test_a_table_is_readable_without_eyes():
    """One first heading, no level left out, a header cell with its scope in every table."""
    html = page(told())
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
    assert len(tables) >= 8
    assert all('scope="col"' in table for table in tables)
    assert '<html lang="en">' in html


def test_the_table_of_issues_is_capped_and_says_so():
    """What is cut is counted, by file; an error is never behind a warning that is shown."""
    many = [Finding(f"f{n % 7}.c", n, LEAK.id, "warning", f"leak {n}") for n in range(1000)]
    found = examined(*many)
    html = page(told(found))
    assert html.count('<span class="tag warning">warning</span></td>\n<td><span') <= ROWS
    assert f"And {len(found.open) - ROWS} more in the SARIF log" in html
    assert "Files with further issues (5 shown)" in html
    assert html.index("the line is copied without its length") < html.index("leak 1<")


def test_the_tables_of_components_and_vulnerabilities_are_capped_and_say_so():
    """A root file system has thousands; those in trouble are the ones that are shown."""
    many = tuple(part(f"library-{n}") for n in range(COMPONENTS + 50))
    worst = [of(many[-1], f"CVE-2025-{n:04}", reason="in range") for n in range(ROWS + 25)]
    html = page(told(examined(inventory=Inventory(parts=many), matches=tuple(worst)), scores=()))
    assert "And 50 more in the SBOM" in html
    assert "And 25 more in the signed statement" in html
    assert html.index(f"library-{COMPONENTS + 49}") < html.index("library-0")


def test_a_release_with_nothing_found_has_every_section_too():
    """Emptiness is said in words, and what was not tried is not a pass."""
    empty = Examined(
        log={}, missing={}, issues=(), inventory=Inventory(parts=()), matches=(),
        advisories_age=timedelta(), assets=(), tested=None, reviewed=None,
        answered=answered([], [], "pump-200", "1.1.0"), expired=(),
    )  # fmt: skip
    made = told(empty, stages=(), signing={}, scores=(), published=True, reasons=())
    artifact = replace(made.artifact, verified=None, sandbox="none: not asked for", toolchain={})
    seen = Checked(page(replace(made, artifact=artifact))).text
    for words in ("No component was found", "Not tested", "no threat model", "not tried",
                  "None is open", "None: every scanner"):  # fmt: skip
        assert words in seen
    assert text(made).plain.startswith("RELEASED ")


def test_the_same_release_gives_the_same_page():
    """No clock, no chance: two people compare reports byte by byte."""
    assert page(told()) == page(told())


def test_the_summary_is_plain_json_and_counts_as_the_page_does():
    """A pipeline reads it without knowing our types."""
    given = json.loads(json.dumps(summary(told())))
    assert (given["verdict"], len(given["reasons"])) == ("not released", 2)
    assert given["issues"]["open"] == {"error": 1, "warning": 1, "note": 0}
    assert given["issues"]["top"][0]["class"] == "memory-write"
    assert given["vulnerabilities"] == {
        "affected": 1, "unknown": 1, "notAffected": 1, "exploited": 1,
        "componentsNoAdvisoryKnows": 1,
    }  # fmt: skip
    assert given["components"]["unknown"] == 1
    assert given["outdatedCryptography"] == ["MD5"]
    assert given["openIncidents"] == ["mercy-2"]
    assert given["seconds"] == pytest.approx(16.79)


def test_a_person_reads_the_outcome_in_a_screenful():
    """The verdict first, the worst issues, and no more than 25 lines however much was found."""
    many = [Finding(f"f{n}.c", n, COPY.id, "error", f"copy {n}\nand more") for n in range(400)]
    missing = {"cppcheck": "not done", "blackbox": "no board"}
    reasons = tuple(f"reason {n}" for n in range(90))
    said = text(told(examined(*many, missing=missing), reasons=reasons)).plain.splitlines()
    assert said[0] == f"NOT RELEASED {NAME}  (development)"
    assert 10 <= len(said) <= 25
    assert any("and 85 more reasons" in line for line in said)
    assert any(line.startswith("missing") and "cppcheck: not done" in line for line in said)

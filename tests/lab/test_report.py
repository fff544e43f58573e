"""The demo's report: complete, well-formed, self-contained, and safe to open."""

import dataclasses
import io
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from rich.console import Console

from firmward.hospital.records.vitals import Kept
from firmward.lab.acts.releases import MONITOR_WORSE, PUMP_2
from firmward.lab.charts import Scale
from firmward.lab.cli import results
from firmward.lab.fleet import Noted
from firmward.lab.footprint import Footprint
from firmward.lab.report import ACTS, matrix, render, write_report
from firmward.lab.scenario import Check
from firmward.lab.story import Cut, Drawn, Entry, Patient, Story, Timed, timed
from firmward.terms.report import Reading

BEGUN = 1_795_000_000.0
HOSTILE = '<script>alert("x")</script>'
PUMPS = ("urn:dev:ops:1-PUMP-P001", f"urn:dev:ops:1-PUMP-{HOSTILE}")
MONITORS = ("urn:dev:ops:1-MON-M001", "urn:dev:ops:1-MON-M002")
EXPLAINED = """pump@1.2.0+5 of acme: REFUSED by pack@1 at 2026-11-21T21:49:50Z
image sha256 00
1 pass, 1 fail, 1 indeterminate, 0 not-applicable

FAIL VUL-001 (critical, waivable): No exploited component
  because    it has one

INDETERMINATE SIG-001 (critical, cannot be waived): It is signed
  because    not known
"""
VOID = {"meta", "br", "link", "hr", "img", "input"}


class Page(HTMLParser):
    """A page that was read: tags that do not close, every address, every id, all text."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_startendtag(self, tag, attrs):
        """`<rect />` opens nothing."""
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_starttag(self, tag, attrs):
        """Remember what must be closed."""
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Only the newest open tag may close."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        """Text as a reader sees it."""
        self.words.append(data)

    def values(self, *names: str) -> list[str]:
        """The values of attributes of these names."""
        return [value for _, name, value in self.attributes if name in names]

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self.words).split())


def entry(number: int, kind: str, stage: str, *subjects: str, **more) -> Entry:
    """An entry, one second after the one before it."""
    actor = subjects[0] if stage == "device" else "firmward"
    detail = more.get("detail", {})
    says = more.get("says", kind)
    return Entry(number, kind, stage, BEGUN + number, actor, subjects, says, detail)


def decided(number: int, release: str, outcome: str) -> Entry:
    """A look at a wave."""
    weights = {f"weight.{name}": 0.25 for name in ("system", "clinical", "integrity", "network")}
    detail = {"outcome": outcome, "rank": 0.002, "alpha": 0.01, "because": ("worse",), **weights}
    return entry(number, "decide.release", "decide", f"rollout:{release}", release, detail=detail)


def rolled_out(first: int, release: str, devices, end: str) -> list[Entry]:
    """The entries of a roll-out in two waves of one device."""
    found = [entry(first, "rollout.wave", "rollout", release)]
    for number, device in enumerate(devices):
        at = first + 1 + 2 * number
        ordered = {"purpose": "install"}
        found.append(entry(at, "order.issued", "order", device, release, detail=ordered))
        found.append(entry(at + 1, "device.kept", "device", device, release, says=HOSTILE))
    return [
        *found,
        entry(first + 5, "rollout.settled", "rollout", release),
        decided(first + 6, release, "rollback" if end == "rollout.stopped" else "observe"),
        entry(first + 7, end, "rollout", release),
    ]


def kept(device: str, second: float, release: str, cadence: int) -> Kept:
    """One reading."""
    reading = Reading(
        t_ms=1,
        cpu=1,
        memory=1,
        reads=10,
        errors=1,
        cadence_ms=cadence,
        age_ms=1,
        response_ms=1,
        rssi=-50,
        link=True,
        in_use=False,
    )
    return Kept(device, BEGUN + second, release, 1, reading)


@pytest.fixture
def story() -> Story:
    """A small play with something in every part, and hostile names wherever a name can stand."""
    altered = PUMPS[0]
    events = (
        entry(0, "vendor.onboarded", "intake", "vendor:acme"),
        *rolled_out(1, PUMP_2, PUMPS, "rollout.done"),
        entry(9, "gate.refused", "gate", "pump@1.2.0+5"),
        *rolled_out(10, MONITOR_WORSE, MONITORS, "rollout.stopped"),
        entry(18, "device.mismatch", "device", altered, says=f"{altered} {HOSTILE}"),
        entry(19, "device.quarantined", "respond", altered),
        entry(20, "device.reinstated", "respond", altered),
    )
    checks = [
        Check(act, f"check {act} {HOSTILE}", f"expected {act}", f"expected {act}", True, 1.0, at)
        for at, act in enumerate(ACTS)
    ]
    readings = [kept(m, s, "old", 1000) for m in MONITORS for s in (2.0, 6.0)]
    return Story(
        now=datetime(2026, 11, 21, tzinfo=UTC),
        begun=BEGUN,
        seconds=30.0,
        memory_mib=412.4,
        checks=tuple(Timed(check, BEGUN + n) for n, check in enumerate(checks)),
        versions=(("firmward", "0.1.0"),),
        events=events,
        devices=tuple(Patient(d, f"ward {HOSTILE}", "r", "active") for d in (*PUMPS, *MONITORS)),
        rollouts=(
            Drawn(PUMP_2, "done", ((PUMPS[0],), (PUMPS[1],))),
            Drawn(MONITOR_WORSE, "stopped", ((MONITORS[0],), (MONITORS[1],))),
        ),
        readings=(*readings, kept(MONITORS[0], 14.0, MONITOR_WORSE, 2600)),
        noted={PUMPS[0]: (Noted(BEGUN + 1.5, "deferred", HOSTILE),)},
        cuts=(Cut(PUMPS[0], f"trial {HOSTILE}"),),
        rules=(("VUL-001", "No exploited component"), ("DEV-001", "In scope")),
        explained={"pump@1.2.0+5": EXPLAINED + HOSTILE},
        audited={"size": 21, "origin": "st-lab", "root": "ab" * 32},
        stories={PUMPS[1]: f"#1 {HOSTILE}"},
    )


def test_the_page_is_well_formed_and_every_id_is_there_once(story):
    """Every tag closes in order; labels and links of the page lead somewhere in it."""
    page = Page(render(story))
    ids = page.values("id")
    wanted = [name for value in page.values("aria-labelledby") for name in value.split()]
    wanted += [value[1:] for value in page.values("href")]

    assert [] == page.wrong
    assert len(ids) == len(set(ids))
    assert set() == set(wanted) - set(ids)
    assert len(page.values("viewbox")) == 6


def test_every_check_is_on_the_page_with_all_that_it_says(story):
    """Act, check, expected, seen, time and ledger entry of each."""
    text = Page(render(story)).text

    for number, (act, (title, says)) in enumerate(ACTS.items()):
        assert f"{act}. {title} (1 of 1) {says}" in text
        what = f"check {act} {HOSTILE}"
        assert f"✓ ok {what} expected {act} expected {act} 1.0 s #{number}" in text
    assert "7 of 7 as expected" in text


def test_the_page_fetches_nothing_and_runs_nothing(story):
    """No address but its own fragments, no script, no handler, no import in its styles."""
    text = render(story)
    page = Page(text)
    tags = {tag for tag, _, _ in page.attributes} | set(re.findall(r"<([a-z]+)", text))

    assert [] == [v for v in page.values("src", "href", "srcset", "data") if v[:1] != "#"]
    assert set() == tags & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert [] == [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"""=["']?\s*https?:""", text)


def test_hostile_names_stay_text_wherever_they_stand(story):
    """A device, ward, check, entry, cut and story named like a script are shown as such."""
    text = render(story)

    assert "<script" not in text.lower()
    assert Page(text).text.count(HOSTILE) >= 15


def test_a_failure_stands_out_and_the_headline_counts_it(story):
    """What was expected and seen is said at the top, and the row is marked."""
    failed = Check("a", "two waves", "12 kept", "11 kept", False, 1.0, -1)
    story = dataclasses.replace(story, checks=(*story.checks, Timed(failed)))
    text = render(story)

    assert not story.ok
    assert "7 of 8 as expected" in text
    assert 'class="verdict failed"' in text
    assert "act a, two waves: expected “12 kept”, saw “11 kept”" in Page(text).text
    assert '<tr class="wrong">' in text


def test_a_story_of_which_most_was_lost_is_still_told_and_is_not_ok(story):
    """A play whose server died has its checks, says what is missing, and does not pass."""
    lost = Story(
        story.now, BEGUN, 30.0, 1.0, story.checks, lost=("events: no answer",), failures=("P1: x",)
    )
    page = Page(render(lost))

    assert not lost.ok
    assert [] == page.wrong
    assert "Missing from this report: events: no answer" in page.text
    assert "Device failure nobody staged: P1: x" in page.text
    assert "Nothing was recorded that could be drawn here." in page.text


def test_a_play_without_checks_is_not_ok(story):
    """Nothing checked is nothing shown to be right."""
    assert not dataclasses.replace(story, checks=()).ok


def test_the_matrix_has_every_rule_and_says_pass_only_where_that_is_known(story):
    """A rule that is not named passed only if the gate found none beside the point."""
    found = {ruled.rule: ruled.words for ruled in matrix(story).rules}
    unsure = EXPLAINED.replace("0 not-applicable", "1 not-applicable")
    other = matrix(dataclasses.replace(story, explained={"r": unsure}))

    assert found == {"VUL-001": ("fail",), "SIG-001": ("indeterminate",), "DEV-001": ("pass",)}
    assert {r.rule: r.words for r in other.rules}["DEV-001"] == ("pass or not applicable",)
    assert matrix(story).releases == (("pump@1.2.0+5", "1 pass, 1 fail, 1 indeterminate"),)


def test_a_check_begins_as_long_before_its_line_as_it_took():
    """Two checks of one name are told apart by their order; one that was not told has no begin."""
    checks = [Check("a", "x", "", "", True, 2.0), Check("a", "x", "", "", False, 1.0)]
    unsaid = Check("b", "never said", "", "", True, 1.0)
    told = [(10.0, "a. title"), (13.0, "ok   a  x: "), (20.0, "FAIL a  x: ")]

    assert [11.0, None, 19.0] == [
        found.begun for found in timed([checks[0], unsaid, checks[1]], told)
    ]


def test_the_report_is_written_as_utf_8(story, tmp_path):
    """What is on disk is what was rendered."""
    write_report(tmp_path / "report.html", story)

    assert (tmp_path / "report.html").read_bytes() == render(story).encode()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_terminal_table_keeps_every_column_and_every_line_in_its_width(width):
    """Act, check, expected, seen, time and entry are whole at 80 columns, markup or not."""
    what = "vendor metadata with too few signatures: device"
    text = "tampered-image, nothing moved"
    checks = [
        Check("c", what, text, text, True, 1.25, 4321),
        Check("c", "[b]", "x", "[/]", False, 0),
    ]
    console = Console(width=width, record=True, file=io.StringIO())
    for shown in results(checks, width):
        console.print(shown)
    said = console.export_text()

    assert [] == [line for line in said.splitlines() if len(line) > width]
    for words in ("act", what, text, "1.2 s", "4321", "FAIL", "[b]", "[/]", "(1 of 2)"):
        assert words in said
    assert said.count(text) == 2


@pytest.mark.parametrize(("start", "end"), [(0.0, 61.3), (0.4, 0.9), (-12.0, 10.0), (5.0, 5.0)])
def test_ticks_are_few_and_lie_within_the_scale(start, end):
    """No axis runs out of its chart or into a loop, even over an empty span."""
    scale = Scale(start, end, 0.0, 100.0)

    assert len(scale.ticks()) <= 11
    assert all(start - 1e-9 <= tick <= end + 1e-9 for tick in scale.ticks())


def test_the_footprint_counts_what_children_hold_and_keeps_their_peak():
    """64 MiB in a child count while it lives, and after it has ended."""
    hold = "import sys; held = bytearray(64 << 20); print('held', flush=True); sys.stdin.read()"
    with Footprint() as footprint:
        before = footprint.memory_mib()
        with subprocess.Popen(
            [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            during = footprint.memory_mib()
        after = footprint.memory_mib()

    assert during - before > 60
    assert after >= during


def test_a_story_has_no_text_that_a_style_or_attribute_could_break_out_of(story):
    """Quotes in names stay inside the attribute or text they stand in."""
    quoted = '"onload="x'
    devices = tuple(dataclasses.replace(d, ward=quoted) for d in story.devices)
    page = Page(render(dataclasses.replace(story, devices=devices)))

    assert [] == page.wrong
    assert [] == [name for _, name, _ in page.attributes if name.startswith("on")]
    assert json.dumps(quoted)[1:3] in json.dumps(page.text)

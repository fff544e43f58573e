"""The threat model: strict reading, judging with evidence, drift, and the page."""

from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from tests.vendors import FIRMWARE

from firmward.terms.errors import Malformed
from firmward.vendor.scan.binary import rules as binary
from firmward.vendor.scan.crypto import rules as crypto
from firmward.vendor.scan.sarif import findings, merge
from firmward.vendor.scan.secrets import rules as secrets
from firmward.vendor.source import pins
from firmward.vendor.threats.assess import MATRIX, Facts, assess, band
from firmward.vendor.threats.diagram import svg
from firmward.vendor.threats.drift import drift, interfaces
from firmward.vendor.threats.library import library
from firmward.vendor.threats.model import read
from firmward.vendor.threats.review import Built, review

TODAY = date(2026, 11, 21)
PUMP = FIRMWARE / "pump" / "threats.yaml"
FACTS = Facts(
    scanners={
        "cppcheck": frozenset(),
        "firmward-binary": frozenset({"writable-code"}),
        "firmward-crypto": frozenset({"weak-cipher", "weak-hash"}),
        "firmward-secrets": frozenset({"array-key", "private-key", "hardcoded-secret"}),
    },
    statements=frozenset({"provenance", "sbom", "vulnerabilities"}),
    files=frozenset(path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.rglob("*")),
)
SMALL = """
system: tiny
covers: ["1.0.0"]
reviewed: 2026-11-01
reviewer: somebody
zones: [{id: inside, name: Inside}, {id: ward, name: Ward}]
assets: [{id: dose, name: Dose, integrity: 5}]
parts: [{id: core, name: Core, zone: inside, implements: [lwip], assets: [dose]}]
interfaces: [{id: radio, name: Radio, kind: wifi, part: core, exposure: network}]
outside: [{id: phone, name: Phone, zone: ward}]
flows: [{id: talk, name: Talk, source: phone, target: core, interface: radio, assets: [dose]}]
"""


def judged(text: str, threat: str, facts: Facts = FACTS, today: date = TODAY):
    """The one judgement of a threat on this model."""
    [found] = [
        each
        for each in assess(read(text.encode()), library(), facts, today).judged
        if each.threat.id == threat
    ]
    return found


def answered(threat: str, rest: str) -> str:
    """The small model with one answer."""
    return f"{SMALL}answers: [{{threat: {threat}, {rest}}}]\n"


def test_an_unanswered_threat_is_open_and_says_so():
    """Nobody has to write that something is open."""
    found = judged(SMALL, "unauthenticated-command")
    assert (found.open, found.band) == (True, "unacceptable")
    assert found.why == "nobody has answered this threat"


def test_a_mitigation_counts_only_while_its_scan_is_clean():
    """A finding of the very rule takes the mitigation back, and so does a scan that failed."""
    text = answered(
        "secrets-in-image",
        "status: mitigated, mitigations: [{control: no-secrets, evidence:"
        " ['scan:firmward-secrets/private-key', 'scan:firmward-secrets/array-key']}]",
    )
    assert judged(text, "secrets-in-image").status == "mitigated"
    dirty = replace(FACTS, findings=frozenset({"firmward-secrets/array-key"}))
    found = judged(text, "secrets-in-image", dirty)
    assert found.open
    assert found.failed == (("no-secrets", "scan:firmward-secrets/array-key"),)
    assert judged(text, "secrets-in-image", replace(FACTS, scanners={})).open


@pytest.mark.parametrize(
    "evidence",
    [
        "statement:cbom",
        "test:blackbox",
        "file:absent.md",
        "scan:firmward-crypto/nobody-looks-for-this",
        "scan:clang-tidy/bugprone",
        "scan:firmward-crypto",
    ],
)
def test_evidence_that_is_not_there_leaves_the_threat_open(evidence):
    """A claim points at something, or it is none."""
    text = answered(
        "weak-cryptography",
        f"status: mitigated, mitigations:"
        f" [{{control: current-algorithms, evidence: ['{evidence}']}}]",
    )
    assert judged(text, "weak-cryptography").open


def test_a_mitigation_without_evidence_is_none():
    """An empty list proves nothing."""
    text = answered(
        "weak-cryptography",
        "status: mitigated, mitigations: [{control: current-algorithms, evidence: []}]",
    )
    assert judged(text, "weak-cryptography").open


def test_an_invented_control_does_not_settle_a_threat():
    """Only controls of the library lower a risk."""
    text = answered(
        "weak-cryptography",
        "status: mitigated, mitigations: [{control: trust-me, evidence: ['statement:provenance']}]",
    )
    assert judged(text, "weak-cryptography").open


def test_an_accepted_risk_needs_a_reason_an_owner_and_a_date():
    """And after the date it is open again."""
    whole = "status: accepted, why: nobody can reach it here, owner: ann, until: 2026-12-01"
    text = answered("side-channel", whole)
    assert judged(text, "side-channel").status == "accepted"
    assert judged(text, "side-channel", today=date(2026, 12, 2)).open
    for part in (", why: nobody can reach it here", ", owner: ann", ", until: 2026-12-01"):
        assert judged(answered("side-channel", whole.replace(part, "")), "side-channel").open


def test_what_a_mitigation_leaves_unacceptable_stays_open():
    """A weak control on a terrible threat does not close it."""
    text = answered(
        "malformed-input",
        "status: mitigated, mitigations: [{control: static-analysis,"
        " evidence: ['scan:cppcheck/bufferAccessOutOfBounds']}]",
    )
    found = judged(text, "malformed-input")
    assert found.held == ("static-analysis",)
    assert (found.open, found.band) == (True, "unacceptable")


def test_the_matrix_never_falls_as_likelihood_or_harm_rise():
    """A worse case is never judged better."""
    order = {"acceptable": 0, "tolerable": 1, "unacceptable": 2}
    grades = range(1, 6)
    for p in grades:
        row = [order[band(p, i)] for i in grades]
        column = [order[band(i, p)] for i in grades]
        assert row == sorted(row)
        assert column == sorted(column)
    assert [len(row) for row in MATRIX] == [5] * 5


def test_the_lab_products_have_an_answer_for_every_threat():
    """Their models are held to what their vendors' users would be."""
    parts = {"pump": ("tinyframe", "pump-200-druglib"), "monitor": ("ringlog",)}
    for app, components in parts.items():
        built = Built("1.1.0", components, b"", b"")
        found = review(FIRMWARE, f"{app}/threats.yaml", built, FACTS, TODAY)
        assert (found.assessment.open, found.assessment.stale, found.drifted) == ((), (), ())


SHIPPED = ["tinyframe", "pump-200-druglib"]


def test_an_interface_that_the_model_lacks_is_found_in_symbols_and_strings():
    """The radio stack that somebody linked in, the shell that somebody left."""
    model = read(PUMP.read_bytes())
    seen = interfaces(["bt_enable", "HAL_UART_Init", "main"], b"..SSH-2.0-dropbear..")
    assert set(seen) == {"bluetooth", "uart", "ssh"}
    drifted = {each.message for each in drift(model, SHIPPED, seen, "1.1.0", TODAY)}
    assert len(drifted) == 2
    assert any("bluetooth, by symbol bt_enable" in each for each in drifted)
    assert any("ssh, by string" in each for each in drifted)


def test_a_component_that_the_model_lacks_is_found_in_the_sbom():
    """And one that is gone is said to be stale; a version nobody reviewed is not covered."""
    model = read(PUMP.read_bytes())
    rules = {each.rule for each in drift(model, ["lwip"], {}, "7.0.0", TODAY)}
    assert rules == {"unmodelled-component", "stale-component", "not-covered"}


def test_a_review_older_than_a_year_is_a_finding():
    """A model describes the world that it was written in."""
    model = read(PUMP.read_bytes())
    later = TODAY + timedelta(days=366)
    assert "not-reviewed" in {each.rule for each in drift(model, ["tinyframe"], {}, "1.0.0", later)}


def test_an_open_unacceptable_threat_is_an_error_in_sarif(tmp_path):
    """So that the vendor's own gate stops on it."""
    (tmp_path / "threats.yaml").write_text(SMALL)
    found = review(tmp_path, "threats.yaml", Built("1.0.0", ("lwip",), b"", b""), FACTS, TODAY)
    levels = {each.rule: each.level for each in findings(merge([found.run]))}
    assert levels["open-threat"] == "error"
    assert {each["threat"] for each in found.predicate["open"]} >= {"malformed-input"}
    assert found.predicate["model"]["digest"]["sha256"] == found.digest


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("part: core", "part: cor", "a known id"),
        ("id: phone", "id: core", "each id once"),
        ("system: tiny", "system: tiny\nsystem: other", "a member twice"),
        ("reviewer: somebody", "reviewer: &a somebody\nowner: *a", "alias"),
        ("integrity: 5", "integrity: 6", "<= 5"),
        ("reviewer: somebody", "reviewer: somebody\nnotes: hello", "unknown field"),
    ],
)
def test_a_model_with_a_flaw_is_refused_with_what_was_expected(old, new, says):
    """Dangling names, doubles, aliases, grades out of range, misspelt members."""
    with pytest.raises(Malformed, match=says):
        read(SMALL.replace(old, new).encode())


def test_a_yaml_bomb_is_refused_before_it_grows():
    """Ten lines of aliases stand for gigabytes."""
    lines = ["a0: &a0 [x, x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    with pytest.raises(Malformed, match="alias"):
        read("\n".join(lines).encode())


def test_the_picture_is_one_well_formed_svg_with_every_element():
    """Names from the model are text in it, never markup."""
    model = read(SMALL.replace("name: Phone", 'name: "<script>Phone"').encode())
    drawn = svg(model, assess(model, library(), FACTS, TODAY))
    ElementTree.fromstring(drawn)  # noqa: S314  it is our own
    assert "<script>" not in drawn
    assert all(name in drawn for name in ("Core", "Inside", "Ward", "Talk"))


def test_the_library_covers_every_letter_of_stride():
    """And every threat has a control, a source and a weakness or a reason to lack one."""
    shelf = library()
    assert len({each.stride for each in shelf.threats}) == 6
    assert len(shelf.threats) >= 35
    assert all(each.controls and each.sources for each in shelf.threats)


def test_every_scan_that_the_library_points_at_names_a_rule_that_is_looked_for():
    """A misspelt rule would never be found, and never hold."""
    rules = {
        f"{tool}/{rule.id}"
        for tool, listed in (
            (secrets.TOOL, secrets.RULES),
            (binary.TOOL, binary.RULES),
            (crypto.TOOL, crypto.RULES),
            (pins.TOOL, pins.RULES),
        )
        for rule in listed
    }
    shown = {each for t in library().threats for c in t.controls for each in c.shown_by}
    ours = {each.removeprefix("scan:") for each in shown if each.startswith("scan:firmward-")}
    assert ours
    assert ours <= rules

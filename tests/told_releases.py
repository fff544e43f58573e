"""A release as reports tell it, put together from real parts with a little of everything wrong."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.vendors import FIRMWARE

from firmward.advisories.match import Match
from firmward.advisories.records import Exploited, Likelihood
from firmward.advisories.scores import Context, score
from firmward.terms.incident import Incident
from firmward.vendor import project as projects
from firmward.vendor.blackbox.campaign import Finding as Trouble
from firmward.vendor.blackbox.campaign import Result
from firmward.vendor.blackbox.result import predicate, sarif
from firmward.vendor.blackbox.trial import Tested
from firmward.vendor.build.artifact import Artifact, Reproducibility
from firmward.vendor.examine import Examined
from firmward.vendor.incidents.answers import Answer, answered
from firmward.vendor.project import Suppression
from firmward.vendor.report.told import Step, Told
from firmward.vendor.sbom.parts import Found, Inventory, Origin
from firmward.vendor.scan.correlate import correlate
from firmward.vendor.scan.crypto.signs import Sign, inventory
from firmward.vendor.scan.sarif import Finding, Rule, merge, run
from firmward.vendor.source.commit import Source
from firmward.vendor.source.signed import Signer
from firmward.vendor.threats.assess import Facts
from firmward.vendor.threats.review import Built, review

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
NAME = "pump-200@1.1.0+3"
COPY = Rule("copy", "error", "An unbounded copy", 120)
LEAK = Rule("leak", "warning", "A key in the source", 798)
STYLE = Rule("style", "note", "Unclear", 0)
EXPIRED = Suppression(
    rule="leak", path="old.c", reason="a test key only", owner="ann@acme", until=date(2026, 1, 1)
)
KEPT = Suppression(
    rule="style", path="kept.c", reason="generated code", owner="bo@acme", until=date(2027, 3, 1)
)


def found_by_scanners(*more: Finding):
    """A few findings of two tools, and these, as issues."""
    first = [
        Finding("pump/pump.c", 40, COPY.id, "error", "the line is copied without its length"),
        Finding("board/uart.c", 12, LEAK.id, "warning", "a password in a string"),
        Finding("kept.c", 3, STYLE.id, "note", "odd name"),
        *more,
    ]
    second = [Finding("pump/pump.c", 40, COPY.id, "warning", "strcpy into a buffer of 16")]
    log = merge([run("alpha", "1", [COPY, LEAK, STYLE], first), run("beta", "2", [COPY], second)])
    return correlate(log, lambda path, line: f"{path} {line}", [EXPIRED, KEPT], "C", TODAY)


def part(name: str, version: str = "1.0", **more) -> Found:
    """A component that the project declares."""
    origin = Origin(collector="declared", path="components.toml", evidence="declared", line=4)
    return Found(name=name, version=version, evidence="declared", origins=(origin,), **more)


def of(found: Found, cve: str, status: str = "affected", **more) -> Match:
    """What an advisory says of a component."""
    return Match(component=found.component, status=status, cve=cve, advisory=f"X-{cve}", **more)


OLD = part("lwip", "2.1.0", supplier="lwIP", licence="BSD-3-Clause", linked="yes",
           purl="pkg:github/lwip-tcpip/lwip@2.1.0", end_of_support=date(2024, 1, 1),
           support_level="not_maintained")  # fmt: skip
NEW = part("tinyframe", "3.0.0", supplier="acme", end_of_support=date(2030, 1, 1))
NAMELESS = part("blob", "", known_unknown=True, confidence=0.4)
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
MATCHES = (
    of(OLD, "CVE-2020-0001", exploited=True, reason="2.1.0 is below 2.1.3", fixed="2.1.3",
       vector=V3, vectors=(("CVSS_V3", V3),)),
    of(OLD, "CVE-2020-0002", "unknown", reason="the record names no versions"),
    of(OLD, "CVE-2019-0003", "not_affected", reason="repaired in 2.0.0"),
    Match(component=NEW.component, status="unknown", reason="no advisory knows it"),
)  # fmt: skip


def black_box() -> Tested:
    """A black-box test that found one crash."""
    inputs = (b"A 1\n", b"\xff\x00crash")
    trouble = Trouble("crash", "no answer after it, fault at 0x20", inputs, True)
    result = Result(1200, 7, 1.5, 31, ("crash", "hang", "reset"), (trouble,))
    settings = {"command": ["python", "-m", "device"], "deadline_ms": 1000}
    told = predicate(result, (b"help\n",), 1, settings)
    return Tested(told, sarif(result, "app.bin"), cached=False)


def incidents():
    """One incident answered, one open."""
    told = [
        Incident(hospital="mercy", ticket=n, vendor="acme", release="pump-200@1.0.0+1", cause="c",
                 subject=subject, reasons=("rule 7 failed",), filed=NOW - timedelta(days=9))
        for n, subject in ((1, "alarm came late"), (2, "rolled back on ward 3"))
    ]  # fmt: skip
    return answered(told, [Answer(incident="mercy-1", fixed_in="1.1.0")], "pump-200", "1.1.0")


def examined(*more: Finding, **other) -> Examined:
    """What was found about one build."""
    issues = found_by_scanners(*more)
    built = Built("1.1.0", ("tinyframe",), b"", b"")
    signs = [
        Sign("pump/pump.c", "MD5", 9, -1, "call", "MD5_Init", 0.9, "called"),
        Sign("app.bin", "SHA-256", 0, 512, "constants", "K", 0.95, "implemented"),
    ]
    base = Examined(
        log=issues.log,
        missing={},
        issues=issues.issues,
        inventory=Inventory(parts=(NEW, OLD, NAMELESS), collectors={"declared": 3}),
        matches=MATCHES,
        advisories_age=timedelta(hours=30),
        assets=inventory(signs),
        tested=black_box(),
        reviewed=review(FIRMWARE, "pump/threats.yaml", built, Facts(), TODAY),
        answered=incidents(),
        expired=(EXPIRED,),
    )
    return replace(base, **other)


def told(found: Examined | None = None, **other) -> Told:
    """A release of the real project file."""
    project = projects.read((FIRMWARE / "pump" / "firmward.toml").read_bytes())
    source = Source(
        repository=Path("/src"), folder="pump", root="", commit="c0ffee" * 6 + "abcd",
        tree="d" * 40, committed=1, remote="https://git.acme.example/pump", project=project,
        signer=Signer("ssh", "ann@acme.example", "SHA256:abcdef"),
    )  # fmt: skip
    artifact = Artifact(
        elf=b"elf", binary=b"bin", map=b"", log="", command=("make", "pump"),
        toolchain={"ziglang": "0.14.0"}, started=NOW, finished=NOW, sandbox="bubblewrap 0.8.0",
        verified=Reproducibility(reproducible=True, path_independent=True),
    )  # fmt: skip
    epss = Likelihood(cve="CVE-2020-0001", epss=0.42, percentile=0.97)
    kev = Exploited(cve="CVE-2020-0001", added="2021-11-03")
    scores = [score(m, Context("C")) for m in MATCHES]
    scores[0] = score(MATCHES[0], Context("C"), exploited=kev, epss=epss)
    base = Told(
        release=NAME, at=NOW, source=source, artifact=artifact, examined=found or examined(),
        stages=(Step("build", 2.5, "9000 bytes"), Step("scan", 14.25, "4 findings"),
                Step("sbom", 0.04, "3 components")),
        published=False, reasons=("pump/pump.c:40: an error", "incident mercy-2: no answer"),
        signing={"development": True, "evidence": ["unsafe-software:ecdsa-p256"]},
        scores=tuple(scores),
    )  # fmt: skip
    return replace(base, **other)

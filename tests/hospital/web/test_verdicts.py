"""Verdicts at a served hospital: listed, read, shown, replayed; and hostile texts in them."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from tests.hospital.web.conftest import Town
from tests.wards import ENGINE
from typer.testing import CliRunner

from firmward.hospital.cli import app
from firmward.hospital.gate.diamond import CORNER_OF, NAMES, OUTCOMES, Diamond, Edge, diamond
from firmward.hospital.gate.diamond_told import told
from firmward.hospital.gate.document import Gap
from firmward.hospital.gate.judge import Judgement, reopen
from firmward.hospital.gate.packs.folder import named, newest
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.page.page import page
from firmward.hospital.gate.replay import read_case, replay
from firmward.hospital.gate.rulings import Ruling, Seen
from firmward.lab import paper_vendor
from firmward.lab.paper_site import PACKS
from firmward.proof import keys
from firmward.terms.errors import Misuse, Refused

CLASS = "pump-200/PUMP-200-B/tier-1"
GOOD, BAD = "pump-200@1.1.0+3", "pump-200@1.3.0+9"


@pytest.fixture(scope="module")
def hall(town) -> Iterator[Town]:
    """The town with one release admitted and one refused."""
    now = datetime.now(UTC)
    desk = town.desk("acme")
    bad = paper_vendor.draft(town.vendor, now, "1.3.0", 9, ())
    pack = paper_vendor.pack(town.vendor, bad, now, evidence={})
    assert not desk.push("acme", pack.bundle)["admitted"]
    good = paper_vendor.draft(town.vendor, now, "1.1.0", 3, ("pump-200@1.0.0+1",))
    assert desk.push("acme", paper_vendor.pack(town.vendor, good, now).bundle)["admitted"]
    return town


def get(hall: Town, path: str, who: str = "ada"):
    """The raw answer to one person."""
    with hall.person(who) as http:
        return http.get(path)


def number(hall: Town, release: str) -> int:
    """The first verdict on a release: the one of its intake."""
    return get(hall, f"/v1/releases/{quote(release, safe='')}/verdicts").json()[0]["verdict"]


@pytest.mark.parametrize("path", [BAD, quote(BAD, safe=""), BAD.replace("@", "%40")])
def test_a_release_is_named_with_its_at_and_plus_however_they_are_written(hall, path):
    """A plus in a path is a plus, never a space."""
    [row] = get(hall, f"/v1/releases/{path}/verdicts").json()
    assert (BAD, CLASS, "intake", False) == tuple(
        row[name] for name in ("release", "class", "moment", "admitted")
    )
    assert row["against"]


def test_verdicts_are_listed_by_class(hall):
    """One class, the newest of each; a class that was never judged has none."""
    path = f"/v1/releases/{quote(GOOD, safe='')}/verdicts"
    assert {CLASS} == {row["class"] for row in get(hall, path).json()}
    assert 1 == len(get(hall, f"{path}?newest=1").json())
    assert 1 <= len(get(hall, f"{path}?class={quote(CLASS, safe='')}").json())
    assert 404 == get(hall, f"{path}?class=pump-200/PUMP-200-B/tier-4").status_code
    assert 404 == get(hall, f"{path}?before={number(hall, GOOD)}").status_code
    assert 400 == get(hall, f"{path}?before=-1").status_code


def test_a_verdict_comes_with_its_judgement_and_its_signed_statement(hall):
    """What was said of every rule, and the envelope that its key verifies."""
    said = get(hall, f"/v1/verdicts/{number(hall, BAD)}").json()
    judgement = msgspec.convert(said["judgement"], Judgement)
    assert (BAD, False) == (judgement.release, judgement.admitted)
    assert {"payload", "payloadType", "signatures"} == set(said["envelope"])
    assert set(NAMES) == set(said["corners"])
    counted = sum(
        count for c in said["corners"].values() for n, count in c.items() if n in OUTCOMES
    )
    assert len(judgement.rulings) == counted
    filed = [t["ticket"] for t in hall.desk("ada").get("/v1/tickets") if BAD in t["cause"]]
    assert {"way": "refused", "tickets": filed} == said["edge"]
    assert 2 == len(filed)


def test_the_case_that_is_handed_out_replays(hall):
    """Outside of the hospital, under its published key."""
    answer = get(hall, f"/v1/verdicts/{number(hall, GOOD)}/case")
    assert "attachment" in answer.headers["content-disposition"]
    key = keys.public_key((hall.server.home / "public" / "verdict.key.json").read_bytes(), "gate")
    found = replay(read_case(answer.content), ENGINE, key)
    assert (True, ()) == (found.same, found.differences)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """An element begins."""
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        """Words."""
        self.text += data


def test_the_page_is_one_file_that_may_do_nothing(hall):
    """Its one style is named by its digest; nothing is fetched, framed, sent or run."""
    answer = get(hall, f"/v1/verdicts/{number(hall, BAD)}/page")
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    policy = answer.headers["content-security-policy"]
    [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert ("nosniff", "no-referrer", "no-store") == tuple(
        answer.headers[name]
        for name in ("x-content-type-options", "referrer-policy", "cache-control")
    )
    read = Page(answer.text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(read.tags)
    names = {name for name, _ in read.attributes}
    assert not {"style", "src", "onload", "onclick"} & names
    links = [value for name, value in read.attributes if name == "href"]
    assert all(link.startswith("#") and link[1:] in read.ids for link in links)
    assert len(read.ids) == len(set(read.ids))


def test_the_page_says_everything_in_words(hall):
    """The decision, the way out, every rule; the drawing has a title and a description."""
    answer = get(hall, f"/v1/verdicts/{number(hall, BAD)}/page")
    read = Page(answer.text)
    judgement = reopen_of(hall, BAD)
    assert {each.rule for each in judgement.rulings} <= set(read.ids)
    for each in judgement.blocking:
        assert each.remedy in read.text
    assert "Refused" in read.text
    assert {"diamond-title", "diamond-says", *NAMES} <= set(read.ids)
    assert ("aria-labelledby", "diamond-title diamond-says") in read.attributes
    assert ("lang", "en") in read.attributes


def reopen_of(hall: Town, release: str) -> Judgement:
    """What was said of a release."""
    said = get(hall, f"/v1/verdicts/{number(hall, release)}").json()["judgement"]
    return msgspec.convert(said, Judgement)


NO_NUMBERS = {
    "0": 404,
    "999999": 404,
    "-1": 400,
    "1e3": 400,
    "٣": 400,
    "9" * 5000: 400,
    "1%00": 400,
    "1%2F2": 404,
    "..": 404,
}


@pytest.mark.parametrize("spoiled", NO_NUMBERS)
@pytest.mark.parametrize("part", ["", "/page", "/case"])
def test_what_is_no_verdict_is_said_to_be_none(hall, spoiled, part):
    """One JSON shape for errors; nothing of the server shows."""
    answer = get(hall, f"/v1/verdicts/{spoiled}{part}")
    assert NO_NUMBERS[spoiled] == answer.status_code, answer.text
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("spoiled", ["pump-200", "a b@1.0.0+1", "%3Cscript%3E@1.0.0+1"])
def test_what_is_no_release_is_malformed(hall, spoiled):
    """Refused by its form."""
    assert 400 == get(hall, f"/v1/releases/{spoiled}/verdicts").status_code
    assert 404 == get(hall, "/v1/releases/pump-200@9.9.9+99/verdicts").status_code


DENIED = {
    ("acme", ""): 403,
    ("acme", "/page"): 403,
    ("acme", "/case"): 403,
    ("noel", ""): 403,
    ("cleo", "/page"): 200,
    ("cleo", "/case"): 403,
    ("bea", "/case"): 403,
    ("sam", "/case"): 200,
}


@pytest.mark.parametrize("asked", DENIED, ids=" ".join)
def test_a_verdict_is_for_the_hospitals_own_people(hall, asked):
    """A vendor's pipeline is told when it pushes; a case holds other people's declarations."""
    who, part = asked
    path = f"/v1/verdicts/{number(hall, BAD)}{part}"
    assert DENIED[asked] == get(hall, path, who).status_code


def test_adoption_is_read_by_everyone_with_a_role(hall):
    """By rule with its day, its releases and who has to act."""
    said = get(hall, "/v1/adoption", "cleo").json()
    assert [GOOD] == [row["release"] for row in said["refused"]]
    assert ["acme"] == {rule["rule"]: rule for rule in said["rules"]}["CRY-006"]["acts"]
    assert 403 == get(hall, "/v1/adoption", "acme").status_code


def run(hall: Town, *words: object):
    """The outcome of one command of somebody at this site."""
    return CliRunner().invoke(app, [*map(str, words), "--site", str(hall.server.home)])


def test_the_command_draws_the_diamond_and_writes_the_files(hall, tmp_path: Path):
    """Text for a terminal; the page and the case for the archive."""
    result = run(hall, "verdict", BAD)
    assert 0 == result.exit_code, result.output
    assert "< REFUSED >" in result.stdout
    assert "v  refused, tickets 1, 2" in result.stdout
    assert "SBM-001" in result.stdout
    files = tmp_path / "v.html", tmp_path / "v.case.json"
    words = ("--class", CLASS, "--page", files[0], "--case", files[1], "--as", "sam", "--json")
    result = run(hall, "verdict", BAD, *words)
    assert 0 == result.exit_code, result.output
    assert BAD == json.loads(result.stdout)[0]["release"]
    assert files[0].read_text().startswith("<!doctype html>")
    assert BAD == read_case(files[1].read_bytes()).release
    every = run(hall, "verdict", GOOD, "--all").stdout
    assert all(f" {each.rule} (" in every for each in reopen_of(hall, GOOD).rulings)
    assert "would be refused, were every rule binding" in run(hall, "adoption").stdout


def test_a_wrong_release_or_number_is_said_at_the_command(hall):
    """Whatever a person types is quoted, and looked up as it is."""
    for words in (("pump-200@9.9.9+99",), ("../status",), (BAD, "--class", "x")):
        assert isinstance(run(hall, "verdict", *words).exception, Refused)
    assert isinstance(run(hall, "verdict", BAD, "--number", "999").exception, Misuse)


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;\u202egnp.exe"


def spoiled(hall: Town) -> Diamond:
    """A verdict in which every text that anybody else wrote is hostile."""
    judgement = reopen_of(hall, BAD)
    rulings = tuple(hostile(each) for each in judgement.rulings)
    said = msgspec.structs.replace(
        judgement,
        vendor=HOSTILE,
        device_class=HOSTILE,
        rulings=rulings,
        weighed=f"{HOSTILE}; refusing {HOSTILE}",
        gaps=(Gap(evidence=HOSTILE[:64], sections=(HOSTILE,), reason=HOSTILE),),
        sources={HOSTILE: HOSTILE},
        exceptions={HOSTILE: HOSTILE},
    )
    return diamond(said, Edge("revoked", tuple(range(1, 9))), 7)


def hostile(ruling: Ruling) -> Ruling:
    """A ruling about something whose names were chosen by an attacker."""
    seen = Seen(
        path=HOSTILE, value=HOSTILE, trust="declared", source_digest=HOSTILE, signer=HOSTILE
    )
    return msgspec.structs.replace(
        ruling,
        title=HOSTILE,
        reason=HOSTILE,
        offenders=(HOSTILE,),
        remedy=HOSTILE,
        sources=(HOSTILE,),
        group=HOSTILE,
        pack=HOSTILE,
        exception=HOSTILE,
        binds_from=HOSTILE,
        seen=(seen,),
    )


def test_hostile_texts_are_read_and_never_obeyed(hall):
    """No element, attribute or direction of writing comes out of a name."""
    shown = spoiled(hall)
    text = page(shown)
    read = Page(text)
    assert not {"script", "img"} & set(read.tags)
    assert "onerror" not in {name for name, _ in read.attributes}
    assert "\u202e" not in text
    assert "[U+202E]gnp.exe" in read.text
    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in told(shown, every=True)
    # What nobody has placed in a corner is not left out.
    assert len(shown.judgement.rulings) == len(shown.corners[0].rulings)


def test_the_same_verdict_is_the_same_page(hall):
    """To the byte: a page that was kept can be compared."""
    shown = spoiled(hall)
    assert page(shown) == page(spoiled(hall))


def test_every_group_of_every_pack_has_one_corner():
    """A new group is placed by a person, not by chance; none is placed that nobody asks."""
    groups = {rule.group for name in named(PACKS) for rule in load(newest(PACKS, name)).rules}
    assert groups == set(CORNER_OF)
    assert set(NAMES) == set(CORNER_OF.values())


def test_every_rule_stands_in_one_corner_and_is_counted_once(hall):
    """Whatever came of it."""
    judgement = reopen(msgspec.json.encode(reopen_of(hall, GOOD)))
    shown = diamond(judgement, Edge("delivery"))
    rules = [each.rule for corner in shown.corners for each in corner.rulings]
    assert sorted(rules) == sorted(each.rule for each in judgement.rulings)
    assert len(rules) == sum(shown.counts.values())
    assert "to signing and delivery" in told(shown)

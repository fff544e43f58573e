"""From a refusal at a served hospital to the vendor's book, and what the next release must say."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from tests.vendor_inbox import inbox
from typer.testing import CliRunner

from firmward.lab import paper_vendor
from firmward.vendor.incidents.answers import Answer, answered
from firmward.vendor.incidents.book import Book
from firmward.vendor.incidents.cli import app


def hospital(town, *words: object) -> None:
    """A command of the hospital's that succeeds."""
    code = "from firmward.hospital.cli import app; app()"
    command = [sys.executable, "-c", code, *map(str, words), "--site", str(town.server.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def vendors(*words: object) -> str:
    """A command of the vendor's that succeeds; what it prints."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def secret(town) -> tuple:
    """The option that names what hospital and vendor share."""
    return "--secret-file", town.folder / "secret"


def refuse(town, version: str, counter: int) -> str:
    """A release without evidence, which the gate refuses."""
    now = datetime.now(UTC)
    draft = paper_vendor.draft(town.vendor, now, version, counter, ())
    pack = paper_vendor.pack(town.vendor, draft, now, evidence={})
    assert not town.desk("acme").push("acme", pack.bundle)["admitted"]
    return draft.release


def await_incidents(book: Book, count: int) -> None:
    """Until the vendor has that many, within ten seconds."""
    end = time.monotonic() + 10
    while len(book.all()) < count and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def vendor(town, tmp_path_factory):
    """The vendor's home, which believes the town's hospital."""
    home = tmp_path_factory.mktemp("vendor")
    hospital(town, "reporter", "--out", town.folder / "vendor.json", *secret(town))
    vendors("trust", town.folder / "vendor.json", "--home", home)
    return home


def test_a_refusal_reaches_the_vendor_and_holds_up_its_next_release(town, vendor):
    """By a signed webhook; until the release says in what it is fixed, or why it is not."""
    release = refuse(town, "1.3.0", 9)
    with inbox(vendor) as url:
        hospital(town, "vendor", "webhook", "acme", f"{url}/st-paper", *secret(town))
        await_incidents(Book(vendor), 1)
        refuse(town, "1.4.0", 11)
        await_incidents(Book(vendor), 2)

    listed = json.loads(vendors("list", "--home", vendor, "--json"))["incidents"]
    assert [each["release"] for each in listed] == [release, "pump-200@1.4.0+11"]
    assert len(listed[0]["reasons"]) > 5
    taken = {e["kind"] for e in town.events(f"ticket:{listed[0]['ticket']}")}
    assert taken == {"ticket.filed", "incident.delivered"}

    book = Book(vendor).all()
    open_ = answered(book, (), "pump-200", "1.5.0").open
    assert list(open_) == [each.name for each in book]
    given = [Answer(incident=each.name, fixed_in="1.5.0") for each in book]
    assert answered(book, given, "pump-200", "1.5.0").open == {}


def test_a_report_goes_as_a_file_too(town, vendor, tmp_path):
    """For a vendor without a webhook; the same signed bytes."""
    release = refuse(town, "1.6.0", 13)
    mine = [t for t in town.desk("acme").get("/v1/tickets") if t["subject"].startswith(release)]
    number, out = mine[0]["ticket"], tmp_path / "report.json"
    hospital(town, "ticket", "export", number, "--out", out)
    vendors("receive", out, "--home", vendor)
    assert release in {each.release for each in Book(vendor).all()}


def test_a_vendor_gets_its_own_reports_only_and_nobody_the_secret(town):
    """Another's ticket, one of the house, a number that is none, a stranger."""
    refuse(town, "1.7.0", 15)
    house = [t for t in town.desk("bea").get("/v1/tickets") if t["recipient"] != "acme"]
    for number in (house[0]["ticket"], 999999, "x", "-1", "1" * 40):
        said = town.person("acme").get(f"/v1/tickets/{number}/incident")
        assert said.status_code >= 400
        assert b"payload" not in said.content
    assert town.person("noel").get("/v1/reporter").status_code == 403
    assert "secret" not in town.desk("sam").get("/v1/reporter")


def test_a_webhook_is_set_by_security_alone(town):
    """Whoever may set it reads every report."""
    body = json.dumps({"url": "https://evil.example/x", "secret": "whsec_" + "QUJD" * 12})
    for name in ("bea", "acme", "ada", "rita", "noel"):
        said = town.person(name).post("/v1/vendors/acme/webhook", content=body)
        assert said.status_code == 403
    assert town.person("sam").post("/v1/vendors/evil/webhook", content=body).status_code >= 400
    kinds = [e["actor"] for e in town.events("vendor:acme") if e["kind"] == "vendor.webhook"]
    assert set(kinds) <= {"sam"}

"""What a vendor is told: signed, without names, kept with its ticket and sent until it is taken."""

import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.object_server import object_server
from tests.vendor_inbox import inbox
from tests.wards import RELEASE, Ward, new_ward

from firmward.hospital.records import outbox, rollouts
from firmward.hospital.records.vendors import UnknownVendor
from firmward.hospital.respond import advance, incidents, private, telling
from firmward.hospital.respond.incidents import Fault
from firmward.hospital.respond.telling import Address, send_next, subscribe
from firmward.proof.envelope import unseal_statement
from firmward.proof.keys import public_key
from firmward.terms.errors import Malformed
from firmward.terms.incident import INCIDENT, Incident
from firmward.terms.wire import convert
from firmward.vendor.incidents.book import Book

SECRET = "whsec_" + "QUJDRUZHSElKS0xNTk9QUVJTVFVWV1hZWjAxMjM0NTY3"


@pytest.fixture
def quiet(tmp_path) -> Ward:
    """A hospital with a vendor and no devices."""
    ward = new_ward(tmp_path)
    yield ward
    ward.site.close()


def tell(ward: Ward, *reasons: str, cause: str = "refused:x") -> int:
    """A fault of a release; the number of the vendor's ticket."""
    fault = Fault("acme", RELEASE, "a" * 64, cause, f"{RELEASE} was refused")
    with ward.site.store.writing() as connection:
        incidents.tell(connection, ward.site, fault, reasons, ward.now)
    return ward.tickets()[-1].ticket


def report(ward: Ward, ticket: int) -> outbox.Report | None:
    """A ticket's row in the outbox."""
    with ward.site.store.reading() as connection:
        return outbox.find(connection, ticket)


def opened(ward: Ward, ticket: int, sha256: str) -> Incident:
    """The incident in a report, verified as a vendor would."""
    key = public_key(incidents.reporter(ward.site).verdict_key, "site")
    body = report(ward, ticket).body
    said = unseal_statement(body, [key], "x", sha256=sha256, predicate_type=INCIDENT)
    return convert(said.predicate, Incident, "x")


def send_all(ward: Ward) -> list[str]:
    """Everything that is due."""
    said = []
    while one := send_next(ward.site, ward.now):
        said.append(one)
    return said


def test_a_withdrawn_release_is_reported_without_anybodys_name(ward):
    """A person stops a roll-out with words about a patient; the vendor learns that it was so."""
    device = ward.begin()[0]
    words = f"Mr. Miller in ward-3 is on {device.device}"
    with ward.site.store.writing() as connection:
        row = rollouts.every(connection, "running")[0]
        reasons = (private.by_hand("sam", words), f"{device.device}: 3 restarts", "cpu in ward-3")
        advance.stop(connection, ward.site, row, reasons, ward.now)

    [ticket] = [t for t in ward.tickets() if t.recipient == "acme"]
    said = opened(ward, ticket.ticket, ward.release(RELEASE).image_sha256)
    assert said.name == f"st-paper-{ticket.ticket}"
    assert (said.release, said.cause) == (RELEASE, f"withdrawn:{RELEASE}")
    assert said.reasons == ticket.reasons
    assert said.reasons == (
        "a person of the hospital decided so",
        "a device: 3 restarts",
        "cpu in (name withheld)",
    )
    [ours] = [t for t in ward.tickets() if t.recipient == "biomed-security"]
    assert words in ours.reasons[0]


def test_devices_with_altered_flash_make_one_report_for_their_release(ward):
    """The vendor hears what was seen, and not where or how often."""
    ward.begin()
    for device in ward.fleet[:2]:
        ward.report(device, measured_sha256="b" * 64)
    [ticket] = [t for t in ward.tickets() if t.recipient == "acme"]
    said = opened(ward, ticket.ticket, ward.fleet[0].image_sha256)
    assert "hash-mismatch" in said.subject
    assert not any("urn:dev" in text for text in (said.subject, said.cause, *said.reasons))


def test_a_ticket_without_its_report_is_not_filed(quiet):
    """Both are written in one transaction; what breaks it leaves neither, and no event."""
    before = len(quiet.tickets()), len(quiet.events())
    fault = Fault("acme", RELEASE, "a" * 64, "c", "s")
    with suppress(ZeroDivisionError), quiet.site.store.writing() as connection:
        incidents.tell(connection, quiet.site, fault, ("r",), quiet.now)
        assert outbox.find(connection, 1)
        raise ZeroDivisionError
    assert before == (len(quiet.tickets()), len(quiet.events()))
    assert report(quiet, 1) is None


def test_reports_wait_for_a_webhook_and_are_sent_once(quiet, tmp_path):
    """Those of before it was known as well; each is on the ledger."""
    numbers = [tell(quiet, "r", cause=f"c{n}") for n in range(2)]
    assert send_all(quiet) == []
    book = Book(tmp_path / "vendor")
    book.trust(replace(incidents.reporter(quiet.site), secret=SECRET))
    with inbox(tmp_path / "vendor") as url:
        subscribe(
            quiet.site, "acme", Address(url=f"{url}/st-paper", secret=SECRET), "sam", quiet.now
        )
        assert len(send_all(quiet)) == 2
        assert send_all(quiet) == []
    assert [each.ticket for each in book.all()] == numbers
    assert {report(quiet, n).state for n in numbers} == {"delivered"}
    assert len(quiet.events("incident.delivered")) == 2
    assert quiet.events("vendor.webhook")[0].actor == "sam"


def test_a_vendor_that_does_not_answer_is_asked_again_later_and_given_up_after_a_week(quiet):
    """Less and less often; then a person is told, and may try again."""
    number = tell(quiet, "r")
    with object_server() as store:
        address = Address(url=f"{store.url}/hook", secret=SECRET)
        subscribe(quiet.site, "acme", address, "sam", quiet.now)
        waits = []
        for _ in range(4):
            assert len(send_all(quiet)) == 1
            waits.append(report(quiet, number).next_at - quiet.now.timestamp())
            quiet.now += timedelta(seconds=waits[-1])
        assert waits == [5.0, 10.0, 20.0, 40.0]
        quiet.now += telling.PATIENCE
        send_all(quiet)
        assert report(quiet, number).state == "given-up"
        assert len(quiet.events("incident.given-up")) == 1
        assert quiet.tickets()[-1].recipient == "biomed-security"
        quiet.now += timedelta(days=30)
        assert send_all(quiet) == []
        subscribe(quiet.site, "acme", address, "sam", quiet.now)
        assert report(quiet, number).state == "waiting"


SEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from firmward.hospital.records.site import open_site
from firmward.hospital.respond.telling import send_next
print(send_next(open_site(Path(sys.argv[1])), datetime.now(UTC)))
"""


def test_a_kill_between_the_vendors_answer_and_our_row_sends_the_same_message_again(quiet):
    """A real SIGKILL, by the vendor's server, of the process that sends."""
    tell(quiet, "r")
    with object_server() as store:
        address = Address(url=f"{store.url}/hook", secret=SECRET)
        subscribe(quiet.site, "acme", address, "sam", quiet.now)
        sender: list[subprocess.Popen] = []
        store.after = lambda path: len(sender) == 1 and (sender[0].kill() or True)
        store.posts = 204
        for _ in range(2):
            sender.append(subprocess.Popen([sys.executable, "-c", SEND, quiet.site.home]))
            sender[-1].wait()
    assert [each.returncode for each in sender] == [-signal.SIGKILL, 0]
    ids = [headers["webhook-id"] for headers in store.headers]
    assert ids == ["st-paper-1"] * 2
    assert report(quiet, 1).state == "delivered"
    assert len(quiet.events("incident.delivered")) == 1


def test_a_server_that_cannot_be_reached_holds_nothing_up(quiet):
    """A port where nobody listens; the report stays."""
    number = tell(quiet, "r")
    address = Address(url="http://127.0.0.1:9/x", secret=SECRET)
    subscribe(quiet.site, "acme", address, "sam", quiet.now)
    assert len(send_all(quiet)) == 1
    assert report(quiet, number).attempts == 1


BAD = (
    {"url": "http://vendor.example/x"},
    {"url": "ftp://127.0.0.1/x"},
    {"url": "https://"},
    {"url": "https://a:b@vendor.example/x"},
    {"url": "http://127.0.0.1:99999999/x"},
    {"secret": "whsec_short"},
    {"authority": "no certificate"},
)


def test_a_webhook_that_would_leak_or_cannot_work_is_refused(quiet):
    """In clear over a network, with a password in it, with no real secret."""
    for changes in BAD:
        good = {"url": "https://vendor.example/x", "secret": SECRET}
        with pytest.raises(Malformed):
            subscribe(quiet.site, "acme", Address(**(good | changes)), "sam", quiet.now)
    assert quiet.events("vendor.webhook") == []


def test_a_webhook_of_a_vendor_nobody_onboarded_is_refused(quiet):
    """Reports about one vendor's holes would go to another."""
    address = Address(url="https://vendor.example/x", secret=SECRET)
    with pytest.raises(UnknownVendor):
        subscribe(quiet.site, "borealis", address, "sam", quiet.now)

"""Reports from hospitals: who is believed, what is kept, and what the next release must say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from tests.vendors import contents

from firmward.proof import webhook
from firmward.proof.envelope import seal_statement
from firmward.proof.keys import new_signer, public_document
from firmward.terms.errors import Malformed, Misuse, NotTrusted
from firmward.terms.incident import INCIDENT, Incident, Reporter
from firmward.terms.statement import statement
from firmward.terms.wire import plain
from firmward.vendor.incidents.answers import Answer, answered, read
from firmward.vendor.incidents.book import Book
from firmward.vendor.incidents.listen import receiver

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "whsec_" + "c2VjcmV0IG9mIGEgaG9zcGl0YWwgYW5kIGEgdmVuZG9y"


def incident(hospital: str = "st-anna", ticket: int = 4, **members) -> Incident:
    """A refusal of the pump's release."""
    said = {
        "vendor": "acme",
        "release": "pump-200@1.1.0+3",
        "cause": "refused:pump-200@1.1.0+3",
        "subject": "pump-200@1.1.0+3 was refused",
        "reasons": ("SEC-001: a password is in the image",),
        "filed": NOW,
    }
    return Incident(hospital=hospital, ticket=ticket, **(said | members))


def sealed(signer, said: Incident, predicate_type: str = INCIDENT) -> bytes:
    """A report as a hospital signs it."""
    about = statement(said.release, "a" * 64, predicate_type, plain(said))
    return seal_statement(about, [signer])


@dataclass
class World:
    """A vendor that believes one hospital."""

    home: Path
    book: Book
    signer: object

    @property
    def kept(self) -> dict[str, bytes]:
        """Every report in the book."""
        return contents(self.home / "incidents")


@pytest.fixture
def world(tmp_path) -> World:
    """St. Anna's key is known, and nothing was reported yet."""
    signer, book = new_signer(), Book(tmp_path)
    document = public_document(signer.public_key)
    book.trust(Reporter(hospital="st-anna", verdict_key=document, secret=SECRET))
    return World(tmp_path, book, signer)


def test_a_signed_report_is_kept_once(world):
    """The same report twice is one incident: hospitals send until they are heard."""
    report = sealed(world.signer, incident())
    assert world.book.receive(report) == (incident(), True)
    assert world.book.receive(report) == (incident(), False)
    assert world.book.all() == (incident(),)
    assert list(world.kept) == ["st-anna-4.json"]


def test_a_report_signed_again_is_the_same_report(world):
    """ECDSA gives another signature each time; the words count."""
    world.book.receive(sealed(world.signer, incident()))
    before = world.kept
    assert world.book.receive(sealed(world.signer, incident()))[1] is False
    assert world.kept == before


@pytest.mark.parametrize(
    "attack",
    [
        lambda world: sealed(new_signer(), incident()),
        lambda world: sealed(world.signer, incident(hospital="st-berta")),
        lambda world: sealed(world.signer, incident(), "https://slsa.dev/provenance/v1"),
        lambda world: sealed(world.signer, incident()).replace(b"payload", b"paylaod"),
        lambda world: b"{}",
    ],
)
def test_a_report_that_no_known_hospital_signed_leaves_nothing(world, attack):
    """A stranger's key, another hospital's name, another kind of statement, broken bytes."""
    with pytest.raises((NotTrusted, Malformed)):
        world.book.receive(attack(world))
    assert world.kept == {}


def test_a_number_cannot_be_reported_with_other_words(world):
    """Nor can a report to another vendor be slipped in."""
    world.book.receive(sealed(world.signer, incident()))
    before = world.kept
    with pytest.raises(NotTrusted, match="reported before"):
        world.book.receive(sealed(world.signer, incident(subject="nothing happened")))
    with pytest.raises(NotTrusted, match="a report to borealis"):
        world.book.receive(sealed(world.signer, incident(ticket=5)), "borealis")
    assert world.kept == before


def test_a_report_altered_in_the_book_is_noticed(world):
    """Whoever writes to the folder cannot change what a hospital said."""
    world.book.receive(sealed(world.signer, incident()))
    path = world.home / "incidents" / "st-anna-4.json"
    path.write_bytes(sealed(new_signer(), incident(subject="all is well")))
    with pytest.raises(NotTrusted):
        world.book.all()


def test_a_known_hospital_is_not_replaced_in_passing(world):
    """A second file with its name would let anybody sign for it."""
    document = public_document(new_signer().public_key)
    with pytest.raises(Misuse, match="not known yet"):
        world.book.trust(Reporter(hospital="st-anna", verdict_key=document))


def test_an_incident_is_open_until_the_release_says_something_to_it():
    """Fixed in a version that this one has reached, or why not and who says so."""
    heard = [incident()]

    def left(*answers: Answer, version: str = "1.2.0") -> list[str]:
        return list(answered(heard, answers, "pump-200", version).open)

    name = heard[0].name
    assert left() == [name]
    assert left(Answer(incident=name, fixed_in="1.2.0")) == []
    assert left(Answer(incident=name, fixed_in="1.2.0"), version="1.1.9") == [name]
    assert left(Answer(incident=name, why_not="only seen on the bench")) == [name]
    assert left(Answer(incident=name, why_not="only seen on the bench", owner="ann")) == []


def test_other_products_incidents_do_not_ask_this_one():
    """And what names no product asks every one."""
    heard = [incident(release="monitor-7@1.0.0+1"), incident(ticket=5, release="")]
    assert list(answered(heard, (), "pump-200", "1.0.0").open) == ["st-anna-5"]


def test_only_answers_that_hold_are_told_to_hospitals():
    """What is still open is not dressed up as answered."""
    heard = [incident(), incident(ticket=5)]
    given = [
        Answer(incident="st-anna-4", fixed_in="1.2.0"),
        Answer(incident="st-anna-5", fixed_in="9.0.0"),
    ]
    said = answered(heard, given, "pump-200", "1.2.0").predicate["answers"]
    assert [each["incident"] for each in said] == ["st-anna-4"]


def test_the_file_of_answers_is_read_strictly(tmp_path):
    """A misspelt member would be an answer that nobody sees."""
    (tmp_path / "incidents.toml").write_text('[[answer]]\nincident = "st-anna-4"\nfix = "1.2.0"\n')
    with pytest.raises(Malformed, match="fix"):
        read(tmp_path, "incidents.toml")
    assert read(tmp_path, "") == ()


@contextmanager
def listening(world: World) -> Iterator[tuple[str, list[str]]]:
    """The receiver on a real socket, and what it says."""
    lines: list[str] = []
    app = receiver(world.book, "acme", lines.append)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/incidents/st-anna", lines
    finally:
        server.should_exit = True
        thread.join(10)


def test_a_signed_webhook_reaches_the_book(world):
    """And the same message again is answered alike, so that the sender stops."""
    body, key = sealed(world.signer, incident()), webhook.secret(SECRET, "test")
    said = webhook.headers(key, "msg_1", body, datetime.now(UTC))
    with listening(world) as (url, lines):
        codes = [httpx.post(url, content=body, headers=said).status_code for _ in range(2)]
    assert codes == [204, 204]
    assert lines == ["st-anna-4: kept", "st-anna-4: known already"]
    assert list(world.kept) == ["st-anna-4.json"]


def test_a_webhook_without_the_secret_or_out_of_time_keeps_nothing(world):
    """A stranger, a replay from an hour ago, a body that was swapped, no signature at all."""
    body, key = sealed(world.signer, incident()), webhook.secret(SECRET, "test")
    now = datetime.now(UTC)
    attacks = [
        webhook.headers(b"another secret of enough bytes", "msg_1", body, now),
        webhook.headers(key, "msg_1", body, now - timedelta(hours=1)),
        webhook.headers(key, "msg_1", body + b" ", now),
        {},
    ]
    with listening(world) as (url, lines):
        codes = [httpx.post(url, content=body, headers=said).status_code for said in attacks]
        other = url.replace("st-anna", "st-berta")
        right = webhook.headers(key, "msg_1", body, now)
        codes.append(httpx.post(other, content=body, headers=right).status_code)
    assert codes == [400] * 5
    assert len(lines) == 5
    assert world.kept == {}


def test_the_signature_is_that_of_the_specification():
    """The vector of the Standard Webhooks specification's reference libraries."""
    key = webhook.secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "test")
    at = datetime.fromtimestamp(1614265330, UTC)
    said = webhook.headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)
    assert said["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

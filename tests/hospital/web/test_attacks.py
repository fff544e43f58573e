"""What a device, a vendor or a person with a certificate can try, and what then moves: nothing."""

import http.client
import json
import socket
import ssl
import time
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from tests.wards import RELEASE

from firmward.audit.verify import verify
from firmward.lab import paper_vendor
from firmward.lab.paper_device import CALM
from firmward.terms import checkin


def awaited(ready, seconds: float = 20.0):
    """What `ready` gives once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


@pytest.fixture(scope="module")
def ordered(town):
    """An admitted release and the devices, of six, that are ordered to install it."""
    town.join(4)
    for device in town.fleet:
        assert device.vitals(*[CALM] * 4).is_success
    pack = paper_vendor.pack(
        town.vendor, paper_vendor.draft(town.vendor, datetime.now(UTC)), datetime.now(UTC)
    )
    said = town.desk("acme").push("acme", pack.bundle)
    assert said["admitted"], said["reasons"]
    town.vendor = pack.vendor
    awaited(lambda: any(d.check_in().order_version for d in town.fleet))
    # A wave is ordered in one transaction: asked once more, all of it is there.
    return [d for d in town.fleet if d.check_in().order_version]


def test_an_ordered_device_fetches_in_ranges_what_its_order_names(town, ordered):
    """In two pieces, decrypted with its own key, to the digest the vendor signed."""
    device = ordered[0]
    [order] = device.orders()
    path = checkin.BLOBS + order.ciphertext_sha256

    assert order.release == RELEASE
    assert len(device.image(order, cut=1000)) == len(device.image(order))
    part = device.ask("GET", path, range="bytes=10-19")
    assert (part.status_code, len(part.content)) == (206, 10)
    assert part.headers["content-range"] == f"bytes 10-19/{order.ciphertext_length}"
    assert device.ask("GET", path, range="bytes=99999999-").status_code == 416


def test_one_device_cannot_have_what_is_anothers(town, ordered):
    """Director files have no name but the asker's own, and the blob is withheld and noted."""
    mine = ordered[0]
    other = next(device for device in town.fleet if device not in ordered)
    [order] = mine.orders()

    assert other.ask("GET", checkin.DIRECTOR + "timestamp.json").status_code == 404
    answer = other.ask("GET", checkin.BLOBS + order.ciphertext_sha256)
    assert answer.status_code == 409
    assert "withheld" in town.events(other.device)[-1]["says"]


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fkeys%2fledger.key", "kept:root", "%00", "", "1.root.json%0a", "x" * 3000],
)
@pytest.mark.parametrize("base", [checkin.DIRECTOR, checkin.IMAGE, checkin.BLOBS])
def test_a_name_that_is_no_file_leads_nowhere(town, base, name):
    """Neither out of the folder nor to what intake keeps for itself."""
    answer = town.fleet[0].ask("GET", base + name)

    assert answer.status_code in (400, 404, 405, 409)
    assert b"PRIVATE" not in answer.content
    json.loads(answer.content)


def test_a_quarantined_device_is_cut_off_but_may_speak(town):
    """Isolated by a person; no metadata, image or identity, but reports and vitals."""
    [device] = town.join(1)
    town.desk("sam").post(f"/v1/devices/{device.device}/quarantine", {"finding": "odd traffic"})

    for path in (
        checkin.DIRECTOR + "1.root.json",
        checkin.DIRECTOR + "timestamp.json",
        checkin.IMAGE + "timestamp.json",
        checkin.BLOBS + "0" * 64,
    ):
        assert device.ask("GET", path).status_code == 409
    assert device.check_in().order_version == 0
    assert device.report().status_code == 200
    assert device.vitals().status_code == 200
    with pytest.raises(Exception, match="quarantined"):
        device.enrol()


def test_a_device_cannot_write_what_no_reader_of_the_ledger_can_parse(town):
    """Control characters in a path end up readable, and the auditor still accepts the log."""
    [device] = town.join(1)
    town.desk("sam").post(f"/v1/devices/{device.device}/quarantine", {"finding": "x"})

    assert device.ask("GET", checkin.DIRECTOR + "%1b%5b2J%07%c2%85").status_code == 409

    says = town.events(device.device)[-1]["says"]
    assert "\ufffd[2J\ufffd\ufffd" in says
    folder = town.server.home / "ledger"
    number = len(town.events())
    awaited(lambda: len(verify(folder, (folder / "vkey").read_text())) >= min(number, 900))


def raw(town, name: str, plane: str) -> ssl.SSLSocket:
    """A TLS connection on which any bytes can be sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(town.server.home / "public" / "authority.pem")
    folder = town.server.home / "people" / name
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    port = getattr(town.server.ports, plane)
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def answered(sock: ssl.SSLSocket, head: str) -> tuple[int, bytes]:
    """Status and body of the answer to these request lines."""
    sock.sendall(head.replace("\n", "\r\n").encode())
    response = http.client.HTTPResponse(sock)
    response.begin()
    return response.status, response.read()


@pytest.mark.parametrize(
    ("name", "length", "status"),
    [
        ("acme", 64 * 2**20 + 1, 400),
        ("acme", 10**12 - 1, 400),
        ("ada", 64 * 2**20, 403),
        ("noel", 10, 403),
    ],
)
def test_who_may_not_or_announces_too_much_is_refused_before_sending(town, name, length, status):
    """Not one byte of the body was sent, and the answer is there."""
    with raw(town, name, "people") as sock:
        head = f"POST /v1/bundles/acme HTTP/1.1\nHost: h\nContent-Length: {length}\n\n"
        found, body = answered(sock, head)

    assert found == status
    assert "error" in json.loads(body)


def test_a_body_that_grows_beyond_its_limit_is_cut_off(town):
    """Chunked, so nothing was announced."""
    with town.person("sam") as http_:

        def endless():
            for _ in range(64):
                yield b"x" * 65536

        answer = http_.post("/v1/vendors", content=endless())

    assert answer.status_code == 400


HOSTILE = {
    "empty": b"",
    "no-json": b"{",
    "null": b"null",
    "list": b"[]",
    "twice": b'{"finding":"a","finding":"b"}',
    "unknown-field": b'{"finding":"a","admin":true}',
    "deep": b"[" * 5000,
    "number": b'{"finding":1e999}',
    "surrogate": b'{"finding":"\\ud800"}',
    "control": b'{"finding":"\\u001b[2J"}',
    "too-long": b'{"finding":"' + b"x" * 400 + b'"}',
    "nothing-said": b'{"finding":""}',
    "latin": b'{"finding":"\xe9"}',
    "utf-16": '{"finding":"a"}'.encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_gives_one_clear_error_and_changes_nothing(town, name):
    """On the device plane and on the people plane alike."""
    device, before = town.fleet[1], town.state()

    with town.person("sam") as http_:
        path = f"/v1/devices/{device.device}/quarantine"
        answers = [http_.post(path, content=HOSTILE[name])]
        answers += [http_.post("/v1/vendors", content=HOSTILE[name])]
    for path in (checkin.REGISTER, checkin.REPORTS, checkin.VITALS):
        answers.append(device.ask("POST", path, HOSTILE[name]))

    for answer in answers:
        assert answer.status_code in (400, 403), answer.text
        fault = json.loads(answer.content)["error"]
        assert fault["who"]
        assert fault["kind"] in ("Malformed", "NotTrusted")
    assert town.state() == before


@pytest.mark.parametrize("start", ["x", "-1", "\u00b2", "9" * 40, "1e3", "%00"])
def test_a_sequence_number_that_is_none_is_a_clear_error(town, start):
    """No trace of the server's inside."""
    with town.person("ada") as http_:
        answer = http_.get("/v1/events", params={"from": start})

    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]["who"] == "from"


def test_a_replayed_report_changes_nothing(town):
    """The same bytes are acknowledged again; an older sequence is refused and noted."""
    [device] = town.join(1)
    device.sequence += 1
    sealed = device.sealed()
    assert device.ask("POST", checkin.REPORTS, sealed).status_code == 200
    device.report(floor=7)
    before = town.state()

    answer = device.ask("POST", checkin.REPORTS, sealed)

    assert answer.status_code == 409
    assert json.loads(answer.content)["error"]["kind"] == "Replayed"
    assert town.state() == before
    assert "expected a sequence above" in town.events(device.device)[-1]["says"]


def test_vitals_seen_before_change_nothing(town):
    """A batch whose answer was lost is sent again."""
    device = town.fleet[1]
    batch = device.batch(CALM)

    assert device.ask("POST", checkin.VITALS, batch).json() == {"accepted": device.batches}
    assert device.ask("POST", checkin.VITALS, batch).json() == {"accepted": device.batches}


def test_a_device_cannot_send_vitals_of_another(town):
    """They would make a healthy neighbour look ill."""
    first, second = town.fleet[:2]

    answer = first.ask("POST", checkin.VITALS, second.batch(CALM))

    assert answer.status_code == 403
    second.batches -= 1


def test_a_reading_out_of_range_is_refused_whole(town):
    """One bad reading in a batch, and none of it is kept."""
    device = town.fleet[0]
    body = device.batch(CALM, replace(CALM, cpu=1001))

    assert device.ask("POST", checkin.VITALS, body).status_code == 400
    device.batches -= 1

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
from typer.testing import CliRunner

from firmward.audit.verify import verify
from firmward.hospital.cli import app
from firmward.hospital.web.native import DevicePlane, EnrolmentPlane
from firmward.hospital.web.people import PeoplePlane
from firmward.lab import paper_vendor
from firmward.lab.paper_device import CALM
from firmward.terms import checkin
from firmward.terms.wire import encode


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
    pack = paper_vendor.pack(town.vendor, paper_vendor.draft(town.vendor, now()), now())
    said = town.desk("acme").push("acme", pack.bundle)
    assert said["admitted"], said["reasons"]
    town.vendor = pack.vendor
    return awaited(lambda: [d for d in town.fleet if d.check_in().order_version])


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


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


@pytest.fixture(scope="module")
def refused(town) -> str:
    """A release that the gate refuses: it has no evidence at all."""
    draft = paper_vendor.draft(town.vendor, now(), "1.3.0", 9, ())
    pack = paper_vendor.pack(town.vendor, draft, now(), evidence={})
    said = town.desk("acme").push("acme", pack.bundle)
    assert not said["admitted"]
    assert len(said["reasons"]) > 5
    town.bundles = [pack.bundle]
    return draft.release


def test_a_refused_release_files_one_ticket_each_for_vendor_and_hospital(town, refused):
    """With every reason, and the vendor sees its own only."""
    mine = [t for t in town.desk("acme").get("/v1/tickets") if t["subject"].startswith(refused)]
    all_ = [t for t in town.desk("bea").get("/v1/tickets") if t["subject"].startswith(refused)]

    assert [t["recipient"] for t in mine] == ["acme"]
    assert sorted(t["recipient"] for t in all_) == ["acme", "biomed-security"]
    assert {t["recipient"] for t in town.desk("acme").get("/v1/tickets", to="x")} == {"acme"}


def test_no_route_pushes_a_refused_release_through(town, refused):
    """Every route of every plane, by everybody who may use it, with the release in every place."""
    finding = encode({"finding": refused})
    bodies = (town.bundles[0], finding, encode({"release": refused, "state": "admitted"}))
    planes = (DevicePlane(None, None), EnrolmentPlane(None), PeoplePlane.__new__(PeoplePlane))
    device = town.fleet[0]
    asked = 0
    for plane in planes:
        for endpoint in plane.endpoints():
            path = endpoint.path
            for part in ("{name}", "{sha256}", "{rollout}", "{device}"):
                path = path.replace(part, f"rollout:{refused}" if "roll" in part else refused)
            path = path.replace("{vendor}", "acme")
            for body in bodies if endpoint.method == "POST" else (b"",):
                asked += 1
                if plane is planes[0]:
                    device.ask(endpoint.method, path, body)
                elif plane is planes[2]:
                    for name in ("bea", "sam", "rita", "ada", "acme"):
                        with town.person(name) as http_:
                            http_.request(endpoint.method, path, content=body or None)

    assert asked > 30
    states = {r["release"]: r["state"] for r in town.desk("bea").get("/v1/releases")}
    assert states[refused] == "refused"
    assert all(r["release"] != refused for r in town.desk("bea").get("/v1/rollouts"))


def test_no_command_pushes_a_refused_release_through(town, refused):
    """Every `firmward hospital` command that takes what a release could be passed as."""
    home = str(town.server.home)
    bundle = town.folder / "refused.tar"
    bundle.write_bytes(town.bundles[0])
    runner = CliRunner()
    for words in (
        ["push", home, "acme", str(bundle)],
        ["push", home, "acme", str(bundle), "--as", "acme"],
        ["push", home, "acme", str(bundle), "--as", "sam"],
        ["vendor", "add", home, str(bundle)],
        ["device", "import", home, str(bundle)],
        ["rollout", "stop", home, f"rollout:{refused}", "go"],
        ["quarantine", "release", home, refused, "go"],
        ["quarantine", "add", home, refused, "go"],
        ["release", home, refused],
        ["admit", home, refused],
    ):
        result = runner.invoke(app, words)
        assert result.exit_code != 0, words

    states = {r["release"]: r["state"] for r in town.desk("bea").get("/v1/releases")}
    assert states[refused] == "refused"


def test_a_vendor_cannot_hand_in_anothers_bundle(town):
    """Its own name only, whatever the bundle says; and it is noted."""
    with town.person("acme") as http_:
        answer = http_.post("/v1/bundles/borealis", content=b"x")

    assert answer.status_code == 403
    assert "expected its own bundles" in town.events()[-1]["says"]


def test_a_bundle_that_is_none_is_refused_and_noted(town):
    """Noise, and a vendor nobody onboarded."""
    before = town.state()
    with town.person("bea") as http_:
        assert http_.post("/v1/bundles/acme", content=b"noise").status_code == 400
        assert http_.post("/v1/bundles/no%1bbody", content=b"x").status_code == 409

    kinds = [event["kind"] for event in town.events()[-2:]]
    assert kinds == ["intake.refused", "intake.refused"]
    assert town.state() == before


def test_a_reading_out_of_range_is_refused_whole(town):
    """One bad reading in a batch, and none of it is kept."""
    device = town.fleet[0]
    body = device.batch(CALM, replace(CALM, cpu=1001))

    assert device.ask("POST", checkin.VITALS, body).status_code == 400
    device.batches -= 1

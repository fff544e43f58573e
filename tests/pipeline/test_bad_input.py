"""Bad input to a real server over real mTLS: one clear error, nothing written, and an event."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from tests.pipeline.house import GIB, House, answered, member, pax, refused

from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.folder import manifest_of, read_folder
from firmward.hospital.gate.packs.signed import Stated, sign
from firmward.lab import paper_site, paper_vendor
from firmward.lab.paper_device import CALM, joined
from firmward.terms import checkin
from firmward.terms.wire import encode


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    """One served site for all of these; nothing here may change it."""
    folder, now = tmp_path_factory.mktemp("house"), datetime.now(UTC)
    home = paper_site.found_site(folder / "site", now)
    paper_site.vendor_pass(home, "acme")
    vendor = paper_vendor.new_vendor(now)
    bundle = paper_vendor.pack(vendor, paper_vendor.draft(vendor, now), now).bundle
    with paper_site.served(home) as server:
        with closing(server.desk("sam")) as desk:
            desk.post("/v1/vendors", encode(vendor.onboarding))
        with closing(server.desk("bea")) as desk:
            desk.post("/v1/devices", paper_site.inventory(vendor, [1]))
        device = joined(server, vendor, 1, folder, "pump-200@1.0.0+1")
        house = House(server, vendor, device, bundle)
        yield house
        for http_ in (device.http, *house.people.values()):
            http_.close()


BUNDLES = {
    "nothing": lambda whole: b"",
    "noise": lambda whole: b"\xff" * 4096,
    "cut in a header": lambda whole: whole[:300],
    "cut in a file": lambda whole: whole[: len(whole) // 2],
    "cut before its end": lambda whole: whole.rstrip(b"\0"),
    "a second archive behind it": lambda whole: whole + whole,
    "zipped": lambda whole: b"\x1f\x8b\x08" + whole,
    "two gigabytes announced": lambda whole: member("targets/big", size=2 * GIB),
    "a size that is no number": lambda whole: (
        member("targets/a")[:124] + b"-0000000001\0" + member("targets/a")[136:]
    ),
    "up and out": lambda whole: member("targets/../../keys/ledger.key"),
    "an absolute name": lambda whole: member("/etc/passwd"),
    "a backslash": lambda whole: member("targets\\..\\a"),
    "a newline in a name": lambda whole: member("targets/a\nb"),
    "a hidden file": lambda whole: member("targets/.ssh"),
    "no folder of ours": lambda whole: member("keys/ledger.key"),
    "a symbolic link": lambda whole: member("targets/a", kind=b"2", link="/etc/passwd"),
    "a hard link": lambda whole: member("targets/a", kind=b"1", link="metadata/timestamp.json"),
    "a device node": lambda whole: member("targets/a", kind=b"3"),
    "a sparse file": lambda whole: member("targets/a", kind=b"S"),
    "a name in an extended header": lambda whole: pax("../../a" + "x" * 120),
}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_is_none_is_one_clear_error_and_an_event(house, name):
    """Truncated, oversized, linked or leading out: refused as a whole before it is judged."""
    body = BUNDLES[name](house.bundle)

    said = refused(house, lambda: answered(house.post("acme", "/v1/bundles/acme", body)), "acme")

    assert "turned away" in said


HOSTILE = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"finding":' * 2000 + b"1" + b"}" * 2000,
    "a member twice": b'{"finding":"a","finding":"b"}',
    "null": b'{"finding":null}',
    "not a number": b'{"finding":NaN}',
    "infinity": b'{"finding":-Infinity}',
    "a number of a million digits": b'{"finding":' + b"9" * 200_000 + b"}",
    "an exponent": b'{"finding":1e99999}',
    "an escape sequence": b'{"finding":"\\u001b]0;x\\u0007"}',
    "a bare control character": b'{"finding":"a\x00b"}',
    "half a pair": b'{"finding":"\\ud83d"}',
    "another type": b'{"finding":["a"]}',
    "an unknown field": b'{"finding":"a","approve":true}',
    "a prototype": b'{"__proto__":{"finding":"a"}}',
    "two documents": b'{"finding":"a"}{"finding":"b"}',
    "a comment": b'{"finding":"a"/*b*/}',
    "YAML": b"finding: &a [*a, *a]\n",
    "not UTF-8": b'{"finding":"\xc3\x28"}',
    "a byte order mark": b'\xef\xbb\xbf{"finding":"a"}',
    "an empty body": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_of_a_person_is_one_clear_error_and_an_event(house, name):
    """What two parsers may read differently is read by none."""
    path = f"/v1/devices/{house.device.device}/quarantine"

    refused(house, lambda: answered(house.post("sam", path, HOSTILE[name])), "sam")


@pytest.mark.parametrize("route", [checkin.REPORTS, checkin.VITALS, checkin.REGISTER])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_of_a_device_is_one_clear_error_and_an_event(house, name, route):
    """The device is known by its certificate, so its attempt is on the ledger under its name."""
    device = house.device

    refused(house, lambda: answered(device.ask("POST", route, HOSTILE[name])), device.device)


VITALS = {
    "a negative age": (b'"ageMs":500', b'"ageMs":-1'),
    "beyond 64 bits": (b'"ageMs":500', b'"ageMs":18446744073709551616'),
    "half a permille": (b'"cpu":200', b'"cpu":200.5'),
    "a number as text": (b'"cpu":200', b'"cpu":"200"'),
    "more than all": (b'"memory":300', b'"memory":1001'),
    "a truth as number": (b'"link":true', b'"link":1'),
    "a patient's value": (b'"link":true', b'"link":true,"pulse":61'),
    "a release that is a path": (b"pump-200@1.0.0+1", b"../../../etc/passwd"),
    "a release with a line": (b"pump-200@1.0.0+1", b"pump-200@1.0.0+1\\n"),
}


@pytest.mark.parametrize("name", VITALS)
def test_a_reading_that_makes_no_sense_is_refused_whole(house, name):
    """One member out of its bounds, and no reading of the batch is kept."""
    device = house.device
    old, new = VITALS[name]
    body = device.batch(CALM, CALM)
    device.batches -= 1
    assert old in body

    ask = lambda: answered(device.ask("POST", checkin.VITALS, body.replace(old, new, 1)))  # noqa: E731
    refused(house, ask, device.device)


LENGTHS = {
    "two gigabytes": str(2 * GIB),
    "a terabyte": str(1024 * GIB),
    "one byte too many": str(64 * 2**20 + 1),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_an_announced_size_beyond_the_limit_is_refused_before_a_byte_is_sent(house, name):
    """Only the header was sent, and the answer is there within the five seconds of the socket."""
    head = f"POST /v1/bundles/acme HTTP/1.1\nHost: h\nContent-Length: {LENGTHS[name]}\n\n"

    refused(house, lambda: house.raw("acme", head), "acme")


@pytest.mark.parametrize("length", ["-1", "0x10", "1e9", "12, 13", "+5", "9" * 60])
def test_a_size_that_is_no_number_opens_no_second_request(house, length):
    """Refused by the HTTP parser itself, before anybody knows who asks."""
    rows = house.rows()
    head = f"POST /v1/bundles/acme HTTP/1.1\nHost: h\nContent-Length: {length}\n\n"

    status, _ = house.raw("acme", head)

    assert status == 400
    assert rows == house.rows()


NAMES = {
    "up": "..%2f..%2fkeys%2fledger.key",
    "up, unescaped": "../../keys/ledger.key",
    "twice escaped": "%252e%252e%252fkeys",
    "a zero byte": "%00",
    "a line": "urn:dev:ops:32473-PUMP200-0001%0a",
    "a header": "x%0d%0aSet-Cookie:%20a",
    "a backslash": "..%5c..%5ckeys",
    "long": "x" * 6000,
    "another script's digits": "urn:dev:ops:32473-PUMP200-%D9%A1",
    "a wildcard": "%25",
    "SQL": "x'%20or%20'1'='1",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_path_trick_in_a_persons_url_is_nobodys_device(house, name):
    """A device id in a URL names a row or nothing."""
    rows, files = house.rows(), house.files()
    body = '{"finding":"a"}'
    head = f"Host: h\nContent-Length: {len(body)}\n\n{body}"

    status, said = house.raw("sam", f"POST /v1/devices/{NAMES[name]}/quarantine HTTP/1.1\n{head}")

    assert status in (400, 403, 404)
    assert set(json.loads(said)) == {"error"}
    assert b"PRIVATE" not in said
    assert rows == house.rows()
    assert files == house.files()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("base", [checkin.DIRECTOR, checkin.IMAGE, checkin.BLOBS])
def test_a_path_trick_in_a_devices_url_leads_to_no_file(house, name, base):
    """Neither to a key, nor to another's metadata, nor out of the folder of blobs."""
    rows = house.rows()

    response = house.device.ask("GET", base + NAMES[name])

    assert response.status_code in (400, 404, 409)
    assert set(response.json()) == {"error"}
    assert b"PRIVATE" not in response.content
    assert rows == house.rows()


GOOD = b"urn:dev:ops:32473-PUMP200-0900,acme,pump-200,PUMP-200-B,ward-3,medical,routine,1\n"
HEAD = b"device,vendor,product,hardware_id,ward,ward_kind,priority,tier\n"
INVENTORIES = {
    "a bad second line": HEAD + GOOD + GOOD.replace(b"0900", b"../x"),
    "a field too few": HEAD + GOOD + b"urn:dev:ops:32473-PUMP200-0901,acme\n",
    "a field too many": HEAD + GOOD + GOOD.replace(b"0900", b"0901").replace(b",1\n", b",1,1\n"),
    "an unknown column": HEAD.replace(b"tier", b"tier,admin") + GOOD.replace(b",1\n", b",1,1\n"),
    "a tier out of range": HEAD + GOOD.replace(b",1\n", b",9\n"),
    "an unknown vendor": HEAD + GOOD + GOOD.replace(b"0900,acme", b"0901,nobody"),
    "a formula": HEAD + GOOD.replace(b"ward-3", b"=cmd|x"),
    "a zero byte": HEAD + GOOD.replace(b"ward-3", b"ward\x003"),
    "not UTF-8": HEAD + GOOD.replace(b"ward-3", b"ward-\xff"),
    "an open quote": HEAD + GOOD + b'"urn:dev',
    "one device twice": HEAD + GOOD + GOOD,
    "one that is known": HEAD + GOOD + GOOD.replace(b"0900", b"0001"),
}


@pytest.mark.parametrize("name", INVENTORIES)
def test_an_inventory_with_one_bad_line_lets_no_device_in(house, name):
    """The good lines before the bad one are taken back with it."""
    body = INVENTORIES[name]

    refused(house, lambda: answered(house.post("bea", "/v1/devices", body)), "bea")


PACKS = {
    "an alias that grows": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "an object": b"!!python/object/apply:os.system ['true']\n",
    "deep": b"[" * 3000,
}


@pytest.mark.parametrize("name", PACKS)
def test_a_hostile_pack_is_one_clear_line_and_no_server(house, tmp_path, name):
    """YAML comes in by policy alone, and a server does not start on one it cannot read."""
    now = datetime.now(UTC)
    home = paper_site.found_site(tmp_path / "site", now)
    path = home / "policy" / "packs" / "zebra" / "2026.11.0"
    path.mkdir(parents=True)
    (path / "pack.yaml").write_bytes(PACKS[name])
    (path / "MANIFEST.json").write_bytes(manifest_of(path))
    stated = Stated(
        kind="pack",
        id="zebra",
        version="2026.11.0",
        effective_from=now,
        expires=now + timedelta(days=1),
    )
    keys = adopt.signers(home / "keys" / "offline")
    (path / "MANIFEST.dsse.json").write_bytes(sign(read_folder(path), stated, keys))

    command = [sys.executable, "-m", "firmward", "hospital", "serve", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "pack.yaml: expected strict YAML" in done.stderr
    assert not (home / "ports.json").exists()


def test_after_all_of_this_a_genuine_bundle_still_comes_in(house):
    """Refusing changed nothing for those who are honest."""
    response = house.post("acme", "/v1/bundles/acme", house.bundle)

    assert response.json()["admitted"]
    log = (house.server.home / "server.log").read_text()
    assert "Traceback" not in log

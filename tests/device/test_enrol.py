"""Joining a hospital: EST by the factory identity, keys registered once, one hospital for life."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from firmward.device import identity
from firmward.device.link import context
from firmward.lab.bedside import DEVICE
from firmward.lab.paper_hospital import new_hospital, server_files
from firmward.lab.paper_server import serve
from firmward.proof import certs, keys
from firmward.terms.errors import Misuse, Refused, Unavailable
from firmward.terms.wire import encode


def test_an_enrolled_device_has_three_separate_keys_and_one_name(bed):
    """The hospital's certificate names the device; the keys are nobody else's to read."""
    files = ("link.key", "report.key", "decrypt.key")
    pem = (bed.home / "link.pem").read_bytes()

    assert 3 == len({(bed.home / name).read_bytes() for name in files})
    assert {0o600} == {(bed.home / name).stat().st_mode & 0o777 for name in files}
    assert DEVICE == certs.identity(der(pem))
    assert "PUMP-200-B" == bed.ward.registration.hardware_id


def der(pem: bytes) -> bytes:
    """A certificate's DER."""
    import ssl

    return ssl.PEM_cert_to_DER_cert(pem.decode())


def test_enrolling_again_changes_nothing(bed, now):
    """It may be repeated until it succeeds."""
    before = {path.name: path.read_bytes() for path in bed.home.iterdir() if path.is_file()}
    identity.enrol(bed.home, identity.front_door(bed.home), now)

    after = {path.name: path.read_bytes() for path in bed.home.iterdir() if path.is_file()}
    assert before == after


def test_an_enrolled_device_cannot_be_led_to_another_hospital(bed, now):
    """Its front door is pinned."""
    other = new_hospital(now).front_door("https://127.0.0.1:1", "https://127.0.0.1:1")
    before = (bed.home / "hospital.json").read_bytes()

    with pytest.raises(Misuse, match="enrolled elsewhere"):
        identity.enrol(bed.home, other, now)
    assert before == (bed.home / "hospital.json").read_bytes()


def test_enrolment_at_an_impostor_says_nothing_and_obtains_nothing(bed, now, tmp_path):
    """A server that is not certified by the pinned authority sees no request."""
    impostor = new_hospital(now)
    home = fresh(bed, tmp_path)
    foreign = server_files(impostor.authority, tmp_path / "foreign", now, "")
    with serve(bed.hospital, foreign) as evil:
        door = bed.hospital.front_door(evil.base, evil.base)
        with pytest.raises(Refused, match="certificate"):
            identity.enrol(home, door, now)
        assert [] == evil.weather.requests
    assert not (home / "link.pem").exists()


def fresh(bed, folder):
    """The home of a device that left the factory and never enrolled."""
    home = folder / "fresh"
    identity.manufacture(
        home,
        identity.nameplate(bed.home),
        (bed.home / "factory.pem").read_bytes(),
        (bed.home / "factory.key").read_bytes(),
        (bed.home / "vendor-root.json").read_bytes(),
    )
    return home


def test_a_certificate_by_another_authority_is_not_taken(bed, now, tmp_path):
    """The enrolment server's signer must be the pinned authority."""
    home = fresh(bed, tmp_path)
    liar = replace(bed.hospital, authority=new_hospital(now).authority, wards={})
    with serve(liar, bed.credentials) as lying:
        door = bed.hospital.front_door(lying.base, lying.base)
        with pytest.raises(Refused, match="pinned authority"):
            identity.enrol(home, door, now)
    assert not (home / "link.pem").exists()


def test_other_keys_for_a_known_device_are_refused(bed, now, tmp_path):
    """A copied factory identity cannot take a registered device's place."""
    home = fresh(bed, tmp_path)
    with pytest.raises(Refused, match="registered with other keys"):
        identity.enrol(home, identity.front_door(bed.home), now)


def test_a_device_without_the_factory_or_enrolment_says_what_is_missing(tmp_path):
    """Each missing file names who makes it."""
    with pytest.raises(Misuse, match=r"nameplate\.json from a factory"):
        identity.nameplate(tmp_path)
    with pytest.raises(Misuse, match="from enrolment"):
        identity.connect(tmp_path)


def test_the_connection_is_tls_1_3_with_one_anchor(bed):
    """No older protocol, no other authority, no client without its certificate."""
    tls = context(bed.home / "hospital.pem", bed.home / "link.pem", bed.home / "link.key")

    assert 1 == len(tls.get_ca_certs())
    assert tls.check_hostname
    assert "TLSv1_3" == tls.minimum_version.name


def test_a_stranger_without_a_certificate_of_the_hospital_is_not_let_in(bed, now):
    """A self-made certificate in the device's name opens nothing."""
    own = certs.new_authority("me", keys.new_p256(), now)
    key = keys.new_p256()
    forged = certs.client_certificate(own, key.public_key(), DEVICE, now, certs.SKEW * 100)
    (bed.home / "link.pem").write_bytes(certs.pem(forged))
    (bed.home / "link.key").write_bytes(keys.private_pem(key))
    requests = len(bed.served.weather.requests)

    step = bed.agent().step()
    assert step.did in ("turned-away", "offline")
    assert requests == len(bed.served.weather.requests)


def device(*words: object) -> subprocess.CompletedProcess:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "firmward", "device", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, timeout=60, env=environment)


def test_a_person_enrols_a_device_and_asks_how_it_is(bed, tmp_path):
    """`enrol` and `status` as processes; status tells what runs and what is owed."""
    bed.agent().step()
    door = tmp_path / "hospital.json"
    door.write_bytes(encode(identity.front_door(bed.home)))

    enrolled = device("enrol", bed.home, "--hospital", door)
    assert (0, b"") == (enrolled.returncode, enrolled.stderr)
    assert b"enrolled at https://127.0.0.1" in enrolled.stdout
    said = json.loads(device("status", bed.home, "--json").stdout)
    assert {"running": "pump-200@1.0.0+1", "floor": 1, "owed": 0}.items() <= said.items()
    missing = device("status", tmp_path / "nowhere")
    assert 2 == missing.returncode
    assert b"expected nameplate.json from a factory" in missing.stderr


def test_an_unreachable_enrolment_server_can_be_tried_again(bed, now, tmp_path):
    """Unavailable now; the pinned door and the keys stay for the next time."""
    home = fresh(bed, tmp_path)
    closed = bed.hospital.front_door("https://127.0.0.1:1", "https://127.0.0.1:1")
    with pytest.raises(Unavailable):
        identity.enrol(home, closed, now)

    assert (home / "report.key").exists()

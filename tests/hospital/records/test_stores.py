"""Blobs, vendors, inventory, founding: what is kept, and what is refused before it is kept."""

import os
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace as changed
from tests.wards import new_ward

from firmward.hospital import pipeline
from firmward.hospital.found import found
from firmward.hospital.records import devices, vendors
from firmward.hospital.records.blobs import Blobs
from firmward.hospital.records.durable import write_durably, write_secret
from firmward.hospital.records.site import Settings, issue_person, load_settings, open_site
from firmward.lab import paper_site, paper_vendor
from firmward.proof import certs, keys
from firmward.terms.errors import Malformed, Misuse, NotTrusted, Refused, Unavailable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_blob_is_stored_once_and_never_replaced(tmp_path):
    """The second put of the same bytes leaves the first file alone."""
    blobs = Blobs(tmp_path)
    name = blobs.put(b"image")
    before = blobs.path(name).stat().st_ino

    assert blobs.put(b"image") == name
    assert blobs.path(name).stat().st_ino == before
    assert [path.name for path in blobs.path(name).parent.iterdir()] == [name]


def test_a_blob_changed_on_disk_is_not_given_out(tmp_path):
    """One flipped bit and the bytes are no longer what the name says."""
    blobs = Blobs(tmp_path)
    name = blobs.put(b"image")
    blobs.path(name).write_bytes(b"imagf")

    with pytest.raises(NotTrusted, match="changed on disk"):
        blobs.get(name)


def test_a_missing_blob_is_unavailable(tmp_path):
    """Nothing may proceed on it, and it may come back."""
    with pytest.raises(Unavailable):
        Blobs(tmp_path).get("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_digest_never_reaches_the_disk(tmp_path, name):
    """A path in place of a digest is refused."""
    with pytest.raises(Malformed, match="64 lower-case"):
        Blobs(tmp_path).path(name)


def test_a_durable_write_leaves_no_draft(tmp_path):
    """The file is replaced as a whole."""
    write_durably(tmp_path / "a" / "b", b"one")
    write_durably(tmp_path / "a" / "b", b"two")

    assert (tmp_path / "a" / "b").read_bytes() == b"two"
    assert os.listdir(tmp_path / "a") == ["b"]


def test_a_secret_is_never_written_over(tmp_path):
    """A key that another one replaced would be lost; nobody but its owner reads it."""
    write_secret(tmp_path / "keys" / "a.key", b"one")

    with pytest.raises(FileExistsError):
        write_secret(tmp_path / "keys" / "a.key", b"two")

    assert (tmp_path / "keys" / "a.key").read_bytes() == b"one"
    assert os.listdir(tmp_path / "keys") == ["a.key"]
    assert (tmp_path / "keys" / "a.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_founded_site_opens_and_keeps_its_keys_private(tmp_path):
    """Every private key is its owner's to read, and the director's root keys lie apart."""
    home = paper_site.found_site(tmp_path / 'si"te', NOW)

    site = open_site(home)

    assert site.settings.people["bea"] == ("biomed",)
    secrets = [*home.glob("keys/**/*.key"), *home.glob("people/*/key.pem")]
    assert len(secrets) == 2 + 1 + 4 + 2 + 3 + 3 + len(paper_site.PEOPLE)
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    site.close()


def test_founding_twice_is_refused_and_changes_no_key(tmp_path):
    """A second `init` would cut off every device of the first."""
    home = paper_site.found_site(tmp_path / "site", NOW)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    with pytest.raises(Refused, match="site already"):
        found(home, Settings(site="other"), NOW)

    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("site", ["St Lab", "", "x\ny", 'a"b'])
def test_founding_with_bad_settings_leaves_no_site(tmp_path, site):
    """A name that could not be read back is refused before anything is written."""
    with pytest.raises(Misuse):
        found(tmp_path / "site", Settings(site=site), NOW)

    assert not (tmp_path / "site").exists()


def test_a_site_that_was_never_finished_is_not_served(tmp_path):
    """Founding cut short before its last write leaves a folder that nothing opens."""
    home = paper_site.found_site(tmp_path / "site", NOW)
    (home / "hospital.toml").unlink()

    with pytest.raises(Misuse, match=r"hospital\.toml"):
        load_settings(home)
    with pytest.raises(Refused, match="cut short"):
        found(home, Settings(site="other"), NOW)


@pytest.mark.parametrize("kind", ["person", "vendor"])
@pytest.mark.parametrize("name", ["../keys", "", "a/b", "Bea", "x" * 64, "a:b"])
def test_a_certificate_is_issued_to_plain_names_only(tmp_path, kind, name):
    """A name is a folder and part of an identity; neither may be steered."""
    home = paper_site.found_site(tmp_path / "site", NOW)
    before = sorted(home.rglob("*"))

    with pytest.raises(Misuse):
        issue_person(home, kind, name, NOW)

    assert before == sorted(home.rglob("*"))


def test_a_certificate_is_issued_once_per_name(tmp_path):
    """A second one under the same name would be a second way in for the first one's roles."""
    home = paper_site.found_site(tmp_path / "site", NOW)

    with pytest.raises(Refused, match="has a certificate"):
        issue_person(home, "vendor", "bea", NOW)


def test_a_vendor_is_pinned_once(tmp_path):
    """Whoever could replace the anchors would be the vendor."""
    ward = new_ward(tmp_path)
    other = paper_vendor.new_vendor(NOW)
    before = len(ward.events())

    with pytest.raises(Refused, match="pinned already"):
        pipeline.onboard(ward.hospital, other.onboarding, "sam", NOW)

    with ward.site.store.reading() as connection:
        assert vendors.anchors(connection, "acme") == ward.vendor.onboarding
    assert len(ward.events()) == before


def test_a_vendor_cannot_bring_another_vendors_product(tmp_path):
    """It could use up the other's release ids, and every bundle of theirs would be known."""
    ward = new_ward(tmp_path)
    other = paper_vendor.new_vendor(NOW, label="mallory")

    with pytest.raises(Refused, match="pump-200 of acme"):
        pipeline.onboard(ward.hospital, other.onboarding, "sam", NOW)

    with ward.site.store.reading() as connection:
        assert vendors.names(connection) == ["acme"]


def leaf_pem() -> str:
    """A certificate that may issue none."""
    authority = certs.new_authority("x", keys.new_p256(), NOW)
    key = keys.new_p256().public_key()
    return certs.pem(certs.server_certificate(authority, key, ("localhost",), NOW)).decode()


@pytest.mark.parametrize(
    "part",
    ["root", "evidence", "firmware", "no-authority", "leaf-authority", "two-authorities"],
)
def test_anchors_that_do_not_parse_are_refused_before_they_are_pinned(tmp_path, part):
    """Pinned, a bad authority would keep the server from ever starting again."""
    ward = new_ward(tmp_path)
    other = paper_vendor.new_vendor(NOW, label="borealis", product="monitor-7").onboarding
    spoiled = {
        "root": {"root": "bm9uZQ=="},
        "evidence": {"evidence_keys": ({"keyid": "x"},)},
        "firmware": {"firmware_key": "none"},
        "no-authority": {"device_authority": "none"},
        "leaf-authority": {"device_authority": leaf_pem()},
        "two-authorities": {"device_authority": other.device_authority * 2},
    }
    before = len(ward.events())

    with pytest.raises(Refused):
        pipeline.onboard(ward.hospital, changed(other, **spoiled[part]), "sam", NOW)

    with ward.site.store.reading() as connection:
        assert vendors.names(connection) == ["acme"]
    assert len(ward.events()) == before


GOOD = b"device,vendor,product,hardware_id,ward,ward_kind,priority,tier\n"
LINE = b"urn:dev:ops:32473-PUMP200-0001,acme,pump-200,PUMP-200-B,w,icu,critical,1\n"


@pytest.mark.parametrize(
    "csv",
    [
        GOOD + LINE + LINE.replace(b",1\n", b",0\n"),
        GOOD + LINE + LINE.replace(b",1\n", b",5\n"),
        GOOD + LINE + LINE.replace(b",1\n", b",1,extra\n"),
        GOOD + LINE + LINE.replace(b",1\n", b"\n"),
        GOOD + LINE + LINE.replace(b"critical", b"urgent"),
        GOOD + LINE + LINE.replace(b"urn:dev:ops", b"urn:dev:mac"),
        GOOD + LINE + b"\xff\xfe\n",
        GOOD + LINE + b'"open\n',
        GOOD + LINE + b"\x00\n",
        GOOD + LINE + LINE,
        GOOD + LINE + LINE.replace(b"0001", b"0002").replace(b"acme", b"nobody"),
        GOOD.replace(b"tier", b"admin") + LINE,
    ],
)
def test_an_inventory_with_one_bad_line_brings_no_device(tmp_path, csv):
    """All of it or nothing: a half-imported list would look complete."""
    ward = new_ward(tmp_path)
    before = len(ward.events())

    with pytest.raises(Refused):
        pipeline.expect(ward.hospital, csv, "bea", NOW)

    with ward.site.store.reading() as connection:
        assert devices.every(connection) == []
    assert len(ward.events()) == before


def test_an_empty_inventory_brings_nobody(tmp_path):
    """A header alone is no error and no device."""
    ward = new_ward(tmp_path)

    assert pipeline.expect(ward.hospital, GOOD, "bea", NOW) == 0


def test_a_content_key_is_bound_to_its_release(tmp_path):
    """A sealed key moved to another release's row does not open."""
    ward = new_ward(tmp_path)
    sealed = ward.site.seal(b"k" * 32, "pump-200@1.1.0+3")

    assert ward.site.unseal(sealed, "pump-200@1.1.0+3") == b"k" * 32
    with pytest.raises(NotTrusted):
        ward.site.unseal(sealed, "pump-200@1.2.0+5")


def test_devices_are_listed_in_order_and_by_product(tmp_path):
    """The planner and the people see the same order every time."""
    ward = new_ward(tmp_path, 3)

    with ward.site.store.reading() as connection:
        every = [device.device for device in devices.every(connection)]
        assert every == sorted(device.device for device in ward.fleet)
        assert devices.every(connection, "monitor-7") == []

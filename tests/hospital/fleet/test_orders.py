"""Orders: one per device, verifiable from the pinned root, rising, never for what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.wards import FACTORY, FALLBACK, RELEASE, Ward, new_ward

from firmward.hospital import bedside
from firmward.hospital.bedside import Withheld
from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.fleet.orders import NotEntitled
from firmward.hospital.records import devices, orders, releases
from firmward.proof import wrap
from firmward.proof.roles import RolesRefused
from firmward.terms.order import Order
from firmward.terms.wire import decode


@pytest.fixture
def ward(tmp_path) -> Ward:
    """Three devices on the factory's release and one admitted release."""
    ward = new_ward(tmp_path, 3)
    ward.admit()
    yield ward
    ward.site.close()


def issue(ward: Ward, device, release: str = RELEASE, purpose="install") -> Order:
    """An order, committed."""
    with ward.site.store.writing() as connection:
        wanted = releases.find(connection, release)
        return fleet_orders.issue(
            connection, ward.site, ward.row(device), wanted, purpose, ward.now
        )


def test_a_device_verifies_its_order_from_the_pinned_root(ward):
    """Signed for it alone, naming the admitted image, its key sealed to this device."""
    device = ward.fleet[0]
    issued = issue(ward, device)

    [order] = ward.orders(device)

    assert order == issued
    assert (order.ecu_identifier, order.release) == (device.device, RELEASE)
    release = ward.release(RELEASE)
    info = wrap.binding(device.device, RELEASE, release.image_sha256)
    key = wrap.unwrap_key(order.wrapped_key, device.decryption, info)
    body = ward.site.blobs.get(order.ciphertext_sha256)
    image = b"".join(wrap.decrypt([body], key))
    assert len(image) == release.image_length


def test_two_devices_get_two_keys_and_the_same_ciphertext(ward):
    """The image is encrypted once; what opens it is each device's own."""
    first, second = (issue(ward, device) for device in ward.fleet[:2])

    assert first.ciphertext_sha256 == second.ciphertext_sha256
    assert first.wrapped_key != second.wrapped_key
    assert first.order != second.order


def test_director_versions_rise_with_every_signature(ward):
    """Order, renewal and the next order: a replayed older one is refused by the device."""
    device, seen = ward.fleet[0], []
    issue(ward, device)
    for _ in range(3):
        seen.append(ward.standing(device).version)
        ward.wait(ward.site.settings.order_life_s)
        bedside.check_in(ward.site, ward.row(device), ward.now)
    old = ward.standing(device)
    issue(ward, device, FALLBACK)
    seen += [old.version, ward.standing(device).version]
    ward.orders(device)

    assert seen == [1, 2, 3, 4, 5]
    with ward.site.store.writing() as connection:
        orders.put(connection, old)
    with pytest.raises(RolesRefused):
        ward.orders(device)


def test_one_devices_files_are_no_order_for_another(ward):
    """The director's signature is good, the device named in it is not this one."""
    first, second = ward.fleet[:2]
    issue(ward, first)
    with ward.site.store.writing() as connection:
        orders.put(connection, replace(ward.standing(first), device=second.device))

    [order] = ward.orders(second)

    assert order.ecu_identifier == first.device


def test_an_order_expires(ward):
    """Withholding newer metadata cannot freeze a device for longer than an order lives."""
    device = ward.fleet[0]
    issue(ward, device)
    ward.wait(ward.site.settings.order_life_s + 1)

    with pytest.raises(RolesRefused, match="expired"):
        ward.orders(device)


def test_a_check_in_renews_an_order_that_grows_old(ward):
    """At half its life, and not before."""
    device = ward.fleet[0]
    issue(ward, device)
    ward.wait(ward.site.settings.order_life_s / 2 - 1)
    early = bedside.check_in(ward.site, ward.row(device), ward.now).order_version
    ward.wait(2)
    late = bedside.check_in(ward.site, ward.row(device), ward.now).order_version

    assert (early, late) == (1, 2)
    ward.wait(ward.site.settings.order_life_s - 5)
    assert [order.release for order in ward.orders(device)] == [RELEASE]


def refused(ward: Ward, device, release: str, reason: str) -> None:
    """No order comes into being, and nothing moves."""
    before = ward.standing(device), len(ward.events())

    with pytest.raises(NotEntitled, match=reason):
        issue(ward, device, release)

    assert (ward.standing(device), len(ward.events())) == before


def test_no_order_for_a_withdrawn_release(ward):
    """Withdrawn is for good."""
    with ward.site.store.writing() as connection:
        releases.withdraw(connection, RELEASE)

    refused(ward, ward.fleet[0], RELEASE, "withdrawn")


@pytest.mark.parametrize("status", ["expected", "quarantined", "retired"])
def test_no_order_for_a_device_that_is_not_active(ward, status):
    """Isolated, gone or never seen: none is ordered anything."""
    with ward.site.store.writing() as connection:
        devices.change(connection, ward.fleet[0].device, status=status)

    refused(ward, ward.fleet[0], RELEASE, status)


@pytest.mark.parametrize(
    "change",
    [{"hardware_id": "PUMP-200-A"}, {"vendor": "borealis"}, {"product": "monitor-7"}],
    ids=["hardware", "vendor", "product"],
)
def test_no_order_for_hardware_the_vendor_did_not_name(ward, change):
    """Another board, vendor or product is refused before anything is signed."""
    with ward.site.store.writing() as connection:
        devices.change(connection, ward.fleet[0].device, **change)

    refused(ward, ward.fleet[0], RELEASE, "not made for this hardware")


def test_an_order_of_a_withdrawn_release_is_never_signed_again(ward):
    """The device is told that nothing is ordered, under a higher version."""
    device = ward.fleet[0]
    issue(ward, device)
    assert len(ward.orders(device)) == 1
    with ward.site.store.writing() as connection:
        releases.withdraw(connection, RELEASE)
    ward.wait(ward.site.settings.order_life_s / 2 + 1)

    for version in (2, 3):
        assert bedside.check_in(ward.site, ward.row(device), ward.now).order_version == version
        assert ward.orders(device) == []
        ward.wait(ward.site.settings.order_life_s / 2 + 1)

    assert ward.standing(device).state == "recalled"
    assert len(ward.events("order.recalled")) == 1


def test_a_device_gets_the_blob_its_order_names_and_no_other(ward):
    """The fallback's ciphertext is admitted too, and still not this device's to have."""
    device = ward.fleet[0]
    order = issue(ward, device)
    row = ward.row(device)

    assert bedside.blob(ward.site, row, order.ciphertext_sha256).is_file()
    with pytest.raises(Withheld, match="does not name it"):
        bedside.blob(ward.site, row, ward.release(FALLBACK).ciphertext_sha256)
    with pytest.raises(Withheld, match="does not name it"):
        bedside.blob(ward.site, ward.row(ward.fleet[1]), order.ciphertext_sha256)


def test_a_withdrawn_releases_blob_is_withheld_from_who_was_ordered_it(ward):
    """Also while its old order is still on its way."""
    device = ward.fleet[0]
    order = issue(ward, device)
    with ward.site.store.writing() as connection:
        releases.withdraw(connection, RELEASE)

    with pytest.raises(Withheld):
        bedside.blob(ward.site, ward.row(device), order.ciphertext_sha256)


def test_what_is_stored_is_what_was_signed(ward):
    """The custom bytes of the standing order are the order the device reads."""
    device = ward.fleet[0]
    issue(ward, device)

    assert [decode(ward.standing(device).custom, Order, "order")] == ward.orders(device)
    assert ward.standing(device).issued_at == ward.now.timestamp()
    assert device.release == FACTORY
    assert ward.standing(device).renew_at == (ward.now + timedelta(seconds=1800)).timestamp()

"""Vendors: the pinned anchors, and the state of their image repositories as last verified."""

import base64
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import Connection, delete, insert, select

from firmward.hospital.records import tables
from firmward.terms.errors import Malformed, Refused
from firmward.terms.onboarding import Onboarding, read_onboarding
from firmward.terms.wire import encode

_KEPT = "kept:"


class UnknownVendor(Refused):
    """Somebody speaks for a vendor that nobody onboarded."""

    def __init__(self, vendor: str):
        self.vendor = vendor
        super().__init__(f"vendor {vendor!r}: expected an onboarded vendor, got an unknown one")


def pin(connection: Connection, onboarding: Onboarding) -> None:
    """Pin a vendor's anchors, once: they rotate by TUF.

    raises  Refused for a vendor or a product that is pinned already; Malformed
    """
    if onboarding.vendor in names(connection):
        raise Refused(f"vendor {onboarding.vendor}: expected a new vendor, got one pinned already")
    factory_authority(onboarding)
    # Release ids begin with the product: two vendors of one product could use up each other's.
    taken = {p.product: o.vendor for o in all_anchors(connection) for p in o.products}
    for product in onboarding.products:
        if product.product in taken:
            raise Refused(
                f"vendor {onboarding.vendor}: expected products of its own, got "
                f"{product.product} of {taken[product.product]}"
            )
    row = insert(tables.vendor)
    connection.execute(row.values(vendor=onboarding.vendor, onboarding=encode(onboarding)))
    root = base64.b64decode(onboarding.root)
    keep(connection, onboarding.vendor, {"root": root}, {"1.root.json": root})


def factory_authority(onboarding: Onboarding) -> x509.Certificate:
    """Who issued the vendor's factory identities.  Raises Malformed."""
    who = f"{onboarding.vendor} onboarding"
    try:
        [authority] = x509.load_pem_x509_certificates(onboarding.device_authority.encode())
        limits = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        load_pem_public_key(onboarding.firmware_key.encode())
    except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise Malformed(who, "a firmware key and one authority", str(error)[:120]) from error
    if not limits.ca:
        raise Malformed(who, "a device authority", "a certificate that may issue none")
    return authority


def names(connection: Connection) -> list[str]:
    """Every onboarded vendor."""
    return list(connection.execute(select(tables.vendor.c.vendor)).scalars())


def anchors(connection: Connection, vendor: str) -> Onboarding:
    """What was pinned for a vendor.  Raises UnknownVendor."""
    query = select(tables.vendor.c.onboarding).where(tables.vendor.c.vendor == vendor)
    data = connection.execute(query).scalar()
    if data is None:
        raise UnknownVendor(vendor)
    return read_onboarding(data, f"vendor {vendor}")


def all_anchors(connection: Connection) -> list[Onboarding]:
    """What was pinned for every vendor."""
    return [anchors(connection, vendor) for vendor in names(connection)]


def kept(connection: Connection, vendor: str) -> dict[str, bytes]:
    """The vendor's trusted TUF files by role, for the next refresh."""
    at = tables.vendor_file.c
    query = select(at.name, at.data).where(at.vendor == vendor, at.name.startswith(_KEPT))
    return {name.removeprefix(_KEPT): data for name, data in connection.execute(query)}


def keep(
    connection: Connection, vendor: str, trusted: Mapping[str, bytes], served: Mapping[str, bytes]
) -> None:
    """Replace what is trusted, and add to what devices are served, in the caller's transaction."""
    files = {f"{_KEPT}{role}": data for role, data in trusted.items()} | dict(served)
    at = tables.vendor_file
    for name, data in files.items():
        connection.execute(delete(at).where(at.c.vendor == vendor, at.c.name == name))
        connection.execute(insert(at).values(vendor=vendor, name=name, data=data))


def served(connection: Connection, vendor: str, name: str) -> bytes | None:
    """One metadata file of the vendor's image repository, as devices get it."""
    at = tables.vendor_file.c
    query = select(at.data).where(at.vendor == vendor, at.name == name)
    return None if name.startswith(_KEPT) else connection.execute(query).scalar()


def all_served(connection: Connection, vendor: str) -> dict[str, bytes]:
    """Every metadata file that devices can get of the vendor's image repository, by name."""
    at = tables.vendor_file.c
    query = select(at.name, at.data).where(at.vendor == vendor, ~at.name.startswith(_KEPT))
    return {name: data for name, data in connection.execute(query)}  # noqa: C416 - rows, not pairs

"""Devices: who may exist, who is who, and what each has proven to run."""

import csv
import io
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, Row, insert, select, update

from firmward.hospital.records import tables
from firmward.terms.errors import Malformed, Refused
from firmward.terms.names import DeviceId, HardwareId, Label

Status = Literal["expected", "active", "quarantined", "retired"]
Priority = Literal["critical", "essential", "routine"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the inventory that is registered before a device may enrol."""

    device: DeviceId
    vendor: Label
    product: Label
    hardware_id: HardwareId
    ward: Label
    ward_kind: Label
    priority: Priority
    tier: Annotated[int, Meta(ge=1, le=4)]


@dataclass(frozen=True)
class Device:
    """A device as the hospital knows it.

    release, image_sha256, floor  from its newest signed report; empty before the first one
    fingerprint                   of the one certificate that speaks for it
    """

    device: str
    vendor: str
    product: str
    hardware_id: str
    ward: str
    ward_kind: str
    priority: Priority
    tier: int
    status: Status
    fingerprint: str
    decryption_key: bytes
    report_key: bytes
    release: str
    image_sha256: str
    floor: int
    report_sequence: int
    report_digest: str
    vitals_sequence: int
    last_seen: float

    @property
    def device_class(self) -> str:
        """The class it is judged with, such as pump-200/PUMP-200-B/tier-1."""
        return class_name(self.product, self.hardware_id, self.tier)


def class_name(product: str, hardware_id: str, tier: int) -> str:
    """The id of a device class: one product on one kind of board at one clinical tier."""
    return f"{product}/{hardware_id}/tier-{tier}"


class UnknownDevice(Refused):
    """Somebody speaks for a device that is not in the inventory."""

    def __init__(self, device: str):
        self.device = device
        super().__init__(f"device {device!r}: expected one of the inventory, got an unknown one")


def parse_inventory(data: bytes) -> list[Entry]:
    """The entries of an inventory CSV with a header line.  Raises Malformed for any bad line."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8")), strict=True)
        return [_entry(number, dict(row)) for number, row in enumerate(rows, start=2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed("inventory", "a UTF-8 CSV", str(error)[:120]) from error


def _entry(number: int, row: dict[Any, Any]) -> Entry:
    try:
        return msgspec.convert(row, Entry, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"inventory line {number}", "device,vendor,...", str(error)) from error


def expect(connection: Connection, entry: Entry) -> None:
    """Register a device that may enrol.  Raises Refused if it is known already."""
    if find(connection, entry.device) is not None:
        raise Refused(f"{entry.device}: expected a new device, got one in the inventory already")
    row = insert(tables.device)
    connection.execute(row.values(status="expected", **msgspec.structs.asdict(entry)))


def find(connection: Connection, device: str) -> Device | None:
    """The device of this id, if the inventory has it."""
    query = select(tables.device).where(tables.device.c.device == device)
    row = connection.execute(query).first()
    return None if row is None else _device(row)


def get(connection: Connection, device: str) -> Device:
    """The device of this id.  Raises UnknownDevice."""
    found = find(connection, device)
    if found is None:
        raise UnknownDevice(device)
    return found


def every(connection: Connection, product: str = "") -> list[Device]:
    """All devices, or those of one product, in the order of their ids."""
    query = select(tables.device).order_by(tables.device.c.device)
    if product:
        query = query.where(tables.device.c.product == product)
    return [_device(row) for row in connection.execute(query)]


def change(connection: Connection, device: str, **values: Any) -> None:
    """Set columns of one device."""
    row = update(tables.device).where(tables.device.c.device == device)
    connection.execute(row.values(**values))


def _device(row: Row[Any]) -> Device:
    return Device(**row._mapping)

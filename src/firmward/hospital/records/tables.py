"""The tables.  `event` is the truth; the others are projections written with it, or not at all."""

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy import event as hooks

metadata = MetaData()

setting = Table(
    "setting",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("entry", LargeBinary, nullable=False),
)

event_subject = Table(
    "event_subject",
    metadata,
    Column("subject", String, primary_key=True),
    Column("sequence", Integer, primary_key=True),
)

vendor = Table(
    "vendor",
    metadata,
    Column("vendor", String, primary_key=True),
    Column("onboarding", LargeBinary, nullable=False),
)

vendor_file = Table(
    "vendor_file",
    metadata,
    Column("vendor", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""What devices are served of a vendor's image repository; "kept:" names are what intake trusts."""

vendor_webhook = Table(
    "vendor_webhook",
    metadata,
    Column("vendor", String, primary_key=True),
    Column("url", String, nullable=False),
    Column("authority", String, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
)

release = Table(
    "release",
    metadata,
    Column("release", String, primary_key=True),
    Column("vendor", String, nullable=False),
    Column("product", String, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("claim", LargeBinary, nullable=False),
    Column("fallback", String, nullable=False),
    Column("image_sha256", String, nullable=False),
    Column("image_length", Integer, nullable=False),
    Column("ciphertext_sha256", String, nullable=False),
    Column("ciphertext_length", Integer, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("bundle", String, nullable=False),
    Column("at", Float, nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("device", String, primary_key=True),
    Column("vendor", String, nullable=False),
    Column("product", String, nullable=False),
    Column("hardware_id", String, nullable=False),
    Column("ward", String, nullable=False),
    Column("ward_kind", String, nullable=False),
    Column("priority", String, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("fingerprint", String, nullable=False, default=""),
    Column("decryption_key", LargeBinary, nullable=False, default=b""),
    Column("report_key", LargeBinary, nullable=False, default=b""),
    Column("release", String, nullable=False, default=""),
    Column("image_sha256", String, nullable=False, default=""),
    Column("floor", Integer, nullable=False, default=0),
    Column("report_sequence", Integer, nullable=False, default=0),
    Column("report_digest", String, nullable=False, default=""),
    Column("vitals_sequence", Integer, nullable=False, default=0),
    Column("last_seen", Float, nullable=False, default=0.0),
)

order = Table(
    "device_order",
    metadata,
    Column("device", String, primary_key=True),
    Column("order", String, nullable=False),
    Column("release", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("rollout", String, nullable=False, default=""),
    Column("state", String, nullable=False),
    Column("custom", LargeBinary, nullable=False),
    Column("image_sha256", String, nullable=False),
    Column("image_length", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("refusals", Integer, nullable=False, default=0),
    Column("renew_at", Float, nullable=False),
    Column("issued_at", Float, nullable=False),
)

rollout = Table(
    "rollout",
    metadata,
    Column("rollout", String, primary_key=True),
    Column("release", String, nullable=False),
    Column("product", String, nullable=False),
    Column("state", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("alive", LargeBinary, nullable=False, default=b""),
    Column("at", Float, nullable=False),
)

reading = Table(
    "reading",
    metadata,
    Column("device", String, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("release", String, nullable=False),
    Column("boots", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index("reading_at", reading.c.device, reading.c.at)

case = Table(
    "quarantine_case",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("device", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)

approval = Table(
    "approval",
    metadata,
    Column("digest", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("at", Float, nullable=False),
)

ticket = Table(
    "ticket",
    metadata,
    Column("ticket", Integer, primary_key=True, autoincrement=True),
    Column("recipient", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("recipient", "cause"),
)
"""One ticket per cause and recipient: the constraint is the deduplication."""

outbox = Table(
    "outbox",
    metadata,
    Column("ticket", Integer, primary_key=True),
    Column("vendor", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("filed_at", Float, nullable=False),
    Column("delivered_at", Float, nullable=False),
)
"""Signed reports to vendors, written with their tickets; state: waiting, delivered, given-up."""

exception_request = Table(
    "exception_request",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("request", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("release", String, nullable=False),
    Column("requester", String, nullable=False),
    Column("sha256", String, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
Index("exception_request_release", exception_request.c.release)

exception_approval = Table(
    "exception_approval",
    metadata,
    Column("request", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)

exception_void = Table(
    "exception_void",
    metadata,
    Column("request", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Float, nullable=False),
)

exception_review = Table(
    "exception_review",
    metadata,
    Column("request", String, primary_key=True),
    Column("reviewer", String, nullable=False),
    Column("finding", String, nullable=False),
    Column("at", Float, nullable=False),
)

control = Table(
    "control",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("control", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("evidence_sha256", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("valid_until", Float, nullable=False),
)
"""What was measured of compensating controls; the newest row of a control says how it stands."""

APPEND_ONLY = (exception_request, exception_approval, exception_void, exception_review, control)
"""Rows that are added and never changed: who waived what is kept as it was signed."""

for _table in APPEND_ONLY:
    for _change in ("UPDATE", "DELETE"):
        _keep = DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER IF NOT EXISTS {_table.name}_no_{_change.lower()} BEFORE {_change} "
            f"ON {_table.name} BEGIN SELECT RAISE(ABORT, '{_table.name} only grows'); END"
        )
        hooks.listen(_table, "after_create", _keep)

policy_version = Table(
    "policy_version",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("at", Float, nullable=False),
)
"""The highest version of each pack and overlay that the site ever judged by: its anti-rollback."""

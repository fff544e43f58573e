"""Tables of the gate: what was judged, from what, and how each release stands for each class."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from firmward.hospital.records.tables import metadata

__all__ = ["metadata"]

evidence_part = Table(
    "evidence_part",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""Sections of evidence documents, each once: most of a document is the same for every class."""

policy_kept = Table(
    "policy_kept",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""Every policy that was ever judged by, whole, so that its verdicts can be replayed."""

verdict = Table(
    "verdict",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("release", String, nullable=False),
    Column("device_class", String, nullable=False),
    Column("moment", String, nullable=False),
    Column("admitted", Boolean, nullable=False),
    Column("parts", LargeBinary, nullable=False),
    Column("policy", String, nullable=False),
    Column("exceptions", LargeBinary, nullable=False),
    Column("rulings", LargeBinary, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
Index("verdict_release", verdict.c.release, verdict.c.device_class)
"""Signed verdicts, oldest first; parts: section -> digest; rulings: compressed, for people."""

standing = Table(
    "standing",
    metadata,
    Column("release", String, primary_key=True),
    Column("device_class", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("verdict", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("deadline", Float, nullable=False, default=0.0),
)
"""How a release stands for a class: eligible, refused, or revoked after it was eligible."""

declaration = Table(
    "declaration",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("about", String, nullable=False),
    Column("role", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""What the hospital's people declared; for each subject and role the newest one counts."""

release_component = Table(
    "release_component",
    metadata,
    Column("release", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""What a release is made of, by its SBOM."""

watched_key = Table(
    "watched_key",
    metadata,
    Column("key", String, primary_key=True),
    Column("release", String, primary_key=True),
)
Index("watched_key_release", watched_key.c.release)
"""What advisories can say of a release is filed under these keys: its components', its CVEs'."""

watched_mark = Table(
    "watched_mark",
    metadata,
    Column("key", String, primary_key=True),
    Column("records", String, nullable=False),
    Column("exploited", Boolean, nullable=False),
    Column("likely", Integer, nullable=False),
)
"""What the advisories said under each watched key when they were last looked at."""

watched_time = Table(
    "watched_time",
    metadata,
    Column("release", String, primary_key=True),
    Column("device_class", String, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("gist", LargeBinary, nullable=False),
)
"""When the passing of time alone can change how a release stands; and every rule's last word."""

watched_release = Table(
    "watched_release",
    metadata,
    Column("release", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""What its bundle said that judging it again needs: a bundle is opened once."""

again = Table(
    "again",
    metadata,
    Column("release", String, primary_key=True),
    Column("device_class", String, primary_key=True),
    Column("causes", LargeBinary, nullable=False),
    Column("at", Float, nullable=False, index=True),
)
"""What is to be judged again, and because of what; emptied a few at each turn of the clock."""

revocation = Table(
    "revocation",
    metadata,
    Column("release", String, primary_key=True),
    Column("device_class", String, primary_key=True),
    Column("cause", String, primary_key=True),
)
"""What took a release's standing from it, until it has it back."""

danger = Table(
    "danger",
    metadata,
    Column("release", String, primary_key=True),
    Column("device_class", String, primary_key=True),
    Column("cause", String, primary_key=True),
)
"""What a device of the class is exposed to for as long as it runs the release."""

exposure = Table(
    "exposure",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("device", String, nullable=False, index=True),
    Column("cause", String, nullable=False),
    Column("release", String, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("closed_at", Float, nullable=False, default=0.0),
)
"""From when to when a device ran a release with something known against it; 0 is still open."""

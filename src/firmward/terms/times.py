"""Times as texts: one form for documents, one for people, both UTC."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: as texts they sort as the times do."""
    return at.astimezone(UTC).isoformat()[:19] + "Z"


def minute(at: datetime) -> str:
    """Date and minute in UTC, for people."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")

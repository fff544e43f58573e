"""A declaration as a person writes it down: TOML, read before it is sent."""

import tomllib
from datetime import UTC, date, datetime, time
from typing import Any

from firmward.terms.errors import Misuse
from firmward.terms.times import moment

_HEAD = ("about", "role", "until")


def read_form(data: bytes, who: str) -> dict[str, Any]:
    """The declaration in a TOML file, ready to be sent.  Raises Misuse."""
    try:
        said = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misuse(f"{who}: expected TOML: {error}") from error
    if missing := [name for name in _HEAD if name not in said]:
        raise Misuse(f"{who}: expected {', '.join(_HEAD)}, got none of {', '.join(missing)}")
    loose = [name for name, value in said.items() if name not in _HEAD and type(value) is not dict]
    if loose:
        raise Misuse(f"{who}: expected sections such as [device], got {', '.join(loose)}")
    return {
        "about": said["about"],
        "role": said["role"],
        "until": _plain(said["until"]),
        "sections": {name: _plain(said[name]) for name in said if name not in _HEAD},
    }


def _plain(value: Any) -> Any:
    """TOML's days and times as the evidence document writes them."""
    if isinstance(value, datetime):
        return moment(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return moment(datetime.combine(value, time(), UTC))
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value

"""A grant, and everything that has to be known to judge whether it may be used now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from firmward.hospital.gate.exceptions.approval import Approval
from firmward.hospital.gate.exceptions.request import Band, Request, Severity
from firmward.terms.errors import Misuse


@dataclass(frozen=True)
class Grant:
    """A request with the approvals that were verified.

    voided  why it was ended, by whom; a grant once void stays void
    faults  approvals in the store that no longer verify: somebody changed a row
    """

    request: Request
    approvals: tuple[Approval, ...] = ()
    voided: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleFacts:
    """What the policy in force says of a rule."""

    severity: Severity
    waivable: bool


@dataclass(frozen=True)
class Measurement:
    """A control as it was found in the hospital itself.

    measured  whether it was found there; what somebody declares is no evidence of a control
    """

    verified: bool
    evidence_sha256: str
    by: str
    at: datetime
    valid_until: datetime
    measured: bool = True


_DAYS: Final[dict[Severity, int]] = {"critical": 7, "high": 30, "medium": 90, "low": 180}
_ROLES: Final[dict[Severity, tuple[str, ...]]] = {
    "critical": ("sec", "biomed", "clin"),
    "high": ("sec", "biomed", "clin"),
    "medium": ("sec", "biomed"),
    "low": ("biomed",),
}
BREAK_GLASS_LIFE: Final = timedelta(hours=72)
BREAK_GLASS_PEOPLE: Final = 2
REVIEW_WITHIN: Final = timedelta(days=7)
"""A break-glass is reviewed within a week of being opened, so four days after its end at most."""
RETAIN_YEARS: Final = 6
"""45 CFR 164.316(b)(2)(i): six years."""


@dataclass(frozen=True)
class Limits:
    """How long an exception lives and who approves it, by severity.

    No clause sets these values; they are the hospital's parameters.

    never  rules that no break-glass reaches, beside those that none ever does
    """

    days: Mapping[Severity, int] = field(default_factory=lambda: _DAYS)
    roles: Mapping[Severity, tuple[str, ...]] = field(default_factory=lambda: _ROLES)
    never: frozenset[str] = frozenset()


class _Parameters(msgspec.Struct, frozen=True):
    exception_days: dict[Severity, int] = msgspec.field(default_factory=lambda: _DAYS)
    exception_roles: dict[Severity, tuple[str, ...]] = msgspec.field(default_factory=lambda: _ROLES)
    exception_never: frozenset[str] = frozenset()


def limits(parameters: Mapping[str, Any]) -> Limits:
    """The limits in a policy's parameters; what it does not set is as in the facts sheet.

    Raises Misuse for limits that make no sense, as a severity that nobody approves.
    """
    known = {name: plain for name, plain in parameters.items() if name.startswith("exception_")}
    try:
        read = msgspec.convert(known, _Parameters)
    except msgspec.ValidationError as error:
        raise Misuse(f"exception parameters: {error}") from error
    whole = set(_DAYS) == set(read.exception_days) == set(read.exception_roles)
    if not whole or min(read.exception_days.values()) < 1 or not all(read.exception_roles.values()):
        raise Misuse("exception parameters: expected days and roles for each severity")
    return Limits(read.exception_days, read.exception_roles, read.exception_never)


@dataclass(frozen=True)
class Facts:
    """The world as a grant is judged in it.

    rules      by id, of the policy in force
    images     release -> the digest of its image now
    exploited  offenders listed in KEV now; None where no catalogue can be asked
    bands      (release, offender) -> its risk band now
    controls   id -> what was measured of it, oldest first
    overdue    release -> break-glass requests whose review is past due
    """

    rules: Mapping[str, RuleFacts]
    images: Mapping[str, str]
    exploited: frozenset[str] | None
    bands: Mapping[tuple[str, str], Band] = field(default_factory=dict)
    controls: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)
    overdue: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

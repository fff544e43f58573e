"""EXC-001 to EXC-007: what every grant has to satisfy each time it is to be used.

Each function gives what is wrong, in words, and nothing where nothing is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from firmward.hospital.gate.exceptions.grant import (
    BREAK_GLASS_LIFE,
    BREAK_GLASS_PEOPLE,
    RETAIN_YEARS,
    Facts,
    Grant,
)
from firmward.hospital.gate.exceptions.request import (
    SEVERITIES,
    TRIGGERS,
    Band,
    Request,
    Severity,
    Standing,
    utc,
    worst,
)

_DEVICE_CLASS: Final = re.compile(
    r"[a-z0-9][a-z0-9-]{0,62}/[A-Z0-9][A-Z0-9-]{0,62}/tier-[1-4]\Z", re.ASCII
)
_WILD: Final = re.compile(r"[*]|^(?:\?+|any|all|every)$", re.IGNORECASE)
_RANK: Final[dict[Band, int]] = {"": 0, "low": 0, "medium": 1, "high": 2, "critical": 3}
_TARGET: Final = frozenset({"DEV-001", "DEV-002", "DEV-006"})
_ROLLBACK: Final = frozenset({"PMR-001", "DOC-005"})


def never_in_an_emergency(rule: str, facts: Facts) -> str:
    """Why a break-glass never reaches this rule, or "".

    Without a signature nobody knows what is installed, on the wrong target it does not work, and
    without a way back there is no second try: in an emergency least of all.
    """
    if rule.startswith("SIG-"):
        return "it is about signatures"
    if rule in _TARGET:
        return "it is about which devices a release is for"
    if rule in _ROLLBACK:
        return "it is about the way back"
    return "the hospital says so" if rule in facts.limits.never else ""


def limit(severity: Severity, request: Request, facts: Facts) -> timedelta:
    """How long a request of this severity may live."""
    life = timedelta(days=facts.limits.days[severity])
    return min(life, BREAK_GLASS_LIFE) if request.kind == "break-glass" else life


def severity_now(request: Request, facts: Facts) -> Severity:
    """The worst severity of its rules, as stated or as the policy has it now."""
    now = [facts.rules[c.rule].severity for c in request.rules if c.rule in facts.rules]
    return worst([*now, request.severity])


def missing_roles(grant: Grant, facts: Facts) -> tuple[str, ...]:
    """The roles whose approval is still to come."""
    given = {each.role for each in grant.approvals}
    if grant.request.kind == "break-glass":
        short = BREAK_GLASS_PEOPLE - len(given)
        return ("any role but those given",) * max(short, 0)
    wanted = facts.limits.roles[severity_now(grant.request, facts)]
    return tuple(role for role in wanted if role not in given)


def _waivable(grant: Grant, _: datetime, facts: Facts) -> Iterator[str]:
    for covered in grant.request.rules:
        known = facts.rules.get(covered.rule)
        if known is None:
            yield f"{covered.rule} is no rule of the policy in force"
        elif not known.waivable:
            yield f"{covered.rule} cannot be waived"
        why = never_in_an_emergency(covered.rule, facts)
        if grant.request.kind == "break-glass" and why:
            yield f"{covered.rule} is out of reach of a break-glass: {why}"


def _exact(grant: Grant, _: datetime, facts: Facts) -> Iterator[str]:
    request = grant.request
    image = facts.images.get(request.release, "")
    if image != request.image_sha256:
        got = image or "none that is known"
        yield f"it is for image {request.image_sha256}, {request.release} has {got}"
    names = [covered.rule for covered in request.rules]
    if len(set(names)) < len(names) or not names:
        yield "expected each rule once, and one at least"
    for covered in request.rules:
        yield from _exact_offenders(covered.rule, [each.offender for each in covered.offenders])
    if not request.devices or len(set(request.devices)) < len(request.devices):
        yield "expected each device class once, and one at least"
    for device in request.devices:
        if not _DEVICE_CLASS.match(device):
            yield f"expected product/HARDWARE-ID/tier-n, exactly, got {device!r:.120}"


def _exact_offenders(rule: str, names: list[str]) -> Iterator[str]:
    if not names or len(set(names)) < len(names):
        yield f"{rule}: expected each offender once, and one at least"
    for name in names:
        if not name.strip() or _WILD.search(name.strip()):
            yield f"{rule}: expected an offender by name, got {name!r:.120}"


def _in_time(grant: Grant, now: datetime, facts: Facts) -> Iterator[str]:
    request = grant.request
    severity, life = severity_now(request, facts), request.expires - request.opened_at
    most = limit(severity, request, facts)
    if SEVERITIES.index(severity) < SEVERITIES.index(request.severity):
        yield f"it was approved as {request.severity} and is {severity} now"
    if life <= timedelta(0):
        yield f"it ends at {utc(request.expires)}, which is not after its opening"
    # From the opening, which is before any approval: never longer than from the approval.
    if life > most:
        yield f"it lives {_long(life)}; {severity} {request.kind}s live {_long(most)} at most"
    if now >= request.expires:
        yield f"it ended at {utc(request.expires)}"
    if now < request.opened_at:
        yield f"it is not opened before {utc(request.opened_at)}"


def _approved(grant: Grant, _: datetime, facts: Facts) -> Iterator[str]:
    if missing := missing_roles(grant, facts):
        yield f"still to approve: {', '.join(missing)}"
    yield from disputed(grant)


def disputed(grant: Grant) -> Iterator[str]:
    """What is wrong with the approvals that are there, whether or not more are to come."""
    request, people = grant.request, [each.person for each in grant.approvals]
    if request.requester in people:
        yield f"{request.requester} asked for it and cannot approve it"
    for person in sorted({each for each in people if people.count(each) > 1}):
        yield f"{person} approved more than once"
    for each in grant.approvals:
        if not each.meaning.strip():
            yield f"{each.person} did not say what the signature means"
        if not request.opened_at.timestamp() - 300 <= each.signed_at.timestamp():
            yield f"{each.person} signed before it was opened"
        if each.signed_at >= request.expires:
            yield f"{each.person} signed after its end"
    yield from grant.faults


def _controlled(grant: Grant, now: datetime, facts: Facts) -> Iterator[str]:
    controls = grant.request.controls
    if not controls or len({each.id for each in controls}) < len(controls):
        yield "expected each compensating control once, and one at least"
    for control in controls:
        if not control.owner.strip():
            yield f"control {control.id} has no owner"
        found = [m for m in facts.controls.get(control.id, ()) if m.measured and m.at <= now]
        if not any(m.verified and m.evidence_sha256 == control.evidence_sha256 for m in found):
            yield f"control {control.id}: its evidence was never measured here"
        elif not found[-1].verified:
            yield f"control {control.id} was lost at {utc(found[-1].at)}"
        elif now >= found[-1].valid_until:
            yield f"control {control.id}: its evidence ran out at {utc(found[-1].valid_until)}"


def _untriggered(grant: Grant, now: datetime, facts: Facts) -> Iterator[str]:
    yield from grant.voided
    yield from fired(grant, now, facts)
    if set(grant.request.triggers) != set(TRIGGERS):
        yield f"expected all triggers, got {', '.join(grant.request.triggers) or 'none'}"
    if facts.exploited is None:
        yield "whether its offenders are exploited cannot be told: no catalogue"
    for each in (one for covered in grant.request.rules for one in covered.offenders):
        if each.band and not facts.bands.get((grant.request.release, each.offender)):
            yield f"the risk band of {each.offender} cannot be told any more"


def fired(grant: Grant, now: datetime, facts: Facts) -> Iterator[str]:
    """The triggers that went off: each ends the exception for good."""
    for covered in grant.request.rules:
        for each in covered.offenders:
            yield from _worse(each, grant.request.release, facts)
    if facts.images.get(grant.request.release) != grant.request.image_sha256:
        yield f"{grant.request.release} has another image now"
    for control in grant.request.controls:
        # Once lost is lost, even where it was restored before anybody looked.
        for found in facts.controls.get(control.id, ()):
            if not found.verified and grant.request.opened_at <= found.at <= now:
                yield f"control {control.id} was lost at {utc(found.at)}"


def _worse(before: Standing, release: str, facts: Facts) -> Iterator[str]:
    if not before.exploited and before.offender in (facts.exploited or ()):
        yield f"{before.offender} is listed as exploited since"
    band = facts.bands.get((release, before.offender), "")
    if _RANK[band] > _RANK[before.band]:
        yield f"{before.offender} is in risk band {band}, above {before.band or 'none'}"


def _recorded(grant: Grant, _: datetime, facts: Facts) -> Iterator[str]:
    request = grant.request
    if not request.rationale.strip():
        yield "expected a rationale"
    if request.residual_risk not in ("A", "C"):
        yield f"expected a residual risk of A or C, got {request.residual_risk!r}"
    if request.retain_years < RETAIN_YEARS:
        yield f"expected to be kept {RETAIN_YEARS} years or more, got {request.retain_years}"
    overdue = [each for each in facts.overdue.get(request.release, ()) if each != request.id]
    if request.kind == "break-glass" and overdue:
        yield f"the review of {', '.join(overdue)} is past due"


@dataclass(frozen=True)
class Demand:
    """One of the seven: what it asks, by whose word, and how it is asked."""

    id: str
    title: str
    cites: tuple[str, ...]
    ask: Callable[[Grant, datetime, Facts], Iterator[str]]


_CONCESSION: Final = "ISO 13485:2016 8.3.2"
_TIME_BOUND: Final = "NIST SP 800-53 r5 CA-5, CA-6"
_FDA_2016: Final = "FDA Postmarket Cybersecurity Guidance 2016"
DEMANDS: Final = (
    Demand("EXC-001", "Every waived rule is waivable", (_CONCESSION, "hospital"), _waivable),
    Demand(
        "EXC-002",
        "The scope is exact: rules, offenders, image and devices",
        (_CONCESSION, "hospital"),
        _exact,
    ),
    Demand(
        "EXC-003",
        "It ends, within the limit of its severity",
        (_TIME_BOUND, "NIST SP 800-37 r2 R-3, R-4", "hospital limit"),
        _in_time,
    ),
    Demand(
        "EXC-004",
        "The roles it needs approved it: distinct people, none of them the requester or a vendor",
        ("21 CFR 11.50, 11.70, 11.200", "NIST SP 800-53 r5 AC-5", "IEC 80001-1"),
        _approved,
    ),
    Demand(
        "EXC-005",
        "Every compensating control has an owner and is measured to be in place",
        (_FDA_2016, "IMDRF N70:2023"),
        _controlled,
    ),
    Demand("EXC-006", "Nothing has voided it", ("hospital",), _untriggered),
    Demand(
        "EXC-007",
        "Rationale, residual risk and retention are recorded, and earlier emergencies reviewed",
        ("45 CFR 164.306(d)(3), 164.316(b)(2)(i)", "ISO 14971:2019 7.4"),
        _recorded,
    ),
)


def _long(life: timedelta) -> str:
    days, rest = divmod(life, timedelta(days=1))
    if not rest:
        return f"{days} days"
    hours = life / timedelta(hours=1)
    return f"{hours:g} hours"

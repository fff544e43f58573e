"""A request for an exception, and the one text of it that every approver reads and signs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Final, Literal

from msgspec import Meta

from firmward.terms.errors import Malformed
from firmward.terms.names import Label, Moment, ReleaseId, Sha256
from firmward.terms.wire import Wire, encode

Kind = Literal["exception", "break-glass"]
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "high", "medium", "low")
Band = Literal["", "low", "medium", "high", "critical"]
"""How grave a vulnerability is here, by gate.risk; "" for what is none."""
Trigger = Literal["exploited", "band", "image", "control"]
TRIGGERS: Final[dict[Trigger, str]] = {
    "exploited": "an offender is newly listed as exploited (KEV)",
    "band": "an offender's risk band is higher than stated here",
    "image": "the release has another image",
    "control": "a control is lost",
}
"""What ends an exception before its time.  Every request names all of them."""

MOST_OFFENDERS: Final = 99
LONGEST_OFFENDER: Final = 159
"""A ruling shows at most 100 offenders of at most 160 characters; at either limit it may have been
cut, and what was cut off nobody approved."""

RequestId = Annotated[str, Meta(pattern=r"^(?:EX|BG)-[1-9][0-9]{0,8}\Z")]
RuleId = Annotated[str, Meta(pattern=r"^[A-Z]{3}-[0-9]{3}\Z")]
# No patterns: whoever names nobody, or what is too wide, is told so by its rule, not by a parser.
Owner = Annotated[str, Meta(max_length=200)]
Offender = Annotated[str, Meta(max_length=LONGEST_OFFENDER)]
DeviceClass = Annotated[str, Meta(max_length=160)]
"""One class of devices: product/hardware id/tier-n."""


class Control(Wire, frozen=True, kw_only=True):
    """A compensating control: who answers for it, and the evidence that it is in place."""

    id: Label
    owner: Owner
    evidence_sha256: Sha256


class Asked(Wire, frozen=True, kw_only=True):
    """A rule that is asked to be waived, for exactly these offenders."""

    rule: RuleId
    offenders: Annotated[tuple[Offender, ...], Meta(max_length=MOST_OFFENDERS)] = ()


class Draft(Wire, frozen=True, kw_only=True):
    """What a requester asks for; the hospital adds what is its own to say."""

    kind: Kind = "exception"
    release: ReleaseId
    rules: Annotated[tuple[Asked, ...], Meta(min_length=1, max_length=20)]
    devices: Annotated[tuple[DeviceClass, ...], Meta(max_length=64)]
    rationale: Annotated[str, Meta(max_length=2000)]
    residual_risk: Annotated[str, Meta(max_length=16)]
    retain_years: Annotated[int, Meta(ge=0, le=100)]
    controls: Annotated[tuple[Control, ...], Meta(max_length=32)]
    expires: Moment


class Standing(Wire, frozen=True, kw_only=True):
    """An offender as it stood when the request was opened, which later triggers compare with."""

    offender: Offender
    exploited: bool
    band: Band = ""


class Covered(Wire, frozen=True, kw_only=True):
    """A rule, its severity, and the offenders it is waived for."""

    rule: RuleId
    severity: Severity
    offenders: tuple[Standing, ...]


class Request(Wire, frozen=True, kw_only=True):
    """A request as it was opened.  It never changes; another wish is another request.

    From the requester: what, for which devices, why, until when, and the controls.
    From the hospital: id, requester, image, severity (the worst of the rules), how each offender
    stood, and when it was opened.
    """

    id: RequestId
    kind: Kind
    release: ReleaseId
    image_sha256: Sha256
    rules: Annotated[tuple[Covered, ...], Meta(min_length=1, max_length=20)]
    devices: Annotated[tuple[DeviceClass, ...], Meta(max_length=64)]
    severity: Severity
    requester: Label
    rationale: Annotated[str, Meta(max_length=2000)]
    residual_risk: Annotated[str, Meta(max_length=16)]
    retain_years: Annotated[int, Meta(ge=0, le=100)]
    controls: Annotated[tuple[Control, ...], Meta(max_length=32)]
    triggers: tuple[Trigger, ...]
    expires: Moment
    opened_at: Moment

    @property
    def offenders(self) -> frozenset[str]:
        """Every offender of every rule."""
        return frozenset(one.offender for each in self.rules for one in each.offenders)

    def covers(self, rule: str) -> frozenset[str]:
        """The offenders that a rule is to be waived for."""
        found = [each.offenders for each in self.rules if each.rule == rule]
        return frozenset(one.offender for offenders in found for one in offenders)


def worst(severities: list[Severity]) -> Severity:
    """The gravest of them; critical where there is none to tell by."""
    return min(severities, key=SEVERITIES.index, default="critical")


def utc(at: datetime) -> str:
    """A time as the text says it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def request_text(request: Request) -> str:
    """What an approver reads and signs: every member on a line of its own, always the same.

    The last line is the digest of the document itself, so that no two requests share a text.

    raises  Malformed for text with characters that do not show: a reader must see what is signed
    """
    lines = [f"FIRMWARD {request.kind.upper()} {request.id}", *_lines(request)]
    for line in lines:
        if not line.isprintable():
            raise Malformed(request.id, "text that shows as it is", repr(line)[:120])
    return "\n".join(lines) + "\n"


def request_sha256(request: Request) -> str:
    """The digest of the text: what an approval is bound to."""
    return sha256(request_text(request).encode()).hexdigest()


def _lines(request: Request) -> Iterator[str]:
    yield _line("release", request.release)
    yield _line("image sha256", request.image_sha256)
    for device in request.devices:
        yield _line("devices", device)
    yield _line("severity", request.severity)
    yield _line("requester", request.requester)
    yield _line("opened", utc(request.opened_at))
    yield _line("expires", utc(request.expires))
    yield _line("rationale", request.rationale)
    yield _line("residual risk", request.residual_risk)
    yield _line("kept for", f"{request.retain_years} years")
    for covered in request.rules:
        yield _line("waives", f"{covered.rule} ({covered.severity})")
        for each in covered.offenders:
            listed = "listed as exploited" if each.exploited else "not listed as exploited"
            band = f"risk band {each.band}" if each.band else "no risk band"
            yield _line("  offender", each.offender)
            yield _line("    stood", f"{listed}, {band}")
    for control in request.controls:
        yield _line("control", control.id)
        yield _line("  owner", control.owner)
        yield _line("  evidence", f"sha256 {control.evidence_sha256}")
    for trigger in request.triggers:
        yield _line("void when", TRIGGERS[trigger])
    yield _line("means", "these failures may stand as excepted until then; they do not pass")
    yield _line("document", f"sha256 {sha256(encode(request)).hexdigest()}")


def _line(label: str, value: str) -> str:
    return f"{label:16}{value}"

"""A verdict's diamond as text, for terminals and letters.  Pure."""

from collections.abc import Iterator
from typing import Final

from firmward.hospital.gate.diamond import OUTCOMES, Corner, Diamond, outcome
from firmward.hospital.gate.judge import short
from firmward.hospital.gate.known import moment
from firmward.hospital.gate.rulings import Ruling
from firmward.terms.legible import legible

_SIDE: Final = 28
_MIDDLE: Final = 22


def told(shown: Diamond, *, every: bool = False) -> str:
    """The diamond, what stands in the way in full, and the rest in a line each.

    every  every rule in full
    """
    lines = [*_head(shown), "", *_drawn(shown), ""]
    for corner in shown.corners:
        lines += _corner(corner, every=every)
    return legible("\n".join(lines)) + "\n"


def _head(shown: Diamond) -> Iterator[str]:
    said = shown.judgement
    whom = f" for {said.device_class}" if said.device_class else ""
    yield f"{said.release} of {said.vendor}{whom}"
    yield f"verdict {shown.number} at {said.site}, {said.moment}, {moment(said.at)}"
    yield f"image sha256 {said.image_sha256}"
    names = ", ".join(source.name for source in (*said.packs, *said.overlays))
    yield f"policy sha256 {said.policy_sha256}: {names}"
    yield from (f"{side}." for side in shown.weighed if side)


def _drawn(shown: Diamond) -> Iterator[str]:
    """Four corners around the decision."""
    top, left, right, bottom = (_box(corner) for corner in shown.corners)
    for line in top:
        yield _row("", line, "")
    yield _row("", "/ \\", "")
    middle = [f"< {shown.decision.upper()} >", *[""] * max(len(left), len(right))]
    sides = zip(_padded(left, middle), middle, _padded(right, middle), strict=True)
    for a, b, c in sides:
        if a or b or c:
            yield _row(a, b, c)
    yield _row("", "\\ /", "")
    for line in bottom:
        yield _row("", line, "")
    yield _row("", "|", "")
    yield _row("", f"v  {shown.edge.says}", "")


def _padded(box: list[str], like: list[str]) -> list[str]:
    return [*box, *[""] * (len(like) - len(box))]


def _row(left: str, middle: str, right: str) -> str:
    return f"{left:^{_SIDE}}{middle:^{_MIDDLE}}{right:^{_SIDE}}".rstrip()


def _box(corner: Corner) -> list[str]:
    state = f"{corner.against} in the way" if corner.against else "holds"
    counted = [f"{count} {one}" for one, count in corner.counts.items() if count]
    return [corner.name.upper(), state, *counted]


def _corner(corner: Corner, *, every: bool) -> Iterator[str]:
    yield f"{corner.name.upper()}: " + ", ".join(f"{corner.counts[one]} {one}" for one in OUTCOMES)
    for each in corner.rulings:
        if each.blocks or every:
            yield from ("", *_full(each))
        elif outcome(each) in ("warn", "excepted"):
            yield f"  {_line(each)}"
    yield ""


def _line(each: Ruling) -> str:
    if each.exception:
        return f"EXCEPTED by {each.exception}: {each.rule} {each.title}"
    until = each.binds_from or "its day"
    return f"WARNS until {until}: {each.rule} {each.title}: {short(each)}"


def _full(each: Ruling) -> Iterator[str]:
    waivable = "waivable" if each.waivable else "cannot be waived"
    yield f"  {outcome(each).upper()} {each.rule} ({each.severity}, {waivable}): {each.title}"
    yield f"    asked by   {'; '.join(each.sources)} [{each.basis}; {each.pack}]"
    yield f"    because    {each.reason}"
    for seen in each.seen:
        source = seen.source_digest or "the hospital's own records"
        signer = f", signed by {seen.signer}" if seen.signer else ""
        yield f"    saw        {seen.path} = {seen.value} ({seen.trust}, {source}{signer})"
    if each.offenders:
        yield f"    offenders  {', '.join(each.offenders)}"
    if each.exception:
        yield f"    excepted   by {each.exception}"
    if each.binds_from:
        yield f"    binds      from {each.binds_from}"
    if each.remedy:
        yield f"    remedy     {each.remedy}"

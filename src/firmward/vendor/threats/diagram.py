"""The data-flow diagram of a threat model, as SVG: zones as columns, trust boundaries dashed."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from firmward.vendor.threats.assess import Assessment
from firmward.vendor.threats.model import Flow, Model

_WIDE, _HIGH, _GAP, _LANE, _TOP = 230, 54, 40, 190, 74
_COLOUR: Final = {"unacceptable": "#b3261e", "tolerable": "#9a6700", "acceptable": "#1a7f37"}


@dataclass(frozen=True)
class _Box:
    """An element in its place, in pixels from the upper left."""

    id: str
    name: str
    outsider: bool
    x: int
    y: int


def svg(model: Model, assessment: Assessment) -> str:
    """The picture; elements with open threats carry their number in the colour of the worst."""
    boxes = {box.id: box for box in _placed(model)}
    wide = len(model.zones) * (_WIDE + _LANE) - _LANE + 40
    high = max((box.y for box in boxes.values()), default=0) + _HIGH + 60
    drawn = [_zone(at, zone.name, zone.trusted, high) for at, zone in enumerate(model.zones)]
    drawn += [_flow(flow, boxes, at, assessment) for at, flow in enumerate(model.flows)]
    drawn += [_box(box, model, assessment) for box in boxes.values()]
    title = escape(f"Data flows of {model.system}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" '
        f'aria-label="{title}" font-family="system-ui, sans-serif" font-size="13">'
        f"<title>{title}</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#57606a"/></marker></defs>'
        f"{''.join(drawn)}</svg>"
    )


def _placed(model: Model) -> list[_Box]:
    placed: list[_Box] = []
    for at, zone in enumerate(model.zones):
        inside = [(part.id, part.name, False) for part in model.parts if part.zone == zone.id]
        inside += [(each.id, each.name, True) for each in model.outside if each.zone == zone.id]
        for row, (name, says, outsider) in enumerate(inside):
            x, y = 20 + at * (_WIDE + _LANE), _TOP + row * (_HIGH + _GAP)
            placed.append(_Box(name, says, outsider, x, y))
    return placed


def _zone(at: int, name: str, trusted: bool, high: int) -> str:
    x = 8 + at * (_WIDE + _LANE)
    fill = "#eef6ff" if trusted else "#fff8ee"
    return (
        f'<rect x="{x}" y="28" width="{_WIDE + 24}" height="{high - 40}" rx="10" fill="{fill}" '
        'stroke="#8c959f" stroke-dasharray="6 4"/>'
        f'<text x="{x + 10}" y="20" fill="#57606a">{escape(name[:34])}</text>'
    )


def _box(box: _Box, model: Model, assessment: Assessment) -> str:
    doors = {door.id for door in model.interfaces if door.part == box.id}
    kinds = ", ".join(door.kind for door in model.interfaces if door.part == box.id)
    shape = 'rx="0" fill="#ffffff"' if box.outsider else 'rx="22" fill="#ffffff"'
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDE}" height="{_HIGH}" {shape} '
        'stroke="#24292f"/>'
        f'<text x="{box.x + _WIDE / 2}" y="{box.y + (24 if kinds else 32)}" text-anchor="middle">'
        f"{escape(_short(box.name, 32))}</text>"
        f'<text x="{box.x + _WIDE / 2}" y="{box.y + 42}" text-anchor="middle" font-size="11" '
        f'fill="#57606a">{escape(_short(kinds, 34))}</text>'
        + _badge(assessment, {box.id, *doors}, box.x + _WIDE - 8, box.y + 2)
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _badge(assessment: Assessment, elements: set[str], x: float, y: float) -> str:
    here = [each for each in assessment.open if each.element in elements]
    if not here:
        return ""
    # Judged threats come worst first.
    colour = _COLOUR[here[0].band]
    return (
        f'<circle cx="{x}" cy="{y}" r="11" fill="{colour}"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle" fill="#fff" font-size="11">'
        f"{len(here)}</text>"
    )


def _flow(flow: Flow, boxes: dict[str, _Box], at: int, assessment: Assessment) -> str:
    first, last = boxes[flow.source], boxes[flow.target]
    # Parallel flows leave at different heights, so that each can be followed by eye.
    shift = 14 + (at * 11) % (_HIGH - 24)
    if first.x == last.x:
        points = _beside(first, last, at)
    else:
        right = last.x > first.x
        x1 = first.x + (_WIDE if right else 0)
        x2 = last.x + (0 if right else _WIDE)
        points = [(x1, first.y + shift), (x2, last.y + shift)]
    line = " ".join(f"{x},{y}" for x, y in points)
    x, y = _label(points, at)
    door = f" via {flow.interface}" if flow.interface else ""
    return (
        f'<polyline points="{line}" fill="none" stroke="#57606a" marker-end="url(#tip)">'
        f"<title>{escape(flow.name + door)}</title></polyline>"
        f'<text x="{x}" y="{y - 4}" text-anchor="middle" font-size="11" fill="#24292f">'
        f"{escape(_short(flow.name, 26))}</text>" + _badge(assessment, {flow.id}, x, y + 12)
    )


def _beside(first: _Box, last: _Box, at: int) -> list[tuple[float, float]]:
    """Around the right-hand side, when both ends stand in one column."""
    out = first.x + _WIDE + 10 + (at * 9) % 30
    y1, y2 = first.y + _HIGH / 2, last.y + _HIGH / 2
    return [(first.x + _WIDE, y1), (out, y1), (out, y2), (last.x + _WIDE, y2)]


def _label(points: Sequence[tuple[float, float]], at: int) -> tuple[float, float]:
    """Near one end or the other in turn, so that the names of parallel flows do not cover."""
    if len(points) == 2:
        (x1, y1), (x2, y2) = points
        along = 0.32 if at % 2 else 0.68
        return x1 + (x2 - x1) * along, y1 + (y2 - y1) * along
    return points[1][0] + 44, (points[1][1] + points[2][1]) / 2

"""Figure 3 as inline SVG, built as a tree, so that no text can become markup.

Colours are classes of the page's style, for light, dark and paper.  None carries a meaning alone:
each corner says in words what stands in the way, and the page has all of it as a table.
"""

from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from firmward.hospital.gate.diamond import Corner, Diamond, Way
from firmward.terms.legible import legible

_WIDTH: Final = 400.0
_BOX: Final = 128.0
_LINE: Final = 15.0
_HEAD: Final = 46.0
_GAP: Final = 26.0
_REACH: Final = 62.0
_END: Final = 36.0 + 14 + 4 * 16


class Drawing:
    """An SVG with a title and a description for those who do not see it."""

    def __init__(self, top: float, bottom: float, title: str, says: str):
        self._root = Element(
            "svg",
            {
                "viewBox": f"0 {top:g} {_WIDTH:g} {bottom - top:g}",
                "role": "img",
                "aria-labelledby": "diamond-title diamond-says",
                "class": "diamond",
            },
        )
        SubElement(self._root, "title", {"id": "diamond-title"}).text = legible(title)
        SubElement(self._root, "desc", {"id": "diamond-says"}).text = legible(says)

    def __html__(self) -> str:
        """The drawing as markup; templates take it as it is."""
        return tostring(self._root, encoding="unicode")

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A rectangle."""
        places = {"x": x, "y": y, "width": width, "height": height, "rx": 8.0}
        at = {name: f"{value:g}" for name, value in places.items()}
        SubElement(self._root, "rect", {"class": kind, **at})

    def text(self, x: float, y: float, words: str, kind: str = "ink") -> None:
        """Words around `x`, with their baseline at `y`."""
        at = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": "middle"}
        SubElement(self._root, "text", {"class": kind, **at}).text = legible(words)

    def lines(self, places: list[tuple[float, float]], kind: str, tag: str = "polyline") -> None:
        """A line, or as a polygon an area, through places."""
        points = " ".join(f"{x:g},{y:g}" for x, y in places)
        SubElement(self._root, tag, {"class": kind, "points": points})


def draw(shown: Diamond) -> Drawing:
    """The diamond of a verdict."""
    tall = [_tall(each) for each in shown.corners]
    most = max(tall)
    middle = most + _GAP + _REACH
    lowest = middle + _REACH + _GAP
    below = middle + max(tall[1:3]) / 2
    end = max(lowest + tall[3], below + _END)
    canvas = Drawing(most - tall[0], end + 2, _title(shown), _says(shown))
    places = (
        ((_WIDTH - _BOX) / 2, most - tall[0] + 1),
        (1.0, middle - tall[1] / 2),
        (_WIDTH - _BOX - 1, middle - tall[2] / 2),
        ((_WIDTH - _BOX) / 2, lowest - 1),
    )
    _ways(canvas, shown, middle, below)
    _middle(canvas, shown, middle)
    for corner, (x, y) in zip(shown.corners, places, strict=True):
        _corner(canvas, corner, x, y)
    return canvas


def _tall(corner: Corner) -> float:
    return _HEAD + sum(bool(count) for count in corner.counts.values()) * _LINE + 6


def _title(shown: Diamond) -> str:
    return f"The gate's decision on {shown.judgement.release}: {shown.decision}"


def _says(shown: Diamond) -> str:
    corners = "; ".join(
        f"{each.name}: {each.against} of {len(each.rulings)} rules in the way"
        for each in shown.corners
    )
    return f"Four corners lead to one decision. {corners}. It leads {_leads(shown)}."


def _leads(shown: Diamond) -> str:
    edge = shown.edge
    return edge.says if edge.way == "delivery" else f"to no delivery: {edge.says}"


def _corner(canvas: Drawing, corner: Corner, x: float, y: float) -> None:
    across = x + _BOX / 2
    against = corner.against
    canvas.box(x, y, _BOX, _tall(corner), "corner against" if against else "corner holds")
    canvas.text(across, y + 19, corner.name, "ink strong")
    state = f"✗ {against} in the way" if against else "✓ holds"
    canvas.text(across, y + 37, state, "bad" if against else "good")
    said = [(one, count) for one, count in corner.counts.items() if count]
    for row, (one, count) in enumerate(said):
        canvas.text(across, y + _HEAD + 10 + row * _LINE, f"{count} {one}", "muted")


def _middle(canvas: Drawing, shown: Diamond, middle: float) -> None:
    across, wide = _WIDTH / 2, _WIDTH / 2 - _BOX - 2
    down = _REACH + _GAP - 6
    kind = "good" if shown.judgement.admitted else "bad"
    corners = [(across, middle - down), (across + wide, middle), (across, middle + down)]
    canvas.lines([*corners, (across - wide, middle)], f"decision {kind}", "polygon")
    canvas.text(across, middle - 8, "the gate", "muted")
    canvas.text(across, middle + 13, shown.decision, f"{kind} large")


def _ways(canvas: Drawing, shown: Diamond, middle: float, below: float) -> None:
    """Both ways out, below the sides; the one that was taken is drawn through."""
    top = below + 32
    edge, taken = shown.edge, shown.judgement.admitted
    numbers = [f"ticket {number}" for number in edge.tickets[:2]]
    more = len(edge.tickets) - len(numbers)
    tickets = [*numbers, *([f"and {more} more"] if more else [])] or ["no ticket"]
    word: Way = "refused" if taken else edge.way
    _way(canvas, (66.0, top), middle, ["to signing", "and delivery"], taken=taken)
    ends = ["revoked", "and ticket"] if taken else [f"✗ {word}", *tickets]
    _way(canvas, (_WIDTH - 66.0, top), middle, ends, taken=not taken)


def _way(
    canvas: Drawing, end: tuple[float, float], middle: float, words: list[str], *, taken: bool
) -> None:
    across, top = end
    kind = "taken" if taken else "untaken"
    inward = 1 if across < _WIDTH / 2 else -1
    start = (_WIDTH / 2 - inward * 34, middle + 38)
    bend = (across + inward * 44, top - 14)
    canvas.lines([start, bend, (across, top - 14), (across, top)], f"way {kind}")
    canvas.lines(
        [(across - 5, top - 6), (across, top + 3), (across + 5, top - 6)], f"tip {kind}", "polygon"
    )
    tall = 14 + 16 * len(words)
    canvas.box(across - 58, top + 4, 116, tall, f"end {kind}")
    for row, line in enumerate(words):
        canvas.text(across, top + 22 + 16 * row, line, "ink strong" if taken else "muted")

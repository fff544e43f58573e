"""What charts are drawn with: inline SVG, built as a tree, so that no text can become markup.

Colours are classes that the page's styles define for light, dark and paper.  No meaning is carried
by colour alone: marks differ in shape, and every chart has a table beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

Anchor = Literal["start", "middle", "end"]
Shape = Literal["dot", "ring", "cross", "diamond", "triangle", "square"]


@dataclass(frozen=True)
class Scale:
    """From a value to a place: `start` lies at `left`, `end` at `right`."""

    start: float
    end: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        span = self.end - self.start or 1.0
        return self.left + (value - self.start) / span * (self.right - self.left)

    def holds(self, value: float) -> bool:
        """Whether a value lies within the scale."""
        return self.start <= value <= self.end

    def ticks(self, most: int = 10) -> list[float]:
        """Round values within the scale, at most this many."""
        span = (self.end - self.start) or 1.0
        power = 10 ** math.floor(math.log10(span / most))
        step = next(n * power for n in (1, 2, 5, 10) if span / (n * power) <= most)
        first, last = math.ceil(self.start / step), math.floor(self.end / step)
        return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True)
class Sign:
    """A mark and what it stands for."""

    shape: Shape
    colour: str
    words: str


class Canvas:
    """A drawing with a title and a description for those who do not see it."""

    def __init__(self, name: str, width: float, height: float, title: str, says: str):
        ids = f"{name}-title {name}-says"
        self.width, self.height = width, height
        self.root = Element(
            "svg",
            {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-labelledby": ids},
        )
        self.root.set("style", f"min-width:{width * 0.7:.0f}px")
        SubElement(self.root, "title", {"id": f"{name}-title"}).text = title
        SubElement(self.root, "desc", {"id": f"{name}-says"}).text = says

    def __html__(self) -> str:
        """The drawing as markup; templates take it as it is."""
        return tostring(self.root, encoding="unicode")

    def _add(self, tag: str, kind: str, **at: float | str) -> Element:
        places = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{value:.1f}"
            for name, value in at.items()
        }
        return SubElement(self.root, tag, {"class": kind, **places})

    def text(
        self, x: float, y: float, words: str, kind: str = "", anchor: Anchor = "start"
    ) -> None:
        """Words with their baseline at `y`."""
        self._add("text", kind or "ink", x=x, y=y, text_anchor=anchor).text = words

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> None:
        """A straight line."""
        self._add("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        hint: str = "",
        round_: float = 0,
    ) -> None:
        """A rectangle, never thinner than can be seen."""
        box = self._add(
            "rect", kind, x=x, y=y, width=max(width, 1.5), height=max(height, 0.5), rx=round_
        )
        _hint(box, hint)

    def path(
        self, places: Sequence[tuple[float, float]], kind: str, *, arrow: bool = False
    ) -> None:
        """A line through places; with an arrow head at the last one if asked for."""
        if len(places) < 2:
            return
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self._add("polyline", f"path {kind}", points=steps)
        if arrow:
            self._arrow(places[-2], places[-1], kind)

    def _arrow(self, before: tuple[float, float], tip: tuple[float, float], kind: str) -> None:
        angle = math.atan2(tip[1] - before[1], tip[0] - before[0])
        corners = [tip]
        for turn in (2.7, -2.7):
            corners.append(
                (tip[0] + 9 * math.cos(angle + turn), tip[1] + 9 * math.sin(angle + turn))
            )
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        self._add("polygon", f"head {kind}", points=steps)

    def mark(self, sign: Sign, x: float, y: float, hint: str = "", size: float = 5) -> None:
        """A sign at a place."""
        _hint(self._shape(sign.shape, f"mark {sign.shape} {sign.colour}", x, y, size), hint)

    def _shape(self, shape: Shape, kind: str, x: float, y: float, size: float) -> Element:
        if shape in ("dot", "ring"):
            return self._add("circle", kind, cx=x, cy=y, r=size)
        if shape == "square":
            return self._add("rect", kind, x=x - size, y=y - size, width=2 * size, height=2 * size)
        if shape == "cross":
            a, b, c, d = x - size, x + size, y - size, y + size
            steps = f"M{a:.1f} {c:.1f}L{b:.1f} {d:.1f}M{a:.1f} {d:.1f}L{b:.1f} {c:.1f}"
            return self._add("path", kind, d=steps)
        corners = {
            "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
            "triangle": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
        }[shape]
        steps = " ".join(f"{x + dx * size:.1f},{y + dy * size:.1f}" for dx, dy in corners)
        return self._add("polygon", kind, points=steps)

    def legend(self, signs: Sequence[Sign], x: float, y: float) -> None:
        """What the marks stand for, in one row."""
        for sign in signs:
            self.mark(sign, x, y)
            self.text(x + 11, y + 4, sign.words, "muted")
            x += 30 + 6.6 * len(sign.words)

    def seconds(self, scale: Scale, top: float, bottom: float, origin: float = 0.0) -> None:
        """A time axis below, in seconds since `origin`, with lines up through the chart."""
        shifted = Scale(scale.start - origin, scale.end - origin, scale.left, scale.right)
        for tick in shifted.ticks():
            self.line(shifted(tick), top, shifted(tick), bottom)
            self.text(shifted(tick), bottom + 15, f"{tick:g} s", "muted", "middle")


def _hint(element: Element, words: str) -> None:
    if words:
        SubElement(element, "title").text = words

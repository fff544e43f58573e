"""Pictures of one roll-out: its waves, the vitals it was judged by, and the decision's weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from firmward.hospital.records.vitals import Kept
from firmward.hospital.watch.signals import DOMAINS
from firmward.lab.charts import Canvas, Scale, Sign
from firmward.lab.pictures import WIDTH, Figure, Row, clock, short
from firmward.lab.story import Drawn, Entry, Story

ORDERED = Sign("ring", "blue", "ordered")
DEFERRED = Sign("diamond", "amber", "deferred: in therapy")
REFUSED = Sign("square", "red", "refused an attack")
CUT = Sign("cross", "red", "power cut")
BACK = Sign("triangle", "violet", "back on the old release")
KEPT = Sign("dot", "green", "kept")
BEFORE = 12.0
"""Seconds of ordinary life shown before a roll-out reaches anybody."""


def waves(story: Story, release: str, *, name: str) -> Figure | None:
    """One row per device: when it was ordered, what happened, and when it kept the release."""
    drawn = story.rollout(release)
    opened = story.of("rollout.wave", about=release)
    if drawn is None or not opened:
        return None
    closed = story.of("rollout.done", "rollout.stopped", about=release)
    scale = Scale(opened[0].at - 0.4, _end(story, closed), 150, WIDTH - 20)
    devices = [(number, d) for number, wave in enumerate(drawn.waves, 1) for d in sorted(wave)]
    height = 24.0 * len(devices) + 104
    marks = {device: _marks(story, device, release, scale) for _, device in devices}
    caption = (
        f"{release}, {drawn.state}. {len(devices)} devices in {len(drawn.waves)} waves, drawn at "
        "random within ward kind. A shaded band is a wave, from its orders to the next one's; a "
        "numbered line is a look at its vitals. Seconds since the play began."
    )
    title = f"Roll-out of {release}"
    canvas = Canvas(name, WIDTH, height, title, caption)
    bottom = height - 34
    _bands(canvas, scale, opened, bottom)
    _looks(canvas, scale, story, release, bottom)
    canvas.seconds(scale, 62, bottom, origin=story.begun)
    for number, (_, device) in enumerate(devices):
        y = 74 + number * 24.0
        canvas.text(8, y + 4, short(device), "ink strong")
        canvas.text(62, y + 4, story.ward(device), "muted")
        canvas.line(scale.left, y, scale.right, y)
        _track(canvas, scale, marks[device], y)
    used = {sign.words: sign for found in marks.values() for _, sign, _ in found}
    canvas.legend(tuple(used.values()), 14, 14)
    rows = tuple(
        (short(device), f"wave {wave}", sign.words, clock(story, at), words)
        for wave, device in devices
        for at, sign, words in marks[device]
    )
    return Figure(title, caption, canvas, ("device", "wave", "mark", "at", "words"), rows)


Mark = tuple[float, Sign, str]


def _end(story: Story, closed: Sequence[Entry]) -> float:
    return (closed[-1].at if closed else story.begun + story.seconds) + 0.3


def _marks(story: Story, device: str, release: str, scale: Scale) -> list[Mark]:
    """What happened to a device while the roll-out ran, oldest first."""
    found: list[Mark] = []
    for e in story.of("order.issued", "device.kept", about=device):
        if release in e.subjects:
            found.append((e.at, ORDERED if e.kind == "order.issued" else KEPT, e.says))
    for e in story.of("device.refused", about=device):
        found.append((e.at, REFUSED, e.says))
    for e in story.of("device.running", about=device):
        found.append((e.at, BACK, e.says))
    for noted in story.noted.get(device, ()):
        if noted.did == "deferred":
            found.append((noted.at, DEFERRED, noted.detail))
        elif noted.did == "offline" and noted.detail.startswith("power was cut"):
            found.append((noted.at, CUT, noted.detail))
        elif noted.did in ("interrupted", "reverted"):
            found.append((noted.at, BACK, noted.detail))
    return sorted((m for m in found if scale.holds(m[0])), key=lambda m: m[0])


def _track(canvas: Canvas, scale: Scale, marks: Sequence[Mark], y: float) -> None:
    """The marks of one device, and a bar from its order to its keeping."""
    begun = next((at for at, sign, _ in marks if sign is ORDERED), None)
    kept = next((at for at, sign, _ in reversed(marks) if sign is KEPT), None)
    if begun is not None and kept is not None:
        waited = any(sign is DEFERRED for _, sign, _ in marks)
        kind = "span waited" if waited else "span"
        canvas.box(scale(begun), y - 4, scale(kept) - scale(begun), 8, kind)
    for at, sign, words in marks:
        canvas.mark(sign, scale(at), y, words)


def _bands(canvas: Canvas, scale: Scale, opened: Sequence[Entry], bottom: float) -> None:
    ends = [*(scale(e.at) for e in opened[1:]), scale.right]
    for number, (entry, end) in enumerate(zip(opened, ends, strict=True), 1):
        x = scale(entry.at)
        canvas.box(x, 30, end - x, bottom - 30, "band" if number % 2 else "band other")
        canvas.text(x + 6, 46, f"wave {number}", "muted strong")


def _looks(canvas: Canvas, scale: Scale, story: Story, release: str, bottom: float) -> None:
    """Where the wave settled, and each look with its outcome."""
    for e in story.of("rollout.settled", about=release):
        canvas.line(scale(e.at), 52, scale(e.at), bottom, "settled")
        canvas.text(scale(e.at) - 4, 60, "settled", "muted", "end")
    for number, e in enumerate(story.of("decide.release", about=release), 1):
        canvas.line(scale(e.at), 52, scale(e.at), bottom, "look")
        canvas.text(scale(e.at), 48, f"{number}", "ink", "middle")


@dataclass(frozen=True)
class Series:
    """One number of a reading, as the panels show it."""

    title: str
    top: float
    unit: str

    def of(self, kept: Kept) -> float:
        """The number, cut off at the panel's top."""
        reading = kept.reading
        if self.unit == "ms":
            return min(float(reading.cadence_ms), self.top)
        return min(reading.errors / max(1, reading.reads), self.top)


CADENCE = Series("reading cadence", 3000.0, "ms")
ERRORS = Series("sensor errors per read", 0.6, "")
_PANEL = (155.0, 64.0)
_LEFT = 78.0


def vitals(story: Story, release: str) -> Figure | None:
    """Small multiples: each device's cadence and error rate, drawn devices above the others."""
    drawn = story.rollout(release)
    opened = story.of("rollout.wave", about=release)
    if drawn is None or not opened or not story.readings:
        return None
    chosen = sorted(drawn.waves[0])
    others = sorted(d for wave in drawn.waves[1:] for d in wave)
    back = story.of("device.kept")
    returned = [e.at for e in back if e.actor in chosen and e.at > opened[0].at]
    end = max([opened[0].at + 5.0, *returned]) + 4.0
    caption = (
        f"{release}: each panel is one device, from {BEFORE:.0f} s before the wave to "
        f"{end - opened[0].at:.0f} s after its begin. Upper rows were drawn into the first wave, "
        "lower rows were not. A diamond is a reading made by the new release, a dot one made by "
        "another. Lines: wave begins (dashed), settled (dotted), looks (longer), stopped (thick)."
    )
    canvas = Canvas("vitals", WIDTH, 506, f"Vitals around {release}", caption)
    signs = (Sign("diamond", "amber", f"reads {release}"), Sign("dot", "blue", "another release"))
    canvas.legend(signs, _LEFT + 6, 14)
    window = (opened[0].at - BEFORE, end)
    for block, series in enumerate((CADENCE, ERRORS)):
        y = 30 + block * 236.0
        canvas.text(_LEFT, y + 14, f"{series.title}{', ms' if series.unit else ''}", "ink strong")
        for row, (words, devices) in enumerate((("drawn", chosen), ("not drawn", others))):
            panel_row = _PanelRow(canvas, story, release, series, window, y + 24 + row * 96)
            panel_row.draw(words, devices)
    return Figure(canvas.root[0].text or "", caption, canvas, _MEANS, _means(story, drawn, window))


@dataclass(frozen=True)
class _PanelRow:
    """A row of panels that share their axes."""

    canvas: Canvas
    story: Story
    release: str
    series: Series
    window: tuple[float, float]
    y: float

    def draw(self, words: str, devices: Sequence[str]) -> None:
        """One panel per device, at most six."""
        width, height = _PANEL
        value = Scale(0.0, self.series.top, self.y + height, self.y)
        self.canvas.text(4, self.y + height / 2 + 4, words, "muted")
        for number, device in enumerate(devices[:6]):
            left = _LEFT + number * (width + 6)
            time = Scale(*self.window, left, left + width)
            self.canvas.box(left, self.y, width, height, "panel")
            self._lines(time)
            self._readings(device, time, value)
            self.canvas.text(left + 3, self.y + height + 13, short(device), "muted")
            self.canvas.text(
                left + width, self.y + height + 13, self.story.ward(device), "muted", "end"
            )
        top = f"{self.series.top:g}"
        self.canvas.text(_LEFT - 4, self.y + 9, top, "muted", "end")
        self.canvas.text(_LEFT - 4, self.y + height, "0", "muted", "end")

    def _lines(self, time: Scale) -> None:
        kinds = {
            "rollout.wave": "begins",
            "rollout.settled": "settled",
            "decide.release": "look",
            "rollout.stopped": "stop",
        }
        for entry in self.story.of(*kinds, about=self.release):
            if time.holds(entry.at):
                x = time(entry.at)
                above = 6.0 if entry.kind == "decide.release" else 0.0
                self.canvas.line(x, self.y - above, x, self.y + _PANEL[1], kinds[entry.kind])

    def _readings(self, device: str, time: Scale, value: Scale) -> None:
        new = Sign("diamond", "amber", "")
        old = Sign("dot", "blue", "")
        places = []
        for kept in self.story.readings:
            if kept.device == device and time.holds(kept.at):
                places.append((time(kept.at), value(self.series.of(kept)), kept))
        self.canvas.path([(x, y) for x, y, _ in places], "trace")
        for x, y, kept in places:
            sign = new if kept.release == self.release else old
            self.canvas.mark(sign, x, y, f"{kept.release}: {self.series.of(kept):.3g}", 2.2)


_MEANS = ("device", "drawn", "ran", "readings", "mean cadence, ms", "mean errors per read")


def _means(story: Story, drawn: Drawn, window: tuple[float, float]) -> tuple[Row, ...]:
    """The panels in numbers: each device's means under each release it ran."""
    groups: dict[tuple[str, str], list[Kept]] = {}
    members = {device for wave in drawn.waves for device in wave}
    for kept in story.readings:
        if kept.device in members and window[0] <= kept.at <= window[1]:
            groups.setdefault((kept.device, kept.release), []).append(kept)
    rows = []
    for (device, release), found in groups.items():
        cadence = sum(k.reading.cadence_ms for k in found) / len(found)
        errors = sum(k.reading.errors for k in found) / max(1, sum(k.reading.reads for k in found))
        chosen = "yes" if device in drawn.waves[0] else "no"
        numbers = (str(len(found)), f"{cadence:.0f}", f"{errors:.3f}")
        rows.append((short(device), chosen, release, *numbers))
    return tuple(rows)


def weights(story: Story) -> Figure | None:
    """Figure 4: what each domain weighed, in the last look at each roll-out's first wave."""
    looks = story.of("decide.release")
    if not looks:
        return None
    last = {e.subjects[0]: e for e in looks}
    caption = (
        "Four domains count as equals; each weighs from 0 (the drawn devices worsened no more than "
        "the median device did) to 1. A roll-out is stopped when its draw is among the worst that "
        "chance could have given, at the rate it may spend (alpha), and the weights add up to what "
        "the wave's clinical priority takes. The last look at each release is shown."
    )
    canvas = Canvas("weights", WIDTH, 178, "What the decision weighed", caption)
    width = (WIDTH - 80) / len(last)
    for row, domain in enumerate(DOMAINS):
        canvas.text(78, 66 + row * 26, domain, "ink", "end")
    for column, (subject, entry) in enumerate(last.items()):
        _weights(canvas, entry, subject.removeprefix("rollout:"), 88 + column * width, width - 24)
    head = ("release", "look", "outcome", "rank", "alpha", *DOMAINS, "because")
    return Figure("What the decision weighed", caption, canvas, head, tuple(map(_decided, looks)))


def _weights(canvas: Canvas, entry: Entry, release: str, x: float, width: float) -> None:
    outcome = str(entry.detail.get("outcome", ""))
    bad = outcome not in ("observe", "audit")
    canvas.text(x, 18, release, "ink strong")
    canvas.text(x, 36, f"{outcome}, rank {_number(entry, 'rank')}", "bad" if bad else "good")
    scale = Scale(0.0, 1.0, x, x + width - 44)
    for row, domain in enumerate(DOMAINS):
        y = 52 + row * 26.0
        weight = float(entry.detail.get(f"weight.{domain}", 0.0))
        canvas.box(x, y, scale(1.0) - x, 18, "panel")
        if weight > 0:
            canvas.box(x, y, scale(weight) - x, 18, "bar wrong" if bad else "bar act-a")
        canvas.text(scale(1.0) + 6, y + 14, f"{weight:.2f}", "muted")
    for tick in (0.0, 0.5, 1.0):
        canvas.text(scale(tick), 172, f"{tick:g}", "muted", "middle")


def _number(entry: Entry, name: str) -> str:
    return f"{float(entry.detail.get(name, 0.0)):.4f}"


def _decided(entry: Entry) -> Row:
    values = tuple(f"{float(entry.detail.get(f'weight.{domain}', 0.0)):.3f}" for domain in DOMAINS)
    return (
        entry.subjects[0].removeprefix("rollout:"),
        entry.says.partition(" of ")[0],
        str(entry.detail.get("outcome", "")),
        _number(entry, "rank"),
        _number(entry, "alpha"),
        *values,
        "; ".join(str(reason) for reason in entry.detail.get("because", ())),
    )

"""Pictures of a whole play: the loop with what went through it, the timeline, one device's case."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from firmward.lab.charts import Canvas, Scale, Sign
from firmward.lab.story import Entry, Story
from firmward.terms.stage import Stage

WIDTH = 1040.0
Row = tuple[str, ...]

VENDOR = (Stage.BUILD, Stage.SCAN, Stage.SBOM, Stage.ATTEST, Stage.SIGN, Stage.PUBLISH)
ARRIVAL = (*VENDOR, Stage.INTAKE, Stage.GATE)
RETURN = (
    Stage.RELEASE,
    Stage.ROLLOUT,
    Stage.ORDER,
    Stage.DEVICE,
    Stage.WATCH,
    Stage.DECIDE,
    Stage.RESPOND,
)


@dataclass(frozen=True)
class Figure:
    """A picture, and the same as a caption and a table."""

    title: str
    caption: str
    picture: Canvas
    head: Row
    rows: tuple[Row, ...]


def short(device: str) -> str:
    """A device's serial number: the part of its id that differs."""
    return device.rpartition("-")[2]


def clock(story: Story, at: float) -> str:
    """A moment as seconds since the play began."""
    return f"{at - story.begun:.1f} s"


def loop(story: Story) -> Figure:
    """Figure 1: the pipeline with its feedback loop, and how many entries each stage left."""
    kinds = Counter((e.stage, e.kind) for e in story.events)
    counts = Counter(e.stage for e in story.events)
    caption = (
        f"Each box is a stage; its number is how many of the {len(story.events)} ledger entries it "
        "left. The ledger is the hospital's: what the vendor did before reaches it as signed "
        "evidence in the bundle and is judged at the gate, so the vendor's stages leave none. "
        f"Vitals are not entries either: {len(story.readings)} readings were acknowledged."
    )
    canvas = Canvas("loop", WIDTH, 372, "The loop", caption)
    _arrival(canvas, counts)
    _return(canvas, counts, len(story.readings))
    _exits(canvas, story)
    canvas.box(10, 322, WIDTH - 20, 40, "stage ledger", round_=6)
    total = f"ledger: {len(story.events)} entries, each a leaf under a signed checkpoint"
    canvas.text(WIDTH / 2, 347, total, "ink strong", "middle")
    rows = tuple((stage, kind, str(count)) for (stage, kind), count in _in_order(kinds))
    return Figure("The loop", caption, canvas, ("stage", "kind of entry", "entries"), rows)


def _in_order(kinds: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    order = [str(stage) for stage in Stage]
    return sorted(kinds.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))


def _arrival(canvas: Canvas, counts: Counter[str]) -> None:
    """From left to right: the vendor's stages, then the hospital's door."""
    canvas.box(10, 26, 6 * 128, 100, "band", round_=8)
    canvas.text(22, 46, "vendor", "muted strong")
    canvas.box(10 + 6 * 128 + 8, 26, 2 * 128 - 14, 100, "band other", round_=8)
    canvas.text(10 + 6 * 128 + 20, 46, "hospital's door", "muted strong")
    for number, stage in enumerate(ARRIVAL):
        x = 20 + number * 128
        _stage(canvas, x, 56, stage, "" if stage in VENDOR else str(counts[stage]))
        if number + 1 < len(ARRIVAL):
            canvas.path([(x + 106, 86), (x + 126, 86)], "flow", arrow=True)


def _return(canvas: Canvas, counts: Counter[str], readings: int) -> None:
    """From right to left: delivery, the bedside, and what is learnt there."""
    canvas.box(10, 176, WIDTH - 20, 100, "band other", round_=8)
    canvas.text(140, 196, "hospital and bedside", "muted strong")
    canvas.path([(960, 116), (960, 206)], "flow", arrow=True)
    for number, stage in enumerate(RETURN):
        x = 908 - number * 147.0
        words = f"{readings} readings" if stage == Stage.WATCH else str(counts[stage])
        _stage(canvas, x, 206, stage, words)
        if number + 1 < len(RETURN):
            canvas.path([(x - 2, 236), (x - 39, 236)], "flow", arrow=True)


def _exits(canvas: Canvas, story: Story) -> None:
    """What goes back: tickets to the vendor, fallbacks to devices, and what the gate refused."""
    canvas.text(951, 155, f"{len(story.of('gate.admitted'))} admitted", "good", "end")
    canvas.text(968, 155, f"{len(story.of('gate.refused'))} refused", "bad")
    to_vendors = [
        e for e in story.of("ticket.filed") if e.detail.get("recipient") != "biomed-security"
    ]
    back = [e for e in story.of("order.issued") if e.detail.get("purpose") == "rollback"]
    canvas.path([(56, 206), (56, 118)], "back", arrow=True)
    canvas.text(66, 155, f"{len(to_vendors)} tickets to vendors: repair and release again", "warn")
    canvas.path([(76, 266), (76, 298), (664, 298), (664, 268)], "back", arrow=True)
    canvas.text(
        370, 292, f"{len(back)} orders to return to the pre-signed fallback", "warn", "middle"
    )


def _stage(canvas: Canvas, x: float, y: float, stage: Stage, count: str) -> None:
    canvas.box(x, y, 104, 60, "stage", round_=6)
    middle = y + (26 if count else 35)
    canvas.text(x + 52, middle, stage.value, "ink strong", "middle")
    if count:
        canvas.text(x + 52, y + 46, count, "number" if count.isdigit() else "muted", "middle")


def plan(story: Story) -> Figure:
    """When each check of the play began and ended."""
    known = [t for t in story.checks if t.begun is not None]
    ordered = sorted(known, key=lambda t: t.begun or 0.0)
    height = 20.0 * len(ordered) + 50
    caption = (
        f"The whole play took {story.seconds:.0f} s. Each bar is one check, from its begin to its "
        "end, in the order of begin; what lies between bars is preparation, and waiting for "
        "metadata to expire. The patch of act f is on its way since the attacks of act c."
    )
    canvas = Canvas("plan", WIDTH, height, "The play in time", caption)
    scale = Scale(0.0, max(story.seconds, 1.0), 372, WIDTH - 16)
    canvas.seconds(scale, 10, height - 30)
    rows = []
    for number, timed in enumerate(ordered):
        check, start = timed.check, (timed.begun or 0.0) - story.begun
        y = 14 + number * 20.0
        if number % 2:
            canvas.box(0, y - 2, WIDTH, 20, "zebra")
        canvas.text(8, y + 12, check.act, "ink strong")
        canvas.text(28, y + 12, check.what, "ink" if check.ok else "bad")
        kind = f"bar act-{check.act}" if check.ok else "bar wrong"
        end = start + check.seconds
        canvas.box(scale(start), y + 2, scale(end) - scale(start), 12, kind, check.seen, 2)
        if not check.ok:
            canvas.text(scale(end) + 5, y + 12, "not as expected", "bad")
        rows.append((check.act, check.what, f"{start:.1f} s", f"{end:.1f} s"))
    return Figure(
        "The play in time", caption, canvas, ("act", "check", "begin", "end"), tuple(rows)
    )


def case(story: Story, name: str, device: str, steps: Sequence[tuple[float, str, Sign]]) -> Figure:
    """One device's case as a stair: each step at its moment, with its words beside it."""
    ordered = sorted(steps, key=lambda step: step[0])
    start, end = ordered[0][0], ordered[-1][0]
    height = 26.0 * len(ordered) + 52
    title = f"{short(device)}: from the alteration to the reinstatement"
    caption = (
        f"{device} in {story.ward(device)}: each step at its moment, in seconds since the first "
        "one shown; a number is the ledger entry that records it."
    )
    canvas = Canvas(name, WIDTH, height, title, caption)
    scale = Scale(start, max(end, start + 0.5), 24, 400)
    canvas.seconds(scale, 8, height - 34, origin=start)
    for number, (at, words, sign) in enumerate(ordered):
        y = 22 + 26.0 * number
        if number:
            before = scale(ordered[number - 1][0])
            canvas.path([(before, y - 26), (before, y), (scale(at), y)], "stair")
        canvas.line(scale(at), y, 420, y, "lead")
        canvas.mark(sign, scale(at), y)
        canvas.text(428, y + 4, words)
    rows = tuple((f"{at - start:.2f} s", words) for at, words, _ in ordered)
    return Figure(title, caption, canvas, ("after", "what happened"), rows)


ALTERED = Sign("cross", "red", "altered")
HELD = Sign("square", "red", "isolated")
SPOKEN = Sign("ring", "blue", "reviewed")
WELL = Sign("dot", "green", "well again")
_SIGNS = {
    "device.mismatch": ALTERED,
    "device.quarantined": HELD,
    "device.reinstated": WELL,
    "device.kept": WELL,
}


def quarantine(story: Story) -> Figure | None:
    """The altered device's case, from the flipped bit to its fallback."""
    found = story.of("device.mismatch")
    if not found:
        return None
    device = found[-1].subjects[0]
    kinds = (*_SIGNS, "ticket.filed", "case.reviewed", "order.issued")
    after = [e for e in story.of(*kinds, about=device) if e.sequence >= found[-1].sequence]
    steps = [(e.at, _words(e), _SIGNS.get(e.kind, SPOKEN)) for e in after]
    flip = next((t.begun for t in story.checks if t.check.act == "e" and t.begun), None)
    if flip is not None and flip < found[-1].at:
        steps.append((flip, "one bit of its running slot is flipped", ALTERED))
    return case(story, "quarantine", device, steps)


def _words(entry: Entry) -> str:
    says = entry.says.replace(entry.subjects[0], short(entry.subjects[0]))
    return f"#{entry.sequence} {says if len(says) <= 78 else says[:77] + '…'}"

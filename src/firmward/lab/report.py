"""The demo's report: one HTML file with its own styles and charts; nothing is fetched, no script.

`render` is pure: the same story gives the same page.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from firmward.lab import pictures, rollout_pictures
from firmward.lab.acts.releases import MONITOR_WORSE, PUMP_2, PUMP_3
from firmward.lab.pictures import Figure, short
from firmward.lab.story import Story, Timed
from firmward.terms.times import minute

ACTS: dict[str, tuple[str, str]] = {
    "a": (
        "A good release goes out in waves",
        "Acme's release passes every rule, goes first to a randomly drawn share of the pumps, and "
        "to the rest only after three looks at their vitals; a pump in therapy is left alone until "
        "the therapy ends.",
    ),
    "b": (
        "Three releases are refused",
        "The gate refuses a known-exploited component, an unsigned image and a release that the "
        "fleet cannot come from, gives every reason, and files a ticket to the vendor and to the "
        "hospital's own security team.",
    ),
    "c": (
        "Attacks are refused",
        "A pump finds an attacker where its hospital was; whatever it is offered, it refuses, says "
        "why, and its flash, release and counter are the same as before.",
    ),
    "d": (
        "A release that misbehaves is caught",
        "A release with nothing for a scanner to find reads slower and errs more; its first wave "
        "gives it away against the devices that were not drawn, and returns to the fallback.",
    ),
    "e": (
        "Altered firmware is quarantined",
        "One bit of a running image is flipped behind the agent's back; the device reports the "
        "mismatch, is isolated at once, and comes back after two reviewers of different roles.",
    ),
    "f": (
        "Power is cut at three moments",
        "Power goes during download, during a flash write and during the trial boot; each device "
        "comes back on a good image and then takes the patch.",
    ),
    "g": (
        "An auditor verifies",
        "A process with nothing but the ledger's folder and the public key recomputes every entry, "
        "tells the story of a device and of a release, and notices one changed letter.",
    ),
}
UNKNOWN = ("", "")


@dataclass(frozen=True)
class ActShown:
    """An act as the page shows it."""

    letter: str
    title: str
    says: str
    checks: tuple[Timed, ...]

    @property
    def right(self) -> int:
        """How many checks were as expected."""
        return sum(timed.check.ok for timed in self.checks)


def by_act(checks: Sequence[Timed]) -> tuple[ActShown, ...]:
    """The checks grouped by act, acts in the order of their letters."""
    letters = sorted({timed.check.act for timed in checks})
    return tuple(
        ActShown(
            letter, *ACTS.get(letter, UNKNOWN), tuple(t for t in checks if t.check.act == letter)
        )
        for letter in letters
    )


@dataclass(frozen=True)
class Ruled:
    """One rule's word on each refused release."""

    rule: str
    title: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """What every rule said of every release that was refused.

    releases  each with the gate's own count of its rules' words
    """

    releases: tuple[tuple[str, str], ...]
    rules: tuple[Ruled, ...]


_COUNTED = re.compile(r"^\d+ pass, .*$", re.MULTILINE)
_BLOCKED = re.compile(r"^(FAIL|INDETERMINATE) (\S+) \([^)]*\): (.*)$", re.MULTILINE)


def matrix(story: Story) -> Matrix:
    """Rules against releases, from the gate's own explanations.

    An explanation names each rule that blocks, and counts the others: where none was beside the
    point, a rule that is not named passed; where some were, it cannot be told which.
    """
    titles = dict(story.rules)
    named: dict[str, dict[str, str]] = {}
    for release, text in story.explained.items():
        found = _BLOCKED.findall(text)
        titles |= {rule: title for _, rule, title in found}
        named[release] = {rule: word.lower() for word, rule, _ in found}
    counts = {release: _counts(text) for release, text in story.explained.items()}
    others = {
        release: "pass" if "0 not-applicable" in counted else "pass or not applicable"
        for release, counted in counts.items()
    }
    rules = tuple(
        Ruled(rule, titles[rule], tuple(named[r].get(rule, others[r]) for r in named))
        for rule in sorted(titles)
    )
    shown = {r: ", ".join(c for c in counted if c[:2] != "0 ") for r, counted in counts.items()}
    return Matrix(tuple(shown.items()), rules)


def _counts(explained: str) -> list[str]:
    """How many rules gave which word, for the first class that the explanation is about."""
    found = _COUNTED.search(explained)
    return found[0].split(", ") if found else []


@dataclass(frozen=True)
class Attack:
    """An attack, how it ended, and the words that were put on the ledger about it."""

    timed: Timed
    entry: str


def attacks(story: Story) -> tuple[Attack, ...]:
    """Act c, each with its ledger entry's words."""
    says = {entry.sequence: entry.says for entry in story.events}
    return tuple(
        Attack(timed, says.get(timed.check.entry, ""))
        for timed in story.checks
        if timed.check.act == "c"
    )


def power_cuts(story: Story) -> tuple[tuple[str, str, str, str, str], ...]:
    """Device, point, when it was cut, when it kept a release again, and which."""
    rows = []
    for cut in story.cuts:
        noted = next((n for n in story.noted.get(cut.device, ()) if cut.point in n.detail), None)
        after = [
            e
            for e in story.of("device.kept", about=cut.device)
            if noted is not None and e.at >= noted.at
        ]
        at = pictures.clock(story, noted.at) if noted else ""
        kept = pictures.clock(story, after[0].at) if after else "never"
        says = after[0].says if after else ""
        rows.append((short(cut.device), cut.point, at, kept, says))
    return tuple(rows)


def figures(story: Story) -> dict[str, Figure | None]:
    """Every picture of the page by its place; None where nothing was recorded to draw."""
    return {
        "loop": pictures.loop(story) if story.events else None,
        "a": rollout_pictures.waves(story, PUMP_2, name="good"),
        "vitals": rollout_pictures.vitals(story, MONITOR_WORSE),
        "weights": rollout_pictures.weights(story),
        "e": pictures.quarantine(story),
        "f": rollout_pictures.waves(story, PUMP_3, name="patch"),
        "plan": pictures.plan(story),
    }


def render(story: Story) -> str:
    """The page."""
    pages = Environment(
        loader=PackageLoader("firmward.lab"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["utc"] = minute
    return pages.get_template("report.html").render(
        story=story,
        acts=by_act(story.checks),
        matrix=matrix(story),
        attacks=attacks(story),
        cuts=power_cuts(story),
        figures=figures(story),
        wards=sorted({device.ward for device in story.devices}),
    )


def write_report(path: Path, story: Story) -> None:
    """Write the report of a play."""
    path.write_text(render(story), encoding="utf-8")

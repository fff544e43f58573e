"""What the page shows, counted and put in order; nothing here knows of HTML."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from firmward.advisories.scores import Score
from firmward.vendor.report.told import Told
from firmward.vendor.sbom.parts import Found
from firmward.vendor.scan.correlate import Issue
from firmward.vendor.scan.crypto.signs import CERTAIN, LIKELY, Asset
from firmward.vendor.scan.sarif import Level
from firmward.vendor.threats.assess import Band, band

LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note", "none")
GRADES: Final = range(1, 6)
_USES: Final = ("linked", "called", "implemented", "declared", "mentioned")


@dataclass(frozen=True)
class Cell:
    """One place of the risk matrix, with how many issues are there."""

    band: Band
    open: int
    answered: int


def heat(issues: Sequence[Issue]) -> list[tuple[int, list[Cell]]]:
    """Exploitability from high to low, with a cell for each grade of harm."""
    left = Counter((i.exploitability, i.harm) for i in issues if not i.answered)
    done = Counter((i.exploitability, i.harm) for i in issues if i.answered)
    return [
        (p, [Cell(band(p, h), left[p, h], done[p, h]) for h in GRADES]) for p in reversed(GRADES)
    ]


@dataclass(frozen=True)
class Class:
    """A class of weakness, with its open issues of each level."""

    name: str
    levels: tuple[tuple[Level, int], ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(count for _, count in self.levels)


def classes(issues: Iterable[Issue], most: int) -> list[Class]:
    """The classes with the most errors first, then by number; what is past `most` as one."""
    counts: dict[str, Counter[Level]] = defaultdict(Counter)
    for issue in issues:
        # An unclassified rule is a class of its own; told apart they would be a list of rules.
        counts["other" if "/" in issue.kind else issue.kind][issue.level] += 1
    order = sorted(counts, key=lambda n: (-counts[n]["error"], -counts[n].total(), n))
    for name in order[most:]:
        counts["further classes"] += counts[name]
    shown = order[:most] + (["further classes"] if order[most:] else [])
    return [Class(n, tuple((lv, counts[n][lv]) for lv in LEVELS if counts[n][lv])) for n in shown]


@dataclass(frozen=True)
class File:
    """A file with so many issues, the worst of them first."""

    path: str
    count: int
    worst: Level


def by_file(issues: Iterable[Issue]) -> list[File]:
    """Issues as numbers per file, the file with the worst first."""
    groups: dict[str, list[Level]] = defaultdict(list)
    for issue in issues:
        groups[issue.path].append(issue.level)
    files = [File(p, len(g), min(g, key=LEVELS.index)) for p, g in groups.items()]
    return sorted(files, key=lambda f: (LEVELS.index(f.worst), -f.count, f.path))


def levels(issues: Iterable[Issue]) -> dict[str, int]:
    """How many of each level, every level named."""
    counted = Counter(issue.level for issue in issues)
    return {level: counted[level] for level in LEVELS if level != "none" or counted[level]}


@dataclass(frozen=True)
class Part:
    """A component and what is known of it.

    over      whether its support has ended
    affected, open   vulnerabilities it has, and those nobody could decide
    heard     whether any advisory knows it
    """

    found: Found
    over: bool
    affected: int
    open: int
    heard: bool


def parts(told: Told, some: Iterable[Found]) -> list[Part]:
    """The parts, those with something wrong first."""
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for match in told.examined.matches:
        key = (match.component.name, match.component.version, match.component.purl)
        if match.advisory:
            counts[key][match.status] += 1
    made = [_part(found, counts, told.at.date()) for found in some]
    return sorted(made, key=_troubled)


def _part(found: Found, counts: dict[tuple[str, str, str], Counter[str]], today: date) -> Part:
    known = counts.get((found.name, found.version, found.purl), Counter())
    return Part(
        found=found,
        over=found.end_of_support is not None and found.end_of_support < today,
        affected=known["affected"],
        open=known["unknown"],
        heard=known.total() > 0,
    )


def _troubled(part: Part) -> tuple[bool, bool, bool, bool, str]:
    known = not (part.found.known_unknown or not part.found.version)
    return not part.affected, not part.open, known, not part.over, part.found.name.lower()


@dataclass(frozen=True)
class Concerned:
    """A component with the vulnerabilities that somebody must look at, most urgent first."""

    name: str
    scores: tuple[Score, ...]


def concerned(scores: Iterable[Score]) -> list[Concerned]:
    """Those with a vulnerability that affects them, is undecided, or was assessed by somebody.

    scores  most urgent first; the component with the most urgent one comes first
    """
    groups: dict[str, list[Score]] = {}
    for each in scores:
        match = each.match
        if match.advisory and (match.status != "not_affected" or match.vex):
            name = f"{match.component.name} {match.component.version}".strip()
            groups.setdefault(name, []).append(each)
    return [Concerned(name, tuple(some)) for name, some in groups.items()]


def vulnerabilities(told: Told) -> dict[str, int]:
    """Answers by status, with how many components no advisory knows."""
    matches = told.examined.matches
    counted = Counter(match.status for match in matches if match.advisory)
    return {
        "affected": counted["affected"],
        "unknown": counted["unknown"],
        "notAffected": counted["not_affected"],
        "exploited": sum(m.exploited and m.status != "not_affected" for m in matches),
        "componentsNoAdvisoryKnows": sum(not match.advisory for match in matches),
    }


@dataclass(frozen=True)
class Cipher:
    """An algorithm for the page.

    sure   in words, how sure it is there at all
    use    the strongest use that any sign speaks of
    """

    asset: Asset
    sure: str
    use: str
    files: tuple[str, ...]


def ciphers(assets: Iterable[Asset]) -> list[Cipher]:
    """The outdated first, by how bad; then by name."""
    made = [
        Cipher(
            asset=asset,
            sure=_sure(asset.confidence),
            use=min((sign.use for sign in asset.where), key=_USES.index, default="mentioned"),
            files=tuple(dict.fromkeys(_place(sign.path, sign.line) for sign in asset.where)),
        )
        for asset in assets
    ]
    return sorted(made, key=_outdated_first)


def _outdated_first(each: Cipher) -> tuple[bool, int, str]:
    known = each.asset.algorithm
    return not known.outdated, LEVELS.index(known.worst), known.name


def _sure(confidence: float) -> str:
    return "certain" if confidence >= CERTAIN else "likely" if confidence >= LIKELY else "a hint"


def _place(path: str, line: int) -> str:
    return f"{path}:{line}" if line else path

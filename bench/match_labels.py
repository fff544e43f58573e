"""How matches compare with people's verdicts on real packages of openssl and curl.

Labels: anchore/vulnerability-match-labels, in ../shared/data; records: the NVD overrides, CVE
records and OSS-Fuzz finds beside them.  The verdict and its note are cut off before anything under
test sees a label.  A label names no package type, so that is told from the form of its version, as
the package database it was read from would have said.

All verdicts are about distributions' packages, so they are scored by what decides them:

- *upstream's version*: the package is as upstream's release was, and ranges must say so;
- *the distribution's patch*: upstream's release is affected and the verdict is that this package is
  not, which no range of upstream's can show (a distribution's own records can; none are here);
- *the part*: only the command-line program is affected, and the package is the library.

Below, the same answers once more by the form of the version, which knows nothing of the verdict.
*Unknown* is counted apart: recall and precision are of what was decided.

    .venv/bin/python bench/match_labels.py

Exits 1 where recall or precision of the first group misses its bound.
"""

import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from firmward.advisories.index import Index
from firmward.advisories.inputs import jobs
from firmward.advisories.load import load
from firmward.advisories.match import Component, Match, match

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "advisories"
LABELS = "match-labels/openssl-curl.tar.zst"
FEEDS = {
    "nvd": "nvd/nvd-overrides.tar.zst",
    "cve5": "cve5/vulnrichment.tar.zst",
    "osv/oss-fuzz": "osv/oss-fuzz.tar.zst",
}
LEAST_RECALL, LEAST_PRECISION = 0.95, 0.9

UPSTREAM, DISTRIBUTION, PART = "upstream's version", "the distribution's patch", "the part"
PRISTINE, REVISED = "first packaging", "later revision"
# The forms of versions: Alpine, RPM (Red Hat, Amazon), SUSE, Debian.
FORMS = (
    (re.compile(r"-r\d+\Z"), "pkg:apk/alpine/{}@{}"),
    (re.compile(r"\.(el\d|amzn\d)"), "pkg:rpm/redhat/{}@{}"),
    (re.compile(r"-\d+\.\d+\.\d+\Z"), "pkg:rpm/suse/{}@{}"),
    (re.compile(r"-"), "pkg:deb/debian/{}@{}"),
)
# Of the program curl, not of libcurl, as ../shared/data/README.md says.
PROGRAM_ONLY = ("CVE-2021-22922", "CVE-2021-22923")
# A first Alpine packaging, a Debian revision that is no security upload, or no revision at all.
UNPATCHED = re.compile(r"(?:\A[^-]*|-r0|-\d+)\Z")


@dataclass(frozen=True)
class Asked:
    """What a label is about, without its verdict."""

    package: str
    version: str
    cve: str
    image: str

    @property
    def component(self) -> Component:
        """The package as an SBOM would name it."""
        found = (form.format(self.package, self.version) for told, form in FORMS
                 if told.search(self.version))  # fmt: skip
        return Component(name=self.package, version=self.version, purl=next(found, ""))

    @property
    def form(self) -> str:
        """What the version tells of the distribution's own changes."""
        return PRISTINE if UNPATCHED.search(self.version) else REVISED

    def decided_by(self, verdict: str) -> str:
        """What the verdict rests on.  Only scoring asks this: it looks at the verdict."""
        if verdict != "FP" or "-" not in self.version:
            return UPSTREAM
        return PART if self.cve in PROGRAM_ONLY else DISTRIBUTION


def files(name: str) -> Iterator[bytes]:
    """The files of a pack."""
    with ExitStack() as stack:
        for job in jobs(DATA / name, stack):
            yield from (data for _, data in job.files())


def labels() -> dict[Asked, str]:
    """What is asked, each once, and apart from it the verdict."""
    found: dict[Asked, set[str]] = defaultdict(set)
    for data in files(LABELS):
        label = json.loads(data)
        package = label["package"]
        cve = label.get("effective_cve") or label["vulnerability_id"]
        asked = Asked(package["name"], package["version"], cve, json.dumps(label["image"]))
        found[asked].add(label["label"])
    return {asked: "??" if len(said) > 1 else min(said) for asked, said in found.items()}


def answered(asked: list[Asked], index: Index) -> dict[Asked, Match | None]:
    """The answer to each, None where the snapshot does not know the vulnerability."""
    components = {each.component for each in asked}
    found = match(sorted(components, key=str), index, datetime.now(UTC))
    by_name = {(each.component, each.cve): each for each in found}
    silent = {each.component: each for each in found if not each.advisory}
    return {
        each: by_name.get((each.component, each.cve))
        or (silent.get(each.component) if index.by_name(each.cve) else None)
        for each in asked
    }


def scored(name: str, pairs: list[tuple[str, str]]) -> bool:
    """Print one group's line; whether it reaches the bounds."""
    told = Counter(pairs)
    hits, misses = told["TP", "affected"], told["TP", "not_affected"]
    alarms, quiet = told["FP", "affected"], told["FP", "not_affected"]
    unknown = sum(count for (_, status), count in told.items() if status == "unknown")
    unheard = sum(count for (_, status), count in told.items() if status == "no record")
    recall, precision = share(hits, hits + misses), share(hits, hits + alarms)
    print(
        f"{name}: recall {recall:.3f} ({hits} of {hits + misses}), precision {precision:.3f}"
        f" ({alarms} false, {quiet} rightly quiet), unknown {unknown}, no record {unheard}"
    )
    return recall >= LEAST_RECALL and precision >= LEAST_PRECISION


def share(part: int, whole: int) -> float:
    """A part of a whole; not a number where nothing was decided."""
    return part / whole if whole else math.nan


def status(found: Match | None) -> str:
    """The answer in a word."""
    return found.status if found else "no record"


def listed(verdicts: dict[Asked, str], answers: dict[Asked, Match | None]) -> None:
    """Print each false alarm, and misses and unknowns by their cause."""
    causes: dict[str, set[str]] = defaultdict(set)
    for asked, verdict in verdicts.items():
        found = answers[asked]
        if found is None or (verdict, found.status) in (("TP", "affected"), ("FP", "not_affected")):
            continue
        reason = found.reason.replace(asked.version, "V").partition(" (")[0]
        reason = reason.replace(asked.component.version.partition("-")[0], "V")
        causes[f"{verdict} answered {found.status}: {reason}"].add(
            f"{asked.cve} in {asked.package} {asked.version}"
        )
    for cause, where in sorted(causes.items()):
        print(f"  {cause}")
        for each in sorted(where):
            print(f"    {each}")


def main() -> int:
    """Score, print, and say whether the bounds are met."""
    if not (DATA / LABELS).is_file():
        print(f"match labels: data absent: no {DATA / LABELS}")
        return 0
    index = Index.memory()
    now = datetime.now(UTC)
    for feed, name in FEEDS.items():
        load(index, feed, [DATA / name], snapshot=now, now=now)
    index.update_exploited([], snapshot=now, now=now)
    verdicts = labels()
    answers = answered(list(verdicts), index)
    asked = {each: (verdict, status(answers[each])) for each, verdict in verdicts.items()}
    reached = {}
    for name in (UPSTREAM, DISTRIBUTION, PART):
        pairs = [pair for each, pair in asked.items() if each.decided_by(pair[0]) == name]
        reached[name] = scored(f"match labels, decided by {name}", pairs)
    for name in (PRISTINE, REVISED):
        scored(f"  of all, {name}", [pair for each, pair in asked.items() if each.form == name])
    listed(verdicts, answers)
    return 0 if reached[UPSTREAM] else 1


if __name__ == "__main__":
    sys.exit(main())

"""Everything that is known of a build before anybody signs for it.

The parts work side by side and each keeps its result by content; what one of them could not do is
carried as missing, since a release without an answer is not a release with a good one.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from firmward.advisories.match import Match
from firmward.terms.errors import Unavailable
from firmward.terms.stage import Stage
from firmward.vendor import advisories
from firmward.vendor.blackbox.trial import Tested, trial
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.incidents import answers as incident_answers
from firmward.vendor.incidents.answers import Answered
from firmward.vendor.project import Suppression
from firmward.vendor.request import Progress, Workshop
from firmward.vendor.sbom.inventory import collect
from firmward.vendor.sbom.parts import Inventory
from firmward.vendor.scan.correlate import Correlated, Issue, correlate, lines_of
from firmward.vendor.scan.crypto.scan import inventory as algorithms
from firmward.vendor.scan.crypto.signs import Asset
from firmward.vendor.scan.sarif import Run, findings, merge
from firmward.vendor.scan.together import Findings, Scanning
from firmward.vendor.source.checkout import Checkout
from firmward.vendor.threats.assess import Facts
from firmward.vendor.threats.review import Built, Review, review

# What every release states whatever is configured: a threat model may point at it.
_ALWAYS: Final = frozenset(
    {"provenance", "sbom", "spdx", "cbom", "vulnerabilities", "declaration", "incidents"}
)
_SCANNED: Final = frozenset({"scan"})


@dataclass(frozen=True)
class Examined:
    """What was found out about one build.

    log        one SARIF log of every scanner, the threat model and the black-box test
    missing    part -> why it gave no answer; while this is not empty, nothing is released
    issues     the findings of all of them as one list, worst first
    expired    suppressions past their day: what they covered counts again
    assets     the cryptography in source and binary
    tested     None where the project names no device to test on
    reviewed   None where the project has no threat model
    """

    log: dict[str, Any]
    missing: dict[str, str]
    issues: tuple[Issue, ...]
    expired: tuple[Suppression, ...]
    inventory: Inventory
    matches: tuple[Match, ...]
    advisories_age: timedelta
    assets: tuple[Asset, ...]
    tested: Tested | None
    reviewed: Review | None
    answered: Answered

    @property
    def open(self) -> tuple[Issue, ...]:
        """The issues that nobody answers for."""
        return tuple(issue for issue in self.issues if not issue.answered)

    @property
    def errors(self) -> tuple[Issue, ...]:
        """What must not be released."""
        return tuple(issue for issue in self.open if issue.level == "error")


def examine(
    tree: Checkout,
    artifact: Artifact,
    version: str,
    scanning: Scanning,
    shop: Workshop,
    progress: Progress,
) -> Examined:
    """The examination of an artifact built from a tree whose source is being scanned already.

    raises  Refused and its kin for a tree that contradicts itself; Unavailable where what is known
            of vulnerabilities is too old.  A scanner that dies is `missing` instead.
    """
    now = shop.clock()
    with ThreadPoolExecutor(2, "examine") as pool:
        testing = pool.submit(_tested, tree, artifact, shop)
        listing = pool.submit(collect, tree, artifact, shop.shelf, now.date())
        found = scanning.finish(artifact)
        inventory = listing.result()
        tested, untested = testing.result()
    progress(Stage.SCAN, _scan_says(found, tested))
    components = [part.component for part in inventory.shipped]
    matches = advisories.matched(tree, components, version, shop.advisories, now)
    affected = sum(match.status == "affected" for match in matches)
    progress(Stage.SBOM, f"{len(inventory.parts)} components, {affected} vulnerabilities")
    runs: list[Run] = [*found.log["runs"], *([tested.run] if tested else [])]
    missing = dict(found.missing) | ({"blackbox": untested} if untested else {})
    first = _correlated(tree, runs, now.date())
    reviewed = _reviewed(tree, artifact, version, inventory, _facts(first, missing, tested), now)
    whole = _correlated(tree, [*runs, reviewed.run], now.date()) if reviewed else first
    given = incident_answers.read(tree.root, tree.project.incidents)
    return Examined(
        log=whole.log,
        missing=missing,
        issues=whole.issues,
        expired=whole.expired,
        inventory=inventory,
        matches=matches,
        advisories_age=shop.advisories.age(now),
        assets=algorithms(tree, shop.shelf, artifact),
        tested=tested,
        reviewed=reviewed,
        answered=incident_answers.answered(shop.incidents(), given, tree.project.product, version),
    )


def _tested(tree: Checkout, artifact: Artifact, shop: Workshop) -> tuple[Tested | None, str]:
    """The black-box test, or why there is none although the project asks for one."""
    if not tree.project.blackbox.command:
        return None, ""
    try:
        return trial(tree, artifact, shop.shelf), ""
    except Unavailable as error:
        return None, str(error)


def _scan_says(found: Findings, tested: Tested | None) -> str:
    total = len(findings(found.log))
    fuzzed = f", black box {tested.predicate['result'].lower()}" if tested else ""
    return f"{total} findings of {len(found.log['runs'])} scanners{fuzzed}"


def _correlated(tree: Checkout, runs: Sequence[Run], today: date) -> Correlated:
    rules, safety = tree.project.scan.suppress, tree.project.safety_class
    return correlate(merge(runs), lines_of(tree.root), rules, safety, today)


def _facts(found: Correlated, missing: Mapping[str, str], tested: Tested | None) -> Facts:
    """What the answers of a threat model are held against; files are added where the tree is."""
    scanners: dict[str, frozenset[str]] = {}
    named: set[str] = set()
    for run in found.log["runs"]:
        driver = run["tool"]["driver"]
        rules = frozenset(rule["id"] for rule in driver.get("rules", []))
        scanners[driver["name"]] = scanners.get(driver["name"], frozenset()) | rules
        standing = (each for each in run.get("results", []) if not each.get("suppressions"))
        named |= {f"{driver['name']}/{each.get('ruleId', '')}" for each in standing}
    return Facts(
        scanners=scanners,
        findings=frozenset(named),
        statements=_ALWAYS | (set() if missing else _SCANNED) | ({"blackbox"} if tested else set()),
        passed=frozenset({"blackbox"} if tested and tested.passed else set()),
    )


def _reviewed(
    tree: Checkout,
    artifact: Artifact,
    version: str,
    inventory: Inventory,
    facts: Facts,
    now: datetime,
) -> Review | None:
    path = tree.project.threats.model
    if not path:
        return None
    files = frozenset(each.relative_to(tree.root).as_posix() for each in tree.root.rglob("*"))
    again = artifact.verified
    passed = facts.passed | ({"reproducible"} if again and again.reproducible else set())
    shipped = tuple(part.name for part in inventory.shipped)
    built = Built(version, shipped, artifact.elf, artifact.binary)
    return review(tree.root, path, built, replace(facts, files=files, passed=passed), now.date())

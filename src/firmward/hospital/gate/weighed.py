"""A release's vulnerabilities on the devices of a class, and against what runs there today."""

from collections.abc import Sequence
from typing import Any, Final

from firmward.advisories.match import Known as Advisories
from firmward.hospital.gate.known import Known
from firmward.hospital.gate.readings import Origin
from firmward.hospital.gate.risk.facts import Parameters, Surroundings
from firmward.hospital.gate.risk.ranking import delta
from firmward.hospital.gate.vulnerabilities import Paired, exposed, listed, still_open

_WORSE: Final = ("lower", "same", "higher")
Installed = Sequence[Sequence[Paired]] | None
"""The vulnerabilities of each release that the class runs; None where one's SBOM is not known."""


def leaves(
    pairs: Sequence[Paired],
    installed: Installed,
    advisories: Advisories,
    site: Surroundings,
    weights: Parameters,
    origins: tuple[Origin, Origin],
) -> dict[str, Known[Any]]:
    """Path -> value for the vulnerabilities and for the change against what is installed.

    origins  of the list, which may lean on the vendor's word, and of what the gate worked out
    """
    said, ours = origins
    vulns = listed(pairs, advisories, site, weights)
    found: dict[str, Known[Any]] = {"vulns": said(vulns)}
    if installed is None:
        return found
    new = [exposed(pair, advisories) for pair in still_open(pairs)]
    affected, deltas = {each.id for each in vulns}, []
    for there in installed:
        theirs = tuple(still_open(there))
        affected &= {pair.cve for pair in theirs}
        deltas.append(delta(new, [exposed(pair, advisories) for pair in theirs], site, weights))
    worst = max(deltas, key=lambda each: _WORSE.index(each.word), default=None)
    return {
        **found,
        # Where nothing is installed yet, nothing can become worse.
        "device.installed_affected": ours(tuple(sorted(affected))),
        "risk.delta_vs_installed": ours(worst.word if worst else "same"),
        "risk.delta_says": ours(worst.sentence if worst else "Nothing is installed yet."),
    }

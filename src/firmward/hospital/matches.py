"""The vulnerabilities of many releases at once: every component is looked up in one go.

The list of a release is what `gate.evidence` makes from its bundle, from what was kept of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from firmward.advisories.identity import Component
from firmward.advisories.index import Index
from firmward.advisories.match import Match, match
from firmward.advisories.records import Exploited, Likelihood, Record
from firmward.hospital.fresh import Fresh
from firmward.hospital.gate import weighed
from firmward.hospital.gate.again import Leaves, New
from firmward.hospital.gate.here import used
from firmward.hospital.gate.known import Known
from firmward.hospital.gate.readings import Origin
from firmward.hospital.gate.remembered import Remembered
from firmward.hospital.gate.risk.facts import Surroundings, parameters_of
from firmward.hospital.gate.vulnerabilities import Paired, paired
from firmward.hospital.records import components
from firmward.terms.errors import Unavailable
from firmward.terms.names import split_release


class Held:
    """An index whose small answers are fetched once."""

    def __init__(self, index: Index):
        self._index, self._catalogue = index, index.catalogue()
        self._likely: dict[str, Likelihood | None] = {}
        self.snapshot = index.snapshot

    def by_key(self, keys: Iterable[str]) -> Mapping[str, Sequence[Record]]:
        """The records under each of these keys."""
        return self._index.by_key(keys)

    def catalogue(self) -> Mapping[str, Exploited]:
        """What is known to be exploited."""
        return self._catalogue

    def likelihood(self, cve: str) -> Likelihood | None:
        """The EPSS of a CVE."""
        if cve not in self._likely:
            self._likely[cve] = self._index.likelihood(cve)
        return self._likely[cve]


@dataclass
class Matches:
    """What one turn matches.

    raises  Unavailable, when made, where there is nothing to match against
    """

    connection: Connection
    index: Index | None
    parameters: Mapping[str, Any]
    fresh: Fresh
    _held: Held | None = None
    _parts: dict[str, list[Component] | None] = field(default_factory=dict)
    _answers: dict[Component, tuple[Match, ...]] = field(default_factory=dict)
    _pairs: dict[str, tuple[Paired, ...] | None] = field(default_factory=dict)
    _leaves: dict[tuple[object, ...], Mapping[str, Known[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._held = Held(self.index) if self.index is not None else None
        self._weights = parameters_of(self.parameters)
        self.sources = {} if self.index is None else {"advisories": f"sha256:{self.index.digest()}"}

    def expect(self, releases: Iterable[str]) -> None:
        """Look up at once what these releases are made of."""
        wanted = set(releases) - self._parts.keys()
        if not wanted:
            return
        found = components.of(self.connection, wanted)
        self._parts |= {release: found.get(release) for release in wanted}
        self._look_up(part for parts in found.values() for part in parts)

    def _look_up(self, parts: Iterable[Component]) -> None:
        new = list(dict.fromkeys(part for part in parts if part not in self._answers))
        if self._held is None or not new:
            return
        found: dict[Component, list[Match]] = {}
        for answer in match(new, self._held, self.fresh.now):
            found.setdefault(answer.component, []).append(answer)
        self._answers |= {part: tuple(said) for part, said in found.items()}

    @property
    def _known(self) -> Held:
        if self._held is None:
            raise Unavailable("advisories: expected an index, got none")
        return self._held

    def leaves(self, release: str, known: Leaves) -> New:
        """Path -> value for the vulnerabilities of a release on the devices of a class.

        known  what is in the class's document
        """
        kept = self.fresh.remembered(release)
        if self._held is None or kept is None:
            return {}
        pairs = self._paired(release, kept)
        if pairs is None:
            return {}
        running = used(known, "device.releases", ())
        site = Surroundings(
            exposure=used(known, "device.exposure", None),
            tier=used(known, "device.tier", None),
            safety_class=used(known, "release.safety_class", ""),
        )
        key = (release, site, running)
        if key not in self._leaves:
            installed = self._installed(running, kept, used(known, "fallback.version", ""))
            origins = self._origins(pairs, kept)
            self._leaves[key] = weighed.leaves(
                pairs, installed, self._known, site, self._weights, origins
            )
        return self._leaves[key]

    def _paired(self, release: str, kept: Remembered) -> tuple[Paired, ...] | None:
        if release not in self._pairs:
            self.expect([release])
            parts = self._parts[release]
            self._pairs[release] = None if parts is None else self._of(parts, kept)
        return self._pairs[release]

    def _of(self, parts: Iterable[Component], kept: Remembered | None) -> tuple[Paired, ...]:
        found = [answer for part in parts for answer in self._answers[part]]
        return paired(found, kept.said if kept else (), self._known)

    def _installed(
        self, running: Sequence[str], kept: Remembered, version: str
    ) -> list[tuple[Paired, ...]] | None:
        """As `evidence.assemble` has it: the way back speaks for what runs of its version."""
        self.expect([*running, kept.fallback])
        found = []
        for release in running:
            parts = self._parts[release]
            if parts is None and split_release(release)[1] == version:
                parts = self._parts[kept.fallback]
            if parts is None:
                return None
            found.append(self._of(parts, None))
        return found

    def _origins(self, pairs: Sequence[Paired], kept: Remembered) -> tuple[Origin, Origin]:
        now = self.fresh.now
        ours = Origin("measured", "", "", now)
        if any(pair.answer is not None for pair in pairs) and kept.assessment:
            return Origin("attested", kept.assessment, kept.signer, now), ours
        return Origin("measured", kept.sbom, "", now), ours

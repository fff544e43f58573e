"""What one record says of one component: which of its entries mean it, and where that puts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal

from firmward.advisories import distributions
from firmward.advisories.identity import REGISTRIES, Identity
from firmward.advisories.keys import plain, purl_path
from firmward.advisories.ranges import UNPLACED, Reading, looked_at, read
from firmward.advisories.records import Entry, Record

Status = Literal["affected", "not_affected", "unknown"]


class Route(IntEnum):
    """How a record's entry came to mean the component; a higher one is surer."""

    NAMESAKE = 1
    UPSTREAM = 2
    DISTRIBUTION = 3


class Weight(IntEnum):
    """What stands where records about one vulnerability differ: the highest."""

    WITHDRAWN = 0
    SILENT = 1
    CLEAN = 2
    PERHAPS = 3
    AFFECTED = 4
    # The distribution knows what it patched, which upstream's ranges do not.
    PACKED_CLEAN = 5
    PACKED_AFFECTED = 6


@dataclass(frozen=True)
class Opinion:
    """One record's word on one component.

    fixed  the version that repairs it, "" where the record names none
    """

    status: Status
    reason: str
    weight: int
    fixed: str = ""

    @property
    def decides(self) -> bool:
        """Whether the record could tell, for or against."""
        return self.weight >= Weight.CLEAN


def judge(record: Record, identity: Identity, now: datetime) -> Opinion | None:
    """What the record says of the component, None where it does not mean it.

    now  a record that is withdrawn by then says nothing any more
    """
    routed = [(entry, route) for entry in record.entries if (route := _route(entry, identity))]
    if not routed:
        return None
    if record.withdrawn and datetime.fromisoformat(record.withdrawn) <= now:
        return Opinion("not_affected", f"{record.id} was withdrawn", Weight.WITHDRAWN)
    surest = max(route for _, route in routed)
    entries = [entry for entry, route in routed if route == surest]
    if surest is Route.NAMESAKE:
        return Opinion("unknown", _namesake(entries[0]), Weight.SILENT)
    return _decided(entries, identity, packed=surest is Route.DISTRIBUTION)


def _decided(entries: Sequence[Entry], identity: Identity, *, packed: bool) -> Opinion:
    readings = [(entry, read(entry, identity)) for entry in entries]
    inside = [(entry, reading) for entry, reading in readings if reading.place in _AFFECTED]
    perhaps = ""
    for entry, reading in inside:
        doubt = _doubt(entry, reading)
        if not doubt:
            return _affected(reading, identity, packed=packed)
        perhaps = perhaps or f"{reading.why}, but {doubt}"
    if perhaps:
        return Opinion("unknown", perhaps, Weight.PERHAPS, inside[0][1].fixed)
    untold = [pair for pair in readings if _spoils(*pair, readings)]
    if untold:
        entry, reading = untold[0]
        return Opinion("unknown", entry.withheld or reading.why, Weight.SILENT)
    return _outside(readings, identity, packed=packed)


_AFFECTED: Final = ("listed", "inside")
_NOT_AFFECTED: Final = ("clean", "outside")


def _doubt(entry: Entry, reading: Reading) -> str:
    """Why a version that lies inside may not be affected after all, "" where it is."""
    # Whoever lists the version has already worked out what the commits mean for it.
    worked_out = reading.place == "listed" and any(span.scheme == "git" for span in entry.spans)
    return "" if worked_out else entry.withheld or _elsewhere(entry)


def _spoils(entry: Entry, reading: Reading, readings: Sequence[tuple[Entry, Reading]]) -> bool:
    """Whether an entry that could not be read keeps the record from a clean answer.

    Commits and prose beside another entry's range of versions are the same range, told twice; and
    a doubt about versions that are not ours is none where another entry speaks of ours.
    """
    outside = reading.place in _NOT_AFFECTED
    if outside and not entry.withheld:
        return False
    told = any(each.place in _NOT_AFFECTED and not other.withheld for other, each in readings)
    twice = bool(entry.spans) and all(span.scheme in UNPLACED for span in entry.spans)
    return not (told and (twice or outside))


def _affected(reading: Reading, identity: Identity, *, packed: bool) -> Opinion:
    if packed:
        return Opinion("affected", reading.why, Weight.PACKED_AFFECTED, reading.fixed)
    doubt = ""
    if identity.distribution is not None:
        doubt = (
            f"; {identity.distribution.ecosystem or 'the distribution'} may have repaired it in"
            f" {identity.version}, but no record of its own says so"
        )
    return Opinion("affected", reading.why + doubt, Weight.AFFECTED, reading.fixed)


def _outside(
    readings: Sequence[tuple[Entry, Reading]], identity: Identity, *, packed: bool
) -> Opinion:
    clean = next((reading for _, reading in readings if reading.place == "clean"), None)
    outside = [entry for entry, reading in readings if reading.place == "outside"]
    if packed:
        why = clean.why if clean else f"{identity.version} is outside what is affected"
        return Opinion("not_affected", why, Weight.PACKED_CLEAN)
    if clean is not None:
        return Opinion("not_affected", clean.why, Weight.CLEAN)
    why = looked_at(identity, outside)
    if why:
        said = f"{identity.upstream} is outside what is affected: {why}"
        return Opinion("not_affected", said, Weight.CLEAN)
    silence = f"the record says nothing of the branch that {identity.upstream} is of"
    return Opinion("unknown", silence, Weight.SILENT)


# ---- which entries mean it ----


def _route(entry: Entry, identity: Identity) -> Route | None:
    if entry.platform:
        return None
    ecosystem, _, release = entry.ecosystem.partition(":")
    if ecosystem in distributions.ECOSYSTEMS or (entry.purl and _packed_purl(entry.purl)):
        return _by_distribution(entry, identity, ecosystem, release)
    if entry.purl and purl_path(entry.purl) in identity.packages:
        return Route.UPSTREAM
    if ecosystem and ecosystem in REGISTRIES.values():
        return _by_registry(entry, identity, ecosystem)
    return _by_name(entry, identity)


def _packed_purl(purl: str) -> bool:
    return purl_path(purl).partition("/")[0] in ("deb", "rpm", "apk", "opkg")


def _by_distribution(
    entry: Entry, identity: Identity, ecosystem: str, release: str
) -> Route | None:
    ours = identity.distribution
    if ours is None:
        return Route.NAMESAKE if plain(entry.name) in identity.suggestive else None
    # Another distribution, or another release of it, patches otherwise.
    if ecosystem and ecosystem != ours.ecosystem:
        return None
    if not distributions.same_release(ours.release, release):
        return None
    if not ecosystem:
        return Route.DISTRIBUTION if purl_path(entry.purl) in identity.packages else None
    named = {path.rpartition("/")[2] for path in identity.packages if _packed_purl(f"pkg:{path}")}
    return Route.DISTRIBUTION if entry.name in named else None


def _by_registry(entry: Entry, identity: Identity, ecosystem: str) -> Route | None:
    """A package of a registry is only that package: a Ruby openssl is not the C library."""
    named = {path.partition("/")[2] for path in identity.packages}
    same = not entry.purl and plain(entry.name) in map(plain, named)
    return Route.UPSTREAM if same and ecosystem == identity.registry else None


def _by_name(entry: Entry, identity: Identity) -> Route | None:
    name = plain(entry.name)
    said = [(plain(entry.vendor), name)]
    if len(entry.cpe) == 3 and (entry.cpe[1], entry.cpe[2]) != (entry.vendor, entry.name):
        said.append((plain(entry.cpe[1]), plain(entry.cpe[2])))
    if not identity.names.isdisjoint(said):
        return Route.UPSTREAM
    if not identity.foreign.isdisjoint(said):
        return None
    # Repositories and registries put a path before the name.
    names = {product for _, product in said} | {name.rstrip("/").rpartition("/")[2]}
    if identity.suggestive.isdisjoint(names):
        return None
    if identity.language and _LANGUAGES.get(entry.target) != identity.registry:
        return None
    return Route.NAMESAKE


def _namesake(entry: Entry) -> str:
    whose = entry.ecosystem or entry.vendor or "somebody"
    return f"{whose:.80} has a package of this name; whether it is this one cannot be told"


# CPE target_sw -> the registry it means.
_LANGUAGES: Final = {
    "go": "Go",
    "golang": "Go",
    "maven": "Maven",
    "java": "Maven",
    "node.js": "npm",
    "npm": "npm",
    "python": "PyPI",
    "pypi": "PyPI",
    "ruby": "RubyGems",
    "rust": "crates.io",
    "swift": "SwiftURL",
    ".net": "NuGet",
    "php": "Packagist",
}
_FIRMWARE: Final = frozenset({"", "*", "-", "linux", "linux_kernel", "embedded", "rtos", "unix"})


def _elsewhere(entry: Entry) -> str:
    """Why an entry that is about one platform may not be about this one, "" where it is."""
    if entry.target in _FIRMWARE:
        return ""
    return f"the record is about it on {entry.target:.40}"

"""A paper vendor, a small site and the shipped pack, for everything the gate is tested with."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmward.advisories.index import Index
from firmward.advisories.load import from_files
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import Engine
from firmward.hospital.gate.engines.worker import Worker
from firmward.hospital.gate.evidence import assemble, survey
from firmward.hospital.gate.here import ClassFacts, Said
from firmward.hospital.gate.intake import Verified, anchors, verify
from firmward.hospital.gate.judge import Judgement, judge
from firmward.hospital.gate.packs.combine import combine
from firmward.hospital.gate.packs.folder import named, newest
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.policy import Policy
from firmward.lab import paper_forms, paper_vendor
from firmward.lab.paper_vendor import Draft, PaperVendor
from firmward.terms.wire import encode

PACKS = Path(__file__).resolve().parents[3] / "packs"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment everything here happens."""
    return NOW


@pytest.fixture(scope="session")
def vendor() -> PaperVendor:
    """A vendor with keys and nothing published."""
    return paper_vendor.new_vendor(NOW)


@pytest.fixture(scope="session")
def good(vendor: PaperVendor) -> Draft:
    """A release that passes every rule."""
    return paper_vendor.draft(vendor, NOW)


@pytest.fixture(scope="session")
def good_bundle(vendor: PaperVendor, good: Draft) -> bytes:
    """The good release as it is handed over."""
    return paper_vendor.pack(vendor, good, NOW).bundle


@pytest.fixture(scope="session")
def site() -> ClassFacts:
    """A hospital whose pumps run the first release."""
    return ClassFacts(
        site="north",
        product="pump-200",
        model="PUMP-200",
        tier=1,
        jurisdictions=("US", "EU"),
        hardware_ids=("PUMP-200-B",),
        releases=("pump-200@1.0.0+1",),
        highest_counter=1,
        observed_at=NOW,
        said=tuple(
            Said(
                about="site",
                role=role,
                person=person,
                sections=sections,
                at=NOW,
                until=NOW + timedelta(days=30),
            )
            for (person, role), sections in paper_forms.SITES.items()
        ),
    )


def advisories_with(*cves: str, exploited: tuple[str, ...] = ()) -> Index:
    """Advisories in which each of `cves` affects tinyframe before 1.5.0; an old one does not."""
    package = {"ecosystem": "", "name": "tinyframe", "purl": "pkg:generic/tinyframe"}
    records = [
        {
            "id": f"OSV-{cve}",
            "modified": "2026-11-20T00:00:00Z",
            "aliases": [cve],
            "affected": [
                {
                    "package": package,
                    "ranges": [
                        {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}
                    ],
                }
            ],
        }
        for cve, fixed in [("CVE-2020-1", "1.4.0"), *((cve, "1.5.0") for cve in cves)]
    ]
    kev = {
        "catalogVersion": "1",
        "dateReleased": "2026-11-20T00:00:00Z",
        "count": len(exploited) + 1,
        "vulnerabilities": [
            {"cveID": cve, "dateAdded": "2026-11-19"} for cve in (*exploited, "CVE-2020-99999")
        ],
    }
    return from_files([encode(records)], encode(kev))


@pytest.fixture(scope="session")
def known_vulnerabilities() -> Callable[..., Index]:
    """How to make advisories in which some vulnerability affects the release."""
    return advisories_with


@pytest.fixture(scope="session")
def advisories() -> Index:
    """The hospital's advisories; none affects the good release."""
    return advisories_with()


@pytest.fixture(scope="session")
def pack_folders() -> tuple[Path, ...]:
    """The shipped packs, as they lie in the checkout."""
    return tuple(newest(PACKS, name) for name in named(PACKS))


@pytest.fixture(scope="session")
def policy(pack_folders: tuple[Path, ...]) -> Policy:
    """All shipped packs, with nothing laid over them."""
    return combine([load(folder) for folder in pack_folders])


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The default engine, in a process of its own."""
    return Worker()


@pytest.fixture
def verified(vendor: PaperVendor) -> Callable[[bytes], Verified]:
    """How intake sees a bundle."""
    return lambda data: verify(open_bundle(data), anchors(vendor.onboarding), {}, NOW)


@pytest.fixture
def assembled(verified, site, advisories, policy) -> Callable[..., Evidence]:
    """How the gate documents a bundle, for this class of devices or another."""

    def assembled(data: bytes, here: ClassFacts = site, known=advisories) -> Evidence:
        return assemble(survey(verified(data), known, NOW), here, policy.parameters, NOW)

    return assembled


@pytest.fixture
def judged(assembled, policy, engine) -> Callable[..., Judgement]:
    """What the gate says of a bundle."""
    return lambda data, **facts: judge(policy, assembled(data, **facts), engine, NOW)

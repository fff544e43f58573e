"""The vendor's half of the loop, from a commit to a bundle, on the real firmware."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.vendors import Vendor, firmware_tree, kev, new_vendor, osv, refreshed

from firmward.advisories.load import from_files
from firmward.hospital.gate import intake
from firmward.hospital.gate.bundle import open_bundle
from firmward.proof import mcuboot, roles
from firmward.proof.envelope import unseal_statement
from firmward.proof.keys import public_pem
from firmward.proof.repository import custom
from firmward.terms.component import component_path
from firmward.terms.errors import Malformed, NotTrusted, Unavailable
from firmward.terms.image import ImageClaim, evidence_path, image_path
from firmward.terms.onboarding import read_onboarding
from firmward.terms.report import Attack
from firmward.terms.stage import Stage
from firmward.terms.statement import PROVENANCE, SARIF, VULNERABILITIES
from firmward.terms.wire import convert
from firmward.vendor import pipeline
from firmward.vendor.evidence import TYPES
from firmward.vendor.lineage import CounterTaken
from firmward.vendor.request import ReleaseRefused, Request
from firmward.vendor.source.refused import SourceRefused

CVE = "CVE-2026-0001"
FIRST, SECOND, THIRD = "pump-200@1.0.0+1", "pump-200@1.1.0+3", "pump-200@1.2.0+5"


@pytest.fixture(scope="module")
def released(tmp_path_factory, shelf):
    """Three releases of the pump, each with another reading interval; and their bundles."""
    home = tmp_path_factory.mktemp("released")
    vendor = new_vendor(firmware_tree(home / "source"), home / "home", shelf)
    bundles = [ask(vendor, "1.0.0", 1)]
    vendor.tree.edit("pump/config.h", "READ_INTERVAL_MS 1000", "READ_INTERVAL_MS 1100")
    bundles.append(ask(vendor, "1.1.0", 3, FIRST))
    vendor.tree.edit("pump/config.h", "READ_INTERVAL_MS 1100", "READ_INTERVAL_MS 1200")
    bundles.append(ask(vendor, "1.2.0", 5, SECOND, FIRST))
    return vendor, bundles


def ask(vendor: Vendor, version: str, counter: int, *predecessors: str, **more):
    """Release HEAD."""
    request = Request(
        commit="HEAD", version=version, counter=counter, predecessors=predecessors, **more
    )
    return pipeline.release(vendor.project, request, vendor.shop)


def statement(vendor: Vendor, name: str, kind: str, release: str = SECOND):
    """A piece of a release's evidence, verified as a hospital does."""
    repository = vendor.home.repository
    sha256 = hashlib.sha256(repository.read(image_path(release))).hexdigest()
    data = repository.read(evidence_path(release, name))
    keys = [signer.public_key for signer in vendor.home.keys.evidence]
    return unseal_statement(data, keys, name, sha256=sha256, predicate_type=kind).predicate


def members(data: bytes) -> dict[str, bytes]:
    """Path -> bytes in a bundle."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive.getmembers()}


def test_every_release_and_its_way_back_is_in_the_verified_repository(released):
    """Read through TUF from the first root, with the claims a hospital checks."""
    vendor, bundles = released
    trusted = refreshed(vendor.home)
    claims = {
        claim.release: claim
        for path, entry in trusted.targets.items()
        if path.endswith("image.bin")
        for claim in [convert(custom(entry), ImageClaim, path)]
    }

    expected = {FIRST, SECOND, THIRD, "pump-200@1.0.0+4", "pump-200@1.1.0+6", "pump-200@1.0.0+2"}
    assert expected == set(claims)
    assert "pump-200@1.1.0+6" == bundles[2].fallback
    assert THIRD == claims["pump-200@1.1.0+6"].fallback_of
    assert (THIRD, SECOND, FIRST) == claims["pump-200@1.1.0+6"].predecessors
    assert (SECOND, FIRST) == claims[THIRD].predecessors


def test_images_are_signed_and_carry_version_and_counter(released):
    """What the boot stage checks: signature by the firmware key, and the security counter."""
    vendor, bundles = released
    pem = public_pem(vendor.home.keys.firmware)
    for release in (SECOND, THIRD, bundles[2].fallback):
        version, _, counter = release.partition("@")[2].partition("+")
        image = mcuboot.parse(vendor.home.repository.read(image_path(release)))

        assert mcuboot.signed_by(image, pem)
        assert (version, int(counter), int(counter)) == (image.version, image.build, image.counter)


def test_the_way_back_is_the_old_code_under_the_new_counter(released):
    """Byte for byte, but for the numbers in its version block and header."""
    vendor, bundles = released
    old = vendor.home.repository.read(image_path(SECOND))
    back = vendor.home.repository.read(image_path(bundles[2].fallback))
    size = 0x200 + int.from_bytes(old[12:16], "little")
    differing = [at for at in range(0x200, size) if old[at] != back[at]]

    assert len(old) - 4 <= len(back) <= len(old) + 4
    assert 1 <= len(differing) <= 4
    assert {3} == {old[at] for at in differing}
    assert {6} == {back[at] for at in differing}


def test_the_bundle_holds_all_metadata_and_only_the_new_targets(released):
    """A hospital without a line to the vendor needs nothing else."""
    _, bundles = released
    names = set(members(bundles[2].data))
    metadata = {"1.root.json", "3.targets.json", "3.snapshot.json", "timestamp.json"}
    evidence = set(TYPES) - {"blackbox"}
    paths = {image_path(THIRD), image_path(bundles[2].fallback)}
    paths |= {evidence_path(THIRD, name) for name in evidence}
    paths |= {evidence_path(bundles[2].fallback, name) for name in ("provenance", "sbom")}
    paths |= {component_path(release, "druglib") for release in (THIRD, bundles[2].fallback)}

    assert {f"metadata/{name}" for name in metadata} | {f"targets/{p}" for p in paths} == names


def test_a_hospital_that_pinned_the_onboarding_file_verifies_the_bundle(released):
    """The other side of the wire; it misses only the black-box test, which nobody ran here."""
    vendor, bundles = released
    pinned = read_onboarding((vendor.home.folder / "vendor.json").read_bytes())
    verified = intake.verify(
        open_bundle(bundles[2].data), intake.anchors(pinned), {}, datetime.now(UTC)
    )

    assert THIRD == verified.release
    assert bundles[2].fallback == verified.fallback.claim.release
    missing = [n for n, each in verified.evidence.items() if isinstance(each, intake.Missing)]
    assert ["blackbox"] == missing


def test_the_provenance_names_the_commit_and_no_path_or_person(released):
    """What was built from, by which command and tools; and SLSA's required members."""
    vendor, bundles = released
    found = statement(vendor, "provenance", PROVENANCE, THIRD)
    source = found["buildDefinition"]["resolvedDependencies"][0]["digest"]

    assert vendor.tree.git("rev-parse", "HEAD") == source["gitCommit"] == bundles[2].commit
    assert found["buildDefinition"]["internalParameters"]["sandbox"].startswith("bubblewrap")
    assert found["runDetails"]["builder"]["id"].startswith("urn:firmward:builder:")
    assert str(vendor.tree.folder) not in json.dumps(found)


def test_the_scan_evidence_has_a_run_of_every_tool(released):
    """One log."""
    vendor, _ = released
    runs = statement(vendor, "scan", SARIF)["sarif"]["runs"]

    names = {run["tool"]["driver"]["name"] for run in runs}
    ours = {f"firmward-{each}" for each in ("secrets", "pins", "binary", "crypto")}
    assert ours | {"cppcheck", "firmward-threats"} == names


def test_a_declaration_speaks_of_this_release(released):
    """{version} in the project file is the release's own."""
    vendor, _ = released
    data = vendor.home.repository.read(evidence_path(SECOND, "declaration"))

    assert b"{version}" not in data
    declared = statement(
        vendor, "declaration", "https://firmward.dev/attestation/declaration/v1", SECOND
    )
    assert "1.1.0" == declared["lifecycle"]["released_version"]


def test_the_stages_end_in_the_order_of_the_loop(vendor):
    """Whoever watches sees the loop's own words."""
    seen = []
    request = Request(commit="HEAD", version="1.0.0", counter=1)
    pipeline.release(vendor.project, request, vendor.shop, lambda stage, _: seen.append(stage))

    assert list(Stage)[: len(seen)] == seen
    assert Stage.PUBLISH == seen[-1]


def exploited(vendor: Vendor, **osv_members) -> Vendor:
    """The same vendor, knowing an exploited vulnerability of its component."""
    record = osv("tinyframe", aliases=[CVE], **osv_members)
    vendor.shop = replace(vendor.shop, advisories=from_files([record], kev(CVE)))
    return vendor


@pytest.mark.parametrize("fixed", ["1.4.3", "1.4.3-rc1", None])
def test_an_exploited_component_stops_the_release(vendor, fixed):
    """Affected, or not known not to be: each named, and nothing is published."""
    exploited(vendor, fixed=fixed)

    with pytest.raises(ReleaseRefused, match=f"tinyframe 1.4.2: {CVE} is known to be exploited"):
        ask(vendor, "1.0.0", 1)
    assert ["metadata/1.root.json"] == list(vendor.published)


def test_an_exploited_vulnerability_that_is_repaired_does_not_stop_it(vendor):
    """1.4.2 is beyond the fix."""
    assert ask(exploited(vendor, fixed="1.4.1"), "1.0.0", 1).release == FIRST


def test_published_despite_findings_the_evidence_still_tells_the_truth(vendor):
    """The lab shows with it that the hospital stops what the vendor let through."""
    exploited(vendor, fixed="1.4.3")
    ask(vendor, "1.0.0", 1, unsafe_publish_despite_findings=True)

    [found] = statement(vendor, "vulnerabilities", VULNERABILITIES, FIRST)["result"]
    assert (CVE, "affected", True) == (found["id"], found["status"], found["kev"])


def test_every_error_that_was_found_is_a_reason(vendor):
    """Not just the first."""
    lines = '\n#define FIRST_PASSWORD "letmein1"\n#define SECOND_PASSWORD "letmein2"\n'
    vendor.tree.commit({"pump/config.h": vendor.tree.read("pump/config.h") + lines})

    with pytest.raises(ReleaseRefused) as refused:
        ask(exploited(vendor, fixed=None), "1.0.0", 1)
    told = "\n".join(refused.value.reasons)
    assert "FIRST_PASSWORD" in told
    assert "SECOND_PASSWORD" in told
    assert "known to be exploited" in told
    # The threat model answers with a scan that now finds the very thing.
    assert "secrets-in-image on product" in told
    assert ["metadata/1.root.json"] == list(vendor.published)


def test_with_a_scanner_missing_there_is_no_release_and_no_scan_evidence(vendor):
    """Neither a pass nor an empty log: published regardless, the evidence is absent."""
    vendor.tree.edit("pump/firmward.toml", "[scan]", '[scan]\ncppcheck = "/no/such/tool"')

    with pytest.raises(Unavailable, match="evidence is missing"):
        ask(vendor, "1.0.0", 1)
    assert ["metadata/1.root.json"] == list(vendor.published)
    ask(vendor, "1.0.0", 1, unsafe_publish_despite_findings=True)
    assert evidence_path(FIRST, "scan") not in vendor.home.repository.listing()


def test_left_unsigned_an_image_has_a_digest_and_no_signature(vendor):
    """For the lab's act of a missing signature; its way back is signed all the same."""
    made = ask(vendor, "1.0.0", 1, unsafe_leave_unsigned=True)
    pem = public_pem(vendor.home.keys.firmware)
    image = mcuboot.parse(vendor.home.repository.read(image_path(FIRST)))
    back = mcuboot.parse(vendor.home.repository.read(image_path(made.fallback)))

    assert (image.digest, b"") == (image.claimed, image.signature)
    assert (False, True) == (mcuboot.signed_by(image, pem), mcuboot.signed_by(back, pem))


def test_too_few_signatures_are_refused_by_every_reader_and_stay_out_of_the_repository(vendor):
    """One of two targets keys, stolen, releases nothing."""
    before = vendor.published
    one = {"targets": vendor.home.keys.targets[:1]}
    files = members(ask(vendor, "1.0.0", 1, unsafe_signers=one).data)

    def fetch(name: str, limit: int) -> bytes | None:
        return files.get(f"metadata/{name}")

    with pytest.raises(roles.RolesRefused) as refused:
        roles.refresh({"root": files["metadata/1.root.json"]}, fetch, datetime.now(UTC), "vendor")
    assert Attack.TOO_FEW_SIGNATURES == refused.value.attack
    assert before == vendor.published
    assert FIRST == ask(vendor, "1.0.0", 1).release


@pytest.mark.parametrize("counter", [5, 6, 1])
def test_a_counter_that_was_used_is_refused(released, counter):
    """A release's, a fallback's, or any lower one."""
    vendor, _ = released
    before = vendor.published

    with pytest.raises(CounterTaken, match=f"expected a counter above 6, got {counter}"):
        ask(vendor, "1.3.0", counter, THIRD)
    assert before == vendor.published


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"commit": "no-such-branch"}, SourceRefused),
        ({"version": "1.3"}, Malformed),
        ({"version": "1.300000.0"}, Malformed),
        ({"predecessors": ("pump-200@1.0.0",)}, Malformed),
        ({"kind": "improvement"}, Malformed),
        ({"fallback_to": "pump-200@0.9.0+1"}, ReleaseRefused),
        ({"fallback_to": "pump"}, Malformed),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_nothing_is_published(
    released, changes, refusal
):
    """One error, before anything is signed into the repository."""
    vendor, _ = released
    before = vendor.published
    request = Request(commit="HEAD", version="1.3.0", counter=7, predecessors=(THIRD,))

    with pytest.raises(refusal):
        pipeline.release(vendor.project, replace(request, **changes), vendor.shop)
    assert before == vendor.published


def test_a_dirty_tree_is_not_released(vendor):
    """The developer's last change is not in the commit."""
    (vendor.project / "config.h").write_text("/* later */\n")

    with pytest.raises(SourceRefused):
        ask(vendor, "1.0.0", 1)
    assert ["metadata/1.root.json"] == list(vendor.published)


def test_a_way_back_can_be_chosen_and_may_be_an_earlier_way_back(vendor):
    """After a roll-back the fleet runs a fallback: the next release may return to that."""
    vendor.tree.commit(says="again")
    ask(vendor, "1.0.0", 1)
    earlier = ask(vendor, "1.1.0", 3, FIRST).fallback
    made = ask(vendor, "1.1.1", 5, earlier, fallback_to=earlier)

    assert ("pump-200@1.0.0+4", "pump-200@1.0.0+6") == (earlier, made.fallback)


def test_a_provenance_swapped_on_the_disk_does_not_choose_the_way_back(vendor):
    """Otherwise the next fallback would be built from the thief's commit."""
    ask(vendor, "1.0.0", 1)
    path = vendor.home.folder / "repository/targets" / evidence_path(FIRST, "provenance")
    path.write_bytes(path.read_bytes().replace(b"gitCommit", b"gitcommit") + b" ")
    before = vendor.published

    with pytest.raises(NotTrusted):
        ask(vendor, "1.1.0", 3, FIRST)
    assert before == vendor.published

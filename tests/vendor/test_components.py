"""Releases of several parts: declared in the project file, signed, claimed, and published whole."""

import base64
import json
from datetime import UTC, datetime

import pytest
from tests.vendors import Vendor, new_vendor, refreshed, small_tree

from firmward.hospital.gate import intake
from firmward.hospital.gate.bundle import open_bundle
from firmward.proof import mcuboot
from firmward.proof.keys import public_pem
from firmward.proof.repository import custom
from firmward.terms.component import component_path
from firmward.terms.errors import Malformed
from firmward.terms.image import ImageClaim, evidence_path
from firmward.terms.onboarding import read_onboarding
from firmward.terms.wire import convert, parse
from firmward.vendor import components, pipeline, project
from firmward.vendor.build.artifact import BuildFailed
from firmward.vendor.build.command import build
from firmward.vendor.build.reproduce import NotReproducible, verified
from firmward.vendor.build.store import Altered
from firmward.vendor.lineage import CounterTaken
from firmward.vendor.request import ReleaseRefused, Request
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

FIRST, SECOND = "small-1@1.0.0+1", "small-1@1.1.0+3"
PROJECT = """\
vendor = "acme"
product = "small-1"
model = "Small"
device_class = "SMALL"
hardware_ids = ["SMALL-A"]
safety_class = "A"
risk = "low"
integrity = "public-key-signature"
development = true
[source]
signed = true
[build]
command = ["sh", "make.sh", "{out}"]
binary = "app.bin"
[scan]
scanners = ["secrets"]
sources = ["."]

[[component]]
name = "radio"
kind = "radio"
version = "2.1.0"
file = "radio.bin"
format = "mcuboot"
requires = [{ name = "application", since = "1.0.0" }]
image = { slot_size = 0x10000 }

[[component]]
name = "druglib"
kind = "drug-library"
version = "5.0.0"
file = "druglib.json"
requires = [{ name = "radio", since = "2.0.0", until = "3.0.0" }]
support_level = "maintained"
end_of_support = 2033-12-31

[[requires]]
name = "monitor-7"
since = "1.0.0"
optional = true
"""
MAKE = 'cp main.c "$1/app.bin"\ncp radio.c "$1/radio.bin"\n'
FILES = {
    "pump/firmward.toml": PROJECT,
    "pump/make.sh": MAKE,
    "pump/main.c": "int x;\n" * 100,
    "pump/radio.c": "int radio;\n" * 100,
    "pump/druglib.json": '{"examplol": [1, 20]}\n',
}


def maker(folder, shelf) -> Vendor:
    """A vendor of that product, with nothing released yet."""
    return new_vendor(small_tree(folder / "source", FILES), folder / "home", shelf)


@pytest.fixture
def several(tmp_path, shelf) -> Vendor:
    """One for each test."""
    return maker(tmp_path, shelf)


@pytest.fixture(scope="module")
def released(tmp_path_factory, shelf):
    """Two releases, the second with a newer drug library; and their bundles."""
    vendor = maker(tmp_path_factory.mktemp("several"), shelf)
    bundles = [ask(vendor, "1.0.0", 1)]
    vendor.tree.commit({"pump/druglib.json": '{"examplol": [1, 25]}\n'})
    vendor.tree.edit("pump/firmward.toml", 'version = "5.0.0"', 'version = "5.1.0"')
    bundles.append(ask(vendor, "1.1.0", 3, FIRST))
    return vendor, bundles


def ask(vendor: Vendor, version: str, counter: int, *predecessors: str, **more):
    """Release HEAD."""
    request = Request(
        commit="HEAD", version=version, counter=counter, predecessors=predecessors, **more
    )
    return pipeline.release(vendor.project, request, vendor.shop)


def taken_in(vendor: Vendor, bundle) -> intake.Verified:
    """The bundle as a hospital sees it."""
    pinned = read_onboarding((vendor.home.folder / "vendor.json").read_bytes())
    return intake.verify(open_bundle(bundle.data), intake.anchors(pinned), {}, datetime.now(UTC))


def claims(vendor: Vendor) -> dict[str, ImageClaim]:
    """Release id -> claim, as a hospital reads the repository."""
    found = [
        convert(custom(entry), ImageClaim, path)
        for path, entry in refreshed(vendor.home).targets.items()
        if path.endswith("/image.bin")
    ]
    return {claim.release: claim for claim in found}


def test_a_hospital_takes_in_every_part_of_a_release_and_of_its_way_back(released):
    """From the project file to the other side of the wire; going back is to what was whole."""
    vendor, bundles = released
    seen = taken_in(vendor, bundles[1])
    numbers = [(each.claim.name, each.claim.version) for each in seen.firmware.components]

    assert [("radio", "2.1.0"), ("druglib", "5.1.0")] == numbers
    assert b'{"examplol": [1, 25]}\n' == seen.firmware.components[1].data
    assert "5.0.0" == seen.fallback.components[1].claim.version
    assert b'{"examplol": [1, 20]}\n' == seen.fallback.components[1].data
    for firmware in (seen.firmware, seen.fallback):
        assert all(each.verified(seen.firmware_key) for each in firmware.components)


def test_each_component_is_a_target_of_its_own(released):
    """A device can fetch and verify one without the others."""
    vendor, bundles = released
    listing = refreshed(vendor.home).targets
    claim = claims(vendor)[SECOND]
    for each in claim.components:
        path = component_path(SECOND, each.name)

        assert {"componentOf": SECOND} == custom(listing[path])
        assert (each.length, each.sha256) == (listing[path].length, listing[path].hashes["sha256"])
        assert path in bundles[1].paths
    assert ("monitor-7", "1.0.0", True) == (
        claim.requires[0].name,
        claim.requires[0].since,
        claim.requires[0].optional,
    )


def test_an_mcuboot_component_is_an_image_signed_with_the_firmware_key(released):
    """Under its own version and the release's counter, so that none can be replayed."""
    vendor, _ = released
    data = vendor.home.repository.read(component_path(SECOND, "radio"))
    image = mcuboot.parse(data)

    assert mcuboot.signed_by(image, public_pem(vendor.home.keys.firmware))
    assert ("2.1.0", 3, 3) == (image.version, image.build, image.counter)


def predicate(vendor: Vendor, release: str, name: str) -> dict:
    """A piece of evidence, unverified."""
    sealed = parse(vendor.home.repository.read(evidence_path(release, name)), name)
    return json.loads(base64.b64decode(sealed["payload"]))["predicate"]


def test_the_sbom_lists_each_component_with_the_digest_it_is_published_under(released):
    """As its vendor's own, with what is known of its support; also that of the way back."""
    vendor, bundles = released
    for release, library in ((SECOND, "5.1.0"), (bundles[1].fallback, "5.0.0")):
        bom = predicate(vendor, release, "sbom")
        found = {part["name"]: part for part in bom["components"]}
        digests = {each.name: each.sha256 for each in claims(vendor)[release].components}

        assert ("firmware", "data") == (
            found["small-1-radio"]["type"],
            found["small-1-druglib"]["type"],
        )
        assert library == found["small-1-druglib"]["version"]
        for name, digest in digests.items():
            part = found[f"small-1-{name}"]
            assert [{"alg": "SHA-256", "content": digest}] == part["hashes"]
            assert "acme" == part["supplier"]["name"]
            assert {"name": "firmward:soup", "value": "false"} in part["properties"]


def test_the_provenance_names_what_each_component_was_built_as(released):
    """Its digest before it was signed."""
    vendor, _ = released
    byproducts = predicate(vendor, SECOND, "provenance")["runDetails"]["byproducts"]

    assert {"app.bin", "component/radio", "component/druglib"} == {b["name"] for b in byproducts}


def test_a_release_that_is_revoked_takes_its_components_with_it(several):
    """None of them stays listed for whoever builds a release of parts."""
    fallback = ask(several, "1.0.0", 1).fallback
    several.home.repository.revoke(FIRST, "the radio does not wake up", datetime.now(UTC))
    listed = {path.split("/")[1] for path in several.home.repository.listing()}

    assert {fallback.partition("@")[2]} == listed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('file = "radio.bin"', 'file = "modem.bin"'),
        ('file = "druglib.json"', 'file = "druglib"'),
        ('file = "druglib.json"', 'file = "../../druglib.json"'),
    ],
)
def test_a_component_that_is_not_there_is_not_released(several, old, new):
    """Neither built nor in the tree, or outside of it."""
    before = several.published
    several.tree.edit("pump/firmward.toml", old, new)

    with pytest.raises(BuildFailed, match="expected it to leave"):
        ask(several, "1.0.0", 1)
    assert before == several.published


def test_an_empty_component_is_not_released(several):
    """A build step that failed without a word leaves one."""
    several.tree.edit("pump/make.sh", "cp radio.c", ": >")

    with pytest.raises(BuildFailed, match=r"radio\.bin"):
        ask(several, "1.0.0", 1)


def test_a_component_that_is_a_link_out_of_the_tree_is_not_released(several):
    """It would sign whatever the build machine has there."""
    several.tree.edit("pump/make.sh", 'cp radio.c "$1', 'ln -s /etc/passwd "$1')

    with pytest.raises(BuildFailed, match=r"radio\.bin"):
        ask(several, "1.0.0", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "druglib"', 'name = "radio"'),
        ('name = "druglib"', 'name = "small-1"'),
        ('name = "druglib"', 'name = "application"'),
        ('name = "druglib"', 'name = "../druglib"'),
        ('kind = "drug-library"', 'kind = "drugs"'),
        ('until = "3.0.0"', 'until = "2.0.0"'),
        ('version = "5.0.0"', 'version = "5"'),
        ('file = "druglib.json"', 'file = "/etc/passwd"'),
        ("optional = true", "optinal = true"),
    ],
)
def test_a_project_file_that_muddles_its_components_is_malformed(old, new):
    """One name twice, a name that means something else, a range with nothing in it."""
    project.read(PROJECT.encode())

    with pytest.raises(Malformed):
        project.read(PROJECT.replace(old, new, 1).encode())


def test_components_that_do_not_go_together_are_not_released(several):
    """Nothing is built for it; each misfit is named."""
    several.tree.edit("pump/firmward.toml", 'since = "2.0.0", until', 'since = "2.2.0", until')

    with pytest.raises(ReleaseRefused) as refused:
        ask(several, "0.9.0", 1)
    assert (
        "radio needs application from 1.0.0, and it is 0.9.0",
        "druglib needs radio from 2.2.0 before 3.0.0, and it is 2.1.0",
    ) == refused.value.reasons


def test_other_bytes_under_a_published_version_are_not_released(several):
    """Two drug libraries of one version are two that no requirement can tell apart."""
    ask(several, "1.0.0", 1)
    several.tree.commit({"pump/druglib.json": '{"examplol": [1, 200]}\n'})
    before = several.published

    with pytest.raises(ReleaseRefused, match="druglib: its bytes are not those published"):
        ask(several, "1.1.0", 3, FIRST)
    assert before == several.published


def test_another_component_under_a_counter_that_was_used_is_not_released(several):
    """What devices know as this release stays what it is, and so does all that is beside it."""
    ask(several, "1.0.0", 1)
    before = several.published
    several.tree.edit("pump/firmward.toml", 'version = "5.0.0"', 'version = "5.1.0"')

    with pytest.raises(CounterTaken):
        ask(several, "1.0.0", 1)
    assert before == several.published


def test_left_unsigned_a_component_is_one_that_a_hospital_does_not_verify(several):
    """For the lab; its way back is signed all the same."""
    seen = taken_in(several, ask(several, "1.0.0", 1, unsafe_leave_unsigned=True))
    key = seen.firmware_key

    assert [False, True] == [each.verified(key) for each in seen.firmware.components]
    assert [True, True] == [each.verified(key) for each in seen.fallback.components]


def built(vendor: Vendor, shelf):
    """Checkout, artifact, clock."""
    with checked_out(take(vendor.project, "HEAD", vendor.shop.signers)) as tree:
        return tree, build(tree, ("1.0.0", 1), shelf, vendor.shop.clock)


def test_a_component_that_was_altered_after_the_build_is_not_signed(several, shelf):
    """Between the compiler and the signature lie minutes."""
    tree, artifact = built(several, shelf)
    stored = artifact.components["druglib"].path
    whole = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(whole.replace(b"20", b"99"))

    with pytest.raises(Altered):
        components.signed(artifact, tree.project, 1, several.home.keys)
    stored.write_bytes(whole)


def test_a_component_that_builds_otherwise_the_second_time_is_not_reproducible(several, shelf):
    """It is compared as the binary is."""
    several.tree.edit("pump/make.sh", "cp radio.c", "cat radio.c /proc/sys/kernel/random/uuid >")
    with checked_out(take(several.project, "HEAD", several.shop.signers)) as tree:
        made = build(tree, ("1.0.0", 1), shelf, several.shop.clock)
        with pytest.raises(NotReproducible, match="component/radio: first at byte"):
            verified(tree, ("1.0.0", 1), made, shelf, several.shop.clock)

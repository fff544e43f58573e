"""A claim names components that can be told apart, and an old claim stays the bytes it was."""

import pytest
from hypothesis import given
from tests import strategies

from firmward.terms.component import (
    Belongs,
    ComponentClaim,
    Requirement,
    component_path,
    components_folder,
)
from firmward.terms.errors import Malformed
from firmward.terms.image import ImageClaim
from firmward.terms.names import target_path
from firmward.terms.wire import convert, decode, encode

RELEASE = "pump-200@1.1.0+3"
OLD = {
    "product": "pump-200",
    "version": "1.1.0",
    "releaseCounter": 3,
    "hardwareIds": ["PUMP-200-B"],
    "predecessors": [],
    "safetyClass": "C",
    "risk": "high",
    "integrity": "public-key-signature",
    "kind": "feature",
}
COMPONENT = {
    "name": "radio",
    "kind": "radio",
    "version": "2.1.0",
    "format": "mcuboot",
    "length": 9,
    "sha256": "0" * 64,
}


@given(strategies.of(ImageClaim))
def test_a_claim_comes_back_from_its_bytes(claim):
    """With components and without."""
    assert claim == decode(encode(claim), ImageClaim, "claim")


@given(strategies.of(ComponentClaim) | strategies.of(Requirement) | strategies.of(Belongs))
def test_its_parts_come_back_from_their_bytes(said):
    """Each by itself."""
    assert said == decode(encode(said), type(said), "part of a claim")


def test_a_claim_of_one_image_has_the_bytes_it_always_had():
    """Metadata that was signed before there were components keeps verifying."""
    assert encode(OLD) == encode(convert(OLD, ImageClaim, "claim"))


@given(strategies.of(ComponentClaim))
def test_every_component_lies_in_its_release_folder(claim):
    """A name is no path: none leads out of the folder, and none is an image's."""
    path = component_path(RELEASE, claim.name)

    assert path == target_path(path, "component")
    assert path.startswith(components_folder(RELEASE))
    assert 3 == path.count("/")
    assert not path.endswith("/image.bin")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../image"},
        {"name": "a/b"},
        {"name": "application"},
        {"name": "image"},
        {"name": "radio\n"},
        {"name": ""},
        {"name": "r" * 33},
        {"kind": "bios"},
        {"version": "2.1"},
        {"format": "elf"},
        {"length": 0},
        {"length": 32 * 1024 * 1024 + 1},
        {"sha256": "0" * 63},
        {"signed": True},
        {"requires": [{"name": "radio", "since": "new"}]},
        {"requires": [{"name": "x"}] * 8},
    ],
    ids=str,
)
def test_what_is_no_component_is_refused(changes):
    """Path traversal, an image's own name, other formats, endless sizes."""
    with pytest.raises(Malformed):
        convert(OLD | {"components": [COMPONENT | changes]}, ImageClaim, "claim")


def test_a_claim_names_at_most_31_components():
    """More of them than a gate would look at are refused with the claim."""
    many = [COMPONENT | {"name": f"part-{number}"} for number in range(32)]
    convert(OLD | {"components": many[1:]}, ImageClaim, "claim")
    with pytest.raises(Malformed):
        convert(OLD | {"components": many}, ImageClaim, "claim")

"""Releases of several parts: what intake takes for a component, and what the gate says of them."""

import hashlib
from dataclasses import replace

import pytest
from msgspec import structs
from tests.spoiled_releases import against

from firmward.hospital.gate.document import values
from firmward.hospital.gate.intake import Missing
from firmward.hospital.gate.listed import Compatible
from firmward.lab import paper_vendor
from firmward.lab.paper_components import Part, drug_library, of_several, radio
from firmward.lab.paper_vendor import pack
from firmward.terms.component import Requirement, component_path
from firmward.terms.errors import Malformed, NotTrusted, Refused
from firmward.terms.wire import plain

RADIO, DRUGS = "radio", "druglib"


@pytest.fixture(scope="session")
def parts(vendor) -> tuple[Part, ...]:
    """A radio and a drug library, each of which says what it goes with."""
    return (
        radio(vendor.firmware, "2.1.0", 3, Requirement(name="application", since="1.1.0")),
        drug_library("5.0.0", Requirement(name=RADIO, since="2.0.0", until="3.0.0")),
    )


@pytest.fixture(scope="session")
def back(vendor) -> tuple[Part, ...]:
    """What the way back is made of."""
    return (radio(vendor.firmware, "2.0.0", 4), drug_library("4.0.0"))


@pytest.fixture(scope="session")
def several(good, parts, back):
    """The good release, of several parts."""
    return of_several(good, parts, back=back)


@pytest.fixture
def bundled(vendor, now):
    """A draft as it is handed over, with other files in place of some."""

    def bundled(draft, instead: dict | None = None) -> bytes:
        files = {**draft.beside, **(instead or {})}
        kept = {path: file for path, file in files.items() if file is not None}
        return pack(vendor, replace(draft, beside=kept), now).bundle

    return bundled


def path(draft, name: str) -> str:
    """Where a component of a draft lies."""
    return component_path(draft.release, name)


def test_each_component_is_the_one_that_is_claimed(verified, bundled, several, parts, back, vendor):
    """Of the release and of its way back: bytes, digests, and whether they are genuine."""
    seen = verified(bundled(several))
    key = seen.firmware_key

    assert [part.data for part in parts] == [each.data for each in seen.firmware.components]
    assert [part.data for part in back] == [each.data for each in seen.fallback.components]
    assert all(each.sha256 == each.manifest_sha256 for each in seen.firmware.components)
    assert all(each.verified(key) for each in seen.firmware.components)


def other_radio(vendor) -> bytes:
    """A radio's firmware that the vendor signed for another release."""
    return radio(vendor.firmware, "2.0.0", 1).data


SPOILED = {
    "swapped for another of the vendor's": lambda v, d: {
        path(d, RADIO): (other_radio(v), {"componentOf": d.release})
    },
    "swapped with each other": lambda v, d: {
        path(d, RADIO): d.beside[path(d, DRUGS)],
        path(d, DRUGS): d.beside[path(d, RADIO)],
    },
    "missing": lambda v, d: {path(d, DRUGS): None},
    "one more": lambda v, d: {path(d, "boot"): (b"x" * 300, {"componentOf": d.release})},
    "another release's": lambda v, d: {
        path(d, DRUGS): (d.beside[path(d, DRUGS)][0], {"componentOf": "pump-200@1.0.0+1"})
    },
    "nobody's": lambda v, d: {path(d, DRUGS): (d.beside[path(d, DRUGS)][0], {})},
    "a byte longer": lambda v, d: {
        path(d, DRUGS): (d.beside[path(d, DRUGS)][0] + b" ", {"componentOf": d.release})
    },
    "beside an unknown release": lambda v, d: {
        component_path("pump-200@9.0.0+9", "radio"): (b"x", {"componentOf": d.release})
    },
    "in a folder deeper": lambda v, d: {
        path(d, "radio").replace("radio.bin", "more/radio.bin"): (b"x", {})
    },
    "as an image": lambda v, d: {path(d, "image"): (b"x", {"componentOf": d.release})},
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_release_whose_components_are_not_those_claimed_is_refused(
    verified, bundled, several, vendor, spoil
):
    """Properly listed and signed for, and still not what the release is made of."""
    with pytest.raises((NotTrusted, Malformed)):
        verified(bundled(several, spoil(vendor, several)))


def claimed(draft, number: int, **changes):
    """The draft with another claim about one of its components."""
    said = plain(draft.claim)
    components = list(said["components"])
    components[number] = components[number] | changes
    return replace(draft, claim=said | {"components": components})


CLAIMS = {
    "another digest than the listing's": ({"sha256": "0" * 64}, "is about another file"),
    "another length than the listing's": ({"length": 7}, "is about another file"),
    "another version than its header's": ({"version": "2.2.0"}, r"got \('2.1.0', 3, 3\)"),
    "a path for a name": ({"name": "../image"}, "name"),
    "a name that leads elsewhere": ({"name": "radio-2"}, "has the component"),
}


@pytest.mark.parametrize(("changes", "says"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_is_not_about_the_component_is_refused(
    verified, bundled, several, changes, says
):
    """Signed by the vendor's own keys, as everything that comes here is."""
    with pytest.raises((NotTrusted, Malformed), match=says):
        verified(bundled(claimed(several, 0, **changes)))


def test_names_that_do_not_tell_parts_apart_are_refused(verified, bundled, good, several):
    """One part twice, or one that goes by the product's name and so meets what is asked of it."""
    said = plain(several.claim)
    twice = replace(several, claim=said | {"components": [*said["components"]] * 2})
    named_so = of_several(good, [replace(drug_library("5.0.0"), name="pump-200")])
    for spoiled in (twice, named_so):
        with pytest.raises(Malformed, match="components with names of their own"):
            verified(bundled(spoiled))


def test_too_many_components_are_refused_with_their_claim(verified, bundled, good):
    """A gate looks into each of them."""
    many = [Part(f"part-{number}", "other", "1.0.0", b"x" * 300) for number in range(32)]
    with pytest.raises(Malformed, match="components"):
        verified(bundled(of_several(good, many)))


def test_an_earlier_radio_under_this_release_is_refused(verified, bundled, good, vendor):
    """Its signature is good, and its counter says when it was made: replaying it is a rollback."""
    old = radio(vendor.firmware, "2.1.0", 1)
    with pytest.raises(Malformed, match=r"expected version, build and counter \('2.1.0', 3, 3\)"):
        verified(bundled(of_several(good, [old])))


def test_a_component_that_is_published_and_left_out_of_the_bundle_is_refused(
    vendor, several, now, verified
):
    """What is listed in a release's folder is part of it, whoever carries the file."""
    draft = replace(several, beside={**several.beside, path(several, "boot"): (b"x" * 300, {})})
    whole = pack(vendor, draft, now)
    files = {f"metadata/{name}": data for name, data in whole.metadata.items()}
    kept = {name: data for name, data in whole.targets.items() if "boot" not in name}
    with pytest.raises(NotTrusted, match="its claim does not name it"):
        verified(paper_vendor.tar(files | {f"targets/{name}": kept[name] for name in kept}))


def test_a_way_back_with_a_component_missing_is_none(verified, bundled, several, judged):
    """Going back to half a release is no way back, and the gate says so."""
    gone = {component_path(several.fallback, RADIO): None}
    bundle = bundled(several, gone)

    assert isinstance(verified(bundle).fallback, Missing)
    assert "its component radio is not in the bundle" in verified(bundle).fallback.reason
    assert "PMR-001" in against(judged(bundle))


def test_a_release_of_several_parts_is_admitted(judged, assembled, bundled, several):
    """Each part is in the evidence, measured, with the image as one of them."""
    evidence = assembled(bundled(several))
    found = plain(values(evidence))["release"]

    assert {} == against(judged(bundled(several)))
    assert "measured" == evidence.release.components.trust
    assert "attested" == evidence.release.requires.trust
    assert [
        ("application", "1.1.0", True),
        (RADIO, "2.1.0", True),
        (DRUGS, "5.0.0", True),
    ] == [(each["name"], each["version"], each["verified"]) for each in found["components"]]
    assert ["application", RADIO] == [each["name"] for each in found["requires"]]
    assert {"component radio", "component druglib"} <= set(evidence.sources)


def test_a_release_of_one_image_has_no_components(assembled, good_bundle):
    """And nothing is asked about them."""
    found = plain(values(assembled(good_bundle)))["release"]

    assert ([], []) == (found["components"], found["requires"])


def test_an_unsigned_radio_fails(judged, bundled, good):
    """Listed and claimed with its digest, and nobody's firmware key vouches for it."""
    spoiled = of_several(good, [radio(None, "2.1.0", 3), drug_library("5.0.0")])
    judgement = judged(bundled(spoiled))

    assert {"DEV-009": "fail"} == against(judgement)
    assert ("radio 2.1.0",) == judgement.blocking[0].offenders


def test_a_radio_signed_by_somebody_else_fails(judged, bundled, good, vendor):
    """A key that the vendor holds for something else is not its firmware key."""
    spoiled = of_several(good, [radio(vendor.evidence, "2.1.0", 3)])

    assert {"DEV-009": "fail"} == against(judged(bundled(spoiled)))


def test_an_unsigned_radio_in_the_way_back_fails(judged, bundled, good, parts):
    """What devices go back to is what they run afterwards."""
    spoiled = of_several(good, parts, back=[radio(None, "2.0.0", 4)])

    assert "fail" == against(judged(bundled(spoiled)))["PMR-001"]


@pytest.mark.parametrize(
    ("needs", "says"),
    [
        (Requirement(name=RADIO, since="2.2.0"), "radio from 2.2.0 to before "),
        (Requirement(name=RADIO, until="2.1.0"), "radio from  to before 2.1.0"),
        (Requirement(name="application", since="1.2.0"), "application from 1.2.0 to before "),
        (Requirement(name="monitor-7"), "monitor-7 is not here"),
        (Requirement(name=RADIO, since="2.2.0", optional=True), "radio from 2.2.0 to before "),
    ],
)
def test_components_that_do_not_go_together_fail(judged, bundled, good, parts, needs, says):
    """Each of them genuine, and no pump works with both."""
    spoiled = of_several(good, [parts[0], drug_library("5.0.0", needs)])
    judgement = judged(bundled(spoiled))

    assert {"DEV-010": "fail"} == against(judgement)
    assert (says,) == judgement.blocking[0].offenders


MONITORS = Requirement(name="monitor-7", since="2.0.0", until="3.0.0")
HERE = {
    "one that fits": (MONITORS, ("2.4.0",), ()),
    "all that run fit": (MONITORS, ("2.0.0", "2.9.9"), ()),
    "one of two is too old": (
        MONITORS,
        ("1.9.9", "2.4.0"),
        ("monitor-7 from 2.0.0 to before 3.0.0",),
    ),
    "one of two is too new": (
        MONITORS,
        ("2.4.0", "3.0.0"),
        ("monitor-7 from 2.0.0 to before 3.0.0",),
    ),
    "none is here": (MONITORS, (), ("monitor-7 is not here",)),
    "none is here and none need be": (structs.replace(MONITORS, optional=True), (), ()),
    "optional, here, and too old": (
        structs.replace(MONITORS, optional=True),
        ("1.0.0",),
        ("monitor-7 from 2.0.0 to before 3.0.0",),
    ),
}


@pytest.mark.parametrize(("needs", "running", "offenders"), HERE.values(), ids=HERE)
def test_what_runs_beside_the_devices_has_to_fit(
    judged, bundled, good, parts, site, needs, running, offenders
):
    """Two device classes that each have a good release may still be a bad pair."""
    peers = tuple(Compatible(name="monitor-7", since=each, until="") for each in running)
    here = structs.replace(site, peers=peers)
    judgement = judged(bundled(of_several(good, parts, [needs])), here=here)

    assert ({"DEV-010": "fail"} if offenders else {}) == against(judgement)
    assert offenders == tuple(o for each in judgement.blocking for o in each.offenders)


def test_the_hospital_looks_into_every_part(assembled, judged, bundled, good, vendor):
    """A secret in a drug library is as open as one in the image."""
    library = drug_library("5.0.0")
    leaky = replace(library, data=library.data + b'\n{"service_password": "Kx9vQ2mz81Lp"}\n')
    evidence = assembled(bundled(of_several(good, [leaky])))
    found = plain(values(evidence))["scan"]

    assert found["binary_sca"]
    assert any(each["where"].startswith("druglib at ") for each in found["own_findings"])


def test_a_part_that_cannot_be_read_was_not_looked_into(assembled, bundled, good):
    """Encrypted data in a component hides as much as in the image."""
    dark = Part("blob", "other", "1.0.0", hashlib.shake_256(b"seed").digest(16384))
    found = plain(values(assembled(bundled(of_several(good, [dark])))))["scan"]

    assert not found["binary_sca"]
    assert "own_findings" not in found


def test_a_few_plain_words_can_be_read(assembled, bundled, good):
    """A configuration of a line is no noise."""
    short = Part("settings", "configuration", "1.0.0", b"ward = icu-3\nalarm = loud\n")

    assert values(assembled(bundled(of_several(good, [short]))))["scan"]["binary_sca"]


def test_one_changed_byte_of_a_component_is_refused(verified, vendor, several, now):
    """On the way from the vendor to the hospital."""
    whole = pack(vendor, several, now)
    files = {f"metadata/{name}": data for name, data in whole.metadata.items()}
    name = path(several, DRUGS)
    changed = {**whole.targets, name: whole.targets[name].replace(b"200", b"900")}
    with pytest.raises(Refused, match="is not the file its metadata describes"):
        verified(paper_vendor.tar(files | {f"targets/{n}": data for n, data in changed.items()}))


WANTED = {
    "it fits all": ((("", "2.0.0"), ("1.0.0", "")), ()),
    "one device class wants an older one": ((("1.0.0", "1.1.0"), ("1.0.0", "")), (0,)),
    "both want a newer one": ((("1.2.0", ""), ("1.1.1", "2.0.0")), (0, 1)),
}


@pytest.mark.parametrize(("ranges", "against_it"), WANTED.values(), ids=WANTED)
def test_an_update_that_breaks_what_runs_beside_it_fails(
    judged, bundled, several, site, ranges, against_it
):
    """Good by itself, and other devices here were released to go with another version of it."""
    names = ("monitor-7@2.4.0+3", "gateway-2@1.0.0+1")
    needed = tuple(
        Compatible(name=name, since=since, until=until)
        for name, (since, until) in zip(names, ranges, strict=True)
    )
    judgement = judged(bundled(several), here=structs.replace(site, needed_by=needed))

    assert ({"DEV-011": "fail"} if against_it else {}) == against(judgement)
    assert {names[each] for each in against_it} == {
        offender for each in judgement.blocking for offender in each.offenders
    }

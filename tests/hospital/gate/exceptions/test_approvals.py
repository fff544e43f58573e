"""An approval is one person's, of one text, in one role, signed now; anything else is refused."""

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import strategies
from tests.grants import (
    IMAGE,
    LATER,
    NOW,
    OTHER_IMAGE,
    authority,
    changed,
    covered,
    identity,
    request,
    sealed,
    verified,
)

from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Claim, Signed
from firmward.hospital.gate.exceptions.request import (
    Asked,
    Draft,
    Request,
    request_sha256,
    request_text,
)
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, Refused
from firmward.terms.statement import DigestSet, Subject, statement
from firmward.terms.wire import decode, encode, plain

ASKED = request()
GOOD = sealed(ASKED, "sam", "sec")


def verify(signed: Signed, asked: Request = ASKED):
    """The approval, by the people authority."""
    return approval.verify(signed, asked, authority().certificate)


def test_a_good_approval_names_person_role_time_and_meaning():
    """As 21 CFR 11.50 asks."""
    found = verified(ASKED, "sam", "sec")
    assert (found.person, found.role, found.signed_at) == ("sam", "sec", LATER)
    assert found.meaning == "I accept the residual risk."


def spoiled() -> dict[str, Signed]:
    """Approvals that count for nothing, by what is wrong with them."""
    good = sealed(ASKED, "sam", "sec")
    members = decode(good.envelope, dict, "test")
    payload = bytearray(b64decode(members["payload"]))
    payload[payload.index(b"accept")] ^= 1
    edited = {**members, "payload": b64encode(bytes(payload)).decode()}
    said = statement("EX-1", request_sha256(ASKED), approval.APPROVAL, plain(_claim()))
    signer, certificate = identity("sam")
    two = msgspec.structs.replace(
        said, subject=(*said.subject, Subject(name="EX-2", digest=DigestSet(sha256=IMAGE)))
    )
    other_type = msgspec.structs.replace(said, predicate_type="https://slsa.dev/provenance/v1")
    return {
        "one byte of the claim changed": replace(good, envelope=encode(edited)),
        "of a request that differs in one second": sealed(
            changed(ASKED, expires=ASKED.expires + timedelta(seconds=1)), "sam", "sec"
        ),
        "of another image": sealed(changed(ASKED, image_sha256=OTHER_IMAGE), "sam", "sec"),
        "of one offender more": sealed(
            changed(ASKED, rules=(covered("VUL-004", "high", "CVE-1-1", "CVE-1-2"),)), "sam", "sec"
        ),
        "of another request": sealed(changed(ASKED, id="EX-2"), "sam", "sec"),
        "that names another request": sealed(ASKED, "sam", "sec", request="EX-2"),
        "in somebody else's name": sealed(ASKED, "sam", "sec", person="cleo"),
        "with somebody else's certificate": replace(good, certificate=identity("cleo")[1]),
        "by a vendor": _by(identity("acme", "vendor"), "acme"),
        "by another authority": _by(identity("sam", by="another"), "sam"),
        "with a certificate that ran out": _by(identity("sam", days=0.01), "sam"),
        "signed last week": replace(good, received_at=LATER + timedelta(days=7)),
        "signed for next week": sealed(ASKED, "sam", "sec", signed_at=LATER + timedelta(days=7)),
        "without a meaning": sealed(ASKED, "sam", "sec", meaning=" "),
        "with a meaning that does not show": sealed(ASKED, "sam", "sec", meaning="no\u202eyes"),
        "as an auditor": sealed(ASKED, "sam", "auditor"),
        "about two things at once": _of(two, signer, certificate),
        "of another type": _of(other_type, signer, certificate),
        "that is no envelope": replace(good, envelope=b"{}"),
        "that is nothing": replace(good, envelope=b""),
        "without a signature": replace(good, envelope=encode({**members, "signatures": []})),
        "with no certificate": replace(good, certificate=b"x"),
    }


def _claim(person: str = "sam") -> Claim:
    return Claim(request="EX-1", person=person, role="sec", meaning="Yes.", signed_at=LATER)


def _by(who, person: str) -> Signed:
    signer, certificate = who
    return Signed(approval.seal(ASKED, _claim(person), signer), certificate, LATER)


def _of(said, signer, certificate: bytes) -> Signed:
    return Signed(envelope.seal_statement(said, [signer]), certificate, LATER)


@pytest.mark.parametrize("attack", spoiled())
def test_an_approval_that_is_not_quite_one_is_refused(attack):
    """Each verifies with nothing changed but this."""
    assert verify(sealed(ASKED, "sam", "sec")).person == "sam"
    with pytest.raises(Refused):
        verify(spoiled()[attack])


def test_another_kind_of_key_signs_nothing():
    """A certificate for a key that is not P-256 is nobody's here."""
    signer = keys.new_fast_signer()
    _, certificate = identity("sam")
    signed = Signed(approval.seal(ASKED, _claim(), signer), certificate, LATER)
    with pytest.raises(Refused):
        verify(signed)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_spoils_an_approval(data):
    """Of the envelope's payload or signature, wherever it is."""
    members = decode(GOOD.envelope, dict, "test")
    part = data.draw(st.sampled_from(["payload", "sig"]))
    signature = members["signatures"][0]
    holder = members if part == "payload" else signature
    raw = bytearray(b64decode(holder[part]))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    holder[part] = b64encode(bytes(raw)).decode()
    with pytest.raises(Refused):
        verify(replace(GOOD, envelope=encode(members)))


@given(strategies.of(Request), strategies.of(Request))
@settings(max_examples=150, deadline=None)
def test_two_requests_never_share_a_text(one, other):
    """What is signed for one is of no use for the other; what would not show is not signed."""
    try:
        texts = [request_text(each) for each in (one, other)]
    except Malformed:
        return
    assert (texts[0] == texts[1]) == (encode(one) == encode(other))
    assert texts[0] == request_text(decode(encode(one), Request, "test"))


MEMBERS = {
    "id": "EX-2",
    "kind": "break-glass",
    "release": "pump-200@1.1.0+4",
    "image_sha256": OTHER_IMAGE,
    "rules": (covered("VUL-006"),),
    "devices": ("pump-200/PUMP-200-C/tier-1",),
    "severity": "low",
    "requester": "noel",
    "rationale": "Another one.",
    "residual_risk": "A",
    "retain_years": 7,
    "controls": (),
    "triggers": (),
    "expires": NOW + timedelta(days=6),
    "opened_at": NOW - timedelta(seconds=1),
}


@pytest.mark.parametrize("member", Request.__struct_fields__)
def test_every_member_of_a_request_is_in_its_text(member):
    """A signer sees each of them, not its digest alone."""
    lines = request_text(ASKED).splitlines()
    other = request_text(changed(ASKED, **{member: MEMBERS[member]})).splitlines()
    assert lines[:-1] != other[:-1]
    assert lines[-1] != other[-1]


@pytest.mark.parametrize("character", ["\n", "\t", "\u202e", "\u200b", "\u2028", "\x1b", "\u0085"])
@pytest.mark.parametrize("member", ["rationale", "residual_risk"])
def test_a_text_that_would_not_show_as_it_is_cannot_be_signed(character, member):
    """A line that looks like another, words that run backwards, nothing where something is."""
    with pytest.raises(Malformed):
        request_text(changed(ASKED, **{member: f"fine{character}expires  2036"}))


@given(strategies.of(Draft))
@settings(max_examples=50, deadline=None)
def test_a_draft_goes_round(draft):
    """Any value within its limits is the same after a trip over the wire."""
    assert decode(encode(draft), Draft, "test") == draft


def test_a_draft_cannot_say_what_is_the_hospitals_to_say():
    """Severity, image, how an offender stands, when it was opened: unknown members are refused."""
    draft = Draft(
        release=ASKED.release,
        rules=(Asked(rule="VUL-004"),),
        devices=ASKED.devices,
        rationale="x",
        residual_risk="A",
        retain_years=6,
        controls=(),
        expires=NOW,
    )
    for member in ("severity", "imageSha256", "openedAt", "requester", "id", "triggers"):
        with pytest.raises(Malformed):
            decode(encode({**plain(draft), member: "x"}), Draft, "test")

"""The evidence document is strict: what is not exactly one reaches no rule."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import shipped

from firmward.hospital.gate import declared, document
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engine import plain
from firmward.hospital.gate.known import Known, Trust
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.wire import MIB, decode, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATHS = sorted(document.leaves(shipped.whole()))


def text(evidence: Evidence) -> dict[str, Any]:
    """The document as it is written."""
    found: dict[str, Any] = json.loads(encode(evidence))
    return found


def leaf(of: dict[str, Any], path: str) -> dict[str, Any]:
    """The envelope at a path."""
    section, _, field = path.partition(".")
    found: dict[str, Any] = of[section][field] if field else of[section]
    return found


def read(edited: Any) -> Evidence:
    """The document, as any bytes from outside are read."""
    return decode(json.dumps(edited).encode(), Evidence, "evidence", limit=document.LIMIT)


def test_a_document_reads_back_as_it_was():
    """Written, read and written again it is the same bytes."""
    whole = shipped.whole()

    assert whole == read(text(whole))
    assert encode(whole) == encode(read(text(whole)))


SPOILED = {
    "an unknown section": lambda d, at: d.update(vibes={}),
    "an unknown field": lambda d, at: d["release"].update(colour=leaf(d, at)),
    "an unknown member of an envelope": lambda d, at: leaf(d, at).update(weight=1),
    "another schema": lambda d, at: d.update(evidence_schema="firmward.evidence/v2"),
    "a null in place of an envelope": lambda d, at: d["release"].update(digest=None),
    "a null value": lambda d, at: leaf(d, at).update(value=None),
    "a null end": lambda d, at: leaf(d, at).update(validUntil=None),
    "a bare value": lambda d, at: d["release"].update(digest="sha256:" + "0" * 64),
    "no trust": lambda d, at: leaf(d, at).pop("trust"),
    "another trust": lambda d, at: leaf(d, at).update(trust="rumoured"),
    "no moment of observation": lambda d, at: leaf(d, at).pop("observedAt"),
    "a moment that is none": lambda d, at: leaf(d, at).update(observedAt="yesterday"),
    "another moment of judging": lambda d, at: d.update(moment="someday"),
    "a digest that is none": lambda d, at: leaf(d, at).update(sourceDigest="sha256:0"),
    "a control character": lambda d, at: d.update(vendor="ac\u0007me"),
    "half a character": lambda d, at: d.update(vendor="\ud800"),
    "a long text": lambda d, at: d.update(vendor="x" * 5000),
    "a signer too long": lambda d, at: leaf(d, at).update(signer="x" * 600),
    "an integer beyond 64 bits": lambda d, at: leaf(d, "release.security_version").update(
        value=2**70
    ),
    "a negative counter": lambda d, at: leaf(d, "release.security_version").update(value=-1),
    "a class that is none": lambda d, at: leaf(d, "release.safety_class").update(value="D"),
    "a tier that is none": lambda d, at: leaf(d, "device.tier").update(value=0),
    "a score beyond ten": lambda d, at: leaf(d, "vulns")["value"][0].update(cvss=10.5),
    "a record with a member less": lambda d, at: leaf(d, "sbom.components")["value"][0].pop("ids"),
    "a record with a member more": lambda d, at: leaf(d, "sbom.components")["value"][0].update(x=1),
    "a null in a record": lambda d, at: leaf(d, "vulns")["value"][0].update(kev=None),
    "too many records": lambda d, at: leaf(d, "scan.undeclared").update(value=["x"] * 600),
    "deep nesting": lambda d, at: leaf(d, at).update(value=json.loads("[" * 60 + "]" * 60)),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_what_is_not_exactly_a_document_is_refused_before_any_rule(spoil):
    """Unknown members, nulls, other types, control characters, depth and size."""
    edited = text(shipped.whole())
    spoil(edited, "release.digest")

    with pytest.raises(Malformed):
        read(edited)


def test_bytes_that_two_parsers_could_read_differently_are_refused():
    """A member twice, numbers that are none, other encodings, and more than there is to say."""
    good = encode(shipped.whole())
    for spoiled in (
        good[:-1] + b',"site":"other"}',
        good.replace(b'"value":true', b'"value":NaN', 1),
        good.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + good,
        good[:-1],
        good + b"{}",
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b" " * (document.LIMIT + 1),
    ):
        with pytest.raises(Malformed):
            decode(spoiled, Evidence, "evidence", limit=document.LIMIT)
    assert 16 * MIB == document.LIMIT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "trust", "id", "x"]), inside, max_size=3)
    ),
    max_leaves=8,
)


@given(path=st.sampled_from(PATHS), value=JSON)
def test_any_json_in_place_of_a_value_is_of_its_type_or_refused(path, value):
    """What gets through is written as it was read: no value is bent into shape."""
    edited = text(shipped.whole())
    leaf(edited, path)["value"] = value
    try:
        found = read(edited)
    except Malformed:
        return
    again = leaf(text(found), path)["value"]
    # Records that leave out what has a default are written with it.
    assert again == value or isinstance(value, list | dict)


@given(data=st.binary(max_size=200) | st.builds(lambda v: json.dumps(v).encode(), JSON))
def test_bytes_of_any_kind_are_refused_in_one_way(data):
    """Nothing but Malformed comes out."""
    with pytest.raises(Malformed):
        decode(data, Evidence, "evidence")


@given(
    at=st.integers(0, 20_000),
    cut=st.integers(0, 3),
    put=st.binary(max_size=3),
)
def test_a_document_with_bytes_changed_is_refused_or_another_document(at, cut, put):
    """Never one that is written otherwise than it was read."""
    good = encode(shipped.whole())
    at %= len(good)
    try:
        found = decode(good[:at] + put + good[at + cut :], Evidence, "evidence")
    except (Malformed, Unavailable):
        return
    assert found == read(text(found))


# ---- in pieces ----


@given(gone=st.sets(st.sampled_from(PATHS)))
def test_the_pieces_of_a_document_make_it_again(gone):
    """With whatever is not known; its digest is that of its pieces."""
    some = document.with_leaves(shipped.whole(), dict.fromkeys(gone, msgspec.UNSET))
    pieces = document.parts(some)

    assert some == document.joined(pieces)
    assert pieces == document.parts(document.joined(pieces))


def test_another_value_anywhere_is_another_digest():
    """Of a leaf, an envelope or the head."""
    whole = shipped.whole()
    others = [
        whole,
        *(shipped.without(whole, path) for path in PATHS),
        msgspec.structs.replace(whole, site="south"),
        msgspec.structs.replace(whole, moment="intake"),
        shipped.with_envelope(whole, "release.digest", signer="somebody"),
    ]
    digests = {document.digest(document.digests(document.parts(each))) for each in others}

    assert len(others) == len(digests)


@pytest.mark.parametrize("piece", ["head", "release", "vulns"])
def test_a_damaged_piece_is_malformed(piece):
    """It is never left out."""
    for damaged in (b"", b"{", b'{"extra":{}}', b"null", b"[]"):
        with pytest.raises(Malformed):
            document.joined({**document.parts(shipped.whole()), piece: damaged})


def test_leaves_and_document_are_the_same_thing():
    """A document made of another's leaves is that document."""
    whole = shipped.whole()
    leaves = document.leaves(whole)
    bare = document.with_leaves(whole, dict.fromkeys(leaves, msgspec.UNSET))

    assert {} == document.leaves(bare)
    assert whole == document.with_leaves(bare, leaves)


def test_rules_read_plain_values_and_nothing_else():
    """Lists, maps, texts, numbers, booleans; no envelope, no tuple, nothing that is not known."""

    def is_plain(value: object) -> bool:
        if type(value) is dict:
            return all(type(k) is str and is_plain(v) for k, v in value.items())
        if type(value) is list:
            return all(map(is_plain, value))
        return type(value) in (str, bool, int, float)

    whole = shipped.whole()
    values = plain(document.values(whole, whole.at))
    recall = [{"id": "Z-1", "class": "I", "versions": ["1.0.0"]}]

    assert is_plain(values)
    assert set(values) == {*document.SECTIONS, "vulns"}
    assert values["release"]["digest"] == document.leaves(whole)["release.digest"].value
    kept = document.typed("regulatory.open_recalls", recall, "test")
    known: Known[Any] = Known(value=kept, trust="declared", observed_at=NOW)
    held = document.with_leaves(whole, {"regulatory.open_recalls": known})
    assert recall == plain(document.values(held))["regulatory"]["open_recalls"]
    gone = document.values(shipped.without(whole, "vulns"))
    assert "vulns" not in gone


# ---- who may say what ----


def origin(trust: Trust) -> Any:
    """How a declared value is put in its envelope."""
    return lambda value: Known(value=value, trust=trust, observed_at=NOW)


ROLES = {"vendor": declared.VENDOR, **declared.HOSPITAL}
MEASURED = (
    *("signature.verified", "signature.enrolled", "release.digest", "release.version"),
    *("release.security_version", "device.security_version", "device.releases", "device.tier"),
    *("vulns", "sbom.components", "scan.own_findings", "scan.db_date", "provenance.verified"),
    *("risk.approver_signature_valid", "risk.delta_vs_installed", "deploy.pilot_devices"),
    *("deploy.pilot_safety_failures", "fallback.verified", "regulatory.jurisdictions"),
    *("release.safety_class", "testing.result", "net.tls_min"),
)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", [*MEASURED, "release.colour", "p.slsa_min", "now", "gaps"])
def test_nobody_declares_what_is_measured_or_attested(role, path):
    """Whoever says it: the whole declaration is refused, and nothing of it is taken."""
    section, _, field = path.partition(".")
    said = {section: {field or "x": True}}

    assert path not in ROLES[role]
    with pytest.raises(Malformed, match="paths that it may declare"):
        declared.read(said, ROLES[role], origin("declared"), role)


def test_what_each_role_may_declare_is_there_to_be_declared():
    """Every listed path exists; what the hospital alone knows is no vendor's to say."""
    assert set().union(*ROLES.values()) <= document.PATHS
    for ours in ("device.exposure", "net.zone_controls", "deploy.it_risk_assessed", "privacy.baa"):
        assert ours not in declared.VENDOR


def test_a_role_says_what_is_its_own_and_not_anothers():
    """A nurse does not declare the network's zones."""
    said = {"net": {"zone_controls": ["segmented"]}}
    found = declared.read(said, declared.HOSPITAL["sec"], origin("declared"), "sec")

    assert {"net.zone_controls": ("segmented",)} == {p: known.value for p, known in found.items()}
    for role in ("clin", "biomed", "risk"):
        with pytest.raises(Malformed):
            declared.read(said, declared.HOSPITAL[role], origin("declared"), role)


@given(role=st.sampled_from(sorted(ROLES)), data=st.data())
def test_a_declared_value_is_of_the_documents_type_or_refused(role, data):
    """Whatever JSON stands there."""
    path = data.draw(st.sampled_from(sorted(ROLES[role])))
    value = data.draw(JSON)
    section, _, field = path.partition(".")
    try:
        found = declared.read({section: {field: value}}, ROLES[role], origin("declared"), role)
    except Malformed:
        return
    assert [path] == list(found)
    whole = document.with_leaves(shipped.whole(), found)
    try:
        assert whole == read(text(whole))
    except Malformed:
        # Controls and such in texts: what was typed is not written, and the gate stops there.
        assert isinstance(value, str | list | dict | float)

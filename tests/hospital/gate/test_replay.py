"""A verdict is reached again from its case file, byte for byte, or what was changed is named."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.judged_wards import cases, judged_ward
from tests.wards import ENGINE, Ward
from typer.testing import CliRunner

from firmward.hospital.gate import document
from firmward.hospital.gate.cli import app
from firmward.hospital.gate.engines.direct import ENGINES, direct
from firmward.hospital.gate.judge import judge, reopen, summarise
from firmward.hospital.gate.policy import reopen as policy_of
from firmward.hospital.gate.replay import Case, again, joined, read_case, replay
from firmward.proof import envelope, keys
from firmward.terms.errors import Malformed, Misuse
from firmward.terms.wire import encode

KINDS = ("intake", "wave", "standing", "refused", "excepted")


@pytest.fixture(scope="module")
def ward(tmp_path_factory) -> Iterator[Ward]:
    """A ward in which the gate has judged at every moment."""
    ward = judged_ward(tmp_path_factory.mktemp("judged"))
    yield ward
    ward.site.close()


class Kept(dict[str, Case]):
    """A case of each kind; a megabyte that hypothesis must not print at each failure."""

    def __repr__(self) -> str:
        return "cases"


@pytest.fixture(scope="module")
def kept(ward) -> Kept:
    """A case of each kind."""
    return Kept(cases(ward))


def test_the_cases_are_what_they_are_called(kept):
    """Admitted, refused, and refused with one rule excepted; each at its own moment."""
    assert set(KINDS) == set(kept)
    said = {name: reopen(case.judgement.encode()) for name, case in kept.items()}
    assert [said[name].admitted for name in KINDS] == [True, True, True, False, False]
    assert [said[name].moment for name in KINDS[:3]] == list(KINDS[:3])
    assert ["excepted"] == [each.word for each in said["excepted"].rulings if each.exception]
    assert [True] == [bool(case.exceptions) for name, case in kept.items() if name == "excepted"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_verdict_is_reached_again_by_either_engine(kept, kind, engine):
    """Out of the file alone, to the byte, under the gate's key as the auditor knows it."""
    case = kept[kind]
    read = read_case(encode(case))
    assert case == read
    found = replay(read, direct(engine), keys.public_key(case.key, "gate"))
    assert (True, ()) == (found.same, found.differences)
    assert len(signed(case)) == found.size
    assert found.pinned


def signed(case: Case) -> bytes:
    """What the gate signed."""
    payload_type = json.loads(case.envelope)["payloadType"]
    key = keys.public_key(case.key, "gate")
    return envelope.unseal(case.envelope.encode(), payload_type, [key], "gate")


def put(case: Case, **changes) -> Case:
    """The case with other members."""
    return msgspec.structs.replace(case, **changes)


def swapped(case: Case, name: str, old: str, new: str) -> Case:
    """The case with something else in one section."""
    assert old in case.evidence[name]
    return put(case, evidence={**case.evidence, name: case.evidence[name].replace(old, new)})


def honest(case: Case) -> Case:
    """The case with every digest and word made to fit what is in it; all but the signature."""
    found = judge(
        policy_of(case.policy.encode()), joined(case.evidence), direct("cel-cpp"), case.at
    )
    pieces = {name: text.encode() for name, text in case.evidence.items()}
    digests = document.digests(pieces)
    return put(case, judgement=encode(found).decode(), digests=digests)


def resealed(case: Case) -> Case:
    """The case signed by somebody else, with their key in it."""
    forger = keys.new_signer()
    said = summarise(again(case, direct("cel-cpp")), case.verifier)
    sealed = envelope.seal_statement(said, [forger]).decode()
    return put(case, envelope=sealed, key=keys.public_document(forger.public_key))


def other_request(case: Case, **changes) -> Case:
    """The case with another text of its exception."""
    return put(case, exceptions=(msgspec.structs.replace(case.exceptions[0], **changes),))


def turned(case: Case) -> Case:
    """The case with a statement that says PASSED, and the signature of the one that did not."""
    sealed = json.loads(case.envelope)
    said = b64decode(sealed["payload"]).replace(b'"FAILED"', b'"PASSED"')
    return put(case, envelope=json.dumps({**sealed, "payload": b64encode(said).decode()}))


def looser(case: Case) -> Case:
    """The case with another parameter."""
    old, new = '"slsa_min":{"1":1', '"slsa_min":{"1":0'
    assert old in case.policy
    return put(case, policy=case.policy.replace(old, new))


ATTACKS = {
    "a byte of the evidence": (
        "intake",
        lambda case: swapped(case, "sbom", "tinyframe", "tinyfrane"),
        "evidence sbom: the verdict has ",
    ),
    "a section taken out": (
        "intake",
        lambda case: put(case, evidence={k: v for k, v in case.evidence.items() if k != "scan"}),
        "evidence scan: the verdict has ",
    ),
    "evidence with everything else made to fit": (
        "intake",
        lambda case: honest(swapped(case, "sbom", "tinyframe", "tinyfrane")),
        "statement: predicate.inputAttestations",
    ),
    "a parameter of the policy": ("intake", looser, "policy: the verdict has "),
    "a refusal that says it was an admission": (
        "refused",
        lambda case: put(case, judgement=case.judgement.replace("false", "true", 1)),
        "admitted was true and is false",
    ),
    "another text of the exception": (
        "excepted",
        lambda case: other_request(case, rationale="Whatever."),
        "exception EX-1: the verdict has ",
    ),
    "an exception for another image": (
        "excepted",
        lambda case: other_request(case, image_sha256="b" * 64),
        "exception EX-1: the verdict has ",
    ),
    "an exception that is gone": (
        "excepted",
        lambda case: put(case, exceptions=()),
        "exception EX-1: the verdict has ",
    ),
    "another day": (
        "wave",
        lambda case: put(case, at=case.at.replace(microsecond=case.at.microsecond ^ 1)),
        "statement: predicate.timeVerified was ",
    ),
    "another gate": (
        "standing",
        lambda case: put(case, verifier="https://elsewhere.example/gate"),
        "statement: predicate.verifier.id was ",
    ),
    "a statement turned into its opposite": ("refused", turned, "signature: verdict: "),
    "no head": (
        "intake",
        lambda case: put(case, evidence={k: v for k, v in case.evidence.items() if k != "head"}),
        "cannot be judged: case: expected evidence with its head",
    ),
    "a policy that is none": (
        "intake",
        lambda case: put(case, policy="{}"),
        "cannot be judged: policy: expected ",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_is_named_first(kept, attack):
    """The first difference is the one nearest to what somebody touched."""
    kind, change, says = ATTACKS[attack]
    changed = change(kept[kind])
    assert changed != kept[kind]
    found = replay(changed, ENGINE, keys.public_key(kept[kind].key, "gate"))
    assert not found.same
    assert found.differences[0].startswith(says), found.differences


def test_a_case_made_up_whole_is_caught_by_the_gates_own_key_alone(kept):
    """Its forger's key is in it; that is why the key must come from elsewhere."""
    case = kept["intake"]
    forged = resealed(swapped(case, "sbom", "tinyframe", "tinyfrane"))
    forged = honest(forged)
    mine = replay(forged, ENGINE)
    assert (True, False) == (mine.same, mine.pinned)
    found = replay(forged, ENGINE, keys.public_key(case.key, "gate"))
    assert found.differences[0].startswith("signature: ")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"caseSchema":"firmward.case/v2"}', b"nul"])
def test_bytes_that_are_no_case_are_malformed(data):
    """Refused before anything in them is judged."""
    with pytest.raises(Malformed):
        read_case(data)


def leaves(value, at=()):
    """Every place in a JSON value at which something can be changed."""
    yield at
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*at, name))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from leaves(member, (*at, place))


def planted(value, at, new):
    """The value with something else at one place."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = planted(copy[at[0]], at[1:], new)
    return copy


def bitten(text: str, where: int, by: str) -> str:
    """The text with another character at one place."""
    at = where % len(text)
    return text[:at] + by + text[at + 1 :]


VALUES = (None, True, False, -1, 0, 1.5, "", "x", "2026-11-22T00:00:00", [], {}, [{}], {"a": "b"})
BITES = '0 "{]x\\'


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(KINDS),
    place=st.integers(0, 10**6),
    value=st.sampled_from(VALUES),
    bite=st.none() | st.tuples(st.integers(0, 10**6), st.sampled_from(BITES)),
)
def test_no_change_of_a_case_is_the_same_or_a_crash(kept, kind, place, value, bite):
    """One place of the file gets another value, or one character of a section another."""
    case = kept[kind]
    plain = json.loads(encode(case))
    places = list(leaves(plain))
    at = places[place % len(places)]
    old = plain
    for step in at:
        old = old[step]
    new = bitten(old, *bite) if bite and isinstance(old, str) and old else value
    try:
        changed = read_case(json.dumps(planted(plain, at, new)).encode())
        found = replay(changed, ENGINE, keys.public_key(case.key, "gate"))
    except Malformed:
        return
    # The key is given from outside, so the one in the file is no part of the answer.
    if found.same and changed != case and at[:1] != ("key",):
        assert at == ("judgement",)
        assert harmless(changed, case)


def harmless(changed: Case, case: Case) -> bool:
    """Whether a judgement says the same in other bytes, or in an engine's own words."""
    return reopen(changed.judgement.encode()).reasons == reopen(case.judgement.encode()).reasons


def run(*words: object):
    """Exit code and what was printed."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout


def test_the_command_says_the_same_or_the_first_difference(ward, kept, tmp_path: Path):
    """Exit 0 and 1; as JSON with every difference."""
    case, file = kept["refused"], tmp_path / "verdict.case.json"
    key = ward.site.home / "public" / "verdict.key.json"
    file.write_bytes(encode(case))
    assert (0, f"the same, {len(signed(case))} bytes\n") == run("replay", file, "--key", key)
    code, output = run("replay", file, "--engine", "cel-rust", "--json")
    assert (0, True, False) == (code, json.loads(output)["same"], json.loads(output)["pinned"])
    file.write_bytes(encode(put(case, verifier="https://elsewhere.example/gate")))
    code, output = run("replay", file)
    assert (1, True) == (code, output.startswith("statement: predicate.verifier.id was "))


def test_the_command_wants_a_key_and_a_file(kept, tmp_path: Path):
    """A wrong command line is told apart from a wrong case."""
    file = tmp_path / "verdict.case.json"
    file.write_bytes(encode(kept["intake"]))
    for words in ((tmp_path / "none",), (file, "--key", file)):
        result = CliRunner().invoke(app, ["replay", *map(str, words)])
        assert isinstance(result.exception, Misuse)

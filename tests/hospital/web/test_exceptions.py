"""Exceptions at a served hospital: asked, signed, ended and reviewed, over real mTLS."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.halls import (
    HIGH,
    approve,
    ask,
    desk,
    draft,
    emergency,
    events,
    grant,
    measure,
    moved,
    person,
    served,
    signed,
    standing,
    state,
)

from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Claim
from firmward.hospital.gate.exceptions.request import Request
from firmward.hospital.records.site import issue_person
from firmward.hospital.records.tables import APPEND_ONLY
from firmward.proof import keys
from firmward.terms.errors import Refused
from firmward.terms.wire import convert

OFFENDER = "CVE-2026-99002"


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """A served hospital with a refused release and one measured control."""
    with served(tmp_path_factory.mktemp("hall")) as town:
        yield town


def test_an_exception_is_asked_signed_by_three_and_then_valid(hall):
    """Each step is on the ledger; the release is as refused as before."""
    before = state(hall)
    request = ask(hall, draft(hall))
    assert standing(hall, request) == "pending"
    for n, (who, role) in enumerate(HIGH):
        grant(hall, request, (who, role))
        assert standing(hall, request) == ("valid" if n == 2 else "pending")
    kinds = [e["kind"] for e in events(hall, f"exception:{request}")]
    assert kinds == ["exception.requested", *["exception.approved"] * 3, "exception.granted"]
    shown = desk(hall, "ada").get(f"/v1/exceptions/{request}")
    assert all(each["passed"] for each in shown["answers"])
    assert "sam as sec" in shown["explained"]
    # An exception alone admits nothing: only the gate, when it judges again.
    assert state(hall) == before


REQUESTS = {
    "a rule that cannot be waived": {"rules": [{"rule": "VUL-007"}]},
    "an unknown rule": {"rules": [{"rule": "XYZ-001", "offenders": [OFFENDER]}]},
    "a rule that nothing failed": {"rules": [{"rule": "PMR-007"}]},
    "an offender that is none": {"rules": [{"rule": "VUL-004", "offenders": [OFFENDER]}]},
    "a device class that was not judged": {"devices": ["pump-200/PUMP-200-B/tier-4"]},
    "every offender": {"rules": [{"rule": "VUL-004", "offenders": ["*"]}]},
    "every device": {"devices": ["*"]},
    "every tier": {"devices": ["pump-200/PUMP-200-B/tier-*"]},
    "too long": {"expires": (datetime.now(UTC) + timedelta(days=31)).isoformat()},
    "already over": {"expires": (datetime.now(UTC) - timedelta(days=1)).isoformat()},
    "no control": {"controls": []},
    "evidence that nobody measured": {
        "controls": [{"id": "segment-icu", "owner": "noor", "evidenceSha256": "0" * 64}]
    },
    "an unacceptable residual risk": {"residualRisk": "U"},
    "kept too short": {"retainYears": 5},
    "an unknown release": {"release": "pump-200@9.9.9+99"},
    "a second line in its words": {"rationale": "fine\nexpires  2036-01-01"},
    "its own severity": {"severity": "low"},
    "its own image": {"imageSha256": "0" * 64},
    "its own requester": {"requester": "sam"},
    "break-glass for 73 hours": {
        "kind": "break-glass",
        "expires": (datetime.now(UTC) + timedelta(hours=73)).isoformat(),
    },
    "break-glass for a signature rule": {
        "kind": "break-glass",
        "expires": (datetime.now(UTC) + timedelta(hours=71)).isoformat(),
        "rules": [{"rule": "SIG-006"}],
    },
}


@pytest.mark.parametrize("attack", REQUESTS)
def test_a_request_that_could_never_be_granted_is_not_opened(hall, attack):
    """And leaves nothing but the refusal on the ledger."""
    before, refusals = moved(hall), len([e for e in events(hall) if e["kind"] == "access.refused"])
    with pytest.raises(Refused):
        ask(hall, draft(hall, **REQUESTS[attack]))
    assert moved(hall) == before
    after = [e for e in events(hall) if e["kind"] == "access.refused"]
    assert len(after) == refusals + 1
    assert after[-1]["actor"] == "bea"


@pytest.mark.parametrize("who", ["rita", "cleo", "ada", "noel", "acme"])
def test_only_biomed_and_security_ask(hall, who):
    """A vendor least of all."""
    before = moved(hall)
    answer = person(hall, who).post("/v1/exceptions", content=json.dumps(draft(hall)))
    assert answer.status_code == 403
    assert moved(hall) == before


def approvals(town, request: str, other: str) -> dict:
    """Approvals that are refused: who sends them, and what they send."""
    good = signed(town, request, "sam", "sec")
    key = keys.unsafe_private_pem(keys.new_signer())
    stranger = keys.signer_from_pem(key)
    shown = desk(town, "ada").get(f"/v1/exceptions/{request}")["request"]
    read = convert(shown, Request, "test")
    at = datetime.now(UTC)
    claim = Claim(request=request, person="sam", role="sec", meaning="Yes.", signed_at=at)
    more = convert({**shown, "retainYears": 7}, Request, "test")
    own = keys.signer_from_pem((town.server.home / "people" / "sam" / "key.pem").read_bytes())
    late = at - timedelta(minutes=6)
    return {
        "the requester's": ("bea", signed(town, request, "bea", "biomed")),
        "a vendor's": ("acme", signed(town, request, "acme", "sec")),
        "an auditor's": ("ada", signed(town, request, "ada", "risk")),
        "of somebody without a role": ("noel", signed(town, request, "noel", "sec")),
        "in a role that is not the signer's": ("sam", signed(town, request, "sam", "clin")),
        "in another's name": ("sam", signed(town, request, "sam", "sec", person="cleo")),
        "another's, handed on": ("ben", good),
        "with a key of nobody": ("sam", approval.seal(read, claim, stranger)),
        "of a text that differs in one digit": ("sam", approval.seal(more, claim, own)),
        "of another request, replayed": ("sam", signed(town, other, "sam", "sec")),
        "of another request by name": ("sam", signed(town, request, "sam", "sec", request=other)),
        "signed before": ("sam", signed(town, request, "sam", "sec", signed_at=late)),
        "without a meaning": ("sam", signed(town, request, "sam", "sec", meaning=" ")),
        "cut short": ("sam", good[:-2]),
        "empty": ("sam", b""),
    }


def test_an_approval_that_is_not_quite_one_moves_nothing(hall):
    """Each is turned away, and said so on the ledger."""
    request, other = ask(hall, draft(hall)), ask(hall, draft(hall))
    attacks = approvals(hall, request, other)
    before = moved(hall)
    for attack, (who, body) in attacks.items():
        answer = approve(hall, request, who, "", body)
        assert answer.status_code in (400, 403, 409), (attack, answer.text)
        assert moved(hall) == before, attack
    refused = [e["actor"] for e in events(hall) if e["kind"] == "access.refused"]
    assert refused[-len(attacks) :] == [who for who, _ in attacks.values()]
    grant(hall, request, *HIGH)


def test_one_person_under_two_roles_is_one_approval(hall):
    """Though both roles are theirs."""
    request = ask(hall, draft(hall))
    grant(hall, request, ("sid", "sec"))
    before = moved(hall)
    for role in ("clin", "sec"):
        answer = approve(hall, request, "sid", role)
        assert answer.status_code == 409
        assert "approved more than once" in answer.text
    assert moved(hall) == before


def test_a_revoked_exception_is_void_for_good(hall):
    """By one person alone; nobody approves it again."""
    request = ask(hall, draft(hall))
    grant(hall, request, *HIGH)
    for who in ("ada", "cleo", "acme", "noel"):
        body = json.dumps({"finding": "no"})
        answer = person(hall, who).post(f"/v1/exceptions/{request}/revocation", content=body)
        assert answer.status_code == 403
    assert standing(hall, request) == "valid"
    desk(hall, "rita").post(f"/v1/exceptions/{request}/revocation", {"finding": "a fix is here"})
    assert standing(hall, request) == "void"
    before = moved(hall)
    with pytest.raises(Refused):
        desk(hall, "sam").post(f"/v1/exceptions/{request}/revocation", {"finding": "again"})
    assert approve(hall, request, "rolf", "risk").status_code == 409
    assert moved(hall) == before


def test_a_lost_control_voids_what_leans_on_it_at_once(hall):
    """And measuring it again brings nothing back."""
    measure(hall, "watch-icu")
    request = ask(hall, draft(hall, control="watch-icu"))
    grant(hall, request, *HIGH)
    ended = measure(hall, "watch-icu", verified=False)["ended"]
    assert [request in each for each in ended] == [True]
    measure(hall, "watch-icu")
    assert standing(hall, request) == "void"
    assert events(hall, f"exception:{request}")[-1]["kind"] == "exception.voided"


def test_a_control_is_measured_by_few_and_not_for_ever(hall):
    """Evidence for a year ahead is no measurement."""
    before = moved(hall)
    until = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    body = {"verified": True, "evidence": "x", "validUntil": until}
    with pytest.raises(Refused):
        desk(hall, "sam").post("/v1/controls/segment-icu", body)
    for who in ("acme", "ada", "cleo", "rita"):
        answer = person(hall, who).post("/v1/controls/segment-icu", content=json.dumps(body))
        assert answer.status_code == 403
    assert moved(hall) == before


def test_break_glass_takes_two_and_leaves_a_review(hall):
    """Reviewed by somebody who had no part in it, once."""
    request = ask(hall, emergency(hall), "sue")
    grant(hall, request, ("sam", "sec"))
    assert standing(hall, request) == "pending"
    with pytest.raises(Refused):  # nothing to review yet
        desk(hall, "rita").post(f"/v1/exceptions/{request}/review", {"finding": "fine"})
    grant(hall, request, ("rolf", "risk"))
    assert standing(hall, request) == "valid"
    tickets = [t for t in desk(hall, "bea").get("/v1/tickets") if request in t["subject"]]
    assert len(tickets) == 1
    assert "review" in tickets[0]["subject"]
    assert desk(hall, "ada").get(f"/v1/exceptions/{request}")["review"] == "open"
    before = moved(hall)
    for who in ("rolf", "sam", "sue", "bea", "ada"):
        body = json.dumps({"finding": "it was fine"})
        answer = person(hall, who).post(f"/v1/exceptions/{request}/review", content=body)
        assert answer.status_code in (403, 409), who
    assert moved(hall) == before
    desk(hall, "rita").post(f"/v1/exceptions/{request}/review", {"finding": "it was right"})
    assert "rita" in desk(hall, "ada").get(f"/v1/exceptions/{request}")["review"]
    with pytest.raises(Refused):
        desk(hall, "rita").post(f"/v1/exceptions/{request}/review", {"finding": "again"})


CHANGES = [
    (table, change)
    for table in APPEND_ONLY
    for change in (table.delete(), table.update().values({next(iter(table.primary_key)): 1}))
]


@pytest.mark.parametrize(("table", "change"), CHANGES, ids=str)
def test_rows_are_only_ever_added(hall, table, change):
    """Not even the server's own program changes or deletes what was signed."""
    key = next(iter(table.primary_key)).name
    with closing(sqlite3.connect(Path(hall.server.home) / "store.sqlite")) as connection:
        assert connection.execute(str(select(table.c[key]))).fetchone()
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            connection.execute(str(change), {key: 1})


def test_a_stranger_with_a_persons_name_from_the_vendors_side_is_no_person(hall):
    """A vendor whose label is a person's name stays a vendor."""
    folder = issue_person(hall.server.home, "vendor", "cleo-works", datetime.now(UTC))
    assert folder.exists()
    request = ask(hall, draft(hall))
    before = moved(hall)
    body = signed(hall, request, "cleo-works", "clin")
    assert approve(hall, request, "cleo-works", "clin", body).status_code == 403
    assert moved(hall) == before

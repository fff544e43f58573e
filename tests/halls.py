"""A served hospital with a refused release, and people who ask for exceptions and sign them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from tests.hospital.web.conftest import Town

from firmward.hospital.desk import Desk
from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Claim
from firmward.hospital.gate.exceptions.request import Request
from firmward.lab import paper_site, paper_vendor
from firmward.proof import keys
from firmward.terms.wire import convert, encode

CLASS = "pump-200/PUMP-200-B/tier-1"
MORE = {"ben": ("biomed",), "sue": ("sec",), "rolf": ("risk",), "sid": ("sec", "clin")}


@contextmanager
def served(folder: Path) -> Iterator[Town]:
    """A served hospital with a refused release and one measured control."""
    now = datetime.now(UTC)
    people = {**paper_site.PEOPLE, **MORE}
    home = paper_site.found_site(folder / "site", now, tick_s=0.05, people=people)
    paper_site.vendor_pass(home, "acme")
    vendor = paper_vendor.new_vendor(now)
    with paper_site.served(home) as server:
        town = Town(server, vendor, folder)
        town.desk("sam").post("/v1/vendors", encode(vendor.onboarding))
        town.join(1)
        draft = paper_vendor.draft(vendor, now, "1.3.0", 9, ())
        pack = paper_vendor.pack(vendor, draft, now, evidence={})
        assert not town.desk("acme").push("acme", pack.bundle)["admitted"]
        measure(town)
        yield town
        for part in [*town.open, *(d.http for d in town.fleet if d.http)]:
            part.close()
        OPEN.clear()


REFUSED = "pump-200@1.3.0+9"


OPEN: dict[tuple[str, str], Desk | httpx.Client] = {}


def desk(town: Town, name: str) -> Desk:
    """A person's desk, opened once: a handshake for each question takes long."""
    if ("desk", name) not in OPEN:
        OPEN["desk", name] = town.desk(name)
    return OPEN["desk", name]


def person(town: Town, name: str) -> httpx.Client:
    """A person's raw connection, opened once."""
    if ("person", name) not in OPEN:
        OPEN["person", name] = town.person(name)
    return OPEN["person", name]


def events(town: Town, about: str = "") -> list[dict]:
    """Events about a subject, or all."""
    return desk(town, "ada").get("/v1/events", **({"about": about} if about else {}))


def state(town: Town) -> list:
    """Everything outside of exceptions that a request could move."""
    parts = ("releases", "rollouts", "tickets")
    return [desk(town, "bea").get(f"/v1/{part}") for part in parts]


def measure(town, control: str = "segment-icu", verified: bool = True, by: str = "sam") -> dict:
    """A control as it was just found."""
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {"verified": verified, "evidence": "nft list ruleset: ...", "validUntil": until}
    return desk(town, by).post(f"/v1/controls/{control}", body)


def draft(town, **changes) -> dict:
    """A good request for a week."""
    evidence = {c["control"]: c["evidence_sha256"] for c in desk(town, "bea").get("/v1/controls")}
    control = changes.pop("control", "segment-icu")
    body = {
        "release": REFUSED,
        "rules": [{"rule": "VUL-004"}],
        "devices": [CLASS],
        "rationale": "The pumps are on a network of their own until next week's fix.",
        "residualRisk": "C",
        "retainYears": 6,
        "controls": [{"id": control, "owner": "noor", "evidenceSha256": evidence[control]}],
        "expires": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
    }
    return {**body, **changes}


def emergency(town, **changes) -> dict:
    """A good break-glass."""
    hours = (datetime.now(UTC) + timedelta(hours=71)).isoformat()
    return draft(town, kind="break-glass", **{"expires": hours, **changes})


def ask(town, body: dict, who: str = "bea") -> str:
    """The id of a request that was opened."""
    return desk(town, who).post("/v1/exceptions", body)["id"]


def signed(town, request: str, who: str, role: str, /, **changes) -> bytes:
    """A person's approval, signed with their own key; `changes` are to the claim."""
    shown = desk(town, "ada").get(f"/v1/exceptions/{request}")["request"]
    read = convert(shown, Request, "test")
    values = {
        "request": request,
        "person": who,
        "role": role,
        "meaning": "I accept the residual risk.",
        "signed_at": datetime.now(UTC),
    }
    key = (town.server.home / "people" / who / "key.pem").read_bytes()
    return approval.seal(read, Claim(**{**values, **changes}), keys.signer_from_pem(key))


def approve(town, request: str, who: str, role: str, body: bytes | None = None) -> httpx.Response:
    """The hospital's answer to an approval."""
    body = signed(town, request, who, role) if body is None else body
    return person(town, who).post(f"/v1/exceptions/{request}/approvals", content=body)


def grant(town, request: str, *signers: tuple[str, str]) -> None:
    """Approvals that are taken."""
    for who, role in signers:
        answer = approve(town, request, who, role)
        assert answer.status_code == 200, answer.text


HIGH = (("sam", "sec"), ("ben", "biomed"), ("cleo", "clin"))


def standing(town, request: str) -> str:
    """Where a request stands."""
    return desk(town, "ada").get(f"/v1/exceptions/{request}")["state"]


def moved(town) -> list:
    """Everything that a refusal must leave as it is."""
    listed = desk(town, "ada").get("/v1/exceptions")
    each = [desk(town, "ada").get(f"/v1/exceptions/{row['id']}") for row in listed]
    kept = [
        {k: v for k, v in row.items() if k not in ("explained", "state", "answers")} for row in each
    ]
    kinds = [e["kind"] for e in events(town) if e["kind"].startswith(("exception.", "control."))]
    return [kept, kinds, state(town)]

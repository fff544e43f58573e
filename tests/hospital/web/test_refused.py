"""What was refused stays refused, by whichever door it is tried again."""

import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from firmward.hospital.cli import app
from firmward.hospital.web.native import DevicePlane
from firmward.hospital.web.people import PeoplePlane
from firmward.lab import paper_vendor
from firmward.terms.wire import encode


@pytest.fixture(scope="module")
def refused(town) -> str:
    """A release that the gate refuses: it has no evidence at all."""
    draft = paper_vendor.draft(town.vendor, datetime.now(UTC), "1.3.0", 9, ())
    pack = paper_vendor.pack(town.vendor, draft, datetime.now(UTC), evidence={})
    said = town.desk("acme").push("acme", pack.bundle)
    assert not said["admitted"]
    assert len(said["reasons"]) > 5
    town.bundles = [pack.bundle]
    return draft.release


def test_a_refused_release_files_one_ticket_each_for_vendor_and_hospital(town, refused):
    """With every reason, and the vendor sees its own only."""
    mine = [t for t in town.desk("acme").get("/v1/tickets") if t["subject"].startswith(refused)]
    all_ = [t for t in town.desk("bea").get("/v1/tickets") if t["subject"].startswith(refused)]

    assert [t["recipient"] for t in mine] == ["acme"]
    assert sorted(t["recipient"] for t in all_) == ["acme", "biomed-security"]
    assert {t["recipient"] for t in town.desk("acme").get("/v1/tickets", to="x")} == {"acme"}


def asked(planes: tuple, refused: str, bodies: tuple[bytes, ...]) -> list:
    """(plane, method, path, body) for every route, with the release in every place it has."""
    found = []
    for plane in planes:
        for endpoint in plane.endpoints():
            path = endpoint.path.replace("{rollout}", f"rollout:{refused}")
            path = re.sub(r"\{(name|sha256|device)\}", refused, path).replace("{vendor}", "acme")
            sent = bodies if endpoint.method == "POST" else (b"",)
            found += [(plane, endpoint.method, path, body) for body in sent]
    return found


def test_no_route_pushes_a_refused_release_through(town, refused):
    """Every route of both planes, by everybody who is let in, with the release in every place."""
    finding, state = {"finding": refused}, {"release": refused, "state": "admitted"}
    bodies = (town.bundles[0], encode(finding), encode(state))
    device, people = DevicePlane(None, None), PeoplePlane.__new__(PeoplePlane)
    clerks = [town.person(name) for name in ("bea", "sam", "rita", "ada", "acme")]

    walked = asked((device, people), refused, bodies)
    for plane, method, path, body in walked:
        if plane is device:
            town.fleet[0].ask(method, path, body)
            continue
        for clerk in clerks:
            clerk.request(method, path, content=body or None)

    assert len(walked) > 30
    states = {r["release"]: r["state"] for r in town.desk("bea").get("/v1/releases")}
    assert states[refused] == "refused"
    assert all(r["release"] != refused for r in town.desk("bea").get("/v1/rollouts"))


def test_no_command_pushes_a_refused_release_through(town, refused):
    """Every `firmward hospital` command that takes what a release could be passed as."""
    home = str(town.server.home)
    bundle = town.folder / "refused.tar"
    bundle.write_bytes(town.bundles[0])
    runner = CliRunner()
    for words in (
        ["push", home, "acme", str(bundle)],
        ["push", home, "acme", str(bundle), "--as", "acme"],
        ["push", home, "acme", str(bundle), "--as", "sam"],
        ["vendor", "add", home, str(bundle)],
        ["device", "import", home, str(bundle)],
        ["rollout", "stop", home, f"rollout:{refused}", "go"],
        ["quarantine", "release", home, refused, "go"],
        ["quarantine", "add", home, refused, "go"],
        ["release", home, refused],
        ["admit", home, refused],
    ):
        result = runner.invoke(app, words)
        assert result.exit_code != 0, words

    states = {r["release"]: r["state"] for r in town.desk("bea").get("/v1/releases")}
    assert states[refused] == "refused"


@pytest.mark.parametrize("route", ["bundles", "renewals"])
def test_a_vendor_cannot_speak_for_another(town, route):
    """Its own name only, whatever the bundle says; and it is noted once."""
    before = len(town.events())
    with town.person("acme") as http_:
        answer = http_.post(f"/v1/{route}/borealis", content=b"x")

    assert answer.status_code == 403
    [event] = town.events()[before:]
    assert "expected its own" in event["says"]


def test_a_bundle_that_is_none_is_refused_and_noted(town):
    """Noise, and a vendor nobody onboarded."""
    before = town.state()
    with town.person("bea") as http_:
        assert http_.post("/v1/bundles/acme", content=b"noise").status_code == 400
        assert http_.post("/v1/renewals/acme", content=b"noise").status_code == 400
        assert http_.post("/v1/bundles/no%1bbody", content=b"x").status_code == 409

    kinds = [event["kind"] for event in town.events()[-3:]]
    assert kinds == ["intake.refused"] * 3
    assert town.state() == before

"""What was refused stays refused, by whichever door it is tried again."""

import gc
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import get_args, get_type_hints

import pytest
from typer import Typer
from typer.models import OptionInfo
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
    # Only its routes are asked for here; they are walked at the server that runs.
    people._site, people._hospital = None, SimpleNamespace(site=None)
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


# These found or serve a site, issue a person's certificate, or look at a policy.
NOT_AT_THE_DESK = {"init", "serve", "person", "gate"}


def commands(group: Typer, *before: str) -> Iterator[tuple[tuple[str, ...], Callable]]:
    """Every command at the desk as (words, function)."""
    for each in group.registered_commands:
        name = each.name or each.callback.__name__.replace("_", "-")
        if name not in NOT_AT_THE_DESK:
            yield (*before, name), each.callback
    for each in group.registered_groups:
        if each.name not in NOT_AT_THE_DESK:
            yield from commands(each.typer_instance, *before, each.name)


def filled(command: Callable, values: dict[str, str], otherwise: str) -> list[str]:
    """What a command must be given: by its name, else a file, a number or the release by type."""
    words = []
    hints = get_type_hints(command, include_extras=True)
    for name, each in signature(command).parameters.items():
        if each.default is not each.empty or name == "as_":
            continue
        kind, *said = get_args(hints[name]) or (hints[name],)
        by_type = {Path: values["bundle"], int: "1"}.get(kind, otherwise)
        option = next((one for one in said if isinstance(one, OptionInfo)), None)
        if option is not None:
            words.append((option.param_decls or [f"--{name.replace('_', '-')}"])[0])
        words.append(values.get(name, by_type))
    return words


def ran(line: list[str]) -> tuple[int, str]:
    """Exit code of `firmward hospital` with these words, and what it said or died of."""
    with warnings.catch_warnings():
        # A command leaves its connection to the end of its process, which here does not end.
        warnings.simplefilter("ignore", ResourceWarning)
        result = CliRunner().invoke(app, line)
        code, output, error = result.exit_code, result.output, str(result.exception)
        del result
        gc.collect()
    # A command that was misspelt here or went to no server would prove nothing.
    assert code != 2, (line, output)
    assert "expected a served site" not in error, line
    return code, output + error


def test_no_command_pushes_a_refused_release_through(town, refused):
    """Every command at the desk, as several people, with the release in every place it has."""
    bundle = town.folder / "refused.tar"
    bundle.write_bytes(town.bundles[0])
    values = {
        "site": str(town.server.home),
        "bundle": str(bundle),
        "vendor": "acme",
        "rollout": f"rollout:{refused}",
        "out": str(town.folder / "out"),
    }
    asked, pushed = [], []
    for words, command in commands(app):
        for name in ("bea", "sam", "acme"):
            whose = ["--as", name] if "as_" in signature(command).parameters else []
            code, said = ran([*words, *filled(command, values, refused), *whose])
            asked.append(words)
            if words == ("push",):
                pushed.append((code, said))

    assert {("push",), ("quarantine", "release"), ("rollout", "stop")} <= set(asked)
    assert {"release", "admit"}.isdisjoint(word for words in asked for word in words[:1])
    turned_away = ("hospital answered 40", ": REFUSED at")
    assert all(code == 1 and any(w in said for w in turned_away) for code, said in pushed), pushed
    states = {r["release"]: r["state"] for r in town.desk("bea").get("/v1/releases")}
    assert states[refused] == "refused"
    assert all(r["release"] != refused for r in town.desk("bea").get("/v1/rollouts"))


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

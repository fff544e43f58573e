"""Exceptions by command: asked, read, signed, listed, ended."""

import json

import pytest
from tests.halls import CLASS, REFUSED, served
from typer.testing import CliRunner

from firmward.hospital.exceptions_cli import app
from firmward.terms.errors import FirmwardError, Misuse, Refused


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """A served hospital with a refused release and one measured control."""
    with served(tmp_path_factory.mktemp("hall")) as town:
        yield town


def command(town, *words: object, error: type[FirmwardError] | None = None) -> str:
    """What a command prints, and the words of its error."""
    site = ("--site", str(town.server.home))
    done = CliRunner().invoke(app, [*map(str, words), *site])
    if error is None:
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output
    assert isinstance(done.exception, error), (done.output, done.exception)
    return f"{done.output}{done.exception}"


def test_the_whole_way_by_command(hall, tmp_path):
    """Asked, read, signed, listed, revoked; the text is shown before it is signed."""
    evidence = tmp_path / "rules.txt"
    evidence.write_text("nft list ruleset: ...")
    command(hall, "measured", "firewall-icu", "--evidence", evidence)
    asked = json.loads(
        command(
            hall,
            *("request", "--release", REFUSED, "--rule", "VUL-005", "--device", CLASS),
            *("--rationale", "It is being rated again.", "--residual-risk", "A", "--days", "90"),
            *("--control", "firewall-icu=noor", "--json"),
        )
    )
    request = asked["id"]
    assert asked["severity"] == "low"
    assert "indeterminate: vulns" in command(hall, "show", request)
    said = command(hall, "approve", request, "--as", "bea", "--meaning", "Me.", error=Refused)
    assert "bea asked for it" in said
    said = command(hall, "approve", request, "--as", "ben", "--meaning", "I accept this.")
    assert said.index("document        sha256") < said.index(f"{request} is valid")
    assert f"{request:8}valid" in command(hall, "list", "--release", REFUSED)
    rows = json.loads(command(hall, "list", "--json"))
    assert [row["state"] for row in rows if row["id"] == request] == ["valid"]
    command(hall, "revoke", request, "the vendor rated it")
    assert "VOID" in command(hall, "show", request).upper()


def test_a_command_for_what_is_not_there_says_so(hall):
    """An offender of no named rule, a control that nobody measured, a request that is none."""
    start = ("request", "--release", REFUSED, "--rule", "VUL-005", "--device", CLASS)
    rest = ("--rationale", "x", "--residual-risk", "A", "--days", "9")
    command(hall, *start, *rest, "--control", "moat=noor", error=Misuse)
    command(
        hall,
        *start,
        *rest,
        "--control",
        "segment-icu=noor",
        "--offender",
        "VUL-006=x",
        error=Misuse,
    )
    command(hall, "approve", "EX-999", "--as", "ben", "--meaning", "x", error=Refused)
    command(hall, "review", "EX-999", "x", error=Refused)

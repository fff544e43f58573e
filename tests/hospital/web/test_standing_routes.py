"""The people plane about what stands: advisories in use, and exposure windows."""

import json
from datetime import UTC, datetime

import pytest

from firmward.lab import advisories
from firmward.terms.errors import Refused


def test_everyone_with_a_role_sees_the_advisories_and_the_windows(town):
    """Their age, how many there are, and what waits."""
    for name in ("bea", "sam", "rita", "cleo", "ada"):
        said = town.desk(name).get("/v1/advisories")
        assert said["counts"]["kev"] == 1
        assert said["ageDays"] < 2
        assert isinstance(town.desk(name).get("/v1/exposures", open="1"), list)


@pytest.mark.parametrize("name", ["noel", "acme"])
def test_nobody_else_does(town, name):
    """Neither a person without a role nor a vendor."""
    for path in ("/v1/advisories", "/v1/exposures"):
        with pytest.raises(Refused):
            town.desk(name).get(path)
    with pytest.raises(Refused):
        town.desk(name).post("/v1/advisories", b"")


@pytest.mark.parametrize("name", ["rita", "cleo", "ada"])
def test_reading_is_not_updating(town, name):
    """The folder is read anew for those alone who answer for it."""
    with pytest.raises(Refused):
        town.desk(name).post("/v1/advisories", b"")


def test_a_folder_is_taken_when_asked_for_and_a_broken_one_is_not(town):
    """The old index stays, and what is wrong is said."""
    folder = town.server.home.with_name(f"{town.server.home.name}-advisories")
    before = town.desk("sam").get("/v1/advisories")
    advisories.write(folder, datetime.now(UTC))
    after = town.desk("sam").post("/v1/advisories", b"")
    assert after["digest"] != before["digest"]
    good = (folder / "kev.json").read_bytes()
    (folder / "kev.json").write_text(json.dumps({"vulnerabilities": 1}))
    with pytest.raises(Refused):
        town.desk("sam").post("/v1/advisories", b"")
    said = town.desk("bea").get("/v1/advisories")
    assert said["digest"] == after["digest"]
    assert "expected" in said["refused"]
    (folder / "kev.json").write_bytes(good)

"""`firmward vendor advisories`: update from files, show, match, with the age of every feed."""

import json
from pathlib import Path

import pytest
from tests.made_advisories import affected, configuration, kev, nvd, osv, page, row
from typer.testing import CliRunner

from firmward.advisories.index import Index
from firmward.terms.errors import Unavailable
from firmward.vendor.advisories import load
from firmward.vendor.advisories_cli import app

RUN = CliRunner()


def said(*words: str, code: int = 0) -> dict:
    """What a command answers in JSON."""
    result = RUN.invoke(app, [*words, "--json"])
    assert code == result.exit_code, result.output
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def mirror(tmp_path) -> Path:
    """A folder in the layout that a vendor keeps."""
    package = {"ecosystem": "GIT", "name": "tinyframe", "purl": "pkg:generic/tinyframe"}
    ends = ({"introduced": "0"}, {"fixed": "1.4.0"})
    record = osv("MADE-1", aliases=["CVE-2026-990001"], affected=[affected(*ends, package=package)])
    folder = tmp_path / "mirror"
    (folder / "osv").mkdir(parents=True)
    (folder / "osv" / "MADE-1.json").write_bytes(record)
    (folder / "kev.json").write_bytes(kev())
    return folder


@pytest.fixture
def index(mirror, tmp_path) -> Path:
    """An index of it."""
    path = tmp_path / "index.sqlite"
    said("update", "--index", str(path), "--from", str(mirror))
    return path


def test_an_index_is_made_from_a_folder_and_says_how_old_each_feed_is(mirror, tmp_path):
    """Without a line to anybody."""
    path = tmp_path / "index.sqlite"
    answer = said("update", "--index", str(path), "--from", str(mirror))

    assert {"osv": 1, "kev": 1, "epss": 0} == answer["records"]
    assert ["kev", "osv"] == [feed["name"] for feed in answer["feeds"]]
    assert all(feed["ageDays"] > 0 and feed["licence"] for feed in answer["feeds"])


def test_a_second_source_joins_the_first(index, tmp_path):
    """Named, where its layout does not say what it is."""
    (tmp_path / "page.json").write_bytes(page(nvd("CVE-2026-990009", configuration(row()))))
    path = f"nvd={tmp_path / 'page.json'}"

    assert 1 == said("update", "--index", str(index), "--from", path)["records"]["nvd"]


def test_a_feed_that_fails_stays_as_it_was_and_is_named(index, mirror, tmp_path):
    """The others are brought up to date; the exit code says that not all were."""
    before = Index.open(index).feed("kev")
    (mirror / "osv" / "MADE-2.json").write_bytes(osv("MADE-2"))
    (mirror / "kev.json").write_bytes(kev()[:-10])
    result = RUN.invoke(app, ["update", "--index", str(index), "--from", str(mirror)])

    assert 3 == result.exit_code
    assert "not brought up to date: kev" in " ".join(result.output.split())
    assert before == Index.open(index).feed("kev")
    assert 2 == Index.open(index).counts()["osv"]


def test_nothing_is_put_in_place_of_nothing(tmp_path):
    """A first update that fails leaves no index, which would look like an empty one."""
    (tmp_path / "kev.json").write_bytes(b"{")
    path = tmp_path / "index.sqlite"
    result = RUN.invoke(app, ["update", "--index", str(path), "--from", str(tmp_path / "kev.json")])

    assert 1 == result.exit_code
    assert not path.exists()


@pytest.mark.parametrize("words", [[], ["--online", "--from", "x"]])
def test_an_update_comes_from_one_side(tmp_path, words):
    """From files or from the services, and never from neither."""
    result = RUN.invoke(app, ["update", "--index", str(tmp_path / "i"), *words])

    assert 2 == result.exit_code


def test_an_advisory_is_shown_with_everything_that_is_known_of_it(index):
    """By any of its names."""
    answer = said("show", "CVE-2026-990001", "--index", str(index))

    assert "MADE-1" == answer["records"][0]["id"]
    assert "pkg:generic/tinyframe" == answer["records"][0]["entries"][0]["purl"]
    assert "2026-11-01" == answer["exploited"]["added"]
    assert 3 == RUN.invoke(app, ["show", "CVE-1", "--index", str(index)]).exit_code


@pytest.mark.parametrize(
    ("component", "status"),
    [
        ("pkg:generic/tinyframe@1.3.0", "affected"),
        ("pkg:generic/tinyframe@1.4.0", "not_affected"),
        ("pkg:generic/unheard@1.0.0", "unknown"),
    ],
)
def test_a_component_is_answered_from_the_index(index, component, status):
    """Affected, not affected or unknown."""
    answer = said("match", component, "--index", str(index))

    assert [status] == [match["status"] for match in answer["matches"]]


def test_a_release_takes_a_folder_or_an_index(index, mirror):
    """Both give the same records; neither may lack the catalogue."""
    assert load(mirror).by_name("MADE-1") == load(index).by_name("MADE-1")
    (mirror / "kev.json").unlink()

    with pytest.raises(Unavailable, match="KEV"):
        load(mirror)

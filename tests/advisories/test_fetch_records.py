"""Records from the official services: everything first, then what changed, on where one stopped."""

import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from tests import advisory_services as faults
from tests.advisory_services import NOW, Site, encoded, release
from tests.made_advisories import csaf, cve5, leaf, nvd, osv

from firmward.advisories.services import Services
from firmward.terms.errors import Malformed, Unavailable


def zipped(**files: bytes) -> bytes:
    """A zip of records."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.json", data)
    return held.getvalue()


# ---- OSV ----


def listed(*rows: tuple[str, str]) -> bytes:
    """modified_id.csv, the newest first."""
    return "".join(f"{modified},{name}\n" for modified, name in rows).encode()


OLD, NEW = "2026-11-01T08:00:00.123456Z", "2026-11-20T08:00:00.654321Z"


def test_osv_comes_whole_first_and_then_by_what_changed(desk, site):
    """The archive once; later only the records that changed."""
    site.files["/osv/PyPI/modified_id.csv"] = listed((OLD, "MADE-1"))
    site.files["/osv/PyPI/all.zip"] = zipped(one=osv("MADE-1"))
    desk.update("osv/PyPI")
    site.files["/osv/PyPI/modified_id.csv"] = listed((NEW, "MADE-2"), (OLD, "MADE-1"))
    site.files["/osv/PyPI/MADE-2.json"] = osv("MADE-2", modified=NEW)
    changed = desk.update("osv/PyPI", NOW + timedelta(days=1))
    same = desk.update("osv/PyPI", NOW + timedelta(days=2))

    assert (1, 0) == (changed.taken, same.taken)
    assert {"osv": 2} == {k: v for k, v in desk.index.counts().items() if v}
    assert 1 == sum(path.endswith("all.zip") for path in site.asked)
    assert NOW + timedelta(days=2) == desk.index.feed("osv/PyPI").snapshot


def test_an_interrupted_visit_goes_on_where_it_stopped(desk, site):
    """What was saved is not fetched again, unless it has changed meanwhile."""
    site.files["/osv/PyPI/modified_id.csv"] = listed((OLD, "MADE-1"))
    site.files["/osv/PyPI/all.zip"] = zipped(one=osv("MADE-1"))
    desk.update("osv/PyPI")
    held = desk.state()
    site.files["/osv/PyPI/modified_id.csv"] = listed((NEW, "MADE-3"), (NEW, "MADE-2"))
    site.files["/osv/PyPI/MADE-3.json"] = osv("MADE-3", modified=NEW)
    with pytest.raises(Unavailable, match="404"):
        desk.update("osv/PyPI")
    assert held == desk.state()
    site.files["/osv/PyPI/MADE-2.json"] = osv("MADE-2", modified=NEW)
    site.asked.clear()

    assert 2 == desk.update("osv/PyPI").taken
    assert ["/osv/PyPI/modified_id.csv", "/osv/PyPI/MADE-2.json"] == site.asked
    assert not (desk.spool / "osv-PyPI").exists()


@pytest.mark.parametrize("row", [b"2026-11-01T08:00:00Z,../../etc/x\n", b"soon,MADE-1\n", b""])
def test_a_list_that_leads_out_of_its_folder_is_refused(desk, site, row):
    """An id becomes a file name."""
    site.files["/osv/PyPI/modified_id.csv"] = row

    with pytest.raises(Malformed):
        desk.update("osv/PyPI")
    assert () == desk.index.feeds()


# ---- NVD ----


def items(*numbers: int, modified: str = "2026-11-01T08:00:00.123") -> list[dict]:
    """Records of NVD."""
    return [nvd(f"CVE-2026-{990000 + number}", lastModified=modified) for number in numbers]


def test_nvd_comes_page_by_page_and_then_by_windows(desk, site):
    """No window is longer than the 120 days that NVD allows."""
    site.nvd = items(1, 2, 3, 4, 5)
    desk.update("nvd")
    site.nvd += items(6, modified="2027-06-01T00:00:00.000")
    site.asked.clear()
    later = desk.update("nvd", NOW + timedelta(days=300))

    assert (1, 6) == (later.taken, desk.index.counts()["nvd"])
    windows = [path for path in site.asked if "lastModStartDate" in path]
    assert 3 == len(windows)
    assert "lastModStartDate=2026-11-21T21%3A00%3A00.000Z" in windows[0]


def test_an_interrupted_paging_goes_on_with_its_own_window(desk, site):
    """Pages that are there are not asked for again; the snapshot is when the visit began."""
    site.nvd = items(1, 2, 3, 4, 5)
    site.faults["/nvd"] = lambda handler, body: (
        faults.broken(handler, body) if "startIndex=4" in handler.path else handler.reply(200, body)
    )
    with pytest.raises(Unavailable):
        desk.update("nvd")
    assert () == desk.index.feeds()
    del site.faults["/nvd"]
    site.asked.clear()

    assert 5 == desk.update("nvd", NOW + timedelta(hours=3)).taken
    assert 1 == len(site.asked)
    assert NOW == desk.index.feed("nvd").snapshot


def test_a_page_that_does_not_go_on_is_refused(desk, site):
    """A server that gives the first page forever ends in an error, not in a loop."""
    site.nvd = items(1, 2, 3)
    first = faults.page(*site.nvd[:2], start=0, total=3)
    site.faults["/nvd"] = lambda handler, body: handler.reply(200, first)

    with pytest.raises(Unavailable, match="from 2 of 3, got 0"):
        desk.update("nvd")
    assert () == desk.index.feeds()


def test_the_key_goes_to_nvd_alone_and_into_no_message(desk, site):
    """A key in an error is a key in somebody's log."""
    site.nvd = items(1)
    desk.services = Services(nvd=f"{site.url}/nvd", nvd_key="s3cret", nvd_pause_s=0, page=2)
    desk.update("nvd")
    assert "s3cret" == site.headers["apiKey"]
    site.faults["/nvd"] = faults.broken

    with pytest.raises(Unavailable) as caught:
        desk.update("nvd", NOW + timedelta(days=1))
    assert "s3cret" not in str(caught.value)


# ---- the CVE list ----

ALL = "2026-11-19_all_CVEs_at_midnight.zip.zip"


def delta(day: int, at: str) -> str:
    """A delta's name."""
    return f"2026-11-{day}_delta_CVEs_at_{at}.zip"


def publish(site: Site, *releases: dict) -> None:
    """Releases, newest first."""
    site.files["/releases"] = encoded(list(releases))


def numbered(*numbers: int, modified: str = "2026-11-19T00:00:00Z") -> bytes:
    """A zip of CVE records."""
    names = [f"CVE-2026-{990000 + number}" for number in numbers]
    return zipped(**{name: cve5(name, dateUpdated=modified) for name in names})


def test_the_cve_list_comes_whole_and_then_by_one_delta_a_day(desk, site):
    """Of a past day the one at its end, of today the latest."""
    site.files |= {
        f"/{ALL}": zipped() and zipped_zip(numbered(1, 2)),
        f"/{delta(19, 'end_of_day')}": numbered(3),
        f"/{delta(20, '0500Z')}": numbered(4),
        f"/{delta(20, 'end_of_day')}": numbered(4, 5),
        f"/{delta(21, '1400Z')}": numbered(6),
    }
    first = [
        release("2026-11-20", delta(20, "0500Z"), ALL, url=site.url),
        release("2026-11-19", delta(19, "end_of_day"), ALL, url=site.url),
    ]
    publish(site, *first)
    desk.update("cve5")
    today = release("2026-11-21", delta(21, "1400Z"), url=site.url)
    publish(site, today, release("2026-11-20", delta(20, "end_of_day"), url=site.url), *first)
    site.asked.clear()
    desk.update("cve5", NOW + timedelta(hours=1))
    fetched = [path for path in site.asked if path.endswith(".zip")]
    unchanged = desk.update("cve5", NOW + timedelta(hours=2))

    assert [f"/{delta(20, 'end_of_day')}", f"/{delta(21, '1400Z')}"] == fetched
    assert (6, 0) == (desk.index.counts()["cve5"], unchanged.taken)


def zipped_zip(inner: bytes) -> bytes:
    """A zip whose only member is a zip, as the daily archive is."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("cves.zip", inner)
    return held.getvalue()


def test_a_day_that_is_missing_is_not_skipped(desk, site):
    """Without every day's changes only the whole archive will do; without that, nothing."""
    site.files |= {f"/{ALL}": zipped_zip(numbered(1)), f"/{delta(19, '0100Z')}": numbered(2)}
    publish(site, release("2026-11-19", delta(19, "0100Z"), ALL, url=site.url))
    desk.update("cve5")
    held = desk.state()
    publish(site, release("2026-11-21", delta(21, "1400Z"), url=site.url))

    with pytest.raises(Unavailable, match="leave out a day"):
        desk.update("cve5")
    assert held == desk.state()


def test_an_asset_with_another_digest_is_refused_and_thrown_away(desk, site):
    """The release states the digest of each of its files."""
    name = delta(19, "0100Z")
    good, bad = numbered(2), numbered(3)
    digests = {name: f"sha256:{hashlib.sha256(good).hexdigest()}"}
    site.files |= {f"/{ALL}": zipped_zip(numbered(1)), f"/{name}": bad}
    publish(site, release("2026-11-19", name, ALL, url=site.url, digests=digests))

    with pytest.raises(Unavailable, match="digest"):
        desk.update("cve5")
    assert () == desk.index.feeds()
    site.files[f"/{name}"] = good
    assert 2 == desk.update("cve5").taken


# ---- CSAF ----


def provide(site: Site, *rows: tuple[str, str], role: str = "csaf_trusted_provider") -> str:
    """A provider with these documents; the name of its feed."""
    metadata = {"role": role, "distributions": [{"directory_url": f"{site.url}/white/"}]}
    site.files["/provider-metadata.json"] = encoded(metadata)
    site.files["/white/changes.csv"] = "".join(f'"{n}","{t}"\n' for n, t in rows).encode()
    for name, _ in rows:
        body = csaf(leaf("1.0", 1), known_affected=["P1"]).replace(
            b"TINY-26-001", name[5:-5].encode()
        )
        site.files[f"/white/{name}"] = body
        sha = hashlib.sha512(body).hexdigest()
        site.files[f"/white/{name}.sha512"] = f"{sha}  {name}\n".encode()
    return f"csaf/127.0.0.1:{site.server_port}"


def test_a_provider_is_asked_for_what_changed(desk, site):
    """Its list says which documents were released since."""
    feed = provide(site, ("2026/made-1.json", "2026-11-01T00:00:00Z"))
    desk.update(feed)
    provide(
        site,
        ("2026/made-2.json", "2026-11-20T00:00:00Z"),
        ("2026/made-1.json", "2026-11-01T00:00:00Z"),
    )
    site.asked.clear()
    changed = desk.update(feed, NOW + timedelta(days=1))
    same = desk.update(feed, NOW + timedelta(days=2))

    assert (1, 0, 2) == (changed.taken, same.taken, desk.index.counts()["csaf"])
    assert not [path for path in site.asked if "made-1" in path]


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda files: files.update({"/white/2026/made-1.json.sha512": b"0" * 128}), Unavailable),
        (lambda files: files.pop("/white/2026/made-1.json.sha512"), Unavailable),
        (
            lambda files: files.update(
                {"/white/changes.csv": b'"../x.json","2026-11-01T00:00:00Z"\n'}
            ),
            Malformed,
        ),
        (
            lambda files: files.update({"/provider-metadata.json": b'{"distributions": []}'}),
            Unavailable,
        ),
    ],
    ids=["another hash", "no hash", "out of its folder", "no directory"],
)
def test_a_provider_that_does_not_hold_to_the_standard_is_refused(
    desk, site, spoil, error, tmp_path
):
    """Requirements 11, 13 and 18 of section 7.1; nothing is taken or written elsewhere."""
    feed = provide(site, ("2026/made-1.json", "2026-11-01T00:00:00Z"))
    spoil(site.files)

    with pytest.raises(error):
        desk.update(feed)
    assert () == desk.index.feeds()
    assert not list(tmp_path.glob("*.json"))


def test_only_a_trusted_provider_owes_hashes(desk, site):
    """A plain provider may leave them out."""
    feed = provide(site, ("2026/made-1.json", "2026-11-01T00:00:00Z"), role="csaf_provider")
    del site.files["/white/2026/made-1.json.sha512"]

    assert 1 == desk.update(feed).taken

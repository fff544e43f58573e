"""A visit to an official service over a real line with real faults: whole or not at all."""

import gzip
import time
from datetime import timedelta

import pytest
from tests import advisory_services as faults
from tests.advisory_services import NOW
from tests.made_advisories import epss, kev

from firmward.advisories.feeds import OlderSnapshot
from firmward.terms.errors import FirmwardError, Malformed, Misuse, Unavailable


def test_the_catalogue_is_fetched_once_and_then_asked_for_changes(desk, site):
    """A 304 makes what is held as recent as the visit."""
    site.files["/kev.json"] = kev()
    first = desk.update("kev")
    second = desk.update("kev", NOW + timedelta(days=1))

    assert (1, 0) == (first.taken, second.taken)
    assert NOW + timedelta(days=1) == desk.index.feed("kev").snapshot
    assert "If-None-Match" in site.headers


def test_scores_are_replaced_by_the_days_own(desk, site):
    """Packed as FIRST packs them."""
    site.files["/epss.csv.gz"] = gzip.compress(epss())
    desk.update("epss")
    site.files["/epss.csv.gz"] = gzip.compress(epss("CVE-2026-990002,0.5,0.9", made="2026-11-21"))
    desk.update("epss", NOW + timedelta(hours=1))

    assert None is desk.index.likelihood("CVE-2026-990001")
    assert 0.5 == desk.index.likelihood("CVE-2026-990002").epss


@pytest.mark.parametrize(
    ("feed", "path", "now", "before"),
    [
        ("kev", "/kev.json", kev(), kev(released="2026-11-19T00:00:00Z", count=1)),
        ("epss", "/epss.csv.gz", epss(), epss(made="2026-11-01")),
    ],
)
def test_a_table_from_before_the_held_one_is_refused(desk, site, feed, path, now, before):
    """The service, or a cache on the way, replays the day before its warning."""
    site.files[path] = now
    desk.update(feed)
    held = desk.state()
    site.files[path] = before

    with pytest.raises(OlderSnapshot):
        desk.update(feed, NOW + timedelta(days=1))
    assert held == desk.state()


FAULTS = {
    "cut off": (faults.cut_off, Unavailable),
    "shortened": (faults.shortened, Malformed),
    "endless": (faults.endless, Unavailable),
    "silent": (faults.silent, Unavailable),
    "broken": (faults.broken, Unavailable),
    "leaves TLS": (faults.elsewhere, Unavailable),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_on_any_fault_of_the_line_the_old_catalogue_stays_and_ages(desk, site, fault):
    """Nothing moves, and nothing half-fetched is taken later."""
    site.files["/kev.json"] = kev("CVE-2026-990001")
    desk.update("kev")
    held = desk.state()
    spoil, error = FAULTS[fault]
    site.files["/kev.json"] = kev("CVE-2026-990001", "CVE-2026-990002")
    site.faults["/kev.json"] = spoil

    with pytest.raises(error):
        desk.update("kev", NOW + timedelta(days=1))
    assert held == desk.state()
    del site.faults["/kev.json"]
    assert 2 == desk.update("kev", NOW + timedelta(days=1)).taken


def test_a_dripping_server_does_not_hold_the_line_forever(site, line, tmp_path):
    """Each byte comes in time, and all of them never."""
    site.files["/x"] = b"x"
    site.faults["/x"] = faults.dripping
    began = time.monotonic()

    with pytest.raises(Unavailable, match="not done within"):
        line.save(f"{site.url}/x", tmp_path / "x", within_s=0.3)
    assert time.monotonic() - began < 5
    assert not (tmp_path / "x").exists()


def test_a_body_over_its_limit_is_not_kept(site, line, tmp_path):
    """Nor is what was at its place before touched."""
    site.files["/x"] = b"x" * 1000
    (tmp_path / "x").write_bytes(b"old")

    with pytest.raises(Unavailable, match="at most 999 bytes"):
        line.save(f"{site.url}/x", tmp_path / "x", limit=999)
    assert b"old" == (tmp_path / "x").read_bytes()


def test_a_busy_server_is_asked_again(desk, site):
    """As often as it was agreed."""
    site.files["/kev.json"] = kev()
    site.faults["/kev.json"] = faults.busy_once

    assert 1 == desk.update("kev").taken
    assert 2 == len(site.asked)


def test_a_service_without_tls_is_never_asked(line, tmp_path):
    """Whoever can change a plain answer can hide a vulnerability."""
    with pytest.raises(Unavailable, match="expected https"):
        line.save("http://198.51.100.7/kev.json", tmp_path / "x")


def test_a_feed_that_there_is_not_is_a_mistake(desk):
    """And not an empty update."""
    with pytest.raises(Misuse):
        desk.update("snyk")
    with pytest.raises(FirmwardError):
        desk.services.feeds(("snyk",))

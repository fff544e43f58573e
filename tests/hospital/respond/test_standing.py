"""What stands is judged again when something changes that speaks about it, and what follows."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.standings import CVE, town_of
from tests.wards import RELEASE

from firmward.hospital import judging, standing
from firmward.hospital.records import watched


@pytest.fixture
def town(tmp_path):
    """A ward whose release contains what is known to be vulnerable, and not exploited yet."""
    town = town_of(tmp_path)
    yield town
    town.ward.site.close()


def test_an_exploited_vulnerability_revokes_what_contains_it(town):
    """The decision changes by itself, with a signed verdict and one event that names the cause."""
    assert town.state() == "eligible"
    town.exploit()
    town.ward.tick()

    assert town.state() == "revoked"
    [event] = town.ward.events("gate.rejudged")
    assert event.detail["triggers"] == (f"kev:{CVE}",)
    assert not event.detail["admitted"]
    last = town.verdicts()[-1]
    assert (last.moment, last.admitted) == ("standing", False)
    assert town.ward.tick() == []
    assert len(town.ward.events("gate.rejudged")) == 1


def test_each_side_is_told_once_with_both_sides_of_the_decision(town):
    """A ticket to the vendor with its signed report, one to the hospital's own people."""
    town.exploit()
    for _ in range(3):
        town.ward.tick()

    found = [t for t in town.ward.tickets() if t.cause == f"kev:{CVE}"]
    assert sorted(t.recipient for t in found) == ["acme", "biomed-security"]
    said = " ".join(found[-1].reasons)
    assert "go on running it" in said
    assert "to be dealt with by" in said


def test_open_orders_are_recalled_and_nobody_is_sent_back(town):
    """What is deployed stays where it runs; what has not been installed is not any more."""
    first, *rest = town.ward.begin_known()
    town.ward.obey(first)
    town.over()
    town.exploit()
    town.ward.tick()

    assert town.ward.standing(first).purpose == "install"
    assert town.ward.row(first).release == RELEASE
    assert town.ward.release(RELEASE).state == "admitted"
    for device in rest:
        assert town.ward.standing(device).state == "recalled"
        assert town.ward.orders(device) == []


def test_a_roll_out_under_way_is_stopped_and_taken_back(town):
    """The few that it reached go back to what they ran days ago; the rest never hears of it."""
    first, *rest = town.ward.begin_known()
    town.ward.obey(first)
    town.exploit()
    town.ward.tick()

    assert town.ward.rollout().state == "stopped"
    assert town.ward.standing(first).purpose == "rollback"
    assert town.ward.release(RELEASE).state == "withdrawn"
    for device in rest:
        assert town.ward.orders(device) == []


def test_the_exploited_list_is_corrected_and_everybody_who_was_told_is_told_so(town):
    """Eligible again, by itself."""
    town.ward.begin_known()
    town.over()
    town.exploit()
    town.ward.tick()
    town.exploit(False)
    town.ward.tick()

    assert town.state() == "eligible"
    assert [e.detail["admitted"] for e in town.ward.events("gate.rejudged")] == [False, True]
    assert {t.cause for t in town.ward.tickets()} >= {f"kev:{CVE}", f"returned:kev:{CVE}"}


def test_a_form_that_runs_out_holds_a_roll_out_and_sends_nobody_back(town):
    """Nothing speaks against the release: what was recalled is ordered again once it is known."""
    first, *rest = town.ward.begin_known()
    town.ward.obey(first)
    town.redeclare(hours=1)
    town.ward.wait(3601)
    town.ward.tick()
    assert (town.state(), town.ward.rollout().state) == ("revoked", "running")
    assert town.ward.row(first).release == RELEASE
    for device in rest:
        assert town.ward.orders(device) == []
    held = [t for t in town.ward.tickets() if t.cause.startswith("unjudged:")]
    assert len(held) == 1

    town.redeclare(hours=24)
    town.ward.all_say(2)
    town.ward.tick()
    town.ward.tick()

    assert town.state() == "eligible"
    for device in rest:
        assert [order.release for order in town.ward.orders(device)] == [RELEASE]


def test_a_second_round_files_tickets_of_its_own(town):
    """What returned and went again is news, and is not taken for the old."""
    town.ward.begin_known()
    town.over()
    for listed in (True, False, True):
        town.exploit(listed)
        town.ward.tick()

    causes = [t.cause for t in town.ward.tickets() if t.recipient == "acme"]
    assert causes == [f"kev:{CVE}", f"returned:kev:{CVE}", f"kev:{CVE}#2"]


def test_a_window_opens_with_the_news_and_closes_with_the_update(town):
    """Per device: from when it ran something with a known hole until its report shows another."""
    first, *_ = town.ward.begin_known()
    town.ward.obey(first)
    town.ward.tick()
    known = town.windows(first)
    assert [(w.cause, w.closed_at) for w in known] == [(f"vuln:{CVE}", 0.0)]
    town.ward.wait(60)
    town.exploit()
    town.ward.tick()
    opened = {w.cause: w.opened_at for w in town.windows(first)}
    assert opened.keys() == {f"vuln:{CVE}", f"kev:{CVE}", f"revoked:{RELEASE}"}
    assert opened[f"kev:{CVE}"] == town.ward.now.timestamp() > opened[f"vuln:{CVE}"]

    town.ward.wait(60)
    first.release = "pump-200@1.2.0+5"
    town.ward.report(first)
    town.ward.tick()
    assert {w.closed_at for w in town.windows(first)} == {town.ward.now.timestamp()}


def test_the_deadline_is_that_of_the_gravest_urgency_and_its_passing_is_escalated_once(town):
    """SSVC says how soon; afterwards somebody is told again, once."""
    town.exploit()
    town.ward.tick()
    row, urgent = town.standing(), town.urgency()
    days = town.ward.hospital.policy.parameters["ssvc_days"][urgent]
    assert row.deadline == (town.ward.now + timedelta(days=days)).timestamp()

    for _ in range(4):
        town.ward.now = datetime.fromtimestamp(row.deadline, UTC) + timedelta(seconds=1)
        town.ward.renew()
        town.ward.tick()
    late = [t for t in town.ward.tickets() if t.cause.startswith("overdue:")]
    assert len(late) == 1


def test_a_recall_that_is_declared_revokes_what_it_names(town):
    """And what it does not name stays."""
    recall = {"id": "R-1", "class": "I", "versions": ["1.1.0"]}
    town.say("biomed", {"regulatory": {"open_recalls": [recall]}})
    town.ward.tick()

    assert town.state() == "revoked"
    [event] = town.ward.events("gate.rejudged")
    assert event.detail["triggers"] == ("recall:pump-200",)


def test_a_declaration_that_runs_out_revokes_and_a_new_one_restores(town):
    """A value past its time counts as not known; nobody has to notice."""
    town.redeclare(hours=1)
    town.ward.tick()
    assert town.state() == "eligible"
    town.ward.wait(3601)
    town.ward.tick()
    assert town.state() == "revoked"
    town.redeclare(hours=24)
    town.ward.tick()
    assert town.state() == "eligible"


def test_metadata_that_runs_out_revokes_and_a_renewal_restores(town):
    """Nobody has to hand anything else in."""
    town.ward.wait(40 * 86_400)
    town.ward.tick()
    assert town.state() == "revoked"
    assert any(e.kind == "gate.rejudged" for e in town.ward.events())
    town.ward.renew()
    town.refresh()
    town.ward.tick()
    blocking = town.judgement().reasons
    assert not [reason for reason in blocking if "SIG-" in reason], blocking


def test_a_turn_is_bounded_and_the_rest_comes_with_the_next(town):
    """The list is in rows: a server that is killed in between goes on from it."""
    town.exploit()
    store, hospital = town.ward.site.store, town.ward.hospital
    with store.writing() as connection:
        standing.look(hospital, connection, town.ward.now)
    with store.reading() as connection:
        assert watched.count(connection) == 1
        standing.step(hospital, connection, town.ward.now)
    # Rolled back, as a kill would: nothing of it stays, and the list is as it was.
    assert town.state() == "eligible"
    assert town.ward.events("gate.rejudged") == []
    with store.reading() as connection:
        assert watched.count(connection) == 1
    town.ward.tick()
    assert town.state() == "revoked"


def test_nothing_is_ordered_while_it_waits_to_be_judged_again(town):
    """Between the news and the new verdict there is no gap to slip through."""
    first, *_ = town.ward.fleet
    store, hospital = town.ward.site.store, town.ward.hospital
    town.exploit()
    with store.writing() as connection:
        standing.look(hospital, connection, town.ward.now)
        release = town.ward.release(RELEASE)
        [against] = judging.ready(
            hospital, connection, release, town.ward.row(first), town.ward.now
        )
    assert "judged again" in against


def test_news_of_what_is_not_inside_concerns_nobody(town):
    """Found through the index: no verdict, no event."""
    town.write("CVE-2026-99777", "some-other-part")
    town.follow()
    town.ward.tick()

    assert town.ward.events("advisories.updated")
    assert "standing" not in [verdict.moment for verdict in town.verdicts()]


def test_a_folder_that_cannot_be_read_changes_nothing_and_says_so_once(town):
    """The old index stays in use."""
    index = town.ward.hospital.advisories
    (town.folder / "kev.json").write_text('{"half a')
    town.follow()
    town.follow()
    assert town.ward.hospital.advisories is index
    assert len(town.ward.events("advisories.refused")) == 1


def test_an_older_catalogue_is_refused(town):
    """What an attacker would show to whom today's would warn."""
    index = town.ward.hospital.advisories
    listed = json.loads((town.folder / "kev.json").read_text())
    listed["dateReleased"] = "2020-01-01T00:00:00.0000Z"
    (town.folder / "kev.json").write_text(json.dumps(listed))
    town.follow()
    assert town.ward.hospital.advisories is index
    [event] = town.ward.events("advisories.refused")
    assert "kev" in event.says

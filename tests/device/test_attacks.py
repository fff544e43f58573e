"""Every attack on a device is refused, named in a signed report, and moves nothing."""

from datetime import timedelta

import pytest

from firmward.lab.metadata_attacks import METADATA_ATTACKS
from firmward.lab.order_attacks import ORDER_ATTACKS, out_of_lineage
from firmward.lab.paper_hospital import new_hospital, server_files
from firmward.lab.paper_server import serve
from firmward.proof.repository import Lives
from firmward.terms.report import Attack

TABLE = [*ORDER_ATTACKS, *METADATA_ATTACKS]


def named(value: object) -> str | None:
    """The attack's name as the test's id."""
    return value.__name__ if callable(value) else None


@pytest.mark.parametrize(("spoil", "attack"), TABLE, ids=named)
def test_an_attack_is_refused_reported_and_moves_nothing(bed, spoil, attack):
    """Flash and floor stay; one signed report names the attack; the next good order still works."""
    spoil(bed)
    agent = bed.agent()
    flash, counter = bed.flash, bed.board.counter

    steps = [agent.step() for _ in range(3)]

    refused = [report for report in bed.reports if report.outcome == "refused"]
    assert [attack] == [report.attack for report in refused], [step.detail for step in steps]
    assert attack is steps[0].attack
    assert flash == bed.flash
    assert (counter, counter) == (bed.board.counter, agent.floor)
    assert {"kept", "reverted"}.isdisjoint(step.did for step in steps)
    # The hospital takes its house back: whatever was shown must not keep its next order out.
    bed.served.weather.endless = ()
    bed.hospital.now = bed.now
    bed.ward.director = dict(bed.hospital.roots)
    bed.order(bed.release("1.2.0", 7, (agent.running,)))
    assert bed.step_until(agent, "kept").detail == "pump-200@1.2.0+7"


def test_a_server_with_a_foreign_certificate_is_refused_before_anything_is_said(bed):
    """The report about it waits until the real hospital is back."""
    bed.agent().step()
    flash, said = bed.flash, len(bed.served.weather.requests)
    impostor = new_hospital(bed.now)
    foreign = server_files(impostor.authority, bed.folder / "foreign", bed.now, "")
    with serve(bed.hospital, foreign) as evil:
        step = (agent := bed.agent(base=evil.base)).step()
        agent.step()
        overheard = evil.weather.requests

    assert ("refused", Attack.WRONG_SERVER) == (step.did, step.attack)
    assert [] == overheard
    assert said == len(bed.served.weather.requests)
    [owed] = [bed.read_report(sealed.encode()) for sealed in agent.owed][-1:]
    assert (Attack.WRONG_SERVER, "refused") == (owed.attack, owed.outcome)
    assert flash == bed.flash
    bed.agent().step()
    assert [Attack.WRONG_SERVER] == [r.attack for r in bed.reports if r.outcome == "refused"]


def test_a_server_certificate_for_another_host_is_refused(bed):
    """The right authority is not enough: the certificate must name where the device went."""
    credentials = server_files(bed.hospital.authority, bed.folder / "other", bed.now, "")
    with serve(bed.hospital, credentials) as other:
        step = bed.agent(base=other.base.replace("127.0.0.1", "localhost")).step()

    assert Attack.WRONG_SERVER == step.attack


def test_a_refused_order_is_not_judged_aloud_again(bed):
    """A hundred polls of the same bad order make one report."""
    out_of_lineage(bed)
    agent = bed.agent()
    for _ in range(100):
        agent.step()

    assert 1 == len([report for report in bed.reports if report.outcome == "refused"])


def test_a_trickling_server_is_left(bed):
    """Slow retrieval is given up; nothing is refused, nothing moves."""
    bed.agent().step()
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.trickle = ("/v1/blobs/",)
    flash = bed.flash
    step = bed.agent().step()

    assert "offline" == step.did
    assert "B/s" in step.detail
    assert flash == bed.flash


def test_a_device_that_is_shut_out_keeps_its_reports(bed):
    """A quarantined device is turned away, keeps running, and owes its reports."""
    bed.served.weather.closed = ("/v1/",)
    agent = bed.agent()
    step = agent.step()

    assert "turned-away" == step.did
    assert 1 == len(agent.owed)
    assert "pump-200@1.0.0+1" == agent.running
    bed.served.weather.closed = ()
    assert "idle" == agent.step().did
    assert () == agent.owed


def test_lives_of_an_order_end(bed):
    """An order is good for its lives only, counted from the device's own clock."""
    release = bed.release("1.1.0", 3)
    short = Lives(timestamp=timedelta(seconds=30))
    bed.hospital.sign(bed.device, bed.draft(release), bed.images[release], lives=short)
    bed.now += timedelta(seconds=31)

    assert Attack.FROZEN == bed.agent().step().attack


def test_every_attack_a_device_can_name_is_staged():
    """No kind of attack is in the vocabulary without a test that stages it."""
    staged = {attack for _, attack in TABLE} | {Attack.WRONG_SERVER}

    assert set(Attack) - {Attack.NONE} == staged

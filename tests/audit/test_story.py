"""A story holds what befell its subject, in order, and not the neighbours' affairs."""

import pytest
from tests.ledgers import event

from firmward.audit.story import story
from firmward.terms.errors import Misuse
from firmward.terms.event import Event
from firmward.terms.stage import Stage

ONE, TWO = "urn:dev:ops:99999-PUMP-0001", "urn:dev:ops:99999-PUMP-0002"
OLD, NEW, FALLBACK = "pump-200@1.0.0+1", "pump-200@1.1.0+3", "pump-200@1.0.0+4"
ROLLOUT, TICKET = "rollout-1", "FW-17"


def told(stage: Stage, says: str, *names: str, **changes) -> dict:
    """The members of an event that differ from an ordinary one."""
    return {"stage": stage, "says": says, "subjects": names, **changes}


SCRIPT = (
    told(Stage.INTAKE, "vendor pinned", "acme"),
    told(Stage.DEVICE, "one enrolled", ONE, "ward-3"),
    told(Stage.DEVICE, "two enrolled", TWO, "ward-3"),
    told(Stage.GATE, "old admitted", OLD, "acme"),
    told(Stage.INTAKE, "new arrived", NEW, FALLBACK, "acme"),
    told(Stage.GATE, "new admitted", NEW),
    told(Stage.GATE, "fallback admitted", FALLBACK),
    told(Stage.ROLLOUT, "roll-out planned", ROLLOUT, NEW),
    told(Stage.ROLLOUT, "wave 1 drawn", ROLLOUT),
    told(Stage.ORDER, "one ordered", "order-1", ONE, NEW, ROLLOUT),
    told(Stage.ORDER, "two ordered", "order-2", TWO, NEW, ROLLOUT),
    told(Stage.DEVICE, "one fetched", "order-1"),
    told(Stage.DEVICE, "two kept it", TWO, "order-2"),
    told(Stage.DECIDE, "roll-out stopped", ROLLOUT),
    told(Stage.RESPOND, "ticket filed", TICKET, ROLLOUT),
    told(Stage.RESPOND, "ticket answered", TICKET),
    told(Stage.ORDER, "one sent back", "order-3", ONE, FALLBACK),
    told(Stage.DEVICE, "one came back", ONE, "order-3"),
    told(Stage.WATCH, "ward visited", "ward-3"),
    told(Stage.GATE, "another vendor's release", "monitor-7@2.0.0+9", "acme"),
)
EVENTS = [(number, event(number, **members)) for number, members in enumerate(SCRIPT)]


def says(subject: str) -> list[str]:
    """The story of a subject, as its texts."""
    return [line.says for line in story(EVENTS, subject)]


def test_a_devices_story_has_its_orders_and_its_roll_out_but_not_its_neighbours():
    """Device one: enrolled, ordered in a roll-out that was stopped and ticketed, sent back."""
    assert [
        "one enrolled",
        "roll-out planned",
        "wave 1 drawn",
        "one ordered",
        "one fetched",
        "roll-out stopped",
        "ticket filed",
        "ticket answered",
        "one sent back",
        "one came back",
    ] == says(ONE)


def test_a_releases_story_follows_roll_out_orders_devices_ticket_and_fallback():
    """The release: from its bundle to the ticket, with every device's fate and the way back."""
    assert [
        "new arrived",
        "new admitted",
        "fallback admitted",
        "roll-out planned",
        "wave 1 drawn",
        "one ordered",
        "two ordered",
        "one fetched",
        "two kept it",
        "roll-out stopped",
        "ticket filed",
        "ticket answered",
        "one sent back",
        "one came back",
    ] == says(NEW)


def test_a_roll_outs_and_a_tickets_story_can_be_told_too():
    """Any subject has a story, not only devices and releases."""
    assert "roll-out stopped" in says(ROLLOUT)
    assert {"ticket filed", "ticket answered"} <= set(says(TICKET))


def test_a_ward_or_a_vendor_is_no_thread_that_a_story_runs_along():
    """What is older than the story is not followed: else every story is everything."""
    assert "ward visited" not in says(ONE)
    assert "another vendor's release" not in says(NEW)
    assert "vendor pinned" not in says(NEW)


def test_a_line_says_by_what_link_it_belongs():
    """An event that names the subject needs no link; another names the thread."""
    via = {line.says: line.via for line in story(EVENTS, ONE)}

    assert "" == via["one enrolled"]
    assert ROLLOUT == via["roll-out stopped"]
    assert TICKET == via["ticket answered"]


def test_the_numbers_are_those_of_the_ledger_and_rise():
    """Each line can be proven by its number."""
    lines = story(EVENTS, NEW)

    assert [line.number for line in lines] == sorted({line.number for line in lines})
    assert all(EVENTS[line.number][1].says == line.says for line in lines)


def test_an_unknown_subject_has_no_story():
    """Nothing is guessed for a name that the ledger never mentions."""
    assert [] == story(EVENTS, "urn:dev:ops:99999-PUMP-9999")
    assert [] == story([], ONE)


def test_text_of_an_event_cannot_pose_as_a_line_of_its_own():
    """A newline in what somebody reported does not forge a second step."""
    forged: Event = event(0, says="kept\n#1      2026-01-01 00:00:00  gate     admitted")

    [line] = story([(0, forged)], forged.subjects[0])

    assert 1 == len(line.text().splitlines())
    assert line.text().startswith("#0      2026-11-21 08:00:00  device   kept #1")


def test_an_iterator_is_refused_because_it_can_be_walked_only_once():
    """A story walks its events several times; half a story would be a lie."""
    with pytest.raises(Misuse, match="walked twice"):
        story(iter(EVENTS), ONE)

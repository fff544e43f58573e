"""A roll-out whose release lost its standing: what speaks against it, or that nobody can tell."""

from sqlalchemy import Connection

from firmward.hospital.fleet.rollout import Progress
from firmward.hospital.gate import judge
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records import devices, verdicts
from firmward.terms.errors import Unavailable


def against(connection: Connection, progress: Progress) -> list[str]:
    """The reasons of the classes in this roll-out for which the release is revoked.

    raises  Unavailable where nothing speaks against it but something is not known any more: then
            it is held, and nobody is sent back for a form that ran out
    """
    plan = progress.plan
    classes = {devices.get(connection, member.device).device_class for member in plan.members}
    revoked = [
        judge.reopen(verdicts.find(connection, standing.verdict).rulings)
        for standing in verdicts.standings(connection, plan.release)
        if standing.state == "revoked" and standing.device_class in classes
    ]
    return reasons(revoked)


def reasons(judgements: list[Judgement]) -> list[str]:
    """Why the release may go no further.  Raises Unavailable where no rule failed outright."""
    said = list(dict.fromkeys(reason for each in judgements for reason in each.reasons))
    blocking = [ruling for each in judgements for ruling in each.blocking]
    if blocking and all(ruling.word == "indeterminate" for ruling in blocking):
        raise Unavailable(f"the gate cannot tell any more: {'; '.join(said)[:300]}")
    return said

"""Exceptions where the hospital judges: the one path by which a grant reaches the gate."""

from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.exceptions.holding import Document
from firmward.hospital.gate.judge import Excepting
from firmward.hospital.judging import Holding, Hospital
from firmward.hospital.respond import exceptions, grants
from firmward.hospital.respond.grants import Basis


def basis(hospital: Hospital) -> Basis:
    """What this hospital judges exceptions by now; asked each time, as policies change."""
    return Basis(hospital.policy, hospital.advisories)


def holding(hospital: Hospital) -> Holding:
    """What `Hospital.holding` is to be, so that every judgement everywhere asks the same."""

    def found(connection: Connection, evidence: Evidence, now: datetime) -> Excepting:
        about = Document(evidence, hospital.policy, now)
        return grants.holding(connection, hospital.site, basis(hospital), about)

    return found


def sweep(hospital: Hospital, connection: Connection, now: datetime) -> list[str]:
    """End for good what a trigger has fired for; what was ended, in words.  For each tick."""
    return exceptions.sweep(connection, hospital.site, basis(hospital), now)

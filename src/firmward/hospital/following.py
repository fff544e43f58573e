"""The policy in force, followed while the server runs: adopted packs, overlays, and their days.

A part that is refused changes nothing: what was in force stays, and the ledger says why, once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from firmward.hospital import excepting
from firmward.hospital.gate.packs.adopted import in_force
from firmward.hospital.judging import Hospital
from firmward.hospital.records import ledger
from firmward.terms.errors import FirmwardError
from firmward.terms.stage import Stage

EVERY = timedelta(minutes=5)
"""A day begins without any file changing: a version takes effect, an exception is over."""


@dataclass
class Followed:
    """What the policy's folder looked like when it was last read, and when that was."""

    looks: str = ""
    at: datetime | None = None


def looks(folder: Path) -> str:
    """What a folder of policy looks like from outside; another once a file in it has changed."""
    seen = sha256()
    try:
        for path in sorted(folder.rglob("*")):
            found = path.stat()
            seen.update(f"{path} {found.st_mtime_ns} {found.st_size} {found.st_ino}\n".encode())
    except OSError as error:
        return f"unreadable: {error}"
    return seen.hexdigest()


def follow(hospital: Hospital, followed: Followed, now: datetime) -> list[str]:
    """Judge by what the site has adopted by now, and end the exceptions that are void; in words.

    What stands is judged again by the next turns of the clock, where the new policy matters.
    """
    site = hospital.site
    here = looks(site.home / site.settings.policy)
    if followed.at is not None and here == followed.looks and now - followed.at < EVERY:
        return []
    fresh = here != followed.looks
    followed.looks, followed.at = here, now
    with site.store.writing() as connection:
        said = excepting.sweep(hospital, connection, now)
    try:
        policy = in_force(site, now)
    except FirmwardError as error:
        if fresh:
            _refused(hospital, error, now)
        return [*said, f"the policy is not followed: {error}"]
    if policy.sha256 != hospital.policy.sha256:
        # Not while a bundle is judged: it is judged by one policy, from its first rule to its last.
        with hospital.intake:
            hospital.policy = policy
        said.append(f"judging by {policy.name}")
    return said


def _refused(hospital: Hospital, error: FirmwardError, now: datetime) -> None:
    with hospital.site.store.writing() as connection:
        ledger.record(
            connection,
            "policy.refused",
            Stage.GATE,
            now,
            "firmward",
            (f"site:{hospital.site.settings.site}",),
            f"what lies in the policy's folder is not judged by: {error}",
        )

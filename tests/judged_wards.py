"""A ward in which the gate has judged at every moment, and what its verdicts were reached from."""

from pathlib import Path

from tests.hospital.respond import test_exceptions as asked
from tests.wards import FACTORY, FALLBACK, RELEASE, Ward, new_ward

from firmward.hospital import judging, pipeline
from firmward.hospital.gate import judge, kept
from firmward.hospital.gate.replay import Case
from firmward.hospital.judging import Judged
from firmward.hospital.records import releases, verdicts
from firmward.hospital.records.verdicts import Verdict
from firmward.lab import paper_vendor

CLASS = asked.CLASS
REFUSED = asked.REFUSED
__all__ = ["CLASS", "FACTORY", "FALLBACK", "REFUSED", "RELEASE"]


def judged_ward(folder: Path) -> Ward:
    """One release admitted and then in its first wave, one refused, and one rule of it excepted."""
    ward = new_ward(folder, 2, looks_s=(10.0, 20.0), settle_s=100.0)
    ward.all_say(4)
    ward.wait(5)
    refuse(ward)
    ward.begin()
    again(ward)
    asked.measure(ward)
    asked.approve(ward, asked.ask(ward), *asked.HIGH)
    except_one(ward)
    return ward


def refuse(ward: Ward) -> None:
    """A release without evidence, through intake."""
    draft = paper_vendor.draft(ward.vendor, ward.now, "1.3.0", 9, ())
    pack = paper_vendor.pack(ward.vendor, draft, ward.now, evidence={})
    label = ward.vendor.label
    assert not pipeline.take_bundle(ward.hospital, label, pack.bundle, label, ward.now).admitted


def again(ward: Ward) -> None:
    """What is deployed is judged again, as a change of the world would have it."""
    with ward.site.store.writing() as connection:
        release = releases.find(connection, RELEASE)
        data = ward.site.unseal(ward.site.blobs.get(release.bundle), f"bundle of {release.vendor}")
        answer = judging.examine(
            ward.hospital,
            connection,
            release.vendor,
            data,
            ward.now,
            again=release,
            asked_at="standing",
        )
        judging.keep(connection, ward.hospital, answer.judged, ward.now)


def except_one(ward: Ward) -> None:
    """The refused release is judged again with the exception that holds by now."""
    hospital = ward.hospital
    with ward.site.store.writing() as connection:
        last = verdicts.find(connection, verdicts.standing(connection, REFUSED, CLASS).verdict)
        evidence = judging.reopened(connection, last)
        holding = judging.excepting(hospital, connection, evidence, ward.now)
        found = judge.judge(hospital.policy, evidence, hospital.engine, ward.now, holding)
        judging.keep(connection, hospital, [Judged(None, evidence, found)], ward.now)


def every_verdict(ward: Ward) -> dict[str, Verdict]:
    """The newest verdict of each kind."""
    with ward.site.store.reading() as connection:
        admitted = verdicts.of_release(connection, RELEASE)
        refused = verdicts.of_release(connection, REFUSED)
    found = {each.moment: each for each in admitted}
    return {**found, "refused": refused[0], "excepted": refused[-1]}


def cases(ward: Ward) -> dict[str, Case]:
    """A case for the newest verdict of each kind."""
    key, verifier = ward.site.signers["verdict"].public_key, judging.verifier(ward.site)
    with ward.site.store.reading() as connection:
        return {
            name: kept.case_of(connection, each, verifier, key)
            for name, each in every_verdict(ward).items()
        }

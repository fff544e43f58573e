"""A ward whose release contains a known vulnerability, and what can be said about it."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from tests.wards import FACTORY, RELEASE, Ward, new_ward

from firmward.hospital import judging, mirror, pipeline
from firmward.hospital.gate import judge
from firmward.hospital.gate.here import Said
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records import exposures, rollouts, verdicts
from firmward.lab import advisories, paper_forms, paper_vendor
from firmward.lab.paper_device import PaperDevice
from firmward.lab.paper_evidence import Predicate

CLASS = "pump-200/PUMP-200-B/tier-1"
CVE = "CVE-2026-99123"
VECTOR = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L"


class KnownWard(Ward):
    """Whose vendor has told of the vulnerability, and why it is controlled."""

    def admit(self, version="1.1.0", counter=3, predecessors=(FACTORY,)) -> str:
        """The release with its assessment, through the real gate."""
        made = paper_vendor.draft(self.vendor, self.now, version, counter, predecessors)
        said = made.evidence["vulnerabilities"]
        entry = {
            "id": CVE,
            "component": "pkg:generic/tinyframe@1.4.2",
            "status": "affected",
            "risk_state": "controlled",
            "reachable": False,
            "harm_severity": 1,
            "cvss_vector": VECTOR,
            "rubric": True,
            "fix_by": (self.now + timedelta(days=20)).strftime("%Y-%m-%dT00:00:00Z"),
        }
        body = {**said.body, "result": [entry]}
        made = replace(
            made, evidence={**made.evidence, "vulnerabilities": Predicate(said.kind, body)}
        )
        pack = paper_vendor.pack(self.vendor, made, self.now)
        label = self.vendor.label
        judged = pipeline.take_bundle(self.hospital, label, pack.bundle, label, self.now)
        assert judged.admitted, judged.reasons
        self.vendor = pack.vendor
        return made.release

    def begin_known(self) -> list[PaperDevice]:
        """Turn the clock once; the first wave's devices."""
        self.tick()
        return self.wave()


@dataclass
class Town:
    """The ward, and its folder of advisories."""

    ward: KnownWard
    folder: Path

    def write(self, cve: str, name: str, epss: float | None = None) -> None:
        """One more record, of everything of that name."""
        record = advisories._osv(f"LAB-{cve[4:]}", name, "9.9.9", cve, _moment(self.ward.now))
        record["severity"] = [{"type": "CVSS_V3", "score": VECTOR}]
        (self.folder / "osv" / f"{record['id']}.json").write_text(json.dumps(record))
        if epss is not None:
            self.score(epss, cve)

    def score(self, epss: float, cve: str = CVE) -> None:
        """FIRST's score of one CVE."""
        made = self.ward.now.strftime("%Y-%m-%dT%H:%M:%S+0000")
        head = f"#model_version:v2026.01.01,score_date:{made}\ncve,epss,percentile\n"
        (self.folder / mirror.SCORES).write_text(f"{head}{cve},{epss},0.1\n")

    def list_(self, *names: str) -> None:
        """CISA's catalogue of today with these."""
        listed = advisories._kev(self.ward.now)
        [entry] = listed["vulnerabilities"]
        listed["vulnerabilities"] = [{**entry, "cveID": name} for name in names]
        listed["count"] = len(names)
        (self.folder / "kev.json").write_text(json.dumps(listed))

    def over(self) -> None:
        """The roll-out is over: what it reached is deployed."""
        row = self.ward.rollout()
        with self.ward.site.store.writing() as connection:
            rollouts.change(connection, row.rollout, "done", row.body, row.alive)

    def exploit(self, listed: bool = True) -> None:
        """The vulnerability gets into the catalogue, or out of it; the server notices."""
        self.ward.wait(1)
        self.list_(advisories.CVE, *([CVE] if listed else []))
        self.follow()

    def follow(self) -> None:
        """What the server's clock does beside every turn."""
        mirror.follow(self.ward.hospital, self.ward.now)

    def refresh(self) -> None:
        """The advisories of today, unchanged but for the day."""
        self.write(CVE, "tinyframe", 0.001)
        self.list_(advisories.CVE)
        self.follow()

    def say(self, role: str, sections: dict, hours: float = 24, about: str = "pump-200") -> None:
        """Somebody declares."""
        now = self.ward.now
        until = now + timedelta(hours=hours)
        people = {"biomed": "bea", "sec": "sam", "risk": "rita", "clin": "cleo"}
        said = Said(
            about=about, role=role, person=people[role], sections=sections, at=now, until=until
        )
        pipeline.declare(self.ward.site, said)

    def redeclare(self, hours: float) -> None:
        """Everything that one role declares of the site, anew."""
        self.ward.wait(1)
        self.say("sec", paper_forms.SITES["sam", "sec"], hours, "site")

    def state(self, name: str = CLASS) -> str:
        """How the release stands for the class."""
        return self.standing(name).state

    def standing(self, name: str = CLASS):
        """The row of it."""
        with self.ward.site.store.reading() as connection:
            return verdicts.standing(connection, RELEASE, name)

    def standing_in(self, connection):
        """The row of it, as a transaction sees it."""
        return verdicts.standing(connection, RELEASE, CLASS)

    def verdicts(self) -> list:
        """Every verdict on the release."""
        with self.ward.site.store.reading() as connection:
            return verdicts.of_release(connection, RELEASE)

    def judgement(self) -> Judgement:
        """The one by which it stands."""
        with self.ward.site.store.reading() as connection:
            return judge.reopen(verdicts.find(connection, self.standing().verdict).rulings)

    def urgency(self) -> str:
        """Of its one vulnerability, as the last verdict has it."""
        with self.ward.site.store.reading() as connection:
            last = verdicts.find(connection, self.standing().verdict)
            [found] = judging.reopened(connection, last).vulns.value
        return found.urgency

    def windows(self, device: PaperDevice) -> list[exposures.Exposure]:
        """A device's exposure windows."""
        with self.ward.site.store.reading() as connection:
            return exposures.exposures(connection, device.device)


def _moment(now) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def town_of(folder: Path, count: int = 6, **settings) -> Town:
    """Devices on the factory's release, and the release admitted."""
    plain = new_ward(folder, 0, **{"looks_s": (10.0, 20.0), "settle_s": 100.0, **settings})
    ward = KnownWard(**vars(plain))
    town = Town(ward, mirror.folder_of(ward.hospital))
    town.refresh()
    ward.join(count)
    ward.all_say(4)
    ward.wait(5)
    ward.admit()
    return town

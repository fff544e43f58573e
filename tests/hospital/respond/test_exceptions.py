"""Exceptions in a site's own process: time passes, triggers fire, and the gate judges."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import update
from tests.wards import Ward, new_ward

from firmward.advisories.load import from_files
from firmward.hospital import excepting, judging, pipeline
from firmward.hospital.gate import document, judge
from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Claim, Signed
from firmward.hospital.gate.exceptions.grant import Grant
from firmward.hospital.gate.exceptions.request import Asked, Control, Draft
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.gate.known import Known
from firmward.hospital.gate.listed import Vulnerability
from firmward.hospital.records import exceptions as rows
from firmward.hospital.records import tables, verdicts
from firmward.hospital.records.exceptions import Approved, Measured
from firmward.hospital.respond import exceptions, grants
from firmward.lab import advisories, paper_vendor
from firmward.proof import keys
from firmward.terms.errors import Refused

RULE, CLASS = "VUL-004", "pump-200/PUMP-200-B/tier-1"
REFUSED = "pump-200@1.3.0+9"
HIGH = (("sam", "sec"), ("bea", "biomed"), ("cleo", "clin"))


@pytest.fixture
def ward(tmp_path):
    """A ward with one device, a refused release, and a measured control."""
    ward = new_ward(tmp_path, 1)
    draft = paper_vendor.draft(ward.vendor, ward.now, "1.3.0", 9, ())
    pack = paper_vendor.pack(ward.vendor, draft, ward.now, evidence={})
    label = ward.vendor.label
    judged = pipeline.take_bundle(ward.hospital, label, pack.bundle, label, ward.now)
    assert not judged.admitted
    measure(ward)
    yield ward
    ward.site.close()


def basis(ward: Ward) -> grants.Basis:
    """What the site judges by."""
    return excepting.basis(ward.hospital)


def measure(ward: Ward, verified: bool = True) -> list[str]:
    """The control as it was just found."""
    until = ward.now + timedelta(days=60)
    found = Measured(
        "segment-icu", verified, "c" * 64, "sam", ward.now.timestamp(), until.timestamp()
    )
    with ward.site.store.writing() as connection:
        return exceptions.measure(connection, ward.site, basis(ward), found, ward.now)


def ask(ward: Ward, kind: str = "exception", **life: float) -> Grant:
    """A request by somebody who signs nothing."""
    draft = Draft(
        kind=kind,
        release=REFUSED,
        rules=(Asked(rule=RULE),),
        devices=(CLASS,),
        rationale="The pumps are on a network of their own.",
        residual_risk="C",
        retain_years=6,
        controls=(Control(id="segment-icu", owner="noor", evidence_sha256="c" * 64),),
        expires=ward.now + timedelta(**(life or {"days": 29})),
    )
    with ward.site.store.writing() as connection:
        return exceptions.open_request(connection, ward.site, basis(ward), draft, "noel", ward.now)


def signed(ward: Ward, grant: Grant, who: str, role: str) -> Signed:
    """A person's approval, now."""
    folder = ward.site.home / "people" / who
    claim = Claim(
        request=grant.request.id, person=who, role=role, meaning="I accept it.", signed_at=ward.now
    )
    key = keys.signer_from_pem((folder / "key.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    sealed = approval.seal(grant.request, claim, key)
    return Signed(sealed, certificate.public_bytes(Encoding.DER), ward.now)


def approve(ward: Ward, grant: Grant, *people: tuple[str, str]) -> None:
    """Approvals that are taken."""
    with ward.site.store.writing() as connection:
        filed = exceptions.found(connection, grant.request.id)
        for who, role in people:
            given = signed(ward, grant, who, role)
            exceptions.approve(connection, ward.site, basis(ward), filed, given)


def judged(ward: Ward) -> Judgement:
    """The refused release's document, judged again now with the exceptions that hold."""
    hospital = ward.hospital
    with ward.site.store.reading() as connection:
        last = verdicts.find(connection, verdicts.standing(connection, REFUSED, CLASS).verdict)
        evidence = judging.reopened(connection, last)
        holding = judging.excepting(hospital, connection, evidence, ward.now)
    return judge.judge(hospital.policy, evidence, hospital.engine, ward.now, holding)


def words(judgement: Judgement) -> dict[str, str]:
    """What each rule says."""
    return {each.rule: each.word for each in judgement.rulings}


def sweep(ward: Ward) -> list[str]:
    """What a turn of the clock ends."""
    with ward.site.store.writing() as connection:
        return excepting.sweep(ward.hospital, connection, ward.now)


def test_the_gate_says_excepted_for_that_rule_and_nothing_else(ward):
    """With the id of the request, its digest in the verdict, and not before all have signed."""
    before = judged(ward)
    grant = ask(ward)
    approve(ward, grant, *HIGH[:2])
    assert words(judged(ward)) == words(before)
    approve(ward, grant, HIGH[2])
    after = judged(ward)
    assert words(after) == words(before) | {RULE: "excepted"}
    [ruling] = [each for each in after.rulings if each.rule == RULE]
    assert ruling.exception == grant.request.id
    assert set(after.exceptions) == {grant.request.id}
    assert not after.admitted
    assert "excepted" not in words(before).values()


def test_an_exception_ends_by_itself(ward):
    """At its end the rule says again what it said."""
    approve(ward, ask(ward), *HIGH)
    ward.now += timedelta(days=28, hours=23)
    assert words(judged(ward))[RULE] == "excepted"
    ward.now += timedelta(hours=1)
    assert words(judged(ward))[RULE] == "indeterminate"
    assert sweep(ward) == []


def test_a_lost_control_ends_it_before_anybody_sweeps_and_for_good(ward):
    """The next judgement knows; measuring again brings nothing back."""
    grant = ask(ward)
    approve(ward, grant, *HIGH)
    ward.wait(60)
    assert [grant.request.id in said for said in measure(ward, verified=False)] == [True]
    ward.wait(60)
    measure(ward)
    assert words(judged(ward))[RULE] == "indeterminate"
    assert sweep(ward) == []


def test_another_image_ends_it(ward):
    """A release whose digest is not the one that was approved."""
    grant = ask(ward)
    approve(ward, grant, *HIGH)
    with ward.site.store.writing() as connection:
        connection.execute(update(tables.release).values(image_sha256="d" * 64))
    assert words(judged(ward))[RULE] == "indeterminate"
    assert len(sweep(ward)) == 1
    assert ward.events("exception.voided")[-1].actor == "firmward"


def test_without_a_catalogue_nothing_is_excepted(ward):
    """Whether an offender is exploited cannot be told then; it comes back with the catalogue."""
    approve(ward, ask(ward), *HIGH)
    held, ward.hospital.advisories = ward.hospital.advisories, None
    assert words(judged(ward))[RULE] == "indeterminate"
    assert sweep(ward) == []
    ward.hospital.advisories = held
    assert words(judged(ward))[RULE] == "excepted"


def test_an_offender_is_looked_up_under_every_name_it_has(ward):
    """An advisory's own id leads to the CVE that the catalogue lists."""
    cve = advisories.CVE
    names = (cve, f"{cve} due 2026-12-01", "LAB-2026-0001", "CVE-2026-99002", "vulns", "")
    found = grants.exploited(ward.hospital.advisories, names)
    assert found == frozenset(names[:3])
    assert grants.exploited(None, names) is None


def test_a_changed_row_ends_it(ward):
    """An approval that somebody wrote into the store does not verify, and spoils the rest."""
    grant = ask(ward)
    approve(ward, grant, *HIGH[:2])
    real = signed(ward, grant, "sam", "sec")
    forged = Approved(
        grant.request.id, "cleo", "clin", real.envelope, real.certificate, ward.now.timestamp()
    )
    with ward.site.store.writing() as connection:
        rows.approve(connection, exceptions.found(connection, grant.request.id), forged, ward.now)
    assert words(judged(ward))[RULE] == "indeterminate"


def test_an_unreviewed_break_glass_blocks_the_next(ward):
    """Once its review is past due, for that release, until somebody reviewed it."""
    first = ask(ward, "break-glass", hours=72)
    approve(ward, first, ("sam", "sec"), ("rita", "risk"))
    assert words(judged(ward))[RULE] == "excepted"
    ward.now += timedelta(days=6, hours=23)
    ask(ward, "break-glass", hours=72)
    ward.now += timedelta(hours=1)
    before = json.dumps([event.says for event in ward.events()])
    with pytest.raises(Refused, match=f"the review of {first.request.id} is past due"):
        ask(ward, "break-glass", hours=72)
    assert json.dumps([event.says for event in ward.events()]) == before
    ask(ward)
    with ward.site.store.writing() as connection:
        filed = exceptions.found(connection, first.request.id)
        exceptions.review(connection, filed, "ada", "it was right", ward.now)
    ask(ward, "break-glass", hours=72)


def test_a_role_is_asked_of_the_settings_when_it_is_used(ward):
    """A good signature in a role that hospital.toml does not give is refused, and leaves no row."""
    grant = ask(ward)
    people = {**ward.site.settings.people, "cleo": ()}
    with ward.site.store.writing() as connection:
        filed = exceptions.found(connection, grant.request.id)
        settings = type(ward.site.settings)(site=ward.site.settings.site, people=people)
        site = replace(ward.site, settings=settings)
        with pytest.raises(Refused, match="EXC-004: expected a clin, got no role"):
            exceptions.approve(
                connection, site, basis(ward), filed, signed(ward, grant, "cleo", "clin")
            )
        assert rows.approvals(connection, grant.request.id) == []


def vulnerability(name: str, **changes) -> Vulnerability:
    """One that affects the device and that VUL-004 objects to."""
    values = {
        "id": name,
        "component": "pkg:generic/tinyframe@1.3.0",
        "status": "affected",
        "matched": "affected",
        "justification": "",
        "kev": False,
        "risk_state": "controlled",
        "reason": "",
        "cvss": 9.1,
        "band": "medium",
    }
    return Vulnerability(**{**values, **changes})


def find(ward: Ward, *vulns: Vulnerability) -> None:
    """What is found in the release from now on, judged and kept."""
    hospital = ward.hospital
    with ward.site.store.writing() as connection:
        last = verdicts.find(connection, verdicts.standing(connection, REFUSED, CLASS).verdict)
        known = Known(value=vulns, trust="measured", observed_at=ward.now)
        evidence = document.with_leaves(judging.reopened(connection, last), {"vulns": known})
        holding = judging.excepting(hospital, connection, evidence, ward.now)
        said = judge.judge(hospital.policy, evidence, hospital.engine, ward.now, holding)
        judging.keep(connection, hospital, [judging.Judged(None, evidence, said)], ward.now)


LATER_ON = {
    "the same again": ((vulnerability("CVE-2026-99002"),), "excepted"),
    "a lower band": ((vulnerability("CVE-2026-99002", band="low"),), "excepted"),
    "a higher band": ((vulnerability("CVE-2026-99002", band="high"),), "fail"),
    "one more": (
        (vulnerability("CVE-2026-99002"), vulnerability("CVE-2026-99003")),
        "fail",
    ),
    "another component": ((vulnerability("CVE-2026-99002", component="pkg:generic/x@1"),), "fail"),
    "another": ((vulnerability("CVE-2026-99003"),), "fail"),
    "none": ((), "pass"),
}


@pytest.mark.parametrize("change", LATER_ON)
def test_a_grant_follows_what_is_found_later(ward, change):
    """Named offenders alone, no graver than they were; what is fixed passes without it."""
    vulns, word = LATER_ON[change]
    find(ward, vulnerability("CVE-2026-99002"))
    assert words(judged(ward))[RULE] == "fail"
    grant = ask(ward)
    offender = "CVE-2026-99002 in pkg:generic/tinyframe@1.3.0"
    assert grant.request.offenders == {offender}
    assert grant.request.rules[0].offenders[0].band == "medium"
    approve(ward, grant, *HIGH)
    assert words(judged(ward))[RULE] == "excepted"
    ward.wait(60)
    find(ward, *vulns)
    assert words(judged(ward))[RULE] == word
    assert len(sweep(ward)) == (change == "a higher band")


def test_a_new_entry_of_the_catalogue_ends_it_for_good(ward, tmp_path):
    """The offender that was approved is exploited now; taken out again, it stays void."""
    find(ward, vulnerability("CVE-2026-99002"))
    approve(ward, ask(ward), *HIGH)
    assert words(judged(ward))[RULE] == "excepted"
    folder, held = advisories.write(tmp_path / "new", ward.now), ward.hospital.advisories
    kev = (folder / "kev.json").read_text().replace(advisories.CVE, "CVE-2026-99002")
    records = [path.read_bytes() for path in sorted((folder / "osv").glob("*.json"))]
    ward.hospital.advisories = from_files(records, kev.encode())
    assert words(judged(ward))[RULE] == "fail"
    assert len(sweep(ward)) == 1
    ward.hospital.advisories = held
    assert words(judged(ward))[RULE] == "fail"


def test_what_is_excepted_can_be_asked_for_again(ward):
    """Before its end, with the same offenders as a failure has."""
    find(ward, vulnerability("CVE-2026-99002"))
    first = ask(ward)
    approve(ward, first, *HIGH)
    find(ward, vulnerability("CVE-2026-99002"))
    ward.wait(3600)
    again = ask(ward)
    assert again.request.offenders == first.request.offenders
    assert again.request.id != first.request.id

"""What a changed policy would have made of a site's verdicts, and what it is about to make."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import yaml
from tests.judged_wards import CLASS, REFUSED, RELEASE, judged_ward
from tests.wards import ENGINE, Ward
from typer.testing import CliRunner

from firmward.hospital.gate import adoption, kept
from firmward.hospital.gate.cli import app
from firmward.hospital.gate.diamond import Edge
from firmward.hospital.gate.impact import Again, Impact, again, impact, timeless, told
from firmward.hospital.gate.policy import Policy
from firmward.hospital.records import cases, verdicts, watched
from firmward.hospital.records.read_only import reading_only
from firmward.terms.errors import Misuse, Unavailable


@pytest.fixture(scope="module")
def ward(tmp_path_factory) -> Iterator[Ward]:
    """A ward in which the gate has judged at every moment."""
    ward = judged_ward(tmp_path_factory.mktemp("judged"))
    yield ward
    ward.site.close()


def reached(ward: Ward, release: str = "") -> int:
    """How many verdicts the site has reached, on one release or all."""
    with ward.site.store.reading() as connection:
        numbers = verdicts.numbers_since(connection, 0)
        return len(verdicts.of_release(connection, release)) if release else len(numbers)


def judged_by(ward: Ward, policy: Policy) -> list[Again]:
    """Every verdict of the site under another policy."""
    with ward.site.store.reading() as connection:
        numbers = verdicts.numbers_since(connection, 0)
        return list(again(timeless(policy), kept.pasts(connection, numbers), ENGINE))


def test_the_same_policy_changes_nothing(ward):
    """Not a word, with the exception that was applied in its place."""
    found = judged_by(ward, ward.hospital.policy)
    assert reached(ward) == len(found) >= 5
    assert {("unchanged", (), (), ())} == {(a.change, a.against, a.cleared, a.warns) for a in found}


def test_a_stricter_parameter_names_who_would_fall_and_by_what(ward):
    """The admitted release is refused at each of its moments; the refused one stays so."""
    policy = ward.hospital.policy
    strict = {**policy.parameters, "slsa_min": {"1": 3, "2": 3, "3": 3, "4": 3}}
    report = impact(judged_by(ward, replace(policy, parameters=strict)))
    on, all_ = reached(ward, RELEASE), reached(ward)
    assert (on, 0, 0, all_ - on) == tuple(report.totals.values())
    first = report.rows[0]
    assert (RELEASE, CLASS, "now refused") == (first.release, first.device_class, first.change)
    assert on == len(first.verdicts)
    assert first.against
    assert set(report.rules) >= set(first.against)
    text = told(report)
    assert text.startswith(f"{all_} verdicts judged again: {on} now refused")
    assert f"NOW REFUSED  {RELEASE} for {CLASS}" in text


def test_a_looser_policy_names_who_would_come_in(ward):
    """Without the rules that stood in its way, the refused release would have been admitted."""
    policy = ward.hospital.policy
    with ward.site.store.reading() as connection:
        pasts = list(kept.pasts(connection, verdicts.numbers_since(connection, 0)))
    against = {one.rule for past in pasts for one in past.judgement.blocking}
    loose = replace(policy, rules=tuple(r for r in policy.rules if r.rule.id not in against))
    report = impact(judged_by(ward, loose))
    [row] = [row for row in report.rows if row.change == "now admitted"]
    assert REFUSED == row.release
    assert against == set(row.cleared)


def test_a_pack_of_next_year_is_judged_as_if_it_were_in_force(ward):
    """Its day is for the gate to wait for, not for whoever asks what it would do."""
    policy, later = ward.hospital.policy, ward.now + timedelta(days=400)
    packs = tuple(msgspec.structs.replace(one, effective_from=later) for one in policy.packs)
    changes = {each.change for each in judged_by(ward, replace(policy, packs=packs))}
    assert {"unchanged"} == changes


def test_a_rule_that_warns_is_shown_and_refuses_nobody_until_asked(ward):
    """`--binding` shows the day on which every rule binds."""
    policy, later = ward.hospital.policy, ward.now + timedelta(days=400)
    strict = {**policy.parameters, "slsa_min": {"1": 3, "2": 3, "3": 3, "4": 3}}
    rules = tuple(msgspec.structs.replace(one, binds_from=later) for one in policy.rules)
    soft = replace(policy, parameters=strict, rules=rules)
    gentle = [each for each in judged_by(ward, soft) if each.release == RELEASE]
    assert {"unchanged"} == {each.change for each in gentle}
    assert all(each.warns for each in gentle)
    hard = [one for one in judged_by(ward, timeless(soft, binding=True)) if one.release == RELEASE]
    assert {"now refused"} == {each.change for each in hard}


def test_evidence_that_cannot_be_read_is_named_and_the_rest_goes_on(ward):
    """One damaged verdict hides no other."""
    policy = timeless(ward.hospital.policy)
    with ward.site.store.reading() as connection:
        pasts = list(kept.pasts(connection, verdicts.numbers_since(connection, 0)))
    pasts[1] = replace(pasts[1], pieces={**pasts[1].pieces, "sbom": b"{"})
    found = list(again(policy, pasts, ENGINE))
    assert ["cannot be judged"] == [each.change for each in found if each.problem]
    assert "strict JSON" in found[1].problem
    assert reached(ward) - 1 == sum(each.change == "unchanged" for each in found)


def run(*words: object):
    """Exit code and what was printed."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout


def store_of(ward: Ward) -> str:
    """What the store's file holds."""
    return sha256((ward.site.home / "store.sqlite").read_bytes()).hexdigest()


def test_the_command_reads_a_site_that_is_open_and_moves_nothing(ward, tmp_path: Path):
    """An overlay that is not signed yet, told before anybody signs it."""
    before, home = store_of(ward), ward.site.home
    code, output = run("impact", "--site", home)
    says = f"{reached(ward)} verdicts judged again: 0 now refused"
    assert (0, True) == (code, output.startswith(says))
    overlay = tmp_path / "overlay.yaml"
    draft = {
        "overlay_schema": "firmward.overlay/v1",
        "id": "stricter",
        "version": "2026.12.0",
        "scope": "hospital",
        "effective_from": "2026-12-01T00:00:00Z",
        "expires": "2027-12-01T00:00:00Z",
        "parameters": {"slsa_min": {"1": 3}},
        "site_may_loosen": ["PMR-007"],
    }
    overlay.write_text(yaml.safe_dump(draft))
    code, output = run("impact", "--site", home, "--overlay", overlay, "--json")
    report = msgspec.json.decode(output, type=Impact)
    assert (0, reached(ward, RELEASE)) == (code, report.totals["now refused"])
    assert before == store_of(ward)


@pytest.mark.parametrize("since", ["", "d", "1y", "-1d", "1.5d", "٣d", "999999d"])
def test_a_span_that_is_none_is_a_mistake(ward, since):
    """Named, and not taken for everything."""
    result = CliRunner().invoke(app, ["impact", "--site", str(ward.site.home), "--since", since])
    assert isinstance(result.exception, Misuse)


def test_a_site_without_a_store_is_not_given_one(ward, tmp_path: Path):
    """Reading never makes a file."""
    with pytest.raises(Unavailable), reading_only(tmp_path / "store.sqlite") as connection:
        verdicts.numbers_since(connection, 0)
    assert not list(tmp_path.iterdir())


def test_a_write_through_the_read_only_door_is_refused(ward):
    """Even by our own code."""
    before = store_of(ward)
    with pytest.raises(Unavailable, match="readonly"):
        with reading_only(ward.site.home / "store.sqlite") as connection:
            verdicts.keep_policy(connection, "a" * 64, b"{}")
    assert before == store_of(ward)


def test_adoption_names_what_would_fall_when_and_who_acts(ward):
    """The rule that warns here, the release it will hit, and the vendor who has to change it."""
    with ward.site.store.reading() as connection:
        report = adoption.adoption(kept.standing(connection), ward.hospital.policy)
    assert 1 == report.standing
    [falling] = report.refused
    assert (RELEASE, CLASS) == (falling.release, falling.device_class)
    rules = {one.rule: one for one in report.rules}
    assert set(falling.rules) == set(rules)
    assert "CRY-006" in rules
    one = rules["CRY-006"]
    assert (("acme",), (RELEASE,), (CLASS,)) == (one.acts, one.releases, one.classes)
    assert (0, 2) == (one.running, one.reached)
    assert falling.first == min(each.binds_from for each in report.rules)
    text = adoption.told(report)
    assert text.startswith("1 of 1 that may be delivered would be refused")
    assert f"binds from {one.binds_from}" in text


def test_a_refused_release_is_no_part_of_adoption(ward):
    """What is refused today already needs no day to come."""
    with ward.site.store.reading() as connection:
        report = adoption.adoption(kept.standing(connection), ward.hospital.policy)
    assert REFUSED not in json.dumps(msgspec.to_builtins(report))


def test_a_revocation_leads_to_its_tickets_whatever_release_they_were_filed_for(ward):
    """One ticket is filed for a cause, which may take the standing of many releases."""
    pair = (RELEASE, CLASS)
    with ward.site.store.reading() as connection:
        last = verdicts.find(connection, verdicts.standing(connection, *pair).verdict)
        refused = replace(last, admitted=False)
        assert Edge("revoked") == kept.edge_of(connection, refused)
        watched.revoke(connection, pair, ["kev:CVE-2026-1"])
        at = ward.now.timestamp()
        numbers = [
            cases.file_ticket(connection, who, cause, "s", (), at)
            for who in ("acme", "biomed-security")
            for cause in ("kev:CVE-2026-1", "kev:CVE-2026-1#2")
        ]
        cases.file_ticket(connection, "acme", "kev:CVE-2026-12", "s", (), at)
        assert Edge("revoked", tuple(numbers)) == kept.edge_of(connection, refused)


def test_nothing_to_tell_is_said(ward):
    """An empty hospital has nothing to lose."""
    report = adoption.adoption([], ward.hospital.policy)
    assert (0, ()) == (report.standing, report.refused)
    assert "nothing that stands here would be refused" in adoption.told(report)

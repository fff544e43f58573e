"""An order carried out on real firmware: written, tried, kept or given up, and reported."""

from datetime import timedelta

import pytest

from firmward.lab.bedside import FACTORY_RELEASE, sha256
from firmward.terms.report import Attack

NEW = "pump-200@1.1.0+3"
BACK = "pump-200@1.0.0+4"


def outcomes(bed) -> list[str]:
    """The outcomes reported so far, in order."""
    return [report.outcome for report in bed.reports]


def test_a_good_release_is_kept_and_reported_with_its_digest(bed):
    """check in -> verify -> install -> trial boot -> keep -> report, in one step."""
    order = bed.order(bed.release("1.1.0", 3))
    agent = bed.agent()
    step = agent.step()

    assert "kept" == step.did
    report = bed.reports[-1]
    digest = sha256(bed.images[NEW])
    assert ("kept", NEW, order.order) == (report.outcome, report.release, report.order)
    assert (digest, digest, 3) == (report.image_sha256, report.measured_sha256, report.floor)
    assert (3, 3) == (bed.board.counter, agent.floor)
    assert "idle" == agent.step().did


def test_the_fallback_brings_the_code_back_under_a_higher_counter(bed):
    """Rolling back is one more order through the same checks; the counter only rises."""
    agent = bed.agent()
    bed.order(bed.release("1.1.0", 3))
    agent.step()
    image = bed.factory.fallback("1.0.0", 1, 4)
    back = bed.release("1.0.0", 4, (NEW, FACTORY_RELEASE), fallback_of=NEW, image=image)
    bed.order(back, "rollback")

    assert "kept" == agent.step().did
    assert (BACK, 4) == (agent.running, bed.board.counter)
    assert ["running", "kept", "kept"] == outcomes(bed)


@pytest.mark.parametrize(
    ("defines", "reason"),
    [({"SELFTEST_FAIL": 1}, "self-test"), ({"HANG": 1}, "did not stay up")],
    ids=["fails its self-test", "hangs"],
)
def test_a_release_that_does_not_come_up_is_reverted_by_the_device_itself(bed, defines, reason):
    """The factory release runs again, the counter has not moved, and the report says why."""
    bed.order(bed.release("1.1.0", 3, **defines))
    agent = bed.agent()
    step = agent.step()

    assert "reverted" == step.did
    assert reason in step.detail
    assert (FACTORY_RELEASE, 1, 1) == (agent.running, bed.board.counter, agent.floor)
    report = bed.reports[-1]
    assert ("reverted", FACTORY_RELEASE) == (report.outcome, report.release)
    assert reason in report.detail
    assert ["idle", "idle"] == [agent.step().did for _ in range(2)]


def test_a_reverted_release_can_be_ordered_again_by_a_new_order(bed):
    """The same order is not tried twice; a new one is."""
    release = bed.release("1.1.0", 3, SELFTEST_FAIL=1)
    bed.order(release)
    agent = bed.agent()
    assert "reverted" == agent.step().did
    bed.order(release)

    assert "reverted" == agent.step().did


def test_an_unsigned_image_never_boots_though_everybody_agrees_on_it(bed):
    """If vendor metadata and order are both stolen, the boot stage still asks for a signature."""
    code = bed.factory.code("1.1.0", 3)
    foreign = bed.factory.sign(code, "1.1.0", 3, key=foreign_key())
    bed.order(bed.release("1.1.0", 3, image=foreign))
    step = bed.agent().step()

    assert ("reverted", "the boot stage refused it: signature") == (step.did, step.detail)
    assert 1 == bed.board.counter


def foreign_key() -> bytes:
    """A firmware key that is not the vendor's."""
    from firmward.lab.toolchain import new_key

    return new_key()[0]


def test_an_update_waits_while_a_patient_depends_on_the_device(bed):
    """In use: prepared, but neither sealed nor restarted; it goes on by itself afterwards."""
    agent = bed.agent()
    agent.step()
    bed.order(bed.release("1.1.0", 3))
    bed.board.in_use = True

    assert ["deferred", "deferred"] == [agent.step().did for _ in range(2)]
    assert FACTORY_RELEASE == agent.running
    assert b"\xff" * 16 == bed.slot(1)[-16:]
    downloads = [path for _, path, _ in bed.served.weather.requests if "/blobs/" in path]
    assert 1 == len(downloads)
    bed.board.in_use = False
    assert "kept" == agent.step().did


def test_an_agent_started_during_therapy_does_not_restart_the_controller(bed):
    """What runs is learnt later; until then nothing is installed."""
    bed.agent().step()
    bed.order(bed.release("1.1.0", 3))
    bed.board.in_use = True
    boots = bed.board.fuses.boots
    agent = bed.agent()

    assert "deferred" == agent.step().did
    assert boots == bed.board.fuses.boots
    bed.board.in_use = False
    assert "kept" == agent.step().did


def test_a_withdrawn_order_is_dropped(bed):
    """Prepared but deferred, then the hospital orders to stay: the new image never boots."""
    agent = bed.agent()
    agent.step()
    bed.order(bed.release("1.1.0", 3))
    bed.board.in_use = True
    agent.step()
    bed.order(FACTORY_RELEASE, "keep")
    bed.board.in_use = False

    assert "idle" == agent.step().did
    bed.board.reset()
    bed.board.run(3000)
    assert any("slot=0" in line for line in bed.board.read())


def test_a_broken_connection_is_continued_where_it_broke(bed):
    """The download resumes with a Range and nothing is fetched twice."""
    order = bed.order(bed.release("1.1.0", 3))
    bed.served.weather.drop_after = 2500
    agent = bed.agent()

    assert "offline" == agent.step().did
    assert "kept" == agent.step().did
    ranges = [span for _, path, span in bed.served.weather.requests if "/blobs/" in path]
    assert ["", "bytes=2500-"] == ranges
    assert order.ciphertext_length > 2500


def test_a_server_that_ignores_ranges_is_read_from_the_start(bed):
    """A 200 to a Range request replaces the partial file instead of corrupting it."""
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.drop_after = 2500
    bed.served.weather.ignore_range = True
    agent = bed.agent()

    assert ["offline", "kept"] == [agent.step().did for _ in range(2)]


def test_a_partial_file_that_went_bad_is_fetched_anew(bed):
    """Only a whole answer convicts a server of tampering; our own disk may be what is broken."""
    bed.order(bed.release("1.1.0", 3))
    bed.served.weather.drop_after = 2500
    agent = bed.agent()
    agent.step()
    [partial] = (bed.home / "download").iterdir()
    partial.write_bytes(b"\0" * 3000)

    assert "kept" == agent.step().did


def test_a_changed_byte_in_the_running_slot_is_reported_once(bed):
    """The measured digest is the slot's, read back; the verified one stays beside it."""
    agent = bed.agent()
    agent.step()
    with bed.board.flash_path.open("r+b") as flash:
        flash.seek(64 * 1024 + 0x300)
        flash.write(b"\0\0\0\0")
    for _ in range(3):
        agent.step()

    [report] = [report for report in bed.reports if report.outcome == "mismatch"]
    assert report.measured_sha256 != report.image_sha256 == sha256(bed.images[FACTORY_RELEASE])


def test_a_tampered_device_is_repaired_by_the_next_order(bed):
    """A mismatch does not lock the device out of a good image."""
    agent = bed.agent()
    agent.step()
    with bed.board.flash_path.open("r+b") as flash:
        flash.seek(64 * 1024 + 0x300)
        flash.write(b"\0\0\0\0")
    agent.step()
    bed.order(bed.release("1.1.0", 3))

    assert "kept" == agent.step().did
    assert bed.reports[-1].measured_sha256 == bed.reports[-1].image_sha256


def test_reports_wait_for_the_hospital_and_arrive_in_order(bed):
    """Offline, a device keeps its reports; their numbers rise without a gap."""
    bed.served.weather.closed = ("/v1/reports",)
    agent = bed.agent()
    agent.step()
    bed.now += timedelta(hours=2)
    agent.step()
    bed.now += timedelta(hours=2)
    agent = bed.agent()
    agent.step()
    bed.served.weather.closed = ()
    agent.step()

    assert [1, 2, 3] == [report.sequence for report in bed.reports]
    assert () == agent.owed


def test_a_lost_acknowledgement_does_not_make_a_second_report(bed):
    """The same signed bytes are sent again."""
    bed.served.weather.lose_answers = 1
    agent = bed.agent()
    steps = [agent.step().did for _ in range(2)]

    assert ["offline", "idle"] == steps
    assert [1] == [report.sequence for report in bed.reports]


def test_vitals_reach_the_hospital_with_the_release_that_took_them(bed):
    """Readings before and after an update are never in one batch."""
    agent = bed.agent()
    agent.step()
    bed.board.run(25_000)
    bed.order(bed.release("1.1.0", 3))
    agent.step()
    bed.board.run(15_000)
    agent.step()

    assert [FACTORY_RELEASE, NEW] == [vitals.release for vitals in bed.ward.vitals]
    assert [2, 1] == [len(vitals.readings) for vitals in bed.ward.vitals]
    assert [1, 2] == [vitals.sequence for vitals in bed.ward.vitals]


def test_vitals_numbers_are_not_used_again_after_a_restart(bed):
    """A new agent on the same home continues above every number the old one may have used."""
    for _ in range(2):
        agent = bed.agent()
        agent.step()
        bed.board.run(12_000)
        agent.step()
        bed.board.power_off()

    first, second = (vitals.sequence for vitals in bed.ward.vitals)
    assert first < second


def test_an_offline_hospital_leaves_the_device_running(bed):
    """No server: nothing changes, and the agent says so."""
    agent = bed.agent(base="https://127.0.0.1:1")

    assert ("offline", Attack.NONE) == ((step := agent.step()).did, step.attack)
    assert FACTORY_RELEASE == agent.running


def test_a_rotated_vendor_root_is_followed(bed):
    """A new root signed by the old and the new holders is taken, and orders go on."""
    agent = bed.agent()
    bed.order(FACTORY_RELEASE, "keep")
    assert "idle" == agent.step().did
    rotate_vendor_root(bed)
    bed.order(bed.release("1.1.0", 3))

    assert "kept" == bed.agent().step().did


def rotate_vendor_root(bed) -> None:
    """The vendor replaces its online keys under a second root."""
    from dataclasses import replace

    from firmward.proof import keys, repository
    from firmward.proof.repository import Lives, RoleKeys

    old = bed.vendor
    fresh = replace(old, snapshot=keys.new_signer(), timestamp=keys.new_signer())
    roles = {
        "root": RoleKeys(tuple(signer.public_key for signer in old.root), 2),
        "targets": RoleKeys(tuple(signer.public_key for signer in old.targets), 2),
        "snapshot": RoleKeys((fresh.snapshot.public_key,)),
        "timestamp": RoleKeys((fresh.timestamp.public_key,)),
    }
    second = repository.root_file(2, roles, old.root[:2], bed.now + Lives().root)
    bed.vendor = replace(fresh, roots={**old.roots, "2.root.json": second})

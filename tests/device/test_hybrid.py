"""A vendor whose metadata carries ECDSA and ML-DSA signatures, as a device sees it."""

from dataclasses import replace

from firmward.lab.bedside import bedside
from firmward.terms.report import Attack

NEW = "pump-200@1.1.0+3"


def test_a_device_demands_both_kinds_and_updates_end_to_end(tmp_path, factory, now):
    """The whole way to a kept release; then every ECDSA key alone, stolen, is not enough."""
    with bedside(tmp_path, factory, now, hybrid=True) as bed:
        agent = bed.agent()
        bed.order(bed.release("1.1.0", 3))

        assert "kept" == agent.step().did
        assert (NEW, 3) == (agent.running, bed.board.counter)

        flash = bed.flash
        bed.vendor = replace(bed.vendor, targets=bed.vendor.targets[::2])
        bed.order(bed.release("1.2.0", 5, (NEW,)))

        assert "kept" != agent.step().did
        assert (NEW, flash) == (agent.running, bed.flash)
        assert Attack.TOO_FEW_SIGNATURES in {report.attack for report in bed.reports}

"""What the two vendors release in the course of the play, made while the acts go on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from firmward.lab.advisories import VULNERABLE_TINYFRAME
from firmward.lab.workshops import Change, VendorWorld
from firmward.terms.errors import FirmwardError
from firmward.vendor.bundle import Bundle
from firmward.vendor.request import Request

PUMP_1 = "pump-200@1.0.0+1"
PUMP_2 = "pump-200@1.1.0+3"
PUMP_EXPLOITED = "pump-200@1.2.0+5"
PUMP_STRAY = "pump-200@2.0.0+7"
PUMP_3 = "pump-200@1.3.0+9"
MONITOR_1 = "monitor-7@1.0.0+1"
MONITOR_UNSIGNED = "monitor-7@1.1.0+3"
MONITOR_WORSE = "monitor-7@1.2.0+5"
MONITOR_BACK = "monitor-7@1.0.0+6"

_COMPONENTS = "pump/components.toml"
_HEADER = "pump/vendor/tinyframe/tinyframe.h"
_OLDER = (
    Change(_COMPONENTS, 'version = "1.4.2"', f'version = "{VULNERABLE_TINYFRAME}"'),
    Change(_COMPONENTS, "tinyframe@1.4.2", f"tinyframe@{VULNERABLE_TINYFRAME}"),
    Change(_HEADER, 'VERSION "1.4.2"', f'VERSION "{VULNERABLE_TINYFRAME}"'),
)
_SLOWER = (
    Change("monitor/config.h", "READ_INTERVAL_MS 1000", "READ_INTERVAL_MS 2600"),
    Change("monitor/config.h", "SENSOR_RETRY 2", "SENSOR_RETRY 0"),
)


@dataclass(frozen=True)
class Made:
    """A vendor's bundle, and what its own gate had said before it was overruled."""

    bundle: Bundle
    warned: str = ""


def first_release(vendor: VendorWorld) -> Bundle:
    """What the vendor's devices leave the factory with."""
    return vendor.release(Request("HEAD", "1.0.0", 1))


def pump_good(acme: VendorWorld) -> Made:
    """A plain feature release."""
    commit = acme.commit("pump: show the line pressure more often")
    return Made(acme.release(Request(commit, "1.1.0", 3, (PUMP_1,))))


def pump_exploited(acme: VendorWorld) -> Made:
    """An update that goes back to a component release with a known exploit."""
    good = acme.commit("pump: before the change of tinyframe")
    commit = acme.commit("pump: use the tinyframe our supplier ships", _OLDER)
    before = (PUMP_2, PUMP_1)
    warned = ""
    try:
        acme.release(Request(commit, "1.2.0", 5, before))
    except FirmwardError as error:
        warned = str(error)
    request = Request(commit, "1.2.0", 5, before, unsafe_publish_despite_findings=True)
    made = acme.release(request)
    acme.checkout(good)
    return Made(made, warned)


def pump_stray(acme: VendorWorld) -> Made:
    """A release from a branch that the fleet never was on."""
    commit = acme.commit("pump: the other branch")
    request = Request(commit, "2.0.0", 7, ("pump-200@1.9.0+8",), fallback_to=PUMP_2)
    return Made(acme.release(request))


def pump_patch(acme: VendorWorld) -> Made:
    """A security patch that follows everything the fleet may run."""
    commit = acme.commit("pump: bound the frame length")
    request = Request(commit, "1.3.0", 9, (PUMP_2, PUMP_1), kind="security_patch")
    return Made(acme.release(request))


def pump_few(acme: VendorWorld) -> Made:
    """A release whose metadata one of two holders signed."""
    commit = acme.commit("pump: a thief's commit")
    one = {"targets": acme.home.keys.targets[:1]}
    return Made(acme.release(Request(commit, "1.4.0", 11, (PUMP_3,), unsafe_signers=one)))


def monitor_unsigned(borealis: VendorWorld) -> Made:
    """A release whose image the vendor did not sign."""
    commit = borealis.commit("monitor: built on a laptop")
    request = Request(commit, "1.1.0", 3, (MONITOR_1,), unsafe_leave_unsigned=True)
    return Made(borealis.release(request))


def monitor_worse(borealis: VendorWorld) -> Made:
    """A release with nothing for a scanner to find, that reads slower and errs more."""
    commit = borealis.commit("monitor: save power", _SLOWER)
    return Made(borealis.release(Request(commit, "1.2.0", 5, (MONITOR_1,))))


class Releases:
    """Both vendors at work in the background, each on its own source, one release after another."""

    def __init__(self, acme: VendorWorld, borealis: VendorWorld):
        self._pools = [ThreadPoolExecutor(1, "acme"), ThreadPoolExecutor(1, "borealis")]
        pumps = (pump_good, pump_exploited, pump_stray, pump_patch, pump_few)
        monitors = (monitor_unsigned, monitor_worse)
        self._made: dict[Callable[[VendorWorld], Made], Future[Made]] = {
            **{make: self._pools[0].submit(make, acme) for make in pumps},
            **{make: self._pools[1].submit(make, borealis) for make in monitors},
        }

    def get(self, make: Callable[[VendorWorld], Made]) -> Made:
        """The result of one of the functions above; waits for it."""
        return self._made[make].result(timeout=120)

    def close(self) -> None:
        """Wait for nothing that has not begun."""
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)

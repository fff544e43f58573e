"""The stages of the loop, named once for ledger, console, KPIs and docs."""

from enum import StrEnum


class Stage(StrEnum):
    """Where in the loop something happened, in the order of the loop."""

    BUILD = "build"
    SCAN = "scan"
    SBOM = "sbom"
    ATTEST = "attest"
    SIGN = "sign"
    PUBLISH = "publish"
    INTAKE = "intake"
    GATE = "gate"
    RELEASE = "release"
    ROLLOUT = "rollout"
    ORDER = "order"
    DEVICE = "device"
    WATCH = "watch"
    DECIDE = "decide"
    RESPOND = "respond"
    LEDGER = "ledger"

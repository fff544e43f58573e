"""What a campaign proves and does not: an in-toto test result, and findings as SARIF.

Source: in-toto attestation framework, predicate test-result v0.1.  Its members say which checks
passed; how hard they were tried (inputs, seconds, corpus, seed) stands in `annotations`, since a
pass after ten inputs is worth ten inputs.
"""

import hashlib
from collections.abc import Mapping, Sequence, Set
from importlib.metadata import version
from typing import Any, Final

from firmward.vendor.blackbox.campaign import Finding, Result
from firmward.vendor.blackbox.device import Kind
from firmward.vendor.scan.sarif import Finding as Reported
from firmward.vendor.scan.sarif import Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run

TOOL: Final = "firmward-blackbox"

_SHOWN: Final = 160
RULES: Final[Mapping[Kind, Rule]] = {
    "crash": Rule("blackbox-crash", "error", "An input crashes the device", 119),
    "hang": Rule("blackbox-hang", "error", "The device does not answer after an input", 835),
    "reset": Rule("blackbox-reset", "error", "An input makes the device start anew", 754),
    "deadline": Rule("blackbox-deadline", "error", "An input makes it miss a deadline", 400),
    "growth": Rule("blackbox-growth", "error", "Inputs take memory that is not given back", 401),
}


def checks(result: Result) -> tuple[list[str], list[str], list[str]]:
    """Names of the checks that passed, warned and failed; what was not watched is in none."""
    failed = {found.kind for found in result.findings if found.reproduced}
    warned = {found.kind for found in result.findings} - failed
    passed = set(result.checked) - failed - warned
    return _named(passed), _named(warned), _named(failed)


def _named(kinds: Set[Kind]) -> list[str]:
    return [rule.id for kind, rule in RULES.items() if kind in kinds]


def predicate(
    result: Result, corpus: Sequence[bytes], seed: int, configuration: Mapping[str, Any]
) -> dict[str, Any]:
    """The test-result predicate.

    configuration  name -> plain value of everything else that was set, such as the command
    """
    passed, warned, failed = checks(result)
    return {
        "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
        "configuration": [
            {"name": "corpus", "digest": {"sha256": corpus_digest(corpus)}},
            {"name": "settings", "annotations": {"seed": seed, **configuration}},
        ],
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
        "annotations": {
            "tool": {"name": TOOL, "version": version("firmward")},
            "inputs": result.inputs,
            "seconds": round(result.seconds, 3),
            "inputsPerSecond": round(result.inputs / result.seconds) if result.seconds else 0,
            "corpusEntries": len(corpus),
            "novelInputs": result.novel,
            # Left out where the device does not tell: a null would make the statement unreadable.
            **({} if result.coverage is None else {"coverage": result.coverage}),
            "unwatched": [RULES[kind].id for kind in RULES if kind not in result.checked],
            "findings": [_told(found) for found in result.findings],
        },
    }


def sarif(result: Result, binary: str) -> Run:
    """The findings as a run; `binary` is what they are about."""
    return sarif_run(
        TOOL,
        version("firmward"),
        tuple(RULES.values()),
        [
            Reported(
                path=binary,
                line=0,
                rule=RULES[found.kind].id,
                level="error" if found.reproduced else "warning",
                message=_message(found),
            )
            for found in result.findings
        ],
    )


def corpus_digest(corpus: Sequence[bytes]) -> str:
    """SHA-256 over the digests of all entries, in order."""
    whole = b"".join(hashlib.sha256(entry).digest() for entry in corpus)
    return hashlib.sha256(whole).hexdigest()


def _told(found: Finding) -> dict[str, Any]:
    return {
        "check": RULES[found.kind].id,
        "says": found.says,
        "inputs": [data.hex() for data in found.inputs],
        "reproduced": found.reproduced,
    }


def _message(found: Finding) -> str:
    shown = ", then ".join(ascii(data)[1:] for data in found.inputs)[:_SHOWN]
    how = "after a reset, reproduced" if found.reproduced else "not reproduced; the last inputs"
    return f"{RULES[found.kind].says}: {found.says}; {how}: {shown}"

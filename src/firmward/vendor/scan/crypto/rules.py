"""What the cryptography scanner tells, and how bad it is.

An outdated algorithm is an error only where we are sure of it and the product uses it: its code is
linked into the binary, or our own source calls it.  What merely lies in vendored source may never
be compiled: that is a warning, and the linked binary is the judge of it.  Signs that leave doubt
are warnings, and faint ones are notes, since an error stops the vendor's release.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from firmward.vendor.scan.crypto.signs import CERTAIN, LIKELY, Sign, algorithm_of, confidence
from firmward.vendor.scan.sarif import Finding, Level, Rule

TOOL: Final = "firmward-crypto"
VERSION: Final = "1.1.0"

RULES: Final = (
    Rule("weak-hash", "error", "An outdated hash function", cwe=328),
    Rule("weak-cipher", "error", "An outdated cipher", cwe=327),
    Rule("weak-mode", "error", "A mode of operation that shows patterns", cwe=327),
    Rule("weak-protocol", "error", "An outdated protocol version", cwe=327),
    Rule("short-key", "error", "A key or group that is too short", cwe=326),
    Rule("weak-random", "error", "A secret from a generator that anybody can rerun", cwe=338),
)
_ONE_BUILD: Final = ("app.elf", "app.bin")
_SAYS: Final = {rule.id: rule.says for rule in RULES}


def findings(signs: Iterable[Sign]) -> Iterator[Finding]:
    """One finding for each outdated algorithm in each file.

    A binary's ELF file and its image are one thing seen twice, and count as one file.
    """
    grouped: dict[tuple[str, str], list[Sign]] = {}
    for sign in signs:
        path = "" if sign.path in _ONE_BUILD else sign.path
        grouped.setdefault((path, sign.algorithm), []).append(sign)
    for (_, name), group in sorted(grouped.items()):
        algorithm = algorithm_of(name)
        # What source only speaks of is in the inventory: an alarm for each enum drowns the rest.
        spoken = all(sign.use in ("mentioned", "declared") and sign.line for sign in group)
        if not algorithm.outdated or spoken:
            continue
        sure = confidence(group)
        best = max(
            group, key=lambda sign: (sign.use in ("linked", "called"), sign.weight, -sign.line)
        )
        seen = ", ".join(sorted({f"{sign.kind} ({sign.detail})" for sign in group})[:4])
        says = f"{name}, confidence {sure:.2f}, {algorithm.outdated}; seen by {seen}"
        yield Finding(
            path=best.path,
            line=best.line,
            rule=algorithm.rule,
            level=level(group, sure, algorithm.worst),
            message=f"{_SAYS[algorithm.rule]}: {says}",
        )


def level(group: list[Sign], sure: float, worst: Level) -> Level:
    """How bad the signs of one algorithm in one file are."""
    if worst == "note" or sure < LIKELY:
        return "note"
    uses = {sign.use for sign in group}
    if uses == {"mentioned"}:
        return "note"
    used = bool(uses & {"linked", "called"}) and any(sign.ours for sign in group)
    certain = sure >= CERTAIN
    if worst == "error":
        return "error" if certain and used else "warning"
    return "warning" if certain else "note"


def weak_random(path: str, line: int, says: str, ours: bool) -> Finding:
    """A finding of a secret that chance did not make."""
    rank: Level = "error" if ours else "warning"
    return Finding(path, line, "weak-random", rank, f"{_SAYS['weak-random']}: {says}")

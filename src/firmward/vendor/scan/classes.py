"""What kind of weakness a rule finds, so that several tools' words for one thing become one.

A rule says its CWE by the tag that code hosts read (`external/cwe/cwe-N`); for tools that say none,
the table below does.  CWEs that name one mistake at different depths share a class.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_TAG: Final = re.compile(r"cwe[-/:_ ]*(\d{1,5})", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """A class of weakness.

    exploitability  1 needs a laboratory to 5 anybody, if it can be reached
    reach           how much of the device it gives: 1 little to 5 everything
    """

    name: str
    exploitability: int
    reach: int


# (class, exploitability, reach, CWE numbers).  Grades are ours, by what the class usually gives.
_KINDS: Final[tuple[tuple[str, int, int, tuple[int, ...]], ...]] = (
    ("memory-write", 4, 5, (119, 120, 121, 122, 123, 124, 131, 193, 242, 680, 786, 787, 788, 805)),
    ("memory-read", 3, 3, (125, 126, 127, 170)),
    ("use-after-free", 4, 5, (415, 416, 562, 672, 763, 825)),
    ("null-dereference", 3, 3, (476, 690)),
    ("uninitialised", 2, 3, (456, 457, 665, 824, 908)),
    ("integer", 3, 4, (128, 190, 191, 194, 195, 196, 197, 369, 468, 681, 682, 758)),
    ("format-string", 4, 5, (134, 685, 686, 687)),
    ("injection", 5, 5, (74, 77, 78, 79, 88, 89, 94, 95, 502, 611, 917)),
    ("path", 4, 4, (22, 23, 36, 59, 73, 377, 379, 426, 427, 732)),
    ("credential", 5, 5, (255, 256, 257, 259, 260, 312, 321, 522, 798, 1391, 1392)),
    ("weak-cryptography", 3, 4, (310, 325, 326, 327, 328, 329, 759, 760, 780, 916, 1240)),
    ("randomness", 3, 4, (330, 331, 335, 336, 337, 338)),
    ("authentication", 5, 5, (284, 285, 287, 290, 295, 297, 306, 345, 346, 347, 352, 862, 863)),
    ("cleartext", 4, 3, (319, 523, 757)),
    ("information-leak", 3, 2, (200, 201, 203, 208, 209, 215, 226, 244, 489, 497, 532)),
    ("denial-of-service", 4, 3, (400, 401, 404, 459, 674, 770, 772, 775, 834, 835, 1333)),
    ("race", 2, 3, (362, 364, 366, 367, 667, 820, 833)),
    ("hardening", 2, 4, (693, 1188, 1191, 1263, 1269, 1299, 1328)),
    ("supply-chain", 3, 5, (494, 506, 829, 1104, 1357, 1395)),
    ("error-handling", 2, 2, (248, 252, 253, 390, 391, 394, 703, 754, 755)),
    ("dangerous-function", 3, 4, (250, 477, 676, 685, 733)),
    ("dead-or-wrong-code", 1, 2, (398, 480, 481, 482, 484, 561, 563, 570, 571, 597, 606, 664, 670,
                                  783, 1164)),
    ("documentation", 1, 2, (1059, 1110)),
)  # fmt: skip
_BY_CWE: Final = {
    number: Kind(name, ease, reach) for name, ease, reach, numbers in _KINDS for number in numbers
}
OTHER: Final = Kind("other", 2, 2)

# Rules of tools that name no CWE: a beginning of the rule id, and the CWE it is about.
_RULES: Final[tuple[tuple[str, int], ...]] = (
    ("clang-analyzer-security.insecureAPI.rand", 338),
    ("clang-analyzer-security.insecureAPI.strcpy", 120),
    ("clang-analyzer-security.insecureAPI", 676),
    ("clang-analyzer-security.FloatLoopCounter", 682),
    ("clang-analyzer-security.ArrayBound", 787),
    ("clang-analyzer-core.NullDereference", 476),
    ("clang-analyzer-core.DivideZero", 369),
    ("clang-analyzer-core.StackAddressEscape", 562),
    ("clang-analyzer-core.Uninitialized", 457),
    ("clang-analyzer-core.uninitialized", 457),
    ("clang-analyzer-unix.Malloc", 416),
    ("clang-analyzer-unix.cstring", 476),
    ("clang-analyzer-deadcode", 563),
    ("clang-analyzer-alpha.security", 787),
    ("bugprone-sizeof", 131),
    ("bugprone-not-null-terminated", 170),
    ("bugprone-suspicious-memset", 682),
    ("bugprone-integer-division", 682),
    ("bugprone-signed-char-misuse", 194),
    ("bugprone-misplaced-widening-cast", 190),
    ("bugprone-implicit-widening", 190),
    ("bugprone-narrowing", 197),
    ("bugprone-infinite-loop", 835),
    ("bugprone-unsafe-functions", 676),
    ("bugprone-suspicious-string-compare", 597),
    ("bugprone-too-small-loop-variable", 190),
    ("bugprone-multiple-statement-macro", 483),
    ("bugprone-branch-clone", 561),
    ("bugprone-macro-parentheses", 783),
    ("cert-err33-c", 252),
    ("cert-err34-c", 20),
    ("cert-env33-c", 78),
    ("cert-msc30-c", 338),
    ("cert-msc32-c", 335),
    ("cert-msc50", 338),
    ("cert-msc51", 335),
    ("cert-fio38-c", 910),
    ("cert-str34-c", 194),
    ("cert-flp30-c", 682),
    ("cert-int09-c", 682),
    ("cert-dcl", 710),
    ("S102", 95), ("S103", 732), ("S104", 605), ("S105", 798), ("S106", 798), ("S107", 798),
    ("S108", 377), ("S110", 703), ("S112", 703), ("S113", 400), ("S2", 20), ("S301", 502),
    ("S302", 502), ("S303", 327), ("S304", 327), ("S305", 327), ("S306", 377), ("S307", 95),
    ("S310", 22), ("S311", 330), ("S312", 319), ("S321", 319), ("S323", 295), ("S324", 327),
    ("S4", 78), ("S501", 295), ("S502", 327), ("S503", 327), ("S504", 327), ("S505", 326),
    ("S506", 502), ("S507", 295), ("S508", 319), ("S509", 319), ("S60", 78), ("S608", 89),
    ("S61", 78), ("S7", 79),
    ("SC2086", 78), ("SC2046", 78), ("SC2115", 73), ("SC2154", 457), ("SC2059", 134),
    ("SC2155", 252), ("SC2164", 252),
    ("DL3002", 250), ("DL3006", 829), ("DL3007", 829), ("DL3008", 829), ("DL3013", 829),
    ("DL3018", 829), ("DL4001", 710), ("DL3020", 829), ("DL3047", 400),
)  # fmt: skip
_LONGEST_FIRST: Final = sorted(_RULES, key=lambda rule: -len(rule[0]))


def weaknesses(run: Mapping[str, Any]) -> dict[str, int]:
    """Rule id -> CWE number for the rules that a SARIF run describes."""
    driver = run.get("tool", {}).get("driver", {})
    return {rule["id"]: found for rule in driver.get("rules", []) if (found := _tagged(rule))}


def _tagged(rule: Mapping[str, Any]) -> int:
    properties = rule.get("properties", {})
    told = [*properties.get("tags", []), *_listed(properties.get("cwe"))]
    told += [each.get("target", {}).get("id", "") for each in rule.get("relationships", [])]
    for text in told:
        match = _TAG.search(str(text))
        if match:
            return int(match[1])
    return 0


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def weakness(rule: str, told: Mapping[str, int]) -> int:
    """The CWE of a rule: what its run says, else what the table says, else 0."""
    if told.get(rule):
        return told[rule]
    last = rule.rpartition(".")[2] if rule.startswith("firmward") else rule
    return next((cwe for start, cwe in _LONGEST_FIRST if last.startswith(start)), 0)


def kind(cwe: int) -> Kind:
    """The class of a CWE; `other` for one that no class holds."""
    return _BY_CWE.get(cwe, OTHER)

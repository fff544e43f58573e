"""Which of clang-tidy's checks are asked for, and the weakness that each is about.

Left out are checks of style, and those that fire on every second line of sound firmware: on Mbed
TLS 2.28.3 four of them gave 9,600 of 10,000 findings.
"""

import re
from collections.abc import Collection
from typing import Final

from firmward.vendor.scan.classes import weakness

_ASKED: Final = (
    "bugprone-*",
    "clang-analyzer-core*",
    "clang-analyzer-security*",
    "clang-analyzer-unix*",
    "clang-analyzer-cplusplus*",
    "clang-analyzer-optin.taint*",
    "clang-analyzer-optin.portability*",
)
_LEFT_OUT: Final = (
    "bugprone-assignment-in-if-condition",
    "bugprone-branch-clone",
    "bugprone-easily-swappable-parameters",
    "bugprone-implicit-widening-of-multiplication-result",
    "bugprone-inc-dec-in-conditions",
    "bugprone-macro-parentheses",
    "bugprone-multi-level-implicit-pointer-conversion",
    "bugprone-narrowing-conversions",
    "bugprone-reserved-identifier",
    "bugprone-signed-bitwise",
    "bugprone-switch-missing-default-case",
    "bugprone-unhandled-code-paths",
    # It asks for memcpy_s, which no firmware's C library has.
    "clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling",
)
_PROFILES: Final = {
    "cert-c": (
        "cert-*-c",
        "concurrency-mt-unsafe",
        "misc-redundant-expression",
        "bugprone-narrowing-conversions",
        "bugprone-reserved-identifier",
    )
}

# A beginning of the check's name, words of its message, and the CWE.  The first that fits holds:
# one check of the analyser finds several weaknesses, and only its message tells which.
_WEAKNESSES: Final[tuple[tuple[str, str, int], ...]] = (
    ("clang-analyzer-unix.Malloc", "leak", 401),
    ("clang-analyzer-unix.Malloc", "after it is|after it was|after free", 416),
    ("clang-analyzer-unix.Malloc", "already freed|released memory|double free", 415),
    ("clang-analyzer-unix.Malloc", "not allocated|does not match|offset", 590),
    ("clang-analyzer-unix.MallocSizeof", "", 131),
    ("clang-analyzer-unix.MismatchedDeallocator", "", 762),
    ("clang-analyzer-unix.Stream", "close|leak", 772),
    ("clang-analyzer-unix.Stream", "", 252),
    ("clang-analyzer-unix.API", "", 628),
    ("clang-analyzer-unix.cstring.BadSizeArg", "", 805),
    ("clang-analyzer-unix.cstring.NotNullTerminated", "", 170),
    ("clang-analyzer-unix.cstring.NullArg", "", 476),
    ("clang-analyzer-unix.cstring.UninitializedRead", "", 457),
    ("clang-analyzer-unix.StdCLibraryFunctions", "", 628),
    ("clang-analyzer-unix.Vfork", "", 662),
    ("clang-analyzer-unix.BlockInCriticalSection", "", 667),
    ("clang-analyzer-core.NonNullParamChecker", "", 476),
    ("clang-analyzer-core.NullPointerArithm", "", 476),
    ("clang-analyzer-core.CallAndMessage", "null", 476),
    ("clang-analyzer-core.CallAndMessage", "uninitialized", 457),
    ("clang-analyzer-core.UndefinedBinaryOperatorResult", "", 457),
    ("clang-analyzer-core.BitwiseShift", "", 1335),
    ("clang-analyzer-core.VLASize", "", 789),
    ("clang-analyzer-core.FixedAddressDereference", "", 587),
    ("clang-analyzer-cplusplus.NewDeleteLeaks", "", 401),
    ("clang-analyzer-cplusplus.NewDelete", "", 416),
    ("clang-analyzer-cplusplus.InnerPointer", "", 416),
    ("clang-analyzer-security.ArrayBound", "", 787),
    ("clang-analyzer-security.PointerSub", "", 469),
    ("clang-analyzer-security.VAList", "", 457),
    ("clang-analyzer-security.SetgidSetuidOrder", "", 696),
    ("clang-analyzer-security.PutenvStackArray", "", 562),
    ("clang-analyzer-security.insecureAPI.gets", "", 242),
    ("clang-analyzer-security.insecureAPI.mktemp", "", 377),
    ("clang-analyzer-security.insecureAPI.vfork", "", 242),
    ("clang-analyzer-security.insecureAPI.UncheckedReturn", "", 252),
    ("clang-analyzer-security.cert.env.InvalidPtr", "", 825),
    ("clang-analyzer-optin.taint.TaintedAlloc", "", 789),
    ("clang-analyzer-optin.taint.TaintedDiv", "", 369),
    ("clang-analyzer-optin.taint", "", 20),
    ("clang-analyzer-optin.portability.UnixAPI", "", 131),
    ("bugprone-bad-signal-to-kill-thread", "", 705),
    ("bugprone-command-processor", "", 78),
    ("bugprone-dangling-handle", "", 416),
    ("bugprone-dynamic-static-initializers", "", 665),
    ("bugprone-loop", "", 835),
    ("bugprone-macro-repeated-side-effects", "", 783),
    ("bugprone-misplaced-pointer-arithmetic-in-alloc", "", 131),
    ("bugprone-misplaced-operator-in-strlen-in-alloc", "", 131),
    ("bugprone-posix-return", "", 253),
    ("bugprone-signal-handler", "", 479),
    ("bugprone-spuriously-wake-up-functions", "", 667),
    ("bugprone-suspicious-enum-usage", "", 480),
    ("bugprone-suspicious-memory-comparison", "", 188),
    ("bugprone-suspicious-realloc-usage", "", 401),
    ("bugprone-suspicious-semicolon", "", 480),
    ("bugprone-swapped-arguments", "", 683),
    ("bugprone-tautological-type-limits", "", 570),
    ("bugprone-unused-return-value", "", 252),
    ("bugprone-use-after-move", "", 416),
    ("cert-arr39-c", "", 468),
    ("cert-con36-c", "", 667),
    ("cert-con54-cpp", "", 667),
    ("cert-dcl37-c", "", 710),
    ("cert-exp42-c", "", 188),
    ("cert-flp37-c", "", 188),
    ("cert-msc24-c", "", 676),
    ("cert-msc33-c", "", 676),
    ("cert-pos44-c", "", 705),
    ("cert-sig30-c", "", 479),
    ("concurrency-mt-unsafe", "", 663),
)


def asked(profiles: Collection[str]) -> str:
    """What --checks gets."""
    more = [check for profile in profiles for check in _PROFILES.get(profile, ())]
    return ",".join(("-*", *_ASKED, *(f"-{check}" for check in _LEFT_OUT), *more))


def named(check: str, message: str) -> tuple[str, int]:
    """The rule that a finding falls under, and its weakness: 0 where none fits.

    Where one check finds several weaknesses, each is a rule of its own below it (SARIF 3.5.4).
    """
    for start, words, number in _WEAKNESSES:
        if check.startswith(start) and re.search(words, message, re.IGNORECASE):
            return (f"{check}/cwe-{number}" if words else check), number
    return check, weakness(check, {})

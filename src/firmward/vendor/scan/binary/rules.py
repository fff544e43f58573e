"""What the binary scanner looks for, and how bad each find is."""

from typing import Final

from firmward.vendor.scan.sarif import Finding, Level, Rule

TOOL: Final = "firmward-binary"
VERSION: Final = "2.0.0"

RULES: Final = (
    Rule("writable-code", "error", "A segment is loaded writable and executable", cwe=693),
    Rule("executable-stack", "error", "The stack may be executed", cwe=693),
    Rule("text-relocations", "warning", "The loader must make code writable", cwe=693),
    Rule("no-canary", "warning", "No function checks a stack canary", cwe=693),
    Rule("canary-unseen", "note", "Without symbols nobody can see whether canaries are checked"),
    Rule("no-pie", "warning", "A hosted program that is not position independent", cwe=693),
    Rule("no-relro", "warning", "A hosted program whose relocations stay writable", cwe=693),
    Rule("partial-relro", "warning", "A hosted program that binds its calls lazily", cwe=693),
    Rule("no-fortify", "warning", "Copies are made without checks of their size", cwe=693),
    Rule("search-path", "warning", "Libraries are looked for where others may write", cwe=426),
    Rule("no-mpu", "warning", "No sign that the memory protection unit is set up", cwe=693),
    Rule("mpu", "note", "The memory protection unit is set up"),
    Rule("bad-vectors", "warning", "An interrupt vector points nowhere sensible", cwe=693),
    Rule("vectors", "note", "An interrupt vector table"),
    Rule("debug-left", "note", "Debug sections are left in", cwe=215),
    Rule("not-stripped", "note", "Symbols are left in", cwe=215),
    Rule("build-path", "note", "Paths of the build machine are left in", cwe=497),
    Rule("debugger-left", "warning", "A debugger or a way to one is left in", cwe=489),
    Rule("semihosting", "warning", "Calls to a debugger on a host are left in", cwe=489),
    Rule("console-left", "warning", "A console for maintenance is left in", cwe=489),
    Rule("version", "note", "A version that anybody can read"),
    Rule("entropy", "note", "How readable the image is"),
    Rule("setuid", "warning", "A program that runs with another's rights", cwe=250),
    Rule("world-writable", "warning", "A file that anybody may change", cwe=732),
    Rule("plain-login", "error", "A login over the network without encryption", cwe=319),
    Rule("shared-host-key", "error", "All devices would share one host key", cwe=321),
    Rule("empty-password", "error", "An account that needs no password", cwe=1391),
    Rule("password-hash", "error", "All devices would share one password", cwe=798),
    Rule("second-root", "warning", "An account besides root with all its rights", cwe=250),
    Rule("not-judged", "warning", "A program that could not be read"),
)
_BY_ID: Final = {rule.id: rule for rule in RULES}


def found(path: str, rule: str, says: str, worth: Level | None = None) -> Finding:
    """A finding in a file; `worth` where there is doubt about the rule's own level."""
    known = _BY_ID[rule]
    return Finding(
        path=path, line=0, rule=rule, level=worth or known.level, message=f"{known.says}: {says}"
    )

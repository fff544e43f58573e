"""What the secret scanner looks for, and how bad each find is."""

from typing import Final

from firmward.binaries.hits import Hit
from firmward.vendor.scan.files import SourceFile
from firmward.vendor.scan.sarif import Finding, Rule

TOOL: Final = "firmward-secrets"
# Part of every cached result's name: it changes with the rules.
VERSION: Final = "2.1.0"

RULES: Final = (
    Rule("private-key", "error", "A private key", cwe=321),
    Rule("sealed-private-key", "warning", "A private key under a password", cwe=321),
    Rule("array-key", "error", "Key material as bytes", cwe=321),
    Rule("hardcoded-secret", "error", "A password, key or token as a constant", cwe=798),
    Rule("default-credential", "error", "A credential that everybody knows", cwe=1392),
    Rule("cloud-token", "error", "An access token of a cloud or other service", cwe=798),
    Rule("url-credential", "error", "A password inside a URL or a header", cwe=798),
    Rule("password-hash", "error", "The hash of a password", cwe=798),
    Rule("high-entropy", "warning", "A string that looks drawn at random", cwe=798),
    Rule("test-material", "note", "Keys in a test, counted and not shown one by one", cwe=798),
    Rule("not-scanned", "warning", "A file too large to be scanned"),
)
_BY_ID: Final = {rule.id: rule for rule in RULES}


def finding(name: str, line: int, hit: Hit) -> Finding:
    """The hit as a finding at a line of a file."""
    rule = _BY_ID[hit.rule]
    return Finding(
        path=name,
        line=line,
        rule=rule.id,
        level=hit.worth or rule.level,
        message=f"{rule.says}: {hit.says}",
    )


def placed(file: SourceFile, hits: list[Hit], *, shipped: bool = False) -> list[Finding]:
    """The hits of one file as findings, once for each rule and line.

    In a test, keys and passwords are what the test is about: they are counted in one note.  Tokens
    of services are not: whoever copied a live one into a test has leaked it all the same.  What is
    shipped on devices is never only a test.
    """
    if shipped or not file.test:
        kept = {(file.line(hit.at), hit.rule): hit for hit in reversed(hits)}
        known = {line for line, rule in kept if rule != "high-entropy"}
        return [
            finding(file.name, line, hit)
            for (line, rule), hit in kept.items()
            if rule != "high-entropy" or line not in known
        ]
    live = [hit for hit in hits if hit.rule in ("cloud-token", "not-scanned")]
    found = [finding(file.name, file.line(hit.at), hit) for hit in live]
    if others := len(hits) - len(live):
        found.append(finding(file.name, 0, Hit(0, "test-material", f"{others} of them")))
    return found

"""Scanners find what is planted, and one that gives no answer is never taken for a clean one."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.terms.errors import Unavailable
from firmward.vendor.build import Artifact, build
from firmward.vendor.project import Suppression
from firmward.vendor.scan import credentials, elf, sarif, static
from firmward.vendor.scan.together import Scanning
from firmward.vendor.source import checked_out, take

TODAY = date(2026, 11, 21)

# name of the defect -> a source line, the rule that must find it
SECRETS = {
    "macro": ('#define WIFI_PASSWORD "hunter22"', "macro-password"),
    "constant": ('static const char api_key[] = "a8d7f6e5";', "macro-password"),
    "byte array": (
        "static const uint8_t aes_key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,\n"
        "  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};",
        "array-key",
    ),
    "decimal array": ("unsigned char psk[8] = {11, 22, 33, 44, 55, 66, 77, 88};", "array-key"),
    "pem": (
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVFkz\n",
        "private-key",
    ),
    "pem in C": (
        '"-----BEGIN PRIVATE KEY-----\\n"\n"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49\\n"',
        "private-key",
    ),
    "aws": ('x = "AKIAIOSFODNN7EXAMPLA";', "cloud-token"),
    "github": ("ghp_" + "0123456789abcdefghijABCDEFGHIJ012345", "cloud-token"),
    "random": ('s = "dGhpc0lzUjRuZDBtS2V5TWF0ZXJpYWxYWg";', "high-entropy"),
}
HARMLESS = (
    "#define PASSWORD_PROMPT_LENGTH 16",
    'printf("token %s is bad", name);',
    '#define TOKEN_FORMAT "%08x"',
    '#define SECRET_PLACEHOLDER "<secret>"',
    "static const uint8_t key_map[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};",
    "static const uint8_t public_key[8] = {1, 2, 3, 4, 5, 6, 7, 8};",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n",
)


def rules_in(text: str) -> set[str]:
    """The rules that find something in a source file."""
    data = text.encode()
    found = [*credentials.in_bytes("x.c", data), *credentials.in_text("x.c", data)]
    return {finding.rule for finding in found}


@pytest.mark.parametrize("name", SECRETS)
def test_a_planted_secret_is_found_and_not_repeated(name):
    """The report tells where, not what: evidence is handed to others."""
    line, rule = SECRETS[name]
    data = f"/* line one */\n{line}\n".encode()
    found = [*credentials.in_bytes("x.c", data), *credentials.in_text("x.c", data)]

    assert rule in {finding.rule for finding in found}
    assert {2} == {finding.line for finding in found}
    for secret in ("hunter22", "a8d7f6e5", "OSFODNN7", "MHcCAQEE", "abcdefghij"):
        assert all(secret not in finding.message for finding in found)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_speaks_of_secrets_is_no_secret(line):
    """Names, prompts, formats, public keys and empty tables."""
    assert set() == rules_in(line)


@given(st.binary(max_size=2000))
def test_no_bytes_make_the_secret_scanner_fail(data):
    """A file that breaks it would go unscanned."""
    list(credentials.in_bytes("x", data))
    list(credentials.in_text("x", data))


def test_a_hostile_file_is_scanned_in_linear_time():
    """One long word must not take the square of its length."""
    data = b"token_" * 200_000 + b"uint8_t key" + b"x" * 200_000
    started = datetime.now(UTC)
    list(credentials.in_text("x.c", data))

    assert (datetime.now(UTC) - started).total_seconds() < 5


def scan_tree(tree, shelf):
    """All findings for HEAD, the binary's too."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        scanning = Scanning(checkout, shelf)
        artifact = build(checkout, ("1.0.0", 1), shelf, lambda: datetime.now(UTC))
        return scanning.finish(artifact, TODAY)


def test_the_real_tree_has_no_error_and_every_tool_has_its_run(tree, shelf):
    """One log, a run for each scanner, SARIF 2.1.0."""
    findings = scan_tree(tree, shelf)

    assert () == findings.errors
    assert {} == findings.missing
    names = [run["tool"]["driver"]["name"] for run in findings.log["runs"]]
    assert ["cppcheck", "firmward-secrets", "firmward-elf", "firmward-secrets"] == names
    assert "2.1.0" == findings.log["version"]
    assert findings.log == json.loads(json.dumps(findings.log))


def test_planted_defects_are_found_in_the_real_tree(tree, shelf):
    """A defect that cppcheck knows, and a password, each with file and line."""
    bad = "int planted(void)\n{\n    int a[2] = {0, 0};\n    int n = 4;\n    return a[n];\n}\n"
    header = tree.read("pump/config.h") + '#define SERVICE_PASSWORD "letmein1"\n'
    tree.commit({"pump/planted.c": bad, "pump/config.h": header})

    found = {(finding.path, finding.rule) for finding in scan_tree(tree, shelf).errors}
    assert ("pump/config.h", "macro-password") in found
    assert any(path == "pump/planted.c" and "ounds" in rule for path, rule in found)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/no/such/cppcheck", "cannot be started"),
        ("/bin/false", "ended with 1"),
        ("/bin/true", "expected one SARIF run"),
    ],
)
def test_an_absent_or_dead_scanner_is_missing_evidence(tree, shelf, command, why):
    """Its silence is not a clean run; the others still report."""
    tree.edit("pump/firmward.toml", "[scan]", f'[scan]\ncppcheck = "{command}"')
    findings = scan_tree(tree, shelf)

    assert ["cppcheck"] == list(findings.missing)
    assert why in findings.missing["cppcheck"]
    assert 3 == len(findings.log["runs"])
    with pytest.raises(Unavailable, match="evidence is missing: cppcheck"):
        findings.whole()


def test_a_scanner_that_does_not_end_is_missing_evidence(tree, shelf, tmp_path):
    """It is killed at its limit, and the release does not wait for it."""
    slow = tmp_path / "slow"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    text = tree.read("pump/firmward.toml").replace("timeout_s = 60", "timeout_s = 1")
    tree.commit({"pump/firmward.toml": text.replace("[scan]", f'[scan]\ncppcheck = "{slow}"')})

    assert "not done within 1 s" in scan_tree(tree, shelf).missing["cppcheck"]


def test_a_folder_that_is_not_there_cannot_be_scanned(tree, shelf):
    """A renamed folder must not become a clean scan of nothing."""
    tree.edit("pump/firmward.toml", 'sources = ["board", "pump"]', 'sources = ["board", "pmup"]')

    assert "nothing to scan at pmup" in scan_tree(tree, shelf).missing["cppcheck"]


def compiled(tmp_path, *flags: str, code: str = "int main(void) { return 0; }") -> Artifact:
    """A small program for the emulated board's CPU, or for Linux."""
    source, out = tmp_path / "x.c", tmp_path / "x.elf"
    source.write_text(code)
    command = [sys.executable, "-m", "ziglang", "cc", *flags, str(source), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    now = datetime.now(UTC)
    return Artifact(out.read_bytes(), b"x", b"", "", (), {}, now, now)


BARE = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-nostdlib", "-Wl,-e,main")


def found_in(artifact: Artifact) -> dict[str, str]:
    """Rule -> level of what the ELF scanner finds."""
    return {each.rule: each.level for each in sarif.findings(sarif.merge([elf.scan(artifact)]))}


def test_a_writable_executable_segment_is_an_error(tmp_path):
    """Whoever can write data there can run it."""
    script = tmp_path / "all.ld"
    script.write_text("PHDRS { all PT_LOAD FLAGS(7); } SECTIONS { .text : { *(.text*) } :all }")

    assert "error" == found_in(compiled(tmp_path, *BARE, "-T", str(script)))["writable-code"]
    assert "writable-code" not in found_in(compiled(tmp_path, *BARE))


def test_missing_canaries_and_leftovers_are_told(tmp_path):
    """A program with symbols and no stack check says so; a stripped one cannot be judged."""
    found = found_in(compiled(tmp_path, *BARE, "-g"))
    assert {"no-canary": "warning", "debug-left": "note"}.items() <= found.items()

    stripped = found_in(compiled(tmp_path, *BARE, "-s"))
    assert "canary-unseen" in stripped
    assert "no-canary" not in stripped
    checked = "void __stack_chk_fail(void) { for (;;); }\nint main(void) { return 0; }"
    assert "no-canary" not in found_in(compiled(tmp_path, *BARE, code=checked))


def test_a_file_that_is_no_elf_is_no_evidence():
    """An unreadable binary was not judged."""
    now = datetime.now(UTC)
    with pytest.raises(Unavailable, match="expected an ELF file"):
        elf.scan(Artifact(b"not one", b"", b"", "", (), {}, now, now))


def test_a_secret_in_the_binary_is_found(tmp_path):
    """What the compiler took from somewhere else is in every device."""
    now = datetime.now(UTC)
    key = b"\x00\x01-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\x00"
    run = credentials.scan_binary(Artifact(b"", key, b"", "", (), {}, now, now))

    [found] = sarif.findings(sarif.merge([run]))
    assert ("app.bin", "private-key", "error") == (found.path, found.rule, found.level)


def log_with(level: str = "error") -> dict:
    """A log with one result."""
    finding = sarif.Finding("a/b.c", 3, "rule-1", level, "bad")
    return sarif.merge([sarif.run("t", "1", (), [finding])])


def test_a_suppressed_finding_stays_in_the_log_with_its_reason_until_its_day():
    """Who answers for it, why, and until when; after that it counts again."""
    answer = Suppression(
        rule="rule-1", path="a/*.c", reason="checked by hand", owner="lead", until=TODAY
    )
    before = sarif.suppress(log_with(), [answer], TODAY)
    after = sarif.suppress(log_with(), [answer], date(2026, 11, 22))

    assert () == sarif.findings(before)
    assert "checked by hand (lead" in json.dumps(before)
    assert 1 == len(sarif.findings(after))
    other = Suppression(
        rule="rule-2", path="*", reason="checked by hand", owner="lead", until=TODAY
    )
    assert 1 == len(sarif.findings(sarif.suppress(log_with(), [other], TODAY)))


def test_an_unknown_level_is_taken_for_the_worst_and_no_level_for_a_warning():
    """SARIF 3.27.10 for the absent one; the unknown one might be anything."""
    log = log_with()
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert "error" == sarif.findings(log)[0].level

    del log["runs"][0]["results"][0]["level"]
    assert "warning" == sarif.findings(log)[0].level


@pytest.mark.parametrize("log", [{}, {"runs": [1]}, {"runs": [{"results": [{}]}]}, {"runs": None}])
def test_what_is_no_sarif_is_no_evidence(log):
    """A log that cannot be read was not clean."""
    with pytest.raises(Unavailable):
        sarif.findings(log)


def test_cppcheck_runs_once_for_one_tree(tree, shelf):
    """The same tree and options come off the shelf."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        first = static.scan(checkout, shelf)
        kept = {path for path in shelf.folder.rglob("*") if path.is_file()}

        assert first == static.scan(checkout, shelf)
        assert kept == {path for path in shelf.folder.rglob("*") if path.is_file()}

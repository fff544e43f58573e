"""The auditor as a process of its own: a folder, a key file, an exit code."""

import json
import subprocess
import sys

import pytest
from tests.ledgers import Ledger, event

from firmward.terms.event import entry

DEVICE = "urn:dev:ops:99999-PUMP-0003"


def audit(*words: object, given: bytes = b"") -> subprocess.CompletedProcess:
    """Run the auditor on its own."""
    command = [sys.executable, "-m", "firmward.audit.cli", *map(str, words)]
    return subprocess.run(command, input=given, capture_output=True, timeout=60)


@pytest.fixture
def visited(ledger_of, tmp_path) -> tuple[Ledger, str]:
    """A ledger of 20 entries, and the option that names its key file."""
    ledger = ledger_of(20)
    key = tmp_path / "ledger.vkey"
    key.write_text(ledger.vkey + "\n")
    return ledger, f"--vkey={key}"


def test_visits_build_on_each_other_and_a_rewritten_past_is_noticed(visited, tmp_path):
    """First visit, growth, rewriting: the kept checkpoint moves only while all is well."""
    ledger, key = visited
    kept = tmp_path / "kept"

    first = audit("verify", ledger.folder, key, f"--since={kept}")
    assert (0, b"") == (first.returncode, first.stderr)
    assert b"20 entries" in first.stdout
    assert b"first visit" in first.stdout
    ledger.grow([event(20)])
    second = audit("verify", ledger.folder, key, f"--since={kept}", "--json")
    assert {"verified": True, "size": 21, "continues": True}.items() <= json.loads(
        second.stdout
    ).items()
    trusted = kept.read_bytes()
    assert trusted == ledger.checkpoint
    ledger.publish([entry(event(99)), *ledger.entries])
    third = audit("verify", ledger.folder, key, f"--since={kept}", "--json")

    assert (1, b"") == (third.returncode, third.stdout)
    assert "RewrittenHistory" == json.loads(third.stderr)["error"]["kind"]
    assert trusted == kept.read_bytes()


def test_an_entry_is_proven_here_and_checked_elsewhere(visited, tmp_path):
    """`prove` writes what `check` accepts from a file or a pipe, without the folder."""
    ledger, key = visited
    proof = audit("prove", ledger.folder, 3, key).stdout
    (tmp_path / "proof.json").write_bytes(proof)

    piped = audit("check", "-", key, given=proof)
    filed = audit("check", tmp_path / "proof.json", key, "--json")

    assert (0, b"entry 3 is on the ledger: event 3\n") == (piped.returncode, piped.stdout)
    assert {"proven": True, "index": 3}.items() <= json.loads(filed.stdout).items()


def test_two_checkpoints_are_proven_to_be_of_one_history(visited, tmp_path):
    """A third party can be shown that nothing was rewritten."""
    ledger, key = visited
    (tmp_path / "earlier").write_bytes(ledger.checkpoint)
    ledger.grow([event(number) for number in range(20, 40)])
    proof = audit("consistency", ledger.folder, tmp_path / "earlier", key).stdout

    checked = audit("check", "-", key, given=proof)

    assert b"the ledger of 40 entries continues that of 20\n" == checked.stdout


def test_a_story_is_told_to_people_and_to_machines(visited):
    """Each line names its entry; an unknown subject is told so."""
    ledger, key = visited
    read = audit("story", ledger.folder, DEVICE, key).stdout.decode().splitlines()
    parsed = json.loads(audit("story", ledger.folder, DEVICE, key, "--json").stdout)
    unknown = audit("story", ledger.folder, "nobody", key)

    assert ["#3", "#10", "#17"] == [line.split()[0] for line in read]
    assert [3, 10, 17] == [line["number"] for line in parsed]
    assert 2 == unknown.returncode
    assert b"nobody: expected a subject" in unknown.stderr


def test_export_gives_every_event_as_one_line(visited):
    """The lines are the ledger, numbered, for other tools."""
    ledger, key = visited
    lines = audit("export", ledger.folder, key).stdout.decode().splitlines()

    assert list(range(20)) == [json.loads(line)["number"] for line in lines]
    assert [json.loads(text) for text in ledger.entries] == [
        json.loads(line)["event"] for line in lines
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("verify", "FOLDER", "--vkey=nowhere"), 2, "nowhere: expected a readable file"),
        (("verify", "nowhere", "KEY"), 3, "checkpoint: expected this file"),
        (("prove", "FOLDER", "20", "KEY"), 2, "expected a number from 0 to 19"),
        (("check", "FOLDER/checkpoint", "KEY"), 1, "proof: expected strict JSON"),
        (("verify", "FOLDER", "--vkey=FOLDER/checkpoint"), 1, "verifier key: expected"),
    ],
)
def test_each_family_of_error_has_its_exit_code_and_one_line(visited, words, code, said):
    """1 refused, 2 the caller's mistake, 3 could not be judged; never a traceback."""
    ledger, key = visited
    spoken = [word.replace("KEY", key).replace("FOLDER", str(ledger.folder)) for word in words]

    answer = audit(*spoken)

    assert (code, b"") == (answer.returncode, answer.stdout)
    assert said in answer.stderr.decode()
    assert 1 == len(answer.stderr.decode().splitlines())

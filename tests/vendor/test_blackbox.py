"""Fuzzing finds each planted defect, explains it, and proves nothing that it did not see."""

import json
import random
import sys

import pytest
from tests.builds import by_script, leaving, now
from tests.devices_under_test import CORPUS, device, script
from typer.testing import CliRunner

from firmward.terms.errors import Malformed, Unavailable
from firmward.vendor.blackbox.campaign import Campaign, Limits
from firmward.vendor.blackbox.cli import app
from firmward.vendor.blackbox.device import Device
from firmward.vendor.blackbox.growth import grows
from firmward.vendor.blackbox.mutate import LONGEST, Mutator, ending
from firmward.vendor.blackbox.result import predicate, sarif
from firmward.vendor.blackbox.shrink import Budget, shrink
from firmward.vendor.blackbox.trial import trial
from firmward.vendor.build.command import build
from firmward.vendor.cache import Shelf
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

DEFECTS = {
    "a buffer that is too short": ("if len(data) > 100: os.abort()", "crash", "died of SIGABRT"),
    "an exit in a parser": ("if b'=' in data: sys.exit(3)", "crash", "ended with 3"),
    "a loop on one byte": (
        "if 7 in data: say(event='hang'); continue",
        "hang",
        "hang",
    ),
    "a reset": ("if data[:1] == b'Z': say(event='watchdog'); continue", "reset", "watchdog"),
    "a boot that nobody asked for": (
        "if len(data) == 33: say(event='boot'); continue",
        "reset",
        "boot",
    ),
    "a late answer": ("if b'2147483647' in data: ms = 5000", "deadline", "later than 200 ms"),
    "a missed duty": (
        "if data.count(b'1') > 2: say(event='deadline', says='no dose'); continue",
        "deadline",
        "no dose",
    ),
    "a leak": ("if data[:3] == b'SET': memory += 24", "growth", "not given back"),
}


def fuzzed(made, inputs=2500, seed=1, corpus=CORPUS, seconds=4):
    """The result of a bounded campaign."""
    with made as at_work:
        return Campaign(at_work, corpus, seed, lambda _: None).run(Limits(seconds, inputs))


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_reproduced_and_shortened(tmp_path, name):
    """Each within a few thousand inputs, with an input a person can read."""
    code, kind, says = DEFECTS[name]
    # The sweep finds these; each costs a process.
    result = fuzzed(device(tmp_path, code), inputs=400 if kind == "crash" else 2500, seconds=20)

    kinds = {found.kind for found in result.findings if found.reproduced}
    assert {kind} == kinds
    [first, *_] = result.findings
    assert says in first.says
    assert 1 == len(first.inputs)
    assert len(first.inputs[0]) <= 101
    assert "FAILED" == predicate(result, CORPUS, 1, {})["result"]


def test_a_sound_device_passes_with_what_was_tried_in_the_result(tmp_path):
    """A pass says how many inputs it is worth, from which corpus and seed."""
    result = fuzzed(device(tmp_path), inputs=600)
    said = predicate(result, CORPUS, 1, {"deadline_ms": 200})

    assert ("PASSED", [], []) == (said["result"], said["warnedTests"], said["failedTests"])
    assert 5 == len(said["passedTests"])
    assert 600 == said["annotations"]["inputs"]
    assert {"seed": 1, "deadline_ms": 200} == said["configuration"][1]["annotations"]
    assert 64 == len(said["configuration"][0]["digest"]["sha256"])
    assert [] == sarif(result, "app.bin")["results"]


def test_the_same_seed_and_corpus_send_the_same_inputs(tmp_path):
    """Whoever doubts a result repeats it; another seed tries something else."""
    log = tmp_path / "log"
    recording = f"open({str(log)!r}, 'ab').write(data + b'|')"
    told = []
    for seed in (1, 1, 2):
        log.unlink(missing_ok=True)
        fuzzed(device(tmp_path, recording), inputs=700, seed=seed)
        told.append(log.read_bytes())

    assert told[0] == told[1] != told[2]


def test_a_silent_device_without_a_clock_of_its_own_hangs(tmp_path):
    """Then real time counts, and the process is replaced."""
    silent = "if b'on' in data:\n    while True: time.sleep(9)"
    result = fuzzed(device(tmp_path, silent, settles=False, deadline_ms=60), inputs=3)

    assert ["hang"] == [found.kind for found in result.findings]
    assert b"on" in result.findings[0].inputs[0]


def test_what_needs_several_inputs_is_told_as_several(tmp_path):
    """A device that arms on one message and fails on the next."""
    armed = "armed = globals().get('armed', 0) + (data[:3] == b'SET')\n"
    fails = "if armed and data[:1] == b'Q': os.abort()\nglobals()['armed'] = armed"
    [found] = fuzzed(device(tmp_path, armed + fails), inputs=500).findings

    assert (2, True) == (len(found.inputs), found.reproduced)
    assert (b"SET", b"Q") == (found.inputs[0][:3], found.inputs[1][:1])


def test_what_cannot_be_reproduced_is_a_warning(tmp_path):
    """A fault of chance is told, with the last inputs, and does not pose as understood."""
    once = f"mark = {str(tmp_path / 'mark')!r}\n"
    once += "if data[:1] == b'Q' and not os.path.exists(mark): open(mark, 'w'); os.abort()"
    result = fuzzed(device(tmp_path, once), inputs=500)

    said = predicate(result, CORPUS, 1, {})
    assert ("WARNED", ["blackbox-crash"]) == (said["result"], said["warnedTests"])
    [reported] = sarif(result, "app.bin")["results"]
    assert ("warning", "blackbox-crash") == (reported["level"], reported["ruleId"])
    assert "not reproduced" in reported["message"]["text"]


def test_memory_that_nobody_reports_is_not_said_to_be_steady(tmp_path):
    """A check that could not be made is in no list, and named as unwatched."""
    path = script(tmp_path)
    path.write_text(path.read_text().replace("memory=memory", "says=''"))
    result = fuzzed(device_at(path), inputs=400)
    said = predicate(result, CORPUS, 1, {})

    assert "blackbox-growth" not in said["passedTests"]
    assert ["blackbox-growth"] == said["annotations"]["unwatched"]


def device_at(path) -> Device:
    """A device whose program lies there."""
    return Device([sys.executable, "-I", str(path)], path.parent, {}, 200)


def test_memory_that_rises_and_settles_is_no_leak():
    """A cache that fills is not what a leak is."""
    assert not grows([min(n * 50, 2000) for n in range(100)])
    assert not grows([1000] * 100)
    assert not grows([1000, 2000])
    assert grows([1000 + 16 * n for n in range(100)])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["/no/such/device"], "cannot be started"),
        ([sys.executable, "-c", "import sys; sys.exit('no board')"], "ended with 1: no board"),
        ([sys.executable, "-c", "print('Welcome to U-Boot')"], "expected a line of docs/blackbox"),
        ([sys.executable, "-c", "print('x' * 2_000_000)"], "expected lines"),
    ],
)
def test_a_device_that_is_absent_or_speaks_something_else_cannot_judge(tmp_path, command, says):
    """Missing evidence; and none of it is a pass."""
    with pytest.raises(Unavailable, match=says):
        fuzzed(Device(command, tmp_path, {}, 100))


def test_shrinking_keeps_the_cause_and_stops_at_its_budget():
    """What is left is needed; a device that is slow to reset is not asked for ever."""

    def still(inputs):
        return b"X" in inputs[-1] and inputs[-1].endswith(b"\n")

    noisy = (b"A\n", b"B\n", b"aaaaaaaaXaaaaaaaaaa\n")
    assert (b"X\n",) == shrink(noisy, still, Budget(200, 1.0, lambda: 0.0))
    assert noisy == shrink(noisy, still, Budget(0, 1.0, lambda: 0.0))
    assert noisy == shrink(noisy, still, Budget(200, 1.0, lambda: 2.0))


def test_inputs_are_bounded_and_mostly_whole_messages():
    """No input grows without end; the corpus's own ending is kept."""
    mutator = Mutator(CORPUS, 3)
    drawn = [mutator.draw(CORPUS) for _ in range(3000)]

    assert max(map(len, drawn)) <= LONGEST + 1
    assert 0.9 < sum(data.endswith(b"\n") for data in drawn) / len(drawn) < 1
    assert len(set(drawn)) > 2000
    assert {bytes([byte]) + b"\n" for byte in range(256)} <= set(mutator.sweep())
    assert (b"\n", b"", b"") == (ending(CORPUS), ending((b"a", b"b")), ending((b"aa", b"ba")))


def test_mutation_survives_any_corpus():
    """Empty entries and binary ones too."""
    rng = random.Random(5)
    for corpus in ((b"",), (b"\n",), (rng.randbytes(40), b"\0")):
        mutator = Mutator(corpus, 1)
        assert all(isinstance(mutator.draw(corpus), bytes) for _ in range(500))


def tried(tree, shelf, rules: str, limits=Limits(20, 300)):  # noqa: B008  a constant
    """A release's black-box test, with these lines in [blackbox]."""
    text = tree.read("pump/firmward.toml")
    start = text.index("[blackbox]")
    end = text.index("\n[", start + 1)
    tree.commit({"pump/firmward.toml": text[:start] + f"[blackbox]\n{rules}\n" + text[end:]})
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        artifact = build(checkout, ("1.0.0", 1), shelf, now)
        return trial(checkout, artifact, shelf, limits=limits)


def test_a_release_is_tested_as_its_project_says_and_once(tree, tmp_path):
    """Command, corpus and seed from the tree; the same binary is not fuzzed twice."""
    by_script(tree, leaving("'firmware'"))
    program = script(tree.folder / "pump", "assert open(sys.argv[1]).read() == 'firmware'")
    shelf = Shelf(tmp_path / "shelf")
    rules = f'command = ["{{python}}", "{program.name}", "{{binary}}"]\ncorpus = "pump/corpus"\n'
    first, again = tried(tree, shelf, rules), tried(tree, shelf, rules)
    other = tried(tree, shelf, rules + "seed = 2\n")

    assert (True, False, True, False) == (first.passed, first.cached, again.cached, other.cached)
    assert first.predicate == again.predicate
    assert 4 == first.predicate["annotations"]["corpusEntries"]
    assert json.dumps(first.predicate)


@pytest.mark.parametrize(
    ("rules", "error", "says"),
    [
        ("", Unavailable, "names no command"),
        ('command = ["{python}", "-c", "0"]\n', Unavailable, "expected a device that boots"),
        ('command = ["flash", "{image}"]\n', Unavailable, "asks for {image}"),
        ('command = ["x"]\ncorpus = "no/such"\n', Malformed, "1 to 1000 files"),
    ],
)
def test_a_release_without_a_device_has_no_evidence(tree, tmp_path, rules, error, says):
    """Never PASSED, and nothing is kept that says so."""
    by_script(tree, leaving("'firmware'"))
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(error, match=says):
        tried(tree, shelf, rules)
    kept = [path.read_bytes() for path in shelf.folder.rglob("*") if path.is_file()]
    assert not any(b"PASSED" in data for data in kept)


def test_the_command_tells_what_it_found_and_fails_a_build(tree, tmp_path):
    """Exit 0 and the numbers for a sound device; exit 1 and a SARIF log for another."""
    by_script(tree, leaving("'firmware'"))
    script(tree.folder / "pump", "if data[:1] == b'Z': say(event='watchdog'); continue")
    rules = 'command = ["{python}", "device.py"]\ncorpus = "pump/corpus"\n'
    with pytest.raises(Unavailable):
        tried(tree, Shelf(tmp_path / "other"), 'command = ["/no/such/device"]\n')
    text = tree.read("pump/firmward.toml").replace('command = ["/no/such/device"]\n', rules)
    tree.commit({"pump/firmward.toml": text})

    shell, pump = CliRunner(env={"FIRMWARD_CACHE": str(tmp_path / "cache")}), tree.folder / "pump"
    # The sweep comes to Z after four entries of the corpus and ninety bytes.
    sound = shell.invoke(app, [str(pump), "--inputs", "50"])
    assert (0, True) == (sound.exit_code, "PASSED: 50 inputs in" in sound.stderr)
    log = tmp_path / "found.sarif"
    failed = shell.invoke(app, [str(pump), "--inputs", "200", "--out", str(log)])
    assert (1, True) == (failed.exit_code, "test failed: blackbox-reset" in failed.stderr)
    [found] = json.loads(log.read_text())["runs"][0]["results"]
    assert "blackbox-reset" == found["ruleId"]

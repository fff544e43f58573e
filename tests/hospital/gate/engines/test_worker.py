"""An engine's process may hang, bloat or die: its caller hears of it in time, and asks again."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.workers import ENDLESS, LIST, MIB, SOUND, answers_rightly, gone, worker

from firmward.hospital.gate.engine import NoAnswer, Question
from firmward.hospital.gate.engines.frames import MOST_SETS
from firmward.hospital.gate.engines.worker import MEMORY, choose


def test_nothing_runs_before_the_first_question_or_after_the_end(name):
    """The process is started for a question, kept for the next, and ended."""
    with worker(name) as asked:
        assert asked.pid is None
        assert answers_rightly(asked)
        pid = asked.pid
        assert answers_rightly(asked)
        assert pid == asked.pid
    assert asked.pid is None
    assert gone(pid)
    assert answers_rightly(asked)
    asked.close()


def test_a_worker_that_is_forgotten_ends_its_process(name):
    """Nobody has to remember to close it."""
    asked = choose(name)
    assert answers_rightly(asked)
    pid = asked.pid
    del asked

    assert gone(pid)


def test_a_formula_without_end_is_no_answer_in_time():
    """The Rust engine has no budget of its own; its process is ended at the deadline."""
    with worker("cel-rust", deadline_s=4) as asked:
        assert answers_rightly(asked)
        pid, started = asked.pid, time.monotonic()
        with pytest.raises(NoAnswer, match=r"rule, got nothing within 4 s"):
            asked.ask((*SOUND, Question("R-3", ENDLESS)), LIST | {"x": 1})

        assert 3.9 < time.monotonic() - started < 8
        assert gone(pid)
        assert answers_rightly(asked)
        assert pid != asked.pid


def test_a_formula_over_its_budget_has_no_value():
    """The C++ engine stops by itself after ten thousand rounds; other rules are answered."""
    with worker("cel-cpp") as asked:
        *sound, over = asked.ask((*SOUND, Question("R-3", ENDLESS)), LIST | {"x": 1})

        assert [True, False] == [answer.condition for answer in sound]
        assert over.condition is None
        assert "budget" in over.error


BOMBS = {
    "strings": "list.map(n, text + text + string(n)).size() > 0",
    "lists": "list.map(n, [text + 'a', text + 'b', text + 'c', text + 'd']).size() > 0",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_formula_that_eats_memory_stays_within_its_limit(name, bomb):
    """A few kilobytes of rule and document that come to gigabytes."""
    data = {"list": list(range(5000)), "text": "x" * MIB}
    with worker(name, deadline_s=60, memory=400 * MIB) as asked:
        assert answers_rightly(asked)
        with pytest.raises(NoAnswer):
            asked.ask((Question("R-3", bomb),), data)

        assert answers_rightly(asked)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert most < MEMORY


def test_a_process_killed_while_it_answers_is_no_answer():
    """Whoever kills it, the answers so far count for nothing, and the next question is answered."""
    with worker("cel-rust", deadline_s=60) as asked, ThreadPoolExecutor(1) as thread:
        assert answers_rightly(asked)
        pid = asked.pid
        answer = thread.submit(asked.ask, (*SOUND, Question("R-3", ENDLESS)), LIST | {"x": 1})
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(NoAnswer, match=r"got the end of its process \(signal 9\)"):
            answer.result(timeout=30)

        assert answers_rightly(asked)
        assert pid != asked.pid


def test_a_process_that_died_in_its_sleep_is_replaced(name):
    """It was asked nothing, so nothing is lost."""
    with worker(name) as asked:
        assert answers_rightly(asked)
        pid = asked.pid
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)

        assert answers_rightly(asked)
        assert pid != asked.pid


def test_a_process_that_is_stopped_is_no_answer_in_time(name):
    """Neither dead nor alive: the deadline holds for waiting too."""
    with worker(name, deadline_s=4) as asked:
        assert answers_rightly(asked)
        os.kill(asked.pid, signal.SIGSTOP)
        with pytest.raises(NoAnswer, match="nothing within 4 s"):
            asked.ask(SOUND, {"x": 1, "much": "x" * MIB})

        assert answers_rightly(asked)


def test_a_check_meets_the_same_limits(name):
    """A formula made to break the parser breaks only the process."""
    with worker(name) as asked:
        for formula in ("(" * 1000 + "1" + ")" * 1000, "!" * 2000 + "x", "x" + "[0]" * 600):
            try:
                problem = asked.check(formula, ["x"])
            except NoAnswer as error:
                problem = str(error)
            assert isinstance(problem, str)

        assert "" == asked.check("x == 1", ["x"])
        assert answers_rightly(asked)


def test_threads_get_each_their_own_answers(name):
    """One process serves all of them, one after the other."""

    def asks(number: int) -> bool:
        question = (Question(f"R-{number}", f"x == {number}"),)
        right = asked.ask(question, {"x": number})[0]
        wrong = asked.ask(question, {"x": number + 1})[0]
        return (right.rule, right.condition, wrong.condition) == (f"R-{number}", True, False)

    with worker(name, deadline_s=60) as asked, ThreadPoolExecutor(8) as threads:
        assert all(threads.map(asks, range(80)))


def test_more_sets_of_questions_than_are_kept_are_all_answered(name):
    """What the process has dropped is sent again."""
    sets = [(Question("R-1", f"x == {number}"),) for number in range(2 * MOST_SETS + 3)]
    with worker(name) as asked:
        for _ in range(2):
            for number, questions in enumerate(sets):
                assert asked.ask(questions, {"x": number})[0].condition is True
                assert asked.ask(questions, {"x": -1})[0].condition is False


def test_questions_in_a_list_that_changes_are_asked_as_they_are_now(name):
    """The same object need not be the same question."""
    questions = [Question("R-1", "x == 1")]
    with worker(name) as asked:
        assert asked.ask(questions, {"x": 1})[0].condition is True
        questions[0] = Question("R-1", "x == 2")
        assert asked.ask(questions, {"x": 1})[0].condition is False


def test_whoever_waits_for_another_waits_no_longer_than_for_an_answer():
    """A call that hangs does not hang those behind it for ever."""
    with worker("cel-rust", deadline_s=5) as asked, ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(asked.ask, (Question(f"R-{n}", ENDLESS),), LIST) for n in range(2)]
        found = [answer.exception(timeout=30) for answer in slow]

        assert {NoAnswer} == set(map(type, found))
        assert answers_rightly(asked)


def test_the_process_has_its_limits_and_nothing_of_ours(name):
    """No file of the parent's, none of its environment, little memory and no core dumps."""
    with worker(name) as asked:
        assert answers_rightly(asked)
        process = Path(f"/proc/{asked.pid}")
        limits = {
            line[:25].strip(): line[26:].split()[:2]
            for line in (process / "limits").read_text().splitlines()
        }
        open_files = {entry.name for entry in (process / "fd").iterdir()}
        environment = (process / "environ").read_bytes().split(b"\0")

    assert [str(MEMORY)] * 2 == limits["Max address space"]
    assert ["0", "0"] == limits["Max core file size"]
    assert ["0", "0"] == limits["Max file size"]
    assert ["16", "16"] == limits["Max open files"]
    assert int(limits["Max cpu time"][0]) < 60
    assert {"0", "1", "2"} == open_files
    assert {b"PATH=/usr/bin:/bin", b"LC_ALL=C.UTF-8", b""} == set(environment)


PARENT = """
import os, signal, sys, threading, time
from firmward.hospital.gate.engine import Question
from firmward.hospital.gate.engines.worker import Worker
worker = Worker(sys.argv[1], deadline_s=2)
worker.ask((Question("R-1", "true"),), {})
print(worker.pid, flush=True)
if sys.argv[2] == "busy":
    ask = lambda: worker.ask((Question("R-2", sys.argv[3]),), {"list": list(range(300))})
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.5)
if sys.argv[2] == "raise":
    raise SystemExit("enough")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("engine", "how"), [("cel-cpp", "idle"), ("cel-rust", "busy"), ("cel-cpp", "raise")]
)
def test_the_process_does_not_outlive_its_parent(engine, how):
    """Killed while the process is idle, or busy for hours to come; or simply at its end."""
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, engine, how, ENDLESS], capture_output=True, text=True
    )

    assert parent.returncode == (1 if how == "raise" else -signal.SIGKILL)
    assert gone(int(parent.stdout))


def test_the_process_imports_only_what_it_needs():
    """Each start costs what is imported: no database, no server, no parser of anything else."""
    script = "import firmward.hospital.gate.engines.child, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    ours = {module for module in done.stdout.split() if module.startswith("firmward.")}
    theirs = {module.partition(".")[0] for module in done.stdout.split()}

    assert {
        "firmward.hospital",
        "firmward.hospital.gate",
        "firmward.hospital.gate.engine",
        "firmward.hospital.gate.engines",
        "firmward.hospital.gate.engines.child",
        "firmward.hospital.gate.engines.direct",
        "firmward.hospital.gate.engines.frames",
        "firmward.terms",
        "firmward.terms.errors",
    } == ours
    assert set() == theirs & {"sqlalchemy", "yaml", "json", "subprocess", "socket", "threading"}


def test_an_interrupt_leaves_no_late_reply_behind():
    """A call cut short by its caller costs the process, or its answer would meet the next."""
    with worker("cel-rust", deadline_s=60) as asked:
        assert answers_rightly(asked)
        pid = asked.pid
        main = threading.main_thread().ident
        timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            asked.ask((Question("R-3", ENDLESS),), LIST)
        timer.join()

        assert gone(pid)
        assert answers_rightly(asked)

"""CEL by cel-rust, independent of the reference implementation, in this process.

It has no budget of any kind: see `worker`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import cel

from firmward.hospital.gate.engine import Answer, Evaluate, Fault, Question, answers, line, plain
from firmward.terms.versions import precedence

PACKAGE: Final = "common-expression-language"
_MOST_FORMULAS: Final = 4096
_FUNCTIONS: Final = {"semver_cmp": precedence}
_STANDARD: Final = (
    "bool bytes contains double duration dyn endsWith getDate getDayOfMonth getDayOfWeek "
    "getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds has int "
    "matches size startsWith string timestamp type uint"
)
_NAMES: Final = frozenset({*_STANDARD.split(), *_FUNCTIONS})
_WORD: Final = re.compile(r"[A-Za-z]\w*\Z")
_LITERAL: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")


class Rust:
    """The Rust engine; what it compiles it keeps."""

    def __init__(self) -> None:
        self._compiled: dict[str, cel.Program | Fault] = {}

    @property
    def name(self) -> str:
        """Package and version."""
        from importlib.metadata import version

        return f"{PACKAGE} {version(PACKAGE)}"

    def ask(self, questions: Sequence[Question], data: Mapping[str, Any]) -> tuple[Answer, ...]:
        """One answer to each question.  Raises Malformed."""
        return answers(questions, self.evaluator(plain(data)))

    def check(self, formula: str, variables: Iterable[str]) -> str:
        """What is wrong with a formula over these variables, or "".

        It has no types before it runs, so it finds fewer problems than the C++ engine.
        """
        program = _program(formula)
        if isinstance(program, Fault):
            return str(program)
        bound = set(_BOUND.findall(_LITERAL.sub("''", formula)))
        if unknown := set(program.variables()) - set(variables) - bound:
            return f"undeclared reference to {', '.join(sorted(unknown))}"
        called = {name for name in program.functions() if _WORD.match(name)}
        if unknown := called - _NAMES:
            return f"no function called {', '.join(sorted(unknown))}"
        return ""

    def evaluator(self, data: Mapping[str, Any]) -> Evaluate:
        """Evaluates formulas over a document that `plain` has let through."""
        context = cel.Context(dict(data), _FUNCTIONS)
        known = self._compiled

        def evaluate(formula: str) -> object:
            program = known.get(formula)
            if program is None:
                if len(known) >= _MOST_FORMULAS:
                    known.clear()
                program = known[formula] = _program(formula)
            return program if isinstance(program, Fault) else _run(program, context)

        return evaluate


def _program(formula: str) -> cel.Program | Fault:
    try:
        return cel.compile(formula)
    except BaseException as error:  # noqa: BLE001 - see _fault
        return _fault(error)


def _run(program: cel.Program, context: cel.Context) -> object:
    try:
        return program.execute(context)
    except BaseException as error:  # noqa: BLE001 - see _fault
        return _fault(error)


def _fault(error: BaseException) -> Fault:
    """The error as a formula's own; what is not its own is raised again.

    A panic in Rust arrives as an exception of its own kind, outside the family of Exception.
    """
    own = isinstance(error, Exception) and not isinstance(error, MemoryError)
    if own or type(error).__name__ == "PanicException":
        return Fault(line(f"{type(error).__name__}: {error}"))
    raise error

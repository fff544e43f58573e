"""CEL by cel-cpp, the reference implementation, in this process.

It has a budget of iterations for each formula, and none for time or memory: see `worker`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from firmward.hospital.gate.engine import Answer, Evaluate, Fault, Question, answers, line, plain
from firmward.terms.versions import precedence

PACKAGE: Final = "cel-expr-python"
_MOST_FORMULAS: Final = 4096


class Cpp:
    """The C++ engine; what it compiles it keeps."""

    def __init__(self) -> None:
        self._environment = _environment(frozenset())
        self._compiled: dict[str, cel.Expression | Fault] = {}

    @property
    def name(self) -> str:
        """Package and version."""
        # Costs 10 ms that a child process, which is never asked its name, does without.
        from importlib.metadata import version

        return f"{PACKAGE} {version(PACKAGE)}"

    def ask(self, questions: Sequence[Question], data: Mapping[str, Any]) -> tuple[Answer, ...]:
        """One answer to each question.  Raises Malformed."""
        return answers(questions, self.evaluator(plain(data)))

    def check(self, formula: str, variables: Iterable[str]) -> str:
        """What is wrong with a formula over these variables, or ""."""
        try:
            _environment(frozenset(variables)).compile(formula)
        except (RuntimeError, ValueError, TypeError) as error:
            return line(error)
        return ""

    def evaluator(self, data: Mapping[str, Any]) -> Evaluate:
        """Evaluates formulas over a document that `plain` has let through."""
        activation = self._environment.Activation(data)
        known = self._compiled

        def evaluate(formula: str) -> object:
            expression = known.get(formula)
            if expression is None:
                expression = self._compile(formula)
            if isinstance(expression, Fault):
                return expression
            try:
                value = expression.eval(activation)
                plain = value.plain_value()
                if plain is True or plain is False:
                    return plain
                # Errors come back as values: taken for truth, a missing member would pass.
                kind = value.type().name()
                return Fault(line(value)) if kind in ("ERROR", "UNKNOWN") else plain
            except (RuntimeError, ValueError, TypeError) as error:
                return Fault(line(error))

        return evaluate

    def _compile(self, formula: str) -> Any:
        if len(self._compiled) >= _MOST_FORMULAS:
            self._compiled.clear()
        try:
            # Names are looked up when it runs, so that an absent variable is an error like an
            # absent member; rules were checked against what there is when they were loaded.
            expression = self._environment.compile(formula, disable_check=True)
        except (RuntimeError, ValueError, TypeError) as error:
            expression = Fault(line(error))
        self._compiled[formula] = expression
        return expression


@lru_cache(maxsize=16)
def _environment(variables: frozenset[str]) -> cel.Env:
    """CEL over variables of any type, with semver_cmp."""
    compare = cel.Overload(
        "semver_cmp_string_string",
        return_type=cel.Type.INT,
        parameters=[cel.Type.STRING, cel.Type.STRING],
        impl=precedence,
    )
    return cel.NewEnv(
        variables=dict.fromkeys(sorted(variables), cel.Type.DYN),
        functions=[cel.FunctionDecl("semver_cmp", [compare])],
    )

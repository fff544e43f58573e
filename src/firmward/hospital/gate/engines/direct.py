"""An engine by the name that hospital.toml gives it, in this process."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from firmward.hospital.gate.engine import Engine, Evaluate
from firmward.terms.errors import Misuse

ENGINES: Final = ("cel-cpp", "cel-rust")
DEFAULT: Final = "cel-cpp"


class Direct(Engine, Protocol):
    """An engine that also evaluates over what has been checked already."""

    def evaluator(self, data: Mapping[str, Any]) -> Evaluate:
        """Evaluates formulas over a document that `plain` has let through."""


def direct(name: str) -> Direct:
    """The engine of that name, without limits on time and memory.  Raises Misuse."""
    # Only the one that is asked for is loaded: the Rust one takes longer than all else together.
    if name == "cel-cpp":
        from firmward.hospital.gate.engines.cpp import Cpp

        return Cpp()
    if name == "cel-rust":
        from firmward.hospital.gate.engines.rust import Rust

        return Rust()
    raise Misuse(f"rule engine: expected {' or '.join(ENGINES)}, got {name!r:.40}")

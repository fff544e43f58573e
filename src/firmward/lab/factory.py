"""Images and boards ready to use, for scenarios and tests of every package."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from firmward.lab.board import Board
from firmward.lab.toolchain import compile_firmware, firmware_tree, new_key, pack
from firmward.terms.errors import Unavailable

_STEP_MS = 50


@dataclass
class Factory:
    """One vendor's factory: its firmware key, its boot stage, its images, each built once.

    keys    private and public PEM of the vendor's firmware key
    """

    app: str = "pump"
    tree: Path = field(default_factory=firmware_tree)
    keys: tuple[bytes, bytes] = field(default_factory=new_key)
    _made: dict[tuple[object, ...], bytes] = field(default_factory=dict, repr=False)

    def boot_stage(self) -> bytes:
        """The boot stage's binary."""
        return self._once(("boot",), lambda: compile_firmware(self.tree, "boot").binary)

    def code(self, version: str, counter: int, **defines: object) -> bytes:
        """An application's binary, not yet an image."""

        def build() -> bytes:
            built = compile_firmware(self.tree, self.app, defines, version=version, counter=counter)
            return built.binary

        return self._once(("code", version, counter, *sorted(defines.items())), build)

    def image(self, version: str = "1.0.0", counter: int = 1, **defines: object) -> bytes:
        """An image signed by the vendor; `defines` are values of config.h, as HANG=1."""
        return self.sign(self.code(version, counter, **defines), version, counter)

    def fallback(self, version: str, built_as: int, counter: int) -> bytes:
        """The code of an earlier release, signed again under a later counter."""
        return self.sign(self.code(version, built_as), version, counter)

    def sign(self, code: bytes, version: str, counter: int, *, key: bytes | None = None) -> bytes:
        """The code packed and signed, by `key` if it is not the vendor's own."""
        private = key or self.keys[0]
        return self._once(
            ("image", code, version, counter, private),
            lambda: pack(code, private, version=version, counter=counter),
        )

    def board(self, home: Path, *, image: bytes | None = None, seed: int = 1) -> Board:
        """A new board with an image confirmed in slot 0; still without power."""
        first = self.image() if image is None else image
        return Board.manufacture(home, self.boot_stage(), first, self.keys[1], seed)

    def _once(self, what: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]


def lines_until(board: Board, start: str, *, within_ms: int) -> list[str]:
    """Run the board until it sends a line that begins so; all its lines, that one among them."""
    lines = board.read()
    waited = 0
    while not any(line.startswith(start) for line in lines):
        if waited >= within_ms:
            raise Unavailable(f"{board!r}: expected {start!r} within {within_ms} ms, got {lines}")
        board.run(min(_STEP_MS, within_ms - waited))
        waited += _STEP_MS
        lines += board.read()
    return lines


def fields(line: str) -> dict[str, str]:
    """The name=value fields of a line the board sent."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)

"""imgtool's own `sign` command, run in this process: MCUboot's tool, without a Python of its own.

A release packs two images, and a lab packs many; starting an interpreter for each costs more than
all else that imgtool does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmward.terms.errors import Misuse


def imgtool_sign(who: str, options: Sequence[str], source: Path, target: Path) -> bytes:
    """What `imgtool sign OPTIONS source target` leaves in `target`.

    Paths in the options are absolute, since this process has a folder of its own.

    raises  Misuse for whatever imgtool does not accept
    """
    from imgtool import image
    from imgtool.main import sign

    # It prints what it signs; our standard output is for results, and shared by all threads.
    vars(image)["print"] = _unheard
    words = [*options, str(source), str(target)]
    try:
        sign.main(words, "imgtool sign", standalone_mode=False)
    # imgtool ends by click's errors, by plain ones and by sys.exit, as it comes.
    except (Exception, SystemExit) as error:
        raise Misuse(f"imgtool: {who}: {str(error)[-300:] or type(error).__name__}") from error
    return target.read_bytes()


def _unheard(*_: Any, **__: Any) -> None:
    """Nobody listens."""

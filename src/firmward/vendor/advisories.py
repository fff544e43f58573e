"""The vendor's own snapshot of advisories, and what it says of a tree's components."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from firmward.advisories.identity import Component
from firmward.advisories.index import Index
from firmward.advisories.match import Match, match
from firmward.advisories.mirror import opened
from firmward.advisories.vex import Statement
from firmward.advisories.vex_formats import read
from firmward.terms.errors import Unavailable
from firmward.terms.wire import MIB
from firmward.vendor.cache import default_folder
from firmward.vendor.source.checkout import Checkout

# More than any official file; a reader refuses by its own limit long before.
_LIMIT: Final = 1024 * MIB


def load(path: Path) -> Index:
    """The snapshot at a path: an index, or a folder with `osv/`, `kev.json` and their like.

    raises  Unavailable where a part is absent, Malformed
    """
    return opened(path, default_folder())


def matched(
    tree: Checkout, components: Sequence[Component], version: str, index: Index, now: datetime
) -> tuple[Match, ...]:
    """Every answer for the components, with the tree's VEX statements applied.

    version  of the release, which statements may name as the product
    raises   Unavailable when the snapshot is older than the project allows: what nobody looked up
             lately is no evidence; Malformed for a VEX document that is none
    """
    rules = tree.project.advisories
    age = index.age(now)
    if age > timedelta(days=rules.max_age_days):
        raise Unavailable(
            f"advisories: expected a snapshot of at most {rules.max_age_days:g} days,"
            f" got one of {age / timedelta(days=1):.1f} days"
        )
    statements = [said for path in rules.vex for said in _statements(tree.root / path, path)]
    product = f"pkg:generic/{tree.project.vendor}/{tree.project.product}"
    names = (product, f"{product}@{version}")
    return match(components, index, now, vex=statements, product=names)


def _statements(path: Path, name: str) -> tuple[Statement, ...]:
    return read(_bytes(path), name)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte beyond the limit is enough for the reader to refuse it.
            return file.read(_LIMIT + 1)
    except OSError as error:
        raise Unavailable(f"advisories: {path}: {error.strerror}") from error

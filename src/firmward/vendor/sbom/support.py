"""Until when each part is supported: by the project's own files, else as upstream announced it.

What neither knows stays unknown; a date is never guessed from a release rhythm.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, structs

from firmward.binaries.names import bare
from firmward.terms.errors import Malformed
from firmward.vendor.sbom import known
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import Tree

_TABLE: Final = "support.toml"


class Support(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[support]]: a branch of a part, and its last day with security repairs.

    level  given by whoever knows more than the date tells, such as a vendor who repairs it himself
    """

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    branch: Annotated[str, Meta(max_length=64)] = ""
    end_of_support: date
    level: Literal["maintained", "not_maintained", "abandoned", ""] = ""

    def of(self, part: Found) -> bool:
        """Whether it speaks of this part in this version: 3.1 is no branch of 3.10."""
        recognised = known.recognised(part.name, part.purl)
        names = {bare(part.name), bare(recognised.name) if recognised else ""}
        same = bare(self.name) in names
        rest = part.version.removeprefix(self.branch)
        within = part.version.startswith(self.branch) and not rest[:1].isdigit()
        return same and (not self.branch or within)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    support: tuple[Support, ...] = ()


def told(tree: Tree, listed_in: Sequence[str]) -> tuple[Support, ...]:
    """What the project's files say, in their order.  Raises Malformed."""
    return tuple(each for path in listed_in for each in _read(tree.text(path), path))


def _read(text: str, who: str) -> tuple[Support, ...]:
    try:
        return msgspec.convert(tomllib.loads(text), _File).support
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise Malformed(who, "[[support]] tables", str(error)[:200]) from error


@cache
def announced() -> tuple[Support, ...]:
    """What upstreams announced, as far as our table knows."""
    return _read((files("firmward.vendor.sbom") / _TABLE).read_text("utf-8"), _TABLE)


def supported(parts: Iterable[Found], own: Sequence[Support], today: date) -> Iterator[Found]:
    """The parts, each with level and end of support where somebody told."""
    for part in parts:
        said = next((each for each in (*own, *announced()) if each.of(part)), None)
        if said is None or part.end_of_support is not None:
            yield part
            continue
        over = said.end_of_support < today
        level = said.level or ("not_maintained" if over else "maintained")
        yield structs.replace(part, support_level=level, end_of_support=said.end_of_support)

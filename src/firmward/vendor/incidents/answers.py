"""The vendor's answers to incidents: a file of the tree, so each is signed with the commit."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from firmward.terms.errors import Malformed
from firmward.terms.incident import Incident
from firmward.terms.names import Version
from firmward.terms.versions import triple

LIMIT: Final = 256 * 1024


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[answer]]: fixed in a version, or why not and who says so."""

    incident: Annotated[str, Meta(min_length=3, max_length=80)]
    fixed_in: Version | None = None
    why_not: Annotated[str, Meta(max_length=1000)] = ""
    owner: Annotated[str, Meta(max_length=100)] = ""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The incidents of a product, with what a release says to each.

    open  incident -> why it counts as unanswered
    """

    incidents: tuple[Incident, ...]
    answers: Mapping[str, Answer]
    open: Mapping[str, str]

    @property
    def predicate(self) -> dict[str, Any]:
        """What goes to hospitals with the release."""
        return {
            "answers": [
                {"incident": each.name, "cause": each.cause} | _said(self.answers[each.name])
                for each in self.incidents
                if each.name in self.answers and each.name not in self.open
            ]
        }


def read(root: Path, path: str) -> tuple[Answer, ...]:
    """The answers in a file of the tree; none where no file is named.  Raises Malformed."""
    if not path:
        return ()
    try:
        data = (root / path).read_bytes()
        if len(data) > LIMIT:
            raise Malformed(path, f"at most {LIMIT} bytes", f"{len(data)} bytes")
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), _File).answer
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise Malformed(path, "[[answer]] tables", str(error)[:200]) from error


def answered(
    incidents: Sequence[Incident], answers: Sequence[Answer], product: str, version: str
) -> Answered:
    """Each incident of the product with its answer in a release of this version."""
    ours = tuple(each for each in incidents if each.product in ("", product))
    given = {answer.incident: answer for answer in answers}
    return Answered(ours, given, dict(_unanswered(ours, given, version)))


def _unanswered(
    incidents: Sequence[Incident], given: Mapping[str, Answer], version: str
) -> Iterator[tuple[str, str]]:
    for each in incidents:
        answer = given.get(each.name)
        if answer is None:
            yield each.name, f"{each.subject}: expected fixed_in or why_not, got no answer"
        elif answer.fixed_in is not None:
            if not _reached(answer.fixed_in, version):
                yield each.name, f"fixed in {answer.fixed_in}, and this release is {version}"
        elif len(answer.why_not) < 10 or not answer.owner:
            yield each.name, f"{each.subject}: expected why_not with an owner"


def _reached(fixed: str, version: str) -> bool:
    """Whether this version already has the fix; one that cannot be ordered has not."""
    wanted, ours = triple(fixed), triple(version)
    return wanted is not None and ours is not None and ours >= wanted


def _said(answer: Answer) -> dict[str, str]:
    if answer.fixed_in is not None:
        return {"fixedIn": answer.fixed_in}
    return {"whyNot": answer.why_not, "owner": answer.owner}

"""What the gate reads of the vendor's own examinations: its threat model and its black-box test.

As in `predicates`: members that are not read are skipped, and what is read is read strictly.
"""

from typing import Annotated, Literal

from msgspec import Meta

from firmward.hospital.gate.listed import OpenThreat
from firmward.hospital.gate.predicates import Read
from firmward.terms.names import Sha256

_Word = Annotated[str, Meta(min_length=1, max_length=256)]
_Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z", max_length=64)]
_Checks = Annotated[tuple[_Word, ...], Meta(max_length=512)]


class _Digest(Read, frozen=True, kw_only=True):
    sha256: Sha256


class _Model(Read, frozen=True, kw_only=True):
    covers: Annotated[tuple[_Word, ...], Meta(min_length=1, max_length=4096)]
    digest: _Digest


class _Open(Read, frozen=True, kw_only=True):
    threat: _Word
    stride: _Word
    element: _Word
    vector: _Word
    band: Literal["acceptable", "tolerable", "unacceptable"]


class _Drift(Read, frozen=True, kw_only=True):
    rule: _Slug
    says: Annotated[str, Meta(max_length=2048)]


class ThreatModel(Read, frozen=True, kw_only=True):
    """A vendor's threat model held against one release.

    Both lists have to be there: a statement that leaves one out has not looked.
    """

    method: _Word
    model: _Model
    open: Annotated[tuple[_Open, ...], Meta(max_length=4096)]
    drift: Annotated[tuple[_Drift, ...], Meta(max_length=512)]

    def version(self, release: str) -> str:
        """The release's version where the model covers it, else the last that it does cover."""
        return release if release in self.model.covers else self.model.covers[-1]

    def open_threats(self) -> tuple[OpenThreat, ...]:
        """What nobody has dealt with, tolerable or not: where the line is, is the gate's to say."""
        return tuple(
            OpenThreat(
                id=each.threat,
                element=each.element,
                band=each.band,
                stride=each.stride,
                vector=each.vector,
            )
            for each in self.open
        )

    def drifted(self) -> tuple[str, ...]:
        """Where model and release do not agree, a line each."""
        return tuple(f"{each.rule}: {each.says}" for each in self.drift)


class _Effort(Read, frozen=True, kw_only=True):
    inputs: Annotated[int, Meta(ge=0)]
    seconds: Annotated[float, Meta(ge=0)]


class BlackBox(Read, frozen=True, kw_only=True):
    """An in-toto test result v0.1 of a black-box test; `annotations` say how hard it tried."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    annotations: _Effort
    passed_tests: _Checks = ()
    warned_tests: _Checks = ()
    failed_tests: _Checks = ()

    def kinds(self) -> tuple[str, ...]:
        """`fuzz`; nothing where no input was sent or nobody watched what it did."""
        watched = self.passed_tests or self.warned_tests or self.failed_tests
        return ("fuzz",) if self.annotations.inputs and watched else ()

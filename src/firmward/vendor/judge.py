"""The vendor's own gate: what must not even be offered to a hospital.

It is narrower than any hospital's: it stops what is certainly wrong and what could not be judged,
and leaves to each hospital where it draws its line.
"""

from collections.abc import Iterator, Mapping

from firmward.terms.errors import Unavailable
from firmward.vendor.examine import Examined
from firmward.vendor.request import ReleaseRefused


def refuse(name: str, examined: Examined) -> None:
    """Stop a release for any open error, exploited vulnerability or unanswered incident.

    raises  ReleaseRefused naming each; Unavailable when a part gave no answer
    """
    complete(name, examined.missing)
    found = list(reasons(examined))
    if found:
        raise ReleaseRefused(name, found)


def complete(name: str, missing: Mapping[str, str]) -> None:
    """Stop what rests on answers that are missing.

    missing  part -> why it gave no answer
    raises   Unavailable naming each
    """
    if missing:
        parts = "; ".join(f"{part}: {why}" for part, why in missing.items())
        raise Unavailable(f"{name}: evidence is missing: {parts}")


def reasons(examined: Examined) -> Iterator[str]:
    """Everything that stands against a release, as far as it could be judged."""
    yield from map(str, examined.errors)
    for found in examined.matches:
        if found.exploited and found.status != "not_affected":
            what = f"{found.component.name} {found.component.version}"
            yield (
                f"{what}: {found.cve or found.advisory} is known to be exploited and the component"
                f" is {found.status}: {found.reason}"
            )
    for name, why in examined.answered.open.items():
        yield f"incident {name}: {why}"

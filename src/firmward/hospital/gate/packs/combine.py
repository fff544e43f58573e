"""Packs and overlays, combined into the one policy that the gate judges by."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from firmward.hospital.gate.packs.overlay import Laid, Overlay, laid
from firmward.hospital.gate.packs.read import Pack, parameters_read
from firmward.hospital.gate.packs.schema import Bound
from firmward.hospital.gate.policy import Adopted, Policy, Source
from firmward.hospital.gate.rules import Clause
from firmward.terms.errors import Malformed


def combine(packs: Iterable[Pack], overlays: Sequence[tuple[Overlay, Source]] = ()) -> Policy:
    """The policy of these packs, with the overlays laid over them in their order.

    A rule warns until its `effective_from`, or the day that an overlay gives it.
    raises  Malformed for packs that cannot be in force together; OutOfBounds for an overlay that
            asks for less than they allow
    """
    listed = sorted(packs, key=lambda pack: pack.id)
    held = united(listed)
    for overlay, _ in overlays:
        held = laid(held, overlay)
    return Policy(
        packs=tuple(pack.source for pack in listed),
        overlays=tuple(source for _, source in overlays),
        rules=tuple(held.rules[rule] for rule in sorted(held.rules)),
        parameters=held.parameters,
        clauses=_clauses(listed),
    )


def united(packs: Sequence[Pack]) -> Laid:
    """Rules, parameters and bounds of all packs, each rule and each parameter of one pack only."""
    if not packs:
        raise Malformed("policy", "a pack at least", "none")
    rules: dict[str, Adopted] = {}
    values: dict[str, Any] = {}
    bounds: dict[str, Bound] = {}
    owner: dict[str, str] = {}
    for pack in packs:
        for name in (*(rule.id for rule in pack.rules), *pack.parameters):
            if name in owner:
                raise Malformed(pack.name, f"{name} in one pack", f"also in {owner[name]}")
            owner[name] = pack.name
        values.update(pack.parameters)
        bounds.update(pack.bounds)
        rules.update(_adopted(pack))
    for asked in rules.values():
        if unknown := parameters_read(asked.rule) - values.keys():
            expected = "parameters of the packs in force"
            raise Malformed(f"{asked.pack} {asked.rule.id}", expected, ", ".join(sorted(unknown)))
    return Laid(rules=rules, parameters=values, defaults=values, bounds=bounds)


def _adopted(pack: Pack) -> dict[str, Adopted]:
    return {
        rule.id: Adopted(
            rule=rule,
            pack=pack.name,
            cites=pack.cites(rule),
            binds_from=rule.effective_from,
        )
        for rule in pack.rules
    }


def _clauses(packs: Sequence[Pack]) -> Mapping[str, Clause]:
    """Every clause by id; packs may share one, and then say the same of it."""
    found: dict[str, Clause] = {}
    for pack in packs:
        for name, clause in pack.clauses.items():
            if found.setdefault(name, clause) != clause:
                raise Malformed(
                    f"{pack.name} clauses.yaml", f"{name} as in the other packs", "another text"
                )
    return found

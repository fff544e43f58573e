"""`threats.yaml`: the product as its attackers meet it, and the vendor's answer to each threat.

A model is read from the commit that is released.  Its answers are claims: `assess` believes a
mitigation only where the evidence it names holds.
"""

from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta

from firmward.terms.errors import Malformed

LIMIT: Final = 512 * 1024

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
Says = Annotated[str, Meta(min_length=3, max_length=1000)]
Grade = Annotated[int, Meta(ge=1, le=5)]
Exposure = Literal["network", "adjacent", "local", "physical"]
"""From where it is reached, as CVSS names attack vectors."""

Kind = Literal[
    "uart", "usb", "can", "spi", "i2c", "debug-port", "bluetooth", "wifi", "ethernet", "cellular",
    "nfc", "lora", "http", "mqtt", "dicom", "telnet", "ssh", "modbus", "buttons", "display",
    "removable-media", "firmware-update", "gpio",
]  # fmt: skip
"""What an interface is made of; `drift` looks for each in the binary."""

Status = Literal["mitigated", "accepted", "transferred", "not-applicable", "open"]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object of the file; a misspelt member is an error, not a default."""


class Zone(_Section, frozen=True, kw_only=True):
    """A trust zone; a flow between two zones crosses a trust boundary."""

    id: Id
    name: Says
    trusted: bool = False


class Asset(_Section, frozen=True, kw_only=True):
    """What is worth protecting, and the patient harm (1 to 5) of losing each quality of it."""

    id: Id
    name: Says
    confidentiality: Grade = 1
    integrity: Grade = 1
    availability: Grade = 1


class Part(_Section, frozen=True, kw_only=True):
    """A process or store inside the product.

    implements  names of SBOM components that it is made of
    assets      what it holds
    """

    id: Id
    name: Says
    zone: Id
    implements: tuple[str, ...] = ()
    assets: tuple[Id, ...] = ()


class Interface(_Section, frozen=True, kw_only=True):
    """A way into a part."""

    id: Id
    name: Says
    kind: Kind
    part: Id
    exposure: Exposure
    authenticated: bool = False
    encrypted: bool = False


class Outside(_Section, frozen=True, kw_only=True):
    """A person or system that the product talks with."""

    id: Id
    name: Says
    zone: Id


class Flow(_Section, frozen=True, kw_only=True):
    """Data that goes from one part or outsider to another, through an interface."""

    id: Id
    name: Says
    source: Id
    target: Id
    interface: Id | Literal[""] = ""
    assets: tuple[Id, ...] = ()


class Mitigation(_Section, frozen=True, kw_only=True):
    """A control of the library that is in place, and what shows it.

    evidence  `scan:SCANNER/RULE` it looked for this and found none; `statement:NAME` evidence of
              this name exists; `test:NAME` that test passed; `file:PATH` a file of the tree
    """

    control: Id
    evidence: tuple[Annotated[str, Meta(pattern=r"^(scan|statement|test|file):\S{1,200}\Z")], ...]


class Answer(_Section, frozen=True, kw_only=True):
    """What the vendor says of one threat on some elements.

    where   element ids; empty for every element that it applies to (YAML 1.1 reads `on` as true)
    why     needed for every status but `mitigated`
    owner, until   who answers for an accepted risk, and until when
    """

    threat: Id
    where: tuple[Id, ...] = ()
    status: Status
    mitigations: tuple[Mitigation, ...] = ()
    why: str = ""
    owner: str = ""
    until: date | None = None


class Model(_Section, frozen=True, kw_only=True):
    """The whole file.

    covers    versions of the product that it was reviewed for
    """

    system: Says
    covers: Annotated[tuple[str, ...], Meta(min_length=1)]
    reviewed: date
    reviewer: Says
    zones: Annotated[tuple[Zone, ...], Meta(min_length=1, max_length=32)]
    assets: Annotated[tuple[Asset, ...], Meta(min_length=1, max_length=200)]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=200)]
    interfaces: Annotated[tuple[Interface, ...], Meta(max_length=200)] = ()
    outside: Annotated[tuple[Outside, ...], Meta(max_length=100)] = ()
    flows: Annotated[tuple[Flow, ...], Meta(max_length=500)] = ()
    answers: Annotated[tuple[Answer, ...], Meta(max_length=2000)] = ()


T = TypeVar("T")


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors: ten short lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias before anything is built from it."""
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("an alias, which may not be used here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a member that is there twice: a reviewer sees one, the program the other."""
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(str, names))) != len(names):
            raise yaml.YAMLError(f"a member twice near line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def read_yaml(data: bytes, kind: type[T], who: str) -> T:
    """A strict YAML document as a `kind`.  Raises Malformed."""
    if len(data) > LIMIT:
        raise Malformed(who, f"at most {LIMIT} bytes", f"{len(data)} bytes")
    try:
        loaded = yaml.load(data.decode("utf-8"), _PlainLoader)  # noqa: S506  a SafeLoader
        return msgspec.convert(loaded, kind)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise Malformed(who, "YAML", " ".join(str(error).split())[:200]) from error
    except msgspec.ValidationError as error:
        raise Malformed(who, kind.__name__.lower(), str(error)[:300]) from error


@lru_cache(maxsize=8)
def read(data: bytes, who: str = "threats.yaml") -> Model:
    """The model in these bytes, every name in it resolved.  Raises Malformed.

    The same bytes are the same model: YAML is slow to read, and releases of one product share it.
    """
    model = read_yaml(data, Model, who)
    _refuse_twice(model, who)
    _refuse_unknown(model, who)
    return model


def _elements(model: Model) -> list[str]:
    groups = (model.zones, model.assets, model.parts, model.interfaces, model.outside, model.flows)
    return [each.id for group in groups for each in group]


def _refuse_twice(model: Model, who: str) -> None:
    names = _elements(model)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Malformed(who, "each id once", ", ".join(twice))


def _refuse_unknown(model: Model, who: str) -> None:
    zones = {each.id for each in model.zones}
    assets = {each.id for each in model.assets}
    parts = {each.id for each in model.parts}
    ends = parts | {each.id for each in model.outside}
    doors = {each.id for each in model.interfaces} | {""}
    named: list[tuple[str, str, set[str]]] = []
    named += [(part.id, part.zone, zones) for part in model.parts]
    named += [(each.id, each.zone, zones) for each in model.outside]
    named += [(each.id, asset, assets) for each in model.parts for asset in each.assets]
    named += [(each.id, each.part, parts) for each in model.interfaces]
    for flow in model.flows:
        named += [(flow.id, flow.source, ends), (flow.id, flow.target, ends)]
        named += [(flow.id, flow.interface, doors)]
        named += [(flow.id, asset, assets) for asset in flow.assets]
    known = set(_elements(model))
    named += [
        (f"answer to {a.threat}", element, known) for a in model.answers for element in a.where
    ]
    for where, name, among in named:
        if name not in among:
            raise Malformed(who, f"{where}: a known id", repr(name))

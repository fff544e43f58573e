"""Every wire type goes round, and none takes more than it says."""

import importlib
import inspect
import pkgutil
from datetime import datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import strategies
from tests.ledgers import event

import firmward.terms
from firmward.terms.errors import Malformed, Misuse
from firmward.terms.event import MAX_EVENT, Event, entry
from firmward.terms.report import Reading, Vitals
from firmward.terms.statement import Statement
from firmward.terms.wire import Wire, decode, encode, plain

# Some thirty types; generating a large document costs far more than checking it.
FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])


# Answers of our own matching, which nobody sends us.
MADE_HERE = {"Component", "Match"}


def wire_types() -> list[type[Wire]]:
    """Every document type that the shared words define."""
    modules = [
        importlib.import_module(f"firmward.terms.{found.name}")
        for found in pkgutil.iter_modules(firmward.terms.__path__)
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Wire) and kind is not Wire and kind.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", wire_types(), ids=lambda kind: kind.__name__)
@FEW
@given(data=st.data())
def test_a_document_goes_round(kind, data):
    """Any value within its limits is the same after a trip over the wire, byte for byte."""
    value = data.draw(strategies.of(kind))
    sent = encode(value)

    assert value == decode(sent, kind, "sender")
    assert sent == encode(decode(sent, kind, "sender"))


@pytest.mark.parametrize("kind", wire_types(), ids=lambda kind: kind.__name__)
def test_a_document_is_frozen_and_takes_no_unknown_member(kind):
    """A newer sender is refused, not half understood; what was checked cannot change."""
    settings = kind.__struct_config__

    assert settings.frozen
    assert settings.forbid_unknown_fields
    assert settings.kw_only if hasattr(settings, "kw_only") else True


@pytest.mark.parametrize("kind", wire_types(), ids=lambda kind: kind.__name__)
@FEW
@given(data=st.data())
def test_a_missing_or_unknown_member_is_malformed(kind, data):
    """Any required member left out, any member added."""
    sent = plain(data.draw(strategies.of(kind)))
    required = [field.encode_name for field in msgspec.structs.fields(kind) if field.required]
    spoilt = [{**sent, "unknown": 1}]
    spoilt += [{name: sent[name] for name in sent if name != left_out} for left_out in required]

    for document in spoilt:
        with pytest.raises(Malformed, match=f"^sender: expected {kind.__name__}"):
            decode(encode(document), kind, "sender")


def test_every_text_and_every_list_of_a_document_is_bounded():
    """What has no limit of its own is an attacker's to fill."""
    unbounded = [
        f"{kind.__name__}.{field.name}"
        for kind in wire_types()
        if kind.__name__ not in MADE_HERE
        for field in msgspec.inspect.type_info(kind).fields
        if not _bounded(field.type)
    ]

    assert [] == unbounded


def _bounded(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.StrType):
        return info.max_length is not None or info.pattern is not None
    if isinstance(info, msgspec.inspect.VarTupleType):
        return info.max_length is not None and _bounded(info.item_type)
    return True


def test_a_time_without_an_offset_is_malformed():
    """It could not be compared with now, and a comparison that raises is a crash."""
    naive = encode(event(0)).replace(b"08:00:00Z", b"08:00:00")

    with pytest.raises(Malformed, match="timezone"):
        decode(naive, Event, "sender")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cpu", 1001),
        ("cpu", -1),
        ("cadenceMs", -1),
        ("rssi", 21),
        ("inUse", 1),
        ("link", "yes"),
        ("tMs", 0.5),
    ],
)
def test_a_reading_out_of_range_is_malformed(member, value):
    """A sensor that claims the impossible says nothing."""
    numbers = dict.fromkeys(("tMs", "cpu", "memory", "reads", "errors"), 1)
    numbers |= {"cadenceMs": 1, "ageMs": 1, "responseMs": 1, "rssi": -60}
    sample = {**numbers, "link": True, "inUse": False}
    decode(encode(sample), Reading, "sender")

    with pytest.raises(Malformed):
        decode(encode(sample | {member: value}), Reading, "sender")


@FEW
@given(reading=strategies.of(Reading), vitals=strategies.of(Vitals))
def test_a_batch_of_too_many_readings_is_malformed(reading, vitals):
    """A device cannot fill the server with one message."""
    full = msgspec.structs.replace(vitals, readings=(reading,) * 64)
    over = msgspec.structs.replace(vitals, readings=(reading,) * 65)

    assert full == decode(encode(full), Vitals, "sender")
    with pytest.raises(Malformed, match="64"):
        decode(encode(over), Vitals, "sender")


@FEW
@given(value=strategies.of(Event))
def test_an_event_becomes_an_entry_that_reads_back(value):
    """What is sealed on the ledger can be read by every auditor for ever."""
    sealed = entry(value)

    assert value == decode(sealed, Event, "auditor", limit=MAX_EVENT)
    assert len(sealed) <= MAX_EVENT


@pytest.mark.parametrize(
    "changes",
    [
        {"says": "x" * 501},
        {"says": "\x1b[2J"},
        {"says": "half a pair: \ud800"},
        {"actor": "x" * 129},
        {"kind": "Not A Kind"},
        {"kind": "kept\n"},
        {"at": datetime(2026, 11, 21)},  # noqa: DTZ001 - the point of the case
        {"subjects": ("x",) * 65},
        {"subjects": ("x" * 161,)},
        {"detail": {"share": float("nan")}},
        {"detail": {"share": float("inf")}},
        {"detail": {"size": 2**63}},
        {"detail": {"size": 2**64}},
        {"detail": {"inner": {"a": 1}}},
        {"detail": {"none": None}},
        {"detail": {"long": "x" * 65_535}},
        {"detail": {f"part-{part}": "x" * 8000 for part in range(9)}},
    ],
)
def test_an_event_that_no_auditor_could_read_is_a_misuse_before_it_is_sealed(changes):
    """A ledger keeps every entry for ever, also a broken one: so it is stopped before."""
    with pytest.raises(Misuse, match="event "):
        entry(event(0, **changes))


def test_a_statement_is_written_as_in_toto_writes_it():
    """Member names are the framework's, whatever ours are."""
    text = encode(
        decode(
            b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":'
            b'{"sha256":"' + b"0" * 64 + b'"}}],"predicateType":"t","predicate":{}}',
            Statement,
            "sender",
        )
    )

    assert b'"_type":"https://in-toto.io/Statement/v1"' in text
    assert b'"predicateType":"t"' in text

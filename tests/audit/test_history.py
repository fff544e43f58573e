"""Whose ledger it is, and that it only ever grew: keys and earlier checkpoints."""

import pytest
from tests.ledgers import Ledger, event

from firmward.audit.verify import RewrittenHistory, verify
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.event import entry

SIZE = 300


def test_another_logs_key_and_a_key_line_that_lies_are_refused(ledger_of, tmp_path):
    """Only the pinned key's signature counts, and its id must be its own."""
    ledger, other = ledger_of(3), Ledger(tmp_path / "other")
    name, key_id, key = ledger.vkey.split("+", 2)

    for vkey, refusal in (
        (other.vkey, NotTrusted),
        (f"{name}+{'0' * 8}+{key}", Malformed),
        (f"{name}+zz+{key}", Malformed),
        (f"elsewhere+{key_id}+{key}", Malformed),
        ("", Malformed),
    ):
        with pytest.raises(refusal):
            verify(ledger.folder, vkey)


def test_growth_continues_an_earlier_checkpoint(ledger_of):
    """From any kept checkpoint on, the empty one too, growth is accepted."""
    ledger = ledger_of(0)
    kept = [ledger.checkpoint]
    for size in (1, 256, 300):
        ledger.grow([event(number) for number in range(len(ledger.entries), size)])
        kept.append(ledger.checkpoint)

    for earlier in kept:
        assert 300 == len(verify(ledger.folder, ledger.vkey, since=earlier))


@pytest.mark.parametrize(
    ("rewrite", "said"),
    [
        (lambda entries: [entry(event(0, says="never")), *entries[1:]], "rewritten"),
        (lambda entries: [*entries[:-1], entry(event(0, says="never"))], "rewritten"),
        (lambda entries: [*entries[1:], *entries[:1]], "rewritten"),
        (lambda entries: entries[:-1], "cut"),
        (lambda entries: [], "cut"),
        (lambda entries: [entry(event(1, says="first")), *entries], "rewritten"),
    ],
)
def test_a_rewritten_history_is_refused_although_the_log_signed_it(ledger_of, rewrite, said):
    """The hospital itself is the attacker: both its notes are good, and they contradict."""
    ledger = ledger_of(SIZE)
    earlier = ledger.checkpoint
    ledger.publish(rewrite(ledger.entries))
    verify(ledger.folder, ledger.vkey)

    with pytest.raises(RewrittenHistory, match=said):
        verify(ledger.folder, ledger.vkey, since=earlier)

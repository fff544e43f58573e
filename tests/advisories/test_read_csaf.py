"""CSAF advisories: a product tree laid flat, and a status for each product in it."""

import pytest
from tests.made_advisories import csaf, leaf, needs_real_data

from firmward.advisories.read_csaf import records
from firmward.advisories.records import Span
from firmward.terms.errors import Malformed

RANGE = "product_version_range"


def one(*leaves: dict, **status: list):
    """The record of a document."""
    (record,) = records(csaf(*leaves, **status), "file")
    return record


def test_each_vulnerability_is_a_record_of_its_own():
    """Named by document and CVE, found by either."""
    both = ({"cve": "CVE-2026-990001"}, {"ids": [{"system_name": "x", "text": "TINY-7"}]})
    first, second = records(csaf(vulnerabilities=both), "file")

    assert ("TINY-26-001#CVE-2026-990001", "TINY-26-001#2") == (first.id, second.id)
    assert ("CVE-2026-990001", "TINY-26-001") == first.aliases
    assert ("TINY-7", "TINY-26-001") == second.aliases


def test_versions_and_repairs_come_from_the_branches():
    """A version that is affected, a range that is, and one that was repaired."""
    leaves = (leaf("1.0", 1), leaf("vers:generic/>=1.1|<1.4", 2, RANGE), leaf("1.4", 3))
    (entry,) = one(*leaves, known_affected=["P1", "P2"], fixed=["P3"]).entries

    assert ("tiny", "tinyframe") == (entry.vendor, entry.name)
    assert (("1.0",), (Span(first="1.1", last="1.4"),)) == (entry.versions, entry.spans)
    assert (Span(first="1.4", last="1.4", holds_last=True),) == entry.unaffected


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("vers:all/*", [Span()]),
        ("vers:deb/<1.2-3", [Span(last="1.2-3", scheme="deb")]),
        ("vers:generic/<1.0|>=2.0", [Span(last="1.0"), Span(first="2.0")]),
        ("<= 2.1", [Span(last="2.1", holds_last=True)]),
        ("< V3.6.7", [Span(last="3.6.7")]),
    ],
)
def test_ranges_with_one_reading_become_spans(text, spans):
    """As `vers` has them, and with a plain comparator."""
    (entry,) = one(leaf(text, 1, RANGE), known_affected=["P1"]).entries

    assert (tuple(spans), "") == (entry.spans, entry.withheld)


@pytest.mark.parametrize(
    "text",
    [
        "distributed  < april 1, 2018",
        "<=N",
        "2.3.6 and  below",
        "vers:generic/>=1.0|!=1.2|<2.0",
        "1.0|1.1",
    ],
)
def test_prose_is_kept_and_never_decided_upon(text):
    """A date or a model letter places no version."""
    (entry,) = one(leaf(text, 1, RANGE), known_affected=["P1"]).entries

    assert entry.withheld
    assert [("prose", text)] == [(span.scheme, span.first) for span in entry.spans]


def test_under_investigation_is_not_known():
    """Nor is it, once another product of the same name is known to be affected."""
    found = one(leaf("1.0", 1), leaf("2.0", 2), known_affected=["P1"], under_investigation=["P2"])

    assert ["", "its publisher is still looking into it"] == [e.withheld for e in found.entries]


def test_a_distributions_repair_holds_for_later_builds():
    """A fixed build of an rpm means every later one of it, and every earlier one is affected."""
    purl = "pkg:rpm/redhat/tinyframe@1.2-3.el9?arch=x86_64"
    (entry,) = one(leaf("1.2-3.el9", 1, purl=purl), fixed=["P1"]).entries

    assert "pkg:rpm/redhat/tinyframe" == entry.purl
    assert (Span(first="1.2-3.el9", scheme="rpm"),) == entry.unaffected
    assert (Span(scheme="rpm"),) == entry.spans


def test_a_component_of_a_platform_is_found_as_the_component():
    """A relationship gives the pair an id of its own."""
    tree = {
        "full_product_names": [
            {"name": "tinyframe 1.0", "product_id": "P1",
             "product_identification_helper": {"purl": "pkg:generic/tinyframe@1.0"}},
            {"name": "Pump 3", "product_id": "P2"},
        ],
        "relationships": [
            {"category": "default_component_of", "product_reference": "P1",
             "relates_to_product_reference": "P2",
             "full_product_name": {"name": "tinyframe in Pump 3", "product_id": "P1:P2"}},
        ],
    }  # fmt: skip
    data = csaf(tree=tree, known_affected=["P1:P2"])
    (record,) = records(data, "file")

    assert [("pkg:generic/tinyframe", ("1.0",))] == [(e.purl, e.versions) for e in record.entries]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (csaf(leaf("1.0", 1), known_affected=["P9"]), "products that the product tree has"),
        (csaf(leaf("1.0", 1), leaf("2.0", 1)), "each product id once"),
        (csaf().replace(b'"2.0"', b'"3.0"'), "CSAF 2"),
        (csaf().replace(b"TINY-26-001", b" \\n"), "id"),
        (csaf()[:-1], "file"),
    ],
)
def test_what_is_no_advisory_is_refused_by_name(data, says):
    """A product that were skipped instead would be found clean."""
    with pytest.raises(Malformed, match=says):
        list(records(data, "file"))


def test_relationships_that_chase_each_other_are_refused():
    """A tree without a root ends in an error, not in a loop."""
    chase = [
        {"category": "default_component_of", "product_reference": here,
         "relates_to_product_reference": "P0",
         "full_product_name": {"name": "x", "product_id": there}}
        for here, there in (("A", "B"), ("B", "A"))
    ]  # fmt: skip

    with pytest.raises(Malformed, match="relationships"):
        list(records(csaf(tree={"relationships": chase}), "file"))


@needs_real_data
def test_every_real_advisory_is_read(unpacked):
    """All 144 medical-device advisories; most versions can be decided, prose is withheld."""
    found = [r for name, data in unpacked("csaf/icsma.tar.zst") for r in records(data, name)]
    entries = [entry for record in found for entry in record.entries]

    assert 144 == len({record.id.partition("#")[0] for record in found})
    assert 0 < sum(bool(entry.withheld) for entry in entries) < len(entries) / 2

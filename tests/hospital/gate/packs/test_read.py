"""A pack is data, whole and exactly one, or it is refused before any rule of it judges."""

import json
import os
from contextlib import suppress

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given, settings
from tests.made_packs import SCHEMA, two_rules

from firmward.hospital.gate.packs import folder as folders
from firmward.hospital.gate.packs.folder import MANIFEST, newest, read_folder
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.packs.schema import read_bounds
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.rules import Rule
from firmward.terms.errors import Malformed, Refused, Unavailable


def test_a_pack_is_read_with_its_rules_parameters_bounds_and_clauses(made):
    """Every part of it, under its name, with the digest of its manifest."""
    pack = made(head={"jurisdictions": ["US"], "sources": ["Made, 2026"], "supersedes": ["old"]})
    read = pack.load()

    assert "made@2026.11.0" == read.name == read.source.name
    assert ["MAD-001", "MAD-002"] == [rule.id for rule in read.rules]
    assert 7 == read.parameters["days"]
    assert "lower" == read.bounds["days"].tighter
    assert ("Made 1",) == read.cites(read.rules[0])
    assert (("US",), ("old",)) == (read.jurisdictions, read.supersedes)
    assert folders.manifest_of(pack.path) == (pack.path / MANIFEST).read_bytes()


def change(name, old, new):
    """Replace a text in one file of a pack."""

    def spoil(path):
        text = (path / name).read_text()
        assert old in text
        (path / name).write_text(text.replace(old, new, 1))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        change("params/default.yaml", "days: 7", "days: 9"),
        lambda path: (path / "rules" / "made-up.yaml").unlink(),
        lambda path: (path / "rules" / "extra.yaml").write_text("[]"),
        lambda path: (path / MANIFEST).write_text('{"files":{}}'),
        lambda path: (path / MANIFEST).write_text('{"files":{"../x":"00"}}'),
        lambda path: (path / MANIFEST).write_text("{}"),
        lambda path: (path / MANIFEST).write_text('{"files":{},"also":1}'),
        lambda path: (path / "rules" / "link.yaml").symlink_to("/etc/hostname"),
        lambda path: (path / "link").symlink_to(path.parent, target_is_directory=True),
        lambda path: os.mkfifo(path / "rules" / "pipe.yaml"),
        lambda path: (path / "huge.txt").write_bytes(bytes(folders.LIMIT + 1)),
        lambda path: [(path / f"{number}.txt").write_text("") for number in range(300)],
    ],
    ids=[
        "edited",
        "removed",
        "added",
        "emptied",
        "outside",
        "no files",
        "more than files",
        "linked",
        "linked folder",
        "a pipe",
        "too long",
        "too many",
    ],
)
def test_a_file_that_is_not_the_manifests_is_refused(made, spoil):
    """A loosened limit, a rule left out or slipped in, a way out of the folder: it is noticed."""
    path = made().write()
    spoil(path)
    with pytest.raises(Malformed):
        load(path)


def test_a_folder_that_is_itself_a_link_is_refused(made, tmp_path):
    """What a link points to can be exchanged after it was looked at."""
    path = made().write()
    link = tmp_path / "packs" / "made" / "2026.12.0"
    link.symlink_to(path, target_is_directory=True)
    with pytest.raises(Unavailable):
        load(link)


RULES = "rules/made-up.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (RULES, "severity: high", "severity: dreadful"),
        (RULES, "severity: high", "severity: high\n  warn_only: true"),
        (RULES, "waivable: true", "waivable: 'no'"),
        (RULES, "trust: attested", "trust: rumoured"),
        (RULES, "trust: attested\n", ""),
        (RULES, "id: MAD-001", "id: MAD-002"),
        (RULES, "id: MAD-001", "id: mad-1"),
        (RULES, "sbom.present &&", "sbom.present && ="),
        (RULES, "sbom.present &&", "release.kind == 'x' &&"),
        (RULES, "- sbom.present", "- sbom.presence"),
        (RULES, "sources:\n  - made-1", "sources:\n  - made-2"),
        (RULES, "remedy: Do", "remedy: !!python/object/apply:os.system [x] #"),
        ("params/default.yaml", "days: 7", "days: .inf"),
        ("params/default.yaml", "days: 7", "days: null"),
        ("params/default.yaml", "days: 7", "days: 2026-01-01"),
        ("params/default.yaml", "days: 7", "days: 31"),
        ("params/default.yaml", "days: 7", "days: 0"),
        ("params/default.yaml", "days: 7", "days: 7.5"),
        ("params/default.yaml", "days: 7", "days: true"),
        ("params/default.yaml", "days: 7", "days: 7\nmore: 1"),
        ("params/default.yaml", "days: 7", ""),
        ("params/default.yaml", "- CycloneDX", "- cyclonedx"),
        ("params/schema.json", '"maximum": 30', '"exclusiveMaximum": 30'),
        ("params/schema.json", '"x-tighter": "lower"', '"x-tighter": "sideways"'),
        ("params/schema.json", '"type": "integer"', '"type": "whole"'),
        ("params/schema.json", '"type": "integer"', '"$ref": "#/x", "type": "integer"'),
        ("params/schema.json", "2020-12", "2019-09"),
        ("pack.yaml", "pack/v1", "pack/v2"),
        ("pack.yaml", "evidence/v1", "evidence/v2"),
        ("pack.yaml", "00:00:00Z", "00:00:00"),
        ("pack.yaml", "version: 2026.11.0", "version: 2026.11.1"),
        ("pack.yaml", "id: made", "id: other"),
        ("pack.yaml", "title:", "force: true\ntitle:"),
        ("clauses.yaml", "confidence: high", "confidence: total"),
    ],
)
def test_a_pack_that_is_not_exactly_one_is_refused(made, name, old, new):
    """Unknown words, missing members, wrong types, values out of bounds and dangling names."""
    pack = made()
    change(name, old, new)(pack.write())
    with pytest.raises(Refused):
        load(pack.seal())


@pytest.mark.parametrize("name", ["pack.yaml", "clauses.yaml", "params/schema.json"])
def test_a_pack_without_one_of_its_parts_is_refused(made, name):
    """A schema that is left out would leave every parameter unbounded."""
    pack = made()
    (pack.write() / name).unlink()
    with pytest.raises(Malformed, match=name):
        load(pack.seal())


def test_a_pack_without_rules_is_refused(made):
    """Nothing to ask would admit everything."""
    with pytest.raises(Malformed, match="at least one"):
        made(rules=[]).load()


def test_a_whole_number_becomes_one_with_a_point_where_the_schema_asks(made):
    """CEL takes 9 and 9.0 for two types, and a rule would have no answer."""
    bounds = {"days": {"type": "number", "maximum": 30, "x-tighter": "lower"}}
    pack = made(parameters={**made().parameters}, bounds={**made().bounds, **bounds}).load()

    assert isinstance(pack.parameters["days"], float)


BILLION = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    "text",
    [
        BILLION,
        "a: 1\na: 2\n",
        "a: null\n",
        "a:\n",
        "a: !!python/name:os.system\n",
        "a: !!binary aGk=\n",
        "a: 2026-11-21\n",
        "a: 99999999999999999999\n",
        "a: .nan\n",
        'a: "\\0"\n',
        "? [a, b]\n: c\n",
        "a: 1\n---\nb: 2\n",
        "a: [",
        "[" * 5000,
        "a: " + "[" * 50 + "]" * 50,
        "- a\n",
        "\ufffe",
        "",
        "a: " + "x" * 600_000,
    ],
)
def test_hostile_yaml_is_malformed(text):
    """Whatever YAML can do beyond plain data ends in the one error."""
    with pytest.raises(Malformed):
        read_yaml(text.encode("utf-8", "surrogatepass"), dict[str, object], "test")


def test_the_newest_version_is_the_highest_number(made):
    """Versions are compared as numbers, and other folders are not versions."""
    for version in ("2026.9.0", "2026.11.10"):
        made(version=version).write()
    (made().path.parent / "draft").mkdir()

    assert "2026.11.10" == newest(made().folder, "made").name


@pytest.mark.parametrize("name", ["nothing", "../packs/made", "", "made/2026.11.0"])
def test_a_pack_that_is_not_there_is_unavailable(made, name):
    """No pack means no judgement, never an empty one; a name is no way out of the folder."""
    made().write()
    with pytest.raises(Unavailable):
        newest(made().folder, name)
    with pytest.raises(Unavailable):
        read_folder(made().folder / "nothing" / "2026.11.0")


def test_a_manifest_is_the_same_whoever_writes_it(tmp_path):
    """Equal files have equal digests, on every machine."""
    one, two = two_rules(tmp_path / "a"), two_rules(tmp_path / "b")

    assert one.load().sha256 == two.load().sha256
    assert {"files"} == json.loads((one.path / MANIFEST).read_bytes()).keys()


WORDS = (
    "type properties items enum x-tighter minimum maximum contains allOf const id version scope",
    "parameters warn tighten MAD-001 trust effective_from overlay_schema days",
)
KEYS = st.sampled_from(" ".join(WORDS).split()) | st.text(max_size=6)
JSON = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(value=JSON)
def test_whatever_is_in_an_overlay_or_a_schema_it_is_read_or_malformed(value):
    """No other error, and so no crash of a server that reads it."""
    text = yaml.dump(value).encode("utf-8", "surrogatepass")
    for read in (
        lambda: read_yaml(text, Overlay, "test"),
        lambda: read_bounds(value, "test"),
        lambda: read_bounds(
            {"$schema": SCHEMA, "type": "object", "properties": {"days": value}}, "test"
        ),
        lambda: read_yaml(text, tuple[Rule, ...], "test"),
    ):
        with suppress(Malformed):
            read()

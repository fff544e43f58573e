"""What a build fetches is fixed by a digest, or is found."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted import pinned, unpinned
from tests.vendors import small_tree

from firmward.vendor.cache import Shelf
from firmward.vendor.scan.sarif import findings, merge
from firmward.vendor.source import pins
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.source.manifests import pin
from firmward.vendor.source.manifests.pin import Manifest
from firmward.vendor.source.stated import resolved


def laid(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def loose(root: Path) -> set[tuple[str, str, str]]:
    """(path, name, rule) of everything that is not fixed."""
    return {(each.path, each.name, each.rule) for each in pins.collected(root) if each.rule}


@pytest.mark.parametrize("name", unpinned.TREES)
def test_every_planted_defect_is_found_and_nothing_else(tmp_path, name):
    """What is pinned in the same files stays quiet."""
    tree = unpinned.TREES[name]

    assert set(tree.planted) == loose(laid(tmp_path, tree.files))


@pytest.mark.parametrize("name", pinned.TREES)
def test_what_only_looks_unpinned_is_not_found(tmp_path, name):
    """Comments, local paths, locks, checks after a download, files of the same name."""
    assert set() == loose(laid(tmp_path, pinned.TREES[name]))


def test_at_least_twenty_defects_of_every_severity_are_planted():
    """A branch and a missing digest stop the release; a bare tag warns."""
    planted = [rule for tree in unpinned.TREES.values() for _, _, rule in tree.planted]

    assert 60 <= len(planted)
    assert {
        pin.BRANCH, pin.RANGE, pin.NONE, pin.LOCK, pin.CHECKSUM, pin.UNREADABLE, pin.TAG,
    } == set(planted)  # fmt: skip
    assert {"warning"} == {rule.level for rule in pins.RULES if rule.id == pin.TAG}


def test_each_finding_names_its_line(tmp_path):
    """The line holds the revision, or at least what is fetched."""
    root = laid(tmp_path, unpinned.ZEPHYR.files)
    lines = {
        (each.name, (root / each.path).read_text().splitlines()[each.line - 1].strip())
        for each in pins.collected(root)
        if each.rule and each.line
    }

    assert {
        ("zephyr", "revision: main"),
        ("hal_nordic", "revision: v3.5.0"),
        ("mcuboot", "- name: mcuboot"),
        ("tools", "branch = develop"),
        ("lz4", "revision = head"),
    } <= lines


def test_the_run_is_cached_and_a_third_partys_manifest_is_a_note(tmp_path):
    """Its own CI is seldom the build's; an absolute link leads to what is in no commit."""
    tree = small_tree(
        tmp_path / "source",
        {"vendor/lib/requirements.txt": "click\n", "requirements.txt": "click\n"},
    )
    tree.edit("firmward.toml", "[build]", '[sbom]\nvendored = ["vendor"]\n[build]')
    (tree.folder / "passwords").symlink_to("/etc/shadow")
    tree.commit()
    shelf = Shelf(tmp_path / "shelf")
    with checked_out(take(tree.folder, "HEAD", tree.signers)) as checkout:
        run = pins.scan(checkout, shelf)
        (checkout.root / "requirements.txt").unlink()
        again = pins.scan(checkout, shelf)

    assert run == again
    assert ("firmward-pins", 829) == (run["tool"]["driver"]["name"], pins.RULES[0].cwe)
    assert [
        ("passwords", "pin-outside", "warning"),
        ("requirements.txt", "pin-none", "error"),
        ("vendor/lib/requirements.txt", "pin-none", "note"),
    ] == [(each.path, each.rule, each.level) for each in findings(merge([run]))]


def test_digests_of_dependencies_go_into_the_provenance(tmp_path):
    """A lock's checksum, a west commit, an image digest: once each, by name."""
    files = {**pinned.EMBEDDED, **pinned.TOOLS, **pinned.AUTOMATION}
    del files[".gitmodules"]
    tree = small_tree(tmp_path / "source", files)
    source = take(tree.folder, "HEAD", tree.signers)
    with checked_out(source) as checkout:
        fixed = pins.fixed(pins.collect(checkout, Shelf(tmp_path / "shelf")))
    named = {each["name"]: each["digest"] for each in resolved(source, fixed)[1:]}

    assert {"gitCommit": unpinned.SHA} == named["zephyr"] == named["actions/checkout"]
    assert {"sha256": unpinned.SUM} == named["heapless"] == named["espressif/led_strip"]
    assert {"sha512": "00" * 64} == named["a"]
    assert {"dirHash": "00" * 32} == named["x.example/lib"]
    assert {"sha256": unpinned.SUM} == named["gcc"]


def test_a_manifest_that_is_too_large_or_explodes_is_found(tmp_path):
    """Nor does it take the scanner's time: an alias stays one node, an entity is refused."""
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
    )
    entities = '<!DOCTYPE m [<!ENTITY a "aaaa">]><manifest><project name="&a;"/></manifest>'
    root = laid(
        tmp_path,
        {
            "west.yml": "# " + "x" * (5 * 1024 * 1024),
            ".gitlab-ci.yml": bomb,
            "default.xml": entities,
            "deep/package.json": "[" * 100_000,
            "deep/action.yml": "[" * 5_000,
            "deep/conanfile.py": "(" * 5_000,
        },
    )

    assert {
        "west.yml", "default.xml", "deep/package.json", "deep/action.yml", "deep/conanfile.py",
    } == {path for path, _, rule in loose(root) if rule == pin.UNREADABLE}  # fmt: skip


FRAGMENTS = st.sampled_from(
    [
        *"\n\n :=-[](){}#\"'\\$@,<>~^*|&%",
        *("  - ", "name: ", "revision", "manifest:", "projects:", "main", "1.2.3", "git+https://"),
        *("[dependencies]", "FetchContent_Declare(", "GIT_TAG ", "FROM ", "uses: ", "image: "),
        *("https://x.example/a.tgz", "curl -o a ", "${X}", "==", "--hash=sha256:", unpinned.SHA),
        *("[submodule \"", "branch = ", "SRCREV = \"", "require (", "<manifest>", "<project "),
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=30).map("".join), st.data())
def test_no_reader_dies_of_what_it_reads(text, data):
    """Whatever stands there, the answer is pins, or that it cannot be read."""
    readers = [reader for _, reader in pins._READERS]
    reader = data.draw(st.sampled_from(readers))
    manifest = Manifest("x/y", text, frozenset({"x/y"}), lambda path: text)

    for each in pins.read(manifest, [reader]):
        assert "x/y" == each.path
        assert each.rule in {"", *(rule.id for rule in pins.RULES)}

"""A build is the tree's own command, in a bare environment, with the same bytes every time."""

import json
import time

import pytest
from tests.builds import built, by_script, leaving

from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import BuildFailed
from firmward.vendor.cache import Shelf


def test_the_real_tree_builds_and_twice_gives_the_same_bytes(tree, tmp_path, shelf):
    """Nothing of place or time is in the binary; version and counter are."""
    artifact = built(tree, shelf)
    again = Shelf(tmp_path / "other")

    assert artifact.digests() == built(tree, again).digests()
    assert artifact.digests() != built(tree, shelf, counter=2).digests()
    assert "ziglang" in artifact.toolchain
    assert b"\x7fELF" == artifact.elf[:4]


def test_what_was_built_is_not_built_again_unless_something_changed(tree, shelf):
    """The same tree, command and tools come off the shelf; another commit does not."""
    first = built(tree, shelf, "9.0.0", 7)
    second = built(tree, shelf, "9.0.0", 7)
    tree.edit("pump/config.h", "READ_INTERVAL_MS 1000", "READ_INTERVAL_MS 1001")
    third = built(tree, shelf, "9.0.0", 7)

    assert (False, True, False) == (first.cached, second.cached, third.cached)
    assert (first.elf, first.started) == (second.elf, second.started)


def test_a_result_that_was_changed_on_the_shelf_is_made_again(tree, tmp_path):
    """A flipped bit in the cache must not be signed."""
    by_script(tree, leaving("'x'"))
    shelf = Shelf(tmp_path / "shelf")
    built(tree, shelf)
    [kept] = [path for path in (shelf.folder / "results").rglob("*") if path.is_file()]
    spoiled = bytearray(kept.read_bytes())
    spoiled[-1] ^= 1
    kept.write_bytes(spoiled)

    assert not built(tree, shelf).cached
    assert built(tree, shelf).cached


def test_the_build_sees_neither_environment_nor_home_nor_keys(tree, shelf, tmp_path):
    """A build command is the tree's code: what it cannot see it cannot leak."""
    seen = "{'names': sorted(os.environ), 'home': os.listdir(os.environ['HOME'])}"
    by_script(tree, "import json\n" + leaving(f"json.dumps({seen})"))

    seen = json.loads(built(tree, shelf).binary)
    allowed = {"FIRMWARD_CACHE", "HOME", "LANG", "LC_ALL", "PATH", "SOURCE_DATE_EPOCH", "TMPDIR"}
    allowed |= {"TZ", "LC_CTYPE"}
    assert set() == set(seen["names"]) - allowed
    assert [] == seen["home"]


def test_a_tree_that_does_not_build_is_refused_with_its_log(tree, shelf):
    """The compiler's own words are in the refusal."""
    tree.edit("pump/config.h", "#define READ_INTERVAL_MS 1000", "#define READ_INTERVAL_MS (")

    with pytest.raises(BuildFailed, match="error:"):
        built(tree, shelf)


@pytest.mark.parametrize(
    "leaves",
    [
        "pass",
        "open(f'{sys.argv[3]}/app.elf', 'w').close()",
        "os.symlink('/etc/passwd', f'{sys.argv[3]}/app.elf')",
    ],
)
def test_a_build_that_leaves_nothing_or_a_link_out_of_its_folder_is_refused(tree, shelf, leaves):
    """An empty file is no firmware, and what a link points at was not built."""
    by_script(tree, f"import os, sys\n{leaves}\n")

    with pytest.raises(BuildFailed, match=r"expected it to leave app\.elf"):
        built(tree, shelf)


def test_a_build_that_does_not_end_is_killed_with_its_children(tree, shelf, tmp_path):
    """A hung compiler must not hang the release, nor go on writing after it."""
    child = f"import time; time.sleep(2.5); open({str(tmp_path / 'alive')!r}, 'w')"
    script = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
    by_script(tree, script + "time.sleep(60)\n")
    tree.edit("pump/firmward.toml", "timeout_s = 120", "timeout_s = 1")

    with pytest.raises(Unavailable, match="not done within 1 s"):
        built(tree, shelf)
    time.sleep(2)
    assert not (tmp_path / "alive").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [('"{python}", "../build.py"', '"/no/such/compiler"'), ('"ziglang"', '"no-such-distribution"')],
)
def test_an_absent_tool_cannot_judge_the_tree(tree, shelf, old, new):
    """That is no fault of the source: it is unavailable, not refused."""
    tree.edit("pump/firmward.toml", old, new)

    with pytest.raises(Unavailable):
        built(tree, shelf)

"""A build is the tree's own command, in a bare environment, with the same bytes every time."""

import json
import time
from datetime import UTC, datetime

import pytest

from firmward.terms.errors import Unavailable
from firmward.vendor.build import BuildFailed, build
from firmward.vendor.cache import Shelf
from firmward.vendor.source import checked_out, take


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def built(tree, shelf, version="1.0.0", counter=1):
    """The pump as built from HEAD."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        return build(checkout, (version, counter), shelf, now)


def by_script(tree, script: str):
    """Let a Python script of the tree's be its build command."""
    text = tree.read("pump/firmward.toml")
    start, end = text.index("command = ["), text.index("]", text.index("command = [")) + 1
    command = 'command = ["{python}", "build_here.py", "{version}", "{counter}", "{out}"]'
    text = text[:start] + command + text[end:]
    tree.commit({"pump/firmward.toml": text, "pump/build_here.py": script})


def test_the_real_tree_builds_and_twice_gives_the_same_bytes(tree, tmp_path, shelf):
    """Nothing of place or time is in the binary; version and counter are."""
    artifact = built(tree, shelf)
    again = Shelf(tmp_path / "other")
    (again.folder).mkdir()
    (again.folder / "zig").symlink_to(shelf.folder / "zig")

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
    script = "import sys\nfor n in ('elf', 'bin'): open(f'{sys.argv[3]}/app.{n}', 'w').write('x')\n"
    by_script(tree, script)
    shelf = Shelf(tmp_path / "shelf")
    built(tree, shelf)
    [kept] = [path for path in shelf.folder.rglob("*") if path.is_file()]
    spoiled = bytearray(kept.read_bytes())
    spoiled[-1] ^= 1
    kept.write_bytes(spoiled)

    assert not built(tree, shelf).cached
    assert built(tree, shelf).cached


def test_the_build_sees_neither_environment_nor_home_nor_keys(tree, shelf, tmp_path):
    """A build command is the tree's code: what it cannot see it cannot leak."""
    script = (
        "import os, sys, json\n"
        "seen = {'names': sorted(os.environ), 'home': os.listdir(os.environ['HOME'])}\n"
        "for name in ('elf', 'bin'):\n"
        "    open(f'{sys.argv[3]}/app.{name}', 'w').write(json.dumps(seen))\n"
    )
    by_script(tree, script)

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

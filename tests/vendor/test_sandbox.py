"""What a build in the sandbox can reach: its tools and its output, and nothing else."""

import json
import os
import shutil
import socket
import threading
import time

import pytest
from tests.builds import built, by_script, leaving

from firmward.terms.errors import Unavailable
from firmward.vendor.build.sandbox import find
from firmward.vendor.cache import Shelf

PLAIN = 'sandbox = "none"\n'
HELD = 'sandbox = "required"\n'


@pytest.fixture(autouse=True)
def bubblewrap() -> None:
    """These tests show what it holds."""
    assert shutil.which("bwrap"), "apt-get install bubblewrap"


def seen_by(tree, shelf, expression: str, rules: str = HELD):
    """The value of an expression inside a build, through JSON."""
    by_script(tree, "import glob, json, socket\n" + leaving(f"json.dumps({expression})"), rules)
    return json.loads(built(tree, shelf).binary)


def test_a_sandboxed_build_says_so_and_a_plain_one_says_why(tree, tmp_path):
    """The provenance takes the words from here; the two are never taken for each other."""
    shelf = Shelf(tmp_path)
    by_script(tree, leaving("'x'"), HELD)
    held = built(tree, shelf)
    tree.edit("pump/firmward.toml", HELD, PLAIN)
    plain = built(tree, shelf)

    assert held.sandbox.startswith("bubblewrap ")
    assert ("none: the project file asks for none", False) == (plain.sandbox, plain.cached)


def test_a_build_cannot_reach_the_network(tree, tmp_path):
    """Not even this machine: what is fetched while building is in no SBOM and no review."""
    door = socket.create_server(("127.0.0.1", 0))
    reach = f"socket.socket().connect_ex(('127.0.0.1', {door.getsockname()[1]}))"
    with door:
        assert 0 == seen_by(tree, Shelf(tmp_path / "a"), reach, PLAIN)
        assert 0 != seen_by(tree, Shelf(tmp_path / "b"), reach)


def test_a_build_cannot_see_keys_results_or_other_processes(tree, tmp_path):
    """Neither the vendor's home nor the cache, whose writer could hand over a binary of his own."""
    shelf = Shelf(tmp_path / "shelf")
    (tmp_path / "key.pem").write_text("secret")
    places = [str(tmp_path), str(shelf.folder), str(tree.folder), "/root", "/home", "/work"]
    exist = f"[os.path.exists(place) for place in {places}]"
    others = "len(glob.glob('/proc/[0-9]*'))"

    seen, processes = seen_by(tree, shelf, f"[{exist}, {others}]")
    allowed = {os.path.commonpath([place, os.sys.prefix]) for place in places}
    hidden = [place for place in places if place not in allowed and not _leads_to_python(place)]
    assert [False] * len(hidden) == [seen[places.index(place)] for place in hidden]
    assert processes < 6


def _leads_to_python(place: str) -> bool:
    """Whether the interpreter lies below it, which is then all that is seen there."""
    lies = (os.sys.prefix, os.sys.base_prefix)
    return any(os.path.realpath(each).startswith(place + "/") for each in lies)


@pytest.mark.parametrize("place", ["/usr", "/lib", os.sys.prefix])
def test_a_build_cannot_change_its_tools(tree, tmp_path, place):
    """A compiler that a build may alter compiles the next product too."""
    attempt = f"os.access({place!r}, os.W_OK)"

    assert seen_by(tree, Shelf(tmp_path), attempt) is False


def test_paths_names_and_times_are_the_same_everywhere(tree, tmp_path):
    """Nothing that a careless tree embeds tells one machine from another."""
    what = (
        "[os.getcwd(), sys.argv[3], os.environ['HOME'], os.environ['TMPDIR'], socket.gethostname(),"
        " os.getuid(), os.umask(0), os.environ['TZ'], int(os.stat('pump.c').st_mtime)]"
    )
    committed = int(tree.git("show", "--no-patch", "--format=%ct", "HEAD"))
    *names, mtime = seen_by(tree, Shelf(tmp_path), what)

    assert ["/firmward/src/pump", "/firmward/out", "/firmward/home", "/tmp", "firmward"] == names[
        :5
    ]
    assert [1000, 0o022, "UTC"] == names[5:]
    assert mtime >= committed


def test_what_one_build_leaves_in_the_compilers_cache_is_gone_in_the_next(tree, tmp_path):
    """Or a commit that was taken back would still be in every later release."""
    shelf = Shelf(tmp_path)
    leave = "open(os.environ['FIRMWARD_CACHE'] + '/poison', 'w').close()"
    assert 0 == len(
        seen_by(tree, shelf, f"os.listdir(os.environ['FIRMWARD_CACHE']) + ({leave} or [])")
    )
    for rules in (PLAIN, HELD):
        assert [] == seen_by(tree, shelf, "os.listdir(os.environ['FIRMWARD_CACHE'])", rules)


def test_what_a_build_writes_into_its_tree_no_scanner_reads(tree, tmp_path):
    """The build has a checkout of its own, or it could clean its source up before the scan."""
    write = "open('pump.c', 'w').write('/* clean */') or len(open('../board/line.c').read())"

    assert seen_by(tree, Shelf(tmp_path), write, PLAIN)
    assert "clean" not in tree.read("pump/pump.c")


def test_a_required_sandbox_that_is_absent_or_forbidden_builds_nothing(tmp_path):
    """auto then builds plainly and says why; required does not."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = os.environ["PATH"]
    results = []

    def within(content: str | None) -> None:
        if content is not None:
            (folder / "bwrap").write_text(content)
            (folder / "bwrap").chmod(0o755)
        os.environ["PATH"] = str(folder)
        try:
            results.append(find("auto").says)
            with pytest.raises(Unavailable, match="required and there is none"):
                find("required")
        finally:
            os.environ["PATH"] = path

    within(None)
    within("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    assert results[0].startswith("none: bwrap is not installed")
    assert "No permissions to create new namespace" in results[1]


def test_a_folder_of_tools_is_readable_and_an_absent_one_cannot_be_judged(tree, tmp_path):
    """A compiler outside the system's folders is named in the project file."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cc").write_text("compiler")
    rules = f'{HELD}tools = ["{tools}"]\n'

    shelf = Shelf(tmp_path / "shelf")
    assert "compiler" == seen_by(tree, shelf, f"open('{tools}/cc').read()", rules)
    with pytest.raises(Unavailable, match=r"build\.tools"):
        seen_by(tree, shelf, "1", f'{HELD}tools = ["/no/such/compiler"]\n')


@pytest.mark.parametrize("rules", [HELD, PLAIN])
def test_a_build_that_hangs_is_killed_with_its_children_in_either_way(tree, tmp_path, rules):
    """The namespace's first process takes all others along."""
    beat = tmp_path / "beat"
    child = f"import time\nwhile True: open({str(beat)!r}, 'a').close(); time.sleep(0.05)"
    forked = f"import subprocess\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
    by_script(tree, f"import sys, time\n{forked}time.sleep(60)\n", rules)
    tree.edit("pump/firmward.toml", "timeout_s = 120", "timeout_s = 0.5")
    before = threading.active_count()

    with pytest.raises(Unavailable, match=r"not done within 0\.5 s"):
        built(tree, Shelf(tmp_path / "shelf"))
    beat.unlink(missing_ok=True)
    time.sleep(0.2)
    assert (False, before) == (beat.exists(), threading.active_count())


def test_a_build_cannot_fill_the_disk_with_one_file(tree, tmp_path):
    """The limits hold for everything it starts."""
    what = "[resource.getrlimit(resource.RLIMIT_FSIZE), resource.getrlimit(resource.RLIMIT_CORE)]"
    by_script(tree, "import json, resource\n" + leaving(f"json.dumps({what})"), HELD)

    assert [[4 << 30, 4 << 30], [0, 0]] == json.loads(built(tree, Shelf(tmp_path)).binary)

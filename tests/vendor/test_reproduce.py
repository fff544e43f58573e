"""A second build in another place finds what depends on place, time or chance."""

import json
import shutil

import pytest
from tests.builds import built, by_script, leaving, now
from typer.testing import CliRunner

from firmward.vendor.attest import provenance
from firmward.vendor.build.reproduce import NotReproducible, first_offset, verified, verify
from firmward.vendor.cache import Shelf
from firmward.vendor.cli import build as commands
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

PLAIN = 'sandbox = "none"\n'
RELEASE = ("1.0.0", 1)


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    """Nothing was built before."""
    assert shutil.which("bwrap"), "apt-get install bubblewrap"
    return Shelf(tmp_path / "shelf")


def compared(tree, shelf):
    """What a second build says of the first."""
    artifact = built(tree, shelf)
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        return verify(checkout, RELEASE, artifact, shelf, now)


def test_the_real_firmware_is_the_same_at_another_path(tree, shelf):
    """Binary and loaded sections; its debug information may differ."""
    found = compared(tree, shelf)

    assert (True, True, ()) == (found.reproducible, found.path_independent, found.differs)


def test_a_path_in_the_binary_is_caught(tree, shelf):
    """An assert() that names its file: the same at one path, another at the next."""
    header = tree.read("pump/config.h")
    source = tree.read("pump/pump.c")
    trap = "const char *where_am_i(void);\nconst char *where_am_i(void) { return __FILE__; }\n"
    used = "    (void)*(volatile const char *)where_am_i();\n    struct therapy none = {0};"
    source = source.replace("    struct therapy none = {0};", used, 1)
    build = tree.read("build.py").replace(
        "*sources(part)", "*(str(TREE / s) for s in sources(part))"
    )
    build = build.replace('f"-ffile-prefix-map={TREE}=."', '"-DNO_MAP"')
    tree.commit({"pump/config.h": header, "build.py": build, "pump/pump.c": trap + source})

    held = compared(tree, shelf)
    assert (True, False) == (held.reproducible, held.path_independent)
    assert held.differs[0].startswith("at another path: app.bin: first at byte 0x")
    assert any("section .text" in each for each in held.differs)


@pytest.mark.parametrize(
    ("made", "rules", "same"),
    [
        ("uuid.uuid4()", "", False),
        ("time.time_ns()", "", False),
        ("os.urandom(8)", PLAIN, False),
        ("sorted({'a', 'b'})", PLAIN, True),
    ],
)
def test_chance_and_time_are_caught(tree, shelf, made, rules, same):
    """In the sandbox and out of it; what does neither passes."""
    by_script(tree, leaving(made), rules)

    assert same is compared(tree, shelf).reproducible


def test_a_plain_build_that_embeds_its_path_is_not_reproducible(tree, shelf):
    """Without a sandbox nothing fixes the path."""
    by_script(tree, leaving("os.getcwd()"), PLAIN)
    found = compared(tree, shelf)

    assert (False, False) == (found.reproducible, found.path_independent)
    assert found.differs[0].startswith("app.bin: first at byte 0x")


def test_a_first_build_that_was_tampered_with_is_caught(tree, shelf, tmp_path):
    """A shelf whose owner swapped result and file whole: the second build takes nothing from it."""
    by_script(tree, leaving("'honest'"))
    honest = built(tree, shelf)
    by_script(tree, leaving("'poison'"))
    poison = built(tree, shelf)
    by_script(tree, leaving("'honest'"))

    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        assert verify(checkout, RELEASE, honest, shelf, now).reproducible
        with pytest.raises(NotReproducible, match=r"app\.bin: first at byte 0x0"):
            verified(checkout, RELEASE, poison, shelf, now)


def test_the_provenance_tells_of_the_second_build_and_of_the_sandbox(tree, shelf):
    """A gate reads there whether anybody looked."""
    by_script(tree, leaving("'x'"))
    tree.edit("pump/firmward.toml", "[source]\n", "[source]\nsigned = false\n")
    artifact = built(tree, shelf)
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        again = verified(checkout, RELEASE, artifact, shelf, now)
        once = provenance(checkout.source, artifact, *RELEASE)
        twice = provenance(checkout.source, again, *RELEASE)

    said = {"reproducible": True, "pathIndependent": True, "differs": []}
    assert [said] * 3 == [each["annotations"] for each in twice["runDetails"]["byproducts"]]
    assert all("annotations" not in each for each in once["runDetails"]["byproducts"])
    inner = once["buildDefinition"]["internalParameters"]
    assert inner["sandbox"] == artifact.sandbox
    assert inner["sandbox"].startswith("bubblewrap ")


def test_the_command_builds_twice_on_request_and_refuses_what_differs(tree, tmp_path):
    """Exit 1 with the first offset; without --verify nobody looks."""
    by_script(tree, leaving("'a' + str(time.time_ns())"))
    words = ["build", str(tree.folder / "pump"), "--version", "1.0.0", "--counter", "1"]
    words += ["--out", str(tmp_path / "out")]
    shell = CliRunner(env={"FIRMWARD_CACHE": str(tmp_path / "cache")})

    assert 0 == shell.invoke(commands("build"), words).exit_code
    twice = shell.invoke(commands("build"), [*words, "--verify"])
    assert (1, True) == (twice.exit_code, "app.bin: first at byte 0x" in twice.stderr)
    by_script(tree, leaving("'a'"))
    told = shell.invoke(commands("build"), [*words, "--verify", "--json"])
    assert json.loads(told.stdout)["reproducible"] is True


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [(b"", b"a", 0), (b"ab", b"ac", 1), (b"ab", b"abc", 2), (b"a" * 99, b"", 0)],
)
def test_the_first_difference_is_found(one, other, at):
    """By halving, as the images are large."""
    assert at == first_offset(one, other)

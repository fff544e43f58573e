"""Submodules are laid out at the commit that the tree names, from what the working copy has."""

import shutil
from pathlib import Path

import pytest
from tests.vendors import Tree, small_tree

from firmward.vendor.source import gitmodules
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.source.refused import SourceRefused
from firmward.vendor.source.stated import resolved

URL = "https://git.example/acme"


def add(tree: Tree, other: Tree, path: str) -> None:
    """Add a repository as a submodule, declared by its address on a host."""
    local = ("-c", "protocol.file.allow=always")
    tree.git(*local, "submodule", "--quiet", "add", str(other.folder), path)
    tree.git(*local, "submodule", "--quiet", "update", "--init", "--recursive")
    text = tree.read(".gitmodules").replace(str(other.folder.parent), URL)
    tree.commit({".gitmodules": text}, says=f"add {path}")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder in which the repositories were made."""
    tmp_path = tmp_path_factory.mktemp("made")
    inner = small_tree(tmp_path / "inner", {"inner.c": "int inner;\n"})
    outer = small_tree(tmp_path / "outer", {"outer.c": "int outer;\n"})
    add(outer, inner, "deep/inner")
    tree = small_tree(tmp_path / "source")
    # The outer library's own declaration names a host, so git is told where it really is.
    tree.environment |= {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{URL}/",
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
    }
    add(tree, outer, "libs/outer")
    return tmp_path


@pytest.fixture
def nested(made, tmp_path) -> Tree:
    """A source with a library in it, which has one of its own."""
    shutil.copytree(made / "developers", tmp_path / "developers")
    shutil.copytree(made / "source", tmp_path / "source", symlinks=True)
    return Tree(tmp_path / "source")


def test_submodules_are_laid_out_at_their_pinned_commits_to_any_depth(nested):
    """And each is named with its address, commit and tree."""
    source = take(nested.folder, "HEAD", nested.signers)
    with checked_out(source) as checkout:
        assert "int outer;\n" == (checkout.root / "libs/outer/outer.c").read_text()
        assert "int inner;\n" == (checkout.root / "libs/outer/deep/inner/inner.c").read_text()

    outer, inner = source.submodules
    assert ("libs/outer", f"{URL}/outer") == (outer.path, outer.url)
    assert ("libs/outer/deep/inner", f"{URL}/inner") == (inner.path, inner.url)
    assert nested.git("rev-parse", "HEAD:libs/outer") == outer.commit
    assert Tree(nested.folder / "libs/outer").git("rev-parse", "HEAD^{tree}") == outer.tree


def test_the_provenance_names_submodules_by_digest(nested):
    """After the commit itself, which stays the first."""
    inputs = resolved(take(nested.folder, "HEAD", nested.signers))

    assert [nested.git("rev-parse", "HEAD")] == [inputs[0]["digest"]["gitCommit"]]
    assert ["libs/outer", "libs/outer/deep/inner"] == [each["name"] for each in inputs[1:]]
    assert all({"gitCommit", "gitTree"} == set(each["digest"]) for each in inputs)


def test_a_submodule_whose_commit_is_not_there_is_refused_with_the_command(nested):
    """What is missing is never fetched during a release."""
    shutil.rmtree(nested.folder / ".git/modules/libs/outer/modules")
    shutil.rmtree(nested.folder / "libs/outer/deep/inner")

    with pytest.raises(SourceRefused, match="git submodule update --init --recursive"):
        take(nested.folder, "HEAD", nested.signers, released_before=True)


def test_a_submodule_that_was_never_checked_out_is_taken_from_the_object_store(nested):
    """An empty folder hides nothing."""
    nested.git("submodule", "--quiet", "deinit", "--force", "--all")

    with checked_out(take(nested.folder, "HEAD", nested.signers)) as checkout:
        assert (checkout.root / "libs/outer/deep/inner/inner.c").is_file()


def test_a_submodule_that_was_changed_or_moved_on_makes_the_tree_dirty(nested):
    """At any depth: an edit, a new file, or another commit checked out."""
    inner = Tree(nested.folder / "libs/outer/deep/inner")
    (inner.folder / "inner.c").write_text("int other;\n")
    with pytest.raises(SourceRefused, match=r"no change since the commit, got .*inner\.c"):
        take(nested.folder, "HEAD", nested.signers)

    inner.git("checkout", "--quiet", "--", ".")
    (inner.folder / "new.c").write_text("int y;\n")
    with pytest.raises(SourceRefused, match=r"new\.c"):
        take(nested.folder, "HEAD", nested.signers)

    (inner.folder / "new.c").unlink()
    author = ("-c", "user.name=d", "-c", "user.email=d@e")
    inner.git(*author, "commit", "--quiet", "--allow-empty", "-m", "further")
    with pytest.raises(SourceRefused, match="submodule libs/outer/deep/inner: expected commit"):
        take(nested.folder, "HEAD", nested.signers)


def test_a_submodule_runs_no_program_that_its_settings_name(nested, tmp_path):
    """git status would ask the submodule's own monitor."""
    script = tmp_path / "attacker.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    inner = Tree(nested.folder / "libs/outer")
    inner.git("config", "core.fsmonitor", str(script))

    with checked_out(take(nested.folder, "HEAD", nested.signers)):
        pass
    assert not (tmp_path / "ran").exists()


DECLARED = f'[submodule "libs/outer"]\n\tpath = libs/outer\n\turl = {URL}/outer\n'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f"{URL}/outer", "../outer", "full URL"),
        (f"{URL}/outer", "/srv/outer", "full URL"),
        (f"{URL}/outer", "file:///srv/outer", "full URL"),
        (f"{URL}/outer", "ext::sh -c 'touch /tmp/x'", "full URL"),
        (f"{URL}/outer", "--upload-pack=x", "full URL"),
        (f"{URL}/outer", "https://git.example/../outer", "full URL"),
        (f"{URL}/outer", "git@git.example:../outer", "full URL"),
        ('"libs/outer"', '"../../hooks"', "a name and a path inside"),
        ('"libs/outer"', '"/etc"', "a name and a path inside"),
        ("= libs/outer", "= libs/../libs/outer", "a name and a path inside"),
        ("= libs/outer", "= -libs", "a name and a path inside"),
        ("= libs/outer", "= libs/outer\n\tpath = libs/outer", "each key once"),
        ("path = libs/outer", "path", "as git writes them"),
        ("[submodule", "[include", "as git writes them"),
    ],
)
def test_a_declaration_that_leads_elsewhere_is_refused(old, new, expected):
    """A relative address names no repository; `..` in a name has written hooks before."""
    [whole] = gitmodules.read(DECLARED.encode())
    assert f"{URL}/outer" == gitmodules.whole(whole).url
    assert old in DECLARED

    with pytest.raises(SourceRefused, match=expected):
        [gitmodules.whole(each) for each in gitmodules.read(DECLARED.replace(old, new).encode())]


@pytest.mark.parametrize(("old", "new"), [("https://git.example/", "../"), ("path = ", "path = x")])
def test_a_commit_with_such_a_declaration_is_refused(nested, old, new):
    """Though the submodule's commit is there."""
    nested.edit(".gitmodules", old, new)

    with pytest.raises(SourceRefused, match=r"full URL|a declaration in"):
        take(nested.folder, "HEAD", nested.signers, released_before=True)


def test_a_declaration_that_is_a_link_or_absent_is_refused(nested):
    """A link could be filled in by another entry of the tree."""
    body = nested.raw("HEAD^{tree}").replace(b"100644 .gitm", b"120000 .gitm")
    linked = nested.git("commit-tree", "-S", "-m", "a link", nested.forge("tree", body))
    nested.commit({".gitmodules": None})
    with pytest.raises(SourceRefused, match="a regular file that declares"):
        take(nested.folder, "HEAD", nested.signers, released_before=True)

    with pytest.raises(SourceRefused, match="a regular file that declares"):
        take(nested.folder, linked, nested.signers, released_before=True)


def test_a_link_or_files_in_place_of_a_submodule_are_refused(nested, tmp_path):
    """The folder would show what is not released."""
    shutil.rmtree(nested.folder / "libs/outer")
    (nested.folder / "libs/outer").symlink_to(tmp_path)
    with pytest.raises(SourceRefused, match=r"libs/outer"):
        take(nested.folder, "HEAD", nested.signers)

    (nested.folder / "libs/outer").unlink()
    (nested.folder / "libs/outer").mkdir()
    (nested.folder / "libs/outer/own.c").write_text("int x;\n")
    with pytest.raises(SourceRefused, match=r"libs/outer"):
        take(nested.folder, "HEAD", nested.signers)


def test_credentials_in_an_address_stay_out(nested):
    """A token is nobody's business, least of all a hospital's."""
    nested.edit(".gitmodules", "https://git", "https://user:token@git")
    outer = take(nested.folder, "HEAD", nested.signers).submodules[0]

    assert f"{URL}/outer" == outer.url

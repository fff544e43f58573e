"""Source is a commit, or it is refused."""

import os

import pytest
from tests.vendors import contents

from firmward.terms.errors import Malformed, Misuse
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.source.refused import SourceRefused


def test_a_commit_is_laid_out_as_it_was_committed(tree):
    """The project, its folder and every file of the root, and nothing of git."""
    source = take(tree.folder / "pump", "HEAD")
    with checked_out(source) as checkout:
        laid = contents(checkout.root)
        expected = set(tree.git("ls-files").splitlines())

        assert expected == set(laid)
        assert (checkout.folder / "firmward.toml").is_file()
        assert "pump-200" == checkout.project.product
    assert tree.git("rev-parse", "HEAD") == source.commit
    assert tree.git("rev-parse", "HEAD^{tree}") == source.tree
    assert not checkout.root.exists()


def test_an_earlier_commit_is_taken_as_it_was_then(tree):
    """What a commit holds does not depend on what came after."""
    first = tree.git("rev-parse", "HEAD")
    tree.edit("pump/config.h", "READ_INTERVAL_MS 1000", "READ_INTERVAL_MS 1500")

    with checked_out(take(tree.folder / "pump", first)) as checkout:
        assert "READ_INTERVAL_MS 1000" in (checkout.root / "pump/config.h").read_text()


@pytest.mark.parametrize(
    ("name", "text"), [("pump/config.h", "/* changed */\n"), ("pump/new.c", "int x;\n")]
)
def test_a_dirty_tree_is_refused(tree, name, text):
    """What the developer sees would not be what is released."""
    (tree.folder / name).write_text(text)

    with pytest.raises(SourceRefused, match=f"no change since the commit, got .*{name}"):
        take(tree.folder / "pump", "HEAD")


def test_a_change_outside_the_source_root_does_not_matter(tree, tmp_path):
    """A folder beside the firmware is another team's."""
    text = tree.read("pump/firmward.toml").replace('root = ".."', 'root = "."')
    tree.commit({"pump/firmward.toml": text})
    (tree.folder / "monitor" / "config.h").write_text("/* changed */\n")

    assert "pump" == take(tree.folder / "pump", "HEAD").root


@pytest.mark.parametrize("revision", ["nowhere", "0" * 40, "HEAD~7", "--all", ""])
def test_an_unknown_commit_is_refused(tree, revision):
    """Nor is a revision that looks like an option taken for one."""
    with pytest.raises(SourceRefused):
        take(tree.folder / "pump", revision)


def test_a_folder_that_is_in_no_repository_is_refused(tmp_path):
    """There is no commit to be found."""
    with pytest.raises(SourceRefused, match="repository"):
        take(tmp_path, "HEAD")
    with pytest.raises(Misuse, match="expected a folder"):
        take(tmp_path / "absent", "HEAD")


def test_the_project_file_counts_as_committed_not_as_it_lies_there(tree):
    """A project file that is not in the commit cannot speak for it."""
    tree.git("rm", "--quiet", "--cached", "pump/firmward.toml")
    tree.git("-c", "user.name=d", "-c", "user.email=d@e", "commit", "--quiet", "-m", "without")

    with pytest.raises(SourceRefused, match="project file"):
        take(tree.folder / "pump", "HEAD")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('safety_class = "C" #', 'safety_class = "D" #'),
        ('product = "pump-200"', 'product = "Pump 200"'),
        ('kind = "feature"', 'knid = "feature"'),
        ('vendor = "acme"', "vendor = "),
    ],
)
def test_a_project_file_with_a_wrong_or_unknown_setting_is_refused(tree, old, new):
    """A misspelt setting is no default."""
    tree.edit("pump/firmward.toml", old, new)

    with pytest.raises(Malformed, match=r"firmward\.toml"):
        take(tree.folder / "pump", "HEAD")


def test_a_source_root_outside_the_repository_is_refused(tree):
    """`root = "../.."` would take in whatever lies beside the repository."""
    tree.edit("pump/firmward.toml", 'root = ".."', 'root = "../.."')

    with pytest.raises(SourceRefused, match="a folder of the repository"):
        take(tree.folder / "pump", "HEAD")


def test_a_foreign_remote_is_refused_and_credentials_are_left_out(tree):
    """A fork is not the validated repository; a token in its URL is nobody's business."""
    tree.git("remote", "add", "origin", "https://user:token@git.example/acme/firmware")
    assert "https://git.example/acme/firmware" == take(tree.folder / "pump", "HEAD").remote

    allowed = 'remotes = ["https://git.example/other"]'
    tree.edit("pump/firmward.toml", 'root = ".."', f'root = ".."\n{allowed}')
    with pytest.raises(SourceRefused, match="origin: expected one of"):
        take(tree.folder / "pump", "HEAD")


def test_a_submodule_is_refused(tree):
    """Its content is in another repository, so this commit does not fix what is built."""
    head = tree.git("rev-parse", "HEAD")
    tree.git("update-index", "--add", "--cacheinfo", f"160000,{head},pump/sub")
    tree.git("-c", "user.name=d", "-c", "user.email=d@e", "commit", "--quiet", "-m", "sub")
    tree.git("reset", "--quiet", "--hard")

    with pytest.raises(SourceRefused, match="submodule"):
        take(tree.folder / "pump", "HEAD")


def test_hooks_and_git_variables_do_not_reach_in(tree, tmp_path):
    """A hook is code of somebody else's; GIT_DIR would name another repository."""
    hook = tree.folder / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    os.environ["GIT_DIR"] = str(tmp_path)
    try:
        with checked_out(take(tree.folder / "pump", "HEAD")):
            pass
    finally:
        del os.environ["GIT_DIR"]

    assert not (tmp_path / "ran").exists()

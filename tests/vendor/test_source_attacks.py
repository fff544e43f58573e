"""A repository's own settings, names and object store are somebody else's: none is believed."""

import shutil
import zlib
from pathlib import Path

import pytest
from tests.vendors import Tree, new_key, small_tree

from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take
from firmward.vendor.source.refused import SourceRefused


@pytest.fixture
def small(tmp_path) -> Tree:
    """A small source, signed by its developer."""
    return small_tree(tmp_path / "source")


def program(tmp_path: Path) -> tuple[Path, Path]:
    """A program that leaves a mark when somebody runs it, and says that all is well."""
    mark, path = tmp_path / "ran", tmp_path / "attacker.sh"
    path.write_text(
        f"#!/bin/sh\ntouch {mark}\ncat >/dev/null\n"
        'echo "Good \\"git\\" signature for dev@example with ED25519 key SHA256:'
        + "A" * 43
        + '"\necho "[GNUPG:] GOODSIG 00 x"\nexit 0\n'
    )
    path.chmod(0o755)
    return mark, path


SETTINGS = (
    "gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "gpg.ssh.defaultKeyCommand",
    "core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.askPass", "core.pager",
    "core.editor", "core.alternateRefsCommand", "filter.own.smudge", "filter.own.clean",
    "filter.own.process", "diff.own.textconv", "diff.external", "credential.helper",
    "sequence.editor", "alias.status",
)  # fmt: skip


def test_no_setting_of_the_repository_runs_a_program(small, tmp_path):
    """Each names the attacker's program, directly or by an include; the tree asks for filters."""
    mark, path = program(tmp_path)
    small.commit({".gitattributes": "* filter=own diff=own\n"})
    for name in SETTINGS:
        small.git("config", name, f"!{path}" if name.startswith("alias") else str(path))
    more = tmp_path / "more.config"
    more.write_text(f"[core]\n\tfsmonitor = {path}\n[gpg]\n\tprogram = {path}\n")
    small.git("config", "include.path", str(more))
    small.git("config", "core.hooksPath", str(tmp_path))

    with checked_out(take(small.folder, "HEAD", small.signers)) as checkout:
        assert "int x;\n" == (checkout.root / "main.c").read_text()
    assert not mark.exists()


def test_a_program_in_place_of_gpg_or_ssh_keygen_vouches_for_nobody(small, tmp_path):
    """A stranger's commit, and settings by which every signature is good."""
    mark, path = program(tmp_path)
    small.signed_by(new_key(tmp_path / "stranger"))
    small.commit({"main.c": "int backdoor;\n"})
    for name in ("gpg.program", "gpg.ssh.program"):
        small.git("config", name, str(path))
    allowed = tmp_path / "allowed"
    allowed.write_text(f"dev@example {(tmp_path / 'stranger.pub').read_text()}")
    small.git("config", "gpg.ssh.allowedSignersFile", str(allowed))

    with pytest.raises(SourceRefused, match="that is unknown"):
        take(small.folder, "HEAD", small.signers)
    assert not mark.exists()


def test_a_partial_clone_that_lacks_an_object_fetches_nothing(small, tmp_path):
    """What is missing would come by a command that the settings name."""
    mark, path = program(tmp_path)
    blob = small.git("rev-parse", "HEAD:main.c")
    (small.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for name, value in {
        "remote.origin.url": f"ext::{path}",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
    }.items():
        small.git("config", name, value)
    source = take(small.folder, "HEAD", small.signers, released_before=True)

    with pytest.raises(SourceRefused, match="in its object store, got none"):
        with checked_out(source):
            pass
    assert not mark.exists()


def test_a_replaced_or_grafted_object_is_not_seen(small):
    """`git replace` shows other content under the signed commit's id."""
    signed = small.git("rev-parse", "HEAD")
    other = small.commit({"main.c": "int backdoor;\n"})
    small.git("reset", "--quiet", "--hard", signed)
    small.git("replace", signed, other)

    with checked_out(take(small.folder, "HEAD", small.signers, released_before=True)) as checkout:
        assert "int x;\n" == (checkout.root / "main.c").read_text()


def test_an_object_that_its_id_does_not_name_is_refused(small):
    """The object store is a folder that anybody with a shell can write to."""
    source = take(small.folder, "HEAD", small.signers)
    blob = small.git("rev-parse", "HEAD:main.c")
    path = small.folder / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"blob 6\0evil;\n"))

    with pytest.raises(SourceRefused, match="expected the blob it names, got other bytes"):
        with checked_out(source):
            pass


def test_a_working_copy_or_index_elsewhere_hides_no_change(small, tmp_path):
    """core.worktree names a clean copy; assume-unchanged hides an edit from git's own status."""
    shutil.copytree(small.folder, tmp_path / "clean", ignore=shutil.ignore_patterns(".git"))
    small.git("update-index", "--assume-unchanged", "main.c")
    (small.folder / "main.c").write_text("int other;\n")
    small.git("config", "core.worktree", str(tmp_path / "clean"))

    with pytest.raises(SourceRefused, match=r"no change since the commit, got .*main\.c"):
        take(small.folder, "HEAD", small.signers)


def made_tree(small: Tree, *entries: tuple[str, str, bytes]) -> str:
    """A signed commit whose tree has these (mode, name, id) entries besides its own."""
    body = small.raw("HEAD^{tree}")
    for mode, name, number in entries:
        body += f"{mode} {name}\0".encode() + number
    return small.git("commit-tree", "-S", "-m", "made", small.forge("tree", body))


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("100644", "../../outside"),
        ("100644", ".."),
        ("40000", ".git"),
        ("40000", ".GIT"),
        ("100644", "main.c"),
        ("100644", "a/b"),
        ("100600", "odd"),
    ],
)
def test_a_tree_that_would_be_written_elsewhere_is_refused(small, mode, name):
    """Git's own porcelain makes no such tree; an attacker's does, and signs it."""
    blob = bytes.fromhex(small.git("rev-parse", "HEAD:main.c"))
    commit = made_tree(small, (mode, name, blob))

    with pytest.raises(SourceRefused, match=r"expected (plain names|files, folders, links)"):
        take(small.folder, commit, small.signers, released_before=True)


@pytest.mark.parametrize(
    "links",
    [
        {"out": "../../etc/passwd"},
        {"deep/out": "../../outside"},
        # No single one of these climbs out.
        {"sub/up": "..", "out": "sub/up/.."},
    ],
)
def test_a_link_that_climbs_out_of_the_tree_is_refused(small, links):
    """What it meets there is in no commit: a key of the build account's, for one."""
    for name, target in links.items():
        (small.folder / name).parent.mkdir(exist_ok=True)
        (small.folder / name).symlink_to(target)
    small.commit()

    with pytest.raises(SourceRefused, match="a place inside the source root"):
        with checked_out(take(small.folder, "HEAD", small.signers)):
            pass


def test_links_inside_the_tree_and_those_of_a_root_file_system_stay(small):
    """`etc/mtab -> /proc/mounts` is for the device; the pins scanner tells of it."""
    (small.folder / "rootfs").mkdir()
    (small.folder / "rootfs/mtab").symlink_to("/proc/mounts")
    (small.folder / "rootfs/near").symlink_to("../main.c")
    small.commit()

    with checked_out(take(small.folder, "HEAD", small.signers)) as checkout:
        assert "int x;\n" == (checkout.root / "rootfs/near").read_text()
        assert "/proc/mounts" == str((checkout.root / "rootfs/mtab").readlink())


def test_a_linked_working_copy_and_a_sha256_repository_are_sources_too(small, tmp_path):
    """The objects are elsewhere, or have longer names; nothing else differs."""
    small.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    assert take(small.folder, "HEAD").tree == take(tmp_path / "linked", "HEAD").tree

    wide = tmp_path / "wide"
    shutil.copytree(small.folder, wide, ignore=shutil.ignore_patterns(".git"))
    again = Tree(wide)
    again.git("init", "--quiet", "--object-format=sha256")
    again.signed_by(tmp_path / "developers/source-key")
    again.commit()
    source = take(wide, "HEAD", small.signers)
    with checked_out(source) as checkout:
        assert (checkout.root / "main.c").is_file()
    assert 64 == len(source.commit)

"""Built files are created once and hashed again before they are signed."""

import os
import stat
import tarfile

import pytest
from tests.builds import built, by_script, leaving

from firmward.terms.stage import Stage
from firmward.vendor import pipeline
from firmward.vendor.build.command import to_sign
from firmward.vendor.build.store import Altered, Store, reread
from firmward.vendor.cache import Shelf
from firmward.vendor.request import Request


def overwrite(path, data: bytes) -> None:
    """What somebody with the builder's account does to a read-only file."""
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_file_lies_under_its_digest_read_only_and_alone(tmp_path):
    """Sealing the same bytes twice is one file; nothing temporary is left."""
    store = Store(tmp_path)
    first, second = store.seal("app.bin", b"code"), store.seal("other", b"code")

    assert (
        first.path == second.path == tmp_path / "objects/sha256" / first.sha256[:2] / first.sha256
    )
    assert 0o444 == stat.S_IMODE(first.path.stat().st_mode)
    assert [first.path] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert b"code" == reread(first)


def test_what_was_sealed_is_never_written_again(tmp_path):
    """Sealing over an altered file refuses, and does not repair it in silence either."""
    store = Store(tmp_path)
    sealed = store.seal("app.bin", b"code")
    overwrite(sealed.path, b"evil")

    with pytest.raises(Altered, match="somebody wrote to it"):
        store.seal("app.bin", b"code")
    assert b"evil" == sealed.path.read_bytes()


@pytest.mark.parametrize("attack", ["altered", "swapped", "removed"])
def test_a_binary_altered_between_build_and_signature_is_refused(tree, tmp_path, attack):
    """The scans take minutes; whoever writes to the store in that time gets nothing signed."""
    by_script(tree, leaving("'firmware'"))
    artifact = built(tree, Shelf(tmp_path / "shelf"))
    assert b"firmware" == to_sign(artifact)

    path = artifact.sealed["app.bin"].path
    if attack == "altered":
        overwrite(path, b"malware!")
    else:
        path.unlink()
    if attack == "swapped":
        evil = tmp_path / "evil"
        evil.write_bytes(b"malware!")
        os.symlink(evil, path)

    with pytest.raises(Altered, match=artifact.digests()["app.bin"]):
        to_sign(artifact)


def test_a_release_whose_binary_is_altered_during_the_scan_signs_and_publishes_nothing(vendor):
    """The same in the whole pipeline: the vendor's repository stays as it was."""
    store, before = Store(vendor.shop.shelf.folder), vendor.published
    # Only this release has these bytes, so that other tests find their own unharmed.
    request = Request(commit="HEAD", version="1.9.0", counter=77)

    def attack(stage: Stage, says: str) -> None:
        if stage is Stage.SCAN:
            for path in store.folder.glob("objects/sha256/*/*"):
                data = path.read_bytes()
                if data[0x40:0x44] == b"FWVB" and data[0x48:0x4A] == b"\x01\x09":
                    overwrite(path, b"malware!")

    with pytest.raises(Altered):
        pipeline.release(vendor.project, request, vendor.shop, attack)
    assert before == vendor.published


def test_an_altered_file_is_not_taken_for_an_earlier_build(tree, tmp_path):
    """A result on the shelf is believed only with the bytes it named."""
    by_script(tree, leaving("'firmware'"))
    shelf = Shelf(tmp_path / "shelf")
    overwrite(built(tree, shelf).sealed["app.bin"].path, b"malware!")

    with pytest.raises(Altered):
        built(tree, shelf)


def test_a_file_gone_from_the_store_is_built_again(tree, tmp_path):
    """A cleaned store costs a build, no more."""
    by_script(tree, leaving("'firmware'"))
    shelf = Shelf(tmp_path / "shelf")
    built(tree, shelf).sealed["app.bin"].path.unlink()

    again = built(tree, shelf)
    assert (False, b"firmware") == (again.cached, to_sign(again))


def test_a_root_file_system_stays_in_the_store(tree, tmp_path):
    """A folder becomes a tar without time or owner; links stay links, and it is never in memory."""
    script = (
        "import os, sys\nroot = f'{sys.argv[3]}/rootfs'\nos.makedirs(f'{root}/etc')\n"
        "open(f'{root}/etc/os-release', 'w').write('NAME=test')\n"
        "os.symlink('/etc/os-release', f'{root}/release')\n"
        "open(f'{sys.argv[3]}/app.bin', 'w').write('x')\n"
        "open(f'{sys.argv[3]}/app.elf', 'w').write('x')\n"
    )
    by_script(tree, script, 'rootfs = "rootfs"\n')
    artifact = built(tree, Shelf(tmp_path / "shelf"))

    assert artifact.rootfs is not None
    assert artifact.digests()["rootfs"] == artifact.rootfs.sha256
    with tarfile.open(artifact.rootfs.path) as tar:
        assert ["etc", "etc/os-release", "release"] == tar.getnames()
        assert {0} == {number for each in tar for number in (each.mtime, each.uid, each.gid)}
        assert "/etc/os-release" == tar.getmember("release").linkname


def test_a_tree_without_elf_names_none(tree, tmp_path):
    """Then there is none, and no digest of nothing."""
    by_script(tree, leaving("'firmware'"))
    tree.edit("pump/firmward.toml", 'elf = "app.elf"\n', "")
    artifact = built(tree, Shelf(tmp_path / "shelf"))

    assert (b"", ["app.bin", "component/druglib"]) == (artifact.elf, list(artifact.digests()))

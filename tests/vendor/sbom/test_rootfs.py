"""The packages of a root file system, by the databases that its distribution left in it."""

import gzip
import subprocess
import tarfile

import pytest
from tests.vendor.sbom.conftest import image

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors import rootfs

DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'
ALPINE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.4\n'
DPKG = """Package: zlib1g
Status: install ok installed
Maintainer: Mark Brown <broonie@debian.org>
Architecture: arm64
Source: zlib
Version: 1:1.2.13.dfsg-1
Depends: libc6 (>= 2.14) | libc6-udeb, libx:any
Description: compression library
 Package: fake
 Version: 9

Package: removed
Status: deinstall ok config-files
Version: 1.0

Package: libc6
Status: install ok installed
Source: glibc (2.36-9+deb12u3)
Version: 2.36-9
Architecture: arm64
"""
APK = """C:Q1abc=
P:busybox
V:1.36.1-r2
A:aarch64
L:GPL-2.0-only
o:busybox
D:so:libc.musl-aarch64.so.1 !other
F:bin
R:busybox
Z:Q1def=

P:ssl_client
V:1.36.1-r2
o:busybox
"""
OPKG = """Package: dropbear
Version: 2022.83-1
Depends: libc
Status: install user installed
Architecture: mipsel_24kc
"""
DEBIAN_FILES = {
    "etc/os-release": DEBIAN,
    "var/lib/dpkg/status": DPKG,
    "var/lib/dpkg/info/zlib1g.list": "/.\n/lib/libz.so.1.2.13\n",
    "usr/lib/libz.so.1.2.13": "\x7fELF owned",
    "opt/pump/app": "\x7fELF ours",
    "etc/motd": "hello",
}


def tar_of(root, name="rootfs.tar.gz"):
    """The folder as a compressed tar."""
    with tarfile.open(root.parent / name, "w:gz") as archive:
        archive.add(root, ".")
    return root.parent / name


def squashfs_of(root):
    """The folder as a squashfs image, by the real tool."""
    made = root.parent / "rootfs.squashfs"
    try:
        subprocess.run(["mksquashfs", root, made, "-quiet", "-no-progress"], check=True)
    except FileNotFoundError:
        pytest.fail("mksquashfs is absent: apt-get install squashfs-tools")
    return made


@pytest.mark.parametrize("form", [lambda root: root, tar_of, squashfs_of])
def test_debian_packages_in_a_folder_a_tar_and_a_squashfs_image(tmp_path, form):
    """With epoch, source package and distribution, which are what Debian's advisories name."""
    found = {part.name: part for part in rootfs.collect(form(image(tmp_path, DEBIAN_FILES)))}
    zlib, libc = found["zlib1g"], found["libc6"]

    assert {"debian", "zlib1g", "libc6", "app"} == set(found)
    assert ("operating-system", "12") == (found["debian"].kind, found["debian"].version)
    assert "1:1.2.13.dfsg-1" == zlib.version
    assert zlib.purl.startswith("pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=arm64&distro=debian-12")
    assert ("zlib", "1:1.2.13.dfsg-1") == (zlib.source_package, zlib.source_version)
    assert ("glibc", "2.36-9+deb12u3") == (libc.source_package, libc.source_version)
    assert ("libc6", "libx") == zlib.depends_on
    assert ("yes", "Debian GNU/Linux") == (zlib.linked, zlib.supplier)
    assert ("rootfs:var/lib/dpkg/status", 1) == (zlib.origin.path, zlib.origin.line)


def test_a_program_that_no_package_owns_is_declared_unknown(tmp_path):
    """Whoever copied it in told no database; a merged /usr does not hide who owns the rest."""
    unknown = [part for part in rootfs.collect(image(tmp_path, DEBIAN_FILES)) if part.known_unknown]

    assert [("app", ("rootfs:opt/pump/app",))] == [(part.name, part.paths) for part in unknown]


def test_alpine_packages_with_licence_origin_and_files(tmp_path):
    """A subpackage's advisories are those of its origin."""
    files = {"etc/os-release": ALPINE, "lib/apk/db/installed": APK, "bin/busybox": "\x7fELF"}
    found = {part.name: part for part in rootfs.collect(image(tmp_path, files))}

    assert {"alpine", "busybox", "ssl_client"} == set(found)
    assert "pkg:apk/alpine/busybox@1.36.1-r2?arch=aarch64&distro=alpine-3.18.4" == (
        found["busybox"].purl
    )
    assert "GPL-2.0-only" == found["busybox"].licence
    assert "busybox" == found["ssl_client"].source_package
    assert "upstream=busybox" in found["ssl_client"].purl


def test_openwrt_packages_without_an_os_release(tmp_path):
    """What the distribution is stays open; the packages are listed all the same."""
    [part] = rootfs.collect(image(tmp_path, {"usr/lib/opkg/status": OPKG}))

    assert "pkg:opkg/openwrt/dropbear@2022.83-1?arch=mipsel_24kc" == part.purl


SPOILED = {
    "a dpkg field twice": ({"var/lib/dpkg/status": "Package: a\nVersion: 1\nVersion: 2\n"}, "once"),
    "a dpkg stanza without version": ({"var/lib/dpkg/status": "Package: a\n"}, "its version"),
    "a dpkg line of no kind": ({"var/lib/dpkg/status": "hello\n"}, "fields"),
    "an apk line of no kind": ({"lib/apk/db/installed": "hello\n"}, "one letter"),
    "an apk package without version": ({"lib/apk/db/installed": "P:a\n"}, "its version"),
    "an rpm database of no kind": ({"var/lib/rpm/rpmdb.sqlite": "no database"}, "rpm database"),
}


@pytest.mark.parametrize("attack", SPOILED)
def test_a_database_that_cannot_be_read_is_refused(tmp_path, attack):
    """A package left out would be matched with nothing."""
    files, message = SPOILED[attack]

    with pytest.raises(Malformed, match=message):
        list(rootfs.collect(image(tmp_path, files)))


def entry(name, size=0, kind=tarfile.REGTYPE, target=""):
    """A tar member's header."""
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, target
    return member


def hostile_tar(folder, *members):
    """A tar of these headers, without the content that they promise."""
    path = folder / "hostile.tar.gz"
    headers = b"".join(member.tobuf(tarfile.GNU_FORMAT) for member in members)
    path.write_bytes(gzip.compress(headers + bytes(10240)))
    return path


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([entry("../../etc/passwd")], "paths inside it"),
        ([entry("a/../../b")], "paths inside it"),
        ([entry("etc/os-release"), entry("./etc/os-release")], "twice"),
        ([entry("zeros", 300 << 20)], "unfolded"),
        ([entry("var/lib/dpkg/status", kind=tarfile.SYMTYPE, target="/etc/shadow")], ""),
        ([entry("loop", kind=tarfile.SYMTYPE, target="loop")], ""),
    ],
)
def test_an_archive_that_leads_out_or_unfolds_without_end_is_refused(tmp_path, members, message):
    """Links are listed, and never followed."""
    path = hostile_tar(tmp_path, *members)
    if not message:
        assert [] == list(rootfs.collect(path))
        return
    with pytest.raises(Malformed, match=message):
        list(rootfs.collect(path))


def test_a_tar_header_of_any_size_is_not_held_in_memory(tmp_path):
    """A name of 300 MiB is a header that tarfile would read whole."""
    name = entry("././@LongLink", 300 << 20, tarfile.GNUTYPE_LONGNAME)
    path = tmp_path / "long.tar"
    with path.open("wb") as file:
        file.write(name.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + (300 << 20))

    with pytest.raises(Malformed, match="header or file"):
        list(rootfs.collect(path))


def test_links_in_a_folder_are_not_followed(tmp_path):
    """Neither out of it nor round in circles."""
    root = image(tmp_path, {"etc/hostname": "pump"})
    (tmp_path / "status").write_text(DPKG)
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").symlink_to(tmp_path / "status")
    (root / "loop").symlink_to(root)

    assert [] == list(rootfs.collect(root))


@pytest.mark.parametrize("data", [b"", b"no archive", b"hsqs" + b"\xff" * 96, b"\x1f\x8b\x08junk"])
def test_an_image_of_no_kind_is_refused(tmp_path, data):
    """An empty answer would say that nothing is installed."""
    path = tmp_path / "rootfs.img"
    path.write_bytes(data)

    with pytest.raises(Malformed, match="root file system"):
        list(rootfs.collect(path))

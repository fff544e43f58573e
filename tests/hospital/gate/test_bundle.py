"""A bundle is files and nothing but files, or it is refused whole."""

import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.hospital.gate.bundle import Limits, open_bundle
from firmward.lab import paper_vendor
from firmward.terms.errors import Malformed

NAME = "targets/a.bin"


def archive(*members: tarfile.TarInfo, body: bytes = b"x", form: int = tarfile.USTAR_FORMAT):
    """A tar of these members, each holding `body` where it holds anything."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for member in members:
            member.size = len(body) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """A member of that name and kind."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def rewritten(data: bytes, at: int, field: bytes) -> bytes:
    """The archive with a field of its first header replaced and its checksum made right."""
    header = bytearray(data[:512])
    header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + data[512:]


PLAIN = archive(member(NAME))
HOSTILE = {
    "empty": b"",
    "no end": archive(member(NAME))[:1024],
    "one block of zeros": PLAIN[:1024] + bytes(512),
    "an archive behind the end": PLAIN + PLAIN,
    "bytes behind the end": PLAIN[:-1] + b"x",
    "bytes in the padding": PLAIN[:600] + b"x" + PLAIN[601:],
    "parent folder": archive(member("targets/../../etc/passwd")),
    "absolute": archive(member("/targets/a")),
    "hidden": archive(member("targets/.ssh/keys")),
    "backslash": archive(member("targets\\a")),
    "newline": archive(member("targets/a\nb")),
    "double slash": archive(member("targets//a")),
    "no folder": archive(member("a.bin")),
    "another folder": archive(member("keys/a.bin")),
    "only the folder": archive(member("targets/", tarfile.DIRTYPE)),
    "metadata of another name": archive(member("metadata/registry.json")),
    "metadata in a folder": archive(member("metadata/a/1.root.json")),
    "version zero": archive(member("metadata/0.root.json")),
    "symlink": archive(member(NAME, tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": archive(member("targets/b"), member(NAME, tarfile.LNKTYPE, "targets/b")),
    "device": archive(member(NAME, tarfile.CHRTYPE)),
    "pipe": archive(member(NAME, tarfile.FIFOTYPE)),
    "old regular": rewritten(PLAIN, 156, b"\0"),
    "file with a link name": rewritten(PLAIN, 157, b"/etc/passwd"),
    "name behind the name": rewritten(PLAIN, 20, b"x"),
    "twice": archive(member(NAME), member(NAME)),
    "gnu": archive(member(NAME), form=tarfile.GNU_FORMAT),
    "gnu long name": archive(member("targets/" + "a" * 200), form=tarfile.GNU_FORMAT),
    "pax": archive(member("targets/é"), form=tarfile.PAX_FORMAT),
    "binary size": rewritten(PLAIN, 124, b"\x80" + bytes(7) + (2**31).to_bytes(4, "big")),
    "negative size": rewritten(PLAIN, 124, b"-0000000001\0"),
    "no size": rewritten(PLAIN, 124, bytes(12)),
    "wrong checksum": PLAIN[:100] + b"1" + PLAIN[101:],
    "compressed": b"\x1f\x8b\x08" + bytes(1021),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_anything_but_plain_files_with_plain_names_is_malformed(data):
    """Every trick an archive can play ends in the one error."""
    with pytest.raises(Malformed):
        open_bundle(data)


def test_the_archive_the_tricks_start_from_is_read():
    """What the table above refuses is the trick and not the archive."""
    assert {"a.bin": b"x"} == open_bundle(PLAIN).targets


def test_an_announced_two_gigabytes_are_refused_unread():
    """The size in the header is judged before a byte is reserved for it."""
    huge = rewritten(PLAIN, 124, b"20000000000\0")
    tracemalloc.start()
    with pytest.raises(Malformed, match="2147483648 announced"):
        open_bundle(huge)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000


def test_announced_sizes_beyond_the_bytes_are_malformed():
    """A member that claims more than came is a truncated one."""
    with pytest.raises(Malformed):
        open_bundle(rewritten(PLAIN, 124, b"00000100000\0"))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(total=1000), "at most 1000 bytes"),
        (Limits(member=0), "at most 0 bytes"),
        (Limits(members=1), "at most 1 members"),
    ],
)
def test_each_limit_holds(limits, message):
    """Total, one member and their number are each bounded."""
    with pytest.raises(Malformed, match=message):
        open_bundle(archive(member(NAME), member("targets/b")), limits)


def test_a_vendors_bundle_comes_apart_as_it_was_put_together(vendor, good, now):
    """Metadata and targets are the vendor's, byte for byte."""
    packed = paper_vendor.pack(vendor, good, now)
    bundle = open_bundle(packed.bundle)

    assert packed.metadata == bundle.metadata
    assert packed.targets == bundle.targets


@given(data=st.data())
def test_a_bundle_cut_anywhere_is_malformed(good_bundle, data):
    """No prefix of a bundle passes for one, but for padding at its very end."""
    cut = data.draw(st.integers(0, len(good_bundle.rstrip(b"\0")) + 1024))
    with pytest.raises(Malformed):
        open_bundle(good_bundle[:cut])


@given(noise=st.binary(max_size=4096))
def test_noise_is_malformed(noise):
    """Arbitrary bytes raise nothing but the one error."""
    with pytest.raises(Malformed):
        open_bundle(noise)

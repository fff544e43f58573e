"""The packages that rpm installed, from the headers in its database."""

import sqlite3
import struct

import pytest
from tests.vendor.sbom.conftest import image

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors import rootfs

FEDORA = 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=39\nCPE_NAME="cpe:2.3:o:fedoraproject:f:39"\n'
STRINGS = {1000: "name", 1001: "version", 1002: "release", 1022: "arch", 1044: "source"}


def rpm_header(folders=(), names=(), epoch=None, **texts):
    """A header as rpm stores it: index entries, then the data they point into."""
    index, data = [], b""
    for tag, name in STRINGS.items():
        index.append((tag, 6, len(data), 1))
        data += texts.get(name, "").encode() + b"\0"
    for tag, values in ((1118, folders), (1117, names)):
        index.append((tag, 8, len(data), len(values)))
        data += b"".join(value.encode() + b"\0" for value in values)
    data += b"\0" * (-len(data) % 4)
    for tag, numbers in ((1116, [0] * len(names)), (1003, [epoch] if epoch else [])):
        if numbers:
            index.append((tag, 4, len(data), len(numbers)))
            data += struct.pack(f">{len(numbers)}I", *numbers)
    packed = b"".join(struct.pack(">IIII", *entry) for entry in index)
    return struct.pack(">II", len(index), len(data)) + packed + data


def rpm_database(folder, *headers, table="CREATE TABLE Packages(hnum INTEGER PRIMARY KEY, blob)"):
    """An rpmdb.sqlite with these headers in it."""
    file = folder / "made.sqlite"
    file.unlink(missing_ok=True)
    with sqlite3.connect(file) as made:
        made.execute(table)
        made.executemany("INSERT INTO Packages(blob) VALUES (?)", [(each,) for each in headers])
    made.close()
    return file.read_bytes()


CURL = {
    "name": "curl",
    "version": "8.2.1",
    "release": "3.fc39",
    "arch": "aarch64",
    "source": "curl-8.2.1-3.fc39.src.rpm",
}


def test_rpm_packages_from_the_headers_in_sqlite(tmp_path):
    """With epoch and source package; the keys that rpm lists as packages are none."""
    headers = [
        rpm_header(**CURL, epoch=1, folders=("/usr/bin/",), names=("curl",)),
        rpm_header(name="gpg-pubkey", version="a", release="b"),
    ]
    files = {
        "etc/os-release": FEDORA,
        "usr/lib/sysimage/rpm/rpmdb.sqlite": rpm_database(tmp_path, *headers),
        "usr/bin/curl": "\x7fELF",
    }
    found = {part.name: part for part in rootfs.collect(image(tmp_path, files))}

    assert {"fedora", "curl"} == set(found)
    assert "1:8.2.1-3.fc39" == found["curl"].version
    assert found["curl"].purl.startswith("pkg:rpm/fedora/curl@8.2.1-3.fc39?arch=aarch64")
    assert "epoch=1" in found["curl"].purl
    assert ("curl", "8.2.1-3.fc39") == (found["curl"].source_package, found["curl"].source_version)


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
def test_an_rpm_database_of_an_older_kind_is_declared_unknown(tmp_path, name):
    """Silence would say that nothing is installed."""
    [part] = rootfs.collect(image(tmp_path, {f"var/lib/rpm/{name}": b"\0\x06"}))

    assert (True, "yes") == (part.known_unknown, part.linked)
    assert "older rpm database" in part.name


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\0\0\0\xff\0\0\0\0",
        struct.pack(">II", 1, 0) + struct.pack(">IIII", 1000, 6, 0, 1),
        struct.pack(">II", 1, 4) + struct.pack(">IIII", 1000, 6, 2**31, 1) + b"a\0\0\0",
        struct.pack(">II", 1, 4) + struct.pack(">IIII", 1117, 8, 0, 2**31) + b"a\0\0\0",
        struct.pack(">II", 1, 4) + struct.pack(">IIII", 1116, 4, 0, 2**31) + b"a\0\0\0",
        struct.pack(">II", 1, 4) + struct.pack(">IIII", 1000, 7, 0, 1) + b"a\0\0\0",
    ],
)
def test_an_rpm_header_that_points_elsewhere_is_refused(tmp_path, header):
    """Counts and offsets are whoever built the image's."""
    files = {"var/lib/rpm/rpmdb.sqlite": rpm_database(tmp_path, header)}

    with pytest.raises(Malformed, match="rpm header"):
        list(rootfs.collect(image(tmp_path, files)))


def test_an_rpm_database_that_computes_without_end_is_refused(tmp_path):
    """A view may take a query's place, and run for ever."""
    file = tmp_path / "view.sqlite"
    with sqlite3.connect(file) as made:
        made.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE n(blob, hnum) AS"
            " (SELECT 1, 1 UNION ALL SELECT blob, hnum + 1 FROM n) SELECT * FROM n"
        )
    made.close()
    files = {"var/lib/rpm/rpmdb.sqlite": file.read_bytes()}

    with pytest.raises(Malformed, match="a table Packages"):
        list(rootfs.collect(image(tmp_path, files)))

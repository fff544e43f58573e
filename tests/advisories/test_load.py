"""From files to an index: whatever they are packed in, on one core or on all."""

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import tarfile
import zipfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.made_advisories import (
    affected,
    configuration,
    csaf,
    cve5,
    epss,
    kev,
    leaf,
    nvd,
    osv,
    page,
    product,
    row,
)

from firmward.advisories import mirror
from firmward.advisories.index import Index
from firmward.advisories.inputs import jobs
from firmward.advisories.load import from_files, load
from firmward.terms.errors import Malformed, Misuse, Unavailable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = {f"records/MADE-{n}.json": osv(f"MADE-{n}") for n in range(5)}


def folder(path: Path) -> Path:
    """The files in a folder, among what is none of them."""
    for name, data in (FILES | {"records/README.md": b"#", "changes.csv": b"x"}).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def zipped(path: Path, files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The files in a zip."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path) -> Path:
    """The files in a tar, compressed as its name says."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    packed = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
    path.write_bytes(packed.get(path.suffix, bytes)(plain.getvalue()))
    return path


PACKED = {
    "folder": folder,
    "all.zip": zipped,
    "stored.zip": lambda path: zipped(path, method=zipfile.ZIP_STORED),
    "nested.zip.zip": lambda p: zipped(p, {"cves.zip": zipped(p.with_name("in")).read_bytes()}),
    "all.tar": tarred,
    "all.tar.gz": tarred,
    "all.tar.xz": tarred,
    "all.tar.bz2": tarred,
}


@pytest.mark.parametrize("name", PACKED)
def test_every_packing_gives_the_same_index(tmp_path, name):
    """A folder, a zip, a zip in a zip, a tar of any compression."""
    index = Index.memory()

    assert 5 == load(index, "osv", [PACKED[name](tmp_path / name)], now=NOW)
    assert {"nvd": 0, "osv": 5}["osv"] == index.counts()["osv"]
    assert "2026-11-01" == index.feed("osv").snapshot.date().isoformat()


def test_a_single_file_is_read_packed_or_plain(tmp_path):
    """NVD's yearly feeds come gzipped."""
    (tmp_path / "nvd.json.gz").write_bytes(gzip.compress(page(nvd("CVE-2026-990001"))))
    (tmp_path / "nvd.json").write_bytes(page(nvd("CVE-2026-990002")))

    assert 2 == load(Index.memory(), "nvd", sorted(tmp_path.iterdir()), now=NOW)


def test_all_cores_give_the_same_index_as_one(tmp_path):
    """Large inputs are read by several processes; rows, keys and digest do not tell."""
    long = "x" * 4000
    files = {f"MADE-{n:04}.json": osv(f"MADE-{n:04}", details=long) for n in range(2500)}
    archive = zipped(tmp_path / "all.zip", files)
    parallel, plain = Index.memory(), Index.memory()
    seen: list[int] = []
    load(parallel, "osv", [archive], now=NOW, progress=seen.append)
    for part in range(5):
        few = dict(list(files.items())[part * 500 : part * 500 + 500])
        load(plain, "osv", [zipped(tmp_path / f"{part}.zip", few)], now=NOW)

    assert plain.counts() == parallel.counts()
    assert plain.by_name("MADE-2499") == parallel.by_name("MADE-2499")
    assert sum(map(len, files.values())) == sum(seen)


def test_a_bad_record_among_many_is_refused_by_name_from_another_process(tmp_path):
    """The refusal crosses between processes with its words, and nothing is taken."""
    files = {f"MADE-{n:04}.json": osv(f"MADE-{n:04}", details="x" * 4000) for n in range(1500)}
    files["MADE-1400.json"] = b'{"id": "MADE-1400"}'
    index = Index.memory()

    with pytest.raises(Malformed, match=r"MADE-1400\.json: expected .*modified"):
        load(index, "osv", [zipped(tmp_path / "all.zip", files)], now=NOW)
    assert ((), {"kev": 0, "epss": 0}) == (index.feeds(), index.counts())


def lying(path: Path) -> Path:
    """A zip whose directory says that a member is small, while it unpacks to far more."""
    data = zipped(path, {"MADE-1.json": b"0" * 10_000_000}).read_bytes()
    small = data.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 100))
    path.write_bytes(small)
    return path


def damaged(path: Path) -> Path:
    """A zip with one byte of a member changed."""
    data = bytearray(zipped(path, method=zipfile.ZIP_STORED).read_bytes())
    data[data.index(b'"id": "MADE-3') + 8] ^= 1
    path.write_bytes(data)
    return path


def cut(path: Path) -> Path:
    """An archive without its end."""
    made = PACKED[path.name](path)
    made.write_bytes(made.read_bytes()[:-600])
    return made


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("lying.zip", lying),
        ("damaged.zip", damaged),
        ("all.zip", cut),
        ("all.tar.gz", cut),
        ("all.tar.xz", cut),
    ],
)
def test_an_archive_that_was_cut_or_changed_is_refused(tmp_path, name, spoil):
    """A record less would not be noticed by anybody else; a bomb fills no memory."""
    index = Index.memory()

    with pytest.raises(Malformed):
        load(index, "osv", [spoil(tmp_path / name)], now=NOW)
    assert () == index.feeds()


def test_a_file_that_differs_from_the_sum_beside_it_is_refused(tmp_path):
    """CISA's documents each come with a .sha512, and a copy is checked against it."""
    (tmp_path / "a.json").write_bytes(osv("MADE-1"))
    (tmp_path / "a.json.sha512").write_text("0" * 128 + "  a.json\n")

    with pytest.raises(Malformed, match="sha512"):
        load(Index.memory(), "osv", [tmp_path], now=NOW)


def test_what_is_not_there_is_missing_evidence(tmp_path):
    """Not an empty list."""
    with pytest.raises(Unavailable, match="no such file"):
        load(Index.memory(), "osv", [tmp_path / "absent"], now=NOW)
    with pytest.raises(Misuse, match="expected one of"):
        load(Index.memory(), "snyk", [tmp_path], now=NOW)


def test_bytes_become_an_index_in_memory():
    """Every format at once; the snapshot is the oldest of them."""
    index = from_files(
        [osv(), osv("MADE-2", modified="2026-10-01T00:00:00Z")],
        kev(),
        nvd=[page(nvd("CVE-2026-990001", configuration(row())))],
        cve5=[cve5("CVE-2026-990001", product({"version": "1.0", "status": "affected"}))],
        csaf=[csaf(leaf("1.0", 1), known_affected=["P1"])],
        epss=epss(),
        now=NOW,
    )

    assert {"osv": 2, "nvd": 1, "cve5": 1, "csaf": 1, "kev": 1, "epss": 1} == index.counts()
    assert datetime(2026, 11, 1, 8, tzinfo=UTC) == index.snapshot


@pytest.mark.parametrize(("records", "catalogue"), [([], kev()), ([osv()], None)])
def test_half_of_the_bytes_is_missing_evidence(records, catalogue):
    """Neither records without the catalogue nor the catalogue without records."""
    with pytest.raises(Unavailable, match="expected"):
        from_files(records, catalogue, now=NOW)


def laid_out(path: Path) -> Path:
    """A mirror with every kind of feed."""
    files = {
        "osv/MADE-1.json": osv("MADE-1"),
        "osv/debian/MADE-2.json": osv("MADE-2", affected=[affected({"introduced": "0"})]),
        "nvd/2026.json": page(nvd("CVE-2026-990001")),
        "kev.json": kev(),
        "epss.csv": epss(),
    }
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def test_a_mirror_says_by_its_layout_what_is_in_it(tmp_path):
    """Parts of a feed are feeds, so that none hides the age of another."""
    named = [feed for feed, _ in mirror.feeds(laid_out(tmp_path))]

    assert ["osv", "osv/debian", "nvd", "kev", "epss"] == named
    assert 2 == mirror.opened(tmp_path, tmp_path / "cache", now=NOW).counts()["osv"]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (osv(), "osv"),
        (b"id: MADE-1\n", "osv"),
        (page(nvd()), "nvd"),
        (json.dumps(nvd()["cve"]).encode(), "nvd"),
        (cve5(), "cve5"),
        (csaf(), "csaf"),
        (kev(), "kev"),
        (b"cveID,vendorProject\n", "kev"),
        (epss(), "epss"),
        (b"cve,epss,percentile\n", "epss"),
    ],
)
def test_a_file_is_told_by_what_it_looks_like(tmp_path, data, kind):
    """No name or option is needed."""
    (tmp_path / "file.json").write_bytes(data)

    assert [(kind, (tmp_path / "file.json",))] == mirror.feeds(tmp_path / "file.json")


@pytest.mark.parametrize("data", [b"{}", b'{"x": 1}', b"{"])
def test_a_file_that_looks_like_nothing_is_refused(tmp_path, data):
    """Guessing would read it as an empty feed."""
    (tmp_path / "file.json").write_bytes(data)

    with pytest.raises(Malformed):
        mirror.feeds(tmp_path / "file.json")


def test_a_large_mirror_is_indexed_once_for_its_content(tmp_path):
    """A second run opens the index; a changed byte makes another, whatever its time says."""
    path, cache = laid_out(tmp_path / "mirror"), tmp_path / "cache"
    body = osv("MADE-3", details="x" * 5_000_000)
    (path / "osv" / "MADE-3.json").write_bytes(body)
    first = mirror.opened(path, cache, now=NOW).digest()
    made = list((cache / "advisories").glob("*.sqlite"))
    again = mirror.opened(path, cache, now=NOW).digest()
    times = (path / "osv" / "MADE-3.json").stat()
    (path / "osv" / "MADE-3.json").write_bytes(body.replace(b"1.4.0", b"1.4.1"))
    os.utime(path / "osv" / "MADE-3.json", ns=(times.st_atime_ns, times.st_mtime_ns))

    assert (first, 1) == (again, len(made))
    assert first != mirror.opened(path, cache, now=NOW).digest()


def test_jobs_are_bounded(tmp_path):
    """No job is so large that one core does all the work."""
    files = {f"{n}.json": b"{}" for n in range(2001)}
    with ExitStack() as stack:
        sizes = [len(job.members) for job in jobs(zipped(tmp_path / "all.zip", files), stack)]

    assert [2000, 1] == sizes

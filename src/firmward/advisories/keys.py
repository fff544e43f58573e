"""What a record is found under: one key per way of naming a product, and one per name of its own.

A key only proposes; whether a record really speaks of a component is the matcher's to say.  So two
spellings may share a key, but one product must never have two.
"""

import hashlib
import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from firmward.advisories.records import Entry, Record

_RUNS: Final = re.compile(r"[-_.]+")


def purl_path(purl: str) -> str:
    """type/namespace/name of a package URL, lower case, without version; "" where it is none.

    Source: the purl specification; names on PyPI are compared as PEP 503 has it.
    """
    scheme, _, rest = purl.partition(":")
    path = rest.partition("#")[0].partition("?")[0].strip("/")
    kind, _, name = path.partition("/")
    name = unquote(name.rpartition("@")[0] or name).strip("/").lower()
    if scheme.lower() != "pkg" or not kind or not name:
        return ""
    kind = kind.lower()
    return f"{kind}/{_RUNS.sub('-', name) if kind == 'pypi' else name}"


def purl_key(purl: str) -> str:
    """The key of a package URL, "" where it is none."""
    path = purl_path(purl)
    return f"purl:{path}" if path else ""


def cpe_key(vendor: str, product: str) -> str:
    """The key of a CPE's vendor and product, whichever of "mbed_tls" and "Mbed TLS" it says."""
    return f"cpe:{plain(vendor)}:{plain(product)}"


def name_key(name: str) -> str:
    """The key of a bare name."""
    return f"name:{plain(name)}"


def id_key(name: str) -> str:
    """The key of a record's own id or alias."""
    return f"id:{name}"


@lru_cache(1 << 16)
def filed(key: str) -> int:
    """What a key is filed as: 63 bits, which sort and lie ten times as close as texts do.

    Two keys that are filed as one only propose a record too many.
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 1


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """A name without the differences that nobody means: case, and "_", "-" or a blank."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def entry_keys(entry: Entry) -> set[str]:
    """Every key of one product that a record speaks of.

    A product that is only the platform has none: every program for Linux would else be proposed for
    every kernel.
    """
    if entry.platform:
        return set()
    return set(_entry_keys(entry.purl, entry.cpe, entry.vendor, entry.name))


@lru_cache(1 << 14)
def _entry_keys(purl: str, cpe: tuple[str, ...], vendor: str, name: str) -> frozenset[str]:
    found = {purl_key(purl)} if purl else set()
    if len(cpe) == 3:
        found.add(cpe_key(cpe[1], cpe[2]))
        found.add(name_key(cpe[2]))
    elif vendor and name:
        found.add(cpe_key(vendor, name))
    if name:
        found.add(name_key(name))
        found.add(name_key(name.rstrip("/").rpartition("/")[2].removesuffix(".git")))
    return frozenset(found - {"", "name:"})


def record_keys(record: Record) -> set[str]:
    """Every key of a record: its products', its id's and its aliases'."""
    found = {id_key(name) for name in (record.id, *record.aliases)}
    return found.union(*map(entry_keys, record.entries))

"""Making a vendor's keys, and opening them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from securesystemslib.signer import Signer

from firmward.proof import certs
from firmward.proof import keys as proof_keys
from firmward.terms.errors import Malformed, Misuse
from firmward.vendor.keys import book as books
from firmward.vendor.keys.book import FOLDER, Algorithm, Book, Held, Where
from firmward.vendor.keys.places import OfflineSigner, Places
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.project import KeyRules, Project

_AUTHORITY: Final = "device-authority"
_TRIES: Final = 20


def create(home: Path, projects: Sequence[Project], now: datetime) -> VendorKeys:
    """Fresh keys for the vendor of these projects, by their one [keys] section.

    raises  Misuse where there are keys already, where the projects want different ones, and for
            software keys without development = true; Unavailable
    """
    rules = agreed(projects)
    wanted = books.names(rules.algorithms, hybrid=rules.hybrid)
    if (home / books.FILE).exists() or (home / FOLDER).exists():
        raise Misuse(f"keys: expected no keys yet, got {home}")
    home.mkdir(parents=True, exist_ok=True)
    places = Places(home, rules.module, rules.pin_env)
    keys = tuple(_made(places, rules, name, algorithm) for name, algorithm in wanted)
    [held] = [key for key in keys if key.name == _AUTHORITY]
    vendor = projects[0].vendor
    signing = places.of(held).authority(held.label)
    authority = certs.new_authority(f"{vendor} device authority", signing, now)
    book = Book(
        vendor=vendor,
        backend=rules.backend,
        module=rules.module,
        token=rules.token,
        pin_env=rules.pin_env,
        hybrid=rules.hybrid,
        keys=keys,
        authority=authority.pem.decode(),
    )
    # Last: keys that no book names are nobody's, and a second try says that they are in the way.
    books.write(home, book)
    add_macs(home, projects)
    return load(home)


def agreed(projects: Sequence[Project]) -> KeyRules:
    """The one way in which a vendor's projects hold keys.  Raises Misuse."""
    vendors = sorted({project.vendor for project in projects})
    if len(vendors) != 1:
        raise Misuse(f"vendor: expected projects of one vendor, got {vendors}")
    rules = projects[0].keys
    if any(project.keys != rules for project in projects):
        raise Misuse(f"keys: expected one [keys] section in all projects of {vendors[0]}")
    if rules.backend == "software" and not all(project.development for project in projects):
        raise Misuse(
            f"keys of {vendors[0]}: software keys only where the project file says"
            ' development = true; otherwise set backend = "pkcs11" in [keys]'
        )
    if rules.backend == "pkcs11" and not (rules.module and rules.token):
        raise Misuse("keys: expected module and token of the PKCS#11 token in [keys]")
    if unknown := rules.tokens.keys() - books.ALGORITHMS.keys():
        raise Misuse(f"keys: expected tokens of known roles, got {sorted(unknown)}")
    return rules


def add_macs(home: Path, projects: Sequence[Project]) -> list[str]:
    """Make the MAC key of each device class that lacks one; their names."""
    book = books.read(home)
    known = {key.name for key in book.keys}
    classes = {p.device_class for p in projects if p.integrity == "symmetric-mac"}
    names = sorted(f"mac-{each}" for each in classes if f"mac-{each}" not in known)
    if names:
        places = Places(home, book.module, book.pin_env)
        made = tuple(_made(places, book, name, "hmac-sha256") for name in names)
        books.write(home, msgspec.structs.replace(book, keys=book.keys + made))
    return names


def replaced(home: Path, book: Book, name: str) -> Book:
    """The book with a fresh key (or pair) in place of one; written nowhere yet."""
    places = Places(home, book.module, book.pin_env)
    fresh = {held.name: _successor(places, held) for held in book.pair(name)}
    keys = tuple(fresh.get(held.name, held) for held in book.keys)
    return msgspec.structs.replace(book, keys=keys)


def _successor(places: Places, held: Held) -> Held:
    label, _, generation = held.label.partition(".")
    first = int(generation or 1) + 1
    for number in range(first, first + _TRIES):
        try:
            at = (held.where, held.token)
            return _fresh(places, held.name, f"{label}.{number}", held.algorithm, at)
        except Misuse:
            # Left by a rotation that was cut short; whoever else made it, it is not used.
            continue
    raise Misuse(f"key {held.name}: {_TRIES} successors are there already and none is in use")


def _made(places: Places, rules: KeyRules | Book, name: str, algorithm: Algorithm) -> Held:
    """A fresh key where keys of its kind are held: no token here knows ML-DSA."""
    if rules.backend == "software" or algorithm == "ml-dsa-87":
        return _fresh(places, name, name, algorithm, ("unsafe-software", ""))
    apart = rules.tokens if isinstance(rules, KeyRules) else {}
    token = apart.get(books.role_of(name), rules.token)
    return _fresh(places, name, name, algorithm, ("pkcs11", token))


def _fresh(
    places: Places, name: str, label: str, algorithm: Algorithm, at: tuple[Where, str]
) -> Held:
    where, token = at
    store = places.at(where, token)
    held = Held(name=name, label=label, algorithm=algorithm, where=where, token=token)
    if algorithm == "hmac-sha256":
        store.make_mac(label)
        return held
    store.make(label, algorithm)
    public = proof_keys.public_document(store.signer(label).public_key)
    return msgspec.structs.replace(held, public=public)


def load(home: Path, book: Book | None = None) -> VendorKeys:
    """The keys of a home.  Raises Unavailable, Malformed, NotTrusted; Misuse if others read them.

    Root keys are not needed for a release, so they are sought only when they are to sign.

    book  instead of the one in the home
    """
    book = book or books.read(home)
    places = Places(home, book.module, book.pin_env)

    def signers(role: str) -> tuple[Signer, ...]:
        return tuple(places.signer(held) for held in book.of(role))

    [snapshot], [timestamp], [firmware] = map(signers, ("snapshot", "timestamp", "firmware"))
    return VendorKeys(
        home=home,
        book=book,
        root=tuple(OfflineSigner(places, held) for held in book.of("root")),
        targets=signers("targets"),
        snapshot=snapshot,
        timestamp=timestamp,
        evidence=signers("evidence"),
        firmware=firmware,
        device_authority=_authority(places, book),
        macs={
            held.name.removeprefix("mac-"): places.of(held).mac(held.label)
            for held in book.of("mac")
        },
    )


def _authority(places: Places, book: Book) -> certs.Authority:
    held = book.find(_AUTHORITY)
    try:
        certificate = x509.load_pem_x509_certificate(book.authority.encode())
    except ValueError as error:
        raise Malformed(_AUTHORITY, "a PEM certificate", str(error)[:120]) from error
    return certs.Authority(certificate, places.of(held).authority(held.label))

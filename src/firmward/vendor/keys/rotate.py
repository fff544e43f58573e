"""A new key in an old one's place, for the keys that TUF can replace (TUF 1.0, 6.1).

1. make the new key
2. note it in HOME/keys.next.json
3. sign the published metadata with the old keys and the new one
4. publish the next root file, signed by a threshold of the old root keys and of the new
5. put keys.next.json in keys.json's place

A crash before 4 leaves the old keys in force and the new one unused; after 4, `settle` does 5 when
the home is next opened.  A root key that is lost or stolen is not needed: it never signs its
successor.  Where a targets, snapshot or timestamp key is lost, the metadata between 3 and 4 cannot
be believed by whoever has the old root only, for as long as 4 takes.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from securesystemslib.signer import Signer

from firmward.proof.keys import material
from firmward.terms.errors import FirmwardError, Misuse, Unavailable
from firmward.vendor.keys import book as books
from firmward.vendor.keys import opening
from firmward.vendor.keys.book import Book
from firmward.vendor.keys.places import OfflineSigner, Places
from firmward.vendor.keys.ring import roles
from firmward.vendor.publish.repository import Published, newest_root

NEXT: Final = "keys.next.json"
_ROTATED: Final = ("root", "targets", "snapshot", "timestamp")


def rotate(home: Path, name: str, now: datetime) -> int:
    """Replace the key (or the hybrid pair) of that name; the version of the new root file.

    The old key stays where it is held: whoever is to destroy it does so by hand, and is seen to.
    raises  Misuse for a key that hospitals and devices hold outside TUF; Unavailable when too few
            root keys can sign
    """
    settle(home)
    before = books.read(home)
    if before.find(name).role not in _ROTATED:
        raise Misuse(
            f"key {name}: hospitals and devices hold it themselves, so no root file can replace it;"
            " onboard again with a new home"
        )
    after = opening.replaced(home, before, name)
    hands = {role: _hands(home, role, (before, after)) for role in _ROTATED}
    leaving = {held.keyid for held in before.pair(name)}
    hands["root"] = tuple(s for s in hands["root"] if s.public_key.keyid not in leaving)
    for book in (before, after):
        _enough(book, hands["root"])
    books.write(home, after, NEXT)
    version = Published(home / "repository", roles(before)).hand_over(roles(after), hands, now)
    settle(home)
    return version


def _hands(home: Path, role: str, change: tuple[Book, Book]) -> tuple[Signer, ...]:
    """Every key of a role that can sign, those that leave and those that come."""
    found: dict[str, Signer] = {}
    for book in change:
        places = Places(home, book.module, book.pin_env)
        for held in book.of(role):
            signer = OfflineSigner(places, held)
            try:
                found[material(signer.public_key)] = signer.open()
            except FirmwardError:
                # Lost, or in a safe: whether enough are left is counted for the root, and the
                # readers count the rest.
                continue
    return tuple(found.values())


def _enough(book: Book, hands: Sequence[Signer]) -> None:
    able = {signer.public_key.keyid for signer in hands}
    count = sum(held.keyid in able for held in book.of("root"))
    if count < book.threshold("root"):
        needed = book.threshold("root")
        raise Unavailable(f"root: expected {needed} keys that can sign, got {count}")


def settle(home: Path) -> None:
    """End what a crash left half done: the book that the newest root file speaks of counts."""
    path = home / NEXT
    if not path.exists():
        return
    after = books.read(home, NEXT)
    listed = newest_root(home / "repository").roles
    said = {role: set(listed[role].keyids) for role in _ROTATED}
    if said == {role: {held.keyid for held in after.of(role)} for role in _ROTATED}:
        path.replace(home / books.FILE)
    else:
        path.unlink()

"""The two metadata chains as this device last verified them: the hospital's and the vendor's.

Kept so that nothing older is believed later.  What lies on the disk is verified again before it
counts; whoever can delete it gains a replay within the metadata's expiry, and no install below the
controller's counter.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from firmward.device.link import Link
from firmward.device.state import Cut, TwoCopies
from firmward.device.verify import addressed
from firmward.proof.roles import Fetch, Trusted, refresh
from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB, convert, encode, parse

_LIMIT = 16 * MIB


class Repository:
    """One chain, its files saved as one document: a cut never mixes two moments.

    A new root saved beside a timestamp of the old one would be refused for ever after.
    """

    def __init__(self, who: str, root: bytes, folder: Path, cut: Cut):
        self._who, self._root = who, root
        self._copies = TwoCopies(folder, who, cut)

    def refresh(self, fetch: Fetch, now: datetime) -> Trusted:
        """The chain as the repository serves it now; not yet kept.

        raises  RolesRefused with the attack, Unavailable
        """
        return refresh(self._kept(), fetch, now, self._who)

    def keep(self, trusted: Trusted) -> None:
        """Believe nothing older than this from now on."""
        if trusted.files != self._kept():
            self._copies.save(_pack(trusted.files))

    def _kept(self) -> dict[str, bytes]:
        body = self._copies.load()
        try:
            return _unpack(body) if body is not None else {"root": self._root}
        except (Malformed, ValueError):
            return {"root": self._root}


class Repositories:
    """Both chains of one device."""

    def __init__(
        self, folder: Path, device: str, director_root: bytes, vendor_root: bytes, cut: Cut
    ):
        self._device = device
        self._director = Repository("director", director_root, folder, cut)
        self._image = Repository("image", vendor_root, folder, cut)

    def refresh(self, link: Link, now: datetime) -> tuple[Trusted, Trusted]:
        """The hospital's chain first, then the vendor's (Uptane 2.1, 5.4.4.2 full verification).

        raises  RolesRefused, OrderRefused with the attack, Unavailable
        """
        director = self._director.refresh(link.director, now)
        # The director signs for all devices alike.  Kept, another device's higher version would
        # make this one refuse its own orders; one that names nobody could be anybody's.
        if director.targets:
            addressed(director, self._device)
            self._director.keep(director)
        image = self._image.refresh(link.image, now)
        self._image.keep(image)
        return director, image


def _pack(files: Mapping[str, bytes]) -> bytes:
    return encode({name: b64encode(data).decode() for name, data in files.items()})


def _unpack(body: bytes) -> dict[str, bytes]:
    # A whole metadata file is one string here.
    members = parse(body, "kept metadata", limit=_LIMIT, longest=_LIMIT)
    files = convert(members, dict[str, str], "kept metadata")
    unpacked = {name: b64decode(data, validate=True) for name, data in files.items()}
    if "root" not in unpacked:
        raise ValueError("no root")
    return unpacked

"""What is newer than a kept document without anybody having judged: looked up afresh.

The age of the hospital's advisories, how long the vendor's metadata is good, and what people here
declare.  An order asks for it as well: by it a good release does not go stale between verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection
from tuf.api.metadata import Metadata

from firmward.advisories.index import Index
from firmward.hospital.gate import declared, here
from firmward.hospital.gate.again import Leaves, New
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.here import Said
from firmward.hospital.gate.known import Known, moment
from firmward.hospital.gate.measured import digest
from firmward.hospital.gate.readings import Origin
from firmward.hospital.gate.remembered import Remembered, listing, reopened, told
from firmward.hospital.records import declarations, vendors, watched
from firmward.terms.errors import Unavailable
from firmward.terms.names import split_release

_LISTED = ("release.manifest_expires", "signature.cert_not_after")


class OtherBundle(Unavailable):
    """What the vendor or people here say now cannot be told without opening the bundle again."""


@dataclass(frozen=True)
class _Vendor:
    """A vendor's metadata as it was last verified."""

    expires: datetime
    digest: str
    said: Mapping[str, Any]


@dataclass
class Fresh:
    """What is looked up in one turn, each thing once."""

    connection: Connection
    advisories: Index | None
    now: datetime
    _vendors: dict[str, _Vendor] = field(default_factory=dict)
    _kept: dict[str, Remembered | None] = field(default_factory=dict)
    _listings: dict[str, str] = field(default_factory=dict)
    _said: list[Said] | None = None
    _read: dict[str, here.Leaves] = field(default_factory=dict)
    _snapshot: str = ""

    def remembered(self, release: str) -> Remembered | None:
        """What the bundle of a release said; None for one from before that was kept."""
        if release not in self._kept:
            self._kept[release] = reopened(watched.remembered(self.connection, release))
        return self._kept[release]

    def leaves(self, about: Evidence, known: Leaves) -> dict[str, Known[Any] | UnsetType]:
        """Path -> its value now.  Raises OtherBundle, Unavailable.

        about  whose document it is: its head is enough; known  what is in it
        """
        return {**self._aged(), **self._metadata(about, known), **self._declared(about, known)}

    def _aged(self) -> New:
        if self.advisories is None:
            return {}
        self._snapshot = self._snapshot or moment(self.advisories.snapshot)
        return {"scan.db_date": Origin("measured", "", "", self.now)(self._snapshot)}

    def _metadata(self, about: Evidence, known: Leaves) -> New:
        kept = self.remembered(about.subject)
        if kept is None:
            return {}
        vendor = self._vendor(about.vendor)
        now = self._listing(about, vendor, kept)
        if kept.listing != now:
            raise OtherBundle(
                f"{about.subject}: {about.vendor} says otherwise of it than when it came in"
            )
        until = moment(vendor.expires)
        listed = Origin("attested", vendor.digest, about.vendor, self.now)
        signature = known.get("signature.cert_not_after")
        found: dict[str, Known[Any] | UnsetType] = {"release.manifest_expires": listed(until)}
        if signature is not None:
            found["signature.cert_not_after"] = msgspec.structs.replace(signature, value=until)
        return found

    def _listing(self, about: Evidence, vendor: _Vendor, kept: Remembered) -> str:
        name = about.subject
        if name not in self._listings:
            self._listings[name] = listing(vendor.said, name, kept.fallback)
        return self._listings[name]

    def _vendor(self, name: str) -> _Vendor:
        if name not in self._vendors:
            files = vendors.kept(self.connection, name)
            ends = [Metadata.from_bytes(data).signed.expires for data in files.values()]
            targets = files["targets"]
            self._vendors[name] = _Vendor(min(ends), digest(targets), told(targets))
        return self._vendors[name]

    def _declared(self, about: Evidence, known: Leaves) -> New:
        """What people here declare, and UNSET for what none of them does any more."""
        name = about.device_class
        if name not in self._read:
            self._read[name] = declared_of(self._everything_said(), name, about.subject)
        said = self._read[name]
        gone = {path for path in _HERE if path in known and _ours(known[path])} - said.keys()
        if covered := gone & declared.VENDOR:
            raise OtherBundle(f"{about.subject}: the vendor's word on {min(covered)} is covered")
        return {**dict.fromkeys(gone, UNSET), **said}

    def _everything_said(self) -> Sequence[Said]:
        if self._said is None:
            newest = declarations.newest(self.connection)
            self._said = [msgspec.json.decode(body, type=Said) for _, body in newest]
        return self._said


def declared_of(every: Sequence[Said], device_class: str, release: str) -> here.Leaves:
    """What is declared for a class; the nearer word counts."""
    near = ["site", split_release(release)[0], device_class]
    mine = sorted(
        (each for each in every if each.about in near), key=lambda each: near.index(each.about)
    )
    found: here.Leaves = {}
    for said in mine:
        found |= here.read(said)
    return found


_HERE = frozenset().union(*declared.HOSPITAL.values())


def _ours(leaf: Known[Any]) -> bool:
    """Whether one of the hospital's people declared it, and not the vendor: vendors sign by key."""
    return leaf.trust == "declared" and " as " in leaf.signer

"""What a server said to one device, kept by a thief: to be replayed, changed, or signed anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from firmward.device import identity
from firmward.device.link import Link
from firmward.proof import keys
from firmward.proof.repository import Lives, State, described, publish
from firmward.terms import checkin
from firmward.terms.checkin import CheckIn
from firmward.terms.image import image_path
from firmward.terms.order import Order
from firmward.terms.wire import MIB, convert, decode, encode, parse, plain

_LIMIT = 8 * MIB
_ORDER_KEYS = {
    "targets": "order-targets",
    "snapshot": "order-snapshot",
    "timestamp": "order-timestamp",
}


@dataclass(frozen=True)
class Tape:
    """What a server said: path -> body.

    order          the order that the director's targets held
    sha256, length of the image it is about
    """

    answers: Mapping[str, bytes]
    order: Order
    sha256: str
    length: int
    version: int

    def but(self, changes: Mapping[str, bytes]) -> "Tape":
        """The tape with the answers at these paths replaced or added."""
        return replace(self, answers={**self.answers, **changes})

    @property
    def blob(self) -> str:
        """The path of the encrypted image."""
        return checkin.BLOBS + self.order.ciphertext_sha256


def record(home: Path) -> Tape:
    """Everything the genuine server tells the device of this home now, its image included."""
    link = identity.connect(home)
    try:
        said = link.check_in()
        director = _repository(link, checkin.DIRECTOR)
        image = _repository(link, checkin.IMAGE)
        targets = parse(next(b for p, b in director.items() if p.endswith(".targets.json")), "tape")
        [entry] = targets["signed"]["targets"].values()
        order = convert(entry["custom"], Order, "tape")
        sha256, length = order.ciphertext_sha256, order.ciphertext_length
        with link.blob(sha256, 0, length) as (_, chunks):
            blob = {checkin.BLOBS + sha256: b"".join(chunks)}
    finally:
        link.close()
    answers = {checkin.CHECK_IN: encode(said), **director, **image, **blob}
    return Tape(answers, order, entry["hashes"]["sha256"], entry["length"], said.order_version)


def _repository(link: Link, base: str) -> dict[str, bytes]:
    def get(name: str) -> bytes:
        path = base + name
        ask = link.director if base == checkin.DIRECTOR else link.image
        found = ask(name, _LIMIT)
        files[path] = found or b""
        return files[path]

    files: dict[str, bytes] = {}
    timestamp = parse(get("timestamp.json"), "tape")["signed"]["meta"]["snapshot.json"]
    snapshot = parse(get(f"{timestamp['version']}.snapshot.json"), "tape")["signed"]["meta"]
    get(f"{snapshot['targets.json']['version']}.targets.json")
    return files


def signed_by_thief(site: Path, tape: Tape, order: Order, image: tuple[str, int]) -> Tape:
    """The tape with another order, signed with the hospital's own, stolen, order keys.

    site   the hospital's folder, whose keys the thief has read
    image  digest and length of the image the order is to name
    """
    # Just ahead: one who runs far ahead locks the device out until the root rotates (TUF 5.3.11).
    version = tape.version + 1
    signers = {
        role: [keys.signer_from_pem((site / "keys" / f"{name}.key").read_bytes())]
        for role, name in _ORDER_KEYS.items()
    }
    path = image_path(order.release)
    entry = described(path, image[1], image[0], plain(order))
    state = State(versions=dict.fromkeys(_ORDER_KEYS, version - 1))
    _, files = publish(state, {path: entry}, signers, datetime.now(UTC), Lives())
    kept = {p: b for p, b in tape.answers.items() if not p.startswith(checkin.DIRECTOR)}
    fresh = {checkin.DIRECTOR + name: data for name, data in files.items()}
    return Tape(
        {**kept, **fresh, checkin.CHECK_IN: announced(tape, version)},
        order,
        *image,
        version,
    )


def announced(tape: Tape, version: int) -> bytes:
    """The tape's check-in, telling of another version of the director's repository."""
    said = decode(tape.answers[checkin.CHECK_IN], CheckIn, "tape")
    return encode(msgspec.structs.replace(said, order_version=version))

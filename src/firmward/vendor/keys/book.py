"""HOME/keys.json: which keys a vendor has and where each is held.  No private half is in it.

If written to, its thief can make the vendor sign with another of the thief's keys; no hospital and
no device takes that, because they hold to the TUF root.  A key that is not the one written here is
not used.

root           2 of 3   names all other TUF keys          offline
targets        2 of 2   which images exist                offline
snapshot, timestamp     that this is the latest           online
evidence                statements about a build          where it is built
firmware                MCUboot images                    where it is built
device-authority        factory identities of devices     in the factory
mac-CLASS               images of one device class, where the integrity method is symmetric-mac

Hybrid: each holder of a root or targets key, and evidence, has an ML-DSA-87 key beside the other.
TUF counts keys and not kinds, so the thresholds are chosen such that neither kind meets one alone:

targets        4 of 4   both keys of both holders
root           4 of 6   two holders' pairs.  All three keys of a broken kind are three; the fourth
                        must be stolen.  (5 of 6 would need all three holders at every rotation.)
evidence       2 of 2   both, in every envelope

Snapshot and timestamp stay single: who breaks them can withhold what is newer, within its expiry.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from firmward.terms.errors import Misuse, Unavailable
from firmward.terms.names import Label
from firmward.terms.wire import MIB, Wire, convert, encode, parse
from firmward.vendor import durable

FILE: Final = "keys.json"
FOLDER: Final = "unsafe-software-keys"

Algorithm = Literal["ecdsa-p256", "ecdsa-p384", "ed25519", "ml-dsa-87", "hmac-sha256"]
Where = Literal["unsafe-software", "pkcs11"]

ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "root": "ecdsa-p384",
    "targets": "ecdsa-p256",
    "snapshot": "ed25519",
    "timestamp": "ed25519",
    "evidence": "ecdsa-p256",
    "firmware": "ecdsa-p256",
    "device-authority": "ecdsa-p256",
}
"""Role -> algorithm, unless the project file says otherwise."""

# What a role's readers know: the boot stage, MCUboot's other targets, X.509 of a device.
_KNOWN: Final[Mapping[str, tuple[Algorithm, ...]]] = {
    "firmware": ("ecdsa-p256", "ed25519"),
    "device-authority": ("ecdsa-p256", "ecdsa-p384"),
}
_SIGNING: Final[tuple[Algorithm, ...]] = ("ecdsa-p256", "ecdsa-p384", "ed25519")
_HOLDERS: Final = {"root": 3, "targets": 2}
_THRESHOLDS: Final = {"root": 2, "targets": 2}
_PAIRED: Final = ("root", "targets", "evidence")
_PQ: Final = "-ml-dsa"


class Held(Wire, frozen=True, kw_only=True):
    """One key.

    name    what it is for: its role, and which of several holders' it is
    label   what it is called where it is held; a rotation changes this and not the name
    token   the token it is in, if it is in one
    public  its public document (proof.keys); empty for a MAC key, which has no public half
    """

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9-]{1,64}\Z")]
    label: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9.-]{1,64}\Z")]
    algorithm: Algorithm
    where: Where
    token: Annotated[str, Meta(max_length=32)] = ""
    public: dict[str, Any] = {}

    @property
    def role(self) -> str:
        """The role it signs for."""
        return role_of(self.name)

    @property
    def keyid(self) -> str:
        """How metadata and envelopes name it; "" for a MAC key."""
        return str(self.public.get("keyid", ""))


class Book(Wire, frozen=True, kw_only=True):
    """Every key of one vendor.

    module, token, pin_env   of the PKCS#11 tokens; a PIN is in the environment alone
    authority                certificate of the device authority, PEM
    """

    vendor: Label
    backend: Literal["pkcs11", "software"]
    module: str = ""
    token: str = ""
    pin_env: str = ""
    hybrid: bool = False
    keys: tuple[Held, ...]
    authority: str

    def of(self, role: str) -> tuple[Held, ...]:
        """The keys of a role, each holder's pair together."""
        return tuple(key for key in self.keys if key.role == role)

    def find(self, name: str) -> Held:
        """The key of that name.  Raises Misuse."""
        for key in self.keys:
            if key.name == name:
                return key
        known = ", ".join(key.name for key in self.keys)
        raise Misuse(f"keys: expected one of {known}, got {name[:64]!r}")

    def pair(self, name: str) -> tuple[Held, ...]:
        """A key and, where there is one, the ML-DSA key of the same holder."""
        self.find(name)
        return tuple(key for key in self.keys if key.name in (name, name + _PQ))

    def threshold(self, role: str) -> int:
        """How many keys of a role must sign."""
        single = _THRESHOLDS.get(role, 1)
        return 2 * single if self.hybrid and role in _PAIRED else single

    @property
    def development(self) -> bool:
        """Whether a copied folder is enough to sign as this vendor.

        An ML-DSA key is in a file even beside a token, which knows no such key; alone it signs
        nothing, so it does not count here.
        """
        return self.backend == "software"


def role_of(name: str) -> str:
    """The role in a key's name."""
    if name.startswith("mac-"):
        return "mac"
    plain = name.removesuffix(_PQ)
    role, _, number = plain.rpartition("-")
    return role if number.isdigit() else plain


def names(algorithms: Mapping[str, Algorithm], *, hybrid: bool) -> list[tuple[str, Algorithm]]:
    """Name and algorithm of every key of a vendor.  Raises Misuse for what a reader cannot use."""
    found: list[tuple[str, Algorithm]] = []
    if unknown := algorithms.keys() - ALGORITHMS.keys():
        raise Misuse(f"keys: expected roles of {', '.join(ALGORITHMS)}, got {sorted(unknown)}")
    for role, usual in ALGORITHMS.items():
        algorithm, usable = algorithms.get(role, usual), _KNOWN.get(role, _SIGNING)
        if algorithm not in usable:
            raise Misuse(f"keys: {role}: expected {' or '.join(usable)}, got {algorithm}")
        holders = _HOLDERS.get(role, 1)
        for name in [role] if holders == 1 else [f"{role}-{n + 1}" for n in range(holders)]:
            found.append((name, algorithm))
            if hybrid and role in _PAIRED:
                found.append((name + _PQ, "ml-dsa-87"))
    return found


def read(home: Path, name: str = FILE) -> Book:
    """The book of a home.  Raises Unavailable where there is none, Malformed."""
    path = home / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"keys: {error.strerror}: {path}") from error
    return convert(parse(data, str(path), limit=MIB), Book, str(path))


def write(home: Path, book: Book, name: str = FILE) -> Path:
    """Put the book in its place, whole or not at all."""
    path = home / name
    # Put there but not yet on the disk, a new key would be nobody's after a power cut.
    durable.replace(path, encode(book), 0o600)
    return path

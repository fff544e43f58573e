"""A TUF repository in memory that is its own transport, with keys to honest and crooked hands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner

from firmward.proof.keys import new_fast_signer
from firmward.proof.repository import (
    ROLES,
    Lives,
    RoleKeys,
    State,
    publish,
    root_file,
    target,
)
from firmward.proof.roles import Trusted, refresh

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PATH = "pump-200/1.1.0+3/image.bin"


def signers(count: int = 1) -> list[CryptoSigner]:
    """Fresh keys of nobody yet."""
    return [new_fast_signer() for _ in range(count)]


@dataclass
class Repository:
    """Files by name, and who signs which role; root and targets need two signatures."""

    holders: dict[str, list[CryptoSigner]] = field(
        default_factory=lambda: {
            "root": signers(2),
            "targets": signers(2),
            "snapshot": signers(),
            "timestamp": signers(),
        }
    )
    state: State = field(default_factory=State)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    roots: int = 0
    now: datetime = NOW
    lives: Lives = field(default_factory=Lives)

    def __post_init__(self) -> None:
        """Every repository starts with a root and one release."""
        if not self.files:
            self.rotate()
            self.publish(b"firmware 1")

    def rotate(
        self,
        by: Sequence[CryptoSigner] = (),
        *,
        life: timedelta = timedelta(days=365),
        **fresh: list[CryptoSigner],
    ) -> bytes:
        """The next root: `fresh` keys for the named roles, signed by `by` and the new holders."""
        before = self.holders["root"]
        self.holders |= fresh
        self.roots += 1
        hands = {signer.public_key.keyid: signer for signer in [*by, *before]}
        hands |= {signer.public_key.keyid: signer for signer in self.holders["root"]}
        data = root_file(self.roots, self.role_keys(), list(hands.values()), self.now + life)
        self.files[f"{self.roots}.root.json"] = data
        return data

    def role_keys(self) -> dict[str, RoleKeys]:
        """Public keys and thresholds, as a root lists them."""
        return {
            role: RoleKeys(
                tuple(signer.public_key for signer in self.holders[role]), len(self.holders[role])
            )
            for role in ROLES
        }

    def publish(
        self, image: bytes, hands: Mapping[str, Sequence[CryptoSigner]] | None = None
    ) -> "Repository":
        """A new image under the one path, signed by the holders or by other `hands`."""
        entries = {PATH: target(PATH, image, {"product": "pump-200"})}
        by = dict(self.holders) | dict(hands or {})
        self.state, files = publish(self.state, entries, by, self.now, self.lives)
        self.files |= files
        return self

    def at(self, **versions: int) -> "Repository":
        """The state as if these role versions had been reached."""
        self.state = replace(self.state, versions={**self.state.versions, **versions})
        return self

    def copy(self) -> "Repository":
        """The repository as it stands, to be led astray separately."""
        return replace(self, files=dict(self.files), holders=dict(self.holders), asked=[])

    def fetch(self, name: str, limit: int) -> bytes | None:
        """The transport: gives a file or says that there is none."""
        self.asked.append(name)
        return self.files.get(name)

    def refresh(self, kept: Mapping[str, bytes], now: datetime | None = None) -> Trusted:
        """What a client makes of the repository."""
        return refresh(kept, self.fetch, now or self.now, "vendor")

    @property
    def first(self) -> dict[str, bytes]:
        """What a client is pinned to at the beginning."""
        return {"root": self.files["1.root.json"]}


def edited(data: bytes, **signed: object) -> bytes:
    """A metadata file with other signed members, under the old signatures."""
    document = json.loads(data)
    document["signed"] |= signed
    return json.dumps(document).encode()

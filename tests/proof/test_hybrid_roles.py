"""Metadata with two kinds of keys: neither kind is enough, whatever is broken or stolen."""

import pytest
from securesystemslib.signer import CryptoSigner
from tests.repositories import NOW, Repository, signers
from tuf.api.metadata import Metadata

from firmward.proof import roles
from firmward.proof.keys import new_signer
from firmward.proof.repository import RoleKeys, root_file
from firmward.proof.roles import RolesRefused
from firmward.terms.report import Attack


def pairs(count: int) -> list[CryptoSigner]:
    """An ECDSA and an ML-DSA key of each holder."""
    kinds = (new_signer, lambda: CryptoSigner.generate_mldsa(scheme="ml-dsa-87/1"))
    return [make() for _ in range(count) for make in kinds]


class HybridRepository(Repository):
    """Root 4 of 6, targets 4 of 4, as vendor/keys/book.py has it."""

    def role_keys(self):
        """Public keys and thresholds."""
        known = super().role_keys()
        return known | {"root": RoleKeys(known["root"].keys, 4)}


@pytest.fixture(scope="module")
def repository():
    """A published hybrid repository."""
    holders = {"root": pairs(3), "targets": pairs(2)}
    return HybridRepository(holders=holders | {"snapshot": signers(), "timestamp": signers()})


def test_a_hybrid_repository_refreshes_within_every_limit(repository):
    """ML-DSA-87 is known by its name, and its signatures do not outgrow what a reader takes."""
    trusted = repository.refresh(repository.first)

    assert {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 1} == trusted.versions
    kinds = {key.scheme for key in Metadata.from_bytes(trusted.files["root"]).signed.keys.values()}
    assert {"ecdsa-sha2-nistp256", "ml-dsa-87/1", "ed25519"} == kinds
    assert len(repository.files["1.root.json"]) < roles.ROOT_LIMIT // 4


@pytest.mark.parametrize(
    "hands", [[0, 2], [1, 3], [0, 1], [0, 1, 2], [1, 2, 3]], ids=lambda h: "-".join(map(str, h))
)
def test_targets_need_both_kinds_of_both_holders(repository, hands):
    """All ECDSA keys, all ML-DSA keys, one holder's pair, and three of four."""
    thief = [repository.holders["targets"][number] for number in hands]
    stolen = repository.copy().publish(b"firmware 2", {"targets": thief})

    with pytest.raises(RolesRefused) as refused:
        stolen.refresh(repository.first)
    assert Attack.TOO_FEW_SIGNATURES == refused.value.attack


@pytest.mark.parametrize(
    ("hands", "enough"),
    [
        ([0, 2, 4], False),
        ([1, 3, 5], False),
        ([0, 1, 2], False),
        ([0, 1, 2, 3], True),
        ([0, 1, 4, 5], True),
        # What docs say plainly: with one kind broken, the fourth key is one theft away.
        ([0, 2, 4, 1], True),
    ],
    ids=["all ECDSA", "all ML-DSA", "one and a half holders", "two holders", "two others", "known"],
)
def test_a_root_needs_more_than_one_kind_and_more_than_one_holder(repository, hands, enough):
    """Three holders' pairs, of which two are enough."""
    stolen = repository.copy()
    by = [repository.holders["root"][number] for number in hands]
    data = root_file(2, repository.role_keys(), by, NOW + (repository.lives.root))
    stolen.files["2.root.json"] = data

    if enough:
        assert 2 == stolen.refresh(repository.first).versions["root"]
        return
    with pytest.raises(RolesRefused) as refused:
        stolen.refresh(repository.first)
    assert Attack.TOO_FEW_SIGNATURES == refused.value.attack


def test_a_pair_of_one_key_is_no_pair(repository):
    """The ML-DSA key listed twice, under two ids, would meet half the threshold with one theft."""
    stolen = repository.copy()
    data = Metadata.from_bytes(repository.files["1.root.json"])
    root = data.signed
    keyid = next(k for k in root.roles["targets"].keyids if root.keys[k].keytype == "ml-dsa")
    twin = type(root.keys[keyid]).from_dict("f" * 64, root.keys[keyid].to_dict())
    root.add_key(twin, "targets")
    root.version = 2
    data.signatures.clear()
    for signer in repository.holders["root"]:
        data.sign(signer, append=True)
    stolen.files["2.root.json"] = data.to_bytes()

    with pytest.raises(RolesRefused, match="one key under two key ids"):
        stolen.refresh(repository.first)

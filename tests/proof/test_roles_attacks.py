"""Every attack of the TUF specification: refused, named, and nothing kept moves."""

import hashlib
import json
from datetime import timedelta

import pytest
from tests.repositories import NOW, Repository, edited, signers
from tuf.api.metadata import Metadata

from firmward.proof import roles
from firmward.proof.keys import public_document, public_key
from firmward.proof.repository import Lives, RoleKeys, root_file
from firmward.proof.roles import RolesRefused
from firmward.terms.report import Attack


def _replay(vendor: Repository, old: Repository, *names: str) -> None:
    """Serve files of an earlier moment."""
    vendor.files |= {name: old.files[name] for name in names}


def _rollback_timestamp(vendor, old):
    _replay(vendor, old, "timestamp.json")


def _rollback_snapshot(vendor, old):
    """The timestamp key is stolen: a higher timestamp names the older snapshot."""
    thief = old.at(timestamp=8, snapshot=0)
    vendor.files |= thief.publish(b"firmware 1").files


def _rollback_targets(vendor, old):
    """Timestamp and snapshot keys are stolen: they name the older targets."""
    thief = old.at(timestamp=8, snapshot=8, targets=0)
    vendor.files |= thief.publish(b"firmware 1").files


def _freeze_timestamp(vendor, old):
    vendor.lives = roles_lives(timestamp=timedelta(hours=-1))
    vendor.publish(b"firmware 3")


def _freeze_snapshot(vendor, old):
    vendor.lives = roles_lives(snapshot=timedelta(hours=-1))
    vendor.publish(b"firmware 3")


def _freeze_targets(vendor, old):
    vendor.lives = roles_lives(targets=timedelta(hours=-1))
    vendor.publish(b"firmware 3")


def _freeze_root(vendor, old):
    vendor.rotate(life=timedelta(hours=-1))


def roles_lives(**lives: timedelta) -> Lives:
    """Lives with some already over."""
    return Lives(**lives)


def _mix_snapshot(vendor, old):
    """Two moments of one repository: the new timestamp, an old snapshot under the new name."""
    vendor.publish(b"firmware 3")
    vendor.files["3.snapshot.json"] = vendor.files["2.snapshot.json"]


def _mix_targets(vendor, old):
    vendor.publish(b"firmware 3")
    vendor.files["3.targets.json"] = vendor.files["2.targets.json"]


def _mix_same_version(vendor, old):
    """A second signing under the same versions: both are signed, only one is listed."""
    other = vendor.copy()
    vendor.publish(b"firmware 3")
    vendor.files["3.targets.json"] = other.publish(b"firmware X").files["3.targets.json"]


def _few(role):
    def attack(vendor, old):
        vendor.publish(b"firmware 3", {role: vendor.holders[role][1:]})

    return attack


def _foreign(role):
    def attack(vendor, old):
        strangers = signers(len(vendor.holders[role]))
        vendor.publish(b"firmware 3", {role: strangers})

    return attack


def _other_roles_key(vendor, old):
    """The online key signs where the offline ones should."""
    vendor.publish(b"firmware 3", {"targets": [*vendor.holders["timestamp"]] * 2})


def _one_key_signs_twice(vendor, old):
    vendor.publish(b"firmware 3", {"targets": vendor.holders["targets"][:1] * 2})


def _signature_copied_under_the_other_id(vendor, old):
    vendor.publish(b"firmware 3", {"targets": vendor.holders["targets"][:1]})
    document = json.loads(vendor.files["3.targets.json"])
    [signature] = document["signatures"]
    other = vendor.holders["targets"][1].public_key.keyid
    document["signatures"].append(signature | {"keyid": other})
    _serve_targets(vendor, json.dumps(document).encode())


def _serve_targets(vendor: Repository, data: bytes) -> None:
    """List these targets with good hashes, as a thief of the online keys can."""
    listed = json.loads(vendor.files["3.snapshot.json"])["signed"]
    listed["meta"]["targets.json"] |= {
        "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        "length": len(data),
    }
    _resign(vendor, "3.snapshot.json", "snapshot", listed)
    body = vendor.files["3.snapshot.json"]
    stamp = json.loads(vendor.files["timestamp.json"])["signed"]
    stamp["meta"]["snapshot.json"] |= {
        "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
        "length": len(body),
    }
    _resign(vendor, "timestamp.json", "timestamp", stamp)
    vendor.files["3.targets.json"] = data


def _resign(vendor: Repository, name: str, role: str, signed: dict) -> None:
    metadata = Metadata.from_dict({"signed": signed, "signatures": []})
    for signer in vendor.holders[role]:
        metadata.sign(signer, append=True)
    vendor.files[name] = metadata.to_bytes()


def _tampered(name, **signed):
    def attack(vendor, old):
        vendor.publish(b"firmware 3")
        vendor.files[name] = edited(vendor.files[name], **signed)

    return attack


def _root_by_strangers(vendor, old):
    vendor.holders["root"] = signers(2)
    vendor.rotate()


def _root_by_old_only(vendor, old):
    """The next root does not sign itself: nobody has shown to hold the new keys."""
    fresh = Repository(holders=dict(vendor.holders) | {"root": signers(2)})
    vendor.files["2.root.json"] = root_file(
        2, fresh.role_keys(), vendor.holders["root"], NOW + timedelta(days=9)
    )


def _root_below_threshold(vendor, old):
    """One of two root keys is stolen."""
    thief = Repository(holders=dict(vendor.holders) | {"targets": signers(2)})
    vendor.files["2.root.json"] = root_file(
        2, thief.role_keys(), vendor.holders["root"][:1], NOW + timedelta(days=9)
    )


def _root_with_one_key_twice(vendor, old):
    """One person appears as two: the same key under two ids."""
    key = vendor.holders["targets"][0].public_key
    alias = public_key(public_document(key) | {"keyid": "f" * 64}, "test")
    listing = vendor.role_keys() | {"targets": RoleKeys((key, alias), 2)}
    vendor.files["2.root.json"] = root_file(
        2, listing, vendor.holders["root"], NOW + timedelta(days=9)
    )


def _root_tampered(vendor, old):
    vendor.rotate()
    vendor.files["2.root.json"] = edited(
        vendor.files["2.root.json"], expires="2999-01-01T00:00:00Z"
    )


def _root_skipped(vendor, old):
    vendor.rotate()
    vendor.rotate()
    vendor.files["2.root.json"] = vendor.files["3.root.json"]


def _root_replayed(vendor, old):
    vendor.files["2.root.json"] = vendor.files["1.root.json"]


def _root_of_another_type(vendor, old):
    vendor.files["2.root.json"] = vendor.files["timestamp.json"]


def _endless(name, size):
    def attack(vendor, old):
        vendor.publish(b"firmware 3")
        vendor.files[name] = b" " * size + vendor.files.get(name, b"")

    return attack


def _deep(vendor, old):
    vendor.files["timestamp.json"] = b"[" * 16_000


ATTACKS = {
    "rollback of the timestamp": (_rollback_timestamp, Attack.REPLAYED_ORDER),
    "rollback of the snapshot": (_rollback_snapshot, Attack.REPLAYED_ORDER),
    "rollback of the targets": (_rollback_targets, Attack.REPLAYED_ORDER),
    "frozen timestamp": (_freeze_timestamp, Attack.FROZEN),
    "frozen snapshot": (_freeze_snapshot, Attack.FROZEN),
    "frozen targets": (_freeze_targets, Attack.FROZEN),
    "frozen root": (_freeze_root, Attack.FROZEN),
    "mix of snapshots": (_mix_snapshot, Attack.BAD_METADATA),
    "mix of targets": (_mix_targets, Attack.BAD_METADATA),
    "mix of two signings": (_mix_same_version, Attack.BAD_METADATA),
    "targets by one of two": (_few("targets"), Attack.TOO_FEW_SIGNATURES),
    "snapshot unsigned": (_few("snapshot"), Attack.TOO_FEW_SIGNATURES),
    "timestamp unsigned": (_few("timestamp"), Attack.TOO_FEW_SIGNATURES),
    "targets by strangers": (_foreign("targets"), Attack.TOO_FEW_SIGNATURES),
    "snapshot by strangers": (_foreign("snapshot"), Attack.TOO_FEW_SIGNATURES),
    "timestamp by strangers": (_foreign("timestamp"), Attack.TOO_FEW_SIGNATURES),
    "targets by the online key": (_other_roles_key, Attack.TOO_FEW_SIGNATURES),
    "targets by one key twice": (_one_key_signs_twice, Attack.TOO_FEW_SIGNATURES),
    "one signature under both ids": (
        _signature_copied_under_the_other_id,
        Attack.TOO_FEW_SIGNATURES,
    ),
    "timestamp tampered": (
        _tampered("timestamp.json", version=9),
        Attack.TOO_FEW_SIGNATURES,
    ),
    "snapshot tampered": (_tampered("3.snapshot.json", version=9), Attack.BAD_METADATA),
    "targets tampered": (_tampered("3.targets.json", targets={}), Attack.BAD_METADATA),
    "root by strangers": (_root_by_strangers, Attack.TOO_FEW_SIGNATURES),
    "root not by itself": (_root_by_old_only, Attack.TOO_FEW_SIGNATURES),
    "root by one of two": (_root_below_threshold, Attack.TOO_FEW_SIGNATURES),
    "root with one key as two": (_root_with_one_key_twice, Attack.TOO_FEW_SIGNATURES),
    "root tampered": (_root_tampered, Attack.TOO_FEW_SIGNATURES),
    "root skipped": (_root_skipped, Attack.REPLAYED_ORDER),
    "root replayed": (_root_replayed, Attack.REPLAYED_ORDER),
    "root of another type": (_root_of_another_type, Attack.BAD_METADATA),
    "endless root": (_endless("2.root.json", roles.ROOT_LIMIT + 1), Attack.ENDLESS_DATA),
    "endless timestamp": (
        _endless("timestamp.json", roles.TIMESTAMP_LIMIT),
        Attack.ENDLESS_DATA,
    ),
    "endless snapshot": (
        _endless("3.snapshot.json", roles.SNAPSHOT_LIMIT),
        Attack.ENDLESS_DATA,
    ),
    "endless targets": (_endless("3.targets.json", roles.TARGETS_LIMIT), Attack.ENDLESS_DATA),
    "nesting without end": (_deep, Attack.BAD_METADATA),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_nothing_kept_moves(attack):
    """Each names what it looks like; afterwards the honest repository still works."""
    stage, looks_like = ATTACKS[attack]
    vendor = Repository()
    old = vendor.copy()
    vendor.publish(b"firmware 2")
    honest, kept = vendor.copy(), dict(vendor.refresh(vendor.first).files)
    before = dict(kept)
    stage(vendor, old)

    with pytest.raises(RolesRefused, match=r"^vendor: ") as caught:
        vendor.refresh(kept)

    assert looks_like == caught.value.attack
    assert before == kept
    assert before == honest.refresh(kept).files

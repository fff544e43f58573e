"""A site's word on a folder of policy: its manifest, signed by enough of the site's policy keys.

The signatures are a DSSE envelope over an in-toto statement whose one subject is the manifest, so
that `id`, `version` and the days are signed with the files.  Nothing here needs a network.

If one policy key is stolen, its thief can sign nothing alone.  With two, and with write access to
the site's folder, they decide what comes in; the ledger then says since when (`policy.changed`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from securesystemslib.signer import Key, Signer

from firmward.hospital.gate.packs.folder import MANIFEST, Folder, Version, read_folder
from firmward.hospital.gate.policy import Source
from firmward.hospital.records.policies import Used
from firmward.proof import envelope, keys
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.names import Label, Moment
from firmward.terms.statement import POLICY, STATEMENT_PAYLOAD, Statement, statement
from firmward.terms.versions import triple
from firmward.terms.wire import convert, decode, encode, parse, plain


class RolledBack(Refused):
    """An older policy than this site has already used, or another one under the same version."""

    def __init__(self, name: str, expected: str, got: str):
        self.name, self.expected, self.got = name, expected, got
        super().__init__(f"{name}: expected {expected}, got {got}")


class Stated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the signers say of the manifest.

    kind  "pack" or "overlay": one signed as the other would be read as something it is not
    """

    kind: Annotated[str, Meta(pattern=r"^(?:pack|overlay)\Z")]
    id: Label
    version: Version
    effective_from: Moment
    expires: Moment
    supersedes: tuple[str, ...] = ()


class _Sealed(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A DSSE envelope, as far as it is taken apart here."""

    payload: str
    payload_type: str
    signatures: Annotated[tuple[dict[str, str], ...], Meta(max_length=16)]


class _Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    threshold: Annotated[int, Meta(ge=1)]
    keys: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=16)]


@dataclass(frozen=True)
class Keyring:
    """The public halves of a site's policy keys, and how many of them must sign."""

    keys: tuple[Key, ...]
    threshold: int

    @property
    def document(self) -> bytes:
        """The file that a site pins: public/policy.keys.json."""
        listed = [keys.public_document(key) for key in self.keys]
        return encode({"keys": listed, "threshold": self.threshold})


def keyring(data: bytes) -> Keyring:
    """The keyring in a site's public/policy.keys.json.  Raises Malformed."""
    read = decode(data, _Keys, "policy keys")
    found = tuple(keys.public_key(one, "policy keys") for one in read.keys)
    return Keyring(found, read.threshold)


def sign(folder: Folder, stated: Stated, signers: Sequence[Signer]) -> bytes:
    """The envelope to lay beside a folder's manifest, with the signatures it has already.

    So that people whose keys never meet on one machine can sign one after the other.
    """
    said = statement(MANIFEST, folder.sha256, POLICY, plain(stated))
    sealed = envelope.seal_statement(said, signers)
    if not folder.envelope:
        return sealed
    before, after = decode(folder.envelope, _Sealed, MANIFEST), decode(sealed, _Sealed, MANIFEST)
    if before.payload != after.payload:
        return sealed
    ours = {one["keyid"] for one in after.signatures}
    kept = tuple(one for one in before.signatures if one["keyid"] not in ours)
    return encode(msgspec.structs.replace(after, signatures=(*kept, *after.signatures)))


def verify(path: Path, keyring: Keyring) -> tuple[Folder, Stated]:
    """A folder that this site's policy keys signed, and what they said of it.

    raises  NotTrusted for one that too few of them signed, or that is another's;
            Malformed for a file that is not the manifest's; Unavailable
    """
    folder = read_folder(path)
    return folder, checked(folder, keyring)


def checked(folder: Folder, keyring: Keyring) -> Stated:
    """What enough policy keys said of a folder that was read.  Raises NotTrusted, Malformed."""
    path = folder.path
    who = f"{path.parent.name} {path.name}"
    if not folder.envelope:
        raise NotTrusted(who, f"expected {keyring.threshold} policy keys to have signed, got none")
    payload = envelope.unseal(
        folder.envelope, STATEMENT_PAYLOAD, keyring.keys, who, threshold=keyring.threshold
    )
    said = convert(parse(payload, who), Statement, who)
    if said.predicate_type != POLICY:
        raise NotTrusted(who, f"expected {POLICY}, got {said.predicate_type}")
    if [one.digest.sha256 for one in said.subject] != [folder.sha256]:
        raise NotTrusted(who, "expected signatures over this manifest, got some over another")
    stated = convert(said.predicate, Stated, who)
    if (stated.id, stated.version) != (path.parent.name, path.name):
        raise NotTrusted(who, f"expected its own name, got {stated.id} {stated.version}")
    return stated


def agrees(stated: Stated, kind: str, source: Source) -> None:
    """Refuses signatures that say other days or another kind than the folder itself."""
    says = (stated.kind, f"{stated.id}@{stated.version}", stated.effective_from, stated.expires)
    is_ = (kind, source.name, source.effective_from, source.expires)
    if says != is_:
        raise NotTrusted(source.name, f"expected {is_}, got signatures over {says}")


def not_older(used: Used, remembered: Mapping[str, Used]) -> None:
    """Refuses a version below the highest that the site ever used, and a second of the same.

    raises  RolledBack
    """
    before = remembered.get(used.name)
    if before is None:
        return
    if (triple(used.version) or (0, 0, 0)) < (triple(before.version) or (0, 0, 0)):
        raise RolledBack(used.name, f"version {before.version} or later", used.version)
    if used.version == before.version and used.sha256 != before.sha256:
        expected = f"{before.version} as it was used, sha256 {before.sha256}"
        raise RolledBack(used.name, expected, f"sha256 {used.sha256}")

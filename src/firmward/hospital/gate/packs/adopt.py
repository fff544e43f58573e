"""A site adopts policy: packs and overlays signed with its policy keys, laid into its folder.

    <site>/policy/packs/<id>/<version>/       copied from a folder of packs
    <site>/policy/overlays/<id>/<version>/    written by the site
    <site>/public/policy.keys.json            whose signatures count, and how many of them
    <site>/keys/offline/policy-{1,2,3}.key    software keys, unsafe where the machine is not

Several versions may lie side by side: of each pack the newest whose day has come is used, so that
the next one can be adopted ahead of its day.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from securesystemslib.signer import Signer

from firmward.hospital.gate.packs import signed
from firmward.hospital.gate.packs.adopted import KEYRING, OVERLAYS, PACKS, lying, pinned, together
from firmward.hospital.gate.packs.folder import (
    ENVELOPE,
    MANIFEST,
    Folder,
    manifest,
    manifest_of,
    named,
    newest,
    read_folder,
)
from firmward.hospital.gate.packs.overlay import OVERLAY, Overlay, read_overlay
from firmward.hospital.gate.packs.read import read_pack
from firmward.hospital.gate.packs.signed import Keyring, Stated
from firmward.hospital.gate.policy import PackNotInForce, Source
from firmward.hospital.records.durable import write_durably, write_secret
from firmward.hospital.records.site import load_settings
from firmward.proof import keys
from firmward.terms.errors import Misuse, NotTrusted, Refused
from firmward.terms.wire import plain

SIGNERS: Final = ("policy-1", "policy-2", "policy-3")
THRESHOLD: Final = 2


class _Plain(yaml.SafeDumper):
    """YAML without aliases, which `strict` refuses to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def new_keys(home: Path) -> None:
    """Make a new site's three policy keys, two of which must sign.

    Move keys/offline/ to a safe place: whoever has two of them decides what comes in.
    """
    made = [keys.new_signer() for _ in SIGNERS]
    for name, signer in zip(SIGNERS, made, strict=True):
        write_secret(home / "keys" / "offline" / f"{name}.key", keys.unsafe_private_pem(signer))
    ring = Keyring(tuple(signer.public_key for signer in made), THRESHOLD)
    write_durably(home / "public" / KEYRING, ring.document)


def signers(folder: Path) -> list[Signer]:
    """The policy keys in a folder, at most as many as must sign.  Raises Misuse for none."""
    found = [folder / f"{name}.key" for name in SIGNERS if (folder / f"{name}.key").is_file()]
    if not found:
        raise Misuse(f"{folder}: expected a policy key ({', '.join(SIGNERS)}), got none")
    return [keys.signer_from_pem(path.read_bytes()) for path in found[:THRESHOLD]]


def adopt(
    home: Path, packs: Path, ids: Iterable[str], now: datetime, offline: Path | None = None
) -> list[str]:
    """Copy the newest version of each pack to the site, signed; gives their names.

    offline  the folder with the site's policy keys; not needed for what they signed already
    raises   Refused for a pack that is over, that cannot be in force with what is there, or that
             is another one under a version that is there; then nothing is written
    """
    found = [read_folder(newest(packs, name)) for name in ids]
    loaded = [(folder, read_pack(folder)) for folder in found]
    settings = load_settings(home)
    there, overlays = lying(home, settings, now)
    new = {pack.id: pack for _, pack in loaded}
    together([*new.values(), *(p for p in there if p.id not in new)], overlays, settings.site)
    for pack in new.values():
        if now >= pack.expires:
            raise PackNotInForce(pack.name, f"before {pack.expires:%Y-%m-%d}", now)
    target = home / settings.policy / PACKS
    for folder, pack in loaded:
        stated = stated_of("pack", pack.source, pack.supersedes)
        _lay_down(home, target / pack.id / pack.version, folder, stated, offline)
    return [pack.name for pack in new.values()]


def write_overlay(home: Path, overlay: Overlay, offline: Path | None = None) -> str:
    """Sign an overlay and lay it beside the site's packs; gives its name.

    raises  Refused for one that the packs and overlays already there do not allow
    """
    data = yaml.dump(_written(overlay), Dumper=_Plain, allow_unicode=True).encode()
    settings = load_settings(home)
    path = home / settings.policy / OVERLAYS / overlay.id / overlay.version
    files = {OVERLAY: data}
    folder = Folder(path, files, manifest(files), b"")
    again = read_overlay(folder)
    packs, overlays = lying(home, settings, overlay.effective_from)
    source = again.source(folder.sha256)
    others = [(one, where) for one, where in overlays if one.id != again.id]
    together(packs, [*others, (again, source)], settings.site)
    _lay_down(home, path, folder, stated_of("overlay", source), offline)
    return again.name


def allow_development_keys(home: Path, now: datetime) -> str:
    """Let a site take in what software keys signed, by an overlay of its own; gives its name.

    For a demonstration.  Whoever copied such a vendor's folder can make releases as well.
    """
    site = load_settings(home).site
    overlay = Overlay(
        overlay_schema="firmward.overlay/v1",
        id=site,
        version=f"{now.year}.{now.month}.0",
        scope="site",
        site=site,
        effective_from=now,
        expires=now + timedelta(days=365),
        parameters={"allow_development_keys": True},
    )
    return write_overlay(home, overlay)


def standing(packs: Path) -> list[str]:
    """The packs in a folder that no other there supersedes, by id."""
    found = [read_pack(read_folder(newest(packs, name))) for name in named(packs)]
    gone = {name for pack in found for name in pack.supersedes}
    return [pack.id for pack in found if pack.id not in gone]


def sign(path: Path, offline: Path) -> str:
    """Sign a pack's or overlay's folder where it lies, beside signatures it has; gives its name.

    raises  Malformed for a folder that is neither; Misuse without a key
    """
    write_durably(path / MANIFEST, manifest_of(path))
    folder = read_folder(path)
    if OVERLAY in folder.files:
        stated = stated_of("overlay", read_overlay(folder).source(folder.sha256))
    else:
        pack = read_pack(folder)
        stated = stated_of("pack", pack.source, pack.supersedes)
    write_durably(path / ENVELOPE, signed.sign(folder, stated, signers(offline)))
    return f"{stated.id}@{stated.version}"


def stated_of(kind: str, source: Source, supersedes: tuple[str, ...] = ()) -> Stated:
    """What the policy keys say of a pack or overlay."""
    name, _, version = source.name.partition("@")
    return Stated(
        kind=kind,
        id=name,
        version=version,
        effective_from=source.effective_from,
        expires=source.expires,
        supersedes=supersedes,
    )


def _written(overlay: Overlay) -> dict[str, Any]:
    """The overlay as YAML holds it: without what it does not set."""
    return {
        name: value for name, value in plain(overlay).items() if value not in (None, {}, [], "-")
    }


def _lay_down(home: Path, path: Path, folder: Folder, stated: Stated, offline: Path | None) -> None:
    """Write a signed folder as a whole: under its name there is all of it, or nothing."""
    if path.exists():
        if read_folder(path).sha256 == folder.sha256:
            return
        raise Refused(f"{path}: expected a new version, got another {stated.id} {stated.version}")
    envelope = _signed_already(home, folder) or _signed_now(home, folder, stated, offline)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    for name, data in folder.files.items():
        write_durably(draft / name, data)
    write_durably(draft / MANIFEST, folder.manifest)
    write_durably(draft / ENVELOPE, envelope)
    # A crash before this leaves a dot folder that is no version, and nothing reads.
    draft.rename(path)


def _signed_already(home: Path, folder: Folder) -> bytes:
    """The envelope of a folder that this site's keys signed where it lay; b"" for any other."""
    try:
        signed.checked(folder, pinned(home))
    except NotTrusted:
        return b""
    return folder.envelope


def _signed_now(home: Path, folder: Folder, stated: Stated, offline: Path | None) -> bytes:
    ring = pinned(home)
    envelope = signed.sign(folder, stated, signers(offline or home / "keys" / "offline"))
    signed.checked(replace(folder, envelope=envelope), ring)
    return envelope

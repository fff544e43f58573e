"""The policy that a site adopted, read back: verified from its policy keys on, never older.

Nothing here needs a network.  A site's store remembers the highest version of everything that it
judged by; an older one, another one of the same version, or one that is gone is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from firmward.hospital.gate.packs import signed
from firmward.hospital.gate.packs.combine import combine
from firmward.hospital.gate.packs.folder import Folder, named, versions
from firmward.hospital.gate.packs.overlay import Overlay, in_order, read_overlay
from firmward.hospital.gate.packs.read import Pack, read_pack
from firmward.hospital.gate.packs.schema import shown
from firmward.hospital.gate.packs.signed import Keyring, RolledBack, Stated
from firmward.hospital.gate.policy import Policy, Source
from firmward.hospital.records import policies
from firmward.hospital.records.policies import Used
from firmward.hospital.records.site import Settings, Site
from firmward.terms.errors import Misuse, Unavailable

PACKS: Final = "packs"
OVERLAYS: Final = "overlays"
KEYRING: Final = "policy.keys.json"

Laying = Sequence[tuple[Overlay, Source]]


@dataclass(frozen=True)
class Loaded:
    """A site's policy, and which versions of what it is made of."""

    policy: Policy
    used: tuple[Used, ...]


def pinned(home: Path) -> Keyring:
    """Whose signatures count at a site.  Raises Misuse, Malformed."""
    try:
        return signed.keyring((home / "public" / KEYRING).read_bytes())
    except OSError as error:
        raise Misuse(f"{home}: expected public/{KEYRING}, got none: is this a site?") from error


def load(home: Path, settings: Settings, now: datetime, remembered: Mapping[str, Used]) -> Loaded:
    """The site's policy as of now.

    A part that is over is loaded still: the gate then refuses to judge by it, and says which,
    while devices are served and can be rolled back.
    raises  NotTrusted for what too few of its keys signed; RolledBack for what is older than
            remembered, or gone; Malformed, OutOfBounds; Unavailable when it cannot be read
    """
    packs, overlays = lying(home, settings, now)
    if not packs:
        where = home / settings.policy / PACKS
        raise Unavailable(
            f"{where}: expected packs that `firmward policy adopt` put there, got none"
        )
    ours = _ours(overlays, settings.site)
    used = (
        _keys(pinned(home)),
        *(Used(f"pack:{one.id}", one.version, one.sha256) for one in packs),
        *(_used(overlay, source) for overlay, source in ours),
    )
    for one in used[1:]:
        signed.not_older(one, remembered)
    replaced = {f"pack:{name}" for pack in packs for name in pack.supersedes}
    for name in sorted(remembered.keys() - {one.name for one in used} - replaced):
        # A folder that is taken away takes its rules along.
        raise RolledBack(name, f"version {remembered[name].version} or later", "none")
    return Loaded(combine(packs, ours), used)


def in_force(site: Site, now: datetime) -> Policy:
    """The policy that an open site judges by, from now on remembered and on its ledger.

    One transaction: what is refused is neither remembered nor told as adopted.
    """
    with site.store.writing() as connection:
        found = load(site.home, site.settings, now, policies.remembered(connection))
        policies.remember(connection, found.used, site.settings.site, now)
    return found.policy


def lying(
    home: Path, settings: Settings, now: datetime
) -> tuple[list[Pack], list[tuple[Overlay, Source]]]:
    """Packs and overlays in a site's folder that are to be used, each verified.

    raises  NotTrusted, Malformed, OutOfBounds, Unavailable
    """
    ring, policy = pinned(home), home / settings.policy
    packs = [_pack(*one) for one in _chosen(policy / PACKS, ring, now)]
    gone = {name for pack in packs for name in pack.supersedes}
    overlays = [_overlay(*one) for one in _chosen(policy / OVERLAYS, ring, now)]
    return [pack for pack in packs if pack.id not in gone], overlays


def together(packs: Sequence[Pack], overlays: Laying, site: str) -> Policy:
    """The policy that these come to at a site.  Raises Malformed, OutOfBounds."""
    gone = {name for pack in packs for name in pack.supersedes}
    return combine([pack for pack in packs if pack.id not in gone], _ours(overlays, site))


def _ours(overlays: Laying, site: str) -> list[tuple[Overlay, Source]]:
    sources = {one.name: source for one, source in overlays}
    return [(one, sources[one.name]) for one in in_order((one for one, _ in overlays), site)]


def _chosen(path: Path, ring: Keyring, now: datetime) -> list[tuple[Folder, Stated]]:
    """Of each pack or overlay the verified version to be used now."""
    if not path.exists():
        return []
    chosen = []
    for name in named(path):
        found = {number: signed.verify(one, ring) for number, one in versions(path, name).items()}
        if found:
            days = {number: stated.effective_from for number, (_, stated) in found.items()}
            begun = [number for number, day in days.items() if day <= now]
            # Where none has begun, the first: it is refused by name as not yet in force.
            chosen.append(found[max(begun) if begun else min(found)])
    return chosen


def _pack(folder: Folder, stated: Stated) -> Pack:
    pack = read_pack(folder)
    signed.agrees(stated, "pack", pack.source)
    return pack


def _overlay(folder: Folder, stated: Stated) -> tuple[Overlay, Source]:
    overlay = read_overlay(folder)
    source = overlay.source(folder.sha256)
    signed.agrees(stated, "overlay", source)
    return overlay, source


def _keys(ring: Keyring) -> Used:
    """The keyring: it has no versions, and a change of it is told like any other."""
    count = f"{ring.threshold} of {len(ring.keys)}"
    names = tuple(key.keyid for key in ring.keys)
    return Used("keys:policy", count, sha256(ring.document).hexdigest(), names)


def _used(overlay: Overlay, source: Source) -> Used:
    sets = [f"{name} = {shown(value)}" for name, value in sorted(overlay.parameters.items())]
    sets += [f"{rule} warns until {day:%Y-%m-%d}" for rule, day in sorted(overlay.warn.items())]
    sets += [f"{rule} asks for more" for rule in sorted(overlay.tighten)]
    return Used(f"overlay:{overlay.id}", overlay.version, source.sha256, tuple(sets))

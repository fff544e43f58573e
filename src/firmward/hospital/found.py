"""Founding a site: its settings, keys, authorities, director root and first people."""

import json
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from securesystemslib.signer import CryptoSigner

from firmward.hospital.fleet.director import DirectorKeys, first_root
from firmward.hospital.gate.packs.adopt import new_keys
from firmward.hospital.records.durable import write_durably, write_secret
from firmward.hospital.records.site import (
    AUTHORITIES,
    ROOT_SIGNERS,
    SIGNERS,
    Listen,
    Role,
    Settings,
    issue_person,
    read_settings,
)
from firmward.proof import certs, keys
from firmward.terms.errors import Refused

ROOT_THRESHOLD = 2
FIRST_PEOPLE: dict[str, tuple[Role, ...]] = {
    "bea": ("biomed",),
    "sam": ("sec",),
    "rita": ("risk",),
    "cleo": ("clin",),
    "ada": ("auditor",),
}
"""Who a new site knows; hospital.toml says what each may do."""


def found(home: Path, settings: Settings, now: datetime) -> None:
    """Make a new site in `home`.  Raises Refused if there is one already."""
    if (home / "hospital.toml").exists():
        raise Refused(f"{home}: expected an empty folder, got a site already")
    folder = home / "keys"
    if folder.exists():
        raise Refused(f"{home}: expected an empty folder, got one where founding was cut short")
    text = _toml(settings)
    read_settings(text, f"{home}/hospital.toml")
    for name in AUTHORITIES:
        authority = certs.new_authority(f"{settings.site} {name} CA", keys.new_p256(), now)
        write_secret(folder / f"authority-{name}.key", keys.private_pem(authority.key))
        write_durably(folder / f"authority-{name}.pem", authority.pem)
        if name == "hospital":
            _server_identity(folder, authority, settings.listen, now)
            write_durably(home / "public" / "authority.pem", authority.pem)
    _director(home, folder, now)
    new_keys(home)
    write_secret(folder / "ledger.key", keys.private_pem(Ed25519PrivateKey.generate()))
    write_secret(folder / "content.key", AESGCM.generate_key(256))
    for person in settings.people:
        issue_person(home, "person", person, now)
    # Last: a folder without it is no site, so one that a crash left half made is never served.
    write_durably(home / "hospital.toml", text.encode())


def _server_identity(
    folder: Path, authority: certs.Authority, listen: Listen, now: datetime
) -> None:
    key = keys.new_p256()
    hosts = tuple(dict.fromkeys((listen.host, "127.0.0.1", "localhost")))
    certificate = certs.server_certificate(authority, key.public_key(), hosts, now)
    write_secret(folder / "server.key", keys.private_pem(key))
    write_durably(folder / "server.pem", certs.pem(certificate))


def _director(home: Path, folder: Path, now: datetime) -> None:
    online: dict[str, CryptoSigner] = {}
    for name in SIGNERS:
        online[name] = keys.new_signer() if name == "verdict" else keys.new_fast_signer()
        write_secret(folder / f"{name}.key", keys.unsafe_private_pem(online[name]))
    root = [keys.new_signer() for _ in ROOT_SIGNERS]
    for name, signer in zip(ROOT_SIGNERS, root, strict=True):
        write_secret(folder / "offline" / f"{name}.key", keys.unsafe_private_pem(signer))
    director = DirectorKeys(
        online["order-targets"], online["order-snapshot"], online["order-timestamp"]
    )
    data = first_root(root, ROOT_THRESHOLD, director, now)
    write_durably(home / "public" / "director.root.json", data)
    verdict = keys.public_bytes(online["verdict"].public_key)
    write_durably(home / "public" / "verdict.key.json", verdict)


def _quoted(text: str) -> str:
    # A TOML basic string knows JSON's escapes; a folder's name may hold a quotation mark.
    return json.dumps(text, ensure_ascii=False)


def _toml(settings: Settings) -> str:
    listen = settings.listen
    people = "\n".join(f"{name} = {list(roles)}" for name, roles in settings.people.items())
    return f"""# A Firmward hospital site.  Durations are in seconds.
site = {_quoted(settings.site)}
policy = {_quoted(settings.policy)}          # the packs and overlays that the gate judges by
advisories = {_quoted(settings.advisories)}  # folder of OSV records and the KEV catalogue
jurisdictions = {list(settings.jurisdictions)}

poll_s = {settings.poll_s}
order_life_s = {settings.order_life_s}  # a replayed order can freeze a device no longer than this
tick_s = {settings.tick_s}

# Roll-outs: the first waves' shares, the false-alarm bound, and when each wave is compared.
shares = {list(settings.shares)}
alpha = {settings.alpha}
looks_s = {list(settings.looks_s)}
settle_s = {settings.settle_s}
failed_share = {settings.failed_share}
baseline_s = {settings.baseline_s}      # how long before a wave its devices' normal is taken from

# Hard rules.
freshness_ms = {settings.freshness_ms}
boot_limit = {settings.boot_limit}

[listen]
host = {_quoted(listen.host)}
device = {listen.device}
enrolment = {listen.enrolment}
people = {listen.people}

# Who may do what on the operator plane; `firmward hospital init` issued each a certificate.
[people]
{people}
"""

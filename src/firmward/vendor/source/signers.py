"""Who may sign commits: public keys in the vendor's home, never in the tree.

HOME/signers/allowed-signers   SSH, as in ssh-keygen(1), ALLOWED SIGNERS
HOME/signers/revoked           SSH public keys, one a line, or a KRL; optional
HOME/signers/openpgp.asc       armored OpenPGP public keys; optional

If stolen, these files help nobody: they hold public keys.  Whoever may write to them can add a
signer, so they belong to the account that releases.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.terms.errors import Malformed, Misuse
from firmward.vendor.process import run
from firmward.vendor.source.git import binary

FOLDER: Final = "signers"
SSH, REVOKED, OPENPGP = "allowed-signers", "revoked", "openpgp.asc"
_LIMIT: Final = 16 * 1024 * 1024
_KEY: Final = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]{40,}={0,2}")
_WRITTEN: Final = """\
# Who may sign the commits that releases are made from: one line for each SSH key.
#
#   alice@example.com namespaces="git" ssh-ed25519 AAAA...
#
# The address must be the committer's.  valid-before="20270101" ends a key's time: commits made
# before it stay good.  A key that may be stolen goes into the file `revoked` beside this one; then
# no commit of its owner's counts any more.  OpenPGP keys go, armored, into `openpgp.asc`.
#
# Whoever may write here can name himself: keep this folder out of the source and to yourself.
"""


@dataclass(frozen=True)
class Signers:
    """Who may sign commits, as read once: `ssh`, `revoked` and `openpgp` are the files' bytes."""

    folder: Path
    ssh: bytes = b""
    revoked: bytes = b""
    openpgp: bytes = b""

    def split(self, email: str) -> tuple[bytes, bytes]:
        """The SSH lines that cover an address, and the others.

        raises  Malformed for a line that ssh-keygen would not read as we do
        """
        covering: list[bytes] = []
        others: list[bytes] = []
        for number, line in enumerate(self.ssh.splitlines(), 1):
            words = line.decode(errors="replace").split(maxsplit=1)
            if not words or words[0].startswith("#"):
                continue
            if len(words) < 2 or words[0].count('"') == 1:
                place = f"{self.folder / SSH}:{number}"
                raise Malformed(place, "addresses without blanks, and a key", words[0])
            chosen = covering if _covers(words[0].strip('"'), email) else others
            chosen.append(line + b"\n")
        return b"".join(covering), b"".join(others)


def _covers(patterns: str, email: str) -> bool:
    """Whether a list of patterns names an address, as in ssh_config(5), PATTERNS."""
    answers = [
        (pattern.startswith("!"), _matches(pattern.removeprefix("!"), email))
        for pattern in patterns.split(",")
    ]
    denied = any(negated and fits for negated, fits in answers)
    return bool(email) and not denied and any(fits for negated, fits in answers if not negated)


def _matches(pattern: str, email: str) -> bool:
    parts = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), email))


def load(home: Path) -> Signers:
    """The signers of a vendor's home.  Raises Misuse for files that anybody may write to."""
    folder = home / FOLDER
    files = {name: _file(folder / name) for name in (SSH, REVOKED, OPENPGP)}
    return Signers(folder, files[SSH], files[REVOKED], files[OPENPGP])


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        return b""
    if (path.stat().st_mode | path.parent.stat().st_mode) & 0o002:
        raise Misuse(f"{path}: expected its owner alone to write to it, got anybody")
    if len(data) > _LIMIT:
        raise Malformed(str(path), f"at most {_LIMIT} bytes", "more")
    return data


def found(home: Path) -> Path:
    """The folder for signers, made with nobody in it if there is none."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / SSH).exists():
        (folder / SSH).write_text(_WRITTEN)
        (folder / SSH).chmod(0o600)
    return folder


def allow(home: Path, email: str, key: str) -> None:
    """Let the holder of an SSH key sign as an address; once is enough.

    key     "TYPE BASE64", with or without a comment
    raises  Malformed
    """
    plain = _KEY.match(key.strip())
    if plain is None or not re.fullmatch(r"[^\s,\"!*?#]+", email):
        raise Malformed("signing key", "an address and an SSH public key", f"{email} {key[:40]}")
    file = found(home) / SSH
    line = f'{email} namespaces="git" {plain[0]}\n'
    text = file.read_text()
    if line not in text:
        file.write_text(text + ("" if text.endswith("\n") else "\n") + line)


@dataclass(frozen=True)
class Own:
    """The address and SSH public key that this account's git signs with."""

    email: str
    key: str


def own() -> Own | None:
    """This account's signing key, by its own git settings and never by a repository's."""
    email, format_, key = (
        _setting(name) for name in ("user.email", "gpg.format", "user.signingKey")
    )
    if format_ != "ssh" or not email or not key:
        return None
    if _KEY.match(key.removeprefix("key::")):
        return Own(email, key.removeprefix("key::"))
    path = Path(key).expanduser()
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        text = public.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return Own(email, text.strip()) if _KEY.match(text) else None


def _setting(name: str) -> str:
    home = os.environ.get("HOME", "/")
    settings = {"HOME": home, "PATH": "/usr/bin:/bin"}
    done = run((binary("git"), "config", "--global", "--get", name), Path("/"), settings, 10.0)
    return done.out.decode(errors="replace").strip()

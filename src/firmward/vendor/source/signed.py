"""Who signed a commit: judged by git itself, over nothing but the commit's own bytes."""

import re
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from firmward.terms.errors import Malformed
from firmward.vendor.process import Done, plain_environment, run
from firmward.vendor.source.git import binary, environment
from firmward.vendor.source.refused import SourceRefused
from firmward.vendor.source.signers import OPENPGP, REVOKED, SSH, Signers

_TIMEOUT_S: Final = 30.0
_CONFIG: Final = """\
[core]
\trepositoryFormatVersion = 1
\tbare = true
[extensions]
\tobjectFormat = {format}
[gpg]
\tprogram = {gpg}
[gpg "ssh"]
\tprogram = {ssh_keygen}
\tallowedSignersFile = {allowed}
"""
_SSH_GOOD: Final = re.compile(
    r'^Good "git" signature for (?P<principal>.+) with \S+ key (?P<key>SHA256:[A-Za-z0-9+/]{43})$',
    re.MULTILINE,
)
_SSH_KEY: Final = re.compile(r"\bkey (SHA256:[A-Za-z0-9+/]{43})")
_GPG_SAYS: Final = re.compile(r"^\[GNUPG:\] ([A-Z_]+) ?(.*)$", re.MULTILINE)
_GPG_BAD: Final = {
    "BADSIG": "a signature over other bytes",
    "EXPSIG": "an expired signature",
    "EXPKEYSIG": "an expired key",
    "REVKEYSIG": "a revoked key",
    "ERRSIG": "an unknown key",
    "NO_PUBKEY": "an unknown key",
}
_EMAIL: Final = re.compile(rb"^committer [^\n]*<([^<>\n]*)> \d+ [+-]\d{4}$", re.MULTILINE)


@dataclass(frozen=True)
class Signer:
    """Who signed a commit.

    principal    the committer's address, which the signer's entry covers
    fingerprint  SHA256:... of an SSH key; the primary key's, in hexadecimal, of an OpenPGP one
    """

    kind: Literal["ssh", "openpgp"]
    principal: str
    fingerprint: str


def verify(commit: str, body: bytes, signers: Signers) -> Signer:
    """Who of the signers signed the commit with these bytes.

    1. the commit carries a signature of a kind that we know
    2. the entries that cover the committer's address are the only ones git is shown
    3. git verifies, and must name exactly one good signature

    An SSH key must have been valid when the commit says it was made, an OpenPGP key must be so now.
    The thief of an expired SSH key can date a commit back: revoke a key that may be stolen.

    raises  SourceRefused; Unavailable without git and ssh-keygen or gpg
    """
    who = f"signature of commit {commit[:12]}"
    kind = _kind(body, who)
    committers = _EMAIL.findall(body.partition(b"\n\n")[0])
    if len(committers) != 1:
        raise SourceRefused(who, "one committer", str(len(committers)))
    email = committers[0].decode(errors="replace")
    with tempfile.TemporaryDirectory(prefix="firmward-signers-") as name:
        folder = Path(name)
        _store(folder, commit, body)
        if kind == "ssh":
            return _ssh(folder, commit, email, signers, who)
        return _openpgp(folder, commit, email, signers, who)


def _kind(body: bytes, who: str) -> Literal["ssh", "openpgp"]:
    head = body.partition(b"\n\n")[0]
    signatures = re.findall(rb"^gpgsig(?:-sha256)? (.*)$", head, re.MULTILINE)
    if signatures == [b"-----BEGIN SSH SIGNATURE-----"]:
        return "ssh"
    if signatures == [b"-----BEGIN PGP SIGNATURE-----"]:
        return "openpgp"
    got = signatures[0].decode(errors="replace") if signatures else "none"
    raise SourceRefused(who, "one by SSH or OpenPGP", got)


def _store(folder: Path, commit: str, body: bytes) -> None:
    """A git directory that holds one commit, as loose object, and nothing else."""
    place = folder / "objects" / commit[:2]
    place.mkdir(parents=True)
    data = b"commit %d\0" % len(body) + body
    (place / commit[2:]).write_bytes(zlib.compress(data, 1))
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text("ref: refs/none\n")


def _verified(folder: Path, commit: str, more: dict[str, str]) -> Done:
    """What `git verify-commit` says, by programs that are named here and nowhere else."""
    (folder / "config").write_text(
        _CONFIG.format(
            format="sha256" if len(commit) == 64 else "sha1",
            gpg=more.pop("gpg", "/bin/false"),
            ssh_keygen=more.pop("ssh-keygen", "/bin/false"),
            allowed=folder / SSH,
        )
        + (f"\trevocationFile = {folder / REVOKED}\n" if (folder / REVOKED).exists() else "")
    )
    command = (binary("git"), "verify-commit", "--raw", commit)
    return run(command, folder, environment(folder) | more, _TIMEOUT_S)


def _ssh(folder: Path, commit: str, email: str, signers: Signers, who: str) -> Signer:
    covering, others = signers.split(email)
    (folder / SSH).write_bytes(covering)
    if signers.revoked:
        (folder / REVOKED).write_bytes(signers.revoked)
    done = _verified(folder, commit, {"ssh-keygen": binary("ssh-keygen")})
    good = _SSH_GOOD.findall(done.err)
    if done.code == 0 and len(good) == 1:
        return Signer("ssh", email, good[0][1])
    (folder / REVOKED).unlink(missing_ok=True)
    unrevoked = _verified(folder, commit, {"ssh-keygen": binary("ssh-keygen")}).code == 0
    (folder / SSH).write_bytes(others)
    elsewhere = _verified(folder, commit, {"ssh-keygen": binary("ssh-keygen")}).code == 0
    got = _said(done.err, email, unrevoked=unrevoked, elsewhere=elsewhere)
    raise SourceRefused(who, f"one of {signers.folder / SSH} for {email!r}", got)


def _said(err: str, email: str, *, unrevoked: bool, elsewhere: bool) -> str:
    """Why an SSH signature does not count; ssh-keygen names a key only if it signed these bytes."""
    found = _SSH_KEY.search(err)
    key = f"the key {found[1]}" if found else "a key"
    if unrevoked:
        return f"{key} that is revoked"
    if elsewhere:
        return f"{key} that is not one of {email}"
    if found is None:
        return "a signature over other bytes, or for another use"
    if "expired" in err or "not yet valid" in err:
        return f"{key} that was not valid when the commit was made"
    return f"{key} that is unknown"


def _openpgp(folder: Path, commit: str, email: str, signers: Signers, who: str) -> Signer:
    expected = f"one by a key of {signers.folder / OPENPGP} for {email!r}"
    if not signers.openpgp.strip():
        raise SourceRefused(who, expected, "no keys there")
    home = _keyring(folder, signers)
    done = _verified(folder, commit, {"gpg": binary("gpg"), "GNUPGHOME": str(home)})
    says = [(word, rest) for word, rest in _GPG_SAYS.findall(done.err)]
    words = [word for word, _ in says]
    for bad, got in _GPG_BAD.items():
        if bad in words:
            raise SourceRefused(who, expected, got)
    valid = [rest.split() for word, rest in says if word == "VALIDSIG"]
    if done.code != 0 or words.count("GOODSIG") != 1 or len(valid) != 1 or len(valid[0]) < 10:
        raise SourceRefused(who, expected, "no single good signature")
    fingerprint = valid[0][9]
    if email not in _addresses(home, fingerprint):
        raise SourceRefused(who, expected, f"the key {fingerprint} that is not one of {email}")
    return Signer("openpgp", email, fingerprint)


def _keyring(folder: Path, signers: Signers) -> Path:
    """A GnuPG home with the vendor's keys and no others, and without the account's settings."""
    home, keys = folder / "gnupg", folder / OPENPGP
    home.mkdir(mode=0o700)
    # An empty common.conf keeps newer versions from asking a daemon for the keys.
    (home / "common.conf").write_text("")
    (home / "gpg.conf").write_text("no-autostart\nno-auto-key-retrieve\nweak-digest SHA1\n")
    keys.write_bytes(signers.openpgp)
    done = _gpg(home, "--import", str(keys))
    if done.code != 0:
        raise Malformed(str(signers.folder / OPENPGP), "armored public keys", done.err[-200:])
    return home


def _addresses(home: Path, fingerprint: str) -> set[str]:
    """The addresses of a key's user ids that are neither revoked nor expired."""
    done = _gpg(home, "--with-colons", "--list-keys", fingerprint)
    rows = [line.split(":") for line in done.out.decode(errors="replace").splitlines()]
    names = [row[9] for row in rows if row[0] == "uid" and row[1] not in ("r", "e", "i")]
    return {found[1] for name in names if (found := re.search(r"<([^<>]+)>\Z", name))}


def _gpg(home: Path, *words: str) -> Done:
    settings = plain_environment(home) | {"GNUPGHOME": str(home)}
    command = (binary("gpg"), "--batch", "--quiet", "--no-tty", *words)
    return run(command, home, settings, _TIMEOUT_S)

"""Who may sign a commit is said in the vendor's home, and git itself says whether one did."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.vendors import DEVELOPER, Tree, new_key, small_tree

from firmward.terms.errors import Malformed, Misuse
from firmward.vendor import pipeline
from firmward.vendor.request import Request
from firmward.vendor.source import signers as known
from firmward.vendor.source.commit import take
from firmward.vendor.source.refused import SourceRefused
from firmward.vendor.source.signers import Signers
from firmward.vendor.source.stated import resolved


@pytest.fixture
def small(tmp_path) -> Tree:
    """A small source, signed by its developer."""
    return small_tree(tmp_path / "source")


def allowed(small: Tree, text: str) -> Signers:
    """The vendor's signers with other SSH lines; KEY stands for the developer's key."""
    key = small.folder.parent / "developers" / "source-key.pub"
    return replace(small.signers, ssh=text.replace("KEY", key.read_text().strip()).encode())


def test_a_commit_by_an_allowed_signer_is_taken_with_his_name(small):
    """The principal is the committer's address; the fingerprint is ssh-keygen's."""
    signer = take(small.folder, "HEAD", small.signers).signer
    key = small.folder.parent / "developers" / "source-key.pub"
    shown = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True).stdout

    assert ("ssh", DEVELOPER) == (signer.kind, signer.principal)
    assert shown.split()[1] == signer.fingerprint


def test_an_unsigned_commit_is_refused(small):
    """Whoever can push is not whoever may release."""
    small.git("commit", "--quiet", "--no-gpg-sign", "--allow-empty", "-m", "by somebody")

    with pytest.raises(SourceRefused, match="expected one by SSH or OpenPGP, got none"):
        take(small.folder, "HEAD", small.signers)


def test_a_strangers_signature_is_refused_even_if_the_tree_names_him(small, tmp_path):
    """A list of signers in the tree would let whoever may commit name himself."""
    key = new_key(tmp_path / "stranger")
    line = f"{DEVELOPER} {key.with_suffix('.pub').read_text()}"
    small.signed_by(key)
    small.commit({"signers/allowed-signers": line, ".gitsigners": line})
    small.git("config", "gpg.ssh.allowedSignersFile", str(small.folder / ".gitsigners"))

    with pytest.raises(SourceRefused, match=r"got the key SHA256:\S+ that is unknown"):
        take(small.folder, "HEAD", small.signers)
    with pytest.raises(Misuse, match="outside the source"):
        take(small.folder, "HEAD", known.load(small.folder))


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("other@example KEY\n", "that is not one of dev@example"),
        ("*@example,!dev@example KEY\n", "that is not one of dev@example"),
        ('dev@example valid-before="20200101" KEY\n', "not valid when the commit was made"),
        ('dev@example valid-after="21000101" KEY\n', "not valid when the commit was made"),
        ('dev@example namespaces="file" KEY\n', "for another use"),
        ("", "that is unknown"),
    ],
)
def test_an_entry_that_does_not_cover_the_commit_refuses_it(small, line, got):
    """Another address, another time, another use."""
    with pytest.raises(
        SourceRefused, match=r"expected one of .* for 'dev@example', got"
    ) as refused:
        take(small.folder, "HEAD", allowed(small, line))
    assert got in refused.value.got


@pytest.mark.parametrize(
    "line",
    ["*@example KEY\n", "a@b,dev@example KEY\n", "other@example KEY\n\n# x\ndev@example KEY\n"],
)
def test_patterns_lists_and_several_entries_of_one_key_cover_as_in_ssh(small, line):
    """The entry for this committer counts, wherever it stands."""
    assert DEVELOPER == take(small.folder, "HEAD", allowed(small, line)).signer.principal


def test_a_revoked_key_signs_nothing_any_more_not_even_what_was_released(small, tmp_path):
    """Its thief can date a commit back, so the time in it helps nobody."""
    public = (tmp_path / "developers/source-key.pub").read_bytes()
    revoked = replace(small.signers, revoked=public)

    for before in (False, True):
        with pytest.raises(SourceRefused, match="that is revoked"):
            take(small.folder, "HEAD", revoked, released_before=before)


def test_a_signature_moved_to_another_commit_is_refused(small):
    """The signature is over these bytes, and no others."""
    body = small.git("cat-file", "commit", "HEAD") + "\n"
    forged = small.forge("commit", body.replace("first", "other").encode())

    with pytest.raises(SourceRefused, match="got a signature over other bytes"):
        take(small.folder, forged, small.signers)


def test_a_line_that_is_no_entry_is_an_error_and_not_skipped(small):
    """A misspelt entry may have been a restriction."""
    with pytest.raises(Malformed, match="allowed-signers:1"):
        take(small.folder, "HEAD", allowed(small, '"dev@example KEY'))


def test_a_file_that_anybody_may_write_to_names_nobody(small):
    """It may have been written to."""
    file = small.signers.folder / "allowed-signers"
    file.chmod(0o666)

    with pytest.raises(Misuse, match="its owner alone"):
        known.load(small.folder.parent / "developers")


def test_unsigned_commits_are_for_projects_in_development_and_said_so(small):
    """signed = false alone is refused; with development = true the provenance says none."""
    small.edit("firmward.toml", "signed = true", "signed = false")
    with pytest.raises(SourceRefused, match="false without development = true"):
        take(small.folder, "HEAD", small.signers)

    small.edit("firmward.toml", "[source]", "development = true\n[source]")
    source = take(small.folder, "HEAD", small.signers)
    assert source.signer is None
    assert {"signature": {"kind": "none"}} == resolved(source)[0]["annotations"]


def test_nothing_is_released_from_a_commit_that_nobody_allowed_signed(vendor):
    """Neither the release nor, by the commit in its provenance, a way back to it."""
    before = vendor.published
    vendor.tree.git("commit", "--quiet", "--no-gpg-sign", "--allow-empty", "-m", "by somebody")
    request = Request(commit="HEAD", version="1.0.0", counter=1)

    with pytest.raises(SourceRefused, match="signature of commit"):
        pipeline.release(vendor.project, request, vendor.shop)
    with pytest.raises(SourceRefused, match="signature of commit"):
        take(vendor.project, "HEAD", vendor.shop.signers, released_before=True)
    assert before == vendor.published


def test_no_evidence_is_made_of_a_source_that_nobody_verified(small):
    """A stage that runs alone may skip the signature; what it gives is never signed."""
    with pytest.raises(Misuse, match="expected its signature verified"):
        resolved(take(small.folder, "HEAD"))


class Pgp:
    """A developer with an OpenPGP key in a GnuPG home of his own."""

    def __init__(self, home: Path, email: str = DEVELOPER):
        self.home, self.email = home, email
        home.mkdir(mode=0o700)
        self("--passphrase", "", "--quick-gen-key", f"Dev <{email}>", "ed25519", "sign", "1y")

    def __call__(self, *words: str) -> bytes:
        """Run gpg in this home."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words]
        return subprocess.run(command, capture_output=True, check=True).stdout

    @property
    def fingerprint(self) -> str:
        """The primary key's."""
        rows = self("--with-colons", "--list-keys").decode().splitlines()
        return next(row.split(":")[9] for row in rows if row.startswith("fpr"))

    def commits(self, tree: Tree) -> str:
        """An empty commit that this key signs."""
        tree.environment["GNUPGHOME"] = str(self.home)
        words = ("-c", "gpg.format=openpgp", "-c", f"user.signingKey={self.fingerprint}")
        tree.git(*words, "commit", "--quiet", "--gpg-sign", "--allow-empty", "-m", "by pgp")
        return tree.git("rev-parse", "HEAD")

    def close(self) -> None:
        """End the agent that gpg started for this home."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True)


@pytest.fixture(scope="module")
def pgp(tmp_path_factory):
    """The developer's OpenPGP key."""
    made = Pgp(tmp_path_factory.mktemp("pgp") / "home")
    yield made
    made.close()


def test_an_openpgp_signature_counts_by_the_keys_in_the_vendors_home_alone(small, pgp):
    """The account's own keyring, which knows the key and trusts it, is not asked."""
    pgp.commits(small)
    key = pgp("--armor", "--export")
    os.environ["GNUPGHOME"] = str(pgp.home)
    try:
        signer = take(small.folder, "HEAD", replace(small.signers, openpgp=key)).signer
        with pytest.raises(SourceRefused, match="got no keys there"):
            take(small.folder, "HEAD", small.signers)
    finally:
        del os.environ["GNUPGHOME"]

    assert ("openpgp", DEVELOPER, pgp.fingerprint) == (
        signer.kind,
        signer.principal,
        signer.fingerprint,
    )


def test_an_openpgp_key_of_another_address_unknown_or_revoked_is_refused(small, pgp, tmp_path):
    """Each is told apart."""
    pgp.commits(small)
    stranger = Pgp(tmp_path / "stranger", "other@example")
    try:
        others = replace(small.signers, openpgp=stranger("--armor", "--export"))
        with pytest.raises(SourceRefused, match="got an unknown key"):
            take(small.folder, "HEAD", others)

        stranger.commits(small)
        with pytest.raises(SourceRefused, match="that is not one of dev@example"):
            take(small.folder, "HEAD", others)

        certificate = stranger.home / "openpgp-revocs.d" / f"{stranger.fingerprint}.rev"
        text = certificate.read_text().replace(":-----BEGIN", "-----BEGIN")
        certificate.write_text(text)
        stranger("--import", str(certificate))
        revoked = replace(small.signers, openpgp=stranger("--armor", "--export"))
        with pytest.raises(SourceRefused, match="got a revoked key"):
            take(small.folder, "HEAD", revoked)
    finally:
        stranger.close()


def test_what_is_no_keyring_is_an_error(small, pgp):
    """Nor is it taken for an empty one."""
    pgp.commits(small)

    with pytest.raises(Malformed, match="armored public keys"):
        take(small.folder, "HEAD", replace(small.signers, openpgp=b"not a key"))

"""A whole release with keys in a token and a pair of kinds, seen by other people's tools."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from tests.vendors import Vendor, firmware_tree, new_vendor
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from firmward.hospital.gate import intake
from firmward.hospital.gate.bundle import open_bundle
from firmward.proof.keys import public_key
from firmward.terms.errors import Refused, Unavailable
from firmward.terms.image import evidence_path, image_path
from firmward.terms.onboarding import read_onboarding
from firmward.terms.stage import Stage
from firmward.vendor import pipeline
from firmward.vendor.request import Request

RELEASE, BACK = "pump-200@1.0.0+1", "pump-200@1.0.0+2"


@dataclass
class Made:
    """A vendor whose keys are in a token, its token, and what it released."""

    vendor: Vendor
    token: str
    bundle: bytes

    def read(self, path: str) -> bytes:
        """A published target."""
        return self.vendor.home.repository.read(path)


def vendor_with(tokens, folder: Path, shelf, label: str) -> Vendor:
    """The pump's vendor, with hybrid keys in a token and no development."""
    tree = firmware_tree(folder / "source")
    name = "pump/firmward.toml"
    text = tree.read(name).replace("\ndevelopment = true", "\ndevelopment = false")
    section = f"[keys]\n{tokens.keys(label, 'hybrid = true')}\n\n[source]\n"
    assert "\n[keys]" not in text
    tree.commit({name: text.replace("[source]\n", section)})
    return new_vendor(tree, folder / "home", shelf)


def ask(vendor: Vendor, progress=lambda stage, says: None) -> pipeline.Bundle:
    """Release HEAD."""
    request = Request(commit="HEAD", version="1.0.0", counter=1)
    return pipeline.release(vendor.project, request, vendor.shop, progress)


@pytest.fixture(scope="module")
def made(tokens, shelf, tmp_path_factory) -> Made:
    """One release."""
    label = tokens.take()
    vendor = vendor_with(tokens, tmp_path_factory.mktemp("released"), shelf, label)
    return Made(vendor, label, ask(vendor).data)


def test_a_hospital_takes_every_piece_and_sees_no_development_key(made):
    """From the pinned file: two evidence keys, four targets signatures, one honest claim."""
    pinned = read_onboarding((made.vendor.home.folder / "vendor.json").read_bytes())
    seen = intake.verify(open_bundle(made.bundle), intake.anchors(pinned), {}, datetime.now(UTC))

    assert 2 == len(pinned.evidence_keys)
    assert (RELEASE, False) == (seen.release, seen.firmware.claim.development)
    missing = {name for name, piece in seen.evidence.items() if isinstance(piece, intake.Missing)}
    # The tests' firmware is not fuzzed, and what was not tested is not attested.
    assert {"blackbox"} == missing
    provenance = seen.evidence["provenance"].statement.predicate
    signing = provenance["buildDefinition"]["internalParameters"]["signing"]
    assert {
        "development": False,
        "targets": ["pkcs11:ecdsa-p256", "unsafe-software:ml-dsa-87"] * 2,
        "evidence": ["pkcs11:ecdsa-p256", "unsafe-software:ml-dsa-87"],
        "firmware": ["pkcs11:ecdsa-p256"],
    } == signing


def test_securesystemslib_verifies_every_statement_with_both_keys(made):
    """And with neither alone."""
    pinned = read_onboarding((made.vendor.home.folder / "vendor.json").read_bytes())
    keys = [public_key(document, "evidence") for document in pinned.evidence_keys]
    paths = [path for path in made.vendor.home.repository.listing() if path.endswith(".dsse.json")]

    assert evidence_path(RELEASE, "provenance") in paths
    for path in paths:
        envelope = Envelope.from_dict(json.loads(made.read(path)))
        assert 2 == len(envelope.verify(keys, 2))
        for key in keys:
            with pytest.raises(VerificationError):
                Envelope(
                    envelope.payload,
                    envelope.payload_type,
                    {key.keyid: envelope.signatures[key.keyid]},
                ).verify(keys, 2)


class Folder(FetcherInterface):
    """A repository's folder, handed to python-tuf as if it were a server."""

    def __init__(self, folder: Path):
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / url.removeprefix("https://vendor.example/")
        if not path.exists():
            raise DownloadHTTPError(url, 404)
        yield path.read_bytes()


def test_python_tufs_own_client_walks_the_repository_and_fetches_the_image(made, tmp_path):
    """Updater, as anybody would use it, from nothing but the first root."""
    repository = made.vendor.home.folder / "repository"
    updater = Updater(
        metadata_dir=str(tmp_path / "metadata"),
        metadata_base_url="https://vendor.example/metadata/",
        target_dir=str(tmp_path),
        target_base_url="https://vendor.example/targets/",
        fetcher=Folder(repository),
        bootstrap=(repository / "metadata/1.root.json").read_bytes(),
    )
    updater.config.prefix_targets_with_hash = False
    updater.refresh()
    entry = updater.get_targetinfo(image_path(RELEASE))
    fetched = Path(updater.download_target(entry, str(tmp_path / "image.bin"))).read_bytes()

    assert entry.hashes["sha256"] == hashlib.sha256(fetched).hexdigest()
    assert fetched == made.read(image_path(RELEASE))


def test_imgtool_verifies_the_image_and_the_way_back(made, tmp_path):
    """With the firmware key that the hospital pinned."""
    pinned = read_onboarding((made.vendor.home.folder / "vendor.json").read_bytes())
    (tmp_path / "key.pem").write_text(pinned.firmware_key)
    for release in (RELEASE, BACK):
        (tmp_path / "image.bin").write_bytes(made.read(image_path(release)))
        command = [sys.executable, "-m", "imgtool.main", "verify", "-k", "key.pem", "image.bin"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert "Image was correctly validated" in done.stdout


def test_a_token_pulled_out_in_the_middle_of_a_release_publishes_nothing(tokens, shelf, tmp_path):
    """Everything was built and scanned; half-signed files are not left behind either."""
    label = tokens.take()
    vendor = vendor_with(tokens, tmp_path, shelf, label)
    before = vendor.published

    def pull(stage: Stage, says: str) -> None:
        if stage is Stage.SBOM:
            tokens.unplug(label)

    with pytest.raises(Unavailable, match=f"token {label}"):
        ask(vendor, pull)
    assert before == vendor.published


def test_a_commit_cannot_talk_a_vendor_into_weaker_keys(made):
    """Development keys, no pair, another back end: the project file of the commit is refused."""
    before = made.vendor.published
    for old, new in (("hybrid = true", "hybrid = false"), ('"pkcs11"', '"software"')):
        made.vendor.tree.edit("pump/firmward.toml", old, new)
        with pytest.raises(Refused, match=r"expected .* keys, got pkcs11 hybrid"):
            pipeline.release(
                made.vendor.project, Request("HEAD", "1.1.0", 3, (RELEASE,)), made.vendor.shop
            )
        made.vendor.tree.edit("pump/firmward.toml", new, old)
    assert before == made.vendor.published

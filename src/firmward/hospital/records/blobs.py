"""Content-addressed, create-only files: what a digest names can never change.

If stolen, its thief has encrypted images, sealed bundles and signed reports; altering one is
noticed by whoever reads it by digest.
"""

import hashlib
from pathlib import Path

from firmward.hospital.records.durable import write_durably
from firmward.terms.errors import NotTrusted, Unavailable
from firmward.terms.names import digest as checked


class Blobs:
    """A folder of files named by their SHA-256."""

    def __init__(self, folder: Path):
        self._folder = folder / "sha256"
        self._folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the blob of this digest is, whether or not it is there."""
        return self._folder / checked(sha256, "blob")

    def put(self, data: bytes) -> str:
        """Store `data` durably and give its digest; storing it again changes nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        final = self.path(sha256)
        if final.exists():
            return sha256
        write_durably(final, data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The blob, once its bytes hash to its name.  Raises Unavailable, NotTrusted."""
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            raise Unavailable(f"blob {sha256}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise NotTrusted(f"blob {sha256}", "its bytes were changed on disk")
        return data

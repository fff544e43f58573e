"""Files held to the digest that somebody states of them."""

import hashlib
from pathlib import Path


def matches(path: Path, algorithm: str, stated: str) -> bool:
    """Whether a file has this digest, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == stated.strip().lower()

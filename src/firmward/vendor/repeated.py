"""A release asked for again with nothing changed: what was published is handed out as it is.

A pipeline that ran twice on one commit must not ask for a new counter, and costs nothing.
"""

from importlib.metadata import version
from typing import Any, Final

import msgspec

from firmward.terms.errors import NotTrusted
from firmward.terms.image import image_path
from firmward.vendor import bundle
from firmward.vendor.bundle import Bundle
from firmward.vendor.request import Request, Workshop
from firmward.vendor.source.commit import Source

_UNSAFE: Final = (
    "unsafe_publish_despite_findings",
    "unsafe_leave_unsigned",
    "unsafe_signers",
)


def recall(source: Source, request: Request, shop: Workshop) -> Bundle | None:
    """The bundle of the very same request, if it was published and still stands."""
    if any(getattr(request, name) for name in _UNSAFE):
        return None
    kept = shop.shelf.recall(_asked(source, request, shop))
    if kept is None:
        return None
    listing = shop.repository.listing()
    entry = listing.get(image_path(kept["release"]))
    if entry is None or entry.hashes.get("sha256") != kept["sha256"]:
        return None
    return _packed(kept, shop)


def remember(source: Source, request: Request, shop: Workshop, made: Bundle) -> None:
    """Know this request again.  Published is published: losing this note costs a new counter."""
    kept = {
        "release": made.release,
        "fallback": made.fallback,
        "sha256": made.sha256,
        "commit": made.commit,
        "paths": list(made.paths),
    }
    shop.shelf.remember(_asked(source, request, shop), kept)


def _asked(source: Source, request: Request, shop: Workshop) -> tuple[str, ...]:
    """Everything that decides what a release would be."""
    wanted = {name: getattr(request, name) for name in request.__dataclass_fields__}
    told = {name: value for name, value in wanted.items() if name not in _UNSAFE}
    incidents = [each.name for each in shop.incidents()]
    # A home is known by its keys: another vendor's repository has not published this.
    who = [signer.public_key.keyid for signer in shop.keys.targets]
    return (
        *("release-1", version("firmward"), source.commit, source.tree, source.folder),
        msgspec.json.encode([told | {"commit": ""}, incidents, who], order="sorted").decode(),
        shop.advisories.digest(),
    )


def _packed(kept: dict[str, Any], shop: Workshop) -> Bundle | None:
    repository = shop.repository
    try:
        metadata = {
            path.removeprefix("metadata/"): repository.bytes_of(path)
            for path in repository.referenced()
            if path.startswith("metadata/")
        }
        targets = {path: repository.read(path) for path in kept["paths"]}
    except NotTrusted:
        # It was revoked, or somebody wrote to the folder: the pipeline finds out which.
        return None
    return Bundle(
        release=kept["release"],
        fallback=kept["fallback"],
        sha256=kept["sha256"],
        commit=kept["commit"],
        data=bundle.pack(metadata, targets),
        paths=tuple(kept["paths"]),
        repeated=True,
    )

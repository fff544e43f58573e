"""A vendor on paper: keys, images, evidence and metadata without a compiler or a disk.

What it hands out is as real as a vendor's own (TUF, DSSE, MCUboot), only the machine code in its
images is filler.  Hospital and device are tested with it in milliseconds, and because a `Draft` is
a value, a test spoils exactly one part of it with `dataclasses.replace` before `pack`.
"""

import hashlib
import io
import struct
import tarfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import TargetFile

from firmward.lab import paper_evidence
from firmward.lab.paper_evidence import Predicate
from firmward.proof import certs, envelope, keys, repository
from firmward.proof.repository import Lives, RoleKeys, State
from firmward.terms import wire
from firmward.terms.image import ImageClaim, evidence_path, image_path
from firmward.terms.names import release_id
from firmward.terms.onboarding import Onboarding, Product
from firmward.terms.statement import statement

LOAD_ADDRESS = 0x2000_0000
_RAM_LOAD = 0x20


@dataclass(frozen=True)
class PaperVendor:
    """A vendor's keys and its repository's state.

    Threshold of root is 2 of 3 and of targets 2 of 2, as in production; of a hybrid vendor's pairs
    of keys, 4 of 6 and 4 of 4.

    evidence_pq  a hybrid vendor's ML-DSA key, which signs every statement as well
    """

    label: str
    product: str
    hardware: str
    model: str
    device_class: str
    enterprise: int
    root: tuple[CryptoSigner, ...]
    targets: tuple[CryptoSigner, ...]
    snapshot: CryptoSigner
    timestamp: CryptoSigner
    evidence: CryptoSigner
    firmware: CryptoSigner
    factory: certs.Authority
    roots: Mapping[str, bytes]
    state: State = field(default_factory=State)
    evidence_pq: tuple[CryptoSigner, ...] = ()

    @property
    def onboarding(self) -> Onboarding:
        """What a hospital pins of this vendor."""
        product = Product(
            product=self.product,
            model=self.model,
            hardware_ids=(self.hardware,),
            device_class=self.device_class,
        )
        return Onboarding(
            vendor=self.label,
            enterprise=self.enterprise,
            root=b64encode(self.roots["1.root.json"]).decode(),
            evidence_keys=tuple(
                keys.public_document(signer.public_key)
                for signer in (self.evidence, *self.evidence_pq)
            ),
            firmware_key=keys.public_pem(self.firmware).decode(),
            device_authority=self.factory.pem.decode(),
            products=(product,),
        )

    @property
    def signers(self) -> dict[str, tuple[Signer, ...]]:
        """Who signs each role of a publication."""
        return {
            "targets": self.targets,
            "snapshot": (self.snapshot,),
            "timestamp": (self.timestamp,),
        }


@dataclass(frozen=True)
class Draft:
    """A release before it is signed into metadata; every part may be replaced to spoil it.

    claim, fallback_claim  a dict instead of an ImageClaim becomes `custom` as it stands
    evidence               name -> predicate; each becomes a statement about `image`
    fallback_sbom          becomes a statement about `fallback_image`; None for none
    beside                 target path -> bytes and `custom` of further files, such as components
    """

    release: str
    claim: ImageClaim | dict[str, Any]
    image: bytes
    fallback: str
    fallback_claim: ImageClaim | dict[str, Any]
    fallback_image: bytes
    evidence: Mapping[str, Predicate]
    fallback_sbom: Predicate | None = None
    beside: Mapping[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pack:
    """A publication: the repository's new files, and the bundle that holds them.

    metadata  file name -> bytes, roots included
    targets   target path -> bytes
    """

    vendor: PaperVendor
    metadata: Mapping[str, bytes]
    targets: Mapping[str, bytes]

    @property
    def bundle(self) -> bytes:
        """The bytes a vendor hands over."""
        metadata = {f"metadata/{name}": data for name, data in self.metadata.items()}
        return tar(metadata | {f"targets/{path}": data for path, data in self.targets.items()})


def new_vendor(
    now: datetime,
    *,
    label: str = "acme",
    product: str = "pump-200",
    hardware: str = "PUMP-200-B",
    model: str = "PUMP-200",
    device_class: str = "PUMP200",
    enterprise: int = 32473,
    hybrid: bool = False,
) -> PaperVendor:
    """A vendor with fresh keys and a first root file, and nothing published yet.

    hybrid  with an ML-DSA-87 key beside each of root, targets and evidence
    """
    root, targets, evidence = _holders(3, hybrid), _holders(2, hybrid), _holders(1, hybrid)
    needed = 4 if hybrid else 2
    snapshot, timestamp = keys.new_signer(), keys.new_signer()
    roles = {
        "root": RoleKeys(tuple(signer.public_key for signer in root), needed),
        "targets": RoleKeys(tuple(signer.public_key for signer in targets), needed),
        "snapshot": RoleKeys((snapshot.public_key,)),
        "timestamp": RoleKeys((timestamp.public_key,)),
    }
    first = repository.root_file(1, roles, root[:needed], now + Lives().root)
    return PaperVendor(
        label=label,
        product=product,
        hardware=hardware,
        model=model,
        device_class=device_class,
        enterprise=enterprise,
        root=root,
        targets=targets,
        snapshot=snapshot,
        timestamp=timestamp,
        evidence=evidence[0],
        evidence_pq=evidence[1:],
        firmware=keys.new_signer(),
        factory=certs.new_authority(f"{label} factory", keys.new_p256(), now),
        roots={"1.root.json": first},
    )


def _holders(count: int, hybrid: bool) -> tuple[CryptoSigner, ...]:
    """A key of each holder, or a pair, holder by holder."""
    held = []
    for _ in range(count):
        held.append(keys.new_signer())
        if hybrid:
            held.append(CryptoSigner.generate_mldsa(scheme="ml-dsa-87/1"))
    return tuple(held)


def image(signer: CryptoSigner | None, version: str, counter: int, code: bytes = b"") -> bytes:
    """An MCUboot image around filler code; without a signer it carries no signature.

    Layout: MCUboot design.md, header and TLVs; the counter is the one protected TLV.
    """
    body = code or hashlib.sha256(version.encode()).digest() * 64
    protected = _area(0x6908, {0x50: counter.to_bytes(4, "little")})
    numbers = (*map(int, version.split(".")), counter)
    header = struct.pack(
        "<IIHHIIBBHII",
        *(0x96F3B83D, LOAD_ADDRESS, 32, len(protected), len(body), _RAM_LOAD),
        *numbers,
        0,
    )
    covered = header + body + protected
    tlvs = {0x10: hashlib.sha256(covered).digest()}
    if signer is not None:
        tlvs[0x01] = hashlib.sha256(_spki(signer)).digest()
        tlvs[0x22] = bytes.fromhex(signer.sign(covered).signature)
    return covered + _area(0x6907, tlvs)


def _area(magic: int, tlvs: Mapping[int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in tlvs.items())
    return struct.pack("<HH", magic, 4 + len(body)) + body


def _spki(signer: CryptoSigner) -> bytes:
    key = serialization.load_pem_public_key(keys.public_pem(signer))
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def claim(
    vendor: PaperVendor,
    version: str,
    counter: int,
    predecessors: Sequence[str] = (),
    fallback_of: str = "",
) -> ImageClaim:
    """What this vendor says about one of its images."""
    return ImageClaim(
        product=vendor.product,
        version=version,
        release_counter=counter,
        hardware_ids=(vendor.hardware,),
        predecessors=tuple(predecessors),
        fallback_of=fallback_of,
        safety_class="C",
        risk="medium",
        integrity="public-key-signature",
        kind="security_patch",
    )


def draft(
    vendor: PaperVendor,
    now: datetime,
    version: str = "1.1.0",
    counter: int = 3,
    predecessors: Sequence[str] = ("pump-200@1.0.0+1",),
    *,
    fallback_version: str = "1.0.0",
) -> Draft:
    """A release that passes every rule, with its pre-signed fallback under counter + 1."""
    release = release_id(vendor.product, version, counter)
    fallback = release_id(vendor.product, fallback_version, counter + 1)
    return Draft(
        release=release,
        claim=claim(vendor, version, counter, predecessors),
        image=image(vendor.firmware, version, counter),
        fallback=fallback,
        fallback_claim=claim(
            vendor, fallback_version, counter + 1, (release, *predecessors), release
        ),
        fallback_image=image(vendor.firmware, fallback_version, counter + 1),
        evidence=paper_evidence.good(vendor.label, vendor.model, version, now),
        fallback_sbom=paper_evidence.installed(vendor.label, vendor.model, fallback_version, now),
    )


def sealed_evidence(
    vendor: PaperVendor,
    draft: Draft,
    *,
    about: bytes | None = None,
    signer: CryptoSigner | None = None,
) -> dict[str, bytes]:
    """Evidence name -> envelope, about `about` (the image) by `signer` (the evidence key)."""
    image = draft.image if about is None else about
    return {
        name: _sealed(vendor, draft.release, image, predicate, signer)
        for name, predicate in draft.evidence.items()
    }


def _sealed(
    vendor: PaperVendor,
    release: str,
    image: bytes,
    predicate: Predicate,
    signer: CryptoSigner | None = None,
) -> bytes:
    digest = hashlib.sha256(image).hexdigest()
    said = statement(release, digest, predicate.kind, predicate.body)
    return envelope.seal_statement(said, [signer or vendor.evidence, *vendor.evidence_pq])


def pack(
    vendor: PaperVendor,
    draft: Draft,
    now: datetime,
    *,
    evidence: Mapping[str, bytes] | None = None,
    signers: Mapping[str, Sequence[Signer]] | None = None,
    lives: Lives | None = None,
) -> Pack:
    """The release published: metadata signed, targets described, ready to hand over.

    evidence  envelopes in place of `sealed_evidence`, to spoil or leave out some
    signers   role -> signers, where others than the vendor's own are to sign (too few, foreign)
    """
    sealed = sealed_evidence(vendor, draft) if evidence is None else evidence
    files: dict[str, tuple[bytes, dict[str, Any]]] = {
        image_path(draft.release): (draft.image, wire.plain(draft.claim)),
        image_path(draft.fallback): (draft.fallback_image, wire.plain(draft.fallback_claim)),
        **draft.beside,
    }
    for name, data in sealed.items():
        files[evidence_path(draft.release, name)] = (data, {"evidenceFor": draft.release})
    if draft.fallback_sbom is not None:
        files[evidence_path(draft.fallback, "sbom")] = (
            _sealed(vendor, draft.fallback, draft.fallback_image, draft.fallback_sbom),
            {"evidenceFor": draft.fallback},
        )
    return publish(vendor, files, now, signers=signers, lives=lives)


def publish(
    vendor: PaperVendor,
    files: Mapping[str, tuple[bytes, dict[str, Any]]],
    now: datetime,
    *,
    signers: Mapping[str, Sequence[Signer]] | None = None,
    lives: Lives | None = None,
) -> Pack:
    """Files (path -> bytes and `custom`) added to what the vendor has published so far."""
    new = {path: repository.target(path, data, custom) for path, (data, custom) in files.items()}
    targets: dict[str, TargetFile] = {**vendor.state.targets, **new}
    state, metadata = repository.publish(
        vendor.state, targets, {**vendor.signers, **(signers or {})}, now, lives or Lives()
    )
    contents = {path: data for path, (data, _) in files.items()}
    return Pack(replace(vendor, state=state), {**vendor.roots, **metadata}, contents)


def tar(files: Mapping[str, bytes]) -> bytes:
    """A deterministic ustar archive of regular files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()

"""`firmward.toml`: what a vendor says of a product and of how its firmware is made.

It is read from the commit that is released, never from the working copy, so whoever may sign the
commit is who made these claims.
"""

import tomllib
from datetime import date
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms import component
from firmward.terms.errors import Malformed
from firmward.terms.image import IntegrityMethod
from firmward.terms.names import HardwareId, Label, Version
from firmward.terms.versions import precedence

FILE: Final = "firmward.toml"
LIMIT: Final = 256 * 1024

Scanner = Literal[
    "cppcheck", "clang-tidy", "semgrep", "ruff", "shellcheck", "hadolint",
    "secrets", "pins", "binary", "crypto",
]  # fmt: skip
DEFAULT_SCANNERS: Final[tuple[Scanner, ...]] = ("cppcheck", "secrets", "pins", "binary", "crypto")

Kind = Literal["security_patch", "feature", "recall_fix", "uncontrolled_risk_fix"]
Inside = Annotated[str, Meta(pattern=r"^(?!/)[A-Za-z0-9._/+-]{1,200}\Z")]
Seconds = Annotated[float, Meta(gt=0, le=24 * 3600)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file; a misspelt setting is an error, not a default."""


class SourceRules(_Section, frozen=True, kw_only=True):
    """Where the source is.

    root     the tree that goes into the firmware, relative to this file's folder
    remotes  if any are named, the repository's origin must be one of them
    signed   whether the commit must carry the signature of a signer in the vendor's home; who may
             sign is never read from the tree, or whoever may commit could name himself
    """

    root: Annotated[str, Meta(max_length=200)] = "."
    remotes: tuple[str, ...] = ()
    signed: bool = True


class BuildRules(_Section, frozen=True, kw_only=True):
    """How it is built: a command run in this file's folder, without a shell.

    command    {python}, {version}, {counter} and {out} are filled in
    elf, binary, map   what it leaves in {out}; no ELF or map where none is named
    rootfs     a root file system that it leaves in {out}: a folder, tar or squashfs image
    compile_commands   the JSON compilation database that it leaves in {out} or the tree has
    toolchain  Python distributions whose versions go into the provenance
    sandbox    "required" refuses to build without bubblewrap; "auto" builds plainly where there is
               none, and the provenance says so; "none" never asks for it
    tools      folders outside the usual ones that the sandbox lets it read, such as a compiler's
    """

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    elf: Inside | Literal[""] = ""
    binary: Inside
    map: Inside | Literal[""] = ""
    rootfs: Inside | Literal[""] = ""
    compile_commands: Inside | Literal[""] = ""
    toolchain: tuple[str, ...] = ()
    sandbox: Literal["required", "auto", "none"] = "auto"
    tools: tuple[str, ...] = ()
    timeout_s: Seconds = 300.0


class ImageRules(_Section, frozen=True, kw_only=True):
    """How the binary becomes an image; sizes and addresses in bytes.

    format  "mcuboot" for an MCUboot image (imgtool sign); "raw" for a binary that brings its own
            format, such as a root file system: then only metadata and evidence are signed
    """

    format: Literal["mcuboot", "raw"] = "mcuboot"
    header_size: Annotated[int, Meta(ge=32, le=65536)] = 0x200
    slot_size: Annotated[int, Meta(ge=1024, le=2**31)] = 0x40000
    load_address: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    align: Literal[1, 2, 4, 8, 16, 32] = 8


class RequirementRules(_Section, frozen=True, kw_only=True):
    """What has to be beside a release or a component of it; see terms.component.Requirement."""

    name: Label
    since: Version | Literal[""] = ""
    until: Version | Literal[""] = ""
    optional: bool = False


class ComponentRules(_Section, frozen=True, kw_only=True):
    """One [[component]] that is released beside the image.

    version   its own, raised when its bytes change
    file      what the build leaves in {out}, or a file of the tree
    format    "mcuboot": it is signed as an image with the firmware key; "raw": it goes as it is
    image     how an mcuboot component becomes an image
    supplier  who made it, "" for the vendor; support_level and end_of_support say how long it is
              cared for
    """

    name: component.Name
    kind: component.Kind
    version: Version
    file: Inside
    format: component.Format = "raw"
    requires: Annotated[tuple[RequirementRules, ...], Meta(max_length=7)] = ()
    image: ImageRules = ImageRules()
    supplier: Annotated[str, Meta(max_length=200)] = ""
    support_level: Literal["maintained", "not_maintained", "abandoned", ""] = ""
    end_of_support: date | None = None


class Suppression(_Section, frozen=True, kw_only=True):
    """A finding that somebody answers for: why it stands, who says so, and until when."""

    rule: Annotated[str, Meta(min_length=1)]
    path: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=10)]
    owner: Annotated[str, Meta(min_length=3)]
    until: date


class ScanRules(_Section, frozen=True, kw_only=True):
    """What is scanned, relative to the source root, and with what.

    scanners  each must answer, or the scan is missing evidence; see `firmward vendor scanners`
    exclude   glob patterns of paths whose source is not scanned, such as third-party tests
    profiles  secure-coding standards that are checked besides
    target    the clang target triple of the firmware, such as arm-none-eabi; "" for this machine
    depth     how far clang-tidy follows each function: "full" as clang does by itself; "quick"
              gives nearly as many findings in a quarter of the time
    cppcheck  the command, if it is not the one that was installed with Firmward
    timeout_s the limit of each scanner
    """

    scanners: Annotated[tuple[Scanner, ...], Meta(min_length=1)] = DEFAULT_SCANNERS
    sources: Annotated[tuple[Inside, ...], Meta(min_length=1)]
    includes: tuple[Inside, ...] = ()
    defines: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    profiles: tuple[Literal["cert-c", "misra-c-2012"], ...] = ()
    target: Annotated[str, Meta(max_length=64)] = ""
    depth: Literal["quick", "full"] = "quick"
    cppcheck: str = ""
    timeout_s: Seconds = 120.0
    suppress: tuple[Suppression, ...] = ()


class SbomRules(_Section, frozen=True, kw_only=True):
    """Files that declare components, and the folders every part of which must be declared.

    support  files that say until when a component is supported, and by whom
    exclude  glob patterns of paths that describe nothing that ships, such as a library's own tests
    """

    components: tuple[Inside, ...] = ()
    vendored: tuple[Inside, ...] = ()
    support: tuple[Inside, ...] = ()
    exclude: tuple[str, ...] = ()


class AdvisoryRules(_Section, frozen=True, kw_only=True):
    """How old the advisories may be, and the VEX documents of the tree that answer them.

    max_age_days  past it a snapshot is no evidence, and nothing is released
    """

    max_age_days: Annotated[float, Meta(gt=0, le=365)] = 7.0
    vex: tuple[Inside, ...] = ()


class ThreatRules(_Section, frozen=True, kw_only=True):
    """The threat model in the tree; "" for none, which the gate will ask about."""

    model: Inside | Literal[""] = ""


class BlackboxRules(_Section, frozen=True, kw_only=True):
    """The test of the built image from outside, as an attacker would come.

    command      what boots the image and bridges its interface; {image}, {binary}, {elf} and
                 {python} are filled in.  Empty: no such test, which the gate will ask about
    corpus       a folder of the tree with inputs to start from
    seconds, inputs   how long it is fuzzed: until either is reached; 0 inputs for no such end
    deadline_ms  a longer silence after an input is a hang
    """

    command: tuple[str, ...] = ()
    corpus: Inside | Literal[""] = ""
    seconds: Seconds = 10.0
    inputs: Annotated[int, Meta(ge=0)] = 0
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 1000


class KeyRules(_Section, frozen=True, kw_only=True):
    """Where the signing keys are.

    backend   "pkcs11" for an HSM; "software" only together with development = true
    module    the PKCS#11 library, such as /usr/lib/softhsm/libsofthsm2.so
    token     label of the token
    tokens    role -> label, for roles that are in a token of their own, such as root in a safe
    pin_env   the environment variable that holds the PIN: never the PIN itself
    hybrid    metadata and evidence carry ML-DSA-87 beside ECDSA, and both are demanded
    algorithms   role -> algorithm, where not the usual one (vendor/keys/book.py)
    """

    backend: Literal["pkcs11", "software"] = "software"
    module: Annotated[str, Meta(max_length=300)] = ""
    token: Annotated[str, Meta(max_length=32)] = ""
    tokens: dict[str, Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]] = {}
    pin_env: Annotated[str, Meta(pattern=r"^[A-Z_][A-Z0-9_]{0,63}\Z")] = "FIRMWARD_PKCS11_PIN"
    hybrid: bool = False
    algorithms: dict[str, Literal["ecdsa-p256", "ecdsa-p384", "ed25519"]] = {}


class PublishRules(_Section, frozen=True, kw_only=True):
    """Where releases go besides the vendor's own repository folder.

    to         a folder, s3://BUCKET/PREFIX, or http(s)://... that takes PUT; "" for nowhere else
    token_env  environment variable with the bearer token for an HTTP server; "" for no token
    """

    to: Annotated[str, Meta(max_length=500)] = ""
    token_env: Annotated[str, Meta(pattern=r"^[A-Z_]{0,64}\Z")] = ""


class Project(_Section, frozen=True, kw_only=True):
    """The whole file.  `declaration` holds the form answers, by section of the evidence model.

    hardware_ids  the boards it runs on, each with its revision, such as PUMP-200-B
    development   true lets software keys sign, and marks every release so that a gate can refuse it
    incidents     file of the tree that answers what hospitals reported from the field
    components    [[component]]: what is released beside the image, each as a file of its own
    requires      [[requires]]: other products that have to be at the site, in which versions
    """

    vendor: Label
    product: Label
    model: Annotated[str, Meta(min_length=1, max_length=64)]
    device_class: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,32}\Z")]
    hardware_ids: Annotated[tuple[HardwareId, ...], Meta(min_length=1, max_length=32)]
    safety_class: Literal["A", "B", "C"]
    risk: Literal["low", "medium", "high"]
    integrity: IntegrityMethod
    kind: Kind = "feature"
    development: bool = False
    incidents: Inside | Literal[""] = ""
    source: SourceRules = SourceRules()
    build: BuildRules
    image: ImageRules = ImageRules()
    components: Annotated[tuple[ComponentRules, ...], Meta(max_length=31)] = msgspec.field(
        name="component", default=()
    )
    requires: Annotated[tuple[RequirementRules, ...], Meta(max_length=32)] = ()
    scan: ScanRules
    sbom: SbomRules = SbomRules()
    advisories: AdvisoryRules = AdvisoryRules()
    threats: ThreatRules = ThreatRules()
    blackbox: BlackboxRules = BlackboxRules()
    keys: KeyRules = KeyRules()
    publish: PublishRules = PublishRules()
    declaration: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        """Refuse components that could be mistaken for each other, and ranges with nothing in."""
        names = [each.name for each in self.components]
        if len(set(names)) != len(names) or self.product in names:
            raise ValueError(f"components: expected names of their own, got {', '.join(names)}")
        for each in (*self.requires, *(r for part in self.components for r in part.requires)):
            if each.since and each.until and precedence(each.since, each.until) >= 0:
                raise ValueError(
                    f"requires {each.name}: nothing lies in {each.since}..{each.until}"
                )


def read(data: bytes, who: str = FILE) -> Project:
    """The project in these bytes.  Raises Malformed."""
    if len(data) > LIMIT:
        raise Malformed(who, f"at most {LIMIT} bytes", f"{len(data)} bytes")
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), Project)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(who, "TOML", str(error)[:200]) from error
    except msgspec.ValidationError as error:
        raise Malformed(who, "a project file", str(error)[:300]) from error

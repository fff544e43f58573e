"""A vendor's start: keys, an empty repository, and the file a hospital is given to pin.

HOME/unsafe-software-keys/   see keys.py
HOME/repository/             see publish.py
HOME/vendor.json             terms.onboarding, for hospitals, to be compared by voice
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from firmward.proof import keys as proof_keys
from firmward.terms.errors import Misuse
from firmward.terms.onboarding import Onboarding, Product
from firmward.terms.wire import encode
from firmward.vendor import keys as vendor_keys
from firmward.vendor.keys import VendorKeys
from firmward.vendor.project import FILE, Project
from firmward.vendor.publish import ImageRepository

ONBOARDING: Final = "vendor.json"


@dataclass(frozen=True)
class Home:
    """A vendor's keys and repository, opened."""

    folder: Path
    keys: VendorKeys
    repository: ImageRepository


def open_home(folder: Path) -> Home:
    """The home in a folder.  Raises Unavailable where there is none."""
    keys = vendor_keys.load(folder)
    return Home(folder, keys, ImageRepository(folder / "repository", keys))


def start(folder: Path, projects: Sequence[Project], enterprise: int, now: datetime) -> Home:
    """Make the home of the vendor of these projects, and its onboarding file.

    enterprise  the vendor's IANA private enterprise number
    raises      Misuse for no project, several vendors, or a home that has keys already
    """
    vendors = {project.vendor for project in projects}
    if len(vendors) != 1:
        raise Misuse(f"vendor: expected projects of one vendor, got {sorted(vendors)}")
    keys = vendor_keys.create(folder, vendors.pop(), now)
    home = Home(folder, keys, ImageRepository(folder / "repository", keys))
    root = home.repository.found(now)
    said = onboarding(keys, root, projects, enterprise)
    (folder / ONBOARDING).write_bytes(encode(said))
    return home


def onboarding(
    keys: VendorKeys, root: bytes, projects: Sequence[Project], enterprise: int
) -> Onboarding:
    """What a hospital pins of this vendor."""
    return Onboarding(
        vendor=projects[0].vendor,
        enterprise=enterprise,
        root=b64encode(root).decode(),
        evidence_key=proof_keys.public_document(keys.evidence.public_key),
        firmware_key=proof_keys.public_pem(keys.firmware).decode(),
        device_authority=keys.device_authority.pem.decode(),
        products=tuple(
            Product(
                product=project.product,
                model=project.model,
                hardware_ids=project.hardware_ids,
                device_class=project.device_class,
            )
            for project in projects
        ),
    )


def write_template(folder: Path, vendor: str) -> Path:
    """A commented firmward.toml for a tree that has none, filled in as far as the tree tells.

    raises  Misuse where there is one already
    """
    path = folder / FILE
    name = "".join(c if c.isalnum() else "-" for c in folder.resolve().name.lower()).strip("-")
    sources = sorted(
        {each.relative_to(folder).parts[0] for each in folder.rglob("*.c") if each.parent != folder}
    )
    vendored = [each.name for each in (folder / "vendor", folder / "third_party") if each.is_dir()]
    text = _TEMPLATE.format(
        vendor=vendor,
        product=name or "product",
        device_class="".join(c for c in name.upper() if c.isalnum()) or "PRODUCT",
        hardware=f"{name.upper()}-A" if name else "PRODUCT-A",
        sources=sources or ["."],
        vendored=vendored,
    )
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError as error:
        raise Misuse(f"{path}: expected none yet; it stays as it is") from error
    return path


_TEMPLATE: Final = """\
# How this firmware is made and what its vendor says of it.  A release reads this file from the
# commit it is made from.  Fill in what is marked, commit, then: firmward vendor release

vendor = "{vendor}"
product = "{product}"
model = "{product}"             # as on the type plate
device_class = "{device_class}" # letters and digits: part of every device id
hardware_ids = ["{hardware}"]   # boards this firmware may run on
safety_class = "C"              # IEC 62304: A, B or C
risk = "high"                   # low, medium, high
integrity = "public-key-signature" # or symmetric-mac, hardware-rooted-boot
kind = "feature"                # security_patch, feature, recall_fix, uncontrolled_risk_fix

[source]
root = "."                      # all that goes into the firmware, relative to this file
remotes = []                    # if any are named, the origin must be one of them

[build]                         # runs in this file's folder, without a shell
command = ["make", "VERSION={{version}}", "COUNTER={{counter}}", "OUT={{out}}"] # FILL IN
elf = "app.elf"                 # what the command leaves in {{out}}
binary = "app.bin"
toolchain = []                  # Python distributions that are part of the toolchain
timeout_s = 300

[image]                         # for imgtool; must be what the boot stage expects. FILL IN
header_size = 0x200
slot_size = 0x40000
# load_address = 0x20010000     # only for images that run from RAM
align = 8

[scan]                          # relative to the source root
sources = {sources}
includes = []
timeout_s = 120

[sbom]
components = []                 # files with [[component]] tables
vendored = {vendored}           # every folder in these must be declared

[declaration.lifecycle]         # answers that only people can give. FILL IN
standard = "IEC62304:2006+A1:2015"
safety_class = "C"
class_rationale = ""
released_version = "{{version}}"
tested_version = "{{version}}"

[declaration.privacy]
default_credentials = false
hardcoded_credentials = false
"""

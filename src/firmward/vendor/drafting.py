"""A first firmward.toml: every section, filled in as far as the tree tells, and saying what it saw.

It parses as it stands, so that each stage can be tried at once.  What only people know is marked
FILL IN; a release from the answers as drafted says what they say, so they are cautious ones.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firmward.terms.errors import Misuse
from firmward.vendor.looking import Build, Seen, look
from firmward.vendor.project import FILE, read


def write(folder: Path, vendor: str) -> Path:
    """A commented firmward.toml for a tree that has none.  Raises Misuse where there is one."""
    path = folder / FILE
    text = draft(look(folder), vendor)
    read(text.encode(), str(path))
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError as error:
        raise Misuse(f"{path}: expected none yet; it stays as it is") from error
    return path


def draft(seen: Seen, vendor: str) -> str:
    """The project file for what was seen."""
    name = "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in seen.name).split())
    name = name.lower()[:32] or "product"
    build = seen.builds[0] if seen.builds else _NO_BUILD
    words = {
        "vendor": vendor,
        "product": name,
        "device_class": "".join(c for c in name.upper() if c.isalnum())[:32],
        "hardware": f"{name.upper()}-A",
        "remotes": _list([seen.remote] if seen.remote else []),
        "seen_remote": _said([seen.remote] if seen.remote else [], "no origin"),
        "submodules": _said(seen.submodules, "no submodules"),
        "builds": _said([f"{each.system} ({each.sign})" for each in seen.builds], "no build"),
        "command": _list(build.command),
        "elf": _optional("elf", build.elf, "app.elf"),
        "binary": _text(build.binary),
        "map": _optional("map", build.map, "app.map"),
        "rootfs": _optional("rootfs", build.rootfs, "rootfs.tar"),
        "compiled": _optional("compile_commands", seen.compile_commands, "compile_commands.json"),
        "format": "raw" if build.rootfs else "mcuboot",
        "languages": _said([f"{n} {kind}" for kind, n in seen.languages.items()], "no sources"),
        "scanners": _list(seen.scanners),
        "sources": _list(seen.sources),
        "includes": _list(seen.includes),
        "target": _optional("target", seen.target, "arm-none-eabi"),
        "components": _list(seen.components),
        "vendored": _list(seen.vendored),
        "seen_vendored": _said(seen.vendored, "no folders of third-party code"),
        "vex": _list(seen.vex),
        "threats": _optional("model", seen.threats, "threats.yaml"),
        "seen_threats": seen.threats or "no threat model",
        "corpus": _optional("corpus", seen.corpus, "corpus"),
    }
    # In one pass: nothing that a tree calls itself is taken for a place in the template.
    return re.sub(r"<([a-z_]+)>", lambda found: words[found[1]], _TEMPLATE)


_NO_BUILD: Final = Build("nothing", "", ("make", "OUT={out}"), "app.bin", "app.elf")


def _text(value: str) -> str:
    """A TOML string.  JSON's escapes are among TOML's."""
    return json.dumps(value)


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values))


def _optional(name: str, value: str, example: str) -> str:
    """A setting, or how it would look, as a comment."""
    return f"{name} = {_text(value)}" if value else f"# {name} = {_text(example)}"


def _said(values: Sequence[str], none: str) -> str:
    """A list for a comment; whatever the tree's names hold, it stays on its line."""
    shown = ", ".join(values[:12]) + (", ..." if len(values) > 12 else "")
    return "".join(c if c.isprintable() else "?" for c in shown) or none


_TEMPLATE: Final = """\
# How this firmware is made and what its vendor says of it.  A release reads this file from the
# commit it is made from.  Fill in what is marked, commit, then: firmward vendor release

vendor = "<vendor>"
product = "<product>"
model = "<product>"             # as on the type plate. FILL IN
device_class = "<device_class>" # letters and digits: part of every device id
hardware_ids = ["<hardware>"]   # the boards it runs on, each with its revision. FILL IN
safety_class = "C"              # IEC 62304: A, B or C
risk = "high"                   # low, medium, high
integrity = "public-key-signature" # or symmetric-mac, hardware-rooted-boot
kind = "feature"                # security_patch, feature, recall_fix, uncontrolled_risk_fix
development = true              # software keys sign, which a gate may refuse. FILL IN: see [keys]
# incidents = "incidents.yaml"  # what was done about what hospitals reported

# seen: <seen_remote>; <submodules>
[source]
root = "."                      # all that goes into the firmware, relative to this file
remotes = <remotes> # if any are named, the origin must be one of them
signed = true                   # by a signer in HOME/signers

# seen: <builds>
[build]                         # runs in this file's folder, without a shell
command = <command> # FILL IN
binary = <binary> # what the command leaves in {out}
<elf>
<map>
<rootfs>
<compiled>
toolchain = []                  # Python distributions that are part of the toolchain
sandbox = "auto"                # "required" refuses to build without bubblewrap
tools = []                      # folders outside the usual ones that the build may read
timeout_s = 300

[image]                         # for imgtool; must be what the boot stage expects. FILL IN
format = "<format>"             # "raw" for what brings its own format, such as a file system
header_size = 0x200
slot_size = 0x40000
# load_address = 0x20010000     # only for images that run from RAM
align = 8

# [[component]]                 # released beside the image, each as a file of its own
# name = "radio"
# kind = "radio"                # application, configuration, drug-library, bootloader, other
# version = "2.1.0"             # its own, raised when its bytes change
# file = "radio.bin"            # what the build leaves in {out}, or a file of the tree
# format = "mcuboot"            # signed as an image; "raw" goes as it is
# requires = [{ name = "application", since = "1.0.0" }] # the image is called application
# support_level = "maintained"
# end_of_support = 2033-12-31
# [[requires]]                  # another product at the site, in versions that go with this one
# name = "monitor-7"
# since = "1.0.0"
# until = "3.0.0"
# optional = true               # it need not be there; if it is, it has to fit

# seen: <languages>
[scan]                          # relative to the source root
scanners = <scanners>
sources = <sources>
includes = <includes>
defines = []
exclude = []                    # glob patterns of paths that are not scanned
profiles = []                   # "cert-c", "misra-c-2012"
<target>
timeout_s = 120
# [[scan.suppress]]             # a finding that somebody answers for
# rule = "pin-tag"
# path = "west.yml"
# reason = "the mirror keeps tags for ever"
# owner = "alice@example.com"
# until = 2027-01-31

# seen: <seen_vendored>
[sbom]
components = <components> # files with [[component]] tables
vendored = <vendored> # every folder in these must be declared
support = []                    # files that say until when a component is supported

[advisories]
max_age_days = 7                # past it, advisories are no evidence
vex = <vex>

# seen: <seen_threats>
[threats]
<threats>

[blackbox]                      # the built image, tested from outside
# command = ["{python}", "bridge.py", "{image}"] # boots it and bridges its interface
<corpus>
seconds = 10
inputs = 0                      # or until so many inputs; 0 for no such end
seed = 1
deadline_ms = 1000

[keys]
backend = "software"            # "pkcs11" for an HSM. FILL IN
# module = "/usr/lib/softhsm/libsofthsm2.so"
# token = "release"
# pin_env = "FIRMWARD_PKCS11_PIN" # the variable that holds the PIN, never the PIN
hybrid = false                  # true: ML-DSA-87 beside ECDSA, and both are demanded

[publish]
# to = "s3://bucket/prefix"     # or a folder, or https://... that takes PUT

[declaration.lifecycle]         # answers that only people can give. FILL IN
standard = "IEC62304:2006+A1:2015"
safety_class = "C"
class_rationale = ""
released_version = "{version}"
tested_version = "{version}"

[declaration.privacy]
default_credentials = false
hardcoded_credentials = false
"""

"""Every input of the gate as a fuzzer sees it: bytes in, and what must hold whatever they are.

Each target takes bytes and gives nothing back.  The three families of errors are answers; anything
else that comes out, and any property that does not hold, is a finding.  No bytes get in unless they
are the very ones that were signed.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests import grants, shipped

from firmward.hospital.forms import read_form
from firmward.hospital.gate import declared, document, judge, policy, remembered
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.request import Request, request_sha256, request_text
from firmward.hospital.gate.here import Said
from firmward.hospital.gate.intake import anchors, verify
from firmward.hospital.gate.known import Known
from firmward.hospital.gate.packs import signed
from firmward.hospital.gate.packs.combine import united
from firmward.hospital.gate.packs.examples import read_examples
from firmward.hospital.gate.packs.folder import MANIFEST, Folder, manifest, read_folder
from firmward.hospital.gate.packs.overlay import OVERLAY, laid, read_overlay
from firmward.hospital.gate.packs.read import load, read_pack
from firmward.hospital.gate.packs.signed import Keyring, Stated
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.told import explain
from firmward.lab import paper_vendor
from firmward.proof import keys
from firmward.terms.errors import FirmwardError
from firmward.terms.wire import decode, encode, parse

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SMALL = "us-hipaa"
"""A pack of few rules, so that a fuzzer gets through it often."""


@dataclass(frozen=True)
class Target:
    """One input of the gate.

    corpus  good examples of it, from which a fuzzer starts
    """

    take: Callable[[bytes], object]
    corpus: Callable[[], list[bytes]]

    def __call__(self, data: bytes) -> None:
        """Take these bytes.  Raises what is a finding, and nothing else."""
        try:
            self.take(data)
        except FirmwardError as error:
            # It goes into logs, into tickets and onto a terminal.
            text = str(error)
            assert len(text) < 20_000, f"an error of {len(text)} characters"


@cache
def engine() -> Direct:
    """The default engine, in this process."""
    return direct("cel-cpp")


# ---- evidence ----


def evidence(data: bytes) -> None:
    """A document is one that is written as it was read, and is judged the same each time."""
    found = decode(data, Evidence, "evidence", limit=document.LIMIT)
    assert found == document.joined(document.parts(found))
    reached = judge.judge(shipped.policy(), found, engine(), NOW)
    assert reached.admitted == (not reached.blocking and "pass" in reached.words())
    for each in reached.rulings:
        # Nothing passes on what is not there.
        rule = shipped.policy().rule(each.rule).rule
        seen = {one.path for one in each.seen}
        paths = {path for path in rule.evidence if path in document.PATHS}
        assert each.word != "pass" or seen == paths, each.rule
    assert reached == judge.reopen(encode(reached))
    explain(reached)


def judgement(data: bytes) -> None:
    """A kept judgement reads as text."""
    explain(judge.reopen(data))


def kept_policy(data: bytes) -> None:
    """A kept policy is written as it was read."""
    held = policy.reopen(data)
    assert held == policy.reopen(held.encoded)


def _judgement() -> bytes:
    return encode(judge.judge(shipped.policy(), shipped.whole(), engine(), NOW))


# ---- what a vendor hands over ----


@cache
def _vendor() -> tuple[paper_vendor.PaperVendor, bytes]:
    vendor = paper_vendor.new_vendor(NOW)
    return vendor, paper_vendor.pack(vendor, paper_vendor.draft(vendor, NOW), NOW).bundle


def bundle(data: bytes) -> None:
    """Nothing that differs from what was signed is taken for verified."""
    vendor, good = _vendor()
    opened = open_bundle(data)
    found = verify(opened, anchors(vendor.onboarding), {}, NOW)
    genuine = verify(open_bundle(good), anchors(vendor.onboarding), {}, NOW)
    assert found.firmware == genuine.firmware
    assert found.evidence == genuine.evidence


def declaration(data: bytes) -> None:
    """What a vendor declares is of the document's own types, or nothing of it is taken."""
    said: dict[str, dict[str, Any]] = decode(data, dict[str, dict[str, Any]], "declaration")
    found = declared.read(said, declared.VENDOR, _declared, "declaration")
    assert found.keys() <= declared.VENDOR
    made = document.with_leaves(shipped.whole(), found)
    assert made == decode(encode(made), Evidence, "evidence", limit=document.LIMIT)


def _declared(value: Any) -> Known[Any]:
    return Known(value=value, trust="declared", observed_at=NOW)


def remembered_bundle(data: bytes) -> None:
    """What was kept of a bundle reads back."""
    found = remembered.reopened(data)
    assert found is None or found == remembered.reopened(encode(found))


# ---- what people here write ----


def form(data: bytes) -> None:
    """A form says no more than its role may say."""
    read = read_form(data, "form")
    whole = {**read, "person": "bea", "at": NOW.isoformat()}
    said = decode(encode(whole), Said, "form")
    for role, allowed in declared.HOSPITAL.items():
        if role == said.role:
            found = declared.read(said.sections, allowed, _declared, role)
            assert found.keys() <= allowed


FORM = b"""about = "site"
role = "sec"
until = 2027-01-01T00:00:00Z
[device]
networked = true
exposure = "segmented"
[net]
zone_controls = ["no-internet"]
"""


def request(data: bytes) -> None:
    """What people sign is one text, and of one request only."""
    read = decode(data, Request, "request")
    text = request_text(read)
    assert text == request_text(decode(encode(read), Request, "request"))
    assert len(request_sha256(read)) == 64


def an_approval(data: bytes) -> None:
    """Nobody's signature is taken for an approval but the one that was made."""
    asked, good, certificate = _approval()
    given = approval.Signed(envelope=data, certificate=certificate, received_at=grants.LATER)
    found = approval.verify(given, asked, grants.authority().certificate)
    assert found.person == "ada"
    assert parse(data, "approval")["payload"] == parse(good, "approval")["payload"]


@cache
def _approval() -> tuple[Request, bytes, bytes]:
    asked = grants.request()
    signer, certificate = grants.identity("ada")
    claim = approval.Claim(
        request=asked.id,
        person="ada",
        role="sec",
        meaning="I accept the risk",
        signed_at=grants.LATER,
    )
    return asked, approval.seal(asked, claim, signer), certificate


# ---- policy ----


@cache
def _folder() -> Folder:
    return read_folder(next(one for one in shipped.folders() if one.parent.name == SMALL))


@cache
def _signed() -> tuple[Folder, Keyring]:
    signers = [keys.new_signer() for _ in range(3)]
    ring = Keyring(tuple(one.public_key for one in signers), 2)
    pack = load(_folder().path)
    stated = Stated(
        kind="pack",
        id=pack.id,
        version=pack.version,
        effective_from="2026-11-01T00:00:00Z",
        expires="2027-11-01T00:00:00Z",
    )
    return replace(_folder(), envelope=signed.sign(_folder(), stated, signers[:2])), ring


def pack_file(data: bytes) -> None:
    """A pack with one file replaced is refused, or reads; it is never one that was signed."""
    whole, ring = _signed()
    name = sorted(whole.files)[data[0] % len(whole.files)] if data else "pack.yaml"
    files = {**whole.files, name: data[1:]}
    spoiled = replace(whole, files=files, manifest=manifest(files))
    if files != whole.files:
        _refused(lambda: signed.checked(spoiled, ring))
    read_examples(spoiled)
    united([read_pack(spoiled)])


def _pack_files() -> list[bytes]:
    whole = _folder()
    return [bytes([at]) + whole.files[name] for at, name in enumerate(sorted(whole.files))]


def envelope_bytes(data: bytes) -> None:
    """Whatever stands beside a manifest, too few keys signed it or it is what they signed."""
    whole, ring = _signed()
    stated = signed.checked(replace(whole, envelope=data), ring)
    assert stated == signed.checked(whole, ring)


def a_manifest(data: bytes) -> None:
    """A folder is read only as its manifest says; another manifest is another digest."""
    whole, ring = _signed()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        path = Path(made) / SMALL / whole.path.name
        for name, content in {**whole.files, MANIFEST: data}.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        found = read_folder(path)
        assert found.files == whole.files
        if data != whole.manifest:
            _refused(lambda: signed.checked(replace(found, envelope=whole.envelope), ring))


def yaml(data: bytes) -> None:
    """YAML is plain data, or refused."""
    found = read_yaml(data, dict[str, object], "test")
    assert parse(encode(found), "test") == found


def overlay(data: bytes) -> None:
    """An overlay moves no parameter past what its pack allows."""
    path = Path("overlays") / "st-test" / "2026.11.0"
    read = read_overlay(Folder(path, {OVERLAY: data}, b"", b""))
    under = united(_packs())
    over = laid(under, read)
    assert over.rules.keys() == under.rules.keys()
    for rule, asked in over.rules.items():
        before = under.rules[rule].rule
        # Whatever was tightened, no condition became another one.
        assert asked.rule.condition == before.condition
        assert asked.rule.waivable <= before.waivable
        assert set(asked.rule.evidence) >= set(before.evidence)


@cache
def _packs() -> Any:
    return [load(folder) for folder in shipped.folders()]


OVER = b"""overlay_schema: firmward.overlay/v1
id: st-test
version: 2026.11.0
scope: site
site: st-test
effective_from: "2026-11-01T00:00:00Z"
expires: "2027-11-01T00:00:00Z"
parameters:
  scan_max_age_days: 3
warn:
  SBM-003: "2026-12-01T00:00:00Z"
tighten:
  SIG-001:
    severity: critical
"""


def keyring(data: bytes) -> None:
    """A keyring is one that can be written again."""
    ring = signed.keyring(data)
    assert ring == signed.keyring(ring.document)


def _refused(attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except FirmwardError:
        return
    raise AssertionError("taken for signed")


TARGETS: Mapping[str, Target] = {
    "evidence": Target(evidence, lambda: [encode(shipped.whole())]),
    "judgement": Target(judgement, lambda: [_judgement()]),
    "policy": Target(kept_policy, lambda: [shipped.policy().encoded]),
    "bundle": Target(bundle, lambda: [_vendor()[1]]),
    "declaration": Target(
        declaration,
        lambda: [encode({"docs": {"mds2_version": "2019"}, "privacy": {"ephi": True}})],
    ),
    "remembered": Target(remembered_bundle, lambda: [encode(remembered.Remembered(sbom="x"))]),
    "form": Target(form, lambda: [FORM]),
    "request": Target(request, lambda: [encode(grants.request())]),
    "approval": Target(an_approval, lambda: [_approval()[1]]),
    "pack": Target(pack_file, _pack_files),
    "envelope": Target(envelope_bytes, lambda: [_signed()[0].envelope]),
    "manifest": Target(a_manifest, lambda: [_folder().manifest]),
    "yaml": Target(yaml, lambda: [_folder().files["params/default.yaml"] or b"a: 1\n", OVER]),
    "overlay": Target(overlay, lambda: [OVER]),
    "keyring": Target(keyring, lambda: [_signed()[1].document]),
}

"""Small policy packs, made for a test in a folder where every file of them may be spoiled."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from firmward.hospital.gate.packs.folder import MANIFEST, manifest_of
from firmward.hospital.gate.packs.read import Pack, load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def rule(rule_id: str, condition: str, evidence: list[str], **changes: Any) -> dict[str, Any]:
    """A rule as its file has it."""
    return {
        "id": rule_id,
        "group": "made-up",
        "title": f"Whether {rule_id} holds",
        "sources": ["made-1"],
        "basis": "guidance",
        "duty": "mfr",
        "applies_to": {
            "safety_class": ["A", "B", "C"],
            "tiers": [1, 2],
            "jurisdictions": ["US"],
        },
        "evidence": evidence,
        "trust": "attested",
        "condition": condition,
        "severity": "high",
        "waivable": True,
        "confidence": "high",
        "remedy": "Do what the rule asks for, and say so.",
    } | changes


@dataclass
class Made:
    """A pack under the hands of a test; `write` lays it down with its manifest."""

    folder: Path
    id: str = "made"
    version: str = "2026.11.0"
    head: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    bounds: dict[str, Any] = field(default_factory=dict)
    clauses: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    failing: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / self.id / self.version

    def write(self) -> Path:
        """Every file of it, and the manifest over them; gives the pack's folder."""
        head = {
            "pack_schema": "firmward.pack/v1",
            "evidence_schema": "firmward.evidence/v1",
            "id": self.id,
            "version": self.version,
            "title": "A pack made for a test",
            "effective_from": "2026-11-01T00:00:00Z",
            "expires": "2027-11-01T00:00:00Z",
        }
        schema = {"$schema": SCHEMA, "type": "object", "properties": self.bounds}
        texts = {
            "pack.yaml": yaml.safe_dump(head | self.head),
            "rules/made-up.yaml": yaml.safe_dump(self.rules),
            "clauses.yaml": yaml.safe_dump(self.clauses),
            "params/default.yaml": yaml.safe_dump(self.parameters),
            "params/schema.json": json.dumps(schema),
            "tests/pass.json": json.dumps(document(self.values)),
            "tests/fail.yaml": yaml.safe_dump(self.failing),
        }
        for name, text in (texts | self.files).items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.seal()

    def seal(self) -> Path:
        """The manifest over what lies there; gives the pack's folder."""
        (self.path / MANIFEST).write_bytes(manifest_of(self.path))
        return self.path

    def load(self) -> Pack:
        """The pack, written and read back."""
        return load(self.write())


def document(values: dict[str, Any]) -> dict[str, Any]:
    """An evidence document that holds these values, each attested."""
    found: dict[str, Any] = {
        "evidence_schema": "firmward.evidence/v1",
        "subject": "pump-200@1.1.0+3",
        "image_sha256": "4" * 64,
        "vendor": "acme",
        "site": "north",
        "at": "2026-11-21T12:00:00Z",
    }
    for path, value in values.items():
        section, _, name = path.partition(".")
        known = {"value": value, "trust": "attested", "observedAt": "2026-11-21T12:00:00Z"}
        found.setdefault(section, {})[name] = known
    return found


def two_rules(folder: Path, **changes: Any) -> Made:
    """A pack of two rules and three parameters, without anything to object to."""
    first = rule(
        "MAD-001", "sbom.present && sbom.format in p.formats", ["sbom.present", "sbom.format"]
    )
    second = rule(
        "MAD-002",
        "provenance.slsa_build_level >= p.levels['1'] && p.days <= 30",
        ["provenance.slsa_build_level"],
        severity="medium",
        basis="hospital",
    )
    made: dict[str, Any] = {
        "rules": [first, second],
        "clauses": {"made-1": {"cite": "Made 1", "says": "Do it well.", "confidence": "high"}},
        "parameters": {"formats": ["CycloneDX"], "levels": {"1": 2, "2": 1}, "days": 7},
        "bounds": {
            "formats": {
                "type": "array",
                "items": {"type": "string", "enum": ["CycloneDX", "SPDX"]},
                "x-tighter": "fewer",
            },
            "levels": {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 4},
                "x-tighter": "higher",
            },
            "days": {"type": "integer", "minimum": 1, "maximum": 30, "x-tighter": "lower"},
        },
        "values": {
            "sbom.present": True,
            "sbom.format": "CycloneDX",
            "provenance.slsa_build_level": 3,
            "device.tier": 1,
        },
        "failing": {
            "MAD-001": [
                {"path": "sbom.present", "value": False},
                {"path": "sbom.format", "value": "none"},
            ],
            "MAD-002": [{"path": "provenance.slsa_build_level", "value": 1}],
        },
    }
    return Made(folder, **(made | changes))

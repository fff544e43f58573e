"""Forms as people fill them in: what a good vendor declares of a release, and a site of itself.

The values are made up, and such that every rule of the shipped packs passes.
"""

from datetime import datetime
from typing import Any, Final

from firmward.terms.times import moment

Sections = dict[str, dict[str, Any]]


_REGULATORY: Final = {
    "cyber_device": True,
    "pems": True,
    "standalone_software": False,
    "us_class": "II",
    "eu_class": "IIb",
    "gudid_listed": True,
    "udi_change": "new_pi",
    "changes_performance_or_use": False,
    "change_assessed": True,
    "submission_needed": False,
    "submission_cleared": False,
}
_PRIVACY: Final = {
    "ephi": False,
    "unique_users": True,
    "service_mfa": True,
    "default_credentials": False,
    "hardcoded_credentials": False,
    "encrypted_transit": True,
    "encrypted_rest": True,
    "addressable_rationale": "",
    "audit_controls": True,
    "integrity_controls": True,
    "data_flows_changed": False,
    "vendor_telemetry": False,
    "telemetry_phi": False,
}


def vendors(version: str) -> Sections:
    """What the paper vendor declares of a release."""
    return {
        "release": {
            "udi_dis": ["00812345678906"],
            "compatible_with": ["druglib-5", "gateway-2"],
            "fixes_recall": "",
            "ui_changed": False,
        },
        "signature": {"module_standard": "FIPS140-3", "module_status": "active"},
        "sbom": {"origins": ["commercial", "open_source", "ots"]},
        "lifecycle": _lifecycle(version),
        "testing": _testing(version),
        "risk": {
            "file_release_version": version,
            "overall_acceptable": True,
            "review_date": "2026-10-01T00:00:00Z",
            "new_risks_assessed": True,
            "items": [{"id": "H-1", "severity": 4, "acceptable": True, "benefit_risk_done": False}],
            "approver_role": "head_of_quality",
        },
        "regulatory": dict(_REGULATORY),
        "device": {
            "secure_boot": True,
            "log_events": ["anomaly", "config_change", "login", "update"],
            "log_export": True,
            "time_sync": True,
        },
        "docs": _docs(version),
        "deploy": {"rollback_tested": True, "interrupt_safe": True},
        "postmarket": {
            "cvd_url": "https://acme.example/psirt",
            "cycle_days": 90,
            "oob_days": 14,
            "cycle_met": True,
            "notice_days": 20,
            "fix_days": 45,
            "isao_member": True,
        },
        "privacy": dict(_PRIVACY),
        "net": {"required_controls": ["vlan", "firewall"]},
    }


def _lifecycle(version: str) -> dict[str, Any]:
    return {
        "standard": "IEC62304:2006+A1:2015",
        "safety_class": "C",
        "class_rationale": "",
        "documents": [
            "development_plan",
            "requirements",
            "architecture",
            "detailed_design",
            "unit_verification",
            "integration_test",
            "system_test",
            "release_record",
            "soup_list",
            "maintenance_plan",
            "configuration_plan",
            "problem_resolution",
            "risk_file",
        ],
        "verification_complete": True,
        "anomalies_listed": True,
        "anomalies": [
            {"id": "A-1", "evaluated": True, "acceptable": True, "security_assessed": True}
        ],
        "released_version": version,
        "tested_version": version,
        "archived": True,
        "build_documented": True,
        "tasks_complete": True,
        "security_findings_resolved": True,
        "changes": [{"id": "c1", "request_id": "CR-9", "approved": True}],
        "change_safety_analysis": True,
        "risk_control_impact": True,
        "pems_validation": "justified",
    }


def _testing(version: str) -> dict[str, Any]:
    return {
        "version": version,
        "kinds": [
            "attack_surface",
            "dast",
            "fuzz",
            "sast",
            "sca_binary",
            "security_requirements",
            "threat_mitigation",
        ],
        "pentest_date": "2026-08-01T00:00:00Z",
        "pentest_independent": True,
        "open_high_findings": 0,
        "regression_record": {
            "result": "pass",
            "anomalies": "none",
            "version": version,
            "configuration": "board B",
            "tools": "pytest 9",
            "date": "2026-09-25",
            "tester": "J. Doe",
        },
    }


def _docs(version: str) -> dict[str, Any]:
    return {
        "release_notes": ["changes", "known_issues", "not_updating", "security_fixes"],
        "security_guide": ["accounts", "hardening", "ports", "residual_risks"],
        "ifu_it_requirements": True,
        "ifu_version_current": True,
        "mds2_version": "2019",
        "mds2_sw_version": version,
        "procedures": ["backup", "install", "restore", "rollback", "verify"],
        "end_of_support": "2033-12-31",
        "usability_evaluated": True,
    }


SITES: Final[dict[tuple[str, str], Sections]] = {
    ("bea", "biomed"): {
        "device": {
            "networked": True,
            "planned_retirement_year": 2030,
            "udi_di": "00812345678906",
            "interfaces": ["druglib-5", "gateway-2"],
            "support_state": "supported",
            "legacy_plan": False,
        },
        "deploy": {"backup_capacity": True},
        "regulatory": {"open_recalls": []},
    },
    ("sam", "sec"): {
        "device": {"exposure": "segmented"},
        "net": {"zone_controls": ["firewall", "nac", "vlan"]},
        "privacy": {"baa": False, "risk_analysis_updated": True},
    },
    ("rita", "risk"): {
        "deploy": {"it_risk_assessed": True, "it_risk_manager": "R. Risk"},
    },
    ("cleo", "clin"): {
        "deploy": {"clinical_approval_role": "icu_nurse_manager"},
    },
}
"""(person, role) -> what they declare of the whole site."""

UDI: Final = {"pump-200": "00812345678906", "monitor-7": "00812345678913"}
"""Product -> the UDI-DI on its devices' labels."""


def forms(until: datetime) -> list[tuple[str, dict[str, Any]]]:
    """Person and form, as the people of a site with two products hand them in."""
    site = [
        (person, {"about": "site", "role": role, "sections": sections})
        for (person, role), sections in SITES.items()
    ]
    # A role's later form about the same thing takes the place of its earlier one; these are about
    # something nearer, and add to it.
    labels = [
        ("bea", {"about": product, "role": "biomed", "sections": {"device": {"udi_di": udi}}})
        for product, udi in UDI.items()
    ]
    return [(person, {**form, "until": moment(until)}) for person, form in [*site, *labels]]

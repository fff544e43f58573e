"""Who may say what: the paths that a vendor, and each role of the hospital, may declare.

Whatever is not listed here cannot be declared by anybody: it is measured, attested, or not known.
A declaration is a mapping of sections to values, named as the document names them.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, Final

from firmward.hospital.gate import document
from firmward.hospital.gate.known import Known
from firmward.terms.errors import Malformed


def _paths(said: Mapping[str, str]) -> frozenset[str]:
    found = set()
    for section, fields in said.items():
        found |= {f"{section}.{field}" for field in fields.split()}
    return frozenset(found)


VENDOR: Final = _paths(
    {
        "release": "released_at delivery supported_models udi_dis compatible_with fixes_recall"
        " ui_changed",
        "signature": "module_standard module_status",
        "sbom": "origins",
        "lifecycle": "standard safety_class class_rationale documents verification_complete"
        " anomalies_listed anomalies released_version tested_version archived build_documented"
        " tasks_complete security_findings_resolved changes change_safety_analysis"
        " risk_control_impact pems_validation",
        "testing": "version kinds pentest_date pentest_independent open_high_findings"
        " regression_record",
        "risk": "file_release_version overall_acceptable review_date new_risks_assessed items"
        " approver_role",
        "regulatory": "cyber_device pems standalone_software us_class eu_class gudid_listed"
        " udi_change changes_performance_or_use change_assessed submission_needed"
        " submission_cleared",
        "device": "secure_boot log_events log_export time_sync",
        "docs": "release_notes security_guide ifu_it_requirements ifu_version_current"
        " mds2_version mds2_sw_version procedures end_of_support usability_evaluated",
        "deploy": "rollback_tested interrupt_safe",
        "postmarket": "cvd_url cycle_days oob_days cycle_met notice_days fix_days isao_member",
        "privacy": "ephi unique_users service_mfa default_credentials hardcoded_credentials"
        " encrypted_transit encrypted_rest addressable_rationale audit_controls"
        " integrity_controls data_flows_changed vendor_telemetry telemetry_phi",
        "net": "required_controls",
    }
)
"""What a vendor may declare of a release, in a statement that its evidence keys sign."""

_BIOMED: Final = _paths(
    {
        "device": "networked planned_retirement_year udi_di interfaces support_state legacy_plan",
        "deploy": "backup_capacity",
        "regulatory": "open_recalls gudid_listed",
    }
)
_SECURITY: Final = _paths(
    {
        "device": "exposure networked log_export time_sync",
        "net": "zone_controls",
        "deploy": "it_risk_assessed it_risk_manager",
        "privacy": "baa risk_analysis_updated data_flows_changed",
    }
)
_CLINICAL: Final = _paths({"deploy": "clinical_approval_role backup_capacity"})
_RISK: Final = _paths(
    {
        "deploy": "it_risk_assessed it_risk_manager",
        "privacy": "baa risk_analysis_updated",
        "device": "legacy_plan",
        "regulatory": "open_recalls",
    }
)

HOSPITAL: Final[Mapping[str, Set[str]]] = {
    "biomed": _BIOMED,
    "sec": _SECURITY,
    "clin": _CLINICAL,
    "risk": _RISK,
}
"""Role -> what its people may declare of devices, wards and the use of a release here."""


def read(
    said: Mapping[str, Mapping[str, Any]],
    allowed: Set[str],
    origin: Callable[[Any], Known[Any]],
    who: str,
) -> dict[str, Known[Any]]:
    """Path -> value in its envelope, each of the document's own type.

    raises  Malformed for a value of another type, and for a path that this one may not declare
    """
    return {
        path: origin(document.typed(path, value, who)) for path, value in _flat(said, allowed, who)
    }


def _flat(
    said: Mapping[str, Mapping[str, Any]], allowed: Set[str], who: str
) -> Iterator[tuple[str, Any]]:
    for section, fields in said.items():
        for field, value in fields.items():
            path = f"{section}.{field}"
            if path not in allowed:
                raise Malformed(who, "paths that it may declare", path[:80])
            yield path, value

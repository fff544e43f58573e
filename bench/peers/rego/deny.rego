# Written by bench/policy_peers.py --write from the packs' rules, never by hand.
# A violation is described, and what is not described is allowed.
package deny

import rego.v1

# rule CRY-001

deny contains "CRY-001" if {
	not input.signature.algorithm in input.p.sig_algs
}

# rule CRY-002

deny contains "CRY-002" if {
	input.device.planned_retirement_year > input.p.strength_later_after
	input.signature.security_bits < input.p.strength_bits_later
}

deny contains "CRY-002" if {
	input.device.planned_retirement_year <= input.p.strength_later_after
	input.signature.security_bits < input.p.strength_bits
}

# rule CRY-003

deny contains "CRY-003" if {
	not input.signature.hash in input.p.hashes
}

deny contains "CRY-003" if {
	input.signature.crc_only
}

# rule CRY-004

deny contains "CRY-004" if {
	input.p.require_fips
	input.signature.module_standard != "FIPS140-3"
}

deny contains "CRY-004" if {
	input.p.require_fips
	input.signature.module_status != "active"
}

# rule CRY-005

deny contains "CRY-005" if {
	input.release.delivery == "network"
	input.net.tls_min < 12
}

deny contains "CRY-005" if {
	input.release.delivery == "network"
	not input.net.downgrade_blocked
}

# rule CRY-006

deny contains "CRY-006" if {
	input.p.require_pqc
	not input.signature.pqc_algorithm in input.p.pqc_algs
}

# rule DEV-001

deny contains "DEV-001" if {
	not input.device.model in input.release.supported_models
}

deny contains "DEV-001" if {
	some h in input.device.hw_revs
	not h in input.release.supported_hw
}

deny contains "DEV-001" if {
	some r in input.device.releases
	not r in input.release.upgrade_from
	r != input.release.id
}

# rule DEV-002

deny contains "DEV-002" if {
	not input.device.udi_di in input.release.udi_dis
}

deny contains "DEV-002" if {
	not input.regulatory.gudid_listed
}

# rule DEV-003

deny contains "DEV-003" if {
	input.regulatory.standalone_software
	input.regulatory.changes_performance_or_use
	input.regulatory.udi_change != "new_di"
}

deny contains "DEV-003" if {
	input.regulatory.standalone_software
	not input.regulatory.changes_performance_or_use
	input.regulatory.udi_change != "new_pi"
}

# rule DEV-004

deny contains "DEV-004" if {
	not input.regulatory.change_assessed
}

deny contains "DEV-004" if {
	input.regulatory.submission_needed
	not input.regulatory.submission_cleared
}

# rule DEV-005

deny contains "DEV-005" if {
	some r in input.regulatory.open_recalls
	input.release.version in r.versions
}

# rule DEV-006

deny contains "DEV-006" if {
	count(input.device.interfaces) > 0
	some i in input.device.interfaces
	not i in input.release.compatible_with
}

# rule DEV-007

deny contains "DEV-007" if {
	input.device.support_state != "supported"
	not input.device.legacy_plan
}

# rule DEV-008

deny contains "DEV-008" if {
	input.device.networked
	some c in input.net.required_controls
	not c in input.net.zone_controls
}

# rule DEV-009

deny contains "DEV-009" if {
	count(input.release.components) > 0
	some c in input.release.components
	not c.verified
}

deny contains "DEV-009" if {
	count(input.release.components) > 0
	some c in input.release.components
	c.digest != c.claimed
}

# rule DEV-010

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	every c in input.release.components { c.name != q.name }
	every o in input.device.peers { o.name != q.name }
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some c in input.release.components
	c.name == q.name
	q.since == ""
	q.until != ""
	semver.compare(c.version, q.until) >= 0
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some c in input.release.components
	c.name == q.name
	q.since != ""
	semver.compare(c.version, q.since) >= 0
	q.until != ""
	semver.compare(c.version, q.until) >= 0
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some c in input.release.components
	c.name == q.name
	q.since != ""
	semver.compare(c.version, q.since) < 0
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some o in input.device.peers
	o.name == q.name
	q.since == ""
	q.until != ""
	semver.compare(o.since, q.until) >= 0
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some o in input.device.peers
	o.name == q.name
	q.since != ""
	semver.compare(o.since, q.since) >= 0
	q.until != ""
	semver.compare(o.since, q.until) >= 0
}

deny contains "DEV-010" if {
	count(input.release.requires) > 0
	some q in input.release.requires
	some o in input.device.peers
	o.name == q.name
	q.since != ""
	semver.compare(o.since, q.since) < 0
}

# rule DOC-001

deny contains "DOC-001" if {
	some k in ["changes", "security_fixes", "known_issues", "not_updating"]
	not k in input.docs.release_notes
}

# rule DOC-002

deny contains "DOC-002" if {
	some k in ["hardening", "accounts", "ports", "residual_risks"]
	not k in input.docs.security_guide
}

# rule DOC-003

deny contains "DOC-003" if {
	not input.docs.ifu_it_requirements
}

deny contains "DOC-003" if {
	not input.docs.ifu_version_current
}

# rule DOC-004

deny contains "DOC-004" if {
	not input.docs.mds2_version in ["2019", "2013"]
}

deny contains "DOC-004" if {
	input.docs.mds2_sw_version != input.release.version
}

# rule DOC-005

deny contains "DOC-005" if {
	some k in ["install", "verify", "backup", "restore", "rollback"]
	not k in input.docs.procedures
}

# rule DOC-006

deny contains "DOC-006" if {
	input.docs.end_of_support == ""
}

# rule DOC-007

deny contains "DOC-007" if {
	input.release.ui_changed
	not input.docs.usability_evaluated
}

# rule LIF-001

deny contains "LIF-001" if {
	not input.lifecycle.safety_class in ["A", "B", "C"]
}

deny contains "LIF-001" if {
	input.lifecycle.safety_class != "C"
	input.lifecycle.class_rationale == ""
}

deny contains "LIF-001" if {
	input.lifecycle.safety_class != input.release.safety_class
}

# rule LIF-002

deny contains "LIF-002" if {
	some d in input.p.class_docs[input.release.safety_class]
	not d in input.lifecycle.documents
}

# rule LIF-003

deny contains "LIF-003" if {
	not input.lifecycle.verification_complete
}

# rule LIF-004

deny contains "LIF-004" if {
	not input.lifecycle.anomalies_listed
}

deny contains "LIF-004" if {
	input.release.safety_class != "A"
	some a in input.lifecycle.anomalies
	not a.evaluated
}

deny contains "LIF-004" if {
	input.release.safety_class != "A"
	some a in input.lifecycle.anomalies
	not a.acceptable
}

# rule LIF-005

deny contains "LIF-005" if {
	some a in input.lifecycle.anomalies
	not a.security_assessed
}

# rule LIF-006

deny contains "LIF-006" if {
	input.lifecycle.released_version != input.release.version
}

deny contains "LIF-006" if {
	input.lifecycle.tested_version != input.release.version
}

# rule LIF-007

deny contains "LIF-007" if {
	not input.lifecycle.archived
}

deny contains "LIF-007" if {
	input.release.safety_class != "A"
	not input.lifecycle.build_documented
}

# rule LIF-008

deny contains "LIF-008" if {
	not input.lifecycle.tasks_complete
}

deny contains "LIF-008" if {
	not input.lifecycle.security_findings_resolved
}

deny contains "LIF-008" if {
	every t in input.scan.tools { not t in input.p.source_scanners }
}

deny contains "LIF-008" if {
	some f in input.scan.findings
	f.level == "error"
	not f.suppressed
}

# rule LIF-009

deny contains "LIF-009" if {
	count(input.lifecycle.changes) <= 0
}

deny contains "LIF-009" if {
	some c in input.lifecycle.changes
	not c.approved
}

deny contains "LIF-009" if {
	some c in input.lifecycle.changes
	c.request_id == ""
}

# rule LIF-010

deny contains "LIF-010" if {
	not input.lifecycle.change_safety_analysis
}

deny contains "LIF-010" if {
	input.release.safety_class != "A"
	not input.lifecycle.risk_control_impact
}

# rule LIF-011

deny contains "LIF-011" if {
	some k in ["result", "anomalies", "version", "configuration", "tools", "date", "tester"]
	not k in object.keys(input.testing.regression_record)
}

deny contains "LIF-011" if {
	some k in ["result", "anomalies", "version", "configuration", "tools", "date", "tester"]
	input.testing.regression_record[k] == ""
}

# rule LIF-012

deny contains "LIF-012" if {
	input.regulatory.pems
	not input.lifecycle.pems_validation in ["repeated", "justified"]
}

# rule PMR-001

deny contains "PMR-001" if {
	not input.fallback.verified
}

deny contains "PMR-001" if {
	input.fallback.security_version != input.release.security_version + 1
}

deny contains "PMR-001" if {
	not input.release.id in input.fallback.upgrade_from
}

deny contains "PMR-001" if {
	some h in input.release.supported_hw
	not h in input.fallback.supported_hw
}

deny contains "PMR-001" if {
	not input.deploy.rollback_tested
}

deny contains "PMR-001" if {
	not input.deploy.interrupt_safe
}

# rule PMR-002

deny contains "PMR-002" if {
	input.regulatory.cyber_device
	not startswith(input.postmarket.cvd_url, "https://")
}

# rule PMR-003

deny contains "PMR-003" if {
	input.regulatory.cyber_device
	input.postmarket.cycle_days <= 0
}

deny contains "PMR-003" if {
	input.regulatory.cyber_device
	input.postmarket.cycle_days > input.p.max_cycle_days
}

deny contains "PMR-003" if {
	input.regulatory.cyber_device
	input.postmarket.oob_days <= 0
}

deny contains "PMR-003" if {
	input.regulatory.cyber_device
	not input.postmarket.cycle_met
}

# rule PMR-004

deny contains "PMR-004" if {
	input.release.kind == "uncontrolled_risk_fix"
	input.postmarket.notice_days > 30
}

deny contains "PMR-004" if {
	input.release.kind == "uncontrolled_risk_fix"
	input.postmarket.fix_days > 60
}

deny contains "PMR-004" if {
	input.release.kind == "uncontrolled_risk_fix"
	not input.postmarket.isao_member
}

# rule PMR-005

deny contains "PMR-005" if {
	some k in ["login", "config_change", "update", "anomaly"]
	not k in input.device.log_events
}

deny contains "PMR-005" if {
	not input.device.log_export
}

deny contains "PMR-005" if {
	not input.device.time_sync
}

# rule PMR-006

deny contains "PMR-006" if {
	not input.device.version_readback in ["attested", "reported"]
}

# rule PMR-007

deny contains "PMR-007" if {
	input.deploy.stage != "pilot"
	input.deploy.pilot_devices < input.p.pilot_min[sprintf("%v", [input.device.tier])]
}

deny contains "PMR-007" if {
	input.deploy.stage != "pilot"
	input.deploy.pilot_hours < input.p.soak_hours[sprintf("%v", [input.device.tier])]
}

deny contains "PMR-007" if {
	input.deploy.stage != "pilot"
	input.deploy.pilot_safety_failures != 0
}

# rule PMR-008

deny contains "PMR-008" if {
	not input.deploy.clinical_approval_role in input.p.clinical_roles
}

deny contains "PMR-008" if {
	input.device.in_clinical_use
}

deny contains "PMR-008" if {
	not input.deploy.backup_capacity
}

# rule PRV-001

deny contains "PRV-001" if {
	input.privacy.ephi
	not input.privacy.unique_users
}

deny contains "PRV-001" if {
	input.privacy.ephi
	not input.privacy.service_mfa
}

# rule PRV-002

deny contains "PRV-002" if {
	input.privacy.default_credentials
}

deny contains "PRV-002" if {
	input.privacy.hardcoded_credentials
}

deny contains "PRV-002" if {
	every t in input.scan.tools { not t in input.p.secret_scanners }
}

deny contains "PRV-002" if {
	some f in input.scan.findings
	f.tool in input.p.secret_scanners
	not f.suppressed
	not f.level in ["none", "note"]
}

# rule PRV-003

deny contains "PRV-003" if {
	input.privacy.ephi
	not input.privacy.encrypted_transit
	input.privacy.addressable_rationale == ""
}

# rule PRV-004

deny contains "PRV-004" if {
	input.privacy.ephi
	not input.privacy.audit_controls
}

deny contains "PRV-004" if {
	input.privacy.ephi
	not input.privacy.integrity_controls
}

deny contains "PRV-004" if {
	input.privacy.ephi
	not input.privacy.encrypted_rest
	input.privacy.addressable_rationale == ""
}

# rule PRV-005

deny contains "PRV-005" if {
	input.privacy.data_flows_changed
	not input.privacy.risk_analysis_updated
}

# rule PRV-006

deny contains "PRV-006" if {
	input.privacy.vendor_telemetry
	input.privacy.telemetry_phi
	not input.privacy.baa
}

# rule RSK-001

deny contains "RSK-001" if {
	input.risk.file_release_version != input.release.version
}

# rule RSK-002

deny contains "RSK-002" if {
	not input.risk.overall_acceptable
}

deny contains "RSK-002" if {
	input.risk.review_date == ""
}

deny contains "RSK-002" if {
	time.parse_rfc3339_ns(input.risk.review_date) > time.parse_rfc3339_ns(input.release.released_at)
}

# rule RSK-003

deny contains "RSK-003" if {
	not input.risk.new_risks_assessed
}

deny contains "RSK-003" if {
	some r in input.risk.items
	not r.acceptable
	not r.benefit_risk_done
}

# rule RSK-004

deny contains "RSK-004" if {
	input.risk.security_method != "exploitability"
}

deny contains "RSK-004" if {
	input.risk.threat_model_version != input.release.version
}

# rule RSK-005

deny contains "RSK-005" if {
	not input.risk.approver_role in input.p.mfr_approver_roles
}

deny contains "RSK-005" if {
	not input.risk.approver_signature_valid
}

# rule RSK-006

deny contains "RSK-006" if {
	input.device.networked
	not input.deploy.it_risk_assessed
}

deny contains "RSK-006" if {
	input.device.networked
	input.deploy.it_risk_manager == ""
}

# rule RSK-007

deny contains "RSK-007" if {
	not input.risk.delta_vs_installed in ["lower", "same"]
}

# rule RSK-010

deny contains "RSK-010" if {
	some t in input.risk.open_threats
	not t.band in input.p.open_threat_bands
}

deny contains "RSK-010" if {
	some d in input.risk.drift
	every r in input.p.drift_tolerated { not startswith(d, concat("", [r, ": "])) }
}

# rule SBM-001

deny contains "SBM-001" if {
	not input.sbom.present
}

deny contains "SBM-001" if {
	not input.sbom.format in ["CycloneDX", "SPDX"]
}

# rule SBM-002

deny contains "SBM-002" if {
	input.sbom.author == ""
}

deny contains "SBM-002" if {
	startswith(input.sbom.timestamp, "1970-01-01")
}

deny contains "SBM-002" if {
	some c in input.sbom.components
	c.name == ""
}

deny contains "SBM-002" if {
	some c in input.sbom.components
	c.version == ""
}

deny contains "SBM-002" if {
	some c in input.sbom.components
	c.supplier == ""
}

deny contains "SBM-002" if {
	some c in input.sbom.components
	count(c.ids) <= 0
}

deny contains "SBM-002" if {
	some c in input.sbom.components
	not c.dependency_declared
}

# rule SBM-003

deny contains "SBM-003" if {
	input.regulatory.cyber_device
	some c in input.sbom.components
	not c.support_level in ["maintained", "not_maintained", "abandoned"]
}

deny contains "SBM-003" if {
	input.regulatory.cyber_device
	some c in input.sbom.components
	c.end_of_support == ""
}

# rule SBM-004

deny contains "SBM-004" if {
	some c in input.sbom.components
	not c.replacement_plan
	c.support_level != "maintained"
}

deny contains "SBM-004" if {
	some c in input.sbom.components
	not c.replacement_plan
	c.end_of_support == ""
}

deny contains "SBM-004" if {
	some c in input.sbom.components
	not c.replacement_plan
	time.parse_rfc3339_ns(c.end_of_support) <= time.parse_rfc3339_ns(input.now) + ((input.p.eos_horizon_days * 24) * 3600000000000)
}

# rule SBM-005

deny contains "SBM-005" if {
	input.sbom.subject_digest != input.release.digest
}

# rule SBM-006

deny contains "SBM-006" if {
	input.regulatory.cyber_device
	some o in ["commercial", "open_source", "ots"]
	not o in input.sbom.origins
}

deny contains "SBM-006" if {
	input.regulatory.cyber_device
	not input.sbom.transitive
}

deny contains "SBM-006" if {
	input.regulatory.cyber_device
	not input.sbom.known_unknowns_declared
}

# rule SBM-007

deny contains "SBM-007" if {
	some c in input.sbom.components
	c.soup
	c.name == ""
}

deny contains "SBM-007" if {
	some c in input.sbom.components
	c.soup
	c.supplier == ""
}

deny contains "SBM-007" if {
	some c in input.sbom.components
	c.soup
	c.version == ""
}

# rule SBM-008

deny contains "SBM-008" if {
	some c in input.sbom.components
	c.soup
	not c.soup_requirements
}

deny contains "SBM-008" if {
	some c in input.sbom.components
	c.soup
	not c.anomaly_list_evaluated
}

# rule SBM-009

deny contains "SBM-009" if {
	count(input.scan.undeclared) != 0
}

# rule SIG-001

deny contains "SIG-001" if {
	not input.signature.verified
}

# rule SIG-002

deny contains "SIG-002" if {
	not input.signature.enrolled
}

deny contains "SIG-002" if {
	input.signature.revoked
}

deny contains "SIG-002" if {
	time.parse_rfc3339_ns(input.signature.signed_at) > time.parse_rfc3339_ns(input.signature.cert_not_after)
}

# rule SIG-003

deny contains "SIG-003" if {
	input.release.digest != input.release.manifest_digest
}

deny contains "SIG-003" if {
	some k in ["digest", "version", "security_version", "target"]
	not k in input.signature.covers
}

# rule SIG-004

deny contains "SIG-004" if {
	input.release.security_version < input.device.security_version
	not input.release.downgrade_authorised
}

# rule SIG-005

deny contains "SIG-005" if {
	not input.signature.key_custody in ["hsm", "kms-hsm"]
}

# rule SIG-006

deny contains "SIG-006" if {
	not input.provenance.verified
}

deny contains "SIG-006" if {
	input.provenance.slsa_build_level < input.p.slsa_min[sprintf("%v", [input.device.tier])]
}

# rule SIG-007

deny contains "SIG-007" if {
	not input.device.secure_boot
}

# rule SIG-008

deny contains "SIG-008" if {
	time.parse_rfc3339_ns(input.release.manifest_expires) <= time.parse_rfc3339_ns(input.now)
}

# rule SIG-010

deny contains "SIG-010" if {
	input.release.development_keys
	not input.p.allow_development_keys
}

# rule VUL-001

deny contains "VUL-001" if {
	some v in input.vulns
	v.kev
	v.status in ["affected", "under_investigation"]
}

deny contains "VUL-001" if {
	some v in input.vulns
	v.kev
	v.status == "fixed"
	v.matched == "affected"
}

# rule VUL-002

deny contains "VUL-002" if {
	some v in input.vulns
	not v.status in ["fixed", "not_affected"]
	v.risk_state != "controlled"
}

# rule VUL-003

deny contains "VUL-003" if {
	some v in input.vulns
	not v.status in ["fixed", "affected"]
	v.status != "not_affected"
}

deny contains "VUL-003" if {
	some v in input.vulns
	not v.status in ["fixed", "affected"]
	v.justification == ""
}

# rule VUL-004

deny contains "VUL-004" if {
	some v in input.vulns
	v.status == "affected"
	not v.control_verified
	false == ("cvss" in object.keys(v))
}

deny contains "VUL-004" if {
	some v in input.vulns
	v.status == "affected"
	not v.control_verified
	v.cvss >= input.p.cvss_block[sprintf("%v", [input.device.tier])]
}

# rule VUL-005

deny contains "VUL-005" if {
	some v in input.vulns
	not v.cvss_version in ["3.1", "4.0"]
}

deny contains "VUL-005" if {
	some v in input.vulns
	v.cvss_vector == ""
}

deny contains "VUL-005" if {
	some v in input.vulns
	v.status == "affected"
	not v.rubric
}

# rule VUL-006

deny contains "VUL-006" if {
	some v in input.vulns
	v.status == "affected"
	not v.kev
	false == ("epss" in object.keys(v))
}

deny contains "VUL-006" if {
	some v in input.vulns
	v.status == "affected"
	v.kev
	1.0 * input.p.exposure[input.device.exposure] >= input.p.epss_limit
}

deny contains "VUL-006" if {
	some v in input.vulns
	v.status == "affected"
	not v.kev
	v.epss * input.p.exposure[input.device.exposure] >= input.p.epss_limit
}

# rule VUL-007

deny contains "VUL-007" if {
	some v in input.vulns
	not v.status in ["fixed", "not_affected"]
	input.p.harm_matrix[sprintf("%v", [v.harm_severity])][(v.exploitability - 1)] == "U"
}

# rule VUL-008

deny contains "VUL-008" if {
	not input.scan.binary_sca
}

deny contains "VUL-008" if {
	every t in input.scan.tools { not t in input.p.binary_scanners }
}

deny contains "VUL-008" if {
	time.parse_rfc3339_ns(input.scan.db_date) < time.parse_rfc3339_ns(input.now) - ((input.p.scan_max_age_days * 24) * 3600000000000)
}

# rule VUL-009

deny contains "VUL-009" if {
	some v in input.vulns
	v.status == "affected"
	v.fix_by == ""
}

deny contains "VUL-009" if {
	some v in input.vulns
	v.status == "affected"
	time.parse_rfc3339_ns(v.fix_by) < time.parse_rfc3339_ns(input.now)
}

deny contains "VUL-009" if {
	some v in input.vulns
	v.status == "affected"
	time.parse_rfc3339_ns(v.fix_by) > time.parse_rfc3339_ns(input.now) + ((input.p.fix_days[v.band] * 24) * 3600000000000)
}

# rule VUL-010

deny contains "VUL-010" if {
	some k in input.p.test_kinds
	not k in input.testing.kinds
}

deny contains "VUL-010" if {
	input.testing.version != input.release.version
}

# rule VUL-011

deny contains "VUL-011" if {
	not input.testing.pentest_independent
}

deny contains "VUL-011" if {
	input.testing.open_high_findings != 0
}

deny contains "VUL-011" if {
	input.testing.pentest_date == ""
}

deny contains "VUL-011" if {
	time.parse_rfc3339_ns(input.testing.pentest_date) > time.parse_rfc3339_ns(input.now)
}

deny contains "VUL-011" if {
	time.parse_rfc3339_ns(input.testing.pentest_date) < time.parse_rfc3339_ns(input.now) - ((input.p.pentest_max_age_days * 24) * 3600000000000)
}

# rule VUL-012

deny contains "VUL-012" if {
	some v in input.vulns
	v.status == "affected"
	not v.id in input.device.installed_affected
}

# rule VUL-020

deny contains "VUL-020" if {
	some k in input.p.blackbox_kinds
	not k in input.testing.watched
}

deny contains "VUL-020" if {
	input.testing.inputs < input.p.fuzz_min_inputs
}

deny contains "VUL-020" if {
	not input.testing.result in ["PASSED", "WARNED"]
}

deny contains "VUL-020" if {
	count(input.testing.open_failures) != 0
}

# rule VUL-021

deny contains "VUL-021" if {
	some f in input.scan.own_findings
	not f.level in ["none", "note"]
}

# Written by bench/policy_peers.py --write from the packs' rules, never by hand.
# Everything is a violation unless the condition is proven.
package strict

import rego.v1

# rule CRY-001

deny contains "CRY-001" if not cry_001_passes

cry_001_passes if {
	input.signature.algorithm in input.p.sig_algs
}

# rule CRY-002

deny contains "CRY-002" if not cry_002_passes

cry_002_passes if {
	cry_002_1
}

cry_002_1 if {
	input.device.planned_retirement_year > input.p.strength_later_after
	input.signature.security_bits >= input.p.strength_bits_later
}

cry_002_1 if {
	input.device.planned_retirement_year <= input.p.strength_later_after
	input.signature.security_bits >= input.p.strength_bits
}

# rule CRY-003

deny contains "CRY-003" if not cry_003_passes

cry_003_passes if {
	input.signature.hash in input.p.hashes
	input.signature.crc_only == false
}

# rule CRY-004

deny contains "CRY-004" if not cry_004_passes

cry_004_passes if {
	input.p.require_fips == false
}

cry_004_passes if {
	input.p.require_fips == true
	input.signature.module_standard == "FIPS140-3"
	input.signature.module_status == "active"
}

# rule CRY-005

deny contains "CRY-005" if not cry_005_passes

cry_005_passes if {
	input.release.delivery != "network"
}

cry_005_passes if {
	input.release.delivery == "network"
	input.net.tls_min >= 12
	input.net.downgrade_blocked == true
}

# rule CRY-006

deny contains "CRY-006" if not cry_006_passes

cry_006_passes if {
	input.p.require_pqc == false
}

cry_006_passes if {
	input.p.require_pqc == true
	input.signature.pqc_algorithm in input.p.pqc_algs
}

# rule DEV-001

deny contains "DEV-001" if not dev_001_passes

dev_001_passes if {
	input.device.model in input.release.supported_models
	every h in input.device.hw_revs { h in input.release.supported_hw }
	every r in input.device.releases { dev_001_1(r) }
}

dev_001_1(r) if {
	r in input.release.upgrade_from
}

dev_001_1(r) if {
	r == input.release.id
}

# rule DEV-002

deny contains "DEV-002" if not dev_002_passes

dev_002_passes if {
	input.device.udi_di in input.release.udi_dis
	input.regulatory.gudid_listed == true
}

# rule DEV-003

deny contains "DEV-003" if not dev_003_passes

dev_003_passes if {
	input.regulatory.standalone_software == false
}

dev_003_passes if {
	input.regulatory.standalone_software == true
	dev_003_1
}

dev_003_1 if {
	input.regulatory.changes_performance_or_use == true
	input.regulatory.udi_change == "new_di"
}

dev_003_1 if {
	input.regulatory.changes_performance_or_use == false
	input.regulatory.udi_change == "new_pi"
}

# rule DEV-004

deny contains "DEV-004" if not dev_004_passes

dev_004_passes if {
	input.regulatory.change_assessed == true
	dev_004_1
}

dev_004_1 if {
	input.regulatory.submission_needed == false
}

dev_004_1 if {
	input.regulatory.submission_cleared == true
}

# rule DEV-005

deny contains "DEV-005" if not dev_005_passes

dev_005_passes if {
	every r in input.regulatory.open_recalls { false == (input.release.version in r.versions) }
}

# rule DEV-006

deny contains "DEV-006" if not dev_006_passes

dev_006_passes if {
	count(input.device.interfaces) <= 0
}

dev_006_passes if {
	count(input.device.interfaces) > 0
	every i in input.device.interfaces { i in input.release.compatible_with }
}

# rule DEV-007

deny contains "DEV-007" if not dev_007_passes

dev_007_passes if {
	dev_007_1
}

dev_007_1 if {
	input.device.support_state == "supported"
}

dev_007_1 if {
	input.device.legacy_plan == true
}

# rule DEV-008

deny contains "DEV-008" if not dev_008_passes

dev_008_passes if {
	input.device.networked == false
}

dev_008_passes if {
	input.device.networked == true
	every c in input.net.required_controls { c in input.net.zone_controls }
}

# rule DEV-009

deny contains "DEV-009" if not dev_009_passes

dev_009_passes if {
	count(input.release.components) <= 0
}

dev_009_passes if {
	count(input.release.components) > 0
	every c in input.release.components { c.verified == true; c.digest == c.claimed }
}

# rule DEV-010

deny contains "DEV-010" if not dev_010_passes

dev_010_passes if {
	count(input.release.requires) <= 0
}

dev_010_passes if {
	count(input.release.requires) > 0
	every q in input.release.requires { dev_010_1(q); every c in input.release.components { dev_010_2(q, c) }; every o in input.device.peers { dev_010_5(q, o) } }
}

dev_010_1(q) if {
	some c in input.release.components
	c.name == q.name
}

dev_010_1(q) if {
	some o in input.device.peers
	o.name == q.name
}

dev_010_2(q, c) if {
	c.name != q.name
}

dev_010_2(q, c) if {
	dev_010_3(q, c)
	dev_010_4(q, c)
}

dev_010_3(q, c) if {
	q.since == ""
}

dev_010_3(q, c) if {
	q.since != ""
	semver.compare(c.version, q.since) >= 0
}

dev_010_4(q, c) if {
	q.until == ""
}

dev_010_4(q, c) if {
	q.until != ""
	semver.compare(c.version, q.until) < 0
}

dev_010_5(q, o) if {
	o.name != q.name
}

dev_010_5(q, o) if {
	dev_010_6(q, o)
	dev_010_7(q, o)
}

dev_010_6(q, o) if {
	q.since == ""
}

dev_010_6(q, o) if {
	q.since != ""
	semver.compare(o.since, q.since) >= 0
}

dev_010_7(q, o) if {
	q.until == ""
}

dev_010_7(q, o) if {
	q.until != ""
	semver.compare(o.since, q.until) < 0
}

# rule DOC-001

deny contains "DOC-001" if not doc_001_passes

doc_001_passes if {
	every k in ["changes", "security_fixes", "known_issues", "not_updating"] { k in input.docs.release_notes }
}

# rule DOC-002

deny contains "DOC-002" if not doc_002_passes

doc_002_passes if {
	every k in ["hardening", "accounts", "ports", "residual_risks"] { k in input.docs.security_guide }
}

# rule DOC-003

deny contains "DOC-003" if not doc_003_passes

doc_003_passes if {
	input.docs.ifu_it_requirements == true
	input.docs.ifu_version_current == true
}

# rule DOC-004

deny contains "DOC-004" if not doc_004_passes

doc_004_passes if {
	input.docs.mds2_version in ["2019", "2013"]
	input.docs.mds2_sw_version == input.release.version
}

# rule DOC-005

deny contains "DOC-005" if not doc_005_passes

doc_005_passes if {
	every k in ["install", "verify", "backup", "restore", "rollback"] { k in input.docs.procedures }
}

# rule DOC-006

deny contains "DOC-006" if not doc_006_passes

doc_006_passes if {
	input.docs.end_of_support != ""
}

# rule DOC-007

deny contains "DOC-007" if not doc_007_passes

doc_007_passes if {
	input.release.ui_changed == false
}

doc_007_passes if {
	input.release.ui_changed == true
	input.docs.usability_evaluated == true
}

# rule LIF-001

deny contains "LIF-001" if not lif_001_passes

lif_001_passes if {
	input.lifecycle.safety_class in ["A", "B", "C"]
	lif_001_1
	input.lifecycle.safety_class == input.release.safety_class
}

lif_001_1 if {
	input.lifecycle.safety_class == "C"
}

lif_001_1 if {
	input.lifecycle.class_rationale != ""
}

# rule LIF-002

deny contains "LIF-002" if not lif_002_passes

lif_002_passes if {
	every d in input.p.class_docs[input.release.safety_class] { d in input.lifecycle.documents }
}

# rule LIF-003

deny contains "LIF-003" if not lif_003_passes

lif_003_passes if {
	input.lifecycle.verification_complete == true
}

# rule LIF-004

deny contains "LIF-004" if not lif_004_passes

lif_004_passes if {
	input.lifecycle.anomalies_listed == true
	lif_004_1
}

lif_004_1 if {
	input.release.safety_class == "A"
}

lif_004_1 if {
	every a in input.lifecycle.anomalies { a.evaluated == true; a.acceptable == true }
}

# rule LIF-005

deny contains "LIF-005" if not lif_005_passes

lif_005_passes if {
	every a in input.lifecycle.anomalies { a.security_assessed == true }
}

# rule LIF-006

deny contains "LIF-006" if not lif_006_passes

lif_006_passes if {
	input.lifecycle.released_version == input.release.version
	input.lifecycle.tested_version == input.release.version
}

# rule LIF-007

deny contains "LIF-007" if not lif_007_passes

lif_007_passes if {
	input.lifecycle.archived == true
	lif_007_1
}

lif_007_1 if {
	input.release.safety_class == "A"
}

lif_007_1 if {
	input.lifecycle.build_documented == true
}

# rule LIF-008

deny contains "LIF-008" if not lif_008_passes

lif_008_passes if {
	input.lifecycle.tasks_complete == true
	input.lifecycle.security_findings_resolved == true
	some t in input.scan.tools
	t in input.p.source_scanners
	every f in input.scan.findings { lif_008_1(f) }
}

lif_008_1(f) if {
	f.level != "error"
}

lif_008_1(f) if {
	f.suppressed == true
}

# rule LIF-009

deny contains "LIF-009" if not lif_009_passes

lif_009_passes if {
	count(input.lifecycle.changes) > 0
	every c in input.lifecycle.changes { c.approved == true; c.request_id != "" }
}

# rule LIF-010

deny contains "LIF-010" if not lif_010_passes

lif_010_passes if {
	input.lifecycle.change_safety_analysis == true
	lif_010_1
}

lif_010_1 if {
	input.release.safety_class == "A"
}

lif_010_1 if {
	input.lifecycle.risk_control_impact == true
}

# rule LIF-011

deny contains "LIF-011" if not lif_011_passes

lif_011_passes if {
	every k in ["result", "anomalies", "version", "configuration", "tools", "date", "tester"] { k in object.keys(input.testing.regression_record); input.testing.regression_record[k] != "" }
}

# rule LIF-012

deny contains "LIF-012" if not lif_012_passes

lif_012_passes if {
	input.regulatory.pems == false
}

lif_012_passes if {
	input.regulatory.pems == true
	input.lifecycle.pems_validation in ["repeated", "justified"]
}

# rule PMR-001

deny contains "PMR-001" if not pmr_001_passes

pmr_001_passes if {
	input.fallback.verified == true
	input.fallback.security_version == input.release.security_version + 1
	input.release.id in input.fallback.upgrade_from
	every h in input.release.supported_hw { h in input.fallback.supported_hw }
	input.deploy.rollback_tested == true
	input.deploy.interrupt_safe == true
}

# rule PMR-002

deny contains "PMR-002" if not pmr_002_passes

pmr_002_passes if {
	input.regulatory.cyber_device == false
}

pmr_002_passes if {
	input.regulatory.cyber_device == true
	startswith(input.postmarket.cvd_url, "https://") == true
}

# rule PMR-003

deny contains "PMR-003" if not pmr_003_passes

pmr_003_passes if {
	input.regulatory.cyber_device == false
}

pmr_003_passes if {
	input.regulatory.cyber_device == true
	input.postmarket.cycle_days > 0
	input.postmarket.cycle_days <= input.p.max_cycle_days
	input.postmarket.oob_days > 0
	input.postmarket.cycle_met == true
}

# rule PMR-004

deny contains "PMR-004" if not pmr_004_passes

pmr_004_passes if {
	input.release.kind != "uncontrolled_risk_fix"
}

pmr_004_passes if {
	input.release.kind == "uncontrolled_risk_fix"
	input.postmarket.notice_days <= 30
	input.postmarket.fix_days <= 60
	input.postmarket.isao_member == true
}

# rule PMR-005

deny contains "PMR-005" if not pmr_005_passes

pmr_005_passes if {
	every k in ["login", "config_change", "update", "anomaly"] { k in input.device.log_events }
	input.device.log_export == true
	input.device.time_sync == true
}

# rule PMR-006

deny contains "PMR-006" if not pmr_006_passes

pmr_006_passes if {
	input.device.version_readback in ["attested", "reported"]
}

# rule PMR-007

deny contains "PMR-007" if not pmr_007_passes

pmr_007_passes if {
	input.deploy.stage == "pilot"
}

pmr_007_passes if {
	input.deploy.stage != "pilot"
	input.deploy.pilot_devices >= input.p.pilot_min[sprintf("%v", [input.device.tier])]
	input.deploy.pilot_hours >= input.p.soak_hours[sprintf("%v", [input.device.tier])]
	input.deploy.pilot_safety_failures == 0
}

# rule PMR-008

deny contains "PMR-008" if not pmr_008_passes

pmr_008_passes if {
	input.deploy.clinical_approval_role in input.p.clinical_roles
	input.device.in_clinical_use == false
	input.deploy.backup_capacity == true
}

# rule PRV-001

deny contains "PRV-001" if not prv_001_passes

prv_001_passes if {
	input.privacy.ephi == false
}

prv_001_passes if {
	input.privacy.ephi == true
	input.privacy.unique_users == true
	input.privacy.service_mfa == true
}

# rule PRV-002

deny contains "PRV-002" if not prv_002_passes

prv_002_passes if {
	input.privacy.default_credentials == false
	input.privacy.hardcoded_credentials == false
	some t in input.scan.tools
	t in input.p.secret_scanners
	every f in input.scan.findings { prv_002_1(f) }
}

prv_002_1(f) if {
	false == (f.tool in input.p.secret_scanners)
}

prv_002_1(f) if {
	f.suppressed == true
}

prv_002_1(f) if {
	f.level in ["none", "note"]
}

# rule PRV-003

deny contains "PRV-003" if not prv_003_passes

prv_003_passes if {
	input.privacy.ephi == false
}

prv_003_passes if {
	input.privacy.ephi == true
	prv_003_1
}

prv_003_1 if {
	input.privacy.encrypted_transit == true
}

prv_003_1 if {
	input.privacy.addressable_rationale != ""
}

# rule PRV-004

deny contains "PRV-004" if not prv_004_passes

prv_004_passes if {
	input.privacy.ephi == false
}

prv_004_passes if {
	input.privacy.ephi == true
	input.privacy.audit_controls == true
	input.privacy.integrity_controls == true
	prv_004_1
}

prv_004_1 if {
	input.privacy.encrypted_rest == true
}

prv_004_1 if {
	input.privacy.addressable_rationale != ""
}

# rule PRV-005

deny contains "PRV-005" if not prv_005_passes

prv_005_passes if {
	input.privacy.data_flows_changed == false
}

prv_005_passes if {
	input.privacy.data_flows_changed == true
	input.privacy.risk_analysis_updated == true
}

# rule PRV-006

deny contains "PRV-006" if not prv_006_passes

prv_006_passes if {
	input.privacy.vendor_telemetry == false
}

prv_006_passes if {
	input.privacy.vendor_telemetry == true
	prv_006_1
}

prv_006_1 if {
	input.privacy.telemetry_phi == false
}

prv_006_1 if {
	input.privacy.baa == true
}

# rule RSK-001

deny contains "RSK-001" if not rsk_001_passes

rsk_001_passes if {
	input.risk.file_release_version == input.release.version
}

# rule RSK-002

deny contains "RSK-002" if not rsk_002_passes

rsk_002_passes if {
	input.risk.overall_acceptable == true
	input.risk.review_date != ""
	time.parse_rfc3339_ns(input.risk.review_date) <= time.parse_rfc3339_ns(input.release.released_at)
}

# rule RSK-003

deny contains "RSK-003" if not rsk_003_passes

rsk_003_passes if {
	input.risk.new_risks_assessed == true
	every r in input.risk.items { rsk_003_1(r) }
}

rsk_003_1(r) if {
	r.acceptable == true
}

rsk_003_1(r) if {
	r.benefit_risk_done == true
}

# rule RSK-004

deny contains "RSK-004" if not rsk_004_passes

rsk_004_passes if {
	input.risk.security_method == "exploitability"
	input.risk.threat_model_version == input.release.version
}

# rule RSK-005

deny contains "RSK-005" if not rsk_005_passes

rsk_005_passes if {
	input.risk.approver_role in input.p.mfr_approver_roles
	input.risk.approver_signature_valid == true
}

# rule RSK-006

deny contains "RSK-006" if not rsk_006_passes

rsk_006_passes if {
	input.device.networked == false
}

rsk_006_passes if {
	input.device.networked == true
	input.deploy.it_risk_assessed == true
	input.deploy.it_risk_manager != ""
}

# rule RSK-007

deny contains "RSK-007" if not rsk_007_passes

rsk_007_passes if {
	input.risk.delta_vs_installed in ["lower", "same"]
}

# rule RSK-010

deny contains "RSK-010" if not rsk_010_passes

rsk_010_passes if {
	every t in input.risk.open_threats { t.band in input.p.open_threat_bands }
	every d in input.risk.drift { some r in input.p.drift_tolerated; startswith(d, concat("", [r, ": "])) == true }
}

# rule SBM-001

deny contains "SBM-001" if not sbm_001_passes

sbm_001_passes if {
	input.sbom.present == true
	input.sbom.format in ["CycloneDX", "SPDX"]
}

# rule SBM-002

deny contains "SBM-002" if not sbm_002_passes

sbm_002_passes if {
	input.sbom.author != ""
	startswith(input.sbom.timestamp, "1970-01-01") == false
	every c in input.sbom.components { c.name != ""; c.version != ""; c.supplier != ""; count(c.ids) > 0; c.dependency_declared == true }
}

# rule SBM-003

deny contains "SBM-003" if not sbm_003_passes

sbm_003_passes if {
	input.regulatory.cyber_device == false
}

sbm_003_passes if {
	input.regulatory.cyber_device == true
	every c in input.sbom.components { c.support_level in ["maintained", "not_maintained", "abandoned"]; c.end_of_support != "" }
}

# rule SBM-004

deny contains "SBM-004" if not sbm_004_passes

sbm_004_passes if {
	every c in input.sbom.components { sbm_004_1(c) }
}

sbm_004_1(c) if {
	c.replacement_plan == true
}

sbm_004_1(c) if {
	c.support_level == "maintained"
	c.end_of_support != ""
	time.parse_rfc3339_ns(c.end_of_support) > time.parse_rfc3339_ns(input.now) + ((input.p.eos_horizon_days * 24) * 3600000000000)
}

# rule SBM-005

deny contains "SBM-005" if not sbm_005_passes

sbm_005_passes if {
	input.sbom.subject_digest == input.release.digest
}

# rule SBM-006

deny contains "SBM-006" if not sbm_006_passes

sbm_006_passes if {
	input.regulatory.cyber_device == false
}

sbm_006_passes if {
	input.regulatory.cyber_device == true
	every o in ["commercial", "open_source", "ots"] { o in input.sbom.origins }
	input.sbom.transitive == true
	input.sbom.known_unknowns_declared == true
}

# rule SBM-007

deny contains "SBM-007" if not sbm_007_passes

sbm_007_passes if {
	every c in input.sbom.components { sbm_007_1(c) }
}

sbm_007_1(c) if {
	c.soup == false
}

sbm_007_1(c) if {
	c.name != ""
	c.supplier != ""
	c.version != ""
}

# rule SBM-008

deny contains "SBM-008" if not sbm_008_passes

sbm_008_passes if {
	every c in input.sbom.components { sbm_008_1(c) }
}

sbm_008_1(c) if {
	c.soup == false
}

sbm_008_1(c) if {
	c.soup_requirements == true
	c.anomaly_list_evaluated == true
}

# rule SBM-009

deny contains "SBM-009" if not sbm_009_passes

sbm_009_passes if {
	count(input.scan.undeclared) == 0
}

# rule SIG-001

deny contains "SIG-001" if not sig_001_passes

sig_001_passes if {
	input.signature.verified == true
}

# rule SIG-002

deny contains "SIG-002" if not sig_002_passes

sig_002_passes if {
	input.signature.enrolled == true
	input.signature.revoked == false
	time.parse_rfc3339_ns(input.signature.signed_at) <= time.parse_rfc3339_ns(input.signature.cert_not_after)
}

# rule SIG-003

deny contains "SIG-003" if not sig_003_passes

sig_003_passes if {
	input.release.digest == input.release.manifest_digest
	every k in ["digest", "version", "security_version", "target"] { k in input.signature.covers }
}

# rule SIG-004

deny contains "SIG-004" if not sig_004_passes

sig_004_passes if {
	sig_004_1
}

sig_004_1 if {
	input.release.security_version >= input.device.security_version
}

sig_004_1 if {
	input.release.downgrade_authorised == true
}

# rule SIG-005

deny contains "SIG-005" if not sig_005_passes

sig_005_passes if {
	input.signature.key_custody in ["hsm", "kms-hsm"]
}

# rule SIG-006

deny contains "SIG-006" if not sig_006_passes

sig_006_passes if {
	input.provenance.verified == true
	input.provenance.slsa_build_level >= input.p.slsa_min[sprintf("%v", [input.device.tier])]
}

# rule SIG-007

deny contains "SIG-007" if not sig_007_passes

sig_007_passes if {
	input.device.secure_boot == true
}

# rule SIG-008

deny contains "SIG-008" if not sig_008_passes

sig_008_passes if {
	time.parse_rfc3339_ns(input.release.manifest_expires) > time.parse_rfc3339_ns(input.now)
}

# rule SIG-010

deny contains "SIG-010" if not sig_010_passes

sig_010_passes if {
	sig_010_1
}

sig_010_1 if {
	input.release.development_keys == false
}

sig_010_1 if {
	input.p.allow_development_keys == true
}

# rule VUL-001

deny contains "VUL-001" if not vul_001_passes

vul_001_passes if {
	every v in input.vulns { vul_001_1(v) }
}

vul_001_1(v) if {
	v.kev == false
}

vul_001_1(v) if {
	false == (v.status in ["affected", "under_investigation"])
	vul_001_2(v)
}

vul_001_2(v) if {
	v.status != "fixed"
}

vul_001_2(v) if {
	v.matched != "affected"
}

# rule VUL-002

deny contains "VUL-002" if not vul_002_passes

vul_002_passes if {
	every v in input.vulns { vul_002_1(v) }
}

vul_002_1(v) if {
	v.status in ["fixed", "not_affected"]
}

vul_002_1(v) if {
	v.risk_state == "controlled"
}

# rule VUL-003

deny contains "VUL-003" if not vul_003_passes

vul_003_passes if {
	every v in input.vulns { vul_003_1(v) }
}

vul_003_1(v) if {
	v.status in ["fixed", "affected"]
}

vul_003_1(v) if {
	v.status == "not_affected"
	v.justification != ""
}

# rule VUL-004

deny contains "VUL-004" if not vul_004_passes

vul_004_passes if {
	every v in input.vulns { vul_004_1(v) }
}

vul_004_1(v) if {
	v.status != "affected"
}

vul_004_1(v) if {
	v.control_verified == true
}

vul_004_1(v) if {
	"cvss" in object.keys(v)
	v.cvss < input.p.cvss_block[sprintf("%v", [input.device.tier])]
}

# rule VUL-005

deny contains "VUL-005" if not vul_005_passes

vul_005_passes if {
	every v in input.vulns { v.cvss_version in ["3.1", "4.0"]; v.cvss_vector != ""; vul_005_1(v) }
}

vul_005_1(v) if {
	v.status != "affected"
}

vul_005_1(v) if {
	v.rubric == true
}

# rule VUL-006

deny contains "VUL-006" if not vul_006_passes

vul_006_passes if {
	every v in input.vulns { vul_006_1(v) }
}

vul_006_1(v) if {
	v.status != "affected"
}

vul_006_1(v) if {
	vul_006_2(v)
	vul_006_3(v)
}

vul_006_2(v) if {
	v.kev == true
}

vul_006_2(v) if {
	"epss" in object.keys(v)
}

vul_006_3(v) if {
	v.kev == true
	1.0 * input.p.exposure[input.device.exposure] < input.p.epss_limit
}

vul_006_3(v) if {
	v.kev == false
	v.epss * input.p.exposure[input.device.exposure] < input.p.epss_limit
}

# rule VUL-007

deny contains "VUL-007" if not vul_007_passes

vul_007_passes if {
	every v in input.vulns { vul_007_1(v) }
}

vul_007_1(v) if {
	v.status in ["fixed", "not_affected"]
}

vul_007_1(v) if {
	input.p.harm_matrix[sprintf("%v", [v.harm_severity])][(v.exploitability - 1)] != "U"
}

# rule VUL-008

deny contains "VUL-008" if not vul_008_passes

vul_008_passes if {
	input.scan.binary_sca == true
	some t in input.scan.tools
	t in input.p.binary_scanners
	time.parse_rfc3339_ns(input.scan.db_date) >= time.parse_rfc3339_ns(input.now) - ((input.p.scan_max_age_days * 24) * 3600000000000)
}

# rule VUL-009

deny contains "VUL-009" if not vul_009_passes

vul_009_passes if {
	every v in input.vulns { vul_009_1(v) }
}

vul_009_1(v) if {
	v.status != "affected"
}

vul_009_1(v) if {
	v.fix_by != ""
	time.parse_rfc3339_ns(v.fix_by) >= time.parse_rfc3339_ns(input.now)
	time.parse_rfc3339_ns(v.fix_by) <= time.parse_rfc3339_ns(input.now) + ((input.p.fix_days[v.band] * 24) * 3600000000000)
}

# rule VUL-010

deny contains "VUL-010" if not vul_010_passes

vul_010_passes if {
	every k in input.p.test_kinds { k in input.testing.kinds }
	input.testing.version == input.release.version
}

# rule VUL-011

deny contains "VUL-011" if not vul_011_passes

vul_011_passes if {
	input.testing.pentest_independent == true
	input.testing.open_high_findings == 0
	input.testing.pentest_date != ""
	time.parse_rfc3339_ns(input.testing.pentest_date) <= time.parse_rfc3339_ns(input.now)
	time.parse_rfc3339_ns(input.testing.pentest_date) >= time.parse_rfc3339_ns(input.now) - ((input.p.pentest_max_age_days * 24) * 3600000000000)
}

# rule VUL-012

deny contains "VUL-012" if not vul_012_passes

vul_012_passes if {
	every v in input.vulns { vul_012_1(v) }
}

vul_012_1(v) if {
	v.status != "affected"
}

vul_012_1(v) if {
	v.id in input.device.installed_affected
}

# rule VUL-020

deny contains "VUL-020" if not vul_020_passes

vul_020_passes if {
	every k in input.p.blackbox_kinds { k in input.testing.watched }
	input.testing.inputs >= input.p.fuzz_min_inputs
	input.testing.result in ["PASSED", "WARNED"]
	count(input.testing.open_failures) == 0
}

# rule VUL-021

deny contains "VUL-021" if not vul_021_passes

vul_021_passes if {
	every f in input.scan.own_findings { f.level in ["none", "note"] }
}

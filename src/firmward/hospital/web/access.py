"""The access table: every route of every listener, and who may use it.

Deny by default: `plane.build` refuses to start when a route has no row here or a row has no route.
No row, and no function behind one, admits a release: only the gate does.
"""

from typing import Final

ACCESS: Final[dict[str, frozenset[str]]] = {
    # The enrolment listener: a factory identity of an onboarded vendor.
    "est-cacerts": frozenset({"factory"}),
    "est-enrol": frozenset({"factory"}),
    # The device plane: a device, about itself only.
    "register": frozenset({"device"}),
    "check-in": frozenset({"device"}),
    "director": frozenset({"device"}),
    "image": frozenset({"device"}),
    "blob": frozenset({"device"}),
    "report": frozenset({"device"}),
    "vitals": frozenset({"device"}),
    # The people plane: by role; "vendor" is a vendor's pipeline, about its own things only.
    "status": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "vendor-add": frozenset({"sec"}),
    "vendor-webhook": frozenset({"sec"}),
    "declare": frozenset({"biomed", "sec", "risk", "clin"}),
    "devices-expect": frozenset({"biomed"}),
    "bundle": frozenset({"vendor", "biomed"}),
    "judge-again": frozenset({"biomed", "sec"}),
    "vendor-renew": frozenset({"vendor", "biomed"}),
    "releases": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "devices": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "rollouts": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "rollout-stop": frozenset({"biomed", "sec"}),
    "quarantine": frozenset({"sec", "biomed"}),
    "review": frozenset({"sec", "biomed", "risk"}),
    "tickets": frozenset({"biomed", "sec", "risk", "auditor", "vendor"}),
    "incident": frozenset({"biomed", "sec", "auditor", "vendor"}),
    "reporter": frozenset({"biomed", "sec"}),
    "events": frozenset({"biomed", "sec", "risk", "auditor"}),
    "advisories": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "advisories-update": frozenset({"sec", "biomed"}),
    "exposures": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    # Verdicts: reading only; a case file holds the evidence, which is the vendors' as well.
    "verdicts": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "verdict": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "verdict-page": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "verdict-case": frozenset({"sec", "risk", "auditor"}),
    "adoption": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    # Exceptions: who may try; what an approval counts for is in its signature.
    "exceptions": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "exception": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "exception-request": frozenset({"biomed", "sec"}),
    "exception-approve": frozenset({"sec", "biomed", "clin", "risk"}),
    "exception-revoke": frozenset({"sec", "risk", "biomed"}),
    "exception-review": frozenset({"risk", "sec"}),
    "controls": frozenset({"biomed", "sec", "risk", "clin", "auditor"}),
    "control-measured": frozenset({"biomed", "sec"}),
}

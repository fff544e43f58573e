"""What Dependency-Track's policies can say of the packs' rules, by its documentation.

It cannot run here: it needs a server, a database and downloads of its own.  Read for 5.2, in
https://github.com/DependencyTrack/docs (docs/reference/policies, docs/concepts).
An expression sees a component, its project, its vulnerabilities and the time, and nothing else.
"""

FROM_ITS_OWN_DATA = {
    "VUL-001": "is_kev; a suppressed finding raises no violation",
    "VUL-004": "CVSS base scores, with the clinical tier as a project tag",
    "VUL-006": "epss_score and is_kev, with the exposure as a project tag",
}
"""Rules over what it stores itself."""

FROM_PROPERTIES = {
    "SBM-003": "support level and end of support as component properties, which are strings",
    "SBM-004": "the same, and replacement plan; the time by timestamp() of a string",
    "SBM-008": "SOUP marks as component properties",
}
"""Rules that it could say if somebody wrote the evidence into components' free properties."""

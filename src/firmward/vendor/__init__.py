"""The vendor: from a commit to a signed bundle that a hospital can judge.

Parties and keys: the vendor alone holds what is in `keys.py`; a build never sees them.  The
hospital trusts only what it pinned when it onboarded the vendor (terms.onboarding), so whoever
takes over this package's machine can sign as the vendor, and still cannot order a device to
install anything.
"""

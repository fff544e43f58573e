"""What is known of vulnerabilities, read from every official format into one shape.

Vendor and hospital each keep an index of their own and match by themselves; neither takes the
other's word.  Nothing here knows of releases, devices or policy.
"""

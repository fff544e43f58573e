"""The simulated world: emulated devices, paper vendors, faults and attacks.

The only package that may reach into all three domains, because it plays all of their parts.
"""

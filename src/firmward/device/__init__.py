"""The agent on a device: it checks in, verifies, installs, tries, keeps or reverts, and reports.

Whom it trusts: the vendor for what exists, the hospital for what is wanted, itself for what it is.
It acts only where all three agree.  The network, the server and the disk are trusted with nothing
but availability.
"""

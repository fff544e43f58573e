"""The words all three domains share: frozen types, to and from bytes.

No clock, disk, network, chance or cryptography: whoever imports this package gains vocabulary,
never power.
"""

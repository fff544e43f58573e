"""The auditor: whoever holds the ledger's public folder and its verifier key, and nothing else.

Trusts one key, and that only to have signed the checkpoint.  The hospital that wrote the folder is
the party under audit, so every byte in it is a claim until it has been recomputed.
"""

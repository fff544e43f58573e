"""Exceptions: who may let a rule's exact failure stand, for what, for how long, and when it ends.

Parties: the requester asks and never approves; each approver signs the exact text with the key of
their own certificate; the gate judges every grant again, by EXC-001 to EXC-007, whenever it is to
be used.  Pure: no clock, no disk, no environment.

If an approver's key is stolen, its thief can give one of the approvals; it cannot give two, nor
make one count for another text.
"""
